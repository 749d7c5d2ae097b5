"""The events of workers and schedulers, printed as they come.

Jobs and fires are the result and go to stdout. What a worker or scheduler says of itself is for
people and goes to stderr. With --json every event is a line of JSON on stdout.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from flowerpower.errors import FlowerpowerError
from flowerpower.jobs.job import MAX_WORKER_LOSSES
from flowerpower.jobs.log_lines import EntryReader, LogEntry, json_line, shown
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.jobs import STYLES, error_summary, short_id
from flowerpower_cli.views.output import Output, write_line
from flowerpower_cli.views.schedules import fire_cells
from flowerpower_cli.views.service_log import line_time
from flowerpower_cli.views.tables import Cell, Line, cell, counted

if TYPE_CHECKING:
    from flowerpower.config.files import Project
    from flowerpower.job_queue.worker_options import WorkerEvent

_WARNINGS = {
    "expired": "The job {job} of {pipeline} has expired. {reason}",
    "trouble": "{reason}",
    "resumed": "RQ's workers are resumed (rq resume): jobs are taken again.",
    "reachable": "The backend answers again, after {after_seconds} s.",
}


class SchedulerEvents:
    """Prints the events of a scheduler."""

    retry_notice = "Trying again."

    def __init__(self, output: Output, project: Project, backend: Mapping[str, Any]) -> None:
        self._output = output
        self._project = project
        self._zone = clock.timezone(project.timezone)
        self._backend = backend
        self._counts: Counter[str] = Counter()
        self._is_writable = True

    def print_event(self, event: WorkerEvent) -> None:
        """Print an event, as long as stdout can be written."""
        facts: dict[str, Any] = {**event.facts}
        if event.kind == "start":
            facts["backend"] = dict(self._backend)
        self._count(event.kind, facts)
        if not self._is_writable:
            return
        try:
            self._write(event.kind, facts)
        except BrokenPipeError:
            # Nobody reads the output any more (`| head`): stop as on a first SIGTERM.
            self._is_writable = False
            os.kill(os.getpid(), signal.SIGTERM)
        except FlowerpowerError as error:
            # A full disk under stdout must not stop the jobs: warn once and work on.
            self._is_writable = False
            self._output.warning(error.message)

    def _count(self, kind: str, facts: Mapping[str, Any]) -> None:
        if kind == "fire":
            self._counts[str(facts["outcome"])] += int(facts["count"])

    def _write(self, kind: str, facts: dict[str, Any]) -> None:
        if self._output.json:
            sentence = "".join(cell.text for cell in self._cells(kind, facts))
            write_line(sys.stdout, json_line(kind, _level(kind, facts), sentence, facts))
        elif kind in ("job", "fire") and self._output.quiet:
            if job_id := self._quiet_id(kind, facts):
                write_line(sys.stdout, job_id)
        elif kind in ("job", "fire"):
            self._show(sys.stdout, self._cells(kind, facts))
        elif not self._output.quiet:
            self._show(sys.stderr, self._cells(kind, facts))
            if kind == "start":
                self._show(sys.stderr, (cell(f"Backend {self._backend['url']}", "dim"),))

    def _quiet_id(self, _kind: str, facts: Mapping[str, Any]) -> str | None:
        """The id that --quiet prints: of the job that a fire made."""
        job_id: str | None = facts["job_id"]
        return job_id

    def _cells(self, kind: str, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        if kind == "job":
            return self._job(facts)
        return fire_cells(facts, self._zone) if kind == "fire" else self._notice(kind, facts)

    def _show(
        self, stream: TextIO, cells: tuple[Cell, ...], moment: datetime | None = None
    ) -> None:
        moment = (moment or clock.now()).astimezone(self._zone)
        time = line_time(moment, is_terminal=stream.isatty())
        self._output.show(stream, [Line((cell(f"{time}  ", "dim"), *cells))])

    def _job(self, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        job_id = short_id(facts["job"]) if sys.stdout.isatty() else facts["job"]
        return cell(job_id, "bold"), cell(f"  {facts['pipeline']}  "), *_job_outcome(facts)

    def _notice(self, kind: str, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        if kind == "start":
            return self._start(facts)
        if kind == "stop":
            totals = self._totals()
            return cell("Stopped", "bold"), cell(f" after {totals}." if totals else ".")
        if kind == "worker_died":
            text = _worker_died_sentence(facts)
        elif kind == "suspended":
            left = (
                "the worker ends, and leaves what is queued" if facts["ends"] else "no job is taken"
            )
            text = f"RQ's workers are suspended (rq suspend): {left} until `rq resume`."
        elif kind in ("queue_paused", "queue_resumed"):
            text = _queues_sentence(facts["queues"], is_paused=kind == "queue_paused")
        elif kind == "unreachable":
            text = f"{facts['reason']} {self.retry_notice}"
        elif kind == "lost":
            text = _lost_sentence(facts)
        else:
            text = _WARNINGS.get(kind, kind).format_map(facts)
        return (cell(text, "yellow"),)

    def _totals(self) -> str:
        total = self._counts.total()
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self._counts.items())
        return f"{counted(total, 'fire')}: {counts}" if total else ""

    def _start(self, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        return (
            cell("Scheduler ", "bold"),
            cell(facts["pid"], "bold green"),
            cell(" fires the schedules of "),
            cell(self._project.name, "bold"),
            cell("."),
        )


class WorkerEvents(SchedulerEvents):
    """Prints the events of a worker; one that `fires_schedules` is a scheduler too."""

    retry_notice = "Jobs run on; trying again."

    def __init__(
        self,
        output: Output,
        project: Project,
        backend: Mapping[str, Any],
        *,
        fires_schedules: bool,
        learn_secrets: Callable[[str], None],
    ) -> None:
        super().__init__(output, project, backend)
        self._fires_schedules = fires_schedules
        self._learn_secrets = learn_secrets
        self._logs: dict[tuple[str, int], EntryReader] = {}

    def _count(self, kind: str, facts: Mapping[str, Any]) -> None:
        if kind == "job":
            self._counts[str(facts["status"])] += 1
            # Before the event is printed: the error in it may quote a secret of this pipeline.
            self._learn_secrets(str(facts["pipeline"]))

    def _write(self, kind: str, facts: dict[str, Any]) -> None:
        if kind == "log":
            self._write_log(facts)
            return
        if kind == "job" and (reader := self._logs.pop((facts["job"], facts["attempt"]), None)):
            self._write_entries(facts, reader.close())
        elif kind == "lost":
            self._logs = {key: log for key, log in self._logs.items() if key[0] != facts["job"]}
        super()._write(kind, facts)

    def _write_log(self, facts: Mapping[str, Any]) -> None:
        """What a job has printed: each line with its job, so that they can be told apart."""
        reader = self._logs.setdefault((facts["job"], facts["attempt"]), EntryReader())
        self._write_entries(facts, [*reader.feed(facts["text"]), *reader.flush()])

    def _write_entries(self, facts: Mapping[str, Any], entries: Iterable[LogEntry]) -> None:
        names = {name: facts[name] for name in ("pipeline", "job", "attempt")}
        for entry in entries:
            if self._output.json:
                body = entry.to_json(**names)
                body["time"] = body["time"] or clock.format_time(clock.now())
                write_line(sys.stdout, json.dumps(body))
            elif not self._output.quiet:
                self._show_entry(facts, entry)

    def _show_entry(self, facts: Mapping[str, Any], entry: LogEntry) -> None:
        job_id = short_id(facts["job"]) if sys.stdout.isatty() else facts["job"]
        text, moment = shown(entry.text), None
        if entry.time is not None:
            text, moment = text.removeprefix(f"{entry.time} "), clock.parse_time(entry.time)
        # Each line, so that a journal in which jobs are mixed can be searched for one of them.
        for line in text.splitlines():
            cells = (
                cell(job_id, "bold"),
                cell(f"  {facts['pipeline']}  | ", "dim"),
                cell(line.expandtabs(4)),
            )
            self._show(sys.stdout, cells, moment)

    def _quiet_id(self, kind: str, facts: Mapping[str, Any]) -> str | None:
        return str(facts["job"]) if kind == "job" else None

    def _totals(self) -> str:
        # An attempt that is to be retried leaves its job scheduled.
        words = {"scheduled": "to be tried again"}
        # In one order, whatever ended first.
        statuses = sorted(self._counts, key=lambda status: (status != "finished", status))
        return ", ".join(f"{self._counts[word]} {words.get(word, word)}" for word in statuses)

    def _start(self, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        also = ", and fires schedules" if self._fires_schedules else ""
        takes = f" takes jobs from {', '.join(facts['queues'])}, {facts['slots']} at once{also}."
        return cell("Worker ", "bold"), cell(facts["id"], "bold green"), cell(takes)

    def _notice(self, kind: str, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        if kind not in ("stopping", "forced"):
            return super()._notice(kind, facts)
        running = len(facts["running"])
        if kind == "forced":
            text = f"Stopping at once; {counted(running, 'job')} put back."
        elif not running:
            text = "Stopping."
        else:
            text = (
                f"Stopping: finishing {counted(running, 'running job')}; again to stop "
                f"{'it' if running == 1 else 'them'} at once."
            )
        return (cell(text, "yellow"),)


_LEVELS = {"trouble": "error", "unreachable": "error"}
_LEVELS |= dict.fromkeys(
    ("lost", "expired", "worker_died", "suspended", "queue_paused", "forced"), "warning"
)


def _level(kind: str, facts: Mapping[str, Any]) -> str:
    """How bad an event is, in the words of Python's logging."""
    if kind == "job":
        levels = {"failed": "error", "scheduled": "warning", "refused": "warning"}
        return levels.get(str(facts["status"]), "info")
    if kind == "fire":
        return "warning" if facts["outcome"] == "missed" else "info"
    if kind == "worker_died" and facts["failed"]:
        return "error"
    return _LEVELS.get(kind, "info")


