"""What is wrong with a job queue, in sentences with a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from flowerpower.jobs.claim import alive_workers
from flowerpower.jobs.event import LATE_AFTER
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.jobs.notice import Delivery
from flowerpower.jobs.problem import Level, Problem
from flowerpower.jobs.schedule import Schedule
from flowerpower.jobs.snapshot import QueueState, Snapshot
from flowerpower.pipeline.limit_states import LimitState
from flowerpower.triggers.clock import format_duration

NOTICES_READ = 100
"""Notices that wait, or were given up, of which a status knows at most."""
PARENTS_READ = 100
"""Jobs of a queue that nobody works on whose children a status looks for."""
UNUSED_AFTER = 60.0
"""Seconds for which a limit with room may hold back jobs."""


def queue_problems(snapshot: Snapshot) -> Iterator[Problem]:
    """Jobs that wait and that nobody takes: without a worker, paused, suspended."""
    alive = alive_workers(snapshot.workers, snapshot.taken_at)
    served = _served(snapshot)
    for worker in snapshot.workers:
        if worker.running and not alive:
            seconds = format_duration(round(worker.seconds_silent(snapshot.taken_at)))
            held = len(worker.running)
            yield Problem(
                "worker_silent", Level.ERROR,
                f"The worker {worker.id} sent its last heartbeat {seconds} ago, and holds "
                f"{held} job{'' if held == 1 else 's'}.",
                "They run again once another worker runs: flowerpower job-queue start-worker",
            )  # fmt: skip
    if alive and all(worker.suspended for worker in alive):
        yield Problem(
            "workers_suspended", Level.WARNING,
            "All workers are suspended (rq suspend): they take no jobs.",
            "Let them go on with `rq resume`.",
        )  # fmt: skip
    for queue in snapshot.queues.values():
        waiting = queue.counts[JobStatus.QUEUED]
        if queue.paused_at is not None:
            yield Problem(
                "queue_paused", Level.WARNING,
                f"The queue {queue.name} is paused; {_jobs(waiting)} in it.",
                f"Let it go on with `flowerpower job-queue resume {queue.name}`.",
            )  # fmt: skip
        elif queue.name not in served and waiting + _to_come(queue):
            yield Problem(
                "queue_without_worker", Level.ERROR if waiting else Level.WARNING,
                f"No worker takes jobs from the queue {queue.name}"
                f"{f'; {_jobs(waiting)} in it' if waiting else ', and jobs are to come'}.",
                f"Start one: flowerpower job-queue start-worker --queues {queue.name}",
            )  # fmt: skip


def limit_problems(snapshot: Snapshot, limits: Sequence[LimitState]) -> Iterator[Problem]:
    """Limits that hold back jobs though they have room: no worker claims by them."""
    if any(_is_stuck(queue, _served(snapshot)) for queue in snapshot.queues.values()):
        # That is what is wrong, and what waits behind it waits for that.
        return
    due = [queue.oldest_due for queue in snapshot.queues.values() if queue.oldest_due]
    if not due or (snapshot.taken_at - min(due)).total_seconds() < UNUSED_AFTER:
        return
    closed = {
        pipeline
        for state in limits
        if state.is_full or state.waits_for_rate
        for pipeline in state.pipelines
    }
    for state in limits:
        if state.use.parked and closed.isdisjoint(state.pipelines):
            yield Problem(
                "limit_unused", Level.WARNING,
                f"{_jobs(state.use.parked)} for {state.words}, though it has room.",
                "Workers may read another conf/project.yml: see `flowerpower job-queue workers`.",
            )  # fmt: skip


def parent_problems(
    snapshot: Snapshot,
    list_jobs: Callable[[JobFilter], Sequence[Job]],
    children_of: Callable[[Sequence[str]], Sequence[Job]],
) -> Iterator[Problem]:
    """Jobs that wait for parents that cannot end, because nobody takes jobs from their queue."""
    queues = snapshot.queues.values()
    if not any(queue.counts[JobStatus.WAITING] for queue in queues):
        return
    statuses = frozenset({JobStatus.QUEUED, JobStatus.SCHEDULED})
    for queue in queues:
        if not _is_stuck(queue, _served(snapshot)):
            continue
        parents = list_jobs(JobFilter(statuses, queue=queue.name, limit=PARENTS_READ))
        children = children_of([job.id for job in parents])
        count = sum(child.status is JobStatus.WAITING for child in children)
        if count:
            reason = "is paused" if queue.paused_at else "has no worker"
            at_least = "At least " if len(children) >= PARENTS_READ else ""
            yield Problem(
                "parents_stuck", Level.WARNING,
                f"{at_least}{_jobs(count)} for jobs of the queue {queue.name}, which {reason}.",
                f"See them with `flowerpower job-queue list-jobs --status {JobStatus.WAITING}`.",
            )  # fmt: skip


def _served(snapshot: Snapshot) -> set[str]:
    """The queues from which a worker that is alive takes jobs."""
    alive = alive_workers(snapshot.workers, snapshot.taken_at)
    return {queue for worker in alive for queue in worker.queues}


def _is_stuck(queue: QueueState, served: set[str]) -> bool:
    """Whether it has jobs that nobody takes."""
    is_open = queue.paused_at is None and queue.name in served
    return not is_open and queue.counts[JobStatus.QUEUED] + queue.counts[JobStatus.SCHEDULED] > 0


def _to_come(queue: QueueState) -> int:
    return queue.counts[JobStatus.SCHEDULED] + queue.counts[JobStatus.WAITING]


def _jobs(count: int) -> str:
    return f"{count} job waits" if count == 1 else f"{count} jobs wait"


def schedule_problems(
    upcoming: Sequence[Schedule], now: datetime, *, has_scheduler: bool, command: str
) -> Iterator[Problem]:
    """Schedules that nobody fires, or that are late; `command` starts what would fire them.

    `upcoming` are schedules with a next fire, the soonest first.
    """
    if not upcoming:
        return
    if not has_scheduler:
        yield Problem(
            "no_scheduler", Level.ERROR,
            "Nothing fires the schedules: no scheduler is running.",
            f"Start one: flowerpower job-queue {command}",
        )  # fmt: skip
    late = [schedule for schedule in upcoming if _seconds_late(schedule, now) > LATE_AFTER]
    if late:
        duration = format_duration(round(_seconds_late(late[0], now)))
        yield Problem(
            "fires_late", Level.ERROR,
            f"The schedule {late[0].id} should have fired {duration} ago"
            + (f", and {len(late) - 1} more are late." if len(late) > 1 else "."),
            "See what the scheduler or the worker says that fires the schedules.",
        )  # fmt: skip


def notice_problems(waiting: Sequence[Delivery], given_up: Sequence[Delivery]) -> Iterator[Problem]:
    """Notices that did not arrive: nobody may know of what they tell."""
    failing = [delivery for delivery in waiting if delivery.error is not None]
    for code, deliveries, what in (
        ("notices_given_up", given_up, "could not be sent"),
        ("notices_delayed", failing, "could not be sent yet"),
    ):
        if deliveries:
            count = len(deliveries)
            notices = "1 notice" if count == 1 else f"{count} notices"
            if count >= NOTICES_READ:
                notices = f"{NOTICES_READ} notices or more"
            yield Problem(
                code, Level.WARNING,
                f"{notices} {what}: {deliveries[0].error}.",
                "See them with `flowerpower notify list`, and try with `flowerpower notify test`.",
            )  # fmt: skip


def _seconds_late(schedule: Schedule, now: datetime) -> float:
    return 0.0 if schedule.due_at is None else (now - schedule.due_at).total_seconds()
