"""`flowerpower job-queue logs`: what a job has printed, as it comes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower.errors import UsageError
from flowerpower.text import mask, visible
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.lookup import check_attempt, find_job, poll
from flowerpower_cli.options import Attempt, JobId, QueueOptions
from flowerpower_cli.views.output import Output, flushing, write_line

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job, LogChunk
    from flowerpower.pipeline.job_queue import PipelineJobQueue

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

    Control characters are shown as escapes. With --json each piece is a line of JSON that holds the
    text unchanged.
    """
    job_queue = context.job_queue
    record = find_job(job_queue, job)
    context.learn_secrets(record.pipeline)
    if attempt is not None and all_attempts:
        raise UsageError("--attempt and --all-attempts are both given; expected one of them.")
    check_attempt(record, attempt, may_come=True)
    last = max(record.attempt, 0 if all_attempts else 1)
    log = _AttemptLog(
        job_queue, context.output, record.id, attempt or last, has_headings=all_attempts
    )
    if all_attempts:
        log.show_from_first(record)
    if follow:
        log.follow()
        return
    log.show_new()
    if not record.attempt:
        context.output.message(f"The job {record.id} has not run yet.")
    elif not log.last_seq:
        context.output.message(f"Attempt {log.attempt} of {record.id} has printed nothing.")


@dataclass
class _AttemptLog:
    """The log of an attempt of a job, and how far it has been printed."""

    job_queue: PipelineJobQueue
    output: Output
    job_id: str
    attempt: int
    last_seq: int = 0
    has_headings: bool = False

    def show_new(self) -> None:
        """Print what was added since the last time."""
        for chunk in self.job_queue.read_log(self.job_id, self.attempt, self.last_seq):
            self._print(chunk)
            self.last_seq = chunk.seq

    def show_from_first(self, job: Job) -> None:
        """Print the logs of all attempts before the last one, and the heading of that."""
        ended = {attempt["attempt"]: attempt for attempt in job.attempts}
        for self.attempt in range(1, job.attempt + 1):
            self.last_seq = 0
            self._print_heading(ended.get(self.attempt))
            if self.attempt < job.attempt:
                self.show_new()

    def _print_heading(self, ended: Mapping[str, Any] | None) -> None:
        """Where the log of another attempt begins."""
        from flowerpower_cli.views.jobs import error_summary

        if not self.has_headings:
            self.output.message(f"Attempt {self.attempt}:")
        elif not (self.output.json or self.output.quiet):
            error = error_summary((ended or {}).get("error"))
            parts = [f"Attempt {self.attempt}", str((ended or {}).get("status") or ""), error]
            write_line(sys.stdout, f"== {visible(mask(', '.join(filter(None, parts))))} ==")

    def _print(self, chunk: LogChunk) -> None:
        if self.output.json:
            body = {"attempt": chunk.attempt, "seq": chunk.seq, "text": mask(chunk.text)}
            write_line(sys.stdout, json.dumps(body))
            return
        with flushing(sys.stdout):
            sys.stdout.write(visible(mask(chunk.text)))

    def follow(self) -> None:
        """Print what is added until the job has ended, of this attempt and of later ones."""

        def has_ended() -> bool:
            # The job is read before its log: once the job has ended, its log is complete.
            job = self.job_queue.get_job(self.job_id)
            self.show_new()
            while job.attempt > self.attempt:
                self.attempt, self.last_seq = self.attempt + 1, 0
                self._print_heading(None)
                self.show_new()
            return job.status.is_ended

        poll(has_ended, self.output, interval=POLL_INTERVAL)
