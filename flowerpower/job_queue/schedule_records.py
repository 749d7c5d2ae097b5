"""Records of a store as schedules and fires; what is damaged is told, and stops nobody."""

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
    """The schedule in a row; one that cannot be read says so and has no next fire."""
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
        next_fire=read.maybe_moment("next_fire"),
        due_at=read.maybe_moment("due_at"),
        last_fire=read.maybe_moment("last_fire"),
        revision=read.number("revision"),
        created=created,
        fault=fault,
    )
    if read.damaged and not fault:
        told = f"The schedule {schedule_id} is damaged: its {', '.join(read.damaged)}."
        return replace(schedule, spec=None, fault=told)
    return schedule


def fire_of(row: Row) -> Fire:
    """The row of the ledger; an outcome that does not exist counts as missed."""
    read = RecordReader(row)
    try:
        outcome = Outcome(row["outcome"])
    except ValueError:
        outcome = Outcome.MISSED
    return Fire(
        read.text("schedule_id"),
        read.moment("fire_time"),
        outcome,
        read.maybe_text("reason"),
        read.number("count", 1),
        read.maybe_text("job_id"),
        read.maybe_moment("recorded_at"),
    )


def schedule_not_found(schedule_id: str, known: Sequence[str]) -> ScheduleNotFound:
    """The error, with the one of the `known` ids that may have been meant."""
    return ScheduleNotFound(
        f"There is no schedule {schedule_id[:200]!r}.{did_you_mean(schedule_id, known)}",
        hint="See them with `flowerpower schedule list`.",
    )


def check_not_done(schedule: Schedule) -> None:
    """A schedule may be paused or resumed.

    Raises:
        Refused: if it is done, or cannot be read.
    """
    if schedule.fault is not None:
        raise Refused(
            schedule.fault, hint=f"Forget it with `flowerpower schedule delete {schedule.id}`."
        )
    if schedule.state is ScheduleState.DONE:
        raise Refused(
            f"The schedule {schedule.id} is done: it has no fires to come.",
            hint="Give it another trigger with `flowerpower schedule add … --overwrite`.",
        )


def check_overwrite(schedule: Schedule, *, overwrite: bool) -> None:
    """A schedule that is there may be replaced.

    Raises:
        Refused: if nobody said so.
    """
    if not overwrite:
        raise Refused(
            f"There is a schedule {schedule.id} already, and it is another one.",
            hint="Replace it with --overwrite (overwrite=True), or choose another id.",
        )


def made_schedule(
    spec: ScheduleSpec, schedule_id: str, there: Schedule | None, moment: datetime
) -> Schedule:
    """A new schedule, or one in the place of that which is there."""
    is_paused = there is not None and there.state is ScheduleState.PAUSED
    schedule = Schedule(
        id=schedule_id,
        pipeline=spec.pipeline,
        spec=replace(spec, id=schedule_id),
        state=ScheduleState.PAUSED if is_paused else ScheduleState.ACTIVE,
        created_at=moment if there is None else there.created_at,
        anchor=moment,
        last_fire=None if there is None else there.last_fire,
        revision=0 if there is None else there.revision + 1,
    )
    return schedule.with_next_fire(moment)
