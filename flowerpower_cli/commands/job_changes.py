"""`flowerpower job-queue cancel-job`, `retry-job`, `delete-job` and `prune`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import DryRun, JobSelection, QueueOptions, SelectedJobIds, Yes

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job

# Imports are inside of the functions: the help of the group loads them all and needs no view.


@command("job-queue cancel-job", example="nightly-1 nightly-2", options=QueueOptions)
def cancel_job(
    context: CommandContext,
    selection: JobSelection,
    jobs: SelectedJobIds = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Cancel jobs: a waiting one at once, a running one within seconds.

    Without ids, those that have not ended and meet the conditions, after a question.
    """
    from flowerpower_cli.views.jobs import cancelled_view
    from flowerpower_cli.views.tables import counted

    job_queue = context.job_queue

    def cancel(job: Job) -> tuple[Job, bool]:
        was_cancelled = job.cancel_requested or job.status == "cancelled"
        return (job if dry_run else job_queue.cancel_job(job.id)), not was_cancelled

    ids = _selected(context, jobs, selection, "scheduled", "queued", "running")
    if not jobs and ids and not dry_run:
        context.output.confirm(f"This cancels {counted(len(ids), 'job')}.", yes=yes)
    results = _change(context, ids, cancel, cancelled_view, "cancelled", dry_run=dry_run)
    if results and not any(changed for _, changed in results):
        context.output.message("Nothing to do: cancelled already.")


@command(
    "job-queue retry-job",
    example="--status failed --pipeline daily_report --since 2h --dry-run",
    options=QueueOptions,
)
def retry_job(
    context: CommandContext,
    selection: JobSelection,
    jobs: SelectedJobIds = None,
    dry_run: DryRun = False,
) -> None:
    """Queue failed or cancelled jobs again, with all of their retries.

    Without ids, those that meet the conditions: failed ones, unless --status says otherwise.
    """
    from flowerpower_cli.views.jobs import added_view

    job_queue = context.job_queue

    def retry(job: Job) -> tuple[Job, bool]:
        return (job if dry_run else job_queue.retry_job(job.id)), True

    ids = _selected(context, jobs, selection, "failed")
    _change(context, ids, retry, lambda jobs: added_view(*jobs), "retried", dry_run=dry_run)


@command("job-queue delete-job", example="nightly-1 --yes", options=QueueOptions)
def delete_job(
    context: CommandContext,
    selection: JobSelection,
    jobs: SelectedJobIds = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Delete jobs with their results and logs.

    Without ids, those that have ended and meet the conditions.
    """
    from flowerpower_cli.lookup import delete_each, find_job

    job_queue = context.job_queue
    delete_each(
        context,
        "jobs",
        _selected(context, jobs, selection, "finished", "failed", "cancelled"),
        lambda name: find_job(job_queue, name),
        lambda job_id: job_queue.delete_job(job_id),
        lost="with log and result",
        yes=yes,
        dry_run=dry_run,
    )


@command("job-queue prune", example="--all-ended --dry-run", options=QueueOptions)
def prune(
    context: CommandContext,
    all_ended: Annotated[
        bool,
        typer.Option("--all-ended", help="Delete every ended job, however long it is to be kept."),
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Delete jobs whose history_ttl is over now; workers do so from time to time."""
    from flowerpower.jobs.job import ENDED, JobFilter
    from flowerpower_cli.lookup import ALL_JOBS, show_deleted
    from flowerpower_cli.views.tables import counted

    job_queue = context.job_queue
    ended = JobFilter(frozenset(ENDED), limit=ALL_JOBS)
    ids = [job.id for job in job_queue.list_jobs(ended)] if all_ended else []
    if ids and not dry_run:
        number = counted(len(ids), "job")
        context.output.confirm(f"This deletes {number}, with log and result.", yes=yes)
    count = job_queue.prune_jobs(all_ended=all_ended, dry_run=dry_run)
    show_deleted(context, "jobs", ids, count, dry_run=dry_run)


def _selected(
    context: CommandContext, ids: list[str] | None, selection: JobSelection, *statuses: str
) -> list[str]:
    """The ids that are given, or those of the jobs that meet the conditions.

    Of the jobs that have one of the `statuses`, unless the conditions name others.

    Raises:
        UsageError: if there are both ids and conditions, or neither.
    """
    from dataclasses import replace

    from flowerpower.errors import UsageError
    from flowerpower_cli.lookup import ALL_JOBS, filter_from
    from flowerpower_cli.options import given_options

    flags = given_options(selection)
    if ids and flags:
        raise UsageError(f"Ids of jobs and {flags[0]} are both given; expected one of them.")
    if ids:
        return ids
    if not flags:
        raise UsageError(
            "Neither jobs nor conditions are given.",
            hint="Name jobs, or select them: --status, --pipeline, --queue, --schedule, --since.",
        )
    if not selection.status:
        selection = replace(selection, status=list(statuses))
    jobs = context.job_queue.list_jobs(filter_from(context, selection, ALL_JOBS))
    if not jobs:
        context.output.message("No job meets these conditions.")
    return [job.id for job in jobs]


def _change(
    context: CommandContext,
    ids: list[str],
    change: Callable[[Job], tuple[Job, bool]],
    view: Callable[[list[Job]], Any],
    done: str,
    *,
    dry_run: bool,
) -> list[tuple[Job, bool]]:
    """Change jobs and show them; returns each with whether it was (or would be) changed."""
    from flowerpower_cli.lookup import for_each_job, raise_errors
    from flowerpower_cli.views.jobs import added_view, record_data
    from flowerpower_cli.views.tables import counted

    results, errors = for_each_job(context, ids, change) if ids else ([], [])
    jobs = [job for job, _ in results]
    context.output.result(
        [record_data(job) | {"changed": changed and not dry_run} for job, changed in results],
        lambda: added_view(*jobs) if dry_run else view(jobs),
    )
    if dry_run:
        context.output.message(f"{counted(len(jobs), 'job')} would be {done}.")
    raise_errors(errors)
    return results
