"""The schedules of a job queue: the interface of their store, and the records of every backend."""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flowerpower.errors import FlowerpowerError, Refused, ScheduleNotFound
from flowerpower.job_queue.records import RecordReader, Row, json_object, seconds_of
from flowerpower.jobs.schedule import (
    Fire,
    Origin,
    Outcome,
    Schedule,
    ScheduleSpec,
    ScheduleState,
    spec_from_definition,
)
from flowerpower.text import did_you_mean

FIRES_KEPT = 1000
"""Rows of a schedule's ledger that are kept, the latest ones, while their history lasts.

Rows of several misses are counted apart; those of a backfill's jobs are all kept.
"""
FIRE_BATCH = 200
"""Schedules that one step of a scheduler looks at."""


@dataclass(frozen=True)
class FireBatch:
    """The outcome of one `fire_due`: new rows of the ledger, and how many schedules were due."""

    fires: tuple[Fire, ...] = ()
    schedules: int = 0


class ScheduleStore(ABC):
    """Schedules of one project, for callers and for schedulers.

    Law: a nominal time makes at most one job, whoever looks and however often; the claim of a
    fire, its job and the next fire are one atomic step. Times before an edit or a resume never
    fire. A schedule that cannot be read fires nothing and stops no other.

    Methods that take the id of a schedule raise ScheduleNotFound if there is none.
    """

    @abstractmethod
    def add(self, spec: ScheduleSpec, *, overwrite: bool = False) -> Schedule:
        """Store a schedule; its first fire is its trigger's first after now.

        Without an id: a live schedule of the pipeline with the same definition is returned with
        `created=False`; else a new one gets the next number, and numbers are not reused. With the
        id of an existing schedule: that one is returned if its definition is the same, and is
        replaced if `overwrite` (a paused one stays paused). The same one that YAML declares now
        becomes one of YAML, if `overwrite`, and keeps all else.

        Raises:
            Refused: if the id belongs to another schedule, and not `overwrite`; if the queue was
                moved elsewhere.
        """

    @abstractmethod
    def get(self, schedule_id: str) -> Schedule:
        """Return the schedule."""

    # Within this class `list` is the method, so annotations name the type in full.
    @abstractmethod
    def list(self) -> builtins.list[Schedule]:
        """Return all schedules, the oldest first."""

    @abstractmethod
    def upcoming(self, limit: int) -> builtins.list[Schedule]:
        """Return up to `limit` schedules that have a next fire, the soonest first."""

    @abstractmethod
    def count(self) -> int:
        """Return how many schedules there are."""

    def pause(self, schedule_id: str) -> Schedule:
        """Stop its fires until it is resumed; pausing a paused schedule changes nothing."""
        return self.set_state(schedule_id, ScheduleState.PAUSED)

    def resume(self, schedule_id: str) -> Schedule:
        """Let it fire again, from now on; resuming an active schedule changes nothing."""
        return self.set_state(schedule_id, ScheduleState.ACTIVE)

    @abstractmethod
    def set_state(self, schedule_id: str, state: ScheduleState) -> Schedule:
        """Pause or resume it.

        Raises:
            Refused: if it is done, or cannot be read.
        """

    @abstractmethod
    def delete(self, schedule_id: str) -> None:
        """Delete a schedule and its ledger; its jobs stay."""

    @abstractmethod
    def fires(self, schedule_id: str, limit: int = 100) -> builtins.list[Fire]:
        """Return the ledger of a schedule, the latest fire first, each with its job's status.

        The status is kept when the job is deleted, its error is not.
        """

    @abstractmethod
    def ledger(self, schedule_id: str) -> builtins.list[Fire]:
        """Return the whole ledger in the order of the fires, without anything of their jobs."""

    @abstractmethod
    def backfill(
        self, schedule: Schedule, times: Sequence[datetime], max_parallel: int
    ) -> builtins.list[str]:
        """Add a blocked job for each past fire at `times`, in that order; return the new ids.

        One atomic step, so of up to `backfill.PAGE` times. A fire that is enqueued in the ledger,
        or whose job exists, gets none. Each fire is enqueued in the ledger then, with the reason
        `backfill`, and no longer part of a row of misses. At most `max_parallel` jobs of all
        backfills of the schedule run at once; they do not count for its `max_instances`.

        Raises:
            Refused: if the schedule was edited since `schedule` was read, or cannot be read.
        """

    @abstractmethod
    def next_fire_in(self) -> float | None:
        """Return the seconds until `fire_due` has something to do, None without a schedule."""

    @abstractmethod
    def has_scheduler(self) -> bool:
        """Return whether a scheduler has looked for due fires in the last minute."""

    @abstractmethod
    def fire_due(self) -> FireBatch:
        """Turn due fires into jobs, as `scheduling.decide` says, for up to FIRE_BATCH schedules.

        The jobs that a fire replaces are cancelled in the same step, with that reason.
        Any number of schedulers may call it at once.
        """


