"""How many short jobs a worker may claim beyond its free slots."""

from __future__ import annotations

from flowerpower.job_queue.worker_options import WorkerOptions

HORIZON = 0.1
"""Seconds of work that may be claimed ahead; a job never waits longer behind another one."""
MAX_PREFETCH = 128
MAX_AHEAD = 8
"""How many attempts may wait in a child."""
AHEAD = 0.02
"""Seconds of work that may wait there."""
BATCH_DELAY = 0.02
"""Seconds to wait for more results, so that they are written in one call."""


class Prefetch:
    """Decides from the duration of past attempts how many jobs may wait in a worker.

    Only a worker that reuses its children prefetches, and only while its jobs are much shorter
    than HORIZON: no other worker can run what waits here.
    """

    def __init__(self, options: WorkerOptions) -> None:
        self.is_enabled = options.jobs_per_child > 1 and options.max_jobs is None
        self._average = HORIZON

    def limit(self, quick_slots: int) -> int:
        """How many jobs may wait, if `quick_slots` slots hold no long attempt."""
        if not self.is_enabled or self._average >= HORIZON:
            return 0
        return min(MAX_PREFETCH, int(quick_slots * (HORIZON / max(self._average, 0.001) - 1)))

    def ahead(self) -> int:
        """How many attempts may wait in a child for the one that it makes."""
        if not self.is_enabled:
            return 0
        return min(MAX_AHEAD, int(AHEAD / max(self._average, 0.001)))

    @property
    def batch_delay(self) -> float:
        """Seconds to wait for more results before writing."""
        return BATCH_DELAY if self.limit(1) else 0.0

    def observe(self, seconds: float) -> None:
        """Take the duration of an attempt into account."""
        # One long job counts fully at once, because others may wait behind the next one like it;
        # short jobs win the trust back slowly.
        weight = 1.0 if seconds > self._average else 0.2
        self._average += weight * (seconds - self._average)
