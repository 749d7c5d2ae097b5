"""Looks at a job queue again and again, and tells what has happened in between."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from flowerpower.errors import JobNotFound
from flowerpower.jobs.counter import CounterKind
from flowerpower.jobs.job import Job
from flowerpower.jobs.schedule import Outcome
from flowerpower_cli.watch.changes import Changes, Happening, Look

if TYPE_CHECKING:
    from datetime import datetime

    from flowerpower.pipeline.job_queue import PipelineJobQueue

OVERLAP = timedelta(seconds=2)
"""A change is seen when its transaction is committed, which may be after a look at a later time."""
MOST = 100_000
"""Changed jobs that one look reads."""


class QueueReader:
    """The last look at a queue, and what has happened since the one before.

    A look that fails is made up for by the next one, which reads all that has changed since the
    last one that did not. `with_fires`: find fires that made no job, too.

    Attributes:
        last: the last look.

    Raises:
        BackendUnreachable: if the queue cannot be read.
    """

    def __init__(self, job_queue: PipelineJobQueue, *, with_fires: bool = False) -> None:
        self._job_queue = job_queue
        self._with_fires = with_fires
        # Only what runs now: what was before the first look has not happened since.
        self.last = self._read(job_queue.changed_jobs(limit=0).taken_at, frozenset())
        self._changes = Changes(self.last)

    def look(self) -> list[Happening]:
        """What has happened since the last look.

        Raises:
            BackendUnreachable: if the queue cannot be read.
        """
        self.last = self._read(self.last.taken_at - OVERLAP, self._changes.running)
        return self._changes.between(self.last)

    def _read(self, since: datetime, running: frozenset[str]) -> Look:
        queue = self._job_queue
        changed = queue.changed_jobs(since, MOST)
        jobs = list(changed.jobs)
        jobs += self._still_known(running - {job.id for job in jobs})
        return Look(
            changed.taken_at,
            jobs,
            queue.list_workers(),
            queue.paused_queues(),
            self._fires() if self._with_fires else {},
        )

    def _still_known(self, ids: Iterable[str]) -> Iterable[Job]:
        """The jobs that ran, and are neither running nor ended now."""
        for job_id in ids:
            with contextlib.suppress(JobNotFound):
                yield self._job_queue.get_job(job_id)

    def _fires(self) -> dict[tuple[str, str], int]:
        fires: dict[tuple[str, str], int] = {}
        for counter in self._job_queue.counters():
            if counter.kind is CounterKind.FIRE and counter.outcome != Outcome.ENQUEUED:
                key = (counter.pipeline, counter.outcome)
                fires[key] = fires.get(key, 0) + counter.count
        return fires
