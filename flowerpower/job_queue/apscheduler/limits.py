"""Claims under limits in a SQL database: what has room, and what is parked; see `jobs.limits`.

A claim holds one lock of its namespace meanwhile, so of two claims at once the second counts what
the first has started. It looks at the queued jobs in their order, merged with the parked ones,
and parks the jobs that it meets and that have no room.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.database import Transaction, in_list, queries
from flowerpower.job_queue.records import Row
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.limits import NO_LIMITS, Limits, LimitUse, Room
from flowerpower.triggers import clock

PARKED_AT_ONCE = 1000
"""Jobs that one step parks at most, or queues again; the next step goes on behind them."""
PARKED_AHEAD = 200
"""Queued jobs that a claim looks at which has to park one, for more of the same: a write that parks
many costs little more, and the next claims need none."""
LOOK_EVERY = 1.0
"""Seconds; see FreedPipelines."""
OLDEST_START = 366 * 86_400.0
"""Seconds: older ones count for no rate, however long its time is."""
_MORE = 1
"""Jobs that a claim reads at first beyond those that it may take: most claims need no more."""


class FreedPipelines:
    """When claims look for parked jobs of pipelines that have no limits any more.

    Whenever the limits change, and from time to time: others may have parked some by older limits.
    """

    def __init__(self) -> None:
        self._limits = NO_LIMITS
        self._look_at = 0.0

    def is_due(self, limits: Limits) -> bool:
        """Whether a claim under these limits is to look."""
        if limits == self._limits and clock.monotonic() < self._look_at:
            return False
        self._limits, self._look_at = limits, clock.monotonic() + LOOK_EVERY
        return True


@dataclass(frozen=True)
class LimitFacts:
    """Running jobs by pipeline, starts that count by rate, and pipelines that have parked jobs.

    For a claim whether its worker is known, any scheduled job is due or blocked, and any has waited
    too long; and the pipeline of the job that was the first one of its first queue.
    """

    running: Mapping[str, int]
    starts: Mapping[str, int]
    parked: Sequence[str]
    is_worker_known: bool = False
    has_due: bool = False
    has_blocked: bool = False
    has_expired: bool = False
    first_pipeline: str | None = None

    def room(self, limits: Limits) -> Room:
        """What is left of the limits."""
        return Room(limits, self.running, self.starts)


def claim_with_room(
    tx: Transaction,
    worker: str,
    count: int,
    queues: Sequence[str],
    limits: Limits,
    used: LimitFacts,
) -> list[Claim]:
    """Claim up to `count` jobs for which the limits have room, from the queues in their order."""
    room = used.room(limits)
    closed_now = room.closed(count)
    if closed_now is not None and set(used.parked) <= set(closed_now):
        rows = _claim_others(tx, worker, count, queues, closed_now, used.first_pipeline)
        return _with_starts(tx, worker, rows, limits)
    chosen: list[Row] = []
    full: list[str] = []
    closed: dict[str, set[str]] = {}
    for queue in queues:
        queued = _queued(tx, queue, count)
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


def claim_queued(
    tx: Transaction, worker: str, queue: str, count: int, closed: Sequence[str] = ()
) -> list[Row]:
    """Claim the first queued jobs of a queue but those of the pipelines `closed`; their rows."""
    text, names = in_list("closed", closed)
    others = f"AND pipeline NOT IN ({text})" if closed else ""
    rows = tx.rows("claim", {"others": others}, worker=worker, queue=queue, count=count, **names)
    # RETURNING has no order of its own.
    return sorted(rows, key=records.order_of)


def _claim_others(
    tx: Transaction,
    worker: str,
    count: int,
    queues: Sequence[str],
    closed: Sequence[str],
    first: str | None,
) -> list[Row]:
    """Claim jobs where some pipelines have no room, and the others have more than enough.

    `first` is the pipeline of the first job of the first queue.
    """
    claimed: list[Row] = []
    for queue in queues:
        if len(claimed) == count:
            break
        if queue != queues[0]:
            rows = tx.rows("queued_in_order", queue=queue, count=1, skipped=0)
            first = rows[0]["pipeline"] if rows else None
        if first in closed:
            _park(tx, [], {queue: set(closed)}, [])
        claimed += claim_queued(tx, worker, queue, count - len(claimed), closed)
    return claimed


def _park(
    tx: Transaction, full: Sequence[str], closed: Mapping[str, set[str]], chosen: Sequence[Row]
) -> None:
    """Park the jobs `full`, and those near them of the pipelines `closed`, which are by queue."""
    ids = dict.fromkeys(full)
    for queue, pipelines in closed.items():
        for count in (PARKED_AHEAD, PARKED_AT_ONCE):
            rows = tx.rows("queued_in_order", queue=queue, count=count, skipped=0)
            near = [row["id"] for row in rows if row["pipeline"] in pipelines]
            if len(near) < PARKED_AHEAD:
                break
        ids |= dict.fromkeys(near)
    if parked := [*ids.keys() - {row["id"] for row in chosen}]:
        text, names = in_list("id", parked)
        tx.run("park", {"ids": text}, **names)


def unpark_free(tx: Transaction, queues: Sequence[str], limits: Limits) -> None:
    """Queue the parked jobs again of pipelines that have no limits any more."""
    _unpark(
        tx, [name for name in _parked_pipelines(tx) if not limits.of_pipeline.get(name)], queues
    )


def _parked_pipelines(tx: Transaction) -> list[str]:
    return [str(row["name"]) for row in tx.rows("parked_pipelines")]


def _unpark(tx: Transaction, pipelines: Sequence[str], queues: Sequence[str]) -> None:
    for pipeline in pipelines:
        for queue in queues:
            tx.run("unpark", pipeline=pipeline, queue=queue, count=PARKED_AT_ONCE)


def claim_facts(tx: Transaction, limits: Limits, worker: str, queue: str) -> LimitFacts:
    """What a claim of the worker has to know, whose first queue this is, in one query."""
    before = queries()["worker_with_limits"].replace("{for_share}", tx.texts["for_share"])
    return _used(tx, limits, (before, queries()["known_worker"]), worker=worker, queue=queue)


def _used(
    tx: Transaction, limits: Limits, parts: tuple[str, str] = ("", ""), **parameters: str
) -> LimitFacts:
    """What is used of the limits, with `parts` of the query before it and after it."""
    # PostgreSQL knows no empty list.
    _, pipelines = in_list("pipeline", ["", *limits.of_pipeline])
    names = " UNION ALL ".join(f"SELECT CAST(:{name} AS TEXT) AS name" for name in pipelines)
    starts, times = _starts(limits, tx.now)
    texts = {"names": names, "before": parts[0], "more": "\n".join([*starts, parts[1]])}
    rows: dict[str, list[Row]] = {"pipeline": [], "start": [], "worker": []}
    for row in tx.rows("limit_facts", texts, **pipelines, **times, **parameters):
        rows[row["kind"]].append(row)
    facts = LimitFacts(
        {row["name"]: int(row["count"]) for row in rows["pipeline"]},
        {row["name"]: int(row["count"]) for row in rows["start"]},
        [row["name"] for row in rows["pipeline"] if row["parked"] is not None],
    )
    if not rows["worker"]:
        return facts
    # As `known_worker` has them in the columns of the others.
    (known,) = rows["worker"]
    return replace(
        facts, is_worker_known=True, has_due=bool(known["has_due"]),
        has_blocked=known["name"] is not None,
        has_expired=bool(known["count"]), first_pipeline=known["parked"],
    )  # fmt: skip


def _starts(limits: Limits, now: float) -> tuple[list[str], dict[str, Any]]:
    """The parts of `limit_facts` that count the starts of each rate, and their parameters."""
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    for number, (name, limit) in enumerate(limits.rates()):
        parts.append(queries()["count_starts"].replace("{number}", str(number)))
        parameters |= {f"rate{number}": name, f"after{number}": now - limit.seconds}
    return parts, parameters


def _queued(tx: Transaction, queue: str, count: int) -> Iterator[Row]:
    """The queued jobs that are not parked, in their order, as far as one claim looks."""
    limit = count + _MORE
    rows = tx.rows("queued_in_order", queue=queue, count=limit, skipped=0)
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
    return _with_starts(tx, worker, rows, limits)


def _with_starts(tx: Transaction, worker: str, rows: Sequence[Row], limits: Limits) -> list[Claim]:
    """The claims of claimed jobs, whose starts are kept for their rates."""
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
    parked = _parked_pipelines(tx)
    if not parked:
        return None
    used = _used(tx, limits)
    room, waits = used.room(limits), []
    for queue in queues:
        many = [{"queue": queue, "pipeline": pipeline, "count": 1} for pipeline in parked]
        for row in heapq.merge(*tx.rows_of_many("parked_in_order", many), key=records.order_of):
            if room.take(row["pipeline"]):
                return 0.0
            waits.append(_rate_wait(tx, used, limits, row["pipeline"]))
    return min((wait for wait in waits if wait), default=None)


def _rate_wait(tx: Transaction, used: LimitFacts, limits: Limits, pipeline: str) -> float:
    """Seconds until the rates of a pipeline have room; 0 if it waits for places."""
    # As if no start counted: whether there are places.
    if not Room(limits, used.running, {}).is_open(pipeline):
        return 0.0
    names = limits.of_pipeline.get(pipeline, ())
    return max((_next_start_in(tx, used, limits, name) for name in names), default=0.0)


def _next_start_in(tx: Transaction, used: LimitFacts, limits: Limits, name: str) -> float:
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
