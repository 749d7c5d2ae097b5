"""Schedules in Redis: read, decided on, and written if nothing has changed meanwhile."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flowerpower.job_queue.records import Row
from flowerpower.job_queue.rq.store import RedisStore
from flowerpower.job_queue.schedule_records import (
    check_not_done,
    check_overwrite,
    fire_of,
    made_schedule,
    schedule_not_found,
    schedule_of,
)
from flowerpower.job_queue.schedule_store import FIRE_BATCH, FIRES_KEPT, Fired, ScheduleStore
from flowerpower.job_queue.scheduling import SET_BACK, Decision, decide
from flowerpower.jobs.schedule import Fire, Schedule, ScheduleSpec, ScheduleState
from flowerpower.text import SCHEDULE_ID_LIMIT, is_name

PAGE = 1000
_TEXTS = ("pipeline", "definition", "state", "origin")
_NUMBERS = ("created_at", "anchor", "next_fire", "due_at", "last_fire")


class RedisSchedules(ScheduleStore):
    """Schedules of one namespace in a Redis, beside its jobs; see `ScheduleStore`."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._connection = store.connection
        self._run = store.run
        self._key = store.key

    def add_schedule(self, spec: ScheduleSpec, *, overwrite: bool = False) -> Schedule:
        while True:
            there, same = self._there(spec)
            if there is not None and there.spec is not None:
                is_same = there.pipeline == spec.pipeline
                if is_same and there.spec.definition() == spec.definition():
                    return replace(there, created=False)
            if there is not None:
                check_overwrite(there, overwrite=overwrite)
            schedule = made_schedule(spec, spec.id or self._number(spec), there, self._now())
            if self._put(schedule, spec, there, same):
                return schedule

    def _there(self, spec: ScheduleSpec) -> tuple[Schedule | None, str | None]:
        """The schedule that `spec` may be, and without an id what was found by what it is."""
        if spec.id is not None:
            return self._found(spec.id), None
        name = self._run("same_schedule", pipeline=spec.pipeline, definition=spec.definition())
        same = "" if name is None else name.decode("ascii", "replace")
        found = self._found(same) if same else None
        is_it = (
            found is not None
            and found.state is not ScheduleState.DONE
            and found.spec is not None
            and found.spec.definition() == spec.definition()
        )
        return (found if is_it else None), same

    def _number(self, spec: ScheduleSpec) -> str:
        while True:
            with self._connection.errors():
                last = self._connection.client.hincrby(self._key("numbers"), spec.pipeline, 1)
            number = f"{spec.pipeline}-{last}"
            # Somebody may have given that id by hand.
            if self._found(number) is None:
                return number

    def _now(self) -> datetime:
        with self._connection.errors():
            seconds, micros = self._connection.client.time()
        return datetime.fromtimestamp(seconds + micros / 1_000_000, UTC)

    def _put(
        self, schedule: Schedule, spec: ScheduleSpec, seen: Schedule | None, same: str | None = None
    ) -> bool:
        """Store it in the place of what was seen; False if that has changed."""
        definition = {"pipeline": schedule.pipeline, "definition": spec.definition()}
        moved = _moving(schedule)
        created = {"created_at": f"{schedule.created_at.timestamp():.6f}", "origin": spec.origin}
        moved["fields"] += [
            str(each) for pair in {**definition, **created}.items() for each in pair
        ]
        done = self._run(
            "put_schedule",
            id=schedule.id,
            token=uuid.uuid4().hex,
            seen="" if seen is None else str(seen.revision),
            same=same,
            created_at=schedule.created_at.timestamp(),
            moved=moved,
            **definition,
        )
        return bool(done)

    def _found(self, schedule_id: str) -> Schedule | None:
        with self._connection.errors():
            found = self._connection.client.hgetall(self._key("schedule", schedule_id))
        return schedule_of(_row(schedule_id, found)) if found else None

    def get_schedule(self, schedule_id: str) -> Schedule:
        named = is_name(schedule_id, SCHEDULE_ID_LIMIT)
        schedule = self._found(schedule_id) if named else None
        if schedule is None:
            raise schedule_not_found(schedule_id, self._ids(0, 999))
        return schedule

    def _ids(self, start: int, end: int) -> list[str]:
        with self._connection.errors():
            ids = self._connection.client.zrange(self._key("schedules"), start, end)
        return [each.decode("ascii", "replace") for each in ids]

    def list_schedules(self) -> list[Schedule]:
        found: list[Schedule] = []
        ids = self._ids(0, -1)
        for start in range(0, len(ids), PAGE):
            page = ids[start : start + PAGE]
            with self._connection.errors():
                pipeline = self._connection.client.pipeline(transaction=False)
                for each in page:
                    pipeline.hgetall(self._key("schedule", each))
                hashes = pipeline.execute(raise_on_error=False)
            found += [
                schedule_of(_row(each, fields))
                for each, fields in zip(page, hashes, strict=True)
                if isinstance(fields, dict) and fields
            ]
        return found

    def pause_schedule(self, schedule_id: str) -> Schedule:
        return self._change_state(schedule_id, ScheduleState.PAUSED)

    def resume_schedule(self, schedule_id: str) -> Schedule:
        return self._change_state(schedule_id, ScheduleState.ACTIVE)

    def _change_state(self, schedule_id: str, state: ScheduleState) -> Schedule:
        while True:
            seen = self.get_schedule(schedule_id)
            if seen.state is state and seen.spec is not None:
                return seen
            check_not_done(seen)
            schedule = replace(seen, state=state, revision=seen.revision + 1)
            schedule = schedule.with_next_fire(self._now())
            if seen.spec is not None and self._put(schedule, seen.spec, seen):
                return schedule

    def delete_schedule(self, schedule_id: str) -> None:
        self.get_schedule(schedule_id)
        self._run("delete_schedule", id=schedule_id)

    def list_fires(self, schedule_id: str, limit: int = 100) -> list[Fire]:
        self.get_schedule(schedule_id)
        if limit < 1:
            return []
        client = self._connection.client
        with self._connection.errors():
            times = client.zrevrange(self._key("fires", schedule_id), 0, limit - 1)
            rows = client.hmget(self._key("fire", schedule_id), times) if times else []
        return [fire_of(_fire_row(schedule_id, time, row))
                for time, row in zip(times, rows, strict=True)]  # fmt: skip

    def next_fire_in(self) -> float | None:
        found = self._run("next_fire", set_back=SET_BACK.total_seconds())
        return None if found is None else float(found)

    def has_scheduler(self) -> bool:
        with self._connection.errors():
            return bool(self._connection.client.exists(self._key("watched")))

    def fire_due(self) -> Fired:
        set_back = SET_BACK.total_seconds()
        now, *due = self._run("due_schedules", limit=FIRE_BATCH, set_back=set_back)
        moment = datetime.fromtimestamp(float(now), UTC)
        decided: list[dict[str, Any]] = []
        fires: list[tuple[Fire, ...]] = []
        for name, hashed, active in due:
            row = _row(name.decode("ascii", "replace"), _pairs(hashed))
            schedule = schedule_of(row)
            decision = decide(schedule, moment, int(active))
            if decision is None and schedule.spec is not None:
                continue
            if decision is None:
                # It cannot be read; it would come first again and again.
                aside = replace(schedule, state=ScheduleState.PAUSED, next_fire=None, due_at=None)
                decision = Decision((), (), aside)
            decided.append(self._decided(schedule, decision, str(row["revision"]), int(active)))
            fires.append(decision.fires)
        if not decided:
            return Fired((), len(due))
        token = uuid.uuid4().hex
        answers = self._run("fire", decided=decided, kept=FIRES_KEPT, token=token)
        recorded = [
            fire
            for each, answer in zip(fires, answers, strict=True)
            for fire, is_new in zip(each, answer, strict=False)
            if is_new
        ]
        return Fired(tuple(recorded), len(due))

    def _decided(
        self, schedule: Schedule, decision: Decision, seen: str, active: int
    ) -> dict[str, Any]:
        jobs = {job.id: job for job in decision.jobs}
        fires = []
        for fire in decision.fires:
            made_at = fire.recorded_at
            row = {
                "outcome": fire.outcome,
                "reason": fire.reason,
                "count": fire.count,
                "job_id": fire.job_id,
                "recorded_at": None if made_at is None else made_at.timestamp(),
            }
            told = {"time": f"{fire.fire_time.timestamp():.6f}", "row": json.dumps(row)}
            job = jobs.get(fire.job_id) if fire.job_id is not None else None
            fires.append(told if job is None else {**told, "job": self._store.job_record(job)})
        moved = replace(decision.schedule, revision=schedule.revision + 1)
        return {
            "id": schedule.id,
            "seen": seen,
            "active": active,
            "fires": fires,
            "moved": _moving(moved),
        }


