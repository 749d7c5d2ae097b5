"""`flowerpower schedule list`, `show` and `history`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.option_parsers import choices
from flowerpower_cli.options import Limit, OfPipeline, QueueOptions, ScheduleId

if TYPE_CHECKING:
    from flowerpower.jobs.schedule import Schedule

NEXT_FIRES = 3
LAST_FIRES = 5


@command("schedule list", example="--state active,paused", options=QueueOptions)
def list_(
    context: CommandContext,
    pipeline: OfPipeline = None,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE[,STATE]", help="active, paused, done. Repeatable."),
    ] = None,
) -> None:
    """List schedules, the oldest first: when they fire, in words, and when next."""
    from flowerpower.jobs.schedule import ScheduleState
    from flowerpower_cli.views.schedules import schedule_data, schedules_view

    states = choices("--state", state, [known.value for known in ScheduleState])
    all_schedules = context.job_queue.list_schedules()
    schedules = [
        schedule
        for schedule in all_schedules
        if pipeline in (None, schedule.pipeline) and (not states or schedule.state in states)
    ]
    context.learn_secrets(*(schedule.pipeline for schedule in schedules))
    context.output.result(
        [schedule_data(schedule) for schedule in schedules],
        lambda: schedules_view(schedules, context.timezone),
        [schedule.id for schedule in schedules],
    )
    if not all_schedules:
        context.output.message(
            "There are no schedules yet; add one with `flowerpower schedule add PIPELINE`."
        )
    elif not schedules:
        context.output.message("No schedule meets these conditions.")


@command("schedule show", example="daily_report-1", options=QueueOptions)
def show(context: CommandContext, schedule: ScheduleId) -> None:
    """Show all that is known of a schedule: its next fires, and what became of the last ones."""
    from flowerpower.triggers import clock
    from flowerpower.triggers.preview import PreviewRow, preview
    from flowerpower_cli.views.schedules import (
        fires_data,
        next_fires_data,
        schedule_data,
        schedule_view,
    )

    record = _get_schedule(context, schedule)
    fires = context.job_queue.list_fires(record.id, LAST_FIRES)
    next_fires: list[PreviewRow] = []
    if record.trigger is not None and record.next_fire is not None:
        # An overdue fire lies in the past and is still the next one.
        begin = min(clock.now(), clock.after(record.next_fire, -1e-6))
        next_fires = preview(record.trigger, begin, NEXT_FIRES)
    context.output.result(
        schedule_data(record)
        | {"next_fires": next_fires_data(next_fires), "fires": fires_data(fires)},
        lambda: schedule_view(record, next_fires, fires, context.timezone),
        [record.id],
    )


@command("schedule history", example="daily_report-1", options=QueueOptions)
def history(context: CommandContext, schedule: ScheduleId, limit: Limit = 50) -> None:
    """List the fires of a schedule and what became of each, the latest first.

    With --quiet it prints the ids of the jobs that they added.
    """
    from flowerpower_cli.views.schedules import fires_data, history_view, zone_of

    record = _get_schedule(context, schedule)
    fires = context.job_queue.list_fires(record.id, limit)
    context.output.result(
        fires_data(fires),
        lambda: history_view(fires, zone_of(record, context.timezone)),
        [fire.job_id for fire in fires if fire.job_id is not None],
    )
    if not fires:
        context.output.message(f"The schedule {record.id} has not fired yet.")
    elif len(fires) == limit:
        context.output.message(f"These are the latest {limit}; --limit shows more.")


def _get_schedule(context: CommandContext, schedule_id: str) -> Schedule:
    schedule = context.job_queue.get_schedule(schedule_id)
    context.learn_secrets(schedule.pipeline)
    return schedule
