"""How one attempt of a job looks: its worker and times, and its whole error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowerpower.errors import InvalidTime
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.jobs import NODE_STYLES, STYLES, error_view, facts_view, local_time
from flowerpower_cli.views.tables import Block, Line, cell, line

NOT_RECORDED = (
    "Nothing else is known of it: its worker died or gave it back, or it is too long ago."
)


def attempt_data(job: Job, number: int) -> dict[str, Any]:
    """What the job's record keeps of an attempt, as JSON; `id` is the job's.

    One that did not end is running, or interrupted: its worker died, or gave it back.
    """
    for attempt in job.attempts:
        if attempt["attempt"] == number:
            return {"id": job.id, **attempt}
    is_running = job.status is JobStatus.RUNNING and number == job.attempt
    state = "running" if is_running else "interrupted"
    started_at = job.started_at if is_running else None
    return {
        "id": job.id,
        "attempt": number,
        "worker": job.worker if is_running else None,
        "status": state,
        "started_at": None if started_at is None else clock.format_time(started_at),
        "ended_at": None,
        "seconds": None,
        "error": None,
    }


def attempt_view(attempt: Mapping[str, Any], timezone: str) -> Iterator[Block]:
    """All that is known of one attempt (`attempt_data`)."""
    styles: dict[str, str] = STYLES | NODE_STYLES
    status = str(attempt.get("status"))
    number = cell(f"  attempt {attempt['attempt']}")
    yield Line((cell(attempt["id"], "bold"), number, cell(f"  {status}", styles.get(status, ""))))
    shown = [("worker", attempt["worker"])] if attempt.get("worker") else []
    times = {"started": attempt.get("started_at"), "ended": attempt.get("ended_at")}
    shown += [(name, _text(time, timezone)) for name, time in times.items() if time]
    if isinstance(seconds := attempt.get("seconds"), int | float):
        shown.append(("took", format_duration(seconds)))
    if shown:
        yield from facts_view(shown)
    if status == "interrupted":
        yield line(NOT_RECORDED)
    yield from error_view(attempt.get("error"), "Error")


def _text(value: Any, timezone: str) -> str:
    """A time as the project's clocks show it; of a damaged record the text that is there."""
    try:
        return local_time(clock.parse_time(str(value)), clock.timezone(timezone))
    except InvalidTime:
        return str(value)
