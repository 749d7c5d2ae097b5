"""The first page, and that of the workers: the status of the project."""

from __future__ import annotations

from flowerpower.jobs.job import JobStatus
from flowerpower_cli.web.rendering import Page
from flowerpower_cli.web.site import Query, Reading


def overview(reading: Reading, _name: str, _query: Query) -> Page:
    """What happens now, what has failed, what comes next, and what is wrong."""
    status = reading.status
    totals = {state: sum(queue.counts[state] for queue in status.queues) for state in JobStatus}
    return Page(
        "overview.html",
        "Overview",
        "overview",
        {
            "status": status,
            "totals": totals,
            "alive": status.alive,
            "paused": sum(queue.paused_at is not None for queue in status.queues),
        },
    )


def workers(reading: Reading, _name: str, _query: Query) -> Page:
    """The workers, and the jobs that they run."""
    return Page("workers.html", "Workers", "workers", {"status": reading.status})
