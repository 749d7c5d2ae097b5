"""`flowerpower job-queue`: adding jobs, looking at them and waiting for them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.inputs import overrides_from
from flowerpower_cli.option_values import duration, iso_time
from flowerpower_cli.options import (
    Attempt,
    Expires,
    JobId,
    JobIds,
    JobSelection,
    Limit,
    NewJobId,
    OptionGroup,
    PipelineName,
    Priority,
    Progress,
    QueueName,
    QueueOptions,
    ResultTtl,
    RunOptions,
    Strings,
    Timeout,
    given_options,
    option,
)
from flowerpower_cli.views.output import stdout_to_stderr

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job
    from flowerpower_cli.views.tables import Block

DEFAULT_LIMIT = 50
Condition = Literal["success", "failure", "end"]


class JobOptions(OptionGroup):
    """When a job is due, and how the queue keeps it."""

    run_at: Annotated[
        datetime | None,
        option(
            "TIME",
            "Run not before this ISO 8601 time; without an offset, in the project's zone.",
            iso_time,
        ),
    ] = None
    run_in: Annotated[
        float | None, option("DURATION", "Run not before this delay: 10m.", duration)
    ] = None
    queue: QueueName = None
    job_id: NewJobId = None
    result_ttl: ResultTtl = None
    priority: Priority = None
    expires: Expires = None
    after: Annotated[
        Strings, option("JOB[,JOB]", "Run once these jobs have finished. Repeatable.")
    ] = None
    on: Annotated[
        Condition | None,
        typer.Option(help="Run once the jobs of --after have ended so, by default success."),
    ] = None
    unique: Annotated[
        bool,
        typer.Option(
            "--unique",
            help="Add nothing while a job of this pipeline and these inputs has not ended.",
        ),
    ] = False


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
    parents = _parents(context, job_options)
    # The pipeline may be imported to check the request.
    with stdout_to_stderr():
        job = context.job_queue.add_job(
            pipeline,
            overrides,
            run_at=run_at,
            queue=job_options.queue,
            job_id=job_options.job_id,
            result_ttl=job_options.result_ttl,
            priority=job_options.priority or 0,
            expires=job_options.expires,
            after=parents,
            on=job_options.on or "success",
            unique=job_options.unique,
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


def _parents(context: CommandContext, options: JobOptions) -> list[str] | None:
    if options.after is None and options.on is None:
        return None
    from flowerpower_cli.lookup import parents_from

    return parents_from(context, options.after, options.on)


def _print_note(context: CommandContext, job: Job, run_at: datetime | None) -> None:
    from flowerpower_cli.views.jobs import due_message

    if not job.created:
        context.output.message(f"The job {job.id} exists already; nothing was added.")
    elif job.status == "waiting":
        context.output.message(f"It waits for {', '.join(job.after)}.")
    elif run_at is not None:
        context.output.message(due_message(run_at, context.timezone))


@command("job-queue list-jobs", example="--status failed", options=QueueOptions)
def list_jobs(
    context: CommandContext,
    selection: JobSelection,
    limit: Limit = DEFAULT_LIMIT,
) -> None:
    """List jobs, the newest first."""
    from flowerpower.jobs.job import UNSTARTED
    from flowerpower.pipeline.waiting import read_view
    from flowerpower_cli.lookup import filter_from
    from flowerpower_cli.views.job_list import jobs_view
    from flowerpower_cli.views.jobs import record_data

    # A long list is many objects that all stay; to look for garbage among them takes as long as to
    # make them.
    gc.disable()
    job_filter = filter_from(context, selection, limit)
    jobs = context.job_queue.list_jobs(job_filter)
    context.learn_secrets(*(job.pipeline for job in jobs))
    data = [record_data(job) for job in jobs]
    for body in data:
        del body["result"]

    def view() -> Iterable[Block]:
        queue = read_view(context.job_queue, jobs, only_limits=True)
        return jobs_view(jobs, context.timezone, queue, short=sys.stdout.isatty())

    context.output.result(data, view)
    if not jobs:
        has_conditions = bool(given_options(selection))
        context.output.message(
            "No job meets these conditions." if has_conditions else "There are no jobs yet."
        )
        context.warn_if_left_behind()
    elif len(jobs) == limit:
        context.output.message(f"These are the newest {limit}; --limit shows more.")
    context.warn_if_paused({job.queue for job in jobs if job.status in UNSTARTED})


@command("job-queue show-job", example="nightly-1", options=QueueOptions)
def show_job(
    context: CommandContext,
    job: JobId,
    attempt: Attempt = None,
) -> None:
    """Show all that is known of a job: its times, its nodes, its error or its result.

    With --attempt, what is known of that attempt, with its whole error.
    """
    from flowerpower.pipeline.waiting import read_waits_for
    from flowerpower_cli.lookup import check_attempt, find_job
    from flowerpower_cli.views.attempts import attempt_data, attempt_view
    from flowerpower_cli.views.job import job_data, job_view

    record = find_job(context.job_queue, job)
    context.learn_secrets(record.pipeline)
    check_attempt(record, attempt)
    if attempt is None:
        reason = read_waits_for(context.job_queue, record)
        children = context.job_queue.children_of([record.id])
        context.output.result(
            job_data(record, reason, children),
            lambda: job_view(record, context.timezone, reason, children),
        )
        return
    data = attempt_data(record, attempt)
    context.output.result(data, lambda: attempt_view(data, context.timezone))


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

    records, errors = for_each_job(context, jobs, lambda job: job)
    raise_errors(errors)
    wait_and_show(context, records, timeout=timeout, progress=progress is not False)
