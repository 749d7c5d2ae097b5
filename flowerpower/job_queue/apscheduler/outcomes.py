"""What is kept of the ends of jobs beside their records: fires, schedules, counters and events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowerpower.job_queue import records
from flowerpower.job_queue.observing import job_event, recovery_event, waited_of
from flowerpower.job_queue.records import Row
from flowerpower.jobs.counter import Counter, added_up, job_counter
from flowerpower.jobs.event import EventKind
from flowerpower.jobs.job import JobStatus

Parameters = list[dict[str, Any]]
_FIRE = ("id", "status", "schedule_id", "scheduled_for")


@dataclass(frozen=True)
class AttemptFacts:
    """What only the request to end an attempt says: its own time, and whether to tell its end."""

    seconds: float | None = None
    tell_finished: bool = False


@dataclass
class Ends:
    """The parameters of the queries that keep the ends of jobs.

    `fires` of `note_fire_end`, `schedules` of `note_outcome`, `pipelines` of
    `note_pipeline_outcome`, `events` of `add_event`.
    """

    fires: Parameters = field(default_factory=list)
    schedules: Parameters = field(default_factory=list)
    pipelines: Parameters = field(default_factory=list)
    events: Parameters = field(default_factory=list)
    counters: list[Counter] = field(default_factory=list)


def ended(rows: Iterable[Row]) -> list[Row]:
    """The rows ({returning_end}) of jobs that have ended."""
    # In the order of the schedules: two that note the same ones must not wait for each other.
    rows = [row for row in rows if records.status_of(row).is_ended]
    return sorted(rows, key=track_of)


def track_of(row: Row) -> str:
    """Whose failures in a row the job belongs to: its schedule's, or else its pipeline's."""
    # Neither a backfill nor a job by hand says how the schedule does.
    if _is_fire(row) and row["concurrency_key"] == row["schedule_id"]:
        return str(row["schedule_id"])
    return f":{row['pipeline']}"


def _is_fire(row: Row) -> bool:
    return row["schedule_id"] is not None and row["scheduled_for"] is not None


def ends_of(
    rows: Sequence[Row], facts: Mapping[str, AttemptFacts], failing: Mapping[str, float], now: float
) -> Ends:
    """What to keep of the `ended` jobs; `failing` has since when each track is failing."""
    ends, still_failing, unknown = Ends(), {**failing}, AttemptFacts()
    for row in rows:
        status, track = records.status_of(row), track_of(row)
        attempt = facts.get(row["id"], unknown)
        waited = waited_of(row)
        ends.counters.append(job_counter(str(row["pipeline"]), status, attempt.seconds, waited))
        if _is_fire(row):
            ends.fires.append({name: row[name] for name in _FIRE})
        # A cancelled job says nothing.
        if status is JobStatus.CANCELLED:
            continue
        since = still_failing.get(track)
        if status is JobStatus.FAILED:
            ends.events.append(job_event(EventKind.FAILED, row, attempt.seconds))
            still_failing[track] = now
        else:
            if attempt.tell_finished:
                ends.events.append(job_event(EventKind.FINISHED, row, attempt.seconds))
            if since is not None:
                ends.events.append(recovery_event(track, since, row, attempt.seconds))
                del still_failing[track]
        if not track.startswith(":"):
            ends.schedules.append({"schedule_id": track, "status": status})
        elif status is JobStatus.FAILED or since is not None:
            failures = int(status is JobStatus.FAILED)
            ends.pipelines.append({"name": track, "status": status, "failures": failures})
    ends.counters = added_up(ends.counters)
    return ends
