"""A line of the table of benchmarks: what was measured, beside what, is its bound kept."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Of = Literal["ratio", "difference", "value"]
Pair = tuple[float, float]
"""Ours and the other's, measured one right after the other."""


@dataclass(frozen=True)
class Bound:
    """What a ratio, a difference or our own figure must not be above, or below."""

    limit: float
    of: Of = "ratio"
    at_least: bool = False

    def is_kept(self, value: float) -> bool:
        """Whether it holds for what was measured."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True)
class Line:
    """One measurement; figures are medians, in `unit`.

    `ratio` and `difference` are medians of those of each round, so that a slow spell of the machine
    meets both sides. They may differ a little from what the two medians give.
    """

    what: str
    place: str
    """The backend, or the environment."""
    unit: str
    ours: float
    other: str = ""
    """What it is compared with."""
    theirs: float | None = None
    ratio: float | None = None
    difference: float | None = None
    bound: Bound | None = None

    @property
    def is_kept(self) -> bool | None:
        """Whether the bound is kept; None without one."""
        if self.bound is None:
            return None
        measured = {"ratio": self.ratio, "difference": self.difference, "value": self.ours}
        value = measured[self.bound.of]
        return value is not None and self.bound.is_kept(value)

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "is_kept": self.is_kept}

    def as_cells(self) -> tuple[str, ...]:
        """For the table, in the order of COLUMNS."""
        theirs = "" if self.theirs is None else f"{self.other}: {figure(self.theirs, self.unit)}"
        is_kept = {None: "", True: "yes", False: "NO"}[self.is_kept]
        ours = figure(self.ours, self.unit)
        return self.what, self.place, ours, theirs, self._comparison(), self._limit(), is_kept

    def _comparison(self) -> str:
        if self.difference is not None and self.bound and self.bound.of == "difference":
            sign = "+" if self.difference >= 0 else "-"
            return sign + figure(abs(self.difference), self.unit)
        return "" if self.ratio is None else f"{self.ratio:.2f} x"

    def _limit(self) -> str:
        if self.bound is None:
            return ""
        words = "at least" if self.bound.at_least else "at most"
        if self.bound.of == "ratio":
            return f"{words} {self.bound.limit:g} x"
        sign = "+" if self.bound.of == "difference" else ""
        return f"{words} {sign}{self.bound.limit:,g}{_spaced(self.unit)}"


COLUMNS = ("what", "where", "ours", "beside", "ratio", "bound", "kept")


def beside_other(
    what: str,
    place: str,
    unit: str,
    pairs: Sequence[Pair],
    other: str,
    bound: Bound | None = None,
) -> Line:
    """The line of what was measured in turns with something else."""
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    # Stock APScheduler fires nothing for a while when it has ten thousand jobs.
    ratio = (
        statistics.median(mine / its for mine, its in pairs)
        if all(its for _, its in pairs)
        else None
    )
    difference = statistics.median(mine - its for mine, its in pairs)
    return Line(what, place, unit, ours, other, theirs, ratio, difference, bound)


def figure(value: float, unit: str) -> str:
    """A number of three digits or so, with its unit."""
    digits = 0 if abs(value) >= 10 else 1 if unit in ("ms", "MB") else 2
    return f"{value:,.{digits}f}{_spaced(unit)}"


def _spaced(unit: str) -> str:
    return unit if unit.startswith("/") else f" {unit}"


def print_table(lines: Iterable[Line]) -> None:
    """Print them as a table that is one of Markdown too: it is copied into documents."""
    rows = [COLUMNS, *(line.as_cells() for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"| {' | '.join(cells)} |")
