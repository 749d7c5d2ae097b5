"""What people and programs see of jobs: lists, facts, what became of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowerpower.jobs.job import ENDED, Job, JobStatus
from flowerpower.text import mask_values, shortened
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.pipelines import outputs_view, told_lines
from flowerpower_cli.views.tables import Cell, Line, Shape, block, cell, line, table

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from flowerpower.jobs.claim import WorkerInfo

STYLES: dict[str, str] = {
    JobStatus.SCHEDULED: "cyan",
    JobStatus.QUEUED: "blue",
    JobStatus.RUNNING: "yellow",
    JobStatus.FINISHED: "green",
    JobStatus.FAILED: "bold red",
    JobStatus.CANCELLED: "magenta",
}
NODE_STYLES: dict[str, str] = {
    "finished": "green",
    "failed": "bold red",
    "running": "yellow",
    "skipped": "dim",
}
SHOWN_VALUE = 200
SILENT_AFTER = 10.0
"""Seconds without a beat; others take such a worker for dead."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def job_data(job: Job) -> dict[str, Any]:
    """A job as JSON; inputs that are named like secrets are masked."""
    body = job.to_json()
    del body["created"]
    return body | {"overrides": mask_values(body["overrides"], named=True)}


def listed_data(job: Job) -> dict[str, Any]:
    """A job in a list, which holds no results."""
    body = job_data(job)
    del body["result"]
    return body


def short_id(job_id: str) -> str:
    """The first digits of an id that nobody gave, else the id; `found_job` takes them too."""
    return job_id[:8] if _UUID.fullmatch(job_id) else job_id


def added_view(job: Job) -> Iterator[Shape]:
    """A job that was just added, or was there already."""
    status = cell(f"  {job.status}", STYLES[job.status])
    yield Line((cell(job.id, "bold"), cell(f"  {job.pipeline}"), status))


def cancelled_view(jobs: list[Job]) -> Iterator[Shape]:
    """Jobs that were asked to be cancelled; one that runs takes a moment."""
    for job in jobs:
        told = job.status if job.status in ENDED else "is being ended"
        yield Line((cell(job.id, "bold"), cell(f"  {told}", STYLES[job.status])))


def due_sentence(due: datetime, timezone: str) -> str:
    """When a job is due, in a zone and from now."""
    seconds = (due - clock.now()).total_seconds()
    when = f"{local(due, clock.timezone(timezone))} ({timezone})"
    if seconds < -1:
        return f"{when} is in the past: the job is due at once."
    return f"Due at {when}, in {format_duration(round(max(seconds, 0.0)))}."


