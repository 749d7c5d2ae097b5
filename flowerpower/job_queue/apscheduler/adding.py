"""Adding jobs: with their parents and followers, and only one of those that ask for the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.database import Transaction
from flowerpower.job_queue.records import Row
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.job_spec import JobSpec

_TRIES = 5
"""How often a job is inserted whose place another one has, which is gone when it is looked for."""


def add_jobs(tx: Transaction, specs: Sequence[JobSpec]) -> list[Job]:
    """As `JobQueueBackend.add_jobs`, to a queue that takes jobs."""
    return [
        existing_job(tx, spec) if row is None else records.job_of(row, tx.now)
        for spec, row in zip(specs, insert_jobs(tx, specs), strict=True)
    ]


def insert_jobs(tx: Transaction, specs: Sequence[JobSpec]) -> list[Row | None]:
    """Add the jobs, with their followers; the row of each that is new, None for one that is not."""
    if any(spec.after or spec.followers or spec.unique for spec in specs):
        return _insert_one_by_one(tx, specs)
    parameters = [job_parameters(tx, spec, position) for position, spec in enumerate(specs)]
    return [rows[0] if rows else None for rows in tx.rows_of_many("add_job", parameters)]


def existing_job(tx: Transaction, spec: JobSpec) -> Job:
    """The job that the spec would be a second one of; JobNotFound if there is none."""
    # Whatever else is unique, a job of that id is what is asked for.
    if spec.unique and not tx.rows("has_job", id=spec.id):
        for row in tx.rows("get_unique_job", unique_key=spec.unique_key):
            return records.job_of(row, tx.now, created=False)
    return tx.job(spec.id, created=False)


def job_parameters(tx: Transaction, spec: JobSpec, position: int = 0) -> dict[str, Any]:
    """The parameters of `add_job` for a new job; `position` is its place among those added."""
    run_at = tx.now if spec.run_at is None else spec.run_at.timestamp()
    blocked = spec.max_parallel is not None
    status = JobStatus.SCHEDULED if blocked or run_at > tx.now else JobStatus.QUEUED
    # A job that waits for others does not age.
    ages = spec.expires is not None and not blocked and not spec.after
    return {
        "id": spec.id,
        "pipeline": spec.pipeline,
        "queue": spec.queue,
        "payload": json.dumps(spec.payload()),
        "status": JobStatus.WAITING if spec.after else status,
        "run_at": run_at,
        # Jobs of one transaction are in the order in which they were added, too.
        "created_at": tx.now + position * 1e-6,
        "result_ttl": tx.scope.result_ttl if spec.result_ttl is None else spec.result_ttl,
        "schedule_id": spec.schedule_id,
        "scheduled_for": records.seconds_of(spec.scheduled_for),
        "priority": spec.priority,
        "expires_after": spec.expires,
        "start_by": run_at + (spec.expires or 0) if ages else None,
        "concurrency_key": spec.concurrency_key,
        "max_parallel": spec.max_parallel,
        "blocked": int(blocked),
        "after_parents": _after(spec),
        "unique_key": spec.unique_key,
    }


def _after(spec: JobSpec) -> str | None:
    return records.after_json(spec.after_on, dict.fromkeys(spec.after)) if spec.after else None


def _insert_one_by_one(tx: Transaction, specs: Sequence[JobSpec]) -> list[Row | None]:
    # Chains and ends are loaded only where they are needed, because most jobs are added without.
    from flowerpower.job_queue.apscheduler import chains
    from flowerpower.job_queue.apscheduler.ending import note_ends

    position = 0
    ends: list[Row] = []

    def insert(spec: JobSpec) -> Row | None:
        nonlocal position
        if (row := _insert_one(tx, spec, position)) is None:
            return None
        position += 1
        if spec.after:
            ends.extend(chains.add_child(tx, spec.id, spec.after_on, spec.after))
            (row,) = tx.rows("stored_job", id=spec.id)
        for follower in spec.followers:
            insert(follower)
        return row

    rows = [insert(spec) for spec in specs]
    note_ends(tx, ends)
    return rows


def _insert_one(tx: Transaction, spec: JobSpec, position: int) -> Row | None:
    for _ in range(_TRIES):
        if rows := tx.rows("add_job", **job_parameters(tx, spec, position)):
            return rows[0]
        if not spec.unique or tx.rows("has_job", id=spec.id):
            return None
        if tx.rows("get_unique_job", unique_key=spec.unique_key):
            return None
    return None
