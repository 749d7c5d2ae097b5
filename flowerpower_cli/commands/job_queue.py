"""`flowerpower job-queue …`: jobs in the background."""

from __future__ import annotations

import dataclasses
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command, group
from flowerpower_cli.commands import job_changes, logs, scheduler, worker
from flowerpower_cli.lookup import each_of, found_job, raise_all
from flowerpower_cli.option_parsers import chosen, time_or_ago
from flowerpower_cli.options import (
    InQueue,
    JobId,
    JobIds,
    JobOptions,
    Limit,
    OfPipeline,
    PipelineName,
    Progress,
    QueueName,
    RunOptions,
    Timeout,
)

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job, JobStatus

app = group()


@command(
    app,
    "add-job",
    example="flowerpower job-queue add-job daily_report --run-in 10m",
    options=InQueue,
)
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
    """Hand a run of a pipeline to the job queue; a worker does it.

    With --wait it ends as `job-queue wait` does.
    """
    from flowerpower_cli.commands.waiting import wait_and_show, warn_if_unattended
    from flowerpower_cli.inputs import overrides_from
    from flowerpower_cli.views.jobs import added_view, job_data

    job_queue, due = context.job_queue, _due(context, job_options)
    job = job_queue.add_job(
        pipeline,
        overrides_from(options),
        run_at=due,
        queue=job_options.queue,
        job_id=job_options.job_id,
        result_ttl=job_options.result_ttl,
    )
    _tell_added(context, job, due)
    if wait:
        context.output.message(f"Waiting for the job {job.id}.")
        wait_and_show(context, [job], wanted=progress is not False, one=True)
        return
    context.output.result(
        job_data(job) | {"created": job.created}, lambda: added_view(job), [job.id]
    )
    warn_if_unattended(context, [job])


def _due(context: CommandContext, options: JobOptions) -> datetime | None:
    if options.run_at is not None and options.run_in is not None:
        raise UsageError("--run-at and --run-in are both given; expected one of them.")
    from flowerpower.pipeline.overrides import due_time

    return due_time(context.manager.project, options.run_at, options.run_in)


def _tell_added(context: CommandContext, job: Job, due: datetime | None) -> None:
    from flowerpower_cli.views.jobs import due_sentence

    if not job.created:
        context.output.message(f"The job {job.id} was there already; nothing was added.")
    elif due is not None:
        context.output.message(due_sentence(due, context.manager.project.timezone))


@command(
    app, "list-jobs", example="flowerpower job-queue list-jobs --status failed", options=InQueue
)
def list_jobs(
    context: CommandContext,
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATUS[,STATUS]",
            help="scheduled, queued, running, finished, failed, cancelled. Repeatable.",
        ),
    ] = None,
    pipeline: OfPipeline = None,
    queue: QueueName = None,
    schedule: Annotated[
        str | None, typer.Option(metavar="SCHEDULE", help="Only jobs of this schedule.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=time_or_ago, metavar="TIME", help="Not before this ISO 8601 time, or 2h ago."
        ),
    ] = None,
    limit: Limit = 50,
) -> None:
    """List jobs, the newest first."""
    from flowerpower.jobs.job import JobFilter
    from flowerpower.pipeline.overrides import due_time
    from flowerpower_cli.views.jobs import jobs_view, listed_data

    backend = context.job_queue.backend
    since = due_time(context.manager.project, since)
    wanted = JobFilter(_statuses(status), pipeline, queue, schedule, since, limit)
    jobs = backend.list_jobs(wanted)
    context.learn_secrets(*(job.pipeline for job in jobs))
    zone = context.manager.project.timezone
    context.output.result(
        [listed_data(job) for job in jobs],
        lambda: jobs_view(jobs, zone, short=sys.stdout.isatty()),
        [job.id for job in jobs],
    )
    if not jobs:
        narrowed = dataclasses.replace(wanted, limit=50) != JobFilter(limit=50)
        context.output.message("There are no such jobs." if narrowed else "There are no jobs yet.")
    elif len(jobs) == limit:
        context.output.message(f"These are the newest {limit}; --limit shows more.")


def _statuses(given: list[str] | None) -> frozenset[JobStatus]:
    from flowerpower.jobs.job import JobStatus

    known = [status.value for status in JobStatus]
    return frozenset(JobStatus(name) for name in chosen("--status", given, known))


@command(app, "show-job", example="flowerpower job-queue show-job nightly-1", options=InQueue)
def show_job(context: CommandContext, job: JobId) -> None:
    """Show all that is known of a job: its times, its nodes, its error or its result."""
    from flowerpower_cli.views.jobs import job_data, job_view

    found = found_job(context.job_queue.backend, job)
    context.learn_secrets(found.pipeline)
    zone = context.manager.project.timezone
    context.output.result(job_data(found), lambda: job_view(found, zone), [found.id])


@command(app, "wait", example="flowerpower job-queue wait nightly-1 --timeout 10m", options=InQueue)
def wait(
    context: CommandContext, jobs: JobIds, timeout: Timeout = None, progress: Progress = None
) -> None:
    """Wait until jobs have ended, and show their results.

    Ends with 0 if all have finished, with 6 if one has failed or was cancelled, and with 7 if
    --timeout is over before.
    """
    from flowerpower_cli.commands.waiting import wait_and_show

    found, errors = each_of(context.job_queue.backend, jobs, lambda job: job)
    raise_all(errors)
    wait_and_show(context, found, timeout=timeout, wanted=progress is not False)


job_changes.add_commands(app)
logs.add_commands(app)
worker.add_commands(app)
scheduler.add_commands(app)