def local(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as clocks in `zone` show it."""
    return moment.astimezone(zone).strftime("%a %Y-%m-%d %H:%M:%S %Z")


def jobs_view(jobs: list[Job], timezone: str, *, short: bool) -> Iterator[Shape]:
    """A table of jobs; columns that say nothing are left out, ids may be `short`."""
    if not jobs:
        return
    zone, now = clock.timezone(timezone), clock.now()
    columns = {
        "id": [cell(short_id(job.id) if short else job.id, "bold") for job in jobs],
        "pipeline": [cell(job.pipeline) for job in jobs],
        "status": [cell(job.status, STYLES[job.status]) for job in jobs],
        "created": [cell(short_time(job.created_at, now, zone), "dim") for job in jobs],
        "took>": [cell(_took(job, now)) for job in jobs],
    }
    if any(job.queue != jobs[0].queue for job in jobs):
        columns["queue"] = [cell(job.queue) for job in jobs]
    if any(job.attempt > 1 for job in jobs):
        columns["attempt>"] = [cell(job.attempt or "") for job in jobs]
    notes = [_note(job, now) for job in jobs]
    if any(notes):
        columns["note…"] = [cell(note, "dim") for note in notes]
    listing = table(*columns)
    for row in zip(*columns.values(), strict=True):
        listing.add_row(*row)
    yield listing


def short_time(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A moment as clocks in `zone` show it, without what it has in common with `now`."""
    shown, today = moment.astimezone(zone), now.astimezone(zone).date()
    if shown.year != today.year:
        return shown.strftime("%Y-%m-%d %H:%M:%S")
    return shown.strftime("%H:%M:%S" if shown.date() == today else "%b %d %H:%M:%S")


def _took(job: Job, now: datetime) -> str:
    if job.started_at is None or job.status in (JobStatus.SCHEDULED, JobStatus.QUEUED):
        return ""
    seconds = ((job.ended_at or now) - job.started_at).total_seconds()
    return format_duration(max(seconds, 0.0))


def _note(job: Job, now: datetime) -> str:
    told = error_text(job.error)
    if job.status is JobStatus.SCHEDULED:
        due = f"due in {format_duration(round(max((job.run_at - now).total_seconds(), 0.0)))}"
        return f"{due}: {told}" if told else due
    if job.status is JobStatus.RUNNING:
        if job.cancel_requested:
            return "is being cancelled"
        progress = job.progress or {}
        if progress.get("total"):
            return f"{progress.get('done')}/{progress['total']} {progress.get('current') or ''}"
        return ""
    return told


def error_text(error: dict[str, Any] | None) -> str:
    """Node, type and first line of an error; empty without one."""
    if not error:
        return ""
    first = str(error.get("message") or "").strip().partition("\n")[0]
    where = f"{error['node']}: " if error.get("node") else ""
    kind = error.get("type") or "error"
    return shortened(f"{where}{kind}{f': {first}' if first else ''}", SHOWN_VALUE)


def job_view(job: Job, timezone: str) -> Iterator[Shape]:
    """All of one job."""
    zone = clock.timezone(timezone)
    yield Line(
        (
            cell(job.id, "bold"),
            cell(f"  {job.pipeline}  "),
            cell(job.status, STYLES[job.status]),
        )
    )
    yield from facts_view(_facts(job, zone))
    yield from overrides_view(job_data(job)["overrides"])
    yield from _nodes_view(job, zone)
    yield from _error_view(job)
    if job.result_expired_at is not None:
        yield title("Result", f"  expired at {local(job.result_expired_at, zone)}")
    elif job.result is not None:
        yield title("Result")
        yield from outputs_view(job.result.get("outputs") or {})
        for text in told_lines(job.result):
            yield line(text)


def facts_view(facts: Iterable[tuple[str, str]]) -> Iterator[Shape]:
    """Facts by name, one a line."""
    by_name = dict(facts)
    width = max(map(len, by_name))
    for name, value in by_name.items():
        yield Line((cell(f"  {name.ljust(width)}  ", "dim"), cell(value)))


def _facts(job: Job, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    yield "queue", job.queue
    if job.schedule_id:
        yield "schedule", job.schedule_id
    if job.scheduled_for:
        yield "scheduled for", local(job.scheduled_for, zone)
    yield "created", local(job.created_at, zone)
    if job.status in (JobStatus.SCHEDULED, JobStatus.QUEUED) or job.run_at > job.created_at:
        yield "due", local(job.run_at, zone)
    if job.started_at:
        yield "started", local(job.started_at, zone)
    if job.ended_at:
        yield "ended", local(job.ended_at, zone)
    if took := _took(job, clock.now()):
        yield "took", took
    if job.attempt:
        left = f", {job.attempts_left} more left" if job.attempts_left else ""
        yield "attempt", f"{job.attempt}{left}"
    if job.worker_losses:
        yield "worker losses", f"{job.worker_losses} (workers that died with it)"
    if job.worker:
        yield "worker", job.worker
    if job.cancel_requested and job.status not in ENDED:
        yield "cancel", "asked for"
    if job.result_expires_at and job.status is JobStatus.FINISHED:
        yield "result kept until", local(job.result_expires_at, zone)


def overrides_view(overrides: dict[str, Any]) -> Iterator[Shape]:
    """What a job's caller, or a schedule, changes of the pipeline's run."""
    if overrides:
        yield title("Overrides")
    for name, value in overrides.items():
        text = shortened(json.dumps(value, ensure_ascii=False), SHOWN_VALUE)
        if name == "declared":
            text = f"the run of {value or 'the schedule'} in the pipeline's YAML"
        yield Line((cell(f"  {name}  ", "dim"), cell(text)))


def _nodes_view(job: Job, zone: ZoneInfo) -> Iterator[Shape]:
    progress = job.progress or {}
    nodes = progress.get("nodes") or {}
    if not nodes:
        return
    yield title("Nodes", f"  {progress.get('done')} of {progress.get('total')}")
    listing = table("node", "state", "started", "took>")
    for name, node in nodes.items():
        state, seconds = str(node.get("state")), node.get("seconds")
        listing.add_row(
            cell(name, "bold"),
            cell("from cache" if node.get("from_cache") else state, NODE_STYLES.get(state, "")),
            cell(_clock_time(node.get("started_at"), zone), "dim"),
            cell("" if seconds is None else format_duration(seconds)),
        )
    yield listing


def _clock_time(text: Any, zone: ZoneInfo) -> str:
    return clock.parse_time(text).astimezone(zone).strftime("%H:%M:%S.%f")[:-3] if text else ""


def _error_view(job: Job) -> Iterator[Shape]:
    error = job.error
    if not error:
        return
    yield title("Error" if job.status in ENDED else "The last attempt's error")
    yield from block(str(error.get("traceback") or "").rstrip(), "dim")
    if not error.get("traceback"):
        yield from block(f"{error.get('type')}: {error.get('message')}", "red")
    place = f"{error['file']}, line {error.get('line')}" if error.get("file") else ""
    node = f"node {error['node']}" if error.get("node") else ""
    if place or node:
        yield line("in " + ", ".join(each for each in (node, place) if each), "red")
    for detail in error.get("details") or []:
        yield line(f"  {detail}")
    if error.get("hint"):
        yield Line((Cell("Hint: ", "bold cyan"), cell(error["hint"])))


def title(text: str, rest: str = "") -> Shape:
    """The head of a part of a view."""
    return Line((cell(text, "bold"), cell(rest, "dim")), True)


def workers_view(workers: list[WorkerInfo], timezone: str) -> Iterator[Shape]:
    """A table of workers and what they do."""
    if not workers:
        return
    zone, now = clock.timezone(timezone), clock.now()
    listing = table("worker", "queues", "running>", "started", "last sign of life")
    for each in workers:
        silent = (now - (each.beat_at or each.started_at)).total_seconds()
        listing.add_row(
            cell(each.id, "bold"),
            cell(", ".join(each.queues)),
            cell(f"{len(each.running)} of {each.slots}"),
            cell(short_time(each.started_at, now, zone), "dim"),
            cell(
                f"{format_duration(round(max(silent, 0.0)))} ago",
                "bold red" if silent > SILENT_AFTER else "green",
            ),
        )
    yield listing
