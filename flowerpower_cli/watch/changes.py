"""What has happened between two looks at a queue, as events. No input and no output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.event import error_facts
from flowerpower.jobs.job import Job, JobStatus, json_value
from flowerpower.jobs.schedule import Outcome
from flowerpower.triggers import clock

MEMORY = timedelta(minutes=10)
"""How long it is remembered what was said of a job that does not run."""


class Kind(StrEnum):
    """What has happened."""

    JOB_ADDED = "job_added"
    JOB_STARTED = "job_started"
    ATTEMPT_FAILED = "attempt_failed"
    """And the job is tried again."""
    JOB_REQUEUED = "job_requeued"
    """Its attempt did not end: the worker was stopped, or was lost."""
    JOB_ENDED = "job_ended"
    FIRE = "fire"
    WORKER_STARTED = "worker_started"
    WORKER_GONE = "worker_gone"
    WORKER_SILENT = "worker_silent"
    WORKER_BACK = "worker_back"
    WORKER_SUSPENDED = "worker_suspended"
    WORKER_RESUMED = "worker_resumed"
    QUEUE_PAUSED = "queue_paused"
    QUEUE_RESUMED = "queue_resumed"
    UNREACHABLE = "unreachable"
    REACHABLE = "reachable"


@dataclass(frozen=True)
class Happening:
    """One event: what, when (by the backend's clock), and facts that are JSON."""

    kind: Kind
    at: datetime
    facts: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object, as the events of a worker have it."""
        return {"time": clock.format_time(self.at), "event": str(self.kind), **self.facts}


@dataclass(frozen=True)
class Look:
    """What was read at the time `taken_at`.

    `jobs` are those that run, and all that have changed since shortly before the last look;
    `paused` are queues, and since when. `fires` are how many fires made no job so far, by pipeline
    and outcome.
    """

    taken_at: datetime
    jobs: Sequence[Job] = ()
    workers: Sequence[WorkerInfo] = ()
    paused: Mapping[str, datetime] = field(default_factory=dict)
    fires: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass
class _Memory:
    """What was said of a job: its events by kind and attempt, and how it was then."""

    said: set[tuple[Kind, int, datetime | None]] = field(default_factory=set)
    job: Job | None = None
    seen_at: datetime | None = None


class Changes:
    """Finds what has happened since the look before; the first one says what there was before.

    The times of a record tell of what began and ended between two looks too.
    """

    def __init__(self, first: Look) -> None:
        self._before = first
        self._since = first.taken_at
        self._memories: dict[str, _Memory] = {}
        for job in first.jobs:
            self._memories[job.id] = _Memory(job=job, seen_at=first.taken_at)

    @property
    def running(self) -> frozenset[str]:
        """The jobs that ran at the last look; those that a new one lacks have to be read by id."""
        return frozenset(
            job_id
            for job_id, memory in self._memories.items()
            if memory.job is not None and memory.job.status is JobStatus.RUNNING
        )

    def between(self, look: Look) -> list[Happening]:
        """What has happened until `look`, in the order of time."""
        before, self._before = self._before, look
        # What is older was said, or was before the first look.
        since = max(self._since, before.taken_at - MEMORY)
        happenings = [h for job in look.jobs for h in self._of_job(job, since, look.taken_at)]
        happenings += _of_workers(before, look)
        happenings += _of_queues(before, look)
        happenings += _of_fires(before, look)
        self._forget(look.taken_at)
        return sorted(happenings, key=lambda happening: happening.at)

    def _of_job(self, job: Job, since: datetime, now: datetime) -> Iterator[Happening]:
        memory = self._memories.setdefault(job.id, _Memory())
        if memory.job is not None and _was_requeued(memory.job, job):
            yield _requeued(memory.job, job, now)
        for number, happening in job_happenings(job):
            # A child may be cancelled, given back and cancelled again, without an attempt.
            at = happening.at if happening.kind is Kind.JOB_ENDED else None
            key = (happening.kind, number, at)
            if happening.at > since and key not in memory.said:
                memory.said.add(key)
                yield happening
        memory.job, memory.seen_at = job, now

    def _forget(self, now: datetime) -> None:
        for job_id, memory in list(self._memories.items()):
            runs = memory.job is not None and memory.job.status is JobStatus.RUNNING
            if not runs and memory.seen_at is not None and memory.seen_at < now - MEMORY:
                del self._memories[job_id]


def job_happenings(job: Job) -> Iterator[tuple[int, Happening]]:
    """All that the record of a job tells of, each with the number of its attempt (0: none)."""
    facts: dict[str, Any] = {"job": job.id, "pipeline": job.pipeline, "queue": job.queue}
    if job.scheduled_for is not None and job.schedule_id and not job.is_backfill:
        fire = {**facts, "schedule_id": job.schedule_id, "outcome": str(Outcome.ENQUEUED)}
        fire |= {"fire_time": json_value(job.scheduled_for), "count": 1}
        yield 0, Happening(Kind.FIRE, job.created_at, fire)
    else:
        added = {**facts, "schedule_id": job.schedule_id, "run_at": json_value(job.run_at)}
        added["after"] = list(job.after)
        yield 0, Happening(Kind.JOB_ADDED, job.created_at, added)
    for attempt in job.attempts:
        number, ended_at = attempt.get("attempt") or 0, _moment(attempt.get("ended_at"))
        is_last = number == job.attempt and job.status.is_ended
        started_at = _moment(attempt.get("started_at"))
        if started_at is not None and number != job.attempt:
            started = {**facts, "attempt": number, "worker": attempt.get("worker")}
            yield number, Happening(Kind.JOB_STARTED, started_at, started)
        if ended_at is not None and not is_last:
            failed = {**facts, "attempt": number, "status": attempt.get("status")}
            failed |= {
                "seconds": attempt.get("seconds"),
                "error": error_facts(attempt.get("error")),
            }
            waits = job.status is JobStatus.SCHEDULED and number == job.attempt
            failed["retry_at"] = json_value(job.run_at) if waits else None
            yield number, Happening(Kind.ATTEMPT_FAILED, ended_at, failed)
    if job.started_at is not None:
        # Once it has ended, only the attempt knows its worker.
        workers = [a.get("worker") for a in job.attempts if a.get("attempt") == job.attempt]
        worker = next(iter(workers), job.worker)
        started = {**facts, "attempt": job.attempt, "worker": worker}
        yield job.attempt, Happening(Kind.JOB_STARTED, job.started_at, started)
    if job.ended_at is not None and job.status.is_ended:
        ended = {**facts, "attempt": job.attempt, "status": str(job.status)}
        ended |= {"seconds": job.seconds, "error": error_facts(job.error)}
        yield job.attempt, Happening(Kind.JOB_ENDED, job.ended_at, ended)


def _moment(text: Any) -> datetime | None:
    return clock.parse_time(text) if isinstance(text, str) else None


def _was_requeued(before: Job, after: Job) -> bool:
    """Whether the attempt that ran before has neither ended nor runs."""
    if before.status is not JobStatus.RUNNING:
        return False
    has_ended = any(attempt.get("attempt") == before.attempt for attempt in after.attempts)
    still_runs = after.status is JobStatus.RUNNING and after.attempt == before.attempt
    return not (has_ended or still_runs or after.status.is_ended)


def _requeued(before: Job, after: Job, now: datetime) -> Happening:
    facts: dict[str, Any] = {"job": after.id, "pipeline": after.pipeline, "queue": after.queue}
    facts |= {"attempt": before.attempt, "worker": before.worker}
    facts["lost"] = after.worker_losses > before.worker_losses
    # It may run again by now: then it was requeued before.
    runs_again = after.attempt > before.attempt and after.started_at is not None
    at = after.started_at if runs_again and after.started_at else now
    return Happening(Kind.JOB_REQUEUED, at, facts)


def _of_workers(before: Look, look: Look) -> Iterator[Happening]:
    old = {worker.id: worker for worker in before.workers}
    new = {worker.id: worker for worker in look.workers}
    now = look.taken_at

    def happening(kind: Kind, worker: WorkerInfo, at: datetime) -> Happening:
        facts = {"worker": worker.id, "queues": list(worker.queues), "slots": worker.slots}
        return Happening(kind, at, facts)

    for worker_id, worker in new.items():
        earlier = old.get(worker_id)
        if earlier is None:
            yield happening(Kind.WORKER_STARTED, worker, min(worker.started_at, now))
            continue
        was_alive, is_alive = earlier.is_alive(before.taken_at), worker.is_alive(now)
        if was_alive != is_alive:
            yield happening(Kind.WORKER_BACK if is_alive else Kind.WORKER_SILENT, worker, now)
        if earlier.suspended != worker.suspended:
            kind = Kind.WORKER_SUSPENDED if worker.suspended else Kind.WORKER_RESUMED
            yield happening(kind, worker, now)
    for worker_id in old.keys() - new.keys():
        yield happening(Kind.WORKER_GONE, old[worker_id], now)


def _of_queues(before: Look, look: Look) -> Iterator[Happening]:
    for name, paused_at in look.paused.items():
        if before.paused.get(name) != paused_at:
            yield Happening(Kind.QUEUE_PAUSED, paused_at, {"queue": name})
    for name in before.paused.keys() - look.paused.keys():
        yield Happening(Kind.QUEUE_RESUMED, look.taken_at, {"queue": name})


def _of_fires(before: Look, look: Look) -> Iterator[Happening]:
    """Fires that made no job; those that made one are told by its record."""
    for (pipeline, outcome), count in look.fires.items():
        more = count - before.fires.get((pipeline, outcome), 0)
        if more > 0:
            facts = {"job": None, "pipeline": pipeline, "schedule_id": None, "fire_time": None}
            yield Happening(Kind.FIRE, look.taken_at, {**facts, "outcome": outcome, "count": more})
