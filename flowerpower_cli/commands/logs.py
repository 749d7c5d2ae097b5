"""`flowerpower job-queue logs`: what a job has printed, as it comes."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower.errors import UsageError
from flowerpower.text import mask, visible
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.lookup import find_job, poll
from flowerpower_cli.options import JobId, QueueOptions, option, whole_number
from flowerpower_cli.views.output import Output, flushing, write_line

if TYPE_CHECKING:
    from flowerpower.jobs.job import LogChunk
    from flowerpower.pipeline.job_queue import PipelineJobQueue

POLL_INTERVAL = 0.2
"""Seconds."""


@command("job-queue logs", example="nightly-1 --follow", options=QueueOptions)
def logs(
    context: CommandContext,
    job: JobId,
    attempt: Annotated[
        int | None, option("N", "Of this attempt; by default of the last one.", whole_number)
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")
    ] = False,
) -> None:
    """Show what a job has printed, on stdout and stderr.

    Control characters are shown as escapes. With --json each piece is a line of JSON that holds the
    text unchanged.
    """
    job_queue = context.job_queue
    record = find_job(job_queue, job)
    context.learn_secrets(record.pipeline)
    if attempt is not None and not 1 <= attempt <= max(record.attempt, 1):
        raise UsageError(f"--attempt {attempt}: the job {record.id} has had {record.attempt}.")
    log = _AttemptLog(job_queue, context.output, record.id, attempt or max(record.attempt, 1))
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

    def show_new(self) -> None:
        """Print what was added since the last time."""
        for chunk in self.job_queue.read_log(self.job_id, self.attempt, self.last_seq):
            self._print(chunk)
            self.last_seq = chunk.seq

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
                self.output.message(f"Attempt {self.attempt}:")
                self.show_new()
            return job.status.is_ended

        poll(has_ended, self.output, interval=POLL_INTERVAL)
