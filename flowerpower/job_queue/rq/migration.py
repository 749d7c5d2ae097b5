"""A migration's steps in Redis: each of them is one script, or one command."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flowerpower.job_queue.migration_store import (
    Batch,
    ClosedQueue,
    MigrationStore,
    MovedItem,
    MovedJob,
    QueueName,
    fire_row,
)
from flowerpower.job_queue.records import Row, json_object
from flowerpower.job_queue.rq.fields import (
    RQ_STATUSES,
    flat_of,
    pairs_of,
    record_of_row,
    row_of,
    stamp_of,
)
from flowerpower.job_queue.rq.ledger import (
    fields_of_schedule,
    row_of_schedule,
    set_of,
    status_of_word,
)
from flowerpower.job_queue.rq.store import RedisStore
from flowerpower.jobs.job import JobStatus
from flowerpower.triggers import clock


class RedisMigration(MigrationStore):
    """The outbox and inbox of one namespace in a Redis; see `MigrationStore`."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._notes = store.key("migration")

    def queue_id(self) -> str:
        self._store.command("hsetnx", self._notes, "queue_id", uuid.uuid4().hex)
        return str(self._store.command("hget", self._notes, "queue_id").decode("ascii", "replace"))

    def closed_for(self) -> ClosedQueue | None:
        body = self._store.command("hget", self._notes, "closed")
        return None if body is None else ClosedQueue.from_json(json.loads(body))

    def close(self, target: QueueName) -> None:
        body = ClosedQueue(target, clock.now()).to_json()
        self._store.command("hset", self._notes, "closed", json.dumps(body))

    def reopen(self) -> None:
        self._store.command("hdel", self._notes, "closed")

    def numbers(self) -> dict[str, int]:
        numbers = self._store.command("hgetall", self._store.key("numbers"))
        return {
            name.decode("ascii", "replace"): int(number)
            for name, number in numbers.items()
            if number.isdigit()
        }

    def raise_numbers(self, numbers: Mapping[str, int]) -> None:
        if numbers:
            self._store.run("migrate", verb="raise_numbers", numbers=dict(numbers))

    def take(
        self,
        batch_id: str,
        target: QueueName,
        schedules: Mapping[str, Sequence[str]],
        jobs: Sequence[str],
    ) -> Batch:
        body = self._store.run(
            "migrate",
            verb="take",
            batch=batch_id,
            target=vars(target),
            schedules=[{"id": name, "jobs": list(known)} for name, known in schedules.items()],
            jobs=list(jobs),
        )
        return self._batch(batch_id, body)

    def outbox(self) -> list[Batch]:
        notes = self._store.command("hgetall", self._notes)
        bodies = {
            name.removeprefix(b"outbox:").decode("ascii", "replace"): body
            for name, body in notes.items()
            if name.startswith(b"outbox:")
        }
        times = {batch_id: float(_content(body)["taken_at"]) for batch_id, body in bodies.items()}
        return [self._batch(name, bodies[name]) for name in sorted(times, key=times.__getitem__)]

    def put(self, batch_id: str, items: Mapping[int, MovedItem]) -> dict[int, str]:
        content = {str(number): self._as_hashes(item) for number, item in items.items()}
        refused = self._store.run("migrate", verb="put", batch=batch_id, items=content)
        return {int(number): reason for number, reason in _content(refused).items()}

    def drop(self, batch_id: str, returned: Collection[int]) -> None:
        self._store.run("migrate", verb="drop", batch=batch_id, returned=list(returned))

    def _batch(self, batch_id: str, body: bytes) -> Batch:
        content = _content(body)
        items = [_item(item) for item in content["items"]]
        return Batch(batch_id, QueueName(**content["target"]), items)

    def _as_hashes(self, item: MovedItem) -> dict[str, Any]:
        """An item as the script takes it."""
        hashes: dict[str, Any] = {
            "jobs": [self._job(job) for job in item.jobs],
            "fires": [_fire(row) for row in item.fires],
        }
        if item.schedule is not None:
            outcome = item.outcome or {"status": None, "failures": 0}
            row = {**item.schedule, "last_status": outcome["status"]}
            fields = flat_of(fields_of_schedule({**row, "failures": outcome["failures"]}))
            hashes["schedule"] = {"id": item.schedule["id"], "hash": fields}
        return hashes

    def _job(self, job: MovedJob) -> dict[str, Any]:
        fields = flat_of(record_of_row(job.row, self._store.namespace))
        content: dict[str, Any] = {"id": job.row["id"], "hash": fields, "logs": {}}
        if job.row.get("unique_key") is not None:
            content["unique_key"] = job.row["unique_key"]
        if job.row["progress"] is not None:
            content["progress"] = job.row["progress"]
        for attempt, pieces in job.logs.items():
            numbers = sorted(map(int, pieces))
            log = {str(number): pieces[str(number)] for number in numbers}
            size = sum(len(text.encode()) for text in pieces.values())
            bounds = {"first": numbers[0] - 1, "last": numbers[-1], "size": size}
            content["logs"][attempt] = flat_of({**log, **bounds})
        return content


