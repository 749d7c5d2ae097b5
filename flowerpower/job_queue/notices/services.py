"""Notices to the services that Apprise knows; it is imported when the first one is sent."""

from __future__ import annotations

import importlib
import logging
import threading
from typing import Any

from flowerpower.job_queue.notices.outcome import NotSent
from flowerpower.text import mask, one_line, shortened


class _Remarks(logging.Handler):
    """What Apprise logs while one thread sends: why it failed, which its answer does not say."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record of this thread."""
        if record.thread == self._thread:
            self.texts.append(record.getMessage())


def notify_service(url: str, title: str, text: str) -> None:
    """Send a notice to the service at one of Apprise's URLs.

    Raises:
        NotSent: with what Apprise says, without the URL.
    """
    try:
        apprise: Any = importlib.import_module("apprise")
    except ImportError:
        raise NotSent(
            "the package apprise is not installed: pip install 'flowerpower-cli[notify]'"
        ) from None
    logger, remarks = logging.getLogger("apprise"), _Remarks()
    # Its records may hold the URL, and the worker's log is no place for that.
    logger.propagate = False
    logger.addHandler(remarks)
    try:
        # Texts of users are no markup, and name no files.
        asset = apprise.AppriseAsset(
            app_id="flowerpower", app_desc="flowerpower", async_mode=False, body_format="text"
        )
        service = apprise.Apprise(asset=asset)
        is_known = service.add(url)
        is_sent = is_known and service.notify(
            body=text, title=title, body_format=apprise.NotifyFormat.TEXT
        )
    except Exception as error:  # noqa: BLE001 - a plugin of any service may raise anything
        raise NotSent(one_line(mask(f"{type(error).__name__}: {error}"))) from None
    finally:
        logger.removeHandler(remarks)
    if not is_known:
        raise NotSent("Apprise does not know a service of this URL")
    if not is_sent:
        said = "; ".join(remarks.texts[-2:])
        raise NotSent(shortened(one_line(mask(said)), 300) or "Apprise could not send it")
