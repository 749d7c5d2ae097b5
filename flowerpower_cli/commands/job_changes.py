"""`flowerpower job-queue cancel-job`, `retry-job`, `delete-job` and `prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.lookup import find_job, for_each_job, raise_errors
from flowerpower_cli.options import DryRun, JobId, JobIds, QueueOptions, Yes
from flowerpower_cli.views.tables import line

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job

MAX_LISTED = 1_000_000


@command("job-queue cancel-job", example="nightly-1 nightly-2", options=QueueOptions)
def cancel_job(context: CommandContext, jobs: JobIds) -> None:
    """Cancel jobs: a waiting one at once, a running one within seconds."""
    # Here, as in the other commands: the help of the group, which loads them all, needs no view.
    from flowerpower_cli.views.jobs import cancelled_view, job_data

    job_queue = context.job_queue

    def cancel(job: Job) -> tuple[Job, bool]:
        was_cancelled = job.cancel_requested or job.status == "cancelled"
        return job_queue.cancel_job(job.id), not was_cancelled

    results, errors = for_each_job(job_queue, jobs, cancel)
    if not results:
        raise_errors(errors)
    context.output.result(
        [job_data(job) | {"changed": changed} for job, changed in results],
        lambda: cancelled_view([job for job, _ in results]),
        [job.id for job, _ in results],
    )
    if not any(changed for _, changed in results):
        context.output.message("Nothing to do: cancelled already.")
    raise_errors(errors)


@command("job-queue retry-job", example="nightly-1", options=QueueOptions)
def retry_job(context: CommandContext, job: JobId) -> None:
    """Queue a failed or cancelled job again, with all of its retries."""
    from flowerpower_cli.views.jobs import added_view, job_data

    record = context.job_queue.retry_job(find_job(context.job_queue, job).id)
    context.output.result(job_data(record), lambda: added_view(record), [record.id])


@command("job-queue delete-job", example="nightly-1 --yes", options=QueueOptions)
def delete_job(
    context: CommandContext, jobs: JobIds, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Delete jobs with their results and logs."""
    job_queue = context.job_queue

    def delete(job: Job) -> str:
        if not dry_run:
            job_queue.delete_job(job.id)
        return job.id

    # All names are looked up before the question: a wrong one must not cost half of the jobs.
    ids, errors = for_each_job(job_queue, jobs, lambda job: job.id)
    raise_errors(errors)
    if not dry_run:
        context.output.confirm(f"This deletes {_count(len(ids))}, with log and result.", yes=yes)
    deleted, errors = for_each_job(job_queue, ids, delete)
    if not deleted:
        raise_errors(errors)
    _show_deleted(context, deleted, len(deleted), dry_run=dry_run)
    raise_errors(errors)


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

    job_queue = context.job_queue
    ended = JobFilter(frozenset(ENDED), limit=MAX_LISTED)
    ids = [job.id for job in job_queue.list_jobs(ended)] if all_ended else []
    if ids and not dry_run:
        context.output.confirm(f"This deletes {_count(len(ids))}, with log and result.", yes=yes)
    count = job_queue.prune_jobs(all_ended=all_ended, dry_run=dry_run)
    _show_deleted(context, ids, count, dry_run=dry_run)


def _show_deleted(context: CommandContext, ids: list[str], count: int, *, dry_run: bool) -> None:
    data = {"jobs": ids, "count": count, "deleted": not dry_run}
    context.output.result(data, lambda: map(line, ids), ids)
    context.output.message(f"{_count(count)} {'would be ' if dry_run else ''}deleted.".capitalize())


def _count(number: int) -> str:
    return f"{number or 'no'} job{'' if number == 1 else 's'}"
