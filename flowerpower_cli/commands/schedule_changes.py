"""`flowerpower schedule pause`, `resume`, `run-now` and `delete`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.lookup import each_named, raise_all
from flowerpower_cli.options import DryRun, InQueue, ScheduleIds, Yes
from flowerpower_cli.views.tables import Shape, line

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job
    from flowerpower.jobs.schedule import Schedule


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this room into `app`."""
    for name, example, function in (
        ("pause", "pause daily_report-1 weekly-1", pause),
        ("resume", "resume daily_report-1", resume),
        ("run-now", "run-now daily_report-1", run_now),
        ("delete", "delete daily_report-1 --yes", delete),
    ):
        command(app, name, example=f"flowerpower schedule {example}", options=InQueue)(function)


def pause(context: CommandContext, schedules: ScheduleIds) -> None:
    """Let schedules fire no more until they are resumed."""
    _change(context, schedules, context.job_queue.backend.schedules.pause)


def resume(context: CommandContext, schedules: ScheduleIds) -> None:
    """Let paused schedules fire again, from now on; what they missed is not made up for."""
    _change(context, schedules, context.job_queue.backend.schedules.resume)


def _change(context: CommandContext, ids: list[str], act: Callable[[str], Schedule]) -> None:
    from flowerpower_cli.views.schedules import changed_view, schedule_data

    def change(before: Schedule) -> tuple[Schedule, bool]:
        after = act(before.id)
        return after, after.state != before.state

    done, errors = each_named(ids, context.job_queue.backend.schedules.get, change)
    if not done:
        raise_all(errors, "schedules")
    context.learn_secrets(*(each.pipeline for each, _ in done))
    context.output.result(
        [schedule_data(each) | {"changed": changed} for each, changed in done],
        lambda: changed_view([each for each, _ in done]),
        [each.id for each, _ in done],
    )
    for each, changed in done:
        if not changed:
            context.output.message(f"Already so: {each.id}.")
    raise_all(errors, "schedules")


def run_now(context: CommandContext, schedules: ScheduleIds) -> None:
    """Make a job as schedules would make it, at once; their calendar stays as it is."""
    from flowerpower_cli.commands.waiting import warn_if_unattended
    from flowerpower_cli.views.jobs import added_view, job_data

    job_queue = context.job_queue

    def run(schedule: Schedule) -> Job:
        return job_queue.run_schedule_now(schedule.id)

    jobs, errors = each_named(schedules, job_queue.backend.schedules.get, run)
    if not jobs:
        raise_all(errors, "schedules")

    def view() -> Iterator[Shape]:
        for job in jobs:
            yield from added_view(job)

    context.learn_secrets(*(job.pipeline for job in jobs))
    context.output.result([job_data(job) for job in jobs], view, [job.id for job in jobs])
    warn_if_unattended(context, jobs)
    raise_all(errors, "schedules")


def delete(
    context: CommandContext, schedules: ScheduleIds, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Forget schedules and their history; jobs that they made stay."""
    backend = context.job_queue.backend

    def forget(schedule: Schedule) -> str:
        if not dry_run:
            backend.schedules.delete(schedule.id)
        return schedule.id

    found, errors = each_named(schedules, backend.schedules.get, lambda each: each.id)
    raise_all(errors, "schedules")
    if not dry_run:
        context.output.confirm(f"This deletes {_count(len(found))}, with history.", yes=yes)
    gone, errors = each_named(found, backend.schedules.get, forget)
    if not gone:
        raise_all(errors, "schedules")
    data = {"schedules": gone, "count": len(gone), "deleted": not dry_run}
    context.output.result(data, lambda: map(line, gone), gone)
    context.output.message(f"{_count(len(gone))} {'would be ' if dry_run else ''}deleted.")
    raise_all(errors, "schedules")


def _count(number: int) -> str:
    return f"{number} schedule{'' if number == 1 else 's'}"