def _worker_died_sentence(facts: Mapping[str, Any]) -> str:
    words = {
        "queued": "put back",
        "failed": f"failed (lost {MAX_WORKER_LOSSES} times)",
        "cancelled": "cancelled",
    }
    parts = [f"{counted(facts[key], 'job')} {text}" for key, text in words.items() if facts[key]]
    jobs = f"; {', '.join(parts)}" if parts else ""
    return f"The worker {facts['worker']} has died{jobs}."


def _queues_sentence(names: Sequence[str], *, is_paused: bool) -> str:
    queues = f"The queue{'s' if len(names) > 1 else ''} {', '.join(names)}"
    verb = "are" if len(names) > 1 else "is"
    if not is_paused:
        return f"{queues} {verb} no longer paused."
    return (
        f"{queues} {verb} paused: no job is taken until `flowerpower job-queue resume "
        f"{' '.join(names)}`."
    )


def _lost_sentence(facts: Mapping[str, Any]) -> str:
    """That an attempt was lost, and what that means for the job: most run again."""
    match facts["status"]:
        case None:
            # Nobody asked, or its record is gone.
            then = "was lost"
        case "failed":
            then = "was lost, and is not tried again"
        case "cancelled":
            then = "was lost, and is cancelled"
        case _:
            then = "was lost, and runs again"
    return f"The job {facts['job']} {then}. {facts['reason']}."


def _job_outcome(facts: Mapping[str, Any]) -> tuple[Cell, ...]:
    status, duration = facts["status"], format_duration(facts["seconds"])
    attempt = f"attempt {facts['attempt']} " if facts["attempt"] > 1 or facts["retry_at"] else ""
    if facts["retry_at"]:
        wait = (clock.parse_time(facts["retry_at"]) - clock.now()).total_seconds()
        retry = f"; again in {format_duration(round(max(wait, 0.0), 1))}"
        outcome = cell(f"{attempt}failed", "bold yellow")
    else:
        retry = ""
        outcome = cell(f"{attempt}{status}", STYLES.get(status, "bold red"))
    error = f": {error_summary(facts['error'])}" if facts["error"] else ""
    return outcome, cell(f" in {duration}"), cell(error, "red"), cell(retry, "yellow")
