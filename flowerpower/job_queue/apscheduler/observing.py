"""What a SQL database says of its queues: their state at one moment, and counters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.database import Transaction, in_list
from flowerpower.job_queue.observing import latest_changes
from flowerpower.job_queue.records import Row, moment_of
from flowerpower.jobs.counter import Counter, CounterKind
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.snapshot import ChangedJobs, QueueState, Snapshot
from flowerpower.text import is_job_id


def snapshot(tx: Transaction, limit: int) -> Snapshot:
    """The state of all queues, with up to `limit` running and as many failed jobs."""
    paused = tx.paused_queues()
    rows: dict[str, list[Row]] = {name: [] for name in paused}
    for row in tx.rows("queue_states"):
        rows.setdefault(str(row["queue"]), []).append(row)
    # An unknown status counts as failed.
    known = ", ".join(f"'{status}'" for status in JobStatus if status is not JobStatus.FAILED)
    return Snapshot(
        moment_of(tx.now),
        {name: _state_of(name, rows[name], paused.get(name)) for name in sorted(rows)},
        _jobs(tx, "status = 'running'", "started_at", limit),
        _jobs(tx, f"status NOT IN ({known})", "ended_at DESC", limit),
        tx.workers(),
    )


def _state_of(name: str, rows: list[Row], paused_at: datetime | None) -> QueueState:
    counts = dict.fromkeys(JobStatus, 0)
    blocked, oldest = 0, None
    for row in rows:
        counts[records.status_of(row)] += row["count"]
        blocked += row["blocked"]
        # A damaged row may hold anything.
        if isinstance(row["oldest_due"], int | float):
            oldest = moment_of(row["oldest_due"])
    return QueueState(name, counts, int(blocked), oldest, paused_at)


def _jobs(tx: Transaction, condition: str, order: str, limit: int) -> list[Job]:
    texts = {"conditions": f"AND {condition}", "order": order}
    return [records.job_of(row, tx.now) for row in tx.rows("list_jobs", texts, limit=max(0, limit))]


CHANGES = (
    ("AND created_at >= :since", "created_at DESC"),
    # Only a running job has an owner, and an index finds it by that.
    ("AND owner > ''", "started_at DESC"),
    ("AND ended_at >= :since", "ended_at DESC"),
)
"""How the changes of `changed_jobs` are found, each with an index of its own."""


def changed_jobs(tx: Transaction, since: datetime | None, limit: int) -> ChangedJobs:
    """The jobs that run, and those that were added, started or have ended since then."""
    after = 0.0 if since is None else since.timestamp()
    rows: list[Row] = []
    for conditions, order in CHANGES:
        texts = {"conditions": conditions, "order": order}
        rows += tx.rows("list_jobs", texts, since=after, limit=max(0, limit))
    jobs = (records.job_of(row, tx.now) for row in rows)
    return ChangedJobs(moment_of(tx.now), latest_changes(jobs, since, limit))


def counters(tx: Transaction) -> list[Counter]:
    """The sums of all shards."""
    return [Counter(CounterKind(row.pop("kind")), **row) for row in map(dict, tx.rows("counters"))]


def children_of(tx: Transaction, job_ids: Sequence[str], limit: int) -> list[Job]:
    """As `JobQueueBackend.children_of`."""
    ids = [job_id for job_id in job_ids if is_job_id(job_id)]
    if not ids:
        return []
    text, names = in_list("id", ids)
    rows = tx.rows("children_of", {"ids": text}, **names, limit=max(0, limit))
    return [records.job_of(row, tx.now) for row in rows]
