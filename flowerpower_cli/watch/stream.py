"""`job-queue watch` without a terminal: a line for each event, as text or as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flowerpower.errors import BackendUnreachable
from flowerpower.text import mask_values
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.jobs import STYLES, error_summary
from flowerpower_cli.views.output import write_line
from flowerpower_cli.views.schedules import OUTCOMES
from flowerpower_cli.views.tables import Cell, Line, cell, counted
from flowerpower_cli.watch.changes import Happening, Kind
from flowerpower_cli.watch.reader import QueueReader

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from flowerpower_cli.command import CommandContext
    from flowerpower_cli.views.output import Output

_WORKERS = {
    Kind.WORKER_STARTED: "has started",
    Kind.WORKER_GONE: "has gone",
    Kind.WORKER_SILENT: "has sent no heartbeat lately",
    Kind.WORKER_BACK: "sends heartbeats again",
    Kind.WORKER_SUSPENDED: "is suspended (rq suspend)",
    Kind.WORKER_RESUMED: "is resumed (rq resume)",
}


def print_events(context: CommandContext, interval: float, seconds: float | None) -> None:
    """Print what happens, looking every `interval` seconds, for so many `seconds` if not None.

    A backend that is away is said once, and waited for.
    """
    # The first look must work: a wrong URL is an error.
    reader = QueueReader(context.job_queue, with_fires=True)
    project = context.manager.project
    context.output.message(f"Watching the job queue of {project.name}.")
    printer = _Printer(context, clock.timezone(project.timezone))
    end = None if seconds is None else clock.monotonic() + seconds
    while end is None or clock.monotonic() < end:
        pause = interval if end is None else min(interval, end - clock.monotonic())
        time.sleep(max(pause, 0.0))
        printer.print_new(reader)


class _Printer:
    def __init__(self, context: CommandContext, zone: ZoneInfo) -> None:
        self._context = context
        self._output: Output = context.output
        self._zone = zone
        self._away_since: float | None = None

    def print_new(self, reader: QueueReader) -> None:
        """Print what has happened since the last look."""
        try:
            happenings = reader.look()
        except BackendUnreachable as error:
            if self._away_since is None:
                self._away_since = clock.monotonic()
                self._print(Happening(Kind.UNREACHABLE, clock.now(), {"reason": error.message}))
            return
        if self._away_since is not None:
            seconds = round(clock.monotonic() - self._away_since, 1)
            self._away_since = None
            self._print(Happening(Kind.REACHABLE, clock.now(), {"after_seconds": seconds}))
        for happening in happenings:
            self._print(happening)

    def _print(self, happening: Happening) -> None:
        facts = happening.facts
        if "pipeline" in facts:
            # An error may quote a secret of its pipeline.
            self._context.learn_secrets(facts["pipeline"])
        if self._output.json:
            write_line(sys.stdout, json.dumps(mask_values(happening.to_json())))
        elif self._output.quiet:
            if happening.kind is Kind.JOB_ENDED:
                write_line(sys.stdout, facts["job"])
        else:
            stamp = happening.at.astimezone(self._zone).isoformat(timespec="milliseconds")
            line = Line((cell(f"{stamp}  ", "dim"), *happening_cells(happening)))
            self._output.show(sys.stdout, [line])


def happening_cells(happening: Happening) -> tuple[Cell, ...]:
    """An event in words."""
    kind, facts = happening.kind, happening.facts
    if kind is Kind.FIRE:
        return _fire(facts)
    if "job" in facts:
        return cell(facts["job"], "bold"), cell(f"  {facts['pipeline']}  "), *_job(happening)
    if kind in _WORKERS:
        style = "" if kind in (Kind.WORKER_STARTED, Kind.WORKER_BACK) else "yellow"
        more = ""
        if kind is Kind.WORKER_STARTED:
            more = f": takes jobs from {', '.join(facts['queues'])}, {facts['slots']} at once"
        text = f" {_WORKERS[kind]}{more}."
        return cell("The worker "), cell(facts["worker"], "bold"), cell(text, style)
    texts = {
        Kind.QUEUE_PAUSED: "The queue {queue} is paused: it gives no jobs.",
        Kind.QUEUE_RESUMED: "The queue {queue} is no longer paused.",
        Kind.UNREACHABLE: "{reason} Trying again.",
        Kind.REACHABLE: "The backend answers again, after {after_seconds} s.",
    }
    return (cell(texts[kind].format_map(facts), "yellow"),)


def _job(happening: Happening) -> tuple[Cell, ...]:
    kind, facts = happening.kind, happening.facts
    if kind is Kind.JOB_ADDED:
        schedule = f" for the schedule {facts['schedule_id']}" if facts["schedule_id"] else ""
        parents = facts["after"]
        after = f", to run after {', '.join(parents[:3])}" if parents else ""
        after += f" and {len(parents) - 3} more" if len(parents) > 3 else ""
        return (cell(f"added to {facts['queue']}{schedule}{after}", "blue"),)
    attempt = f"attempt {facts['attempt']} " if facts["attempt"] > 1 else ""
    if kind is Kind.JOB_STARTED:
        worker = f" on {facts['worker']}" if facts["worker"] else ""
        return (cell(f"{attempt}started{worker}", STYLES["running"]),)
    if kind is Kind.JOB_REQUEUED:
        reason = "its worker was lost" if facts["lost"] else "its worker gave it back"
        return (cell(f"{attempt}queued again: {reason}", "yellow"),)
    seconds, error = facts["seconds"], error_summary(facts["error"])
    lasted = "" if seconds is None else f" in {format_duration(seconds)}"
    status = facts["status"]
    style = "yellow" if kind is Kind.ATTEMPT_FAILED else STYLES.get(status, "bold red")
    return (
        cell(f"{attempt}{status}", style),
        cell(lasted),
        cell(f": {error}" if error else "", "red"),
        cell(_retry(happening), "yellow"),
    )


def _retry(happening: Happening) -> str:
    retry_at = happening.facts.get("retry_at")
    if not retry_at:
        return ""
    wait = (clock.parse_time(retry_at) - happening.at).total_seconds()
    return f"; again in {format_duration(round(max(wait, 0.0), 1))}"


def _fire(facts: Mapping[str, Any]) -> tuple[Cell, ...]:
    style = OUTCOMES.get(facts["outcome"], "bold red")
    if facts["job"] is None:
        text = f"{counted(facts['count'], 'fire')} {facts['outcome']}"
        return cell(facts["pipeline"], "bold"), cell("  "), cell(text, style)
    return (
        cell(facts["schedule_id"], "bold"),
        cell(f"  fire of {facts['fire_time']}  "),
        cell(facts["outcome"], style),
        cell(f"  {facts['job']}"),
    )
