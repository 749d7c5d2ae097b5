"""Which jobs a worker is given by a SQL database, and when the next one is due."""

from __future__ import annotations

from collections.abc import Sequence

from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.database import Transaction, in_list
from flowerpower.job_queue.apscheduler.ending import expire_jobs
from flowerpower.job_queue.apscheduler.limits import (
    FreedPipelines,
    claim_facts,
    claim_queued,
    claim_with_room,
    parked_due_in,
    unpark_free,
)
from flowerpower.job_queue.worker_store import EXPIRE_BATCH
from flowerpower.jobs.claim import Claim, ExpiredJob
from flowerpower.jobs.limits import Limits


def claim(
    tx: Transaction,
    worker: str,
    count: int,
    queues: Sequence[str],
    limits: Limits,
    freed: FreedPipelines,
) -> tuple[list[Claim], list[ExpiredJob]]:
    """As `JobQueueBackend.claim`, with the jobs that had waited too long."""
    if limits:
        # Before the clock is read, and before any row of a job is locked.
        tx.lock_limits()
        facts = claim_facts(tx, limits, worker, queues[0])
        known = facts.worker
    else:
        facts = None
        known = next(iter(tx.rows("is_worker_known", worker=worker)), None)
    if known is None:
        return [], []
    if known["blocked_key"] is not None:
        _release_blocked(tx)
    tx.run("promote")
    expired = expire_jobs(tx, EXPIRE_BATCH) if known["has_expired"] else []
    if known["parked_pipeline"] is not None and (not limits or freed.is_due(limits)):
        unpark_free(tx, queues, limits)
    if facts is not None:
        return claim_with_room(tx, worker, count, queues, limits, facts), expired
    return _claim_in_order(tx, worker, count, queues), expired


def next_due_in(tx: Transaction, queues: Sequence[str], limits: Limits) -> float | None:
    """As `JobQueueBackend.next_due_in`."""
    text, names = in_list("queue", queues)
    names_text = " UNION ALL ".join(f"SELECT :{name} AS name" for name in names)
    if tx.rows("has_queued", {"names": names_text}, **names):
        return 0.0
    rows = tx.rows("next_due", {"queues": text}, **names)
    if rows[0]["blocked_key"] is not None and tx.rows("keys_with_room"):
        return 0.0
    # A damaged row may hold anything.
    due = [row["run_at"] for row in rows if isinstance(row["run_at"], int | float)]
    waits = [max(0.0, moment - tx.now) for moment in due]
    if (wait := parked_due_in(tx, queues, limits)) is not None:
        waits.append(wait)
    return min(waits, default=None)


def _claim_in_order(tx: Transaction, worker: str, count: int, queues: Sequence[str]) -> list[Claim]:
    claims: list[Claim] = []
    # One query for a queue: only so the index gives the order, and nothing is sorted.
    for queue in queues:
        if len(claims) < count:
            rows = claim_queued(tx, worker, queue, count - len(claims))
            claims += [records.claim_of(row, worker) for row in rows]
    return claims


def _release_blocked(tx: Transaction) -> None:
    """Queue blocked jobs whose concurrency key has room for them, the oldest first."""
    # Before any row of a job is locked: whoever holds the lock waits for no claim.
    if tx.rows("keys_with_room"):
        tx.run("lock_blocked")
        for row in tx.rows("keys_with_room"):
            tx.run("release_blocked", key=row["name"], count=row["room"])
