"""The events of workers and schedulers, printed as they come.

What was done (jobs, fires) is the result and goes to stdout; what a worker or a scheduler says of
itself is for people and goes to stderr. With --json every event is a line of JSON on stdout.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flowerpower.errors import FlowerpowerError
from flowerpower.text import mask, mask_values
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.output import Output, write_line
from flowerpower_cli.views.tables import Cell, Line, cell

if TYPE_CHECKING:
    from flowerpower.config.files import Project
    from flowerpower.job_queue.base import WorkerEvent


class SchedulerEvents:
    """Prints what a scheduler tells.

    A reader of stdout that has gone stops it as a first signal does; a stdout that takes nothing
    for another reason is told once, and it goes on.
    """

    meanwhile = "Trying again."

    def __init__(self, output: Output, project: Project, backend: Mapping[str, Any]) -> None:
        self._output = output
        self._project = project
        self._zone = clock.timezone(project.timezone)
        self._backend = backend
        self._counts: Counter[str] = Counter()
        self._is_writable = True

    def tell(self, event: WorkerEvent) -> None:
        """Print an event."""
        facts: dict[str, Any] = {**event.facts}
        if event.kind == "start":
            facts["backend"] = dict(self._backend)
        self._note(event.kind, facts)
        if not self._is_writable:
            return
        try:
            self._write(event.kind, facts)
        except BrokenPipeError:
            self._is_writable = False
            os.kill(os.getpid(), signal.SIGTERM)
        except FlowerpowerError as error:
            self._is_writable = False
            self._output.warning(error.message)

    def _note(self, kind: str, facts: Mapping[str, Any]) -> None:
        if kind == "fire":
            self._counts[str(facts["outcome"])] += int(facts["count"])

    def _write(self, kind: str, facts: dict[str, Any]) -> None:
        if self._output.json:
            body = {"time": clock.format_time(clock.now()), "event": kind, **facts}
            write_line(sys.stdout, json.dumps(mask_values(body)))
        elif kind in ("job", "fire") and self._output.quiet:
            if done := self._id_of(kind, facts):
                write_line(sys.stdout, done)
        elif kind in ("job", "fire"):
            cells = self._job(facts) if kind == "job" else self._fire(facts)
            self._output.show(sys.stdout, [Line((self._stamp(), *cells))])
        elif not self._output.quiet:
            cells = self._sentence(kind, facts)
            self._output.show(sys.stderr, [Line((self._stamp(), *cells))])

    def _id_of(self, _kind: str, facts: Mapping[str, Any]) -> str | None:
        """What --quiet prints: here the job that a fire made."""
        made: str | None = facts["job_id"]
        return made

    def _stamp(self) -> Cell:
        return cell(f"{clock.now().astimezone(self._zone):%H:%M:%S}  ", "dim")

    def _fire(self, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        from flowerpower_cli.views.schedules import fire_cells

        return fire_cells(facts, self._zone)

    def _job(self, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        from flowerpower_cli.views.jobs import short_id

        job = short_id(facts["job"]) if sys.stdout.isatty() else facts["job"]
        return cell(job, "bold"), cell(f"  {facts['pipeline']}  "), *_outcome(facts)

    def _sentence(self, kind: str, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        if kind == "start":
            where = Cell(f"\n{' ' * 10}{mask(self._backend['url'])}", "dim")
            return *self._introduced(facts), where
        if kind == "stop":
            done = self._done()
            return cell("Stopped", "bold"), cell(f" after {done}." if done else ".")
        if kind == "worker_died":
            back = f"; {jobs(facts['jobs'])} put back" if facts["jobs"] else ""
            return (cell(f"The worker {facts['worker']} has died{back}.", "yellow"),)
        if kind == "unreachable":
            return (cell(f"{facts['reason']} {self.meanwhile}", "yellow"),)
        return (cell(_WARNINGS[kind].format_map(facts) if kind in _WARNINGS else kind, "yellow"),)

    def _done(self) -> str:
        total = self._counts.total()
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self._counts.items())
        return f"{total} fire{'' if total == 1 else 's'}: {counts}" if total else ""

    def _introduced(self, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        does = cell(" fires the schedules of ")
        project = cell(self._project.name, "bold")
        return (
            cell("Scheduler ", "bold"),
            cell(facts["pid"], "bold green"),
            does,
            project,
            cell("."),
        )


class WorkerEvents(SchedulerEvents):
    """Prints what a worker tells; one that `fires` is a scheduler too."""

    meanwhile = "Jobs run on; trying again."

    def __init__(
        self,
        output: Output,
        project: Project,
        backend: Mapping[str, Any],
        *,
        fires: bool,
        learn_secrets: Callable[[str], None],
    ) -> None:
        super().__init__(output, project, backend)
        self._fires = fires
        self._learn_secrets = learn_secrets

    def _note(self, kind: str, facts: Mapping[str, Any]) -> None:
        if kind == "job":
            self._counts[str(facts["status"])] += 1
            self._learn_secrets(str(facts["pipeline"]))

    def _id_of(self, kind: str, facts: Mapping[str, Any]) -> str | None:
        return str(facts["job"]) if kind == "job" else None

    def _done(self) -> str:
        return ", ".join(
            f"{count} {_STATUS_WORDS.get(status, status)}" for status, count in self._counts.items()
        )

    def _introduced(self, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        also = ", and fires schedules" if self._fires else ""
        takes = f" takes jobs from {', '.join(facts['queues'])}, {facts['slots']} at once{also}."
        return cell("Worker ", "bold"), cell(facts["id"], "bold green"), cell(takes)

    def _sentence(self, kind: str, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        if kind == "stopping":
            running = len(facts["running"])
            if not running:
                return (cell("Stopping.", "yellow"),)
            return (
                cell(
                    f"Stopping: finishing {jobs(running, 'running ')}; again to stop "
                    f"{'it' if running == 1 else 'them'} at once.",
                    "yellow",
                ),
            )
        if kind == "forced":
            return (cell(f"Stopping at once; {jobs(len(facts['running']))} put back.", "yellow"),)
        return super()._sentence(kind, facts)


_WARNINGS = {
    "lost": "The job {job} was given up: {reason}.",
    "trouble": "{reason}",
    "reachable": "The backend answers again, after {after_seconds} s.",
}
_STATUS_WORDS = {"scheduled": "to be tried again"}


def jobs(count: int, kind: str = "") -> str:
    """`1 job`, `2 running jobs`."""
    return f"{count} {kind}job{'' if count == 1 else 's'}"


def _outcome(facts: Mapping[str, Any]) -> tuple[Cell, ...]:
    from flowerpower_cli.views.jobs import STYLES, error_text

    status, took = facts["status"], format_duration(facts["seconds"])
    attempt = f"attempt {facts['attempt']} " if facts["attempt"] > 1 or facts["retry_at"] else ""
    if facts["retry_at"]:
        wait = (clock.parse_time(facts["retry_at"]) - clock.now()).total_seconds()
        again = f"; again in {format_duration(round(max(wait, 0.0), 1))}"
        told = cell(f"{attempt}failed", "bold yellow")
    else:
        again = ""
        told = cell(f"{attempt}{status}", STYLES.get(status, "bold red"))
    error = f": {error_text(facts['error'])}" if facts["error"] else ""
    return told, cell(f" in {took}"), cell(error, "red"), cell(again, "yellow")
