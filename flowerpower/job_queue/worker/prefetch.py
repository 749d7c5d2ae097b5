"""How many jobs a worker claims ahead of its free slots, so that kept children need not wait."""

from __future__ import annotations

from flowerpower.job_queue.base import WorkerOptions

HORIZON = 0.1
"""Seconds of work that may be claimed ahead; a longer job is never waited behind for more."""
MOST_AHEAD = 64
GATHER = 0.01
"""Seconds that ends of attempts are gathered for, to be written together."""


class Prefetch:
    """From how long attempts take to how many may wait in a worker.

    Only a worker that keeps its children claims ahead, and only while its jobs are much shorter
    than HORIZON: what waits here, nobody else can do.
    """

    def __init__(self, options: WorkerOptions) -> None:
        self._is_on = options.jobs_per_child > 1 and options.max_jobs is None
        self._seconds = HORIZON

    def count(self, quick_slots: int) -> int:
        """How many may be claimed beyond the slots, of which so many hold no long attempt."""
        if not self._is_on or self._seconds >= HORIZON:
            return 0
        return min(MOST_AHEAD, int(quick_slots * (HORIZON / max(self._seconds, 0.001) - 1)))

    @property
    def gather(self) -> float:
        """Seconds to wait for more ends before some are written."""
        return GATHER if self.count(1) else 0.0

    def note(self, seconds: float) -> None:
        """An attempt took so long; a long one counts at once, short ones little by little."""
        share = 1.0 if seconds > self._seconds else 0.2
        self._seconds += share * (seconds - self._seconds)
