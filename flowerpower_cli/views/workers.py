"""How workers look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.jobs import short_time
from flowerpower_cli.views.tables import Block, Cell, cell, table

if TYPE_CHECKING:
    from flowerpower.jobs.claim import WorkerInfo


def workers_view(workers: list[WorkerInfo], timezone: str) -> Iterator[Block]:
    """A table of workers and what they do."""
    if not workers:
        return
    zone, now = clock.timezone(timezone), clock.now()
    silences = [worker.seconds_silent(now) for worker in workers]
    yield table(
        {
            "worker": [cell(worker.id, "bold") for worker in workers],
            "queues": [cell(", ".join(worker.queues)) for worker in workers],
            "running>": [_running(worker) for worker in workers],
            "started": [
                cell(short_time(worker.started_at, now, zone), "dim") for worker in workers
            ],
            "last sign of life": [
                cell(
                    f"{format_duration(round(seconds))} ago",
                    "green" if worker.is_alive(now) else "bold red",
                )
                for worker, seconds in zip(workers, silences, strict=True)
            ],
        },
        optional=("started",),
    )


def _running(worker: WorkerInfo) -> Cell:
    text = f"{len(worker.running)} of {worker.slots}"
    return cell(f"{text}, suspended", "yellow") if worker.suspended else cell(text)
