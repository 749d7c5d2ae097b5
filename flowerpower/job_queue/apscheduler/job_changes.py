"""Changing many jobs in one transaction: they are cancelled, queued again or deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flowerpower.errors import FlowerpowerError, Refused
from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.chains import take_back_ends
from flowerpower.job_queue.apscheduler.database import NEWEST_FIRST, Transaction, in_list
from flowerpower.job_queue.apscheduler.ending import note_ends
from flowerpower.job_queue.attempts import unrecorded_failure
from flowerpower.job_queue.records import Row
from flowerpower.jobs import chain
from flowerpower.jobs.job import Job, JobStatus, JobVerb, check_change, unique_refusal
from flowerpower.text import is_job_id

CHANGE_PAGE = 500
"""Jobs that one transaction changes at most: meanwhile nobody else writes to SQLite."""


def change_page(tx: Transaction, verb: JobVerb, ids: Sequence[str]) -> list[Job | FlowerpowerError]:
    """As `JobQueueBackend.change_jobs`, of up to CHANGE_PAGE different ids."""
    rows = _locked_rows(tx, ids)
    refusals = _refusals(tx, verb, ids, rows)
    allowed = {job_id: records.status_of(rows[job_id]) for job_id in ids if job_id not in refusals}
    # What has changed is read again, what is gone or stays as it was is not.
    if verb == "delete":
        _delete(tx, {job_id: rows[job_id] for job_id in allowed})
    elif verb == "retry":
        _retry(tx, {job_id: rows[job_id] for job_id in allowed})
    else:
        allowed = {k: status for k, status in allowed.items() if status is not JobStatus.CANCELLED}
        cancel_jobs(tx, allowed)
    if verb != "delete":
        rows |= _rows(tx, list(allowed))
    return [refusals.get(job_id) or records.job_of(rows[job_id], tx.now) for job_id in ids]


def cancel_jobs(
    tx: Transaction, statuses: Mapping[str, JobStatus], error: str | None = None
) -> None:
    """Cancel the jobs of these ids that wait, and ask the running ones to end.

    `error` (JSON) says why.
    """
    running = [job_id for job_id, status in statuses.items() if status is JobStatus.RUNNING]
    waiting = [job_id for job_id, status in statuses.items() if status is not JobStatus.RUNNING]
    for query, ids in (("cancel_running", running), ("cancel_waiting", waiting)):
        if ids:
            text, names = in_list("id", ids)
            note_ends(tx, tx.rows(query, {"ids": text}, **names, error=error))


def _retry(tx: Transaction, rows: Mapping[str, Row]) -> None:
    kept = []
    for job_id, row in rows.items():
        job = records.job_of(row, tx.now)
        attempts = unrecorded_failure(job, records.json_object(row["attempts"]))
        if attempts is not None:
            kept.append({"id": job_id, "attempts": attempts})
    tx.run_many("keep_attempts", kept)
    _run(tx, "retry_jobs", list(rows))
    take_back_ends(tx, [job_id for job_id, row in rows.items() if row["has_children"]])


def _delete(tx: Transaction, rows: Mapping[str, Row]) -> None:
    _run(tx, "delete_jobs", list(rows))
    # The children of one that has ended know how.
    ends = {
        job_id: chain.DELETED
        for job_id, row in rows.items()
        if row["has_children"] and not records.status_of(row).is_ended
    }
    note_ends(tx, [], other_ends=ends)


def _locked_rows(tx: Transaction, ids: Sequence[str]) -> dict[str, Row]:
    # Drivers refuse some texts that are no ids, such as those with NUL.
    known = [job_id for job_id in ids if is_job_id(job_id)]
    if not known:
        return {}
    text, names = in_list("id", known)
    tx.rows("lock_named_jobs", {"ids": text}, **names)
    return _rows(tx, known)


def _rows(tx: Transaction, ids: Sequence[str]) -> dict[str, Row]:
    """The rows of the jobs that exist of these ids, by id, without results."""
    if not ids:
        return {}
    text, names = in_list("id", ids)
    texts = {"conditions": f"AND id IN ({text})", **NEWEST_FIRST}
    return {row["id"]: row for row in tx.rows("list_jobs", texts, limit=len(ids), **names)}


def _run(tx: Transaction, query: str, ids: Sequence[str]) -> None:
    if ids:
        text, names = in_list("id", ids)
        tx.run(query, {"ids": text}, **names)


def _refusals(
    tx: Transaction, verb: JobVerb, ids: Sequence[str], rows: Mapping[str, Row]
) -> dict[str, FlowerpowerError]:
    """The errors of the jobs that do not exist, or may not be changed so."""
    errors: dict[str, FlowerpowerError] = {}
    newest: list[str] | None = None
    unique_keys: dict[str, str] = {}
    for job_id in ids:
        if job_id not in rows:
            if newest is None:
                listed = tx.rows("list_jobs", {"conditions": "", **NEWEST_FIRST}, limit=1000)
                newest = [str(row["id"]) for row in listed]
            errors[job_id] = records.job_not_found(job_id, newest)
            continue
        try:
            check_change(verb, job_id, records.status_of(rows[job_id]))
            if verb == "retry" and (key := rows[job_id]["unique_key"]) is not None:
                _check_unique(tx, job_id, key, unique_keys)
        except Refused as error:
            errors[job_id] = error
    return errors


def _check_unique(tx: Transaction, job_id: str, key: str, unique_keys: dict[str, str]) -> None:
    """Raise Refused if a job that asks for the same has not ended, or is retried before this one.

    `unique_keys` are those of the latter, with their ids.
    """
    live = [str(row["id"]) for row in tx.rows("get_unique_job", unique_key=key)]
    for other in [*live, *filter(None, [unique_keys.get(key)])]:
        raise unique_refusal(job_id, other)
    unique_keys[key] = job_id
