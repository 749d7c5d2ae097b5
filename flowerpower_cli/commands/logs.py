"""`flowerpower job-queue logs`: what a job has printed, as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.lookup import check_attempt, find_job, poll
from flowerpower_cli.options import Attempt, JobId, QueueOptions

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job

POLL_INTERVAL = 0.2
"""Seconds."""


@command("job-queue logs", example="nightly-1 --follow", options=QueueOptions)
def logs(
    context: CommandContext,
    job: JobId,
    attempt: Attempt = None,
    all_attempts: Annotated[
        bool, typer.Option("--all-attempts", help="Of every attempt, each below a heading.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")
    ] = False,
) -> None:
    """Show what a job has printed, on stdout and stderr, in its last attempt.

    Of a progress bar the last state is shown, and control characters as escapes. With --json each
    line, with its traceback if it has one, is a line of JSON: its text unchanged, and the fields
    of `start-worker --log-format json`.
    """
    from flowerpower_cli.views.attempt_log import AttemptLog

    job_queue = context.job_queue
    record = find_job(job_queue, job)
    context.learn_secrets(record.pipeline)
    if attempt is not None and all_attempts:
        raise UsageError("--attempt and --all-attempts are both given; expected one of them.")
    check_attempt(record, attempt, may_come=True)
    last = max(record.attempt, 0 if all_attempts else 1)
    log = AttemptLog(job_queue, context.output, record, attempt or last, has_headings=all_attempts)
    if all_attempts:
        log.show_from_first()
    if follow:
        try:
            poll(log.look, context.output, interval=POLL_INTERVAL)
        finally:
            log.bar.clear()
        return
    log.show_new()
    log.show_rest()
    if not record.attempt:
        context.output.message(_not_begun(context, record))
    elif not log.last_seq:
        context.output.message(f"Attempt {log.attempt} of {record.id} has printed nothing.")


def _not_begun(context: CommandContext, job: Job) -> str:
    from flowerpower.pipeline.waiting import read_waits_for

    if job.status.is_ended:
        return f"The job {job.id} has not run: it is {job.status}."
    reason = read_waits_for(context.job_queue, job)
    return f"The job {job.id} has not run yet" + (f": it {reason.message}." if reason else ".")
