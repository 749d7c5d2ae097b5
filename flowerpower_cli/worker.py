"""`flowerpower job-queue start-worker` and `workers`.

The jobs that a worker has done are its result and go to stdout; what it says of itself is for
people and goes to stderr. With --json every event is a line of JSON on stdout.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower import clock
from flowerpower.clock import format_duration
from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower.safe_text import mask, mask_values
from flowerpower_cli.frame import Frame, command
from flowerpower_cli.options import InQueue, whole_number
from flowerpower_cli.output import write_line
from flowerpower_cli.shapes import Cell, Line, cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowerpower.job_queue.base import WorkerEvent


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this room into `app`."""
    command(
        app,
        "start-worker",
        example="flowerpower job-queue start-worker --num-workers 4",
        options=InQueue,
    )(start_worker)
    command(app, "workers", example="flowerpower job-queue workers --json", options=InQueue)(
        workers
    )


def start_worker(
    frame: Frame,
    num_workers: Annotated[
        int | None,
        typer.Option(
            "--num-workers",
            "-n",
            parser=whole_number,
            metavar="N",
            help="Jobs at once; by default as conf/project.yml says.",
        ),
    ] = None,
    queues: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUEUE[,QUEUE]", help="Take jobs from these; by default from all. Repeatable."
        ),
    ] = None,
    burst: Annotated[bool, typer.Option("--burst", help="End when no job is due.")] = False,
    max_jobs: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="End after so many jobs."),
    ] = None,
    jobs_per_child: Annotated[
        int,
        typer.Option(
            parser=whole_number,
            metavar="N",
            help="Jobs that one process does before it is replaced.",
        ),
    ] = 1,
) -> None:
    """Start a worker: it takes jobs from the queue and runs each in a process of its own.

    Ctrl-C or SIGTERM lets running jobs finish; a second one puts them back at once.
    """
    job_queue = frame.job_queue
    named = [name for text in queues or [] for name in text.split(",") if name]
    if queues and not named:
        raise UsageError("--queues names no queue.")
    told = _Told(frame, job_queue.backend.check())
    job_queue.run_worker(
        num_workers=num_workers,
        queues=named or None,
        burst=burst,
        max_jobs=max_jobs,
        jobs_per_child=jobs_per_child,
        on_event=told.tell,
    )


def workers(frame: Frame) -> None:
    """List the workers that live, and what they do."""
    from flowerpower_cli.job_views import workers_view

    found = frame.job_queue.backend.list_workers()
    frame.output.result(
        [each.to_json() for each in found],
        lambda: workers_view(found, frame.manager.project.timezone),
        [each.id for each in found],
    )
    if not found:
        frame.output.message(
            "No worker is running; start one with `flowerpower job-queue start-worker`."
        )


class _Told:
    """Prints a worker's events as they come.

    A reader of stdout that has gone stops the worker as a first signal does; a stdout that takes
    nothing for another reason is told once, and the worker goes on.
    """

    def __init__(self, frame: Frame, backend: Mapping[str, Any]) -> None:
        self._frame = frame
        self._output = frame.output
        self._zone = clock.timezone(frame.manager.project.timezone)
        self._backend = backend
        self._counts: Counter[str] = Counter()
        self._is_writable = True

    def tell(self, event: WorkerEvent) -> None:
        facts: dict[str, Any] = {**event.facts}
        if event.kind == "start":
            facts["backend"] = dict(self._backend)
        if event.kind == "job":
            self._counts[str(facts["status"])] += 1
            self._frame.learn_secrets(str(facts["pipeline"]))
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

    def _write(self, kind: str, facts: dict[str, Any]) -> None:
        if self._output.json:
            body = {"time": clock.format_time(clock.now()), "event": kind, **facts}
            write_line(sys.stdout, json.dumps(mask_values(body)))
        elif kind == "job":
            self._write_job(facts)
        elif not self._output.quiet:
            stamp = cell(f"{self._stamp()}  ", "dim")
            self._output.show(sys.stderr, [Line((stamp, *self._sentence(kind, facts)))])

    def _stamp(self) -> str:
        return clock.now().astimezone(self._zone).strftime("%H:%M:%S")

    def _write_job(self, facts: Mapping[str, Any]) -> None:
        if self._output.quiet:
            write_line(sys.stdout, str(facts["job"]))
            return
        from flowerpower_cli.job_views import short_id

        job = short_id(facts["job"]) if sys.stdout.isatty() else facts["job"]
        head = (
            cell(f"{self._stamp()}  ", "dim"),
            cell(job, "bold"),
            cell(f"  {facts['pipeline']}  "),
        )
        self._output.show(sys.stdout, [Line((*head, *_outcome(facts)))])

    def _sentence(self, kind: str, facts: Mapping[str, Any]) -> tuple[Cell, ...]:
        if kind == "start":
            queues, slots = ", ".join(facts["queues"]), facts["slots"]
            takes = cell(f" takes jobs from {queues}, {slots} at once.")
            where = Cell(f"\n{' ' * 10}{mask(self._backend['url'])}", "dim")
            return cell("Worker ", "bold"), cell(facts["id"], "bold green"), takes, where
        if kind == "stopping":
            running = len(facts["running"])
            if not running:
                return (cell("Stopping.", "yellow"),)
            return (
                cell(
                    f"Stopping: finishing {_jobs(running, 'running ')}; again to stop "
                    f"{'it' if running == 1 else 'them'} at once.",
                    "yellow",
                ),
            )
        if kind == "forced":
            return (cell(f"Stopping at once; {_jobs(len(facts['running']))} put back.", "yellow"),)
        if kind == "stop":
            counts = ", ".join(f"{count} {_STATUS_WORDS.get(status, status)}"
                               for status, count in self._counts.items())  # fmt: skip
            return cell("Stopped", "bold"), cell(f" after {counts}." if counts else ".")
        if kind == "buried":
            back = f"; {_jobs(facts['jobs'])} put back" if facts["jobs"] else ""
            return (cell(f"The worker {facts['worker']} has died{back}.", "yellow"),)
        return (cell(_WARNINGS[kind].format_map(facts) if kind in _WARNINGS else kind, "yellow"),)


_WARNINGS = {
    "lost": "The job {job} was given up: {reason}.",
    "unreachable": "{reason} Jobs run on; trying again.",
    "trouble": "{reason}",
    "reachable": "The backend answers again, after {after_seconds} s.",
}
_STATUS_WORDS = {"scheduled": "to be tried again"}


def _jobs(count: int, kind: str = "") -> str:
    return f"{count} {kind}job{'' if count == 1 else 's'}"


def _outcome(facts: Mapping[str, Any]) -> tuple[Cell, ...]:
    from flowerpower_cli.job_views import STYLES, error_text

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
