"""How jobs end in a SQL database: what is kept of it, and what becomes of their children."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.chains import tell_ends, vanished_parents
from flowerpower.job_queue.apscheduler.database import Transaction, in_list
from flowerpower.job_queue.apscheduler.outcomes import AttemptFacts, ended, ends_of, track_of
from flowerpower.job_queue.records import Row
from flowerpower.jobs.claim import ExpiredJob

_NO_ENDS: Mapping[str, str] = {}


def note_ends(
    tx: Transaction,
    rows: Sequence[Row],
    facts: Mapping[str, AttemptFacts] | None = None,
    other_ends: Mapping[str, str] = _NO_ENDS,
) -> None:
    """Keep how jobs have ended, of which `rows` are {returning_end}, and tell their children.

    Once in a transaction. `facts` are those of attempts, by the id of the job. `other_ends` are
    those of parents that have no row any more.
    """
    parents = {row["id"]: records.status_of(row) for row in ended(rows) if row["has_children"]}
    cancelled = tell_ends(tx, {**parents, **other_ends})
    if not (jobs := ended([*rows, *cancelled])):
        return
    text, names = in_list("name", sorted({track_of(row) for row in jobs}))
    failing = {row["name"]: row["ended_at"] for row in tx.rows("failing", {"names": text}, **names)}
    ends = ends_of(jobs, facts or {}, failing, tx.now)
    tx.count(ends.counters)
    tx.run_many("note_fire_end", ends.fires)
    tx.run_many("note_outcome", ends.schedules)
    tx.run_many("note_pipeline_outcome", ends.pipelines)
    tx.run_many("add_event", ends.events)


def note_vanished_parents(tx: Transaction) -> None:
    """Tell the children of parents that were deleted behind the queue's back."""
    if parents := vanished_parents(tx):
        note_ends(tx, [], other_ends=parents)


def expire_jobs(tx: Transaction, count: int) -> list[ExpiredJob]:
    """Cancel up to `count` waiting jobs that are too old; return them."""
    jobs = [records.expired_job_of(row) for row in tx.rows("expired", count=count)]
    errors = [{"id": job.id, "error": records.as_json(job.error)} for job in jobs]
    note_ends(tx, [row for rows in tx.rows_of_many("expire", errors) for row in rows])
    return jobs
