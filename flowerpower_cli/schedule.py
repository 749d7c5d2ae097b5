"""`flowerpower schedule …`: when pipelines run by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower import clock
from flowerpower.errors import InvalidTime, InvalidTrigger, ProjectNotFound, UsageError
from flowerpower_cli.frame import Frame, command, group
from flowerpower_cli.options import TriggerOptions, whole_number
from flowerpower_cli.shapes import Shape, cell, line, table

if TYPE_CHECKING:
    from flowerpower.trigger_base import Trigger
    from flowerpower.trigger_preview import PreviewRow

app = group()

MAX_COUNT = 1000


@command(app, "preview", example='flowerpower schedule preview --cron "0 8 * * 1-5" --count 3')
def preview(
    frame: Frame,
    options: TriggerOptions,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Fires after this time, ISO 8601; by default now."),
    ] = None,
    count: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="How many fires.")
    ] = 10,
) -> None:
    """Show the next fires of a trigger, and what clock changes do to them."""
    from flowerpower.trigger_preview import clock_change_sentences, next_clock_change
    from flowerpower.trigger_preview import preview as next_fires

    if not 1 <= count <= MAX_COUNT:
        raise UsageError(f"--count: expected 1 to {MAX_COUNT}, got {count}.")
    trigger = trigger_from(frame, options)
    begin = _start(start, trigger).replace(microsecond=0)
    trigger = trigger.anchored(begin)
    rows = next_fires(trigger, begin, count)
    changes = clock_change_sentences(trigger, begin, count)
    if options.cron and not changes and (later := next_clock_change(trigger, begin)):
        changes = [later]
    data = {
        "trigger": trigger.to_json(),
        "in_words": trigger.in_words(),
        "timezone": trigger.timezone,
        "fires": [
            {
                "fire": clock.format_time(row.fire),
                "local": row.local.isoformat(),
                "note": row.note or None,
            }
            for row in rows
        ],
        "clock_changes": changes,
    }

    def view() -> Iterator[Shape]:
        yield line(trigger.in_words(), "bold")
        if rows:
            yield _fires_table(rows, begin)
        yield from (line(sentence) for sentence in changes)

    frame.output.result(data, view, [clock.format_time(row.fire) for row in rows])
    if not rows:
        frame.output.message("There are no fires to come.")


def trigger_from(frame: Frame, options: TriggerOptions) -> Trigger:
    """The trigger that a command's options describe.

    Raises:
        InvalidTrigger: if not exactly one of --cron, --interval and --date is given.
    """
    from flowerpower.triggers import make_trigger

    if sum(each is not None for each in (options.cron, options.interval, options.date)) != 1:
        raise InvalidTrigger(
            "Expected exactly one of --cron, --interval and --date.",
            hint='For example --cron "0 8 * * 1-5", --interval 1h or --date 2027-01-01T09:00:00.',
        )
    zone = options.timezone or _project_timezone(frame)
    return make_trigger(options.cron, options.interval, options.date, timezone=zone)


def _project_timezone(frame: Frame) -> str | None:
    try:
        return frame.manager.project.timezone
    except ProjectNotFound:
        if frame.base_dir is not None:
            raise
        return None


def _start(text: str | None, trigger: Trigger) -> datetime:
    if text is None:
        return clock.now()
    try:
        reading = clock.parse_time(text)
        if reading.tzinfo is None:
            reading = reading.replace(tzinfo=clock.timezone(trigger.timezone))
        return clock.after(reading, 0)
    except OverflowError:
        raise InvalidTime(f"--start {text!r} is out of range.") from None


def _fires_table(rows: list[PreviewRow], begin: datetime) -> Shape:
    noted = any(row.note for row in rows)
    listing = table("#>", "local time", "UTC", "in>", *(["note"] if noted else []))
    for number, row in enumerate(rows, 1):
        cells = [
            cell(number, "dim"),
            cell(row.local.strftime("%a %Y-%m-%d %H:%M:%S %Z"), "bold"),
            cell(row.fire.strftime("%Y-%m-%d %H:%M:%SZ"), "dim"),
            cell(clock.format_duration((row.fire - begin).total_seconds())),
        ]
        if noted:
            cells.append(cell(row.note, "yellow"))
        listing.add_row(*cells)
    return listing
