"""Jobs as data: a request (JobSpec), its record (Job), and how its status may change."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from flowerpower.config.run import RunOverrides
from flowerpower.config.types import MAX_PRIORITY
from flowerpower.errors import FlowerpowerError, InvalidTime, Refused, UsageError
from flowerpower.jobs.inputs import encode_input, overrides_json
from flowerpower.jobs.run import PAYLOAD_VERSION
from flowerpower.text import check_job_id, check_name, shortened
from flowerpower.triggers import clock

DEFAULT_QUEUE = "default"
JobVerb = Literal["cancel", "retry", "delete"]
"""What a user does to jobs."""
BACKFILL_SUFFIX = ":backfill"
"""What follows the id of a schedule, which has no colon, in the concurrency key of a backfill."""
MAX_WORKER_LOSSES = 3
"""A job whose worker died this often is failed: it may well be what kills the workers."""


class JobStatus(StrEnum):
    """Where a job is; see `TRANSITIONS`."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_ended(self) -> bool:
        """Whether nothing more happens to the job by itself."""
        return self in ENDED


ENDED = frozenset({JobStatus.FINISHED, JobStatus.FAILED, JobStatus.CANCELLED})

TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    # It becomes due, is claimed at the moment it becomes due, or is cancelled.
    JobStatus.SCHEDULED: frozenset({JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.CANCELLED}),
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.CANCELLED}),
    # It ends, waits for a retry, or is queued again because its worker died or stops.
    JobStatus.RUNNING: frozenset({*ENDED, JobStatus.SCHEDULED, JobStatus.QUEUED}),
    JobStatus.FINISHED: frozenset(),
    # Only a user brings it back, with retry-job.
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),
    JobStatus.CANCELLED: frozenset({JobStatus.QUEUED}),
}


def check_transition(job_id: str, before: JobStatus, after: JobStatus) -> None:
    """Raise Refused if `TRANSITIONS` has no way from `before` to `after`."""
    if after not in TRANSITIONS[before]:
        raise Refused(f"The job {job_id} is {before}; it cannot become {after}.")


def check_retry(job_id: str, status: JobStatus) -> None:
    """Raise Refused if a user may not queue a job of that status again."""
    # TRANSITIONS alone would let a running job through: its worker may queue it, a user may not.
    if status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        finished = status is JobStatus.FINISHED
        again = f"`flowerpower job-queue retry-job {job_id} --again` runs it as a new job."
        raise Refused(
            f"The job {job_id} is {status}; only a failed or cancelled job is tried again.",
            hint=again if finished else None,
        )


def check_change(verb: JobVerb, job_id: str, status: JobStatus) -> None:
    """Raise Refused if a user may not do this to a job of that status."""
    if verb == "retry":
        check_retry(job_id, status)
    elif verb == "cancel" and status is not JobStatus.CANCELLED:
        check_transition(job_id, status, JobStatus.CANCELLED)
    elif verb == "delete" and status is JobStatus.RUNNING:
        raise Refused(
            f"The job {job_id} is running.",
            hint=f"Cancel it first: flowerpower job-queue cancel-job {job_id}",
        )


def check_again(job_id: str, status: JobStatus) -> None:
    """Raise Refused if a job of that status cannot run again as a new job."""
    if not status.is_ended:
        raise Refused(f"The job {job_id} is {status}; only a job that has ended runs again.")


