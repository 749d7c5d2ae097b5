"""How the conversion of a project of upstream's looks: a line for each setting, by file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from flowerpower_cli.views.tables import Block, Line, cell, section_title

if TYPE_CHECKING:
    from flowerpower.pipeline.upstream.report import Row


def conversion_view(rows: Sequence[Row]) -> Iterator[Block]:
    """What was converted and what was left out; not what needed nothing."""
    shown = [row for row in rows if row.outcome != "not_needed"]
    for file, in_file in groupby(shown, key=lambda row: row.file):
        yield section_title(file)
        for row in in_file:
            yield from _lines(row)


def _lines(row: Row) -> Iterator[Block]:
    number = f"{row.line or '':>6}  "
    left_out = row.outcome == "left_out"
    what = cell(row.key or "the whole file", "bold")
    to = cell("  left out", "yellow") if left_out else cell(f"  -> {row.to}", "green")
    yield Line((cell(number, "dim"), what, to), hangs=True)
    if row.advice:
        advice = row.advice[:1].upper() + row.advice[1:]
        yield Line((cell(" " * 8), cell(advice, "" if left_out else "dim")), hangs=True)


def conversion_counts(rows: Sequence[Row]) -> str:
    """How many settings became what, in one sentence."""
    count = Counter(row.outcome for row in rows)
    return (
        f"{count['converted']} converted, {count['left_out']} left out; {count['not_needed']} "
        "needed nothing (defaults, or nothing that counts here)."
    )