def _moving(schedule: Schedule) -> dict[str, Any]:
    """What changes of a schedule with its fires, as fields and for the sets."""
    moments = {
        name: getattr(schedule, name) for name in ("anchor", "next_fire", "due_at", "last_fire")
    }
    seconds = {name: None if each is None else each.timestamp() for name, each in moments.items()}
    fields = {"state": schedule.state, "revision": str(schedule.revision)}
    fields.update({name: "" if each is None else f"{each:.6f}" for name, each in seconds.items()})
    moved: dict[str, Any] = {
        "fields": [str(each) for pair in fields.items() for each in pair],
        "is_active": schedule.state is ScheduleState.ACTIVE,
        "is_live": schedule.state is not ScheduleState.DONE,
        "is_done": schedule.state is ScheduleState.DONE,
    }
    moved["last_processed_at"] = schedule.last_processed_at.timestamp()
    if seconds["due_at"] is not None:
        moved["due_at"] = seconds["due_at"]
    return moved


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _row(schedule_id: str, fields: Mapping[bytes, bytes]) -> Row:
    def text(name: str) -> str | None:
        value = fields.get(name.encode())
        return None if not value else value.decode("utf-8", "backslashreplace")

    def number(name: str) -> Any:
        try:
            return None if text(name) is None else float(text(name) or "")
        except ValueError:
            return text(name)

    revision = text("revision") or "0"
    return {
        "id": schedule_id,
        **{name: text(name) for name in _TEXTS},
        **{name: number(name) for name in _NUMBERS},
        "revision": int(revision) if revision.isascii() and revision.isdigit() else revision,
    }


def _fire_row(schedule_id: str, time: bytes, row: bytes | None) -> Row:
    try:
        told = json.loads(row or b"")
    except (ValueError, RecursionError):
        told = None
    told = told if isinstance(told, dict) else {}
    names = ("outcome", "reason", "count", "job_id", "recorded_at")
    return {
        "schedule_id": schedule_id,
        "fire_time": float(time),
        **{name: told.get(name) for name in names},
    }
