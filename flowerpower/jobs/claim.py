"""What a worker is, what it holds, and how an attempt changes its job: data for every backend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowerpower.jobs.job import JobStatus, check_transition, json_value
from flowerpower.triggers.clock import format_duration

SILENT_AFTER = 10.0
"""Seconds without a heartbeat, after which other workers take a worker for dead: a lease."""


@dataclass(frozen=True)
class WorkerInfo:
    """A worker as others see it; `beat` grows while it lives.

    One that is `suspended` (`rq suspend`) takes no jobs.
    """

    id: str
    host: str
    pid: int
    queues: tuple[str, ...]
    slots: int
    started_at: datetime
    beat: int = 0
    beat_at: datetime | None = None
    running: tuple[str, ...] = ()
    suspended: bool = False

    def seconds_silent(self, now: datetime) -> float:
        """Seconds since its last heartbeat."""
        return max((now - (self.beat_at or self.started_at)).total_seconds(), 0.0)

    def is_alive(self, now: datetime) -> bool:
        """Whether it has sent a heartbeat lately; one that was killed stays listed for a while."""
        return self.seconds_silent(now) < SILENT_AFTER

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object, times in RFC 3339."""
        return {name: json_value(value) for name, value in vars(self).items()}


def alive_workers(workers: Iterable[WorkerInfo], now: datetime) -> list[WorkerInfo]:
    """Those that have sent a heartbeat lately."""
    return [worker for worker in workers if worker.is_alive(now)]


@dataclass(frozen=True)
class Claim:
    """A worker's hold on one attempt of a job: every later write names id, owner and attempt.

    `attempts` are the earlier ones, by number, as `attempts.attempts_with` stores them. `after` are
    the ids of the job's parents.
    """

    job_id: str
    owner: str
    attempt: int
    pipeline: str
    payload: Any
    retries: int = 0
    result_ttl: float = 120.0
    scheduled_for: datetime | None = None
    attempts: dict[str, Any] = field(default_factory=dict)
    after: tuple[str, ...] = ()


EXPIRED = "expired"
"""The code of the error of a job that has waited too long."""


@dataclass(frozen=True)
class ExpiredJob:
    """A job that was cancelled because it had waited for more than `expires` seconds."""

    id: str
    pipeline: str
    expires: float

    @property
    def reason(self) -> str:
        """Why it was cancelled, in a sentence."""
        return f"It waited longer than {format_duration(self.expires)}, so it was cancelled."

    @property
    def error(self) -> dict[str, Any]:
        """The error that it has then."""
        return {"type": "Expired", "message": self.reason, "code": EXPIRED}


@dataclass(frozen=True)
class LostJobs:
    """How many jobs were lost with a dead worker, by what each of them is then.

    `failed` were lost MAX_WORKER_LOSSES times, `cancelled` were to be.
    """

    queued: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def count(self) -> int:
        """All of them."""
        return self.queued + self.failed + self.cancelled


@dataclass(frozen=True)
class AttemptResult:
    """How an attempt changes its job; `retries` include the one that is SCHEDULED at `run_at`.

    `seconds` is the attempt's own time: from when a process had it to when it ended, at `ended_at`.
    """

    status: JobStatus
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    run_at: datetime | None = None
    retries: int = 0
    attempts_left: int | None = None
    ended_at: datetime | None = None
    seconds: float | None = None

    def with_times(self, ended_at: datetime | None, seconds: float | None) -> AttemptResult:
        """The same with these times."""
        # Not `dataclasses.replace`: each short job would take 2 µs for it.
        changed = object.__new__(AttemptResult)
        vars(changed).update({**vars(self), "ended_at": ended_at, "seconds": seconds})
        return changed


@dataclass(frozen=True)
class Heartbeat:
    """What a worker learns from its heartbeat.

    `is_known` is False once others have declared the worker dead. `held` are the jobs it held
    *before* the heartbeat: job id to (attempt, whether a cancel was requested).
    """

    is_known: bool
    held: dict[str, tuple[int, bool]]


@dataclass(frozen=True)
class FinishRequest:
    """How to end one attempt; Refused if a running job cannot end so.

    `tell_finished`: store an event (see `flowerpower.jobs.event`) if the job has finished, too.
    """

    claim: Claim
    end: AttemptResult
    log: str = ""
    progress: Mapping[str, Any] | None = None
    tell_finished: bool = False

    def __post_init__(self) -> None:
        check_transition(self.claim.job_id, JobStatus.RUNNING, self.end.status)
