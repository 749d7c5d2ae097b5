"""A migration's steps in a SQL database: each of them is one transaction."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from flowerpower.job_queue.apscheduler.chains import connect, live_parents
from flowerpower.job_queue.apscheduler.database import Database, Transaction
from flowerpower.job_queue.apscheduler.ending import note_ends
from flowerpower.job_queue.apscheduler.schema import schema_statements
from flowerpower.job_queue.migration_store import (
    Batch,
    ClosedQueue,
    MigrationStore,
    MovedItem,
    MovedJob,
    QueueName,
    fire_row,
)
from flowerpower.job_queue.records import Row
from flowerpower.triggers import clock

_COLUMN = re.compile(r"^    ([a-z_]+) [A-Z]", re.MULTILINE)
_SCHEDULES, _FIRES = "flowerpower_schedules", "flowerpower_fires"
_JOBS, _LOGS = "flowerpower_jobs", "flowerpower_logs"
_OUTCOMES = "flowerpower_outcomes"
_OF_HERE = frozenset({"has_children", "parked"})
"""Columns of a job that say something of what else is in this queue."""
_ONLY = "only"
"""The id of a note of which a queue has one."""


@lru_cache(maxsize=8)
def columns_of(table: str) -> tuple[str, ...]:
    """The columns of a table at this schema's version, without its namespace."""
    (statement,) = (
        text for text in schema_statements() if text.startswith(f"CREATE TABLE {table} ")
    )
    return tuple(name for name in _COLUMN.findall(statement) if name != "namespace")


def closed_queue(tx: Transaction) -> ClosedQueue | None:
    """Where this queue was moved to; None if it takes jobs and schedules."""
    rows = tx.rows("get_note", kind="closed", id=_ONLY)
    return ClosedQueue.from_json(json.loads(rows[0]["body"])) if rows else None


