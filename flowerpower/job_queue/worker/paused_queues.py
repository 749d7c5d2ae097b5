"""Which of a worker's queues are paused, and the events that say when that changes."""

from __future__ import annotations

from collections.abc import Collection

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.scheduler import Every

LOOK_EVERY = 1.0
"""Seconds between two looks."""


class PausedQueues:
    """The paused ones of `queues`, as they were at the last look."""

    def __init__(self, backend: JobQueueBackend, queues: Collection[str], events: Events) -> None:
        self._backend = backend
        self._queues = queues
        self._events = events
        self._looking = Every(LOOK_EVERY)
        self._paused: set[str] = set()

    def look_if_due(self) -> None:
        """As `look`, every LOOK_EVERY seconds."""
        if self._looking.is_due():
            self.look()

    def look(self) -> None:
        """Say which queues were paused or resumed since the last look."""
        paused = set(self._queues) & self._backend.paused_queues().keys()
        for kind, names in (
            ("queue_paused", paused - self._paused),
            ("queue_resumed", self._paused - paused),
        ):
            if names:
                self._events.emit(kind, queues=sorted(names))
        self._paused = paused
