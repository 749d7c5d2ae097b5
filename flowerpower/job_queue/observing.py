"""What every backend keeps of ends and fires beside their records: counters and events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowerpower.job_queue.records import RecordReader, Row, json_object, moment_of
from flowerpower.jobs.counter import Counter, CounterKind, bucket_of
from flowerpower.jobs.event import LATE_AFTER, Event, EventKind, error_facts
from flowerpower.jobs.job import Job, JobStatus, json_value

if TYPE_CHECKING:
    from flowerpower.jobs.schedule import Fire, Schedule

StoredEvent = dict[str, str]
"""An event as a store takes it: its id, its kind and its facts as JSON."""


def waited_of(row: Row) -> float | None:
    """Seconds from when a job was due to its last attempt; None if it has had none."""
    values = row["started_at"], row["run_at"], row["created_at"]
    # A damaged row may hold anything.
    if not all(map(_is_number, values)):
        return None
    started, due, created = values
    return float(started - max(due, created))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def job_event(kind: EventKind, row: Row, seconds: float | None) -> StoredEvent:
    """That a job has failed or finished: once for each attempt."""
    return _stored(f"{kind}:{row['id']}:{row['attempt']}", kind, job_facts(row, seconds))


def recovery_event(track: str, since: float, row: Row, seconds: float | None) -> StoredEvent:
    """That what was failing `since` then has finished: once for each row of failures."""
    kind = EventKind.RECOVERED
    facts = {**job_facts(row, seconds), "failing_since": json_value(moment_of(since))}
    return _stored(f"{kind}:{track}:{since:.6f}", kind, facts)


def lost_event(row: Row, reason: str) -> StoredEvent:
    """That the worker of a job that runs again was lost."""
    kind = EventKind.LOST
    facts = {**job_facts(row, None), "error": None, "reason": reason}
    return _stored(f"{kind}:{row['id']}:{row['attempt']}", kind, facts)


def job_facts(row: Row, seconds: float | None) -> dict[str, Any]:
    """What an event says of a job."""
    # A damaged row may hold anything, and must not keep its job from ending.
    read = RecordReader(row)
    return {
        "pipeline": read.maybe(read.text, "pipeline"),
        "schedule_id": read.maybe(read.text, "schedule_id"),
        "scheduled_for": json_value(read.maybe(read.moment, "scheduled_for")),
        "job_id": read.text("id"),
        "attempt": read.number("attempt"),
        "seconds": seconds,
        "error": error_facts(json_object(row["error"])),
    }


def _stored(event_id: str, kind: EventKind, facts: dict[str, Any]) -> StoredEvent:
    return {"id": event_id, "kind": kind, "body": json.dumps(facts)}


def fire_counter(fire: Fire, schedule: Schedule, now: datetime) -> Counter:
    """The counter of the fires in a row of the ledger; only what was enqueued was late."""
    # Not at the top: who only records the end of a job needs no schedules, and no triggers.
    from flowerpower.jobs.schedule import Outcome

    kind, pipeline = CounterKind.FIRE, schedule.pipeline
    if fire.outcome is not Outcome.ENQUEUED:
        return Counter(kind, pipeline, fire.outcome, count=fire.count)
    late = _seconds_late(fire, schedule, now)
    return Counter(kind, pipeline, fire.outcome, bucket_of(late), seconds=late)


def fire_event(fire: Fire, schedule: Schedule, now: datetime) -> StoredEvent | None:
    """That a fire was missed, or is late; None if it is neither."""
    from flowerpower.jobs.schedule import Outcome

    stamp = f"{fire.schedule_id}:{fire.fire_time.timestamp():.6f}"
    late = _seconds_late(fire, schedule, now)
    facts = {"pipeline": schedule.pipeline, **fire.to_json(), "seconds": late}
    for name in ("outcome", "recorded_at", "job_status", "job_error"):
        del facts[name]
    if fire.outcome is Outcome.MISSED:
        return _stored(f"{EventKind.MISSED}:{stamp}", EventKind.MISSED, facts)
    if fire.outcome is Outcome.ENQUEUED and late > LATE_AFTER:
        return _stored(f"{EventKind.LATE}:{stamp}", EventKind.LATE, facts)
    return None


def _seconds_late(fire: Fire, schedule: Schedule, now: datetime) -> float:
    trigger = schedule.trigger
    due = fire.fire_time if trigger is None else trigger.jittered(fire.fire_time, schedule.id)
    return max(0.0, (now - due).total_seconds())


def events_of(rows: Sequence[Row]) -> Iterator[Event]:
    """The events in rows with `id`, `kind`, `at` and `body`; what cannot be read is left out."""
    for row in rows:
        read, facts = RecordReader(row), json_object(row["body"])
        try:
            kind = EventKind(row["kind"])
        except ValueError:
            continue
        if facts is not None:
            yield Event(read.text("id"), kind, read.moment("at"), facts)


def latest_changes(jobs: Iterable[Job], since: datetime | None, limit: int) -> list[Job]:
    """The jobs that run or have changed since then, each once, the latest change first."""
    by_id = {
        job.id: job
        for job in jobs
        if since is None or job.status is JobStatus.RUNNING or job.changed_at >= since
    }
    latest = sorted(by_id.values(), key=lambda job: job.changed_at, reverse=True)
    return latest[: max(0, limit)]
