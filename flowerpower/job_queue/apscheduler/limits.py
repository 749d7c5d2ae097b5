"""Claims under limits in a SQL database: what has room, and what is parked; see `jobs.limits`.

A claim holds one lock of its namespace meanwhile, so of two claims at once the second counts what
the first has started. It looks at the queued jobs in their order, merged with the parked ones,
and parks the jobs that it meets and that have no room.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.database import Transaction, in_list
from flowerpower.job_queue.apscheduler.schema import queries
from flowerpower.job_queue.records import Row
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.limits import NO_LIMITS, Limits, LimitUse, Room

PARKED_AT_ONCE = 1000
"""Jobs that one step parks at most, or queues again; the next step goes on behind them."""
PARKED_AHEAD = 200
"""Queued jobs that a claim looks at which has to park one, for more of the same: a write that parks
many costs little more, and the next claims need none."""
OLDEST_START = 366 * 86_400.0
"""Seconds: older ones count for no rate, however long its time is."""
_MORE = 1
"""Jobs that a claim reads at first beyond those that it may take: most claims need no more."""


@dataclass(frozen=True)
class _Used:
    """Running jobs by pipeline, starts that count by rate, and pipelines that have parked jobs.

    For a claim also the first jobs of its first queue.
    """

    running: Mapping[str, int]
    starts: Mapping[str, int]
    parked: Sequence[str]
    queued: Sequence[Row]

    def room(self, limits: Limits) -> Room:
        """What is left of the limits."""
        return Room(limits, self.running, self.starts)


def claim_with_room(
    tx: Transaction, worker: str, count: int, queues: Sequence[str], limits: Limits
) -> list[Claim]:
    """Claim up to `count` jobs for which the limits have room, from the queues in their order."""
    used = _used(tx, limits, {"queue": queues[0], "count": count + _MORE})
    free = [name for name in used.parked if not limits.of_pipeline.get(name)]
    _unpark(tx, free, queues)
    room = used.room(limits)
    chosen: list[Row] = []
    full: list[str] = []
    closed: dict[str, set[str]] = {}
    for queue in queues:
        first = used.queued if queue == queues[0] and not free else None
        queued = _queued(tx, queue, count, first)
        parked = _parked(tx, queue, count, used.parked, room)
        for row in heapq.merge(queued, *parked, key=records.order_of) if parked else queued:
            if room.take(row["pipeline"]):
                chosen.append(row)
            elif not row["parked"]:
                full.append(row["id"])
                closed.setdefault(queue, set()).add(row["pipeline"])
            if len(chosen) == count or len(full) == PARKED_AT_ONCE:
                break
        if len(chosen) == count or len(full) == PARKED_AT_ONCE:
            break
    if full:
        _park(tx, full, closed, chosen)
    return _claim(tx, worker, chosen, queues, limits) if chosen else []


def _park(
    tx: Transaction, full: Sequence[str], closed: Mapping[str, set[str]], chosen: Sequence[Row]
) -> None:
    """Park the jobs `full`, and those near them of the pipelines `closed`, which are by queue."""
    ids = dict.fromkeys(full)
    for queue, pipelines in closed.items():
        rows = tx.rows("queued_in_order", queue=queue, count=PARKED_AHEAD, skipped=0)
        ids |= dict.fromkeys(row["id"] for row in rows if row["pipeline"] in pipelines)
    text, names = in_list("id", [*ids.keys() - {row["id"] for row in chosen}])
    tx.run("park", {"ids": text}, **names)


def unpark_all(tx: Transaction, queues: Sequence[str]) -> None:
    """Queue parked jobs again, because nothing limits them any more."""
    _unpark(tx, _used(tx, NO_LIMITS).parked, queues)


def _unpark(tx: Transaction, pipelines: Sequence[str], queues: Sequence[str]) -> None:
    for pipeline in pipelines:
        for queue in queues:
            tx.run("unpark", pipeline=pipeline, queue=queue, count=PARKED_AT_ONCE)


def _used(tx: Transaction, limits: Limits, queued: Mapping[str, Any] | None = None) -> _Used:
    """What is used of the limits; with the parameters `queued` also jobs of that queue."""
    # PostgreSQL knows no empty list.
    pipelines, parameters = in_list("pipeline", ["", *limits.of_pipeline])
    parts, more = _starts(limits, tx.now)
    if queued is not None:
        parts.append(queries()["first_queued"])
    texts = {"pipelines": pipelines, "more": "\n".join(parts)}
    rows: dict[str, list[Row]] = {"running": [], "start": [], "parked": [], "queued": []}
    for row in tx.rows("limit_facts", texts, **parameters, **more, **(queued or {})):
        rows[row["kind"]].append({**row, "parked": 0})
    running, starts = (
        {row["pipeline"]: int(row["priority"]) for row in rows[kind]}
        for kind in ("running", "start")
    )
    return _Used(running, starts, [row["pipeline"] for row in rows["parked"]], rows["queued"])


def _starts(limits: Limits, now: float) -> tuple[list[str], dict[str, Any]]:
    """The parts of `limit_facts` that count the starts of each rate, and their parameters."""
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    for number, (name, limit) in enumerate(limits.rates()):
        parts.append(queries()["count_starts"].replace("{number}", str(number)))
        parameters |= {f"rate{number}": name, f"after{number}": now - limit.seconds}
    return parts, parameters


def _queued(tx: Transaction, queue: str, count: int, first: Sequence[Row] | None) -> Iterator[Row]:
    """The queued jobs that are not parked, in their order, as far as one claim looks.

    `first` are the first of them, if they are known.
    """
    limit = count + _MORE
    rows = (
        tx.rows("queued_in_order", queue=queue, count=limit, skipped=0) if first is None else first
    )
    yield from rows
    if len(rows) == limit:
        more = {"count": PARKED_AT_ONCE, "skipped": len(rows)}
        yield from tx.rows("queued_in_order", queue=queue, **more)


def _parked(
    tx: Transaction, queue: str, count: int, pipelines: Sequence[str], room: Room
) -> list[list[Row]]:
    """The parked jobs of each of the pipelines, in their order, as far as one claim needs them."""
    # Of a pipeline without room the first one, if it has to keep places free.
    many = [{"queue": queue, "pipeline": pipeline, "count": count if room.is_open(pipeline) else 1}
            for pipeline in pipelines
            if room.is_open(pipeline) or room.may_reserve(pipeline)]  # fmt: skip
    return tx.rows_of_many("parked_in_order", many)


def _claim(
    tx: Transaction, worker: str, chosen: Sequence[Row], queues: Sequence[str], limits: Limits
) -> list[Claim]:
    text, names = in_list("id", [row["id"] for row in chosen])
    rows = tx.rows("claim_chosen", {"ids": text}, worker=worker, **names)
    # RETURNING has no order of its own.
    if len(rows) > 1:
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


def parked_due_in(tx: Transaction, queues: Sequence[str], limits: Limits) -> float | None:
    """Seconds until a parked job can start; None if that depends on others that must end first."""
    used = _used(tx, limits)
    room, waits = used.room(limits), []
    for queue in queues:
        many = [{"queue": queue, "pipeline": pipeline, "count": 1} for pipeline in used.parked]
        for row in heapq.merge(*tx.rows_of_many("parked_in_order", many), key=records.order_of):
            if room.take(row["pipeline"]):
                return 0.0
            waits.append(_rate_wait(tx, used, limits, row["pipeline"]))
    return min((wait for wait in waits if wait), default=None)


def _rate_wait(tx: Transaction, used: _Used, limits: Limits, pipeline: str) -> float:
    """Seconds until the rates of a pipeline have room; 0 if it waits for places."""
    # As if no start counted: whether there are places.
    if not Room(limits, used.running, {}).is_open(pipeline):
        return 0.0
    names = limits.of_pipeline.get(pipeline, ())
    return max((_next_start_in(tx, used, limits, name) for name in names), default=0.0)


def _next_start_in(tx: Transaction, used: _Used, limits: Limits, name: str) -> float:
    """Seconds until a limit allows one more start."""
    limit, count = limits.by_name[name], used.starts.get(name, 0)
    if limit.starts is None or count < limit.starts:
        return 0.0
    # Once this one is old enough, one fewer than allowed count.
    first = {"after": tx.now - limit.seconds, "skipped": count - limit.starts}
    rows = tx.rows("start", name=name, **first)
    return max(0.0, rows[0]["started_at"] + limit.seconds - tx.now) if rows else 0.0


def limit_use(tx: Transaction, limits: Limits) -> dict[str, LimitUse]:
    """As `JobQueueBackend.limit_use`."""
    used = _used(tx, limits)
    running = tx.rows("running_jobs")
    parked = {row["pipeline"]: int(row["count"]) for row in tx.rows("count_parked")}
    uses = {}
    for name in limits.by_name:
        pipelines = limits.pipelines_of(name)
        uses[name] = LimitUse(
            tuple(str(row["id"]) for row in running if row["pipeline"] in pipelines),
            used.starts.get(name, 0),
            _next_start_in(tx, used, limits, name),
            sum(parked.get(pipeline, 0) for pipeline in pipelines),
        )
    return uses
