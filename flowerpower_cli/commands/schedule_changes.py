"""`flowerpower schedule pause`, `resume`, `run-now` and `delete`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.lookup import for_each, raise_errors
from flowerpower_cli.options import DryRun, QueueOptions, ScheduleIds, Yes
from flowerpower_cli.views.tables import line

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job
    from flowerpower.jobs.schedule import Schedule


@command("schedule pause", example="daily_report-1 weekly-1", options=QueueOptions)
def pause(context: CommandContext, schedules: ScheduleIds) -> None:
    """Stop schedules from firing until they are resumed."""
    _change_state(context, schedules, context.job_queue.pause_schedule)


@command("schedule resume", example="daily_report-1", options=QueueOptions)
def resume(context: CommandContext, schedules: ScheduleIds) -> None:
    """Let paused schedules fire again, from now on; fires that they missed are not made up for."""
    _change_state(context, schedules, context.job_queue.resume_schedule)


def _change_state(context: CommandContext, ids: list[str], act: Callable[[str], Schedule]) -> None:
    from flowerpower_cli.views.schedules import changed_view, schedule_data

    def change(before: Schedule) -> tuple[Schedule, bool]:
        after = act(before.id)
        return after, after.state != before.state

    results, errors = for_each(ids, context.job_queue.get_schedule, change)
    if not results:
        raise_errors(errors, "schedules")
    context.learn_secrets(*(schedule.pipeline for schedule, _ in results))
    context.output.result(
        [schedule_data(schedule) | {"changed": changed} for schedule, changed in results],
        lambda: changed_view([schedule for schedule, _ in results]),
        [schedule.id for schedule, _ in results],
    )
    for schedule, changed in results:
        if not changed:
            context.output.message(f"Nothing to do: {schedule.id} is {schedule.state} already.")
    raise_errors(errors, "schedules")


@command("schedule run-now", example="daily_report-1", options=QueueOptions)
def run_now(context: CommandContext, schedules: ScheduleIds) -> None:
    """Add a job of each schedule at once; when the schedules fire does not change."""
    from flowerpower_cli.commands.worker import warn_if_jobs_wait
    from flowerpower_cli.views.jobs import added_view, job_data

    job_queue = context.job_queue

    def run(schedule: Schedule) -> Job:
        return job_queue.run_schedule_now(schedule.id)

    jobs, errors = for_each(schedules, job_queue.get_schedule, run)
    if not jobs:
        raise_errors(errors, "schedules")
    context.learn_secrets(*(job.pipeline for job in jobs))
    context.output.result(
        [job_data(job) for job in jobs],
        lambda: (block for job in jobs for block in added_view(job)),
        [job.id for job in jobs],
    )
    warn_if_jobs_wait(context, jobs)
    raise_errors(errors, "schedules")


@command("schedule delete", example="daily_report-1 --yes", options=QueueOptions)
def delete(
    context: CommandContext, schedules: ScheduleIds, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Delete schedules with their history; jobs that they added stay."""
    job_queue = context.job_queue

    def delete_one(schedule: Schedule) -> str:
        if not dry_run:
            job_queue.delete_schedule(schedule.id)
        return schedule.id

    # All names are looked up before the question: a wrong one must not cost half of the schedules.
    ids, errors = for_each(schedules, job_queue.get_schedule, lambda schedule: schedule.id)
    raise_errors(errors, "schedules")
    if not dry_run:
        context.output.confirm(f"This deletes {_count(len(ids))}, with history.", yes=yes)
    deleted, errors = for_each(ids, job_queue.get_schedule, delete_one)
    if not deleted:
        raise_errors(errors, "schedules")
    data = {"schedules": deleted, "count": len(deleted), "deleted": not dry_run}
    context.output.result(data, lambda: map(line, deleted), deleted)
    context.output.message(f"{_count(len(deleted))} {'would be ' if dry_run else ''}deleted.")
    raise_errors(errors, "schedules")


def _count(number: int) -> str:
    return f"{number} schedule{'' if number == 1 else 's'}"
