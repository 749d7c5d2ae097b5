"""Reports what a worker does to a callback that may be slow, broken or blocked."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from flowerpower.job_queue.worker_options import WorkerEvent
from flowerpower.jobs.claim import ExpiredJob
from flowerpower.triggers import clock

MAX_WAITING = 10_000
"""Events; further ones are dropped while the callback blocks."""
CLOSE_TIMEOUT = 2.0
"""Seconds that the last events may take at the end."""
GATHER = 0.005
"""Seconds to wait for further events before the callback is called: many ends come at once, and to
wake a thread for each of them takes longer than most callbacks."""
SAME_TROUBLE_EVERY = 30.0
"""Seconds before the same trouble is reported again."""


class Events:
    """Calls `on_event` with one event after another, in its own thread; for use by any thread.

    `listeners` of an engine's events are called in the same way.
    """

    # In a thread of its own: a callback that writes to a full pipe would otherwise stop heartbeats,
    # and with them the lease.

    def __init__(
        self, on_event: Callable[[WorkerEvent], None] | None, *, has_listeners: bool = False
    ) -> None:
        self._on_event = on_event
        self._is_needed = on_event is not None or has_listeners
        # Not a Queue with a limit: to put one event in would take 2 µs more, in the recorder.
        self._queue: queue.SimpleQueue[tuple[Callable[[Any], object], Any] | None]
        self._queue = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._muted_until: dict[str, float] = {}

    def start(self) -> None:
        """Start the thread."""
        if self._is_needed:
            self._thread.start()

    def emit(self, kind: str, **facts: Any) -> None:
        """Queue an event; never waits."""
        if self._on_event is not None:
            self.send(self._on_event, WorkerEvent(kind, facts))

    def send(self, callback: Callable[[Any], object], event: Any) -> None:
        """Have a callback called with an event; never waits."""
        if self._queue.qsize() < MAX_WAITING:
            self._queue.put((callback, event))

    def job_expired(self, job: ExpiredJob) -> None:
        """Emit "expired": the job had waited too long and was cancelled."""
        self.emit(
            "expired", job=job.id, pipeline=job.pipeline, expires=job.expires, reason=job.reason
        )

    def trouble(self, reason: str) -> None:
        """Emit "trouble": the worker has a problem and goes on. The same one is not repeated."""
        now = clock.monotonic()
        if now < self._muted_until.get(reason, 0.0):
            return
        # Reasons hold error texts, so there may be any number of them.
        if len(self._muted_until) > 100:
            self._muted_until.clear()
        self._muted_until[reason] = now + SAME_TROUBLE_EVERY
        self.emit("trouble", reason=reason)

    def close(self) -> None:
        """Wait until all events are delivered, at most CLOSE_TIMEOUT."""
        if self._thread.ident is not None:
            self._queue.put(None)
            self._thread.join(CLOSE_TIMEOUT)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._queue.empty():
                time.sleep(GATHER)
            callback, event = item
            try:
                callback(event)
            except Exception:
                logging.getLogger(__name__).warning(
                    "The event callback raised an error for %s", event, exc_info=True
                )
