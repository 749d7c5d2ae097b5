"""Jobs as data: the record of one, and how its status may change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from flowerpower.errors import Refused
from flowerpower.jobs.chain import AfterCondition
from flowerpower.triggers import clock

PAYLOAD_VERSION = 1
"""Of requests as they are stored, and of what processes say to each other of runs."""
JobVerb = Literal["cancel", "retry", "delete"]
"""What a user does to jobs."""
BACKFILL_SUFFIX = ":backfill"
"""What follows the id of a schedule, which has no colon, in the concurrency key of a backfill."""
MAX_WORKER_LOSSES = 3
"""A job whose worker died this often is failed: it may well be what kills the workers."""


class JobStatus(StrEnum):
    """Where a job is; see `TRANSITIONS`."""

    WAITING = "waiting"
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
UNSTARTED = frozenset({JobStatus.WAITING, JobStatus.SCHEDULED, JobStatus.QUEUED})
"""Of jobs that are still to run."""

TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    # Its parents have ended: see `flowerpower.jobs.chain`.
    JobStatus.WAITING: frozenset({JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.CANCELLED}),
    # It becomes due, is claimed at the moment it becomes due, or is cancelled. Or a parent that had
    # ended is retried before it has begun.
    JobStatus.SCHEDULED: frozenset(
        {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.CANCELLED, JobStatus.WAITING}
    ),
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.CANCELLED, JobStatus.WAITING}),
    # It ends, waits for a retry, or is queued again because its worker died or stops.
    JobStatus.RUNNING: frozenset({*ENDED, JobStatus.SCHEDULED, JobStatus.QUEUED}),
    JobStatus.FINISHED: frozenset(),
    # Only a user brings it back, with retry-job.
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),
    # So does a retry of a parent whose end had cancelled it.
    JobStatus.CANCELLED: frozenset({JobStatus.QUEUED, JobStatus.WAITING}),
}

_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types that are the same as JSON: most fields of a job."""


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


def unique_refusal(job_id: str, other_id: str) -> Refused:
    """The error of a retry of a unique job while another one that asks for the same is there."""
    return Refused(
        f"The job {job_id} is unique, and {other_id}, which asks for the same, has not ended.",
        hint=f"Wait for it: flowerpower job-queue wait {other_id}",
    )


def check_again(job_id: str, status: JobStatus) -> None:
    """Raise Refused if a job of that status cannot run again as a new job."""
    if not status.is_ended:
        raise Refused(f"The job {job_id} is {status}; only a job that has ended runs again.")


@dataclass(frozen=True)
class Job:
    """What a queue knows of a job; times are aware, in UTC.

    `created` is False if a submission found that the job already existed. `attempts_left` is None
    until the first attempt, which reads the pipeline's retry settings. `attempts` are those that
    have ended, the first one first: their number, worker, times, seconds, status and error.
    `start_by` is when a waiting job becomes too old; None once it runs, or without `expires`.
    `started_at` and `ended_at` are those of the last attempt. A `blocked` job is scheduled, and due
    as soon as fewer than `max_parallel` jobs of its `concurrency_key` (see JobSpec) are active.
    `after` has the ids of its parents with how each has ended, None for one that has not; a waiting
    job waits for these.
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
    after: dict[str, str | None] = field(default_factory=dict)
    after_on: AfterCondition | None = None
    unique_key: str | None = field(default=None, repr=False)
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
    def project_version(self) -> str | None:
        """The version of a remote project that it was asked for; None if it runs the newest."""
        version = self.payload.get("project_version") if isinstance(self.payload, dict) else None
        return None if version is None else str(version)

    @property
    def is_backfill(self) -> bool:
        """Whether a backfill has added it."""
        return (self.concurrency_key or "").endswith(BACKFILL_SUFFIX)

    def to_json(self) -> dict[str, Any]:
        """All fields, `seconds` and `project_version` as a JSON object, times in RFC 3339.

        Of the payload it has only the overrides.
        """
        body = {
            name: value if type(value) in _PLAIN else json_value(value)
            for name, value in vars(self).items()
        }
        payload = body.pop("payload")
        overrides = payload.get("overrides") if isinstance(payload, dict) else None
        more = {"seconds": self.seconds, "project_version": self.project_version}
        return {**body, **more, "overrides": overrides or {}}


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