# Records; damaged columns are named, and stop nobody.


def schedule_of(row: Row) -> Schedule:
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
        fault=fault,
        last_outcome=row.get("last_outcome"),
        failures=read.number("failures") if "failures" in row else 0,
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
        read.maybe(read.moment, "last_time"),
        row.get("job_status"),
        json_object(row.get("job_error")),
    )


def schedule_not_found(schedule_id: str, known: Sequence[str]) -> ScheduleNotFound:
    """The error, with the nearest of the `known` ids."""
    return ScheduleNotFound(
        f"There is no schedule {schedule_id[:200]!r}.{did_you_mean(schedule_id, known)}",
        hint="See them with `flowerpower schedule list`.",
    )


def with_state(schedule: Schedule, state: ScheduleState, moment: datetime) -> Schedule:
    """The schedule, paused or active from `moment` on; itself if it is so already."""
    if schedule.fault is not None:
        raise Refused(
            schedule.fault, hint=f"Delete it with `flowerpower schedule delete {schedule.id}`."
        )
    if schedule.state is state:
        return schedule
    if schedule.state is ScheduleState.DONE:
        raise Refused(
            f"The schedule {schedule.id} is done: it has no more fires.",
            hint="Give it another trigger with `flowerpower schedule add … --overwrite`.",
        )
    changed = replace(schedule, state=state, revision=schedule.revision + 1)
    return changed.with_next_fire(moment)


def is_same(existing: Schedule, spec: ScheduleSpec) -> bool:
    """Whether the existing schedule has the same definition."""
    return (
        existing.spec is not None
        and existing.pipeline == spec.pipeline
        and existing.spec.definition() == spec.definition()
    )


def same_schedule(
    existing: Schedule | None, spec: ScheduleSpec, *, overwrite: bool
) -> Schedule | None:
    """The existing schedule, as not created, if it is the same; a different one is refused.

    With `overwrite` a different one may be replaced, so there is no error and the answer is None.
    """
    if existing is None:
        return None
    if is_same(existing, spec) and not (overwrite and _is_adopted(existing, spec)):
        return replace(existing, created=False)
    if not overwrite:
        raise Refused(
            f"There is a schedule {existing.id} already, and it is a different one.",
            hint="Replace it with --overwrite (overwrite=True), or choose another id.",
        )
    return None


def _is_adopted(existing: Schedule, spec: ScheduleSpec) -> bool:
    """Whether YAML declares what was added by hand."""
    origin = None if existing.spec is None else existing.spec.origin
    return spec.origin is Origin.CONFIG and origin is not Origin.CONFIG


def new_schedule(
    spec: ScheduleSpec, schedule_id: str, existing: Schedule | None, moment: datetime
) -> Schedule:
    """A new schedule, or one that replaces the existing one and keeps its state and age."""
    if existing is not None and is_same(existing, spec):
        # Only its origin changes: an interval must not begin to count again.
        adopted = replace(spec, id=schedule_id)
        return replace(existing, spec=adopted, revision=existing.revision + 1)
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


def position(schedule: Schedule) -> dict[str, float | None]:
    """The times in a schedule's record that its fires move, in seconds since 1970."""
    names = ("anchor", "next_fire", "due_at", "last_fire")
    return {name: seconds_of(getattr(schedule, name)) for name in names}
