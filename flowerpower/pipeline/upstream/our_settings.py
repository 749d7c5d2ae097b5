"""Settings of ours in a project of upstream's, as somebody may have begun to convert it by hand."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from flowerpower.config.validation import explain
from flowerpower.pipeline.upstream.old_file import NOT_A_MAPPING, NOT_KNOWN, OldFile
from flowerpower.pipeline.upstream.report import Row

_Entry = dict[str, Any]


def bring_over(
    model: type[BaseModel], data: dict[str, Any], old: OldFile, rows: Iterable[Row]
) -> list[Row]:
    """Put into the converted `data` what upstream does not know, and `model` has at that place.

    Returns the rows, with those of such settings changed: converted, or why they are not valid.
    """
    return [
        _brought_over(model, data, old, row)
        if row.outcome == "left_out" and row.advice in (NOT_KNOWN, NOT_A_MAPPING)
        else row
        for row in rows
    ]


def _brought_over(model: type[BaseModel], data: dict[str, Any], old: OldFile, row: Row) -> Row:
    # A key that holds a dot is none of ours.
    path = row.key.split(".")
    value: Any = old.data
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    changed = copy.deepcopy(data)
    if value is None or not _put(changed, path, value):
        return row
    before = {_place(entry) for entry in _entries(model, data)}
    entries = [entry for entry in _entries(model, changed) if _place(entry) not in before]
    if any(_is_unknown(entry, path) for entry in entries):
        return row
    entries = [entry for entry in entries if "${" not in str(entry["input"])]
    if entries:
        return replace(row, advice=explain(model, entries[0], entries[0]["input"]))
    _put(data, path, value)
    return replace(row, outcome="converted", to=row.key, advice="")


def _put(data: dict[str, Any], path: list[str], value: Any) -> bool:
    """Set the value at a path; False if another stands there, or in its way."""
    place: Any = data
    for step in path[:-1]:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            return False
    if path[-1] in place:
        return False
    place[path[-1]] = value
    return True


def _entries(model: type[BaseModel], data: dict[str, Any]) -> list[_Entry]:
    try:
        model.model_validate(data)
    except ValidationError as error:
        return [dict(entry) for entry in error.errors(include_url=False)]
    return []


def _place(entry: _Entry) -> tuple[Any, ...]:
    return (entry["type"], *entry["loc"])


def _is_unknown(entry: _Entry, path: list[str]) -> bool:
    """Whether the key itself, or a section on the way to it, is none of ours."""
    # A list may stand for one mapping, which then has a position.
    steps = [step for step in entry["loc"] if isinstance(step, str)]
    return entry["type"] == "extra_forbidden" and steps == path[: len(steps)]
