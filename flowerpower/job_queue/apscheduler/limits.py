"""Claims under limits in a SQL database: what has room, and what is parked; see `jobs.limits`.

A claim holds one lock of its namespace meanwhile, so of two claims at once the second counts what
the first has started. It looks at the queued jobs in their order, merged with the parked ones,
and parks the jobs that it meets and that have no room.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.database import Transaction, in_list
from flowerpower.job_queue.records import Row
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.limits import Limits, LimitUse, Room

PARKED_AT_ONCE = 1000
"""Jobs that one step parks at most, or queues again; the next step goes on behind them."""
_MORE = 5
"""Jobs that a claim reads beyond those that it may take: few, as most claims need no more."""


@dataclass(frozen=True)
class _Used:
    """What is used of the limits: running jobs by pipeline, and the starts that count by rate.

    Starts are times in seconds, the first one first.
    """

    running: Mapping[str, int]
    starts: Mapping[str, Sequence[float]]

    def room(self, limits: Limits) -> Room:
        """What is left of the limits."""
        return Room(limits, self.running, {name: len(at) for name, at in self.starts.items()})


def claim_with_room(
    tx: Transaction,
    worker: str,
    count: int,
    queues: Sequence[str],
    limits: Limits,
    parked: Sequence[str],
) -> list[Claim]:
    """Claim up to `count` jobs for which the limits have room, from the queues in their order.

    `parked` are the pipelines that have parked jobs.
    """
    room = _used(tx, limits).room(limits)
    chosen: list[Row] = []
    full: list[str] = []
    for queue in queues:
        streams = [_queued(tx, queue, count), *_parked(tx, queue, count, parked, room)]
        for row in heapq.merge(*streams, key=records.order_of):
            if room.take(row["pipeline"]):
                chosen.append(row)
            elif not row["parked"]:
                full.append(row["id"])
            if len(chosen) == count or len(full) == PARKED_AT_ONCE:
                break
        if len(chosen) == count or len(full) == PARKED_AT_ONCE:
            break
    if full:
        text, names = in_list("id", full)
        tx.run("park", {"ids": text}, **names)
    return _claim(tx, worker, chosen, queues, limits) if chosen else []


def _used(tx: Transaction, limits: Limits) -> _Used:
    running = {row["pipeline"]: int(row["count"]) for row in tx.rows("running_by_pipeline")}
    starts = {}
    for name, limit in limits.rates():
        rows = tx.rows("starts", name=name, after=tx.now - limit.seconds)
        starts[name] = [float(row["started_at"]) for row in rows]
    return _Used(running, starts)


def _queued(tx: Transaction, queue: str, count: int) -> Iterator[Row]:
    """The queued jobs that are not parked, in their order, as far as one claim looks."""
    rows = tx.rows("queued_in_order", queue=queue, count=count + _MORE, skipped=0)
    yield from rows
    if len(rows) == count + _MORE:
        more = {"count": PARKED_AT_ONCE, "skipped": len(rows)}
        yield from tx.rows("queued_in_order", queue=queue, **more)


def _parked(
    tx: Transaction, queue: str, count: int, pipelines: Sequence[str], room: Room
) -> list[list[Row]]:
    """The parked jobs of each of the pipelines, in their order, as far as one claim needs them."""
    # Of a pipeline without room the first one: it may have to reserve places.
    many = [{"queue": queue, "pipeline": pipeline, "count": count if room.is_open(pipeline) else 1}
            for pipeline in pipelines]  # fmt: skip
    return tx.rows_of_many("parked_in_order", many)


def _claim(
    tx: Transaction, worker: str, chosen: Sequence[Row], queues: Sequence[str], limits: Limits
) -> list[Claim]:
    text, names = in_list("id", [row["id"] for row in chosen])
    rows = tx.rows("claim_chosen", {"ids": text}, worker=worker, **names)
    # RETURNING has no order of its own.
    rows.sort(key=lambda row: (queues.index(row["queue"]), records.order_of(row)))
    rates = dict(limits.rates())
    starts = [
        {"name": name, "id": row["id"]}
        for row in rows
        for name in limits.of_pipeline.get(row["pipeline"], ())
        if name in rates
    ]
    tx.run_many("add_start", starts)
    for name in sorted({start["name"] for start in starts}):
        tx.run("delete_starts", name=name, before=tx.now - rates[name].seconds)
    return [records.claim_of(row, worker) for row in rows]


def unpark_free(tx: Transaction, queues: Sequence[str], limits: Limits) -> list[str]:
    """Queue parked jobs of pipelines without limits again; the pipelines that have parked jobs."""
    pipelines = [str(row["name"]) for row in tx.rows("parked_pipelines")]
    free = [name for name in pipelines if not limits.of_pipeline.get(name)]
    for pipeline in free:
        for queue in queues:
            tx.run("unpark", pipeline=pipeline, queue=queue, count=PARKED_AT_ONCE)
    return [name for name in pipelines if name not in free]


def parked_due_in(tx: Transaction, queues: Sequence[str], limits: Limits) -> float | None:
    """Seconds until a parked job can start; None if that depends on others that must end first."""
    pipelines = [str(row["name"]) for row in tx.rows("parked_pipelines")]
    if not pipelines:
        return None
    use = _used(tx, limits)
    room = use.room(limits)
    waits: list[float] = []
    for queue in queues:
        streams = _parked(tx, queue, 1, pipelines, room)
        for row in heapq.merge(*streams, key=records.order_of):
            if room.take(row["pipeline"]):
                return 0.0
            if (wait := _rate_wait(use, limits, row["pipeline"], tx.now)) is not None:
                waits.append(wait)
    return min(waits, default=None)


def _rate_wait(use: _Used, limits: Limits, pipeline: str, now: float) -> float | None:
    """Seconds until the rates of a pipeline have room; None if it waits for places."""
    names = limits.of_pipeline.get(pipeline, ())
    # As if no start counted: whether there are places.
    if not Room(limits, use.running, {}).is_open(pipeline):
        return None
    waits = [next_start_in(use.starts[name], limit.starts or 0, limit.seconds, now)
             for name, limit in limits.rates() if name in names]  # fmt: skip
    # Without a wait it is a reservation of others that keeps it back.
    return max(waits, default=0.0) or None


def next_start_in(starts: Sequence[float], most: int, seconds: float, now: float) -> float:
    """Seconds until one more start is allowed, of at most `most` in any so many seconds."""
    if len(starts) < most:
        return 0.0
    return max(0.0, starts[len(starts) - most] + seconds - now)


def limit_use(tx: Transaction, limits: Limits) -> dict[str, LimitUse]:
    """As `JobQueueBackend.limit_use`."""
    starts = _used(tx, limits).starts
    running = tx.rows("running_jobs")
    parked = {row["pipeline"]: int(row["count"]) for row in tx.rows("count_parked")}
    uses = {}
    for name, limit in limits.by_name.items():
        pipelines = limits.pipelines_of(name)
        counted = starts.get(name, ())
        wait = 0.0
        if limit.starts is not None:
            wait = next_start_in(counted, limit.starts, limit.seconds, tx.now)
        uses[name] = LimitUse(
            tuple(str(row["id"]) for row in running if row["pipeline"] in pipelines),
            len(counted),
            wait,
            sum(parked.get(pipeline, 0) for pipeline in pipelines),
        )
    return uses