@dataclass(frozen=True)
class JobSpec:
    """A request to run a pipeline: its *name* and data, never code.

    `result_ttl` is in seconds (0: no result is kept, -1: as long as the record); None means the
    project's setting. `scheduled_for` is the nominal time of the fire that made the job. Of the
    due jobs in a queue those with a higher `priority` run first. A job that has waited in its queue
    for more than `expires` seconds since it was due is cancelled; None means that it waits for as
    long as it takes. With `max_parallel` it is blocked, and so not due, until fewer than so many
    jobs of its `concurrency_key` that are not blocked have not ended. `is_backfill` says that it
    was made for a past fire. Raises InvalidName, InvalidTime, InvalidInputs or UsageError, naming
    what is not valid.
    """

    pipeline: str
    overrides: RunOverrides = field(default_factory=RunOverrides)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    queue: str = DEFAULT_QUEUE
    run_at: datetime | None = None
    result_ttl: float | None = None
    schedule_id: str | None = None
    scheduled_for: datetime | None = None
    priority: int = 0
    expires: float | None = None
    max_parallel: int | None = None
    is_backfill: bool = False

    def __post_init__(self) -> None:
        check_job_id(self.id)
        for name in ("run_at", "scheduled_for"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise InvalidTime(f"{name} is {moment.isoformat()}, which has no UTC offset.")
        check_request(self.pipeline, self.queue, self.result_ttl, self.overrides)
        check_order(self.priority, self.expires)

    @property
    def concurrency_key(self) -> str | None:
        """What the jobs share that count for its `max_parallel`; None if it is of no schedule."""
        # Jobs of a backfill do not count for `max_instances`, nor fires for a backfill.
        if self.schedule_id is None or not self.is_backfill:
            return self.schedule_id
        return f"{self.schedule_id}{BACKFILL_SUFFIX}"

    def payload(self) -> dict[str, Any]:
        """What a store keeps beside its columns: JSON with a version."""
        return {
            "v": PAYLOAD_VERSION,
            "pipeline": self.pipeline,
            "overrides": overrides_json(self.overrides),
        }


def check_request(
    pipeline: str, queue: str, result_ttl: float | None, overrides: RunOverrides
) -> None:
    """Raise what a JobSpec raises, for what schedules have too; overrides must name no code."""
    check_name("name of a pipeline", pipeline)
    check_name("name of a queue", queue)
    if result_ttl is not None:
        check_ttl("result_ttl", result_ttl)
    for part in ("inputs", "overrides", "config"):
        encode_input(getattr(overrides, part), part)
    if overrides.names_code is not None:
        raise UsageError(
            f"A job names no code, so it cannot carry {overrides.names_code}.",
            hint="Write it under run.adapter.custom in the pipeline's YAML.",
        )


def check_ttl(name: str, seconds: float) -> None:
    """Raise UsageError if a time to live is neither -1 nor between 0 and a hundred years."""
    if seconds != -1 and not 0 <= seconds <= clock.MAX_DURATION:
        raise UsageError(f"{name} is {seconds}: expected -1, or 0 seconds to 100 years.")


def check_order(priority: int, expires: float | None) -> None:
    """Raise UsageError if a priority is out of range, or `expires` leaves no time to wait."""
    # Callers' code is not type-checked: True and 1.5 are numbers too.
    if not (type(priority) is int and -MAX_PRIORITY <= priority <= MAX_PRIORITY):
        raise UsageError(
            f"priority is {shortened(repr(priority), 40)}: expected a whole number from "
            f"-{MAX_PRIORITY} to {MAX_PRIORITY}."
        )
    if expires is not None and not 0 < expires <= clock.MAX_DURATION:
        raise UsageError(f"expires is {expires:g}: expected more than 0 seconds, up to 100 years.")


def overrides_of(payload: object) -> RunOverrides:
    """The caller's overrides in a stored payload; a FlowerpowerError says why there are none."""
    if not isinstance(payload, Mapping) or "v" not in payload:
        raise FlowerpowerError("The job's record is damaged: its payload cannot be read.")
    if payload["v"] != PAYLOAD_VERSION:
        raise FlowerpowerError(
            f"The job was made by another version of flowerpower (payload {payload['v']!r}, "
            f"this one reads {PAYLOAD_VERSION})."
        )
    try:
        overrides = RunOverrides.model_validate(payload.get("overrides", {}))
    except ValueError as error:
        raise FlowerpowerError(f"The job's record is damaged: {error}") from None
    # `check_request` ran in the caller's process; whoever can write to the backend can forge
    # a payload, so the worker checks again.
    if overrides.names_code is not None:
        raise FlowerpowerError("The job's record names code to import; it is not run.")
    return overrides


@dataclass(frozen=True)
class Job:
    """What a queue knows of a job; times are aware, in UTC.

    `created` is False if a submission found that the job already existed. `attempts_left` is None
    until the first attempt, which reads the pipeline's retry settings. `attempts` are those that
    have ended, the first one first: their number, worker, times, seconds, status and error.
    `start_by` is when a waiting job becomes too old; None once it runs, or without `expires`.
    `started_at` and `ended_at` are those of the last attempt. A `blocked` job is scheduled, and due
    as soon as fewer than `max_parallel` jobs of its `concurrency_key` (see JobSpec) are active.
    `result_ttl` is in seconds, as in JobSpec; None only if the record has lost it.
    """

    id: str
    pipeline: str
    queue: str
    status: JobStatus
    created_at: datetime
    run_at: datetime
    payload: Any = field(default=None, repr=False)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempt: int = 0
    attempts_left: int | None = None
    worker_losses: int = 0
    worker: str | None = None
    schedule_id: str | None = None
    scheduled_for: datetime | None = None
    priority: int = 0
    result_ttl: float | None = None
    expires: float | None = None
    start_by: datetime | None = None
    concurrency_key: str | None = None
    max_parallel: int | None = None
    blocked: bool = False
    cancel_requested: bool = False
    progress: dict[str, Any] | None = field(default=None, repr=False)
    result: dict[str, Any] | None = field(default=None, repr=False)
    result_expires_at: datetime | None = None
    result_expired_at: datetime | None = None
    error: dict[str, Any] | None = field(default=None, repr=False)
    attempts: list[dict[str, Any]] = field(default_factory=list, repr=False)
    created: bool = field(default=True, compare=False)

    def __str__(self) -> str:
        return self.id

    @property
    def seconds(self) -> float | None:
        """The own time of the last attempt, without waiting and starting; None until it ends."""
        last = self.attempts[-1] if self.attempts else {}
        return last.get("seconds") if last.get("attempt") == self.attempt else None

    @property
    def changed_at(self) -> datetime:
        """When it was added, its last attempt started, or it ended: the latest of these."""
        return max(moment for moment in (self.created_at, self.started_at, self.ended_at) if moment)

    @property
    def is_backfill(self) -> bool:
        """Whether a backfill has added it."""
        return (self.concurrency_key or "").endswith(BACKFILL_SUFFIX)

    def to_json(self) -> dict[str, Any]:
        """All fields and `seconds` as a JSON object, times in RFC 3339.

        Of the payload it has only the overrides.
        """
        body = {name: json_value(value) for name, value in vars(self).items()}
        payload = body.pop("payload")
        overrides = payload.get("overrides") if isinstance(payload, dict) else None
        return {**body, "seconds": self.seconds, "overrides": overrides or {}}


def spec_of_again(job: Job, job_id: str) -> JobSpec:
    """A request to run an ended job once more, as a new job with that id, due at once.

    Raises:
        Refused: if it has not ended.
        FlowerpowerError: if its record is damaged.
    """
    check_again(job.id, job.status)
    return JobSpec(
        pipeline=job.pipeline,
        overrides=overrides_of(job.payload),
        id=job_id,
        queue=job.queue,
        result_ttl=job.result_ttl,
        schedule_id=job.schedule_id,
        scheduled_for=job.scheduled_for,
        priority=job.priority,
        expires=job.expires,
        max_parallel=job.max_parallel,
        is_backfill=job.is_backfill,
    )


def json_value(value: Any) -> Any:
    """A field of a record as JSON: a time in RFC 3339, a tuple as a list, all else unchanged."""
    if isinstance(value, tuple):
        return list(value)
    return clock.format_time(value) if isinstance(value, datetime) else value


@dataclass(frozen=True)
class JobFilter:
    """Which jobs to list: those that match every field that is set, the newest first.

    They were created at `since` or later, and before `until`.
    """

    statuses: frozenset[JobStatus] = frozenset()
    pipeline: str | None = None
    queue: str | None = None
    schedule_id: str | None = None
    since: datetime | None = None
    limit: int = 100
    until: datetime | None = None

    def matches(self, job: Job) -> bool:
        """Whether the job meets all of the conditions; `limit` is none."""
        return (
            (not self.statuses or job.status in self.statuses)
            and self.pipeline in (None, job.pipeline)
            and self.queue in (None, job.queue)
            and self.schedule_id in (None, job.schedule_id)
            and (self.since is None or job.created_at >= self.since)
            and (self.until is None or job.created_at < self.until)
        )


@dataclass(frozen=True)
class LogChunk:
    """A piece of an attempt's log; `seq` grows, and a gap means that the beginning was cut."""

    attempt: int
    seq: int
    text: str
