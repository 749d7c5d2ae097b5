"""How the lines of another scheduler look beside what they become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from flowerpower.pipeline.other_schedulers.plan import NO_PIPELINE, Action, ImportedLine
from flowerpower.pipeline.other_schedulers.write import entry_lines
from flowerpower.triggers.clock import format_duration
from flowerpower.triggers.dialects.translate import Verdict
from flowerpower.triggers.interval import Interval
from flowerpower_cli.views.tables import Block, Cell, Line, cell, line, section_title, table

_STYLES: dict[str, str] = {
    Verdict.SAME: "green",
    Verdict.CHANGES: "yellow",
    Verdict.NEAREST: "bold red",
    Verdict.NONE: "bold red",
}
_FEW = 3
"""Up to so many fires of a date are listed one by one."""


def import_view(lines: Sequence[ImportedLine]) -> Iterator[Block]:
    """What each line means there and here, the days of the next clock changes, what is left."""
    if lines:
        yield _summary(lines)
    for row in lines:
        yield from _details(row)
    yield from _days(lines)
    yield from _notes(lines)
    yield from _to_paste(lines)


def _summary(lines: Sequence[ImportedLine]) -> Block:
    return table(
        {
            "line>": [cell(row.source.number, "dim") for row in lines],
            "there": [cell(row.source.expression, "bold") for row in lines],
            "here": [cell(_here(row), "bold") for row in lines],
            "verdict": [_verdict(row) for row in lines],
            "becomes…": [_becomes(row) for row in lines],
        }
    )


def _here(row: ImportedLine) -> str:
    trigger = row.translation.trigger if row.translation else None
    if trigger is None:
        return "-"
    if isinstance(trigger, Interval):
        return f"every {format_duration(trigger.seconds)}"
    return str(trigger.to_json()["cron"])


def _verdict(row: ImportedLine) -> Cell:
    if row.translation is None:
        return cell("not read", "bold red")
    return cell(row.translation.verdict, _STYLES[row.translation.verdict])


def _becomes(row: ImportedLine) -> Cell:
    if row.action is Action.LEFT:
        return cell(f"left: {row.problem}", "yellow")
    known = " (declared already)" if row.action is Action.EXISTS else ""
    return cell(f"{row.entry.get('id', row.pipeline)}{known}")


def _details(row: ImportedLine) -> Iterator[Block]:
    """In words, where something differs or is to be known."""
    translation = row.translation
    sentences = translation.reasons if translation else ()
    if translation is None or not (sentences or _differs_in_words(row)):
        return
    yield section_title(f"Line {row.source.number}", f"  {row.source.expression}")
    if row.meaning is not None:
        yield _fact("there", row.meaning.in_words())
    if translation.trigger is not None:
        yield _fact("here", translation.trigger.in_words())
    for sentence in sentences:
        yield line(f"  {sentence}", "yellow")


def _notes(lines: Sequence[ImportedLine]) -> Iterator[Block]:
    """What is to be known of several lines, once."""
    numbers: dict[str, list[int]] = {}
    for row in lines:
        for note in row.source.notes:
            numbers.setdefault(note, []).append(row.source.number)
    for number, (note, which) in enumerate(numbers.items()):
        shown = ", ".join(map(str, which))
        lines_word = f"Line{'s' * (len(which) > 1)} {shown}: "
        yield Line((cell(lines_word, "dim"), cell(note, "yellow")), starts_section=number == 0)


def _differs_in_words(row: ImportedLine) -> bool:
    """Whether the expression reads otherwise than it would here."""
    return _here(row) != " ".join(row.source.expression.split())


def _fact(name: str, text: str) -> Line:
    return Line((cell(f"  {name:<6}", "dim"), cell(text)), hangs=True)


def _days(lines: Sequence[ImportedLine]) -> Iterator[Block]:
    """The fires of the days at which clocks change, and of those near them that differ."""
    rows = [
        (row.source.number, day)
        for row in lines
        if row.translation and row.translation.verdict in (Verdict.SAME, Verdict.CHANGES)
        for day in row.translation.days
    ]
    if not rows:
        return
    yield section_title("Over the next clock changes")
    yield table(
        {
            "line>": [cell(number, "dim") for number, _ in rows],
            "day": [cell(f"{day.day:%a %Y-%m-%d}") for _, day in rows],
            "there": [cell(_fires(day.there)) for _, day in rows],
            "here": [cell(_fires(day.here)) for _, day in rows],
            "": [cell("" if day.is_same else "differs", "yellow") for _, day in rows],
        }
    )


def _fires(fires: Sequence[datetime]) -> str:
    if not fires:
        return "none"
    if len(fires) > _FEW:
        return f"{len(fires)} fires"
    return ", ".join(f"{fire:%H:%M:%S}".removesuffix(":00") + f" {fire:%Z}" for fire in fires)


def _to_paste(lines: Sequence[ImportedLine]) -> Iterator[Block]:
    """The entries of lines that only lack a pipeline."""
    rows = [row for row in lines if row.problem == NO_PIPELINE]
    if not rows:
        return
    yield section_title(
        "To paste under `schedule` of a pipeline", "  or name one with --to-pipeline"
    )
    for number, row in enumerate(rows, 1):
        entry = {"id": f"line-{number}", **row.entry}
        for text in entry_lines(ImportedLine(row.source, row.timezone, entry=entry)):
            yield line(text)
