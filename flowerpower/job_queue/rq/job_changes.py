"""Changing many jobs, a page in one script: they are cancelled, queued again or deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowerpower.errors import FlowerpowerError, JobNotFound, Refused
from flowerpower.job_queue import records
from flowerpower.job_queue.attempts import unrecorded_failure
from flowerpower.job_queue.records import Row
from flowerpower.job_queue.rq.fields import ids_of, present
from flowerpower.job_queue.rq.store import RedisStore, row_of_answer
from flowerpower.jobs.job import Job, JobStatus, JobVerb, check_change, unique_refusal
from flowerpower.text import is_job_id
from flowerpower.triggers import clock

CHANGE_PAGE = 50
"""Jobs that one script changes: while it runs, Redis does nothing else."""


def change_jobs(
    store: RedisStore, verb: JobVerb, job_ids: Sequence[str]
) -> list[Job | FlowerpowerError]:
    """As `JobQueueBackend.change_jobs`."""
    ids = list(dict.fromkeys(job_ids))
    changed: dict[str, Job | FlowerpowerError] = {}
    for start in range(0, len(ids), CHANGE_PAGE):
        page = ids[start : start + CHANGE_PAGE]
        while page:
            # What somebody else has changed between the read and the script is read again.
            changed |= _change_page(store, verb, page)
            page = [job_id for job_id in page if job_id not in changed]
    return [changed[job_id] for job_id in job_ids]


def _change_page(
    store: RedisStore, verb: JobVerb, ids: Sequence[str]
) -> dict[str, Job | FlowerpowerError]:
    """What became of the jobs, without those whose status has changed meanwhile."""
    changed: dict[str, Job | FlowerpowerError] = {}
    allowed: dict[str, Row] = {}
    rows, now = _rows(store, ids), clock.now().timestamp()
    newest: list[str] | None = None
    for job_id in ids:
        if job_id not in rows:
            if newest is None:
                newest = store.newest_ids()
            changed[job_id] = records.job_not_found(job_id, newest)
            continue
        status = records.status_of(rows[job_id])
        try:
            check_change(verb, job_id, status)
        except Refused as error:
            changed[job_id] = error
            continue
        if verb == "cancel" and status is JobStatus.CANCELLED:
            changed[job_id] = records.job_of(rows[job_id], now)
        else:
            allowed[job_id] = rows[job_id]
    if not allowed:
        return changed
    jobs = [_change(verb, job_id, row) for job_id, row in allowed.items()]
    answers = store.run("change_jobs", verb=verb, jobs=jobs)
    for (job_id, row), answer in zip(allowed.items(), answers, strict=True):
        if not answer:
            continue
        if verb == "delete":
            changed[job_id] = records.job_of(row, now)
        elif len(answer) == 1:
            changed[job_id] = unique_refusal(job_id, ids_of(answer)[0])
        else:
            changed[job_id] = records.job_of(*row_of_answer(job_id, answer))
    return changed


def _rows(store: RedisStore, ids: Sequence[str]) -> dict[str, Row]:
    """The records of the jobs that exist of these ids, by id."""
    if len(ids) == 1:
        # With the entry of RQ's stream, which says why a worker of RQ's own has failed a job.
        try:
            return {ids[0]: store.read_job(ids[0])[0]}
        except JobNotFound:
            return {}
    known = [job_id for job_id in ids if is_job_id(job_id)]
    rows = {row["id"]: row for row in store.rows_of(known)} if known else {}
    for job_id, row in list(rows.items()):
        if row["error"] and _unrecorded(row):
            rows |= _rows(store, [job_id])
    return rows


def _unrecorded(row: Row) -> str | None:
    job = records.job_of(row, 0)
    return unrecorded_failure(job, records.json_object(row["attempts"]))


def _change(verb: JobVerb, job_id: str, row: Row) -> Mapping[str, Any]:
    """A job as lua/change_jobs.lua takes it."""
    attempts = _unrecorded(row) if verb == "retry" else None
    change = {"id": job_id, "seen": row["raw_status"], "attempts": attempts}
    if attempts is not None:
        # Since it was read, it may have run and failed again.
        change["seen_attempt"] = row["attempt"]
    return present(change)
