"""Why a job does not run yet: one answer, as data and as a sentence, for every view of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from flowerpower.jobs.chain import AfterCondition
from flowerpower.jobs.claim import WorkerInfo, alive_workers
from flowerpower.jobs.job import Job, JobStatus, json_value
from flowerpower.pipeline.limit_states import LimitState
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration

if TYPE_CHECKING:
    from flowerpower.pipeline.job_queue import PipelineJobQueue
    from flowerpower.pipeline.status import ProjectStatus

NAMED = 3
"""Jobs that a sentence names."""


class WaitReason(StrEnum):
    """What keeps a job from running; where several do, the first of these."""

    PARENTS = "parents"
    SCHEDULE = "schedule"
    """As many jobs of its schedule, or backfill, have not ended as may run at once."""
    TIME = "time"
    """It is not due, or waits to be tried again."""
    PAUSED = "paused"
    NO_WORKER = "no_worker"
    SUSPENDED = "suspended"
    """Workers run, but were told to take no jobs (`rq suspend`)."""
    LIMIT = "limit"
    RATE = "rate"
    QUEUE = "queue"
    """Nothing but the jobs before it, or that a worker takes a moment."""


@dataclass(frozen=True)
class WaitsFor:
    """What a job waits for; `message` says it, as what follows the job's name.

    Attributes:
        jobs: of parents, those that have not ended; of a limit, those that have its places.
        until: when it is due, or a rate has room; None if nobody can know.
        limit: the name of the limit, `pipeline:NAME` for the `max_running` of a pipeline.
        parked: how many jobs that limit holds back, this one among them once a worker has met it.
    """

    reason: WaitReason
    message: str
    jobs: tuple[str, ...] = ()
    until: datetime | None = None
    limit: str | None = None
    parked: int | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object, times in RFC 3339."""
        return {name: json_value(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class QueueView:
    """What of a queue decides why a job waits, at the time `now`.

    `workers` are those that are alive, None if it was not asked.
    """

    now: datetime = field(default_factory=clock.now)
    paused: Collection[str] = ()
    workers: Sequence[WorkerInfo] | None = None
    limits: Sequence[LimitState] = ()


def view_of_status(status: ProjectStatus, now: datetime | None = None) -> QueueView:
    """The view that a status has; nothing is read.

    With a later `now` the times are as of then.
    """
    paused = {queue.name for queue in status.queues if queue.paused_at is not None}
    return QueueView(now or status.taken_at, paused, status.alive, status.limits)


def read_view(
    job_queue: PipelineJobQueue, jobs: Iterable[Job], *, only_limits: bool = False
) -> QueueView:
    """Read what these jobs may wait for; only if one of them is queued is there anything to read.

    With `only_limits` it is not asked whether somebody takes jobs from their queues.
    """
    if not any(job.status is JobStatus.QUEUED for job in jobs):
        return QueueView()
    limits = job_queue.limit_states()
    if only_limits:
        return QueueView(limits=limits)
    now = job_queue.backend.clock()
    alive = alive_workers(job_queue.list_workers(), now)
    return QueueView(now, job_queue.paused_queues(), alive, limits)


def waits_for(job: Job, view: QueueView) -> WaitsFor | None:
    """What the job waits for; None if it runs or has ended."""
    if job.status is JobStatus.WAITING:
        return _parents(job)
    if job.status is JobStatus.SCHEDULED:
        return _time(job, view)
    if job.status is not JobStatus.QUEUED:
        return None
    if (reason := _nobody_takes(job, view)) is not None:
        return reason
    limits = [state for state in view.limits if job.pipeline in state.pipelines]
    # Of several that are full, that with a rate says when there may be room.
    for state in sorted(limits, key=lambda state: not state.waits_for_rate):
        if state.waits_for_rate:
            return _rate(state, view)
        if state.is_full:
            return _place(state)
    return WaitsFor(WaitReason.QUEUE, f"waits in the queue {job.queue}")


def read_waits_for(job_queue: PipelineJobQueue, job: Job) -> WaitsFor | None:
    """As `waits_for`, with what is read for it."""
    return waits_for(job, read_view(job_queue, [job]))


def _parents(job: Job) -> WaitsFor:
    waiting = tuple(parent for parent, end in job.after.items() if end is None)
    condition = job.after_on or AfterCondition.SUCCESS
    verb = {"success": "finish", "failure": "fail", "end": "end"}[condition]
    if len(waiting) == 1:
        text = f"waits for the job {waiting[0]} to {verb}"
    else:
        text = f"waits for {len(waiting)} jobs to {verb}: {_named(waiting)}"
    return WaitsFor(WaitReason.PARENTS, text, waiting)


def _time(job: Job, view: QueueView) -> WaitsFor:
    if job.blocked:
        whose = "backfill" if job.is_backfill else "schedule"
        text = f"waits for other jobs of the {whose}: at most {job.max_parallel} at once"
        return WaitsFor(WaitReason.SCHEDULE, text)
    left = format_duration(round(max((job.run_at - view.now).total_seconds(), 0.0)))
    text = f"is tried again in {left}" if job.error else f"is due in {left}"
    return WaitsFor(WaitReason.TIME, text, until=job.run_at)


def _nobody_takes(job: Job, view: QueueView) -> WaitsFor | None:
    queue = job.queue
    if queue in view.paused:
        return WaitsFor(WaitReason.PAUSED, f"waits, because the queue {queue} is paused")
    if view.workers is None:
        return None
    serving = [worker for worker in view.workers if queue in worker.queues]
    if not serving:
        text = f"waits for a worker that takes jobs from the queue {queue}: there is none"
        return WaitsFor(WaitReason.NO_WORKER, text)
    if all(worker.suspended for worker in serving):
        text = "waits, because all workers are suspended (rq suspend)"
        return WaitsFor(WaitReason.SUSPENDED, text)
    return None


def _place(state: LimitState) -> WaitsFor:
    running = state.use.running
    verb = "runs" if len(running) == 1 else "run"
    text = f"waits for {state.words}, {state.limit.at_once} at once: {_named(running)} {verb}"
    return _limited(WaitReason.LIMIT, text, state)


def _rate(state: LimitState, view: QueueView) -> WaitsFor:
    seconds = state.use.next_start_in
    left = format_duration(max(round(seconds), 1))
    text = f"waits for {state.words}, {state.rate}: the next starts in {left}"
    return _limited(WaitReason.RATE, text, state, clock.after(view.now, seconds))


def _limited(
    reason: WaitReason, text: str, state: LimitState, until: datetime | None = None
) -> WaitsFor:
    parked = state.use.parked
    # One is this job.
    text += f"; {parked} jobs wait for it" if parked > 1 else ""
    return WaitsFor(reason, text, state.use.running, until, state.name, parked)


def _named(job_ids: Sequence[str]) -> str:
    """The first of the jobs, and how many more there are: `a, b, c and 2 more`."""
    shown = list(job_ids[:NAMED])
    if more := len(job_ids) - len(shown):
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
