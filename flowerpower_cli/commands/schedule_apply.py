"""`flowerpower schedule diff` and `apply`: the schedules that YAML declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower.text import mask_values
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import DryRun, QueueOptions, Strings, Yes, argument
from flowerpower_cli.views.output import stdout_to_stderr
from flowerpower_cli.views.tables import counted

if TYPE_CHECKING:
    from flowerpower.pipeline.apply_schedules import Applied
    from flowerpower.pipeline.schedule_changes import ScheduleChange

EXIT_DIFFERENT = 1
Pipelines = Annotated[
    Strings, argument("PIPELINE", "Only the schedules of these pipelines; by default of all.")
]


@command("schedule diff", example="daily_report", options=QueueOptions, failed_code=2)
def diff(context: CommandContext, pipelines: Pipelines = None) -> None:
    """Show how the live schedules differ from those that YAML declares.

    It ends with 0 if they do not, with 1 if they do, and with more if that cannot be found out.
    """
    from flowerpower_cli.views.schedule_changes import changes_view

    changes = context.schedules.compare(*dict.fromkeys(pipelines or []))
    different = [change for change in changes if change.action is not None]
    context.output.result(
        mask_values([change.to_json() for change in different], named=True),
        lambda: changes_view(different),
        [change.label for change in different],
    )
    _say_what_is_left_out(context, changes)
    if different:
        context.output.message(_next_step(different))
        raise typer.Exit(EXIT_DIFFERENT)
    context.output.message("The live schedules are those that YAML declares.")


@command("schedule apply", example="--prune --yes", options=QueueOptions)
def apply(
    context: CommandContext,
    pipelines: Pipelines = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete those that YAML declares no more.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Make the live schedules those that YAML declares: add them, and change them in place.

    A pause stays, and schedules that were added by hand are left alone. --prune deletes those
    that YAML declares no more, with their history, after a question.
    """
    from flowerpower.pipeline.apply_schedules import apply_changes, changes_to_make, raise_failed
    from flowerpower.pipeline.schedule_changes import Action
    from flowerpower_cli.views.schedule_changes import changes_view

    changes = context.schedules.compare(*dict.fromkeys(pipelines or []))
    orphans = [change for change in changes if change.action is Action.REMOVE]
    to_do = changes_to_make(changes, prune=prune)
    if prune and orphans and not dry_run:
        context.output.confirm(
            f"This deletes {counted(len(orphans), 'schedule')} with history: "
            f"{', '.join(change.label for change in orphans)}.",
            yes=yes,
        )
    applied: list[Applied] = []
    try:
        # Pipelines may be imported to check the requests.
        with stdout_to_stderr():
            for row in apply_changes(context.job_queue, to_do, dry_run=dry_run):
                applied.append(row)  # noqa: PERF402 - what was done is kept if Ctrl-C ends it
    except KeyboardInterrupt:
        _say_what_was_done(context, applied, to_do)
        raise
    done = [row for row in applied if row.error is None]
    data = [_applied_data(row, done=not dry_run) for row in done]
    context.output.result(
        mask_values(data, named=True),
        lambda: changes_view([row.change for row in done]),
        [row.schedule.id if row.schedule else row.change.label for row in done],
    )
    for row in done:
        if row.change.is_paused and row.change.action is Action.CHANGE:
            context.output.message(f"{row.change.label} stays paused.")
    _say_what_is_left_out(context, changes)
    if orphans and not prune:
        names = ", ".join(change.label for change in orphans)
        context.output.message(f"Declared no more, and still live: {names}. --prune deletes them.")
    raise_failed(applied, to_do, dry_run=dry_run)
    number = counted(len(done), "schedule") if done else "No schedule"
    context.output.message(f"{number} {'would be ' if dry_run else ''}changed.")


def _applied_data(row: Applied, *, done: bool) -> dict[str, Any]:
    body = row.change.to_json()
    if row.schedule is not None and body["id"] is None:
        body["id"] = row.schedule.id
    return body | {"done": done}


def _next_step(different: list[ScheduleChange]) -> str:
    from flowerpower.pipeline.schedule_changes import Action

    prune = any(change.action is Action.REMOVE for change in different)
    return f"To do this: flowerpower schedule apply{' --prune' if prune else ''}"


def _say_what_is_left_out(context: CommandContext, changes: list[ScheduleChange]) -> None:
    from flowerpower.pipeline.schedule_changes import Standing

    reasons = {
        Standing.DISABLED: "it has enabled: false",
        Standing.OVER: "it has no fire to come",
    }
    for change in changes:
        if change.standing in reasons:
            context.output.message(f"Not live: {change.label}, {reasons[change.standing]}.")


def _say_what_was_done(
    context: CommandContext, applied: list[Applied], to_do: list[ScheduleChange]
) -> None:
    done = [row.change.label for row in applied if row.error is None]
    not_done = [change.label for change in to_do if change.label not in done]
    context.output.plain_line(f"done: {', '.join(done) or 'none'}")
    context.output.plain_line(f"not done: {', '.join(not_done) or 'none'}")
