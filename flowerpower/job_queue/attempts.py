"""The attempts of a job that have ended, as a record keeps them: by their number, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flowerpower.errors import InvalidTime
from flowerpower.jobs.job import Job, JobStatus, json_value
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.jobs.claim import AttemptResult, Claim

MAX_ATTEMPTS = 20
"""Ended attempts that a record keeps: the last ones."""
MAX_TRACEBACK = 4_000
"""Characters of the traceback of each; its end is kept."""


def attempts_of(stored: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Ended attempts in their order, each with its number."""
    return [
        {"attempt": int(number), **attempt}
        for number, attempt in sorted((stored or {}).items(), key=lambda item: item[0].zfill(9))
        if number.isdecimal() and isinstance(attempt, dict)
    ]


def with_last_failure(job: Job) -> Job:
    """A failed job whose attempts say why it failed, also if no attempt of it was recorded.

    The worker of the last attempt has died, for the last time, or RQ's own tools have ended it.
    """
    recorded = job.attempts[-1]["attempt"] if job.attempts else 0
    if job.status is not JobStatus.FAILED or not job.error or job.attempt <= recorded:
        return job
    last = {
        "attempt": job.attempt,
        "worker": None,
        "status": JobStatus.FAILED,
        "started_at": json_value(job.started_at),
        "ended_at": json_value(job.ended_at),
        "seconds": None,
        "error": _shortened_error(job.error),
    }
    return replace(job, attempts=[*job.attempts, last][-MAX_ATTEMPTS:])


def unrecorded_failure(job: Job, stored: Mapping[str, Any] | None) -> str | None:
    """What a store must keep as attempts (JSON) when the job is queued again; None: what it has.

    `stored` is what it has. Else the error of a job that failed without a recorded attempt would be
    forgotten.
    """
    if not job.attempts or str(job.attempts[-1]["attempt"]) in (stored or {}):
        return None
    by_number = {
        str(attempt["attempt"]): {
            name: value for name, value in attempt.items() if name != "attempt"
        }
        for attempt in job.attempts
    }
    return json.dumps(by_number)


def _shortened_error(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """An error as attempts keep it: with the end of its traceback."""
    if error and isinstance(traceback := error.get("traceback"), str):
        return {**error, "traceback": traceback[-MAX_TRACEBACK:]}
    return error


def with_own_times(job: Job) -> Job:
    """An ended job with the times of its last attempt, if that is recorded and not damaged."""
    if not job.status.is_ended or job.seconds is None:
        return job
    times = (job.attempts[-1].get(name) for name in ("started_at", "ended_at"))
    try:
        started, ended = (clock.parse_time(str(time)) for time in times)
    except InvalidTime:
        return job
    return replace(job, started_at=started, ended_at=ended)


def attempts_with(claim: Claim, end: AttemptResult) -> dict[str, Any]:
    """What a store keeps of the ended attempts of a job, by number, once this one has ended too."""
    began = None
    if end.ended_at is not None and end.seconds is not None:
        # Not the time on the clock when it began: the clock may have been set since.
        began = clock.after(end.ended_at, -end.seconds)
    attempt = {
        "worker": claim.owner,
        "status": JobStatus.FAILED if end.status is JobStatus.SCHEDULED else end.status,
        "started_at": json_value(began),
        "ended_at": json_value(end.ended_at),
        "seconds": end.seconds,
        "error": _shortened_error(end.error),
    }
    earlier = list(claim.attempts.items())[-(MAX_ATTEMPTS - 1) :]
    return {**dict(earlier), str(claim.attempt): attempt}
