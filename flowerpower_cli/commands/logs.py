"""`flowerpower job-queue logs`: what a job has printed, as it comes."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower.errors import UsageError
from flowerpower.text import mask, visible
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.lookup import found_job
from flowerpower_cli.option_parsers import whole_number
from flowerpower_cli.options import InQueue, JobId
from flowerpower_cli.reconnect import Reconnect
from flowerpower_cli.views.output import Output, write_line, written

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend
    from flowerpower.jobs.job import LogChunk

LOOK_EVERY = 0.2
"""Seconds."""


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this room into `app`."""
    command(app, "logs", example="flowerpower job-queue logs nightly-1 --follow", options=InQueue)(
        logs
    )


def logs(
    context: CommandContext,
    job: JobId,
    attempt: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="N", help="Of this attempt; by default the last one."
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")
    ] = False,
) -> None:
    """Show what a job has printed, on stdout and stderr.

    Control characters are shown as escapes. With --json each piece is a line of JSON, its text as
    it was.
    """
    backend = context.job_queue.backend
    found = found_job(backend, job)
    context.learn_secrets(found.pipeline)
    if attempt is not None and not 1 <= attempt <= max(found.attempt, 1):
        raise UsageError(f"--attempt {attempt}: the job {found.id} has had {found.attempt}.")
    shown = _Log(backend, context.output, found.id, attempt or max(found.attempt, 1))
    if follow:
        shown.follow()
        return
    shown.show_new()
    if not found.attempt:
        context.output.message(f"The job {found.id} has not run yet.")
    elif not shown.last_seq:
        context.output.message(f"Attempt {shown.attempt} of {found.id} has printed nothing.")


class _Log:
    """The log of a job's attempt, as far as it was shown."""

    def __init__(self, backend: JobQueueBackend, output: Output, job_id: str, attempt: int) -> None:
        self.attempt = attempt
        self.last_seq = 0
        self._backend = backend
        self._output = output
        self._job_id = job_id

    def show_new(self) -> None:
        """Show what has come since the last time."""
        for chunk in self._backend.read_log(self._job_id, self.attempt, self.last_seq):
            self._show(chunk)
            self.last_seq = chunk.seq

    def _show(self, chunk: LogChunk) -> None:
        if self._output.json:
            body = {"attempt": chunk.attempt, "seq": chunk.seq, "text": mask(chunk.text)}
            write_line(sys.stdout, json.dumps(body))
            return
        with written(sys.stdout):
            sys.stdout.write(visible(mask(chunk.text)))

    def follow(self) -> None:
        """Show all that comes until the job has ended, whatever attempt it is in then."""
        reconnect, job = Reconnect(self._output), self._backend.get_job(self._job_id)

        def look() -> None:
            nonlocal job
            # Before the log is read: what the attempt printed is all there once it has ended.
            job = self._backend.get_job(self._job_id)
            self.show_new()

        while True:
            if not reconnect.try_to(look):
                continue
            if job.attempt > self.attempt:
                self.attempt, self.last_seq = self.attempt + 1, 0
                self._output.message(f"Attempt {self.attempt}:")
            elif job.status.is_ended:
                return
            else:
                time.sleep(LOOK_EVERY)
