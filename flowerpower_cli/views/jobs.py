"""How jobs look: a line, facts, errors, and jobs as JSON; lists are in job_list.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowerpower.jobs.job import ENDED, Job, JobStatus
from flowerpower.text import mask_values, shortened
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.tables import (
    Block,
    Cell,
    Line,
    cell,
    line,
    section_title,
    text_lines,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from flowerpower.jobs.schedule import Schedule
    from flowerpower.pipeline.waiting import WaitsFor

STYLES: dict[str, str] = {
    JobStatus.WAITING: "dim cyan",
    JobStatus.SCHEDULED: "cyan",
    JobStatus.QUEUED: "blue",
    JobStatus.RUNNING: "yellow",
    JobStatus.FINISHED: "green",
    JobStatus.FAILED: "bold red",
    JobStatus.CANCELLED: "magenta",
}
NODE_STYLES: dict[str, str] = {
    JobStatus.WAITING: "dim cyan",
    "finished": "green",
    "failed": "bold red",
    "running": "yellow",
    "skipped": "dim",
    "interrupted": "magenta",
}
MAX_VALUE = 200
"""Characters of a value or an error in a table."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def record_data(record: Job | Schedule) -> dict[str, Any]:
    """A job or a schedule as JSON; inputs whose names are those of secrets are masked."""
    body = record.to_json()
    del body["created"]
    return body | {"overrides": mask_values(body["overrides"], named=True)}


def short_id(job_id: str) -> str:
    """The first digits of a generated id, or an id that a user chose; `find_job` takes both."""
    return job_id[:8] if _UUID.fullmatch(job_id) else job_id


def added_view(*jobs: Job) -> Iterator[Block]:
    """Jobs that were added, or existed already."""
    for job in jobs:
        status = cell(f"  {job.status}", STYLES[job.status])
        yield Line((cell(job.id, "bold"), cell(f"  {job.pipeline}"), status))


def cancelled_view(jobs: list[Job]) -> Iterator[Block]:
    """Jobs after a cancel; a running one takes a moment to end."""
    for job in jobs:
        status = job.status if job.status in ENDED else "is being ended"
        yield Line((cell(job.id, "bold"), cell(f"  {status}", STYLES[job.status])))


def due_message(due: datetime, timezone: str) -> str:
    """When a job is due, in a zone and from now."""
    seconds = (due - clock.now()).total_seconds()
    when = f"{local_time(due, clock.timezone(timezone))} ({timezone})"
    if seconds < -1:
        return f"{when} is in the past: the job is due at once."
    return f"Due at {when}, in {format_duration(round(max(seconds, 0.0)))}."


