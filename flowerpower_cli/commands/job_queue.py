"""`flowerpower job-queue`: all of it but the log, waiting, workers and schedulers."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.inputs import choices, overrides_from
from flowerpower_cli.options import (
    DryRun,
    JobId,
    JobIds,
    JobOptions,
    Limit,
    OfPipeline,
    PipelineName,
    Progress,
    QueueName,
    QueueOptions,
    RunOptions,
    Strings,
    Timeout,
    Yes,
    iso_time,
    option,
)
from flowerpower_cli.views.output import stdout_to_stderr

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job

DEFAULT_LIMIT = 50
MAX_PRUNED = 1_000_000


def _time_or_ago(text: str) -> datetime:
    """As `iso_time`, or how long ago: 2h, 1d ago."""
    from flowerpower.triggers import clock

    try:
        return clock.after(clock.now(), -clock.parse_duration(str(text).removesuffix("ago")))
    except FlowerpowerError:
        return iso_time(text)


@command("job-queue add-job", example="daily_report --run-in 10m", options=QueueOptions)
def add_job(
    context: CommandContext,
    pipeline: PipelineName,
    options: RunOptions,
    job_options: JobOptions,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the job and show its result.")
    ] = False,
    progress: Progress = None,
) -> None:
    """Add a run of a pipeline to the job queue; a worker runs it.

    With --wait it ends as `job-queue wait` does.
    """
    from flowerpower.pipeline.overrides import due_time
    from flowerpower_cli.views.jobs import added_view, record_data

    if job_options.run_at is not None and job_options.run_in is not None:
        raise UsageError("--run-at and --run-in are both given; expected one of them.")
    run_at = due_time(context.manager.project, job_options.run_at, job_options.run_in)
    overrides = overrides_from(options)
    # The pipeline may be imported to check the request.
    with stdout_to_stderr():
        job = context.job_queue.add_job(
            pipeline,
            overrides,
            run_at=run_at,
            queue=job_options.queue,
            job_id=job_options.job_id,
            result_ttl=job_options.result_ttl,
        )
    _print_note(context, job, run_at)
    if wait:
        from flowerpower_cli.commands.wait import wait_and_show

        context.output.message(f"Waiting for the job {job.id}.")
        wait_and_show(context, [job], progress=progress is not False, as_list=False)
        return
    data = record_data(job) | {"created": job.created}
    context.output.result(data, lambda: added_view(job))
    context.warn_if_jobs_wait([job])


def _print_note(context: CommandContext, job: Job, run_at: datetime | None) -> None:
    from flowerpower_cli.views.jobs import due_message

    if not job.created:
        context.output.message(f"The job {job.id} exists already; nothing was added.")
    elif run_at is not None:
        context.output.message(due_message(run_at, context.timezone))


@command("job-queue list-jobs", example="--status failed", options=QueueOptions)
def list_jobs(
    context: CommandContext,
    status: Annotated[
        Strings,
        option(
            "STATUS[,STATUS]",
            "scheduled, queued, running, finished, failed, cancelled. Repeatable.",
        ),
    ] = None,
    pipeline: OfPipeline = None,
    queue: QueueName = None,
    schedule: Annotated[str | None, option("SCHEDULE", "Only jobs of this schedule.")] = None,
    since: Annotated[
        datetime | None, option("TIME", "Not before this ISO 8601 time, or 2h ago.", _time_or_ago)
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> None:
    """List jobs, the newest first."""
    from flowerpower.jobs.job import JobFilter, JobStatus
    from flowerpower.pipeline.overrides import due_time
    from flowerpower_cli.views.jobs import jobs_view, record_data

    statuses = choices("--status", status, [known.value for known in JobStatus])
    job_filter = JobFilter(
        frozenset(map(JobStatus, statuses)),
        pipeline,
        queue,
        schedule,
        due_time(context.manager.project, since),
        limit,
    )
    jobs = context.job_queue.list_jobs(job_filter)
    context.learn_secrets(*(job.pipeline for job in jobs))
    data = [record_data(job) for job in jobs]
    for body in data:
        del body["result"]
    context.output.result(
        data, lambda: jobs_view(jobs, context.timezone, short=sys.stdout.isatty())
    )
    if not jobs:
        has_conditions = job_filter != JobFilter(limit=limit)
        context.output.message(
            "No job meets these conditions." if has_conditions else "There are no jobs yet."
        )
    elif len(jobs) == limit:
        context.output.message(f"These are the newest {limit}; --limit shows more.")


@command("job-queue show-job", example="nightly-1", options=QueueOptions)
def show_job(context: CommandContext, job: JobId) -> None:
    """Show all that is known of a job: its times, its nodes, its error or its result."""
    from flowerpower_cli.lookup import find_job
    from flowerpower_cli.views.jobs import job_view, record_data

    record = find_job(context.job_queue, job)
    context.learn_secrets(record.pipeline)
    context.output.result(record_data(record), lambda: job_view(record, context.timezone))


@command("job-queue wait", example="nightly-1 --timeout 10m", options=QueueOptions)
def wait(
    context: CommandContext, jobs: JobIds, timeout: Timeout = None, progress: Progress = None
) -> None:
    """Wait until jobs have ended, and show their results.

    Ends with 0 if all have finished, with 6 if one has failed or was cancelled, and with 7 if
    --timeout is over before.
    """
    from flowerpower_cli.commands.wait import wait_and_show
    from flowerpower_cli.lookup import for_each_job, raise_errors

    records, errors = for_each_job(context.job_queue, jobs, lambda job: job)
    raise_errors(errors)
    wait_and_show(context, records, timeout=timeout, progress=progress is not False)


@command("job-queue cancel-job", example="nightly-1 nightly-2", options=QueueOptions)
def cancel_job(context: CommandContext, jobs: JobIds) -> None:
    """Cancel jobs: a waiting one at once, a running one within seconds."""
    # Here, as in the other commands: the help of the group, which loads them all, needs no view.
    from flowerpower_cli.lookup import for_each_job, raise_errors
    from flowerpower_cli.views.jobs import cancelled_view, record_data

    job_queue = context.job_queue

    def cancel(job: Job) -> tuple[Job, bool]:
        was_cancelled = job.cancel_requested or job.status == "cancelled"
        return job_queue.cancel_job(job.id), not was_cancelled

    results, errors = for_each_job(job_queue, jobs, cancel)
    context.output.result(
        [record_data(job) | {"changed": changed} for job, changed in results],
        lambda: cancelled_view([job for job, _ in results]),
    )
    if not any(changed for _, changed in results):
        context.output.message("Nothing to do: cancelled already.")
    raise_errors(errors)


@command("job-queue retry-job", example="nightly-1", options=QueueOptions)
def retry_job(context: CommandContext, job: JobId) -> None:
    """Queue a failed or cancelled job again, with all of its retries."""
    from flowerpower_cli.lookup import find_job
    from flowerpower_cli.views.jobs import added_view, record_data

    record = context.job_queue.retry_job(find_job(context.job_queue, job).id)
    context.output.result(record_data(record), lambda: added_view(record))


@command("job-queue delete-job", example="nightly-1 --yes", options=QueueOptions)
def delete_job(
    context: CommandContext, jobs: JobIds, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Delete jobs with their results and logs."""
    from flowerpower_cli.lookup import delete_each, find_job

    job_queue = context.job_queue
    delete_each(
        context,
        "jobs",
        jobs,
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
    from flowerpower_cli.lookup import show_deleted
    from flowerpower_cli.views.tables import counted

    job_queue = context.job_queue
    ended = JobFilter(frozenset(ENDED), limit=MAX_PRUNED)
    ids = [job.id for job in job_queue.list_jobs(ended)] if all_ended else []
    if ids and not dry_run:
        number = counted(len(ids), "job")
        context.output.confirm(f"This deletes {number}, with log and result.", yes=yes)
    count = job_queue.prune_jobs(all_ended=all_ended, dry_run=dry_run)
    show_deleted(context, "jobs", ids, count, dry_run=dry_run)
