"""The log of an attempt, printed as it comes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flowerpower.jobs.log_lines import EntryReader, LineReader, LogEntry, shown
from flowerpower_cli.views.output import Output, flushing, write_line
from flowerpower_cli.views.unfinished_line import UnfinishedLine

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job
    from flowerpower.pipeline.job_queue import PipelineJobQueue


@dataclass
class AttemptLog:
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
        chunks = self.job_queue.read_log(self.job.id, self.attempt, self.last_seq)
        for chunk in chunks:
            self.last_seq = chunk.seq
            if self.output.json:
                self._print_entries(self.entries.feed(chunk.text))
        if not self.output.json:
            self._print_lines(self.lines.feed("".join(chunk.text for chunk in chunks)))
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

    def look(self) -> bool:
        """Print what was added, of later attempts too; whether the job has ended."""
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
