"""Records of a store as schedules and fires; damaged columns are named, and stop nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from flowerpower.errors import FlowerpowerError, Refused, ScheduleNotFound
from flowerpower.job_queue.records import RecordReader, Row
from flowerpower.jobs.schedule import (
    Fire,
    Outcome,
    Schedule,
    ScheduleSpec,
    ScheduleState,
    spec_from_definition,
)
from flowerpower.text import did_you_mean


def schedule_of(row: Row, *, created: bool = True) -> Schedule:
    """The schedule in a row; one that cannot be read has a fault, and no spec."""
    read = RecordReader(row)
    schedule_id, pipeline = read.text("id"), read.text("pipeline")
    spec, fault = None, None
    try:
        state = ScheduleState(row["state"])
        spec = spec_from_definition(pipeline, schedule_id, row["definition"], row["origin"])
    except ValueError:
        state, fault = ScheduleState.PAUSED, f"The schedule {schedule_id} is damaged: its state."
    except FlowerpowerError as error:
        fault = error.message
    schedule = Schedule(
        id=schedule_id,
        pipeline=pipeline,
        spec=spec,
        state=state,
        created_at=read.moment("created_at"),
        anchor=read.moment("anchor"),
        next_fire=read.maybe(read.moment, "next_fire"),
        due_at=read.maybe(read.moment, "due_at"),
        last_fire=read.maybe(read.moment, "last_fire"),
        revision=read.number("revision"),
        created=created,
        fault=fault,
    )
    if read.damaged and not fault:
        fault = f"The schedule {schedule_id} is damaged: its {', '.join(read.damaged)}."
        return replace(schedule, spec=None, fault=fault)
    return schedule


def fire_of(row: Row) -> Fire:
    """The fire in a row of the ledger; an unknown outcome counts as missed."""
    read = RecordReader(row)
    try:
        outcome = Outcome(row["outcome"])
    except ValueError:
        outcome = Outcome.MISSED
    return Fire(
        read.text("schedule_id"),
        read.moment("fire_time"),
        outcome,
        read.maybe(read.text, "reason"),
        read.number("count", 1),
        read.maybe(read.text, "job_id"),
        read.maybe(read.moment, "recorded_at"),
    )


def schedule_not_found(schedule_id: str, known: Sequence[str]) -> ScheduleNotFound:
    """The error, with the nearest of the `known` ids."""
    return ScheduleNotFound(
        f"There is no schedule {schedule_id[:200]!r}.{did_you_mean(schedule_id, known)}",
        hint="See them with `flowerpower schedule list`.",
    )


def check_not_done(schedule: Schedule) -> None:
    """Check that a schedule may be paused or resumed.

    Raises:
        Refused: if it is done, or cannot be read.
    """
    if schedule.fault is not None:
        raise Refused(
            schedule.fault, hint=f"Delete it with `flowerpower schedule delete {schedule.id}`."
        )
    if schedule.state is ScheduleState.DONE:
        raise Refused(
            f"The schedule {schedule.id} is done: it has no more fires.",
            hint="Give it another trigger with `flowerpower schedule add … --overwrite`.",
        )


def is_same(existing: Schedule, spec: ScheduleSpec) -> bool:
    """Whether the existing schedule has the same definition."""
    return (
        existing.spec is not None
        and existing.pipeline == spec.pipeline
        and existing.spec.definition() == spec.definition()
    )


def check_overwrite(schedule: Schedule, *, overwrite: bool) -> None:
    """Check that an existing schedule may be replaced.

    Raises:
        Refused: if not `overwrite`.
    """
    if not overwrite:
        raise Refused(
            f"There is a schedule {schedule.id} already, and it is a different one.",
            hint="Replace it with --overwrite (overwrite=True), or choose another id.",
        )


def new_schedule(
    spec: ScheduleSpec, schedule_id: str, existing: Schedule | None, moment: datetime
) -> Schedule:
    """A new schedule, or one that replaces the existing one and keeps its state and age."""
    is_paused = existing is not None and existing.state is ScheduleState.PAUSED
    schedule = Schedule(
        id=schedule_id,
        pipeline=spec.pipeline,
        spec=replace(spec, id=schedule_id),
        state=ScheduleState.PAUSED if is_paused else ScheduleState.ACTIVE,
        created_at=moment if existing is None else existing.created_at,
        # Times before the edit never fire.
        anchor=moment,
        last_fire=None if existing is None else existing.last_fire,
        revision=0 if existing is None else existing.revision + 1,
    )
    return schedule.with_next_fire(moment)


def unreadable(schedule: Schedule) -> Schedule:
    """The schedule, paused: a due one that cannot be read would be due first at every step."""
    return replace(schedule, state=ScheduleState.PAUSED, next_fire=None, due_at=None)


def position(schedule: Schedule) -> dict[str, float | None]:
    """The times in a schedule's record that its fires move, in seconds since 1970."""
    moments = {
        "anchor": schedule.anchor,
        "next_fire": schedule.next_fire,
        "due_at": schedule.due_at,
        "last_fire": schedule.last_fire,
    }
    return {
        name: None if moment is None else moment.timestamp() for name, moment in moments.items()
    }
