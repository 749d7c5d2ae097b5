"""Claims, limits and ends of attempts as the scripts take and give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowerpower.job_queue import records
from flowerpower.job_queue.attempts import attempts_with
from flowerpower.job_queue.records import seconds_of
from flowerpower.job_queue.rq.fields import (
    RQ_STATUSES,
    columns,
    ids_of,
    present,
    row_of,
    rq_stamp,
    stamp_of,
)
from flowerpower.job_queue.rq.results import entry_of
from flowerpower.jobs.claim import Claim, ExpiredJob, FinishRequest
from flowerpower.jobs.limits import Limits, LimitUse
from flowerpower.triggers import clock

_CLAIM_FIELDS = (b"fp_pipeline", b"fp_payload", b"fp_retries", b"fp_result_ttl",
                 b"fp_scheduled_for", b"fp_attempts", b"fp_after_parents")  # fmt: skip
"""The fields of a claim, in the order in which lua/claim_jobs.lua gives them."""
_CLAIM_TEXTS = ("pipeline", "payload", "attempts", "after_parents")
_CLAIM_NUMBERS = ("result_ttl", "scheduled_for")


def fence(claim: Claim) -> dict[str, Any]:
    """The attempt that a script is to change, only if it is still held."""
    return {"id": claim.job_id, "owner": claim.owner, "attempt": claim.attempt}


def expired_job(values: Sequence[bytes]) -> ExpiredJob:
    """A job that had waited too long, as `expire` in lua/common.lua gives it."""
    names = (b"fp_pipeline", b"fp_expires_after")
    row = row_of(values[0].decode(), dict(zip(names, values[1:], strict=True)))
    return records.expired_job_of(row)


def claim_of(worker_id: str, job_id: str, attempt: bytes, values: Sequence[bytes]) -> Claim:
    """The claim that a script gives: the number of the attempt, and _CLAIM_FIELDS."""
    fields = dict(zip(_CLAIM_FIELDS, values, strict=True))
    # Not `row_of`: it gives three times as many columns.
    row = columns(fields, "fp_", texts=_CLAIM_TEXTS, numbers=_CLAIM_NUMBERS, counts=("retries",))
    return records.claim_of({**row, "id": job_id, "attempt": int(attempt)}, worker_id)


def ended_attempt(request: FinishRequest, *, is_in_rq: bool = False) -> dict[str, Any]:
    """The end of an attempt as lua/finish_attempts.lua takes it.

    `is_in_rq`: it ran in RQ's own worker, which writes RQ's result and counts by itself.
    """
    claim, result = request.claim, request.end
    began = None
    if result.ended_at is not None and result.seconds is not None:
        began = clock.after(result.ended_at, -result.seconds)
    attempt = {
        **fence(claim),
        "status": RQ_STATUSES[result.status],
        **(
            {"is_in_rq": True, "result": records.as_json(result.result)}
            if is_in_rq
            else entry_of(result)
        ),
        "started_at": rq_stamp(began),
        "ended_at": rq_stamp(result.ended_at),
        "execution_started_at": stamp_of(seconds_of(began)) or None,
        "execution_ended_at": stamp_of(seconds_of(result.ended_at)) or None,
        "seconds": result.seconds,
        "result_ttl": claim.result_ttl,
        "error": records.as_json(result.error),
        "progress": records.as_json(request.progress),
        "attempts": records.as_json(attempts_with(claim, result)),
        "retries": result.retries,
        "attempts_left": result.attempts_left,
        "run_at": records.seconds_of(result.run_at),
        "log": records.log_pieces(request.log),
        "tell_finished": request.tell_finished or None,
    }
    return present(attempt)


def limits_json(limits: Limits) -> dict[str, Any] | None:
    """The limits as lua/limits.lua takes them; None if no pipeline has any."""
    if not limits:
        return None
    by_name = {
        name: present({**vars(limit), "pipelines": limits.pipelines_of(name)})
        for name, limit in limits.by_name.items()
    }
    of_pipeline = {name: list(names) for name, names in limits.of_pipeline.items() if names}
    return {"by_name": by_name, "of_pipeline": of_pipeline}


def use_of(
    name: bytes, running: Sequence[bytes], starts: int, next_start_in: bytes, parked: int
) -> tuple[str, LimitUse]:
    """A limit and its use, as lua/limit_use.lua gives it."""
    use = LimitUse(tuple(ids_of(running)), starts, float(next_start_in), parked)
    return name.decode("utf-8", "replace"), use
