"""How declared schedules look beside live ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from flowerpower.jobs.schedule import ScheduleSpec
from flowerpower.pipeline.schedule_changes import Action, ScheduleChange
from flowerpower.text import mask_values
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.tables import Block, Cell, cell, line, table

_DURATIONS = ("interval", "jitter", "misfire_grace_time", "result_ttl", "expires")
_STYLES: dict[str, str] = {Action.ADD: "green", Action.CHANGE: "yellow", Action.REMOVE: "red"}


def changes_view(changes: Sequence[ScheduleChange]) -> Iterator[Block]:
    """A table with a row for each schedule to add or to remove, and each field to change."""
    rows = [row for change in changes for row in _rows(change)]
    if rows:
        columns = list(zip(*rows, strict=True))
        yield table(dict(zip(_HEADERS, columns, strict=True)), optional=("pipeline",))
    for change in changes:
        if change.conflict is not None:
            yield line(change.conflict, "bold red")


_HEADERS = ("action", "schedule", "pipeline", "field", "live", "declared…")


def _rows(change: ScheduleChange) -> Iterator[tuple[Cell, ...]]:
    if change.action is None:
        return
    # One that has no id yet gets the pipeline's next number.
    name = cell(change.id or f"{change.pipeline}-…", "bold")
    first = (cell(change.action, _STYLES[change.action]), name, cell(change.pipeline))
    live = change.live.spec if change.live else None
    if change.declared is None or change.live is None:
        yield (*first, cell(""), cell(_words(live)), cell(_words(change.declared)))
        return
    for field in change.changes:
        live_value, declared = (_value(field.field, v) for v in (field.live, field.declared))
        yield (*first, cell(field.field), cell(live_value), cell(declared))
        first = (cell(""), cell(""), cell(""))


def _words(spec: ScheduleSpec | None) -> str:
    return "" if spec is None else spec.trigger.in_words()


def _value(field: str, value: Any) -> str:
    if value is None:
        return "-"
    if field in _DURATIONS and value >= 0:
        return format_duration(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(mask_values(value, named=True))
