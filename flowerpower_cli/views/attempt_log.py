"""The log of an attempt, printed as it comes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowerpower.jobs.log_lines import EntryReader, LineReader, LogEntry, shown
from flowerpower.text import mask, visible
from flowerpower_cli.views.jobs import error_summary
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
    has_headings: bool = False

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

    def show_from_first(self) -> None:
        """Print the logs of all attempts before the last one, and the heading of that."""
        ended = {attempt["attempt"]: attempt for attempt in self.job.attempts}
        for number in range(1, self.job.attempt + 1):
            self.attempt, self.last_seq = number, 0
            self._print_heading(ended.get(self.attempt))
            if self.attempt < self.job.attempt:
                self.show_new()
                self.show_rest()

    def _print_heading(self, ended: Mapping[str, Any] | None) -> None:
        """Where the log of another attempt begins."""
        if not self.has_headings:
            self.output.message(f"Attempt {self.attempt}:")
        elif not (self.output.json or self.output.quiet):
            error = error_summary((ended or {}).get("error"))
            parts = [f"Attempt {self.attempt}", str((ended or {}).get("status") or ""), error]
            write_line(sys.stdout, f"== {visible(mask(', '.join(filter(None, parts))))} ==")

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
            self._print_heading(None)
            self.show_new()
        if job.status.is_ended:
            self.show_rest()
        else:
            self.bar.draw(self.lines.unfinished)
        return job.status.is_ended
