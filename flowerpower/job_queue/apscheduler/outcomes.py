"""What is kept of the ends of jobs beside their records: with their fires, and their schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowerpower.job_queue import records
from flowerpower.job_queue.records import Row
from flowerpower.jobs.job import JobStatus

Parameters = list[dict[str, Any]]
_FIRE = ("id", "status", "schedule_id", "scheduled_for")


def ends_of(rows: Sequence[Row]) -> tuple[Parameters, Parameters]:
    """The parameters of `note_fire_end` and of `note_outcome`, for each job that says something.

    `rows` are {returning_end} of jobs that may have ended.
    """
    ended = [
        row
        for row in rows
        if row["schedule_id"] is not None
        and row["scheduled_for"] is not None
        and records.status_of(row).is_ended
    ]
    # In the order of the schedules: two that note the same ones must not wait for each other.
    ended.sort(key=lambda row: str(row["schedule_id"]))
    fires = [{name: row[name] for name in _FIRE} for row in ended]
    # Neither a backfill nor a cancel says how the schedule does.
    outcomes = [
        {name: row[name] for name in ("schedule_id", "status")}
        for row in ended
        if row["concurrency_key"] == row["schedule_id"]
        and row["status"] in (JobStatus.FINISHED, JobStatus.FAILED)
    ]
    return fires, outcomes
