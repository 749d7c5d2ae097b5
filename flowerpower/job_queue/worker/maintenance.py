"""What every worker and every scheduler does for the whole queue, and whether it can reach it.

Each of them looks for dead workers, whose beat did not change for one lease, and deletes old
records: a queue whose last worker was killed is put right by whoever comes next.
"""

from __future__ import annotations

from collections.abc import Mapping

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.worker.events import Events
from flowerpower.triggers import clock

RETRY_EVERY = 1.0
"""Seconds before the next call to a backend that did not answer."""
PRUNE_EVERY = 60.0


class Every:
    """Something to do at most once in `seconds`, for the first time at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due_at = 0.0

    def is_due(self) -> bool:
        """Whether it is time; if so, the next time is `seconds` from now."""
        now = clock.monotonic()
        if now < self._due_at:
            return False
        self._due_at = now + self._seconds
        return True


class Reaper:
    """Watches the beats of workers on the monotonic clock, so that no wall clock can mislead it.

    After half a lease without a look everyone has a full lease again. The backend was away, or this
    process was frozen, and then the others may not have been able to beat either.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._seen: dict[str, tuple[int, float]] = {}
        self._last_look = 0.0

    def dead(self, beats: Mapping[str, int], now: float) -> dict[str, int]:
        """Of the `beats` seen at the monotonic time `now`, those unchanged for a lease."""
        if now - self._last_look > self._lease / 2:
            self.forget()
        self._last_look = now
        seen = {}
        for worker, beat in beats.items():
            old_beat, since = self._seen.get(worker, (None, now))
            seen[worker] = (beat, since if old_beat == beat else now)
        self._seen = seen
        return {
            worker: beat for worker, (beat, since) in seen.items() if now - since >= self._lease
        }

    def forget(self) -> None:
        """Give everyone a full lease again."""
        self._seen = {}


class Maintenance:
    """Requeues the jobs of dead workers, prunes old records, and reports a lost backend."""

    def __init__(self, backend: JobQueueBackend, events: Events, lease: float) -> None:
        self._backend = backend
        self._events = events
        self._reaper = Reaper(lease)
        self._reaping, self._pruning = Every(lease / 10), Every(PRUNE_EVERY)
        self._unreachable_since: float | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether the backend answered the last call."""
        return self._unreachable_since is None

    def run_due(self, own_id: str = "") -> None:
        """Do what is due; `own_id` is the worker that asks, which never judges itself.

        Raises:
            BackendUnreachable: if the backend does not answer.
        """
        if self._reaping.is_due():
            beats = self._backend.beats()
            beats.pop(own_id, None)
            for worker, beat in self._reaper.dead(beats, clock.monotonic()).items():
                # The beat goes with it: a worker that has beaten since keeps its jobs.
                jobs = self._backend.requeue_lost_jobs_of(worker, beat)
                self._events.emit("worker_died", worker=worker, jobs=jobs)
        if self._pruning.is_due():
            self._backend.prune()

    def note_unreachable(self, error: BackendUnreachable) -> float:
        """The backend did not answer; how many seconds this has lasted."""
        self._reaper.forget()
        now = clock.monotonic()
        if self._unreachable_since is None:
            self._unreachable_since = now
            self._events.emit("unreachable", reason=error.message)
        return now - self._unreachable_since

    def note_reachable(self) -> None:
        """The backend answered."""
        if self._unreachable_since is not None:
            seconds = round(clock.monotonic() - self._unreachable_since, 1)
            self._unreachable_since = None
            self._events.emit("reachable", after_seconds=seconds)
