"""What an import would do: for each line, what it means there and here, and where it would go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from flowerpower.config.files import Pipeline, Project
from flowerpower.config.pipeline import ScheduleConfig
from flowerpower.errors import FlowerpowerError
from flowerpower.pipeline.other_schedulers.commands import PipelineCommand, read_command
from flowerpower.pipeline.other_schedulers.sources import SourceLine
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import did_you_mean, is_name
from flowerpower.triggers import clock
from flowerpower.triggers.base import Trigger
from flowerpower.triggers.dialects.meaning import Meaning
from flowerpower.triggers.dialects.table import DIALECTS
from flowerpower.triggers.dialects.translate import DayRow, Translation, Verdict, translate

IN_UTC = ("kubernetes", "airflow")
"""Whose times are in UTC unless something else is said there."""
NO_PIPELINE = "it runs no pipeline of this project"


class Action(StrEnum):
    """What becomes of a line."""

    ADD = "add"
    EXISTS = "exists"
    LEFT = "left"


@dataclass(frozen=True)
class ImportedLine:
    """One line of a file, and what becomes of it.

    Attributes:
        source: the line as read.
        meaning: what its expression means there; None if it cannot be read.
        timezone: the zone that it is read in.
        translation: the trigger here; None without a meaning.
        pipeline: the one whose YAML gets the entry; None if it is not known.
        entry: the entry under `schedule`; empty if there is none.
        action: what becomes of it.
        problem: why it is left; empty otherwise.
    """

    source: SourceLine
    timezone: str
    meaning: Meaning | None = None
    translation: Translation | None = None
    pipeline: str | None = None
    entry: dict[str, Any] = field(default_factory=dict)
    action: Action = Action.LEFT
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """The line as JSON."""
        trigger = self.translation.trigger if self.translation else None
        return {
            "line": self.source.number,
            "expression": self.source.expression,
            "command": self.source.command,
            "timezone": self.timezone,
            "there": self.meaning.in_words() if self.meaning else None,
            "here": trigger.in_words() if trigger else None,
            "trigger": trigger.to_json() if trigger else None,
            "verdict": self.translation.verdict if self.translation else None,
            "reasons": list(self.translation.reasons) if self.translation else [],
            "notes": list(self.source.notes),
            "days": [_day_data(row) for row in self.translation.days] if self.translation else [],
            "pipeline": self.pipeline,
            "id": self.entry.get("id"),
            "entry": self.entry or None,
            "action": self.action,
            "problem": self.problem or None,
        }


def _day_data(row: DayRow) -> dict[str, Any]:
    there, here = ([fire.isoformat() for fire in fires] for fires in (row.there, row.here))
    return {"date": row.day.isoformat(), "there": there, "here": here, "same": row.is_same}


def plan_import(
    project: Project,
    registry: PipelineRegistry,
    sources: Sequence[SourceLine],
    dialect: str,
    *,
    timezone: str | None = None,
    pipeline: str | None = None,
    now: datetime | None = None,
) -> list[ImportedLine]:
    """What becomes of each line of a file.

    A line without a zone of its own is read in `timezone`, by default UTC for Kubernetes and
    Airflow, and the project's for the others. One whose command runs no pipeline goes to
    `pipeline`, if that is given.

    Raises:
        PipelineNotFound: if there is no such `pipeline`.
        InvalidTimezone: if there is no such zone.
        ConfigError: if the YAML of a pipeline that is named is not valid.
    """
    if pipeline is not None:
        registry.get(pipeline)
    default = timezone or ("Etc/UTC" if dialect in IN_UTC else project.timezone)
    clock.timezone(default)
    moment = clock.now() if now is None else now
    lines = [_read(source, dialect, default, moment) for source in sources]
    return _with_entries(project, registry, lines, pipeline)


def _read(source: SourceLine, dialect: str, timezone: str, now: datetime) -> ImportedLine:
    line = ImportedLine(source, source.timezone or timezone, problem=source.problem or "")
    if source.problem:
        return line
    try:
        meaning = DIALECTS[dialect].read(source.expression)
        zone = clock.timezone(meaning.timezone or line.timezone)
    except FlowerpowerError as error:
        return replace(line, problem=error.message)
    translation = translate(meaning, source.expression, zone, now)
    problem = ""
    if translation.trigger is None or translation.verdict is Verdict.NEAREST:
        problem = " ".join(translation.reasons)
    return replace(
        line, timezone=zone.key, meaning=meaning, translation=translation, problem=problem
    )


def _with_entries(
    project: Project,
    registry: PipelineRegistry,
    lines: Sequence[ImportedLine],
    default_pipeline: str | None,
) -> list[ImportedLine]:
    done: list[ImportedLine] = []
    taken: dict[str, list[ScheduleConfig]] = {}
    ids: dict[str, set[str]] = {}
    for line in lines:
        if line.problem or line.translation is None or line.translation.trigger is None:
            done.append(line)
            continue
        command = read_command(line.source.command, project.root) if line.source.command else None
        entry = _entry(project, line, line.translation.trigger, command)
        name = command.pipeline if command and command.pipeline else default_pipeline
        problem = _problem(registry, command, name)
        if problem or name is None:
            known = name if name is not None and name in registry.names() else None
            done.append(replace(line, pipeline=known, entry=entry, problem=problem or NO_PIPELINE))
            continue
        if name not in taken:
            config = registry.get(name)
            taken[name], ids[name] = [*config.config.schedule], {*_ids(config)}
        made = ScheduleConfig.model_validate(entry)
        same = next((other for other in taken[name] if _is_same(made, other, project)), None)
        if same is None:
            identifier = _free_id(name, ids[name])
            ids[name].add(identifier)
            taken[name].append(made.model_copy(update={"id": identifier}))
            done.append(
                replace(line, pipeline=name, entry={"id": identifier, **entry}, action=Action.ADD)
            )
        else:
            known_id = {"id": same.id} if same.id else {}
            done.append(
                replace(line, pipeline=name, entry={**known_id, **entry}, action=Action.EXISTS)
            )
    return done


def _problem(registry: PipelineRegistry, command: PipelineCommand | None, name: str | None) -> str:
    if command is not None and command.problem:
        return command.problem
    if name is None:
        return NO_PIPELINE
    names = registry.names()
    if not is_name(name) or name not in names:
        return f"there is no pipeline {name!r}.{did_you_mean(name, names)}"
    return ""


def _entry(
    project: Project, line: ImportedLine, trigger: Trigger, command: PipelineCommand | None
) -> dict[str, Any]:
    body = trigger.to_json()
    entry: dict[str, Any] = {key: body[key] for key in ("cron", "interval") if key in body}
    if body["timezone"] != project.timezone:
        entry["timezone"] = body["timezone"]
    for key in ("start", "end"):
        if bound := getattr(trigger, key):
            entry[key] = bound.astimezone(trigger.zone).replace(tzinfo=None).isoformat()
    entry |= line.source.options
    if command is not None:
        entry |= command.options
        if command.run:
            entry["run"] = command.run
    return entry


def _ids(pipeline: Pipeline) -> Iterator[str]:
    yield from (entry.id for entry in pipeline.config.schedule if entry.id)


def _free_id(pipeline: str, taken: set[str]) -> str:
    number = 1
    while f"{pipeline}-cron-{number}" in taken:
        number += 1
    return f"{pipeline}-cron-{number}"


def _is_same(one: ScheduleConfig, other: ScheduleConfig, project: Project) -> bool:
    """Whether two entries run the same at the same times.

    Other keys may have been changed since the first import: a second entry would run it twice.
    """
    try:
        triggers = [entry.trigger(project.timezone).to_json() for entry in (one, other)]
    except FlowerpowerError:
        return False
    return triggers[0] == triggers[1] and one.run == other.run
