"""`flowerpower schedule preview`: the next fires of a trigger, given or stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower.errors import FlowerpowerError, InvalidTime, UsageError
from flowerpower.triggers import clock
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.option_parsers import whole_number
from flowerpower_cli.options import InQueue, Start, TriggerOptions, field_values
from flowerpower_cli.views.tables import Shape, line

if TYPE_CHECKING:
    from flowerpower.triggers.base import Trigger

MAX_COUNT = 1000


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this room into `app`."""
    command(
        app,
        "preview",
        example='flowerpower schedule preview --cron "0 8 * * 1-5" --count 3',
        options=InQueue,
    )(preview)


def preview(
    context: CommandContext,
    options: TriggerOptions,
    schedule: Annotated[
        str | None,
        typer.Argument(
            metavar="[SCHEDULE]",
            help="A schedule's id, in place of a trigger.",
            show_default=False,
        ),
    ] = None,
    start: Start = None,
    count: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="How many fires.")
    ] = 10,
) -> None:
    """Show the next fires of a schedule or a trigger, and what clock changes do to them."""
    from flowerpower.triggers.preview import next_transition_sentence, transition_sentences
    from flowerpower.triggers.preview import preview as next_fires
    from flowerpower_cli.views.schedules import fires_table, next_fires_data

    if not 1 <= count <= MAX_COUNT:
        raise UsageError(f"--count: expected 1 to {MAX_COUNT}, got {count}.")
    trigger = _trigger(context, schedule, options)
    begin = _start(start, trigger).replace(microsecond=0)
    trigger = trigger.anchored(begin)
    rows = next_fires(trigger, begin, count)
    changes = transition_sentences(trigger, begin, count)
    if trigger.wall_times and not changes and (later := next_transition_sentence(trigger, begin)):
        changes = [later]
    data = {
        "trigger": trigger.to_json(),
        "in_words": trigger.in_words(),
        "timezone": trigger.timezone,
        "fires": next_fires_data(rows),
        "transitions": changes,
    }

    def view() -> Iterator[Shape]:
        yield line(trigger.in_words(), "bold")
        if rows:
            yield fires_table(rows, begin)
        yield from (line(sentence) for sentence in changes)

    context.output.result(data, view, [clock.format_time(row.fire) for row in rows])
    if not rows:
        context.output.message("There are no fires to come.")


def _trigger(context: CommandContext, schedule_id: str | None, options: TriggerOptions) -> Trigger:
    if schedule_id is None:
        from flowerpower_cli.trigger_options import trigger_from

        return trigger_from(context, options)
    given = [name for name, value in field_values(options).items() if value is not None]
    if given:
        raise UsageError(
            f"The schedule {schedule_id} and --{given[0]} are both given; expected one of them."
        )
    found = context.job_queue.backend.schedules.get(schedule_id)
    if found.trigger is None:
        raise FlowerpowerError(found.fault)
    if found.state == "paused":
        context.output.message(
            f"The schedule {found.id} is paused: these are not made until resumed."
        )
    return found.trigger


def _start(start: datetime | None, trigger: Trigger) -> datetime:
    if start is None:
        return clock.now()
    reading = start if start.tzinfo else start.replace(tzinfo=clock.timezone(trigger.timezone))
    try:
        return clock.after(reading, 0)
    except OverflowError:
        raise InvalidTime(f"--start {start.isoformat()!r} is out of range.") from None
