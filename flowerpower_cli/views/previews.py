"""How fires to come look: of a schedule, and in a preview."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowerpower.triggers import clock
from flowerpower.triggers.base import LATEST
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.tables import Block, Table, cell, counted, line, table

if TYPE_CHECKING:
    from flowerpower.triggers.base import Trigger
    from flowerpower.triggers.preview import PreviewRow

_COUNTS = {
    "every": "the calendar: it keeps its local time when clocks change",
    "interval": "elapsed time: its local time moves when clocks change",
}
"""What the kinds of triggers count that might be taken for each other."""
_EXCEPTIONS_SHOWN = 5


def next_fires_data(rows: Sequence[PreviewRow]) -> list[dict[str, Any]]:
    """Future fires as JSON."""
    times = [(clock.format_time(row.fire), row.local.isoformat(), row.note) for row in rows]
    return [{"fire": fire, "local": local, "note": note or None} for fire, local, note in times]


def exceptions_data(trigger: Trigger | None, after: datetime, until: datetime) -> list[Any]:
    """The exceptions that take fires f with `after < f <= until` away, as JSON."""
    rows = [] if trigger is None else trigger.excepted(after, until)
    return [{"date": day.isoformat(), "fires": number} for day, number in rows]


def counts_in_words(trigger: Trigger) -> str:
    """What a trigger counts, if it is one of days and might be taken for the other kind."""
    return _COUNTS.get(trigger.kind, "") if trigger.follows_local_time else ""


def preview_view(
    trigger: Trigger, rows: Sequence[PreviewRow], begin: datetime, sentences: Sequence[str]
) -> Iterator[Block]:
    """A trigger in words, its next fires, and what clock changes and exceptions do to them."""
    yield line(trigger.in_words(), "bold")
    if counts := counts_in_words(trigger):
        yield line(f"It counts {counts}.")
    if rows:
        yield next_fires_table(rows, begin)
    yield from (line(sentence) for sentence in sentences)


def exceptions_in_words(trigger: Trigger | None) -> str:
    """The dates to come on which an exception takes fires away, the first of them by name."""
    rows = exceptions_data(trigger, clock.now(), LATEST)
    shown = [f"{row['date']} ({counted(row['fires'], 'fire')} less)" for row in rows]
    if len(rows) > _EXCEPTIONS_SHOWN:
        shown[_EXCEPTIONS_SHOWN:] = [f"{len(rows) - _EXCEPTIONS_SHOWN} more dates"]
    return ", ".join(shown)


def next_fires_table(fires: Sequence[PreviewRow], begin: datetime) -> Table:
    """Future fires, each with how long after `begin` it is."""
    columns = {
        "#>": [cell(number, "dim") for number in range(1, len(fires) + 1)],
        "local time": [
            cell(fire.local.strftime("%a %Y-%m-%d %H:%M:%S %Z"), "bold") for fire in fires
        ],
        "UTC": [cell(fire.fire.strftime("%Y-%m-%d %H:%M:%SZ"), "dim") for fire in fires],
        "in>": [
            cell(format_duration(max((fire.fire - begin).total_seconds(), 0.0))) for fire in fires
        ],
    }
    if any(fire.note for fire in fires):
        columns["note…"] = [cell(fire.note, "yellow") for fire in fires]
    return table(columns)