class SqlMigration(MigrationStore):
    """The outbox and inbox of one namespace in a database; see `MigrationStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queue_id(self) -> str:
        with self._database.write() as tx:
            tx.run("put_note", kind="queue_id", id=_ONLY, body=uuid.uuid4().hex)
            (row,) = tx.rows("get_note", kind="queue_id", id=_ONLY)
            return str(row["body"])

    def closed_for(self) -> ClosedQueue | None:
        with self._database.read() as tx:
            return closed_queue(tx)

    def close(self, target: QueueName) -> None:
        with self._database.write() as tx:
            # Those that add right now have read that the queue is open: their jobs and schedules
            # must be there before anything is taken.
            tx.rows("lock_jobs")
            tx.run("lock_schedules")
            tx.run("delete_note", kind="closed", id=_ONLY)
            body = ClosedQueue(target, clock.now()).to_json()
            tx.run("put_note", kind="closed", id=_ONLY, body=json.dumps(body))

    def reopen(self) -> None:
        with self._database.write() as tx:
            tx.run("delete_note", kind="closed", id=_ONLY)

    def numbers(self) -> dict[str, int]:
        with self._database.read() as tx:
            return {row["pipeline"]: row["last"] for row in tx.rows("list_numbers")}

    def raise_numbers(self, numbers: Mapping[str, int]) -> None:
        with self._database.write() as tx:
            many = [{"pipeline": name, "last": last} for name, last in sorted(numbers.items())]
            tx.run_many("raise_number", many)

    def take(
        self,
        batch_id: str,
        target: QueueName,
        schedules: Mapping[str, Sequence[str]],
        jobs: Sequence[str],
    ) -> Batch:
        def take(tx: Transaction) -> list[MovedItem]:
            items = [*_taken_schedules(tx, schedules), *_taken_jobs(tx, jobs)]
            if items:
                body = {
                    "target": vars(target),
                    "items": [item.to_json() for item in items],
                }
                tx.run("put_note", kind="outbox", id=batch_id, body=json.dumps(body))
            return items

        return Batch(batch_id, target, self._database.run(take))

    def outbox(self) -> list[Batch]:
        with self._database.read() as tx:
            rows = tx.rows("list_outbox")
        return [_batch(row["id"], json.loads(row["body"])) for row in rows]

    def put(self, batch_id: str, items: Mapping[int, MovedItem]) -> dict[int, str]:
        def put(tx: Transaction) -> dict[int, str]:
            # A lock too: of two that put the same batch at once, the second waits for the first.
            if not tx.run("put_note", kind="inbox", id=batch_id, body="{}"):
                (row,) = tx.rows("get_note", kind="inbox", id=batch_id)
                return {int(number): text for number, text in json.loads(row["body"]).items()}
            tx.run("lock_schedules")
            tx.run("delete_expired")
            refused = {
                number: reason
                for number, item in items.items()
                if (reason := _put(tx, item)) is not None
            }
            if refused:
                tx.run("change_note", kind="inbox", id=batch_id, body=json.dumps(refused))
            _connect(tx, [item for number, item in items.items() if number not in refused])
            return refused

        return self._database.run(put)

    def drop(self, batch_id: str, returned: Collection[int]) -> None:
        def drop(tx: Transaction) -> None:
            rows = tx.rows("lock_outbox", id=batch_id)
            if not rows:
                return
            items = _batch(batch_id, json.loads(rows[0]["body"])).items
            back = [items[number] for number in returned]
            for item in back:
                _put_back(tx, item)
            _connect(tx, back)
            tx.run("delete_note", kind="outbox", id=batch_id)

        self._database.run(drop)


def _batch(batch_id: str, body: Mapping[str, Any]) -> Batch:
    items = [MovedItem.from_json(item) for item in body["items"]]
    return Batch(batch_id, QueueName(**body["target"]), items)


def _taken_schedules(tx: Transaction, ids: Iterable[str]) -> Iterable[MovedItem]:
    for schedule_id in ids:
        # Locked first: who holds it may add a fire's job.
        schedules = tx.rows("get_schedule", id=schedule_id)
        rows = tx.rows("live_jobs_of_schedule", id=schedule_id) if schedules else []
        if not schedules or any(row["status"] == "running" for row in rows):
            continue
        # Parents that move in the same piece are there when their children are.
        if not live_parents(tx, rows) <= {row["id"] for row in rows}:
            continue
        fires = [
            fire_row(_without_namespace(row), row["fire_time"])
            for row in tx.rows("all_fires", id=schedule_id)
        ]
        outcomes = [_without_namespace(row) for row in tx.rows("outcome", id=schedule_id)]
        item = MovedItem(
            _moved(tx, rows), _without_namespace(schedules[0]), fires, next(iter(outcomes), None)
        )
        tx.run("delete_schedule", id=schedule_id)
        tx.run("delete_outcome", id=schedule_id)
        yield item


def _taken_jobs(tx: Transaction, ids: Sequence[str]) -> Iterable[MovedItem]:
    for job_id in ids:
        rows = tx.rows("waiting_job", id=job_id)
        if rows and not live_parents(tx, rows):
            yield MovedItem(_moved(tx, rows))


def _moved(tx: Transaction, rows: Sequence[Row]) -> list[MovedJob]:
    """The jobs in the rows, with their logs; they are deleted."""
    moved = []
    for row in rows:
        logs: dict[str, dict[str, str]] = {}
        # Without an attempt there is no log, and most jobs that wait had none.
        for piece in tx.rows("all_logs", id=row["id"]) if row["attempt"] else []:
            logs.setdefault(str(piece["attempt"]), {})[str(piece["seq"])] = piece["text"]
        columns = {name: row[name] for name in _without_namespace(row) if name not in _OF_HERE}
        moved.append(MovedJob(columns, logs))
        tx.run("delete_jobs", {"ids": ":id"}, id=row["id"])
    return moved


def _without_namespace(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "namespace"}


def _put(tx: Transaction, item: MovedItem) -> str | None:
    """Store an item as it is; if an id is in use here, store nothing and return the reason."""
    if item.schedule is not None and tx.rows("get_schedule", id=item.schedule["id"]):
        return f"there is a schedule {item.schedule['id']} already"
    for job in item.jobs:
        if tx.rows("has_job", id=job.row["id"]):
            return f"there is a job {job.row['id']} already"
        if key := job.row.get("unique_key"):
            for row in tx.rows("get_unique_job", unique_key=key):
                return f"it is unique, and there is the job {row['id']}, which asks for the same"
    if item.schedule is not None:
        _insert(tx, _SCHEDULES, [item.schedule])
        _insert(tx, _FIRES, item.fires)
        # One that a schedule of that id, since deleted, has left.
        tx.run("delete_outcome", id=item.schedule["id"])
        _insert(tx, _OUTCOMES, [] if item.outcome is None else [item.outcome])
    for job in item.jobs:
        _insert(tx, _JOBS, [job.row])
        _insert(tx, _LOGS, list(_log_rows(job)))
    return None


def _put_back(tx: Transaction, item: MovedItem) -> None:
    """Store an item again where it was taken from."""
    # Nobody has got its ids meanwhile, but a retry may have brought back a job that asks for the
    # same: rather both than none.
    if _put(tx, item) is not None:
        jobs = [replace(job, row={**job.row, "unique_key": None}) for job in item.jobs]
        _put(tx, replace(item, jobs=jobs))


def _connect(tx: Transaction, items: Iterable[MovedItem]) -> None:
    """Let jobs that have come find their parents and children here; all of them are stored."""
    rows = [job.row for item in items for job in item.jobs]
    tx.run_many("find_children", [{"id": row["id"]} for row in rows])
    children = [row for row in rows if row.get("after_parents") is not None]
    note_ends(tx, [ended for row in children for ended in connect(tx, row)])


def _log_rows(job: MovedJob) -> Iterator[Row]:
    for attempt, pieces in job.logs.items():
        for seq, text in pieces.items():
            row = {"job_id": job.row["id"], "attempt": int(attempt), "seq": int(seq)}
            yield {**row, "text": text, "size": len(text.encode())}


def _insert(tx: Transaction, table: str, rows: Sequence[Row]) -> None:
    known = columns_of(table)
    # What is None in all of them is left out, so that a column has its default.
    used = {name for row in rows for name, value in row.items() if value is not None}
    if unknown := sorted(used - set(known)):
        raise LookupError(f"{table} has no column {', '.join(unknown)}")
    names = [name for name in known if name in used]
    texts = {
        "table": table,
        "columns": ", ".join(names),
        "values": ", ".join(f":{name}" for name in names),
    }
    tx.run_many("insert_record", [{name: row.get(name) for name in names} for row in rows], texts)
