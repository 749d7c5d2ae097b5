"""How workers look."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.jobs import short_time
from flowerpower_cli.views.tables import Block, Cell, cell, table

if TYPE_CHECKING:
    from flowerpower.jobs.claim import WorkerInfo


def workers_view(
    workers: Sequence[WorkerInfo], timezone: str, paused: Collection[str]
) -> Iterator[Block]:
    """A table of workers and what they do; `paused` are the queues that give them no jobs."""
    if workers:
        columns = worker_columns(workers, timezone, paused=paused, now=clock.now())
        yield table(columns, optional=("started",))


def worker_columns(
    workers: Sequence[WorkerInfo], timezone: str, *, paused: Collection[str], now: datetime
) -> dict[str, list[Cell]]:
    """The columns of that table."""
    zone = clock.timezone(timezone)
    silences = [worker.seconds_silent(now) for worker in workers]
    return {
        "worker": [cell(worker.id, "bold") for worker in workers],
        "queues": [_queues(worker, paused) for worker in workers],
        "running>": [_running(worker) for worker in workers],
        "started": [cell(short_time(worker.started_at, now, zone), "dim") for worker in workers],
        "last sign of life": [
            cell(
                f"{format_duration(round(seconds))} ago",
                "green" if worker.is_alive(now) else "bold red",
            )
            for worker, seconds in zip(workers, silences, strict=True)
        ],
    }


def _queues(worker: WorkerInfo, paused: Collection[str]) -> Cell:
    names = [f"{name} (paused)" if name in paused else name for name in worker.queues]
    return cell(", ".join(names), "yellow" if {*worker.queues} & {*paused} else "")


def _running(worker: WorkerInfo) -> Cell:
    text = f"{len(worker.running)} of {worker.slots}"
    return cell(f"{text}, suspended", "yellow") if worker.suspended else cell(text)
