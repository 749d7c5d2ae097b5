"""How a single job looks: all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flowerpower.jobs.chain import NOT_MET, AfterCondition, is_due
from flowerpower.jobs.claim import EXPIRED
from flowerpower.jobs.job import ENDED, Job, JobStatus
from flowerpower.pipeline.waiting import QueueView, WaitsFor
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.job_list import job_note
from flowerpower_cli.views.jobs import (
    NODE_STYLES,
    STYLES,
    added_view,
    error_summary,
    error_view,
    facts_view,
    job_facts,
    local_time,
    overrides_view,
    record_data,
)
from flowerpower_cli.views.tables import Block, cell, line, section_title, table

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_CONDITIONS: Mapping[str, str] = {
    AfterCondition.SUCCESS: "finished",
    AfterCondition.FAILURE: "failed",
    AfterCondition.END: "ended, in whatever way",
}
_WHY_CANCELLED = {NOT_MET, EXPIRED, "replaced"}
"""Codes of the errors that say why a job was cancelled."""


def job_view(
    job: Job, timezone: str, reason: WaitsFor | None = None, children: Sequence[Job] = ()
) -> Iterator[Block]:
    """All that is known of one job: why it waits, and its children, as they were read."""
    from flowerpower_cli.views.pipelines import outputs_view, run_messages

    zone = clock.timezone(timezone)
    yield from added_view(job)
    yield from facts_view(job_facts(job, zone, reason))
    yield from overrides_view(record_data(job)["overrides"])
    yield from _chain_view(job, children)
    yield from _nodes_view(job, zone)
    yield from _attempts_view(job, zone)
    yield from error_view(job.error, error_title(job))
    if job.result_expired_at is not None:
        yield section_title("Result", f"  expired at {local_time(job.result_expired_at, zone)}")
    elif job.result is not None:
        yield section_title("Result")
        yield from outputs_view(job.result.get("outputs") or {})
        for message in run_messages({**job.result, "notes": None}):
            yield line(message)


def job_data(job: Job, reason: WaitsFor | None, children: Sequence[Job]) -> dict[str, Any]:
    """A job as JSON, with what it waits for, and its children."""
    return record_data(job) | {
        "waits_for": None if reason is None else reason.to_json(),
        "children": [
            {"id": child.id, "pipeline": child.pipeline, "status": str(child.status)}
            for child in children
        ],
    }


def parents_words(job: Job) -> str:
    """What its parents mean for a job as it is: `it runs once its parent has finished`."""
    condition = job.after_on or AfterCondition.SUCCESS
    noun, has = ("its parent", "has") if len(job.after) == 1 else ("all its parents", "have")
    way = _CONDITIONS[condition]
    if job.status is JobStatus.WAITING:
        return f"it runs once {noun} {has} {way}"
    if job.status is JobStatus.CANCELLED and not job.attempt:
        return f"it was to run once {noun} {has} {way}"
    if not is_due(condition, job.after):
        return "it does not wait for them, because it was retried itself"
    return f"it waited until {noun} had {way}"


def error_title(job: Job) -> str:
    """What the error of a job is: why it failed, or was cancelled, or what its last attempt met."""
    code = (job.error or {}).get("code")
    if job.status is JobStatus.CANCELLED:
        return "Why it was cancelled" if code in _WHY_CANCELLED else "The last attempt's error"
    if job.status in ENDED:
        return "Error"
    return "Why it is cancelled" if job.cancel_requested else "The last attempt's error"


def _chain_view(job: Job, children: Sequence[Job]) -> Iterator[Block]:
    """The jobs that it runs after, and those that run after it."""
    if job.after:
        yield section_title("Parents", f"  {parents_words(job)}")
        ends = job.after.values()
        columns = {
            "job": [cell(parent, "bold") for parent in job.after],
            "end": [cell(end or "not yet", STYLES.get(end or "", "dim")) for end in ends],
        }
        yield table(columns)
    if children:
        view = QueueView()
        yield section_title("Children", "  jobs that run after it")
        columns = {
            "job": [cell(child.id, "bold") for child in children],
            "pipeline": [cell(child.pipeline) for child in children],
            "status": [cell(child.status, STYLES[child.status]) for child in children],
            "note…": [cell(job_note(child, view), "dim") for child in children],
        }
        yield table(columns)


def _nodes_view(job: Job, zone: ZoneInfo) -> Iterator[Block]:
    progress = job.progress or {}
    nodes = progress.get("nodes") or {}
    if not nodes:
        return
    yield section_title("Nodes", f"  {progress.get('done')} of {progress.get('total')}")
    states = [str(node.get("state")) for node in nodes.values()]
    yield table(
        {
            "node": [cell(name, "bold") for name in nodes],
            "state": [
                cell("from cache" if node.get("from_cache") else state, NODE_STYLES.get(state, ""))
                for node, state in zip(nodes.values(), states, strict=True)
            ],
            "started": [
                cell(_clock_time(node.get("started_at"), zone), "dim") for node in nodes.values()
            ],
            "took>": [cell(_seconds(node.get("seconds"))) for node in nodes.values()],
        }
    )


def _attempts_view(job: Job, zone: ZoneInfo) -> Iterator[Block]:
    """The attempts that have ended, if there were others than the last one."""
    ended = {attempt["attempt"]: attempt for attempt in job.attempts}
    latest = job.attempt - 1 if job.status is JobStatus.RUNNING else job.attempt
    numbers = range(min(ended, default=latest), latest + 1)
    if job.attempt < 2 or not numbers:
        return
    # One that is not recorded was given back, or its worker died.
    attempts = [ended.get(number, {"status": "interrupted"}) for number in numbers]
    styles: dict[str, str] = STYLES | NODE_STYLES
    yield section_title("Attempts")
    yield table(
        {
            "#>": [cell(number, "bold") for number in numbers],
            "status": [
                cell(attempt["status"], styles.get(str(attempt.get("status")), ""))
                for attempt in attempts
            ],
            "started": [
                cell(_clock_time(attempt.get("started_at"), zone), "dim") for attempt in attempts
            ],
            "took>": [cell(_seconds(attempt.get("seconds"))) for attempt in attempts],
            "error…": [cell(error_summary(attempt.get("error")), "dim") for attempt in attempts],
        }
    )
    if failed := [number for number in numbers if ended.get(number, {}).get("error")]:
        command = f"flowerpower job-queue show-job {job.id} --attempt {failed[-1]}"
        yield line(f"See a whole error: {command}", "dim")


def _seconds(seconds: Any) -> str:
    return format_duration(seconds) if isinstance(seconds, int | float) else ""


def _clock_time(text: Any, zone: ZoneInfo) -> str:
    return clock.parse_time(text).astimezone(zone).strftime("%H:%M:%S.%f")[:-3] if text else ""
