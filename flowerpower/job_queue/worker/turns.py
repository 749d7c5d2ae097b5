"""Leaving the places of limits to workers of other queues: one that frees a place comes second.

Whoever frees a place knows it at once, and the others only at their next look. Without this a job
of another queue would wait as long as the worker's own queue has jobs for the place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace

from flowerpower.job_queue.worker.scheduler import Every
from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.limits import Limits
from flowerpower.triggers import clock

LONGEST = 0.2
"""Seconds that a place is left to others: some of their looks."""
SHARE = 0.1
"""Of the time that the attempt has taken: where nobody else wants it, this is what it costs."""
LOOK_EVERY = 5.0
"""Seconds between two looks whether there are workers of other queues."""


class Turns:
    """Which limits a worker of these queues leaves to others now."""

    def __init__(self, queues: Iterable[str]) -> None:
        self.looking = Every(LOOK_EVERY)
        self._queues = frozenset(queues)
        self._has_others = False
        self._lock = threading.Lock()
        self._left_until: dict[str, float] = {}

    def look(self, workers: Sequence[WorkerInfo]) -> None:
        """Take into account who works."""
        self._has_others = any(frozenset(worker.queues) != self._queues for worker in workers)

    def note_end(self, pipeline: str, seconds: float) -> None:
        """An attempt that took so long has freed its places."""
        if self._has_others:
            until = clock.monotonic() + min(LONGEST, seconds * SHARE)
            with self._lock:
                self._left_until[pipeline] = until

    def without_others_turn(self, limits: Limits) -> Limits:
        """The limits, with no place in those that are left to others now."""
        with self._lock:
            if not self._left_until:
                return limits
            now = clock.monotonic()
            self._left_until = {
                pipeline: until for pipeline, until in self._left_until.items() if until > now
            }
            left = [limits.of_pipeline.get(pipeline, ()) for pipeline in self._left_until]
        names = frozenset().union(*left)
        by_name = {
            name: replace(limit, at_once=0) if name in names and limit.at_once else limit
            for name, limit in limits.by_name.items()
        }
        return replace(limits, by_name=by_name) if names else limits
