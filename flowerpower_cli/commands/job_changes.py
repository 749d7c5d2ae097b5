"""`flowerpower job-queue cancel-job`, `retry-job`, `delete-job` and `prune`."""

from __future__ import annotations

from typing import Annotated

import typer

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.option_values import whole_number
from flowerpower_cli.options import (
    DryRun,
    JobSelection,
    NewJobId,
    QueueOptions,
    Strings,
    Yes,
    argument,
    option,
)

SelectedJobIds = Annotated[
    Strings, argument("JOB", "Ids of jobs; the options select among them, or among all jobs.")
]
SelectedLimit = Annotated[int | None, option("N", "At most N.", whole_number)]

# Imports are inside of the functions: the help of the group loads them all and needs no view.


@command("job-queue cancel-job", example="nightly-1 nightly-2", options=QueueOptions)
def cancel_job(
    context: CommandContext,
    selection: JobSelection,
    jobs: SelectedJobIds = None,
    limit: SelectedLimit = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Cancel jobs: a waiting one at once, a running one within seconds.

    Without ids, those that have not ended and meet the conditions. With conditions it asks first.
    """
    from flowerpower.jobs.job import UNSTARTED
    from flowerpower_cli.bulk import select_jobs
    from flowerpower_cli.job_acts import Cancel

    selected = select_jobs(context, jobs, selection, limit, *UNSTARTED, "running")
    Cancel(context, dry_run=dry_run).run(selected, yes=yes)


@command(
    "job-queue retry-job",
    example="--status failed --pipeline daily_report --since 2h --dry-run",
    options=QueueOptions,
)
def retry_job(
    context: CommandContext,
    selection: JobSelection,
    jobs: SelectedJobIds = None,
    limit: SelectedLimit = None,
    from_failed: Annotated[
        bool,
        typer.Option(
            "--from-failed",
            help="Reuse what had finished in the last attempt; for runs that use the cache.",
        ),
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Run ended jobs once more, as new jobs.")
    ] = False,
    job_id: NewJobId = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Queue failed or cancelled jobs again, with all of their retries.

    Without ids, those that meet the conditions: failed ones, unless --status says otherwise. With
    conditions it asks first. With --again the jobs stay as they are, also finished ones, and a new
    job with the same pipeline, overrides, queue and priority is added for each; of one job it may
    be named by --job-id. Of more than --limit jobs the newest are taken.
    """
    from flowerpower.jobs.job import ENDED
    from flowerpower_cli.bulk import select_jobs
    from flowerpower_cli.job_acts import Again, Retry

    if job_id is not None and not again:
        raise UsageError("--job-id names the new job of --again, which is not given.")
    selected = select_jobs(context, jobs, selection, limit, *(ENDED if again else ("failed",)))
    if not again:
        Retry(context, dry_run=dry_run, from_failed=from_failed).run(selected, yes=yes)
        return
    if job_id is not None and len(selected.jobs) + len(selected.errors) != 1:
        raise UsageError(f"--job-id names one new job; {len(selected.jobs)} are selected.")
    act = Again(context, dry_run=dry_run, from_failed=from_failed, job_id=job_id)
    act.run(selected, yes=yes)


@command("job-queue delete-job", example="nightly-1 --yes", options=QueueOptions)
def delete_job(
    context: CommandContext,
    selection: JobSelection,
    jobs: SelectedJobIds = None,
    limit: SelectedLimit = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Delete jobs with their results and logs.

    Without ids, those that have ended and meet the conditions.
    """
    from flowerpower.jobs.job import ENDED
    from flowerpower_cli.bulk import select_jobs
    from flowerpower_cli.job_acts import Delete
    from flowerpower_cli.lookup import raise_errors

    selected = select_jobs(context, jobs, selection, limit, *ENDED)
    # A wrong name must not cost half of the jobs.
    raise_errors(selected.errors, end="Nothing was deleted.")
    Delete(context, dry_run=dry_run).run(selected, yes=yes)


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
