"""`flowerpower schedule …`: when pipelines run by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower_cli.command import CommandContext, command, group
from flowerpower_cli.commands import schedule_add, schedule_changes, schedule_preview
from flowerpower_cli.option_parsers import chosen
from flowerpower_cli.options import InQueue, Limit, OfPipeline, ScheduleId

if TYPE_CHECKING:
    from flowerpower.jobs.schedule import Schedule, ScheduleState

app = group()

SHOWN_NEXT = 3
SHOWN_LAST = 5

schedule_add.add_commands(app)


@command(app, "list", example="flowerpower schedule list --state active,paused", options=InQueue)
def list_(
    context: CommandContext,
    pipeline: OfPipeline = None,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE[,STATE]", help="active, paused, done. Repeatable."),
    ] = None,
) -> None:
    """List schedules, the oldest first: when they fire, in words, and when next."""
    from flowerpower_cli.views.schedules import schedule_data, schedules_view

    states = _states(state)
    there = context.job_queue.backend.schedules.list()
    shown = [
        each
        for each in there
        if pipeline in (None, each.pipeline) and (not states or each.state in states)
    ]
    context.learn_secrets(*(each.pipeline for each in shown))
    zone = context.manager.project.timezone
    context.output.result(
        [schedule_data(each) for each in shown],
        lambda: schedules_view(shown, zone),
        [each.id for each in shown],
    )
    if not there:
        context.output.message(
            "There are no schedules yet; add one with `flowerpower schedule add PIPELINE`."
        )
    elif not shown:
        context.output.message("There are no such schedules.")


def _states(given: list[str] | None) -> frozenset[ScheduleState]:
    from flowerpower.jobs.schedule import ScheduleState

    known = [state.value for state in ScheduleState]
    return frozenset(ScheduleState(name) for name in chosen("--state", given, known))


@command(app, "show", example="flowerpower schedule show daily_report-1", options=InQueue)
def show(context: CommandContext, schedule: ScheduleId) -> None:
    """Show all that is known of a schedule: its next fires, and what became of the last."""
    from flowerpower.triggers import clock
    from flowerpower.triggers.preview import PreviewRow, preview
    from flowerpower_cli.views.schedules import (
        fires_data,
        next_fires_data,
        schedule_data,
        schedule_view,
    )

    found = _found(context, schedule)
    ledger = context.job_queue.backend.schedules.fires(found.id, SHOWN_LAST)
    coming: list[PreviewRow] = []
    if found.trigger is not None and found.next_fire is not None:
        # One that is overdue is still to come.
        since = min(clock.now(), clock.after(found.next_fire, -1e-6))
        coming = preview(found.trigger, since, SHOWN_NEXT)
    zone = context.manager.project.timezone
    data = schedule_data(found) | {
        "next_fires": next_fires_data(coming),
        "fires": fires_data(ledger),
    }
    context.output.result(data, lambda: schedule_view(found, coming, ledger, zone), [found.id])


schedule_preview.add_commands(app)
schedule_changes.add_commands(app)


@command(app, "history", example="flowerpower schedule history daily_report-1", options=InQueue)
def history(context: CommandContext, schedule: ScheduleId, limit: Limit = 50) -> None:
    """List the fires of a schedule and what became of each, the latest first.

    With --quiet it prints the ids of the jobs that they made.
    """
    from flowerpower_cli.views.schedules import fires_data, history_view, zone_of

    found = _found(context, schedule)
    ledger = context.job_queue.backend.schedules.fires(found.id, limit)
    zone = zone_of(found, context.manager.project.timezone)
    context.output.result(
        fires_data(ledger),
        lambda: history_view(ledger, zone),
        [each.job_id for each in ledger if each.job_id is not None],
    )
    if not ledger:
        context.output.message(f"The schedule {found.id} has not fired yet.")
    elif len(ledger) == limit:
        context.output.message(f"These are the latest {limit}; --limit shows more.")


def _found(context: CommandContext, schedule_id: str) -> Schedule:
    found = context.job_queue.backend.schedules.get(schedule_id)
    context.learn_secrets(found.pipeline)
    return found