def local_time(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as clocks in `zone` show it."""
    return moment.astimezone(zone).strftime("%a %Y-%m-%d %H:%M:%S %Z")


def short_time(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A moment as clocks in `zone` show it, without the year or day if it is that of `now`."""
    time, today = moment.astimezone(zone), now.astimezone(zone).date()
    if time.year != today.year:
        return time.strftime("%Y-%m-%d %H:%M:%S")
    return time.strftime("%H:%M:%S" if time.date() == today else "%b %d %H:%M:%S")


def own_time(job: Job, now: datetime) -> str:
    """The job's own time: of its last attempt, or how long it runs by now."""
    if job.status is JobStatus.RUNNING and job.started_at is not None:
        return format_duration(round(max((now - job.started_at).total_seconds(), 0.0)))
    return "" if job.seconds is None else format_duration(job.seconds)


def error_summary(error: dict[str, Any] | None) -> str:
    """Node, type and first line of an error; empty if there is none."""
    if not error:
        return ""
    first_line = str(error.get("message") or "").strip().partition("\n")[0]
    details = error.get("details") or []
    if details and first_line.endswith(":"):
        # Without what it announces the line would say nothing.
        first_line = f"{first_line} {'; '.join(map(str, details))}"
    node = f"{error['node']}: " if error.get("node") else ""
    error_type = str(error.get("type") or "error").removeprefix("flowerpower.errors.")
    return shortened(f"{node}{error_type}{f': {first_line}' if first_line else ''}", MAX_VALUE)


def facts_view(facts: Iterable[tuple[str, str]]) -> Iterator[Block]:
    """Facts, one a line, their names aligned."""
    by_name = dict(facts)
    width = max(map(len, by_name))
    for name, value in by_name.items():
        yield Line((cell(f"  {name.ljust(width)}  ", "dim"), cell(value)))


def job_facts(
    job: Job, zone: ZoneInfo, reason: WaitsFor | None = None
) -> Iterator[tuple[str, str]]:
    """Names and values of all that is short to say of a job; `reason` is why it waits."""
    from flowerpower.pipeline.waiting import WaitReason

    yield "queue", job.queue
    if job.priority:
        yield "priority", str(job.priority)
    if job.project_version:
        yield "project version", job.project_version[:12]
    if job.schedule_id:
        yield "schedule", job.schedule_id
    if job.scheduled_for:
        yield "scheduled for", local_time(job.scheduled_for, zone)
    yield "created", local_time(job.created_at, zone)
    if job.status is JobStatus.WAITING:
        if job.run_at > job.created_at:
            yield "not before", local_time(job.run_at, zone)
    elif not job.blocked and (_is_to_come(job) or job.run_at > job.created_at):
        yield "due", local_time(job.run_at, zone)
    if reason is not None and reason.reason is not WaitReason.TIME:
        yield "waits", reason.message.removeprefix("waits").lstrip(", ")
    if job.expires is not None:
        start_by = f": {local_time(job.start_by, zone)}" if job.start_by else ""
        yield "expires", f"{format_duration(job.expires)} after it is due{start_by}"
    if job.started_at:
        yield "started", local_time(job.started_at, zone)
    if job.ended_at:
        yield "ended", local_time(job.ended_at, zone)
    if duration := own_time(job, clock.now()):
        yield "runs for" if job.status is JobStatus.RUNNING else "took", duration
    if job.started_at:
        # Not the job's own time: for a worker, and until a process had started.
        waited = (job.started_at - max(job.run_at, job.created_at)).total_seconds()
        yield "waited", format_duration(max(waited, 0.0))
    if job.attempt:
        left = f", {job.attempts_left} more left" if job.attempts_left else ""
        yield "attempt", f"{job.attempt}{left}"
    if job.worker_losses:
        yield "worker losses", f"{job.worker_losses} (workers that died with it)"
    if job.worker:
        yield "worker", job.worker
    if job.cancel_requested and job.status not in ENDED:
        yield "cancel", "requested"
    if job.result_expires_at and job.status is JobStatus.FINISHED:
        yield "result kept until", local_time(job.result_expires_at, zone)


def _is_to_come(job: Job) -> bool:
    return job.status in (JobStatus.SCHEDULED, JobStatus.QUEUED)


def overrides_view(overrides: dict[str, Any]) -> Iterator[Block]:
    """What the caller or the schedule changed of the pipeline's `run` section."""
    if overrides:
        yield section_title("Overrides")
    for name, value in overrides.items():
        text = shortened(json.dumps(value, ensure_ascii=False), MAX_VALUE)
        if name == "declared":
            text = f"the run of {value or 'the schedule'} in the pipeline's YAML"
        yield Line((cell(f"  {name}  ", "dim"), cell(text)))


def error_view(error: Mapping[str, Any] | None, title: str) -> Iterator[Block]:
    """The whole error of an attempt: traceback or message, where it came from, and its hint."""
    if not error:
        return
    yield section_title(title)
    yield from text_lines(str(error.get("traceback") or "").rstrip(), "dim")
    if not error.get("traceback"):
        yield from text_lines(f"{error.get('type')}: {error.get('message')}", "red")
    node = f"node {error['node']}" if error.get("node") else ""
    file = f"{error['file']}, line {error.get('line')}" if error.get("file") else ""
    if node or file:
        yield line("in " + ", ".join(filter(None, (node, file))), "red")
    for detail in error.get("details") or []:
        yield line(f"  {detail}")
    if error.get("hint"):
        yield Line((Cell("Hint: ", "bold cyan"), cell(error["hint"])))