def _content(body: bytes) -> dict[str, Any]:
    # What a damaged record holds may not be UTF-8.
    content: dict[str, Any] = json.loads(body.decode("utf-8", "surrogateescape"))
    return content


def _item(content: Mapping[str, Any]) -> MovedItem:
    """An item that the script has taken. Where it has no entries, a list of Lua is an object."""
    jobs = [_moved_job(job) for job in content["jobs"] or ()]
    if not content.get("schedule"):
        return MovedItem(jobs)
    schedule_id = content["schedule"]["id"]
    schedule = {**row_of_schedule(schedule_id, _hash(content["schedule"]["hash"]))}
    fires = []
    for fire in content["fires"] or ():
        row = {**(json_object(fire["row"]) or {}), "schedule_id": schedule_id}
        row["job_status"] = status_of_word(_bytes(fire["ended"]))
        fires.append(fire_row(row, float(fire["time"])))
    status, failures = schedule.pop("last_status"), schedule.pop("failures")
    outcome = None
    if status is not None:
        # Redis does not keep when that was, and nobody reads it.
        outcome = {"status": status, "failures": failures, "ended_at": clock.now().timestamp()}
        outcome["schedule_id"] = schedule_id
    return MovedItem(jobs, schedule, fires, outcome)


def _moved_job(content: Mapping[str, Any]) -> MovedJob:
    progress = content.get("progress")
    fields, own = _hash(content["hash"]), None if progress is None else _bytes(progress)
    row = {**row_of(content["id"], fields, progress=own)}
    del row["raw_status"]
    row |= {name: int(row[name]) for name in ("cancel", "blocked")}
    # Earlier versions wrote only the schedule.
    row |= {
        "status": str(row["status"]),
        "concurrency_key": row["concurrency_key"] or row["schedule_id"],
    }
    logs = {}
    for attempt, flat in (content["logs"] or {}).items():
        pieces = {name.decode(): text for name, text in _hash(flat).items()}
        logs[attempt] = {
            name: text.decode("utf-8", "replace")
            for name, text in pieces.items()
            if name.isdecimal()
        }
    return MovedJob(row, {attempt: pieces for attempt, pieces in logs.items() if pieces})


def _hash(flat: Sequence[str]) -> dict[bytes, bytes]:
    return pairs_of([_bytes(part) for part in flat])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _fire(row: Row) -> dict[str, Any]:
    """A row of the ledger as the script takes it."""
    kept = {**row}
    del kept["schedule_id"]
    time, status = stamp_of(kept.pop("fire_time")), kept.pop("job_status", None)
    return {
        "time": time,
        "row": json.dumps(kept),
        "recorded_at": stamp_of(row["recorded_at"]),
        "set": set_of({"reason": None, **row}),
        "ended": "" if status is None else RQ_STATUSES[JobStatus(status)],
    }
