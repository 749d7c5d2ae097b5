"""`flowerpower job-queue cancel-job`, `retry-job`, `delete-job` and `prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.lookup import each_of, found_job, raise_all
from flowerpower_cli.options import DryRun, InQueue, JobId, JobIds, Yes
from flowerpower_cli.views.tables import line

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job

MOST_LISTED = 1_000_000


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this room into `app`."""
    for name, example, function in (
        ("cancel-job", "cancel-job nightly-1 nightly-2", cancel_job),
        ("retry-job", "retry-job nightly-1", retry_job),
        ("delete-job", "delete-job nightly-1 --yes", delete_job),
        ("prune", "prune --all-ended --dry-run", prune),
    ):
        command(app, name, example=f"flowerpower job-queue {example}", options=InQueue)(function)


def cancel_job(context: CommandContext, jobs: JobIds) -> None:
    """Cancel jobs: one that waits at once, one that runs within seconds."""
    from flowerpower_cli.views.jobs import cancelled_view, job_data

    backend = context.job_queue.backend

    def cancel(before: Job) -> tuple[Job, bool]:
        was_so = before.cancel_requested or before.status == "cancelled"
        return backend.cancel_job(before.id), not was_so

    done, errors = each_of(backend, jobs, cancel)
    if not done:
        raise_all(errors)
    context.output.result(
        [job_data(job) | {"changed": changed} for job, changed in done],
        lambda: cancelled_view([job for job, _ in done]),
        [job.id for job, _ in done],
    )
    if not any(changed for _, changed in done):
        context.output.message("Already so.")
    raise_all(errors)


def retry_job(context: CommandContext, job: JobId) -> None:
    """Queue a failed or cancelled job again, with all its retries."""
    from flowerpower_cli.views.jobs import added_view, job_data

    backend = context.job_queue.backend
    queued = backend.retry_job(found_job(backend, job).id)
    context.output.result(job_data(queued), lambda: added_view(queued), [queued.id])


def delete_job(
    context: CommandContext, jobs: JobIds, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Forget jobs, their results and their logs."""
    backend = context.job_queue.backend

    def delete(job: Job) -> str:
        if not dry_run:
            backend.delete_job(job.id)
        return job.id

    found, errors = each_of(backend, jobs, lambda job: job.id)
    raise_all(errors)
    if not dry_run:
        context.output.confirm(f"This deletes {_count(len(found))}, with log and result.", yes=yes)
    gone, errors = each_of(backend, found, delete)
    if not gone:
        raise_all(errors)
    _show_gone(context, gone, len(gone), dry_run=dry_run)
    raise_all(errors)


def prune(
    context: CommandContext,
    all_ended: Annotated[
        bool, typer.Option("--all-ended", help="Also those whose history has not ended yet.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Forget jobs whose history has ended now, not at the next occasion."""
    from flowerpower.jobs.job import ENDED, JobFilter

    backend = context.job_queue.backend
    ended = JobFilter(frozenset(ENDED), limit=MOST_LISTED)
    ids = [job.id for job in backend.list_jobs(ended)] if all_ended else []
    if ids and not dry_run:
        context.output.confirm(f"This deletes {_count(len(ids))}, with log and result.", yes=yes)
    count = backend.prune(everything_ended=all_ended, dry_run=dry_run)
    _show_gone(context, ids, count, dry_run=dry_run)


def _show_gone(context: CommandContext, ids: list[str], count: int, *, dry_run: bool) -> None:
    data = {"jobs": ids, "count": count, "deleted": not dry_run}
    context.output.result(data, lambda: map(line, ids), ids)
    context.output.message(f"{_count(count)} {'would be ' if dry_run else ''}deleted.".capitalize())


def _count(number: int) -> str:
    return f"{number or 'no'} job{'' if number == 1 else 's'}"
