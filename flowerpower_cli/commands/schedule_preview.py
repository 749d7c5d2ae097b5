"""`flowerpower schedule preview`: the next fires of a trigger or a schedule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower.errors import FlowerpowerError, InvalidTime, UsageError
from flowerpower.triggers import clock
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.inputs import trigger_from
from flowerpower_cli.option_parsers import whole_number
from flowerpower_cli.options import QueueOptions, Start, TriggerOptions, given_options
from flowerpower_cli.views.tables import Block, line

if TYPE_CHECKING:
    from flowerpower.triggers.base import Trigger

MAX_COUNT = 1000


@command("schedule preview", example='--cron "0 8 * * 1-5" --count 3', options=QueueOptions)
def preview(
    context: CommandContext,
    options: TriggerOptions,
    schedule: Annotated[
        str | None,
        typer.Argument(
            metavar="[SCHEDULE]",
            help="A schedule's id, instead of a trigger.",
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
    from flowerpower_cli.views.schedules import next_fires_data, next_fires_table

    if not 1 <= count <= MAX_COUNT:
        raise UsageError(f"--count: expected 1 to {MAX_COUNT}, got {count}.")
    trigger = _trigger(context, schedule, options)
    begin = _start(start, trigger).replace(microsecond=0)
    # An interval without a start counts from the first moment that is shown.
    trigger = trigger.anchored(begin)
    rows = next_fires(trigger, begin, count)
    transitions = transition_sentences(trigger, begin, count)
    if trigger.wall_times and not transitions:
        later = next_transition_sentence(trigger, begin)
        transitions = [later] if later else []
    data = {
        "trigger": trigger.to_json(),
        "in_words": trigger.in_words(),
        "timezone": trigger.timezone,
        "fires": next_fires_data(rows),
        "transitions": transitions,
    }

    def view() -> Iterator[Block]:
        yield line(trigger.in_words(), "bold")
        if rows:
            yield next_fires_table(rows, begin)
        yield from (line(sentence) for sentence in transitions)

    context.output.result(data, view, [clock.format_time(row.fire) for row in rows])
    if not rows:
        context.output.message("The trigger will never fire.")


def _trigger(context: CommandContext, schedule_id: str | None, options: TriggerOptions) -> Trigger:
    if schedule_id is None:
        return trigger_from(context, options)
    if flags := given_options(options):
        raise UsageError(
            f"The schedule {schedule_id} and {flags[0]} are both given; expected one of them."
        )
    schedule = context.job_queue.get_schedule(schedule_id)
    if schedule.trigger is None:
        raise FlowerpowerError(schedule.fault)
    if schedule.state == "paused":
        context.output.message(
            f"The schedule {schedule.id} is paused: it does not fire until it is resumed."
        )
    return schedule.trigger


def _start(start: datetime | None, trigger: Trigger) -> datetime:
    if start is None:
        return clock.now()
    aware = start if start.tzinfo else start.replace(tzinfo=clock.timezone(trigger.timezone))
    try:
        return clock.after(aware, 0)
    except OverflowError:
        raise InvalidTime(f"--start {start.isoformat()!r} is out of range.") from None
