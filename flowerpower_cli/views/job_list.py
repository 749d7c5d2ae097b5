"""How lists of jobs look, and what each of them waits for."""

from __future__ import annotations

from collections.abc import Iterator

from flowerpower.jobs.job import Job, JobStatus
from flowerpower.pipeline.waiting import QueueView, WaitReason, WaitsFor, waits_for
from flowerpower.triggers import clock
from flowerpower_cli.views.jobs import STYLES, error_summary, own_time, short_id, short_time
from flowerpower_cli.views.tables import Block, cell, table


def jobs_view(
    jobs: list[Job], timezone: str, view: QueueView | None = None, *, short: bool
) -> Iterator[Block]:
    """A table of jobs, without columns that would say nothing; `short` shortens the ids.

    With a `view` of their queue it says of queued jobs which limits keep them waiting, too.
    """
    if not jobs:
        return
    zone, now = clock.timezone(timezone), clock.now()
    view = view or QueueView(now)
    columns = {
        "id": [cell(short_id(job.id) if short else job.id, "bold") for job in jobs],
        "pipeline": [cell(job.pipeline) for job in jobs],
        "status": [cell(job.status, STYLES[job.status]) for job in jobs],
        "created": [cell(short_time(job.created_at, now, zone), "dim") for job in jobs],
        "took>": [cell(own_time(job, now)) for job in jobs],
    }
    if any(job.queue != jobs[0].queue for job in jobs):
        columns["queue"] = [cell(job.queue) for job in jobs]
    if any(job.priority for job in jobs):
        columns["priority>"] = [cell(job.priority) for job in jobs]
    if any(job.attempt > 1 for job in jobs):
        columns["attempt>"] = [cell(job.attempt or "") for job in jobs]
    notes = [job_note(job, view) for job in jobs]
    if any(notes):
        columns["note…"] = [cell(note, "dim") for note in notes]
    yield table(columns, optional=("created", "queue", "priority", "attempt"))


def job_note(job: Job, view: QueueView) -> str:
    """What there is to say of a job in a list: why it waits, how far it is, its error."""
    error = error_summary(job.error)
    if job.status is JobStatus.RUNNING:
        if job.cancel_requested:
            return "is being cancelled"
        progress = job.progress or {}
        if progress.get("total"):
            return f"{progress.get('done')}/{progress['total']} {progress.get('current') or ''}"
        return ""
    waits = waiting_note(waits_for(job, view))
    return ": ".join(filter(None, [waits, error]))


def waiting_note(reason: WaitsFor | None) -> str:
    """Why a job waits, for a list; empty if it waits only for its turn, as most do."""
    return "" if reason is None or reason.reason is WaitReason.QUEUE else reason.message
