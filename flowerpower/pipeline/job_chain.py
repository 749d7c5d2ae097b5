"""A job with those that it runs after, and those that run after it, as far as they are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowerpower.errors import JobNotFound
from flowerpower.jobs.chain import ENDS_MET, GONE, NOT_MET, WAYS, AfterCondition, obstacle
from flowerpower.jobs.job import Job, JobFilter, JobStatus

if TYPE_CHECKING:
    from flowerpower.pipeline.job_queue import PipelineJobQueue

MAX_BELOW = 1000
"""Jobs below others that are read for a message."""
PAGE = 500
"""Jobs whose children are read in one call."""
MAX_JOBS = 60
"""Jobs of a chain that are read; a picture of more says little."""


@dataclass(frozen=True)
class JobChain:
    """All jobs that the job `job_id` depends on, or that depend on it, and itself.

    Attributes:
        jobs: those with a record, by id.
        gone: how the parents without one have ended, by id (`deleted`, `gone`, or a status).
        is_cut: whether there are more than were read.
    """

    job_id: str
    jobs: Mapping[str, Job]
    gone: Mapping[str, str]
    is_cut: bool = False

    @property
    def parents(self) -> dict[str, Job | None]:
        """The jobs that it runs after, by id, None without a record."""
        return {parent: self.jobs.get(parent) for parent in self.jobs[self.job_id].after}

    @property
    def children(self) -> list[Job]:
        """The jobs that run after it, the oldest first."""
        children = [job for job in self.jobs.values() if self.job_id in job.after]
        return sorted(children, key=lambda job: (job.created_at, job.id))

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """The parents in the chain of each of its jobs, by id."""
        known = self.jobs.keys() | self.gone.keys()
        needs: dict[str, tuple[str, ...]] = dict.fromkeys(self.gone, ())
        for job_id, job in self.jobs.items():
            needs[job_id] = tuple(parent for parent in job.after if parent in known)
        return needs


def read_chain(job_queue: PipelineJobQueue, job: Job, limit: int = MAX_JOBS) -> JobChain:
    """Read the chain of a job: its parents and theirs, its children and theirs."""
    jobs: dict[str, Job] = {job.id: job}
    gone: dict[str, str] = {}
    is_cut = _read_parents(job_queue, job, limit, jobs, gone)
    level: Sequence[str] = [job.id]
    while level and len(jobs) < limit:
        found = job_queue.children_of(level, limit)
        new = [child for child in found if child.id not in jobs][: limit - len(jobs)]
        jobs |= {child.id: child for child in new}
        level = [child.id for child in new]
    return JobChain(job.id, jobs, gone, is_cut or len(jobs) >= limit)


def _read_parents(
    job_queue: PipelineJobQueue, job: Job, limit: int, jobs: dict[str, Job], gone: dict[str, str]
) -> bool:
    """Add the parents and theirs, the nearest first; return whether some were left out."""
    pending = list(job.after.items())
    for parent, end in pending:
        if parent in jobs or parent in gone:
            continue
        if len(jobs) + len(gone) >= limit:
            return True
        try:
            jobs[parent] = job_queue.get_job(parent)
        except JobNotFound:
            gone[parent] = end or "gone"
        else:
            pending += jobs[parent].after.items()
    return False


def waiting_below(job_queue: PipelineJobQueue, job_ids: Sequence[str]) -> dict[str, list[str]]:
    """The jobs that wait for each of these, and for those: ids by id, at most MAX_BELOW in all."""
    return _below(job_queue, job_ids, lambda child, _: child.status is JobStatus.WAITING)


def cancelled_below(
    job_queue: PipelineJobQueue, job_ids: Sequence[str], end: str
) -> dict[str, list[str]]:
    """The jobs that are cancelled with each of these if these end so: `cancelled` or `deleted`.

    Ids by id, at most MAX_BELOW in all; what waits for several of them is named with each.
    """
    tops = frozenset(job_ids)

    def is_cancelled(child: Job, parent: str) -> bool:
        way = end if parent in tops else JobStatus.CANCELLED
        condition = child.after_on or AfterCondition.SUCCESS
        waits = child.status is JobStatus.WAITING and child.after[parent] is None
        return waits and way not in ENDS_MET[condition]

    return _below(job_queue, job_ids, is_cancelled)


def cancelled_with(job_queue: PipelineJobQueue, job: Job, end: str) -> list[str]:
    """The ids of `cancelled_below` of one job; none if it has ended, as nobody waits for it."""
    if job.status.is_ended:
        return []
    return cancelled_below(job_queue, [job.id], end)[job.id]


def _below(
    job_queue: PipelineJobQueue, job_ids: Sequence[str], is_meant: Callable[[Job, str], bool]
) -> dict[str, list[str]]:
    """The children of each of these that are meant, of such a parent, and theirs."""
    below: dict[str, list[str]] = {job_id: [] for job_id in job_ids}
    level: dict[str, set[str]] = {job_id: {job_id} for job_id in job_ids}
    count = 0
    while level and count < MAX_BELOW:
        next_level: dict[str, set[str]] = {}
        for child in _children_of(job_queue, list(level)):
            parents = [parent for parent in child.after if parent in level]
            tops = set().union(*(level[parent] for parent in parents if is_meant(child, parent)))
            count += bool(tops)
            for top in tops:
                if child.id not in below[top]:
                    below[top].append(child.id)
                    next_level.setdefault(child.id, set()).add(top)
        level = next_level
    return below


def _children_of(job_queue: PipelineJobQueue, job_ids: Sequence[str]) -> Iterator[Job]:
    """The children of these, at most MAX_BELOW of each page of them."""
    for start in range(0, len(job_ids), PAGE):
        yield from job_queue.children_of(job_ids[start : start + PAGE], MAX_BELOW)


@dataclass(frozen=True)
class StillCancelled:
    """A job that stays cancelled although its parents run again, and why, as a sentence."""

    job: Job
    reason: str


def still_cancelled(job_queue: PipelineJobQueue, job_ids: Sequence[str]) -> list[StillCancelled]:
    """The children of these jobs, which run again, that stay cancelled.

    Not those that a user has cancelled.
    """
    parents = frozenset(job_ids)
    kept = []
    for child in _children_of(job_queue, job_ids):
        waits_again = any(child.after.get(parent, "gone") is None for parent in parents)
        is_by_parent = (child.error or {}).get("code") == NOT_MET
        if child.status is JobStatus.CANCELLED and is_by_parent and waits_again:
            kept.append(StillCancelled(child, _why_still(job_queue, child)))
    return kept


def _why_still(job_queue: PipelineJobQueue, child: Job) -> str:
    condition = child.after_on or AfterCondition.SUCCESS
    if (parent := obstacle(condition, child.after)) is not None:
        return f"{parent} {WAYS[child.after[parent] or GONE]}"
    live = frozenset(status for status in JobStatus if not status.is_ended)
    others = job_queue.list_jobs(JobFilter(live, child.pipeline, limit=MAX_BELOW))
    ids = [other.id for other in others if other.unique_key == child.unique_key]
    return f"{ids[0] if ids else 'another job'}, which asks for the same, has not ended"
