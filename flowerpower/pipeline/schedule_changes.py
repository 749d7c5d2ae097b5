"""Declared schedules beside live ones: how each stands, and what brings the live ones in line.

`compare` is a pure function. Whoever shows the differences, and whoever acts on them, has the same
list of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flowerpower.config.files import pipeline_path
from flowerpower.jobs.job_spec import overrides_json
from flowerpower.jobs.schedule import Origin, Schedule, ScheduleSpec, ScheduleState


class Standing(StrEnum):
    """How a schedule that YAML declares or has declared stands."""

    SAME = "declared_and_live"
    CHANGED = "changed"
    """Declared and live, and not the same."""
    DECLARED_ONLY = "declared_only"
    LIVE_ONLY = "live_only"
    """An orphan: made from YAML that declares it no more."""
    DISABLED = "disabled"
    """Declared with `enabled: false`, and not live."""
    OVER = "over"
    """Declared and not live, without a fire to come."""


class Action(StrEnum):
    """What brings a schedule in line with the YAML."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


_ACTIONS = {
    Standing.DECLARED_ONLY: Action.ADD,
    Standing.CHANGED: Action.CHANGE,
    Standing.LIVE_ONLY: Action.REMOVE,
}


@dataclass(frozen=True)
class FieldChange:
    """A field of a schedule that the YAML has otherwise; None stands for its default."""

    field: str
    live: Any
    declared: Any


@dataclass(frozen=True)
class ScheduleChange:
    """A schedule that is declared, or was: how it stands, and what is to be done.

    Attributes:
        id: of the live one, or else the declared id; None if it is to get the next number.
        declared: as YAML has it, None for an orphan.
        live: as the queue has it, None if it has none.
        changes: where the two differ.
        conflict: why it cannot be brought in line; None if it can.
    """

    pipeline: str
    id: str | None
    standing: Standing
    declared: ScheduleSpec | None = None
    live: Schedule | None = None
    changes: tuple[FieldChange, ...] = ()
    conflict: str | None = None

    @property
    def action(self) -> Action | None:
        """What brings it in line; None if it is so already."""
        return _ACTIONS.get(self.standing)

    @property
    def label(self) -> str:
        """Its id, or words for one that has none yet."""
        return self.id or f"the schedule of {self.pipeline}"

    @property
    def is_paused(self) -> bool:
        """Whether it is live and paused, which no change of YAML undoes."""
        return self.live is not None and self.live.state is ScheduleState.PAUSED

    def to_json(self) -> dict[str, Any]:
        """What is to be done, as a JSON object."""
        spec = self.declared or (self.live.spec if self.live else None)
        return {
            "id": self.id,
            "pipeline": self.pipeline,
            "action": self.action,
            "standing": self.standing,
            "in_words": spec.trigger.in_words() if spec else None,
            "changes": [vars(change) for change in self.changes],
            "paused": self.is_paused,
            "conflict": self.conflict,
        }


def compare(
    declared: Sequence[ScheduleSpec],
    live: Sequence[Schedule],
    now: datetime,
    *,
    pipelines: Collection[str] | None = None,
    unreadable: Collection[str] = (),
) -> list[ScheduleChange]:
    """How every declared schedule stands, and every orphan, sorted by pipeline.

    `live` is sorted from the oldest to the newest. With `pipelines` only those count, and
    `declared` holds nothing of others. Of pipelines whose YAML is `unreadable` nothing is an
    orphan.

    A declared schedule with an id is the live one with that id. One without is *the* declared one
    of its pipeline, whatever it was before: a number, or an id that its YAML has lost.
    """
    by_id = {schedule.id: schedule for schedule in live}
    own_ids = {spec.id for spec in declared if spec.id is not None}
    changes: list[ScheduleChange] = []
    for spec in declared:
        existing = by_id.get(spec.id) if spec.id else _unnamed(spec, live, own_ids)
        changes.append(_change(spec, existing, now, is_part=pipelines is not None))
    matched = {change.live.id for change in changes if change.live is not None}
    for schedule in live:
        in_question = pipelines is None or schedule.pipeline in pipelines
        is_known = schedule.id in matched or schedule.pipeline in unreadable
        if _is_declared(schedule) and in_question and not is_known:
            changes.append(
                ScheduleChange(schedule.pipeline, schedule.id, Standing.LIVE_ONLY, live=schedule)
            )
    return sorted(changes, key=lambda change: change.pipeline)


def _is_declared(schedule: Schedule) -> bool:
    return schedule.spec is not None and schedule.spec.origin is Origin.CONFIG


def _unnamed(
    spec: ScheduleSpec, live: Sequence[Schedule], own_ids: Collection[str | None]
) -> Schedule | None:
    """The live schedule that a declared one without an id is.

    Whatever the YAML says of it: so an edit never makes a second one. Of several, one with a
    number comes first, and then the oldest.
    """
    others = [s for s in live if s.pipeline == spec.pipeline and s.id not in own_ids]
    numbered = re.compile(rf"{re.escape(spec.pipeline)}-[0-9]+", re.ASCII)
    candidates = [schedule for schedule in others if _is_declared(schedule)]
    candidates.sort(key=lambda schedule: numbered.fullmatch(schedule.id) is None)
    # One that was added by hand, and is the very same, becomes the declared one.
    candidates += [
        schedule
        for schedule in others
        if schedule.state is not ScheduleState.DONE
        and schedule.spec is not None
        and schedule.spec.definition() == spec.definition()
    ]
    return candidates[0] if candidates else None


def _change(
    spec: ScheduleSpec, existing: Schedule | None, now: datetime, *, is_part: bool
) -> ScheduleChange:
    if existing is None:
        standing = Standing.DECLARED_ONLY
        if not spec.enabled:
            standing = Standing.DISABLED
        elif not spec.trigger.fires_after(now):
            standing = Standing.OVER
        return ScheduleChange(spec.pipeline, spec.id, standing, spec)
    changes = _field_changes(spec, existing)
    standing = Standing.CHANGED if changes else Standing.SAME
    conflict = None
    if existing.pipeline != spec.pipeline and (is_part or not _is_declared(existing)):
        by_hand = "" if _is_declared(existing) else ", and was not made from YAML"
        conflict = (
            f"There is a schedule {existing.id} already: it is of the pipeline "
            f"{existing.pipeline}{by_hand}."
        )
    return ScheduleChange(spec.pipeline, existing.id, standing, spec, existing, changes, conflict)


def _field_changes(spec: ScheduleSpec, existing: Schedule) -> tuple[FieldChange, ...]:
    if existing.spec is None:
        path = pipeline_path(spec.pipeline).as_posix()
        return (FieldChange("record", existing.fault, f"as in {path}"),)
    live, declared = _fields(existing.spec), _fields(spec)
    return tuple(
        FieldChange(name, live.get(name), declared.get(name))
        for name in dict.fromkeys((*declared, *live))
        if live.get(name) != declared.get(name)
    )


def _fields(spec: ScheduleSpec) -> dict[str, Any]:
    """All that a declaration says, by the keys that it has in YAML; and where it comes from."""
    settings = spec.settings()
    del settings["overrides"]
    run = overrides_json(spec.overrides) or None
    return {
        "pipeline": spec.pipeline,
        **spec.trigger.to_json(),
        **settings,
        "run": run,
        "origin": str(spec.origin),
    }
