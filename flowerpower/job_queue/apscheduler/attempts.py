"""How attempts end in a SQL database: finished, given back or lost; and their logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.database import Transaction
from flowerpower.job_queue.apscheduler.ending import note_ends
from flowerpower.job_queue.apscheduler.outcomes import AttemptFacts
from flowerpower.job_queue.attempts import attempts_with
from flowerpower.job_queue.observing import lost_event
from flowerpower.job_queue.records import Row
from flowerpower.jobs.claim import Claim, FinishRequest, LostJobs
from flowerpower.jobs.job import MAX_WORKER_LOSSES, JobStatus


def fence(claim: Claim) -> dict[str, Any]:
    """Parameters that make a write change nothing if the worker no longer holds the claim."""
    return {"id": claim.job_id, "worker": claim.owner, "attempt": claim.attempt}


def finish_many(tx: Transaction, requests: Sequence[FinishRequest]) -> list[bool]:
    """End attempts; False, with nothing written, for each whose claim is no longer held."""
    finished: list[list[Row]] = [[]] * len(requests)
    # In the order in which `lock_named_jobs` locks them.
    order = sorted(range(len(requests)), key=lambda n: requests[n].claim.job_id)
    answers = tx.rows_of_many("finish", [_end_of(tx, requests[position]) for position in order])
    for position, rows in zip(order, answers, strict=True):
        finished[position] = rows
        if rows:
            append_log(tx, requests[position].claim, requests[position].log)
    facts = {
        request.claim.job_id: AttemptFacts(request.end.seconds, request.tell_finished)
        for request in requests
    }
    note_ends(tx, [row for rows in finished for row in rows], facts)
    return [bool(rows) for rows in finished]


def _end_of(tx: Transaction, request: FinishRequest) -> dict[str, Any]:
    """The parameters of `finish`."""
    claim, result = request.claim, request.end
    keeps_result = result.status is JobStatus.FINISHED
    expires = keeps_result and claim.result_ttl >= 0
    return {
        **fence(claim),
        "status": result.status,
        "result": records.as_json(result.result) if keeps_result and claim.result_ttl else None,
        "result_expires_at": tx.now + claim.result_ttl if expires else None,
        "error": records.as_json(result.error),
        "progress": records.as_json(request.progress),
        "attempts": records.as_json(attempts_with(claim, result)),
        "retries": result.retries,
        "attempts_left": result.attempts_left,
        "run_at": records.seconds_of(result.run_at),
    }


def release(tx: Transaction, claim: Claim) -> bool:
    """Give a job back; False if its claim is no longer held."""
    rows = tx.rows("release", **fence(claim))
    note_ends(tx, rows)
    return bool(rows)


def requeue_lost(
    tx: Transaction, reason: str, worker: str, id: str = "", attempt: int = 0
) -> LostJobs:
    """Requeue a lost attempt, or all that a worker held; return how many."""
    claimed = {"worker": worker, "id": id, "attempt": attempt}
    error, limit = records.lost_error(reason), MAX_WORKER_LOSSES
    rows = tx.rows("requeue_lost", **claimed, max_worker_losses=limit, error=error)
    note_ends(tx, rows)
    tx.run_many(
        "add_event",
        [lost_event(row, reason) for row in rows if not records.status_of(row).is_ended],
    )
    counts = Counter(records.status_of(row) for row in rows)
    return LostJobs(counts[JobStatus.QUEUED], counts[JobStatus.FAILED], counts[JobStatus.CANCELLED])


def append_log(tx: Transaction, claim: Claim, text: str, pieces: int | None = None) -> None:
    """Append to the log of an attempt, unless it has more than `pieces` pieces already.

    Of more than LOG_LIMIT bytes the end is kept.
    """
    if not text:
        return
    attempt = {"id": claim.job_id, "attempt": claim.attempt}
    (last,) = tx.rows("last_log", **attempt)
    if pieces is not None and last["seq"] > pieces:
        return
    total = last["size"]
    for seq, piece in enumerate(records.log_pieces(text), start=last["seq"] + 1):
        size = len(piece.encode())
        tx.run("append_log", **attempt, seq=seq, text=piece, size=size)
        total += size
    if total > records.LOG_LIMIT:
        kept = 0
        for row in tx.rows("log_sizes", **attempt):
            kept += row["size"]
            if kept > records.LOG_LIMIT:
                tx.run("trim_log", **attempt, seq=row["seq"])
                break
