"""Telling of what a worker does, to a watcher that may be slow, broken or blocked."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from flowerpower.job_queue.base import WorkerEvent
from flowerpower.triggers import clock

MOST_WAITING = 10_000
"""Events; what a watcher that blocks does not take is dropped."""
LAST_WORDS = 2.0
"""Seconds that the last events may take at the end."""
SAME_TROUBLE_EVERY = 30.0
"""Seconds before the same trouble is told again."""


class Events:
    """Tells `on_event` one event after another, in a thread of its own, from any thread."""

    def __init__(self, on_event: Callable[[WorkerEvent], None] | None) -> None:
        self._on_event = on_event
        self._queue: queue.Queue[WorkerEvent | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._troubles: dict[str, float] = {}

    def start(self) -> None:
        """Begin to tell."""
        if self._on_event is not None:
            self._thread.start()

    def tell(self, kind: str, **facts: Any) -> None:
        """Have it told; never waits."""
        if self._on_event is not None:
            try:
                self._queue.put_nowait(WorkerEvent(kind, facts))
            except queue.Full:
                return

    def trouble(self, reason: str) -> None:
        """The worker is in trouble and goes on; the same is not told over and over."""
        now = clock.monotonic()
        if now < self._troubles.get(reason, 0.0):
            return
        if len(self._troubles) > 100:
            self._troubles.clear()
        self._troubles[reason] = now + SAME_TROUBLE_EVERY
        self.tell("trouble", reason=reason)

    def close(self) -> None:
        """Everything is told, or the watcher has had its time."""
        if self._thread.ident is not None:
            try:
                self._queue.put(None, timeout=LAST_WORDS)
            except queue.Full:
                return
            self._thread.join(LAST_WORDS)

    def _run(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                self._on_event(event)  # type: ignore[misc] # there is no thread without one
            except Exception:
                logging.getLogger(__name__).warning(
                    "An event of the worker could not be told: %s", event, exc_info=True
                )
