"""Schedules in Redis: read, decided on, and written if nothing has changed meanwhile."""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flowerpower.job_queue import schedule_store
from flowerpower.job_queue.records import Row, json_object, moment_of, seconds_of
from flowerpower.job_queue.rq.fields import (
    columns,
    flat_of,
    ids_of,
    pairs_of,
    present,
    stamp_of,
    text_in_hash,
    text_of,
)
from flowerpower.job_queue.rq.store import RedisStore, closed_error
from flowerpower.job_queue.schedule_store import FIRE_BATCH, FIRES_KEPT, FireBatch, ScheduleStore
from flowerpower.job_queue.scheduling import CLOCK_REWOUND, Decision, decide, pause_unreadable
from flowerpower.jobs.schedule import Fire, Schedule, ScheduleSpec, ScheduleState
from flowerpower.text import SCHEDULE_ID_LIMIT, is_name

_TEXTS = ("pipeline", "definition", "state", "origin")
_NUMBERS = ("created_at", "anchor", "next_fire", "due_at", "last_fire")
_FIRE_COLUMNS = ("reason", "count", "job_id", "recorded_at")


class RedisSchedules(ScheduleStore):
    """Schedules of one namespace in a Redis, beside its jobs; see `ScheduleStore`."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._connection = store.connection
        self._run = store.run
        self._key = store.key

    def add(self, spec: ScheduleSpec, *, overwrite: bool = False) -> Schedule:
        while True:
            existing, same_id = self._existing(spec)
            if same := schedule_store.same_schedule(existing, spec, overwrite=overwrite):
                return same
            schedule_id = spec.id or self._next_id(spec)
            schedule = schedule_store.new_schedule(spec, schedule_id, existing, self._now())
            if self.put(schedule, spec, existing, same_id, adds=True):
                return schedule

    def _existing(self, spec: ScheduleSpec) -> tuple[Schedule | None, str | None]:
        """The schedule that `spec` may be; without an id also the answer of the search."""
        if spec.id is not None:
            return self._find(spec.id), None
        answer = self._run("find_schedule", pipeline=spec.pipeline, definition=spec.definition())
        same_id = "" if answer is None else answer.decode("ascii", "replace")
        schedule = self._find(same_id) if same_id else None
        # The index may point to a damaged record, or to one that is done.
        if schedule is None or schedule.state is ScheduleState.DONE:
            return None, same_id
        return (schedule if schedule_store.is_same(schedule, spec) else None), same_id

    def _next_id(self, spec: ScheduleSpec) -> str:
        while True:
            number = self._store.command("hincrby", self._key("numbers"), spec.pipeline, 1)
            schedule_id = f"{spec.pipeline}-{number}"
            # A caller may have chosen that id for another schedule.
            if self._find(schedule_id) is None:
                return schedule_id

    def _now(self) -> datetime:
        seconds, micros = self._store.command("time")
        return moment_of(seconds + micros / 1_000_000)

    def put(
        self,
        schedule: Schedule,
        spec: ScheduleSpec,
        existing: Schedule | None,
        same_id: str | None = None,
        *,
        adds: bool = False,
    ) -> bool:
        """Store a schedule in the place of the existing one; False if that has changed.

        If it `adds` one, Refused says that the queue was moved away.
        """
        moved = _moved(schedule)
        moved["fields"] += flat_of({
            "pipeline": schedule.pipeline,
            "definition": spec.definition(),
            "created_at": stamp_of(schedule.created_at.timestamp()),
            "origin": spec.origin,
        })  # fmt: skip
        answer = self._run(
            "put_schedule",
            id=schedule.id,
            adds=adds,
            seen="" if existing is None else str(existing.revision),
            same=same_id,
            created_at=schedule.created_at.timestamp(),
            moved=moved,
            pipeline=schedule.pipeline,
            definition=spec.definition(),
        )
        if isinstance(answer, bytes):
            raise closed_error(answer)
        return bool(answer)

    def _find(self, schedule_id: str) -> Schedule | None:
        fields = self._store.command("hgetall", self._key("schedule", schedule_id))
        return _schedule(schedule_id, fields) if fields else None

    def get(self, schedule_id: str) -> Schedule:
        schedule = self._find(schedule_id) if is_name(schedule_id, SCHEDULE_ID_LIMIT) else None
        if schedule is None:
            known = self._store.command("zrange", self._key("schedules"), 0, 999)
            raise schedule_store.schedule_not_found(schedule_id, ids_of(known))
        return schedule

    def list(self) -> builtins.list[Schedule]:
        schedules: list[Schedule] = []
        for page in self._store.pages("schedules"):
            with self._connection.errors():
                pipeline = self._connection.client.pipeline(transaction=False)
                for schedule_id in page:
                    pipeline.hgetall(self._key("schedule", schedule_id))
                hashes = pipeline.execute(raise_on_error=False)
            # A damaged key of another type gives an error instead of its content.
            schedules += [
                _schedule(schedule_id, fields)
                for schedule_id, fields in zip(page, hashes, strict=True)
                if isinstance(fields, dict) and fields
            ]
        return schedules

    def set_state(self, schedule_id: str, state: ScheduleState) -> Schedule:
        while True:
            existing = self.get(schedule_id)
            schedule = schedule_store.with_state(existing, state, self._now())
            if schedule is existing or (
                schedule.spec is not None and self.put(schedule, schedule.spec, existing)
            ):
                return schedule

    def delete(self, schedule_id: str) -> None:
        self.get(schedule_id)
        self._run("delete_schedule", id=schedule_id)

    def fires(self, schedule_id: str, limit: int = 100) -> builtins.list[Fire]:
        self.get(schedule_id)
        if limit < 1:
            return []
        times = self._store.command("zrevrange", self._key("fires", schedule_id), 0, limit - 1)
        ledger = self._key("fire", schedule_id)
        rows = self._store.command("hmget", ledger, times) if times else []
        return [schedule_store.fire_of(_fire_row(schedule_id, time, row))
                for time, row in zip(times, rows, strict=True)]  # fmt: skip

    def next_fire_in(self) -> float | None:
        seconds = self._run("next_fire_in", clock_rewound=CLOCK_REWOUND.total_seconds())
        return None if seconds is None else float(seconds)

    def has_scheduler(self) -> bool:
        return bool(self._store.command("exists", self._key("watched")))

    def fire_due(self) -> FireBatch:
        clock_rewound = CLOCK_REWOUND.total_seconds()
        now, *due = self._run("due_schedules", limit=FIRE_BATCH, clock_rewound=clock_rewound)
        moment = moment_of(float(now))
        decisions: list[dict[str, Any]] = []
        fires: list[tuple[Fire, ...]] = []
        for name, flat, active in due:
            fields = pairs_of(flat)
            schedule = _schedule(name.decode("ascii", "replace"), fields)
            decision = decide(schedule, moment, int(active)) or pause_unreadable(schedule)
            if decision is None:
                continue
            decisions.append({
                "id": schedule.id,
                "seen": text_of(fields.get(b"revision")) or "0",
                "active": int(active),
                "fires": self._fires_to_write(decision),
                "moved": _moved(replace(decision.schedule, revision=schedule.revision + 1)),
            })  # fmt: skip
            fires.append(decision.fires)
        if not decisions:
            return FireBatch((), len(due))
        constant = self._store.constant_fields
        answers = self._run("fire", decisions=decisions, kept=FIRES_KEPT, constant=constant)
        # The answer for a schedule that has changed meanwhile is empty.
        new_fires = [
            fire
            for decided, answer in zip(fires, answers, strict=True)
            for fire, is_new in zip(decided, answer, strict=False)
            if is_new
        ]
        return FireBatch(tuple(new_fires), len(due))

    def _fires_to_write(self, decision: Decision) -> builtins.list[dict[str, Any]]:
        jobs = {job.id: job for job in decision.jobs}
        entries = []
        for fire in decision.fires:
            row = {name: getattr(fire, name) for name in ("outcome", *_FIRE_COLUMNS)}
            row["recorded_at"] = seconds_of(fire.recorded_at)
            time = stamp_of(fire.fire_time.timestamp())
            entry: dict[str, Any] = {"time": time, "row": json.dumps(row)}
            if fire.job_id in jobs:
                entry["job"] = self._store.job_record(jobs[fire.job_id])
            entries.append(entry)
        return entries


def _moved(schedule: Schedule) -> dict[str, Any]:
    """The changed fields of a schedule, and its place in the sets that schedulers search."""
    seconds = schedule_store.position(schedule)
    fields = {"state": schedule.state, "revision": str(schedule.revision)}
    fields.update({name: stamp_of(time) for name, time in seconds.items()})
    moved = {
        "fields": flat_of(fields),
        "state": schedule.state,
        "last_processed_at": schedule.last_processed_at.timestamp(),
        "due_at": seconds["due_at"],
    }
    return present(moved)


def _schedule(schedule_id: str, fields: Mapping[bytes, bytes]) -> Schedule:
    return schedule_store.schedule_of(row_of_schedule(schedule_id, fields))


def row_of_schedule(schedule_id: str, fields: Mapping[bytes, bytes]) -> Row:
    """The record of a schedule in a hash."""
    row = columns(fields, "", texts=_TEXTS, numbers=_NUMBERS, counts=("revision",))
    return {**row, "id": schedule_id, "revision": row["revision"] or 0}


def fields_of_schedule(row: Row) -> dict[str, Any]:
    """The hash of a schedule that comes from another queue; `row_of_schedule` reads it again.

    Raises:
        LookupError: if the row has a column that no field holds.
    """
    known = (*_TEXTS, *_NUMBERS, "revision")
    if unknown := sorted(row.keys() - {*known, "id"}):
        raise LookupError(f"a schedule in Redis has no field for {', '.join(unknown)}")
    return {name: text_in_hash(row[name]) for name in known}


def _fire_row(schedule_id: str, time: bytes, text: bytes | None) -> Row:
    content = json_object(text) or {}
    # What earlier versions called it.
    outcome = "enqueued" if content.get("outcome") == "made" else content.get("outcome")
    row = {name: content.get(name) for name in _FIRE_COLUMNS}
    return {**row, "schedule_id": schedule_id, "fire_time": float(time), "outcome": outcome}
