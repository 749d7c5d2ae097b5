"""Notices to the services that Apprise knows, each by a process of its own.

So a worker need not import Apprise, which takes half a second and much memory, and a service that
hangs is ended: Apprise sends in threads that nothing ends, and that the end of a process waits for.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from flowerpower.job_queue.notices.commands import run_program
from flowerpower.job_queue.notices.outcome import NotSent

NOT_INSTALLED = "the package apprise is not installed: pip install 'flowerpower-cli[notify]'"


def notify_service(url: str, title: str, text: str, folder: Path, timeout: float) -> None:
    """Send a notice to the service at one of Apprise's URLs.

    Raises:
        NotSent: with what Apprise says, without the URL.
    """
    # -P: nothing in the project's folder is taken for a module of Apprise's. On its input, because
    # others can read the arguments of a process.
    argv = [sys.executable, "-P", "-m", __name__]
    content = json.dumps({"url": url, "title": title, "text": text}).encode()
    code, said = run_program(argv, folder, content, {}, timeout)
    if code != 0:
        raise NotSent(said or f"Apprise's process ended with {code}")


def main() -> int:
    """Send the notice on standard input; write why that did not work to standard output."""
    reason = _why_not_sent(json.load(sys.stdin))
    sys.stdout.write(reason)
    return 1 if reason else 0


def _why_not_sent(notice: dict[str, str]) -> str:
    """Send it; an empty text if it has arrived."""
    try:
        apprise: Any = importlib.import_module("apprise")
    except ImportError:
        return NOT_INSTALLED
    asset = apprise.AppriseAsset(app_id="flowerpower", app_desc="flowerpower")
    service = apprise.Apprise(asset=asset)
    if not service.add(notice["url"]):
        return "Apprise does not know a service of this URL"
    # What users wrote is no markup.
    answer = service.notify(
        body=notice["text"], title=notice["title"], body_format=apprise.NotifyFormat.TEXT
    )
    if answer:
        return ""
    said = [entry.message for entry in answer.logs() if entry.level in ("WARNING", "ERROR")]
    return "; ".join(said[-2:]) or "Apprise could not send it"


if __name__ == "__main__":
    sys.exit(main())
