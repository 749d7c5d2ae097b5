"""Sending one notice to one target, or the ping of a fire."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from flowerpower.config.notify import SEND_TIMEOUT, TargetConfig
from flowerpower.job_queue.notices import commands, services, web
from flowerpower.jobs.event import EventKind
from flowerpower.jobs.notice import Notice
from flowerpower.jobs.notice_text import NoticeText
from flowerpower.text import mask, mask_values, one_line
from flowerpower.triggers import clock

SIGNATURE = "X-Flowerpower-Signature"
TIMESTAMP = "X-Flowerpower-Timestamp"
NOTICE_ID = "X-Flowerpower-Id"


def send_notice(target: TargetConfig, text: NoticeText, root: Path) -> None:
    """Send a notice to a target; returns once that has taken it.

    Commands run in `root`, the project's folder.

    Raises:
        NotSent: if it has not, or within its timeout nobody knows.
    """
    body = json.dumps(mask_values(text.to_json()), ensure_ascii=True).encode()
    if target.webhook is not None:
        headers = webhook_headers(text.notice.id, body, target.secret)
        web.request("POST", target.webhook, body, headers, target.timeout)
    elif target.apprise is not None:
        title, body_text = text.title, text.body
        services.notify_service(target.apprise, title, body_text, root, target.timeout)
    else:
        line = body + b"\n"
        commands.run_command(target.command or "", root, line, _variables(text), target.timeout)


def webhook_headers(notice_id: str, body: bytes, secret: str | None) -> dict[str, str]:
    """The headers of a webhook's request; with a secret the body is signed, with the time now.

    The signature is that of `TIMESTAMP.BODY`, so that an old request cannot be sent again as new.
    """
    timestamp = str(int(clock.now().timestamp()))
    headers = {"Content-Type": "application/json", NOTICE_ID: notice_id, TIMESTAMP: timestamp}
    if secret is not None:
        signed = f"{timestamp}.".encode() + body
        digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        headers[SIGNATURE] = f"sha256={digest}"
    return headers


def send_ping(url: str, notice: Notice, text: NoticeText) -> None:
    """Tell a dead man's switch how the job of a fire ended: URL, or URL/fail with the error.

    Raises:
        NotSent: as `send_notice`.
    """
    event = notice.events[0] if notice.events else {}
    headers = {NOTICE_ID: notice.id}
    if event.get("kind") == EventKind.FINISHED:
        web.request("GET", url, None, headers, SEND_TIMEOUT)
        return
    parts = urlsplit(url)
    failed = urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/fail"))
    headers["Content-Type"] = "text/plain; charset=utf-8"
    web.request("POST", failed, text.body.encode(), headers, SEND_TIMEOUT)


def _variables(text: NoticeText) -> dict[str, str]:
    """Short facts for a command: of the first event, if there are several."""
    notice = text.notice
    event = notice.events[0] if notice.events else {}
    facts = event.get("facts")
    facts = facts if isinstance(facts, dict) else {}
    values = {
        "NOTICE_ID": notice.id,
        "NOTICE_KIND": notice.kind,
        "NOTICE_COUNT": notice.count,
        "NOTICE_TITLE": text.title,
        "NOTICE_TEXT": text.body,
        "PROJECT": text.project,
        "PIPELINE": facts.get("pipeline"),
        "SCHEDULE_ID": facts.get("schedule_id"),
        "JOB_ID": facts.get("job_id"),
    }
    # The folder of the Python that runs this: `flowerpower` is found in a command, too.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    variables = {"PATH": path}
    for name, value in values.items():
        text_value = "" if value is None else str(value)
        # A record may be damaged: no NUL and no half of a character reaches the environment.
        lines = [one_line(mask(line)) for line in text_value.split("\n")]
        variables[f"FLOWERPOWER_{name}"] = "\n".join(lines)
    return variables
