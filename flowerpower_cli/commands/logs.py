"""`flowerpower job-queue logs`: what a job has printed, as it comes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower.errors import UsageError
from flowerpower.jobs.log_lines import EntryReader, LineReader, LogEntry, shown
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.lookup import find_job, poll
from flowerpower_cli.options import JobId, QueueOptions, option, whole_number
from flowerpower_cli.views.output import Output, flushing, write_line
from flowerpower_cli.views.unfinished_line import UnfinishedLine

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job
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

    Of a progress bar the last state is shown, and control characters as escapes. With --json each
    line, with its traceback if it has one, is a line of JSON: its text unchanged, and the fields
    of `start-worker --log-format json`.
    """
    job_queue = context.job_queue
    record = find_job(job_queue, job)
    context.learn_secrets(record.pipeline)
    if attempt is not None and not 1 <= attempt <= max(record.attempt, 1):
        raise UsageError(f"--attempt {attempt}: the job {record.id} has had {record.attempt}.")
    log = _AttemptLog(job_queue, context.output, record, attempt or max(record.attempt, 1))
    if follow:
        log.follow()
        return
    log.show_new()
    log.show_rest()
    if not record.attempt:
        context.output.message(f"The job {record.id} has not run yet.")
    elif not log.last_seq:
        context.output.message(f"Attempt {log.attempt} of {record.id} has printed nothing.")


@dataclass
class _AttemptLog:
    """The log of an attempt of a job, and how far it has been printed."""

    job_queue: PipelineJobQueue
    output: Output
    job: Job
    attempt: int
    last_seq: int = 0
    lines: LineReader = field(default_factory=LineReader)
    entries: EntryReader = field(default_factory=EntryReader)
    bar: UnfinishedLine = field(default_factory=lambda: UnfinishedLine(sys.stdout))

    def show_new(self) -> bool:
        """Print what was added since the last time; whether there was something."""
        before = self.last_seq
        for chunk in self.job_queue.read_log(self.job.id, self.attempt, self.last_seq):
            self.last_seq = chunk.seq
            if self.output.json:
                self._print_entries(self.entries.feed(chunk.text))
            else:
                self._print_lines(self.lines.feed(chunk.text))
        return self.last_seq > before

    def show_rest(self) -> None:
        """Print what has no end, because the log ends here."""
        if self.output.json:
            self._print_entries(self.entries.close())
        else:
            self._print_lines(self.lines.close())

    def _print_entries(self, entries: Iterable[LogEntry]) -> None:
        for entry in entries:
            body = entry.to_json(pipeline=self.job.pipeline, job=self.job.id, attempt=self.attempt)
            body |= {"seq": self.last_seq, "text": entry.text}
            write_line(sys.stdout, json.dumps(body))

    def _print_lines(self, lines: Sequence[str]) -> None:
        if lines:
            self.bar.clear()
        with flushing(sys.stdout):
            sys.stdout.writelines(map(shown, lines))

    def follow(self) -> None:
        """Print what is added until the job has ended, of this attempt and of later ones."""

        def has_ended() -> bool:
            # The job is read before its log: once the job has ended, its log is complete.
            job = self.job_queue.get_job(self.job.id)
            if not self.show_new() and self.output.json:
                # An entry that has not grown any more is complete.
                self._print_entries(self.entries.flush())
            while job.attempt > self.attempt:
                self.show_rest()
                self.bar.clear()
                self.attempt, self.last_seq = self.attempt + 1, 0
                self.output.message(f"Attempt {self.attempt}:")
                self.show_new()
            if job.status.is_ended:
                self.show_rest()
            else:
                self.bar.draw(self.lines.unfinished)
            return job.status.is_ended

        try:
            poll(has_ended, self.output, interval=POLL_INTERVAL)
        finally:
            self.bar.clear()
