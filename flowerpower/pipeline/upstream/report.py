"""What became of each setting of an upstream project: a row for each, by file and line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Outcome = Literal["converted", "left_out", "not_needed"]


@dataclass(frozen=True)
class Row:
    """What became of one setting or statement of an upstream project.

    Attributes:
        file, line: where it stood; no line for a whole file.
        key: the setting, as `run.executor.type`, or the statement.
        outcome: `left_out` if somebody should do something about it; `not_needed` if it said
            nothing, or nothing that must be said here.
        to: where it stands now; empty if nowhere.
        advice: why it was left out and what to do, or what differs.
    """

    file: str
    line: int | None
    key: str
    outcome: Outcome
    to: str = ""
    advice: str = ""

    def to_json(self) -> dict[str, Any]:
        """The row as data."""
        return asdict(self)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """The rows by file and line, those of the project's own file first."""
    return sorted(
        rows,
        key=lambda row: (not row.file.startswith("conf/project."), row.file, row.line or 0),
    )
