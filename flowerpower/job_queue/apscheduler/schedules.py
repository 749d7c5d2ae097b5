"""Schedules over two SQL dialects: each step of theirs is one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flowerpower.job_queue.apscheduler.database import Transaction, in_list
from flowerpower.job_queue.apscheduler.store import SqlStore
from flowerpower.job_queue.schedule_records import (
    check_not_done,
    check_overwrite,
    fire_of,
    made_schedule,
    schedule_not_found,
    schedule_of,
)
from flowerpower.job_queue.schedule_store import FIRE_BATCH, FIRES_KEPT, Fired, ScheduleStore
from flowerpower.job_queue.scheduling import SET_BACK, decide
from flowerpower.jobs.job import JobSpec
from flowerpower.jobs.schedule import Fire, Schedule, ScheduleSpec, ScheduleState
from flowerpower.text import SCHEDULE_ID_LIMIT, is_name


class SqlSchedules(ScheduleStore):
    """Schedules of one namespace in a database, beside its jobs; see `ScheduleStore`."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._database = store.database
        self._with = store.scoped

    def add_schedule(self, spec: ScheduleSpec, *, overwrite: bool = False) -> Schedule:
        with self._database.write() as tx:
            # One after another: who comes second sees what the first has added.
            tx.run("lock_schedules", self._with())
            moment = _moment(tx.now())
            there = self._there(tx, spec)
            if there is not None and there.spec is not None:
                is_same = there.pipeline == spec.pipeline
                if is_same and there.spec.definition() == spec.definition():
                    return replace(there, created=False)
            if there is not None:
                check_overwrite(there, overwrite=overwrite)
            schedule = made_schedule(spec, self._id(tx, spec), there, moment)
            tx.run("put_schedule", self._row_with(schedule, spec))
            return schedule

    def _there(self, tx: Transaction, spec: ScheduleSpec) -> Schedule | None:
        if spec.id is None:
            given = self._with(pipeline=spec.pipeline, definition=spec.definition())
            rows = tx.rows("same_schedule", given)
        else:
            rows = tx.rows("get_schedule", self._with(id=spec.id))
        return schedule_of(rows[0]) if rows else None

    def _id(self, tx: Transaction, spec: ScheduleSpec) -> str:
        if spec.id is not None:
            return spec.id
        while True:
            (row,) = tx.rows("next_number", self._with(pipeline=spec.pipeline))
            number = f"{spec.pipeline}-{row['last']}"
            # Somebody may have given that id by hand.
            if not tx.rows("get_schedule", self._with(id=number)):
                return number

    def _row_with(self, schedule: Schedule, spec: ScheduleSpec) -> dict[str, Any]:
        return self._with(
            pipeline=schedule.pipeline,
            definition=spec.definition(),
            origin=spec.origin,
            created_at=schedule.created_at.timestamp(),
            **_moving(schedule),
        )

    def get_schedule(self, schedule_id: str) -> Schedule:
        with self._database.read() as tx:
            return self._schedule(tx, schedule_id, for_update="")

    def _schedule(self, tx: Transaction, schedule_id: str, **texts: str) -> Schedule:
        named = is_name(schedule_id, SCHEDULE_ID_LIMIT)
        rows = tx.rows("get_schedule", self._with(id=schedule_id), **texts) if named else []
        if not rows:
            known = tx.rows("schedule_ids", self._with())
            raise schedule_not_found(schedule_id, [str(row["id"]) for row in known])
        return schedule_of(rows[0])

    def list_schedules(self) -> list[Schedule]:
        with self._database.read() as tx:
            return [schedule_of(row) for row in tx.rows("list_schedules", self._with())]

    def pause_schedule(self, schedule_id: str) -> Schedule:
        return self._change(schedule_id, ScheduleState.PAUSED)

    def resume_schedule(self, schedule_id: str) -> Schedule:
        return self._change(schedule_id, ScheduleState.ACTIVE)

    def _change(self, schedule_id: str, state: ScheduleState) -> Schedule:
        with self._database.write() as tx:
            schedule = self._schedule(tx, schedule_id)
            if schedule.state is state and schedule.fault is None:
                return schedule
            check_not_done(schedule)
            schedule = replace(schedule, state=state, revision=schedule.revision + 1)
            schedule = schedule.with_next_fire(_moment(tx.now()))
            tx.run("move_schedule", self._with(**_moving(schedule)))
            return schedule

    def delete_schedule(self, schedule_id: str) -> None:
        with self._database.write() as tx:
            self._schedule(tx, schedule_id)
            tx.run("delete_schedule", self._with(id=schedule_id))

    def list_fires(self, schedule_id: str, limit: int = 100) -> list[Fire]:
        with self._database.read() as tx:
            self._schedule(tx, schedule_id, for_update="")
            rows = tx.rows("list_fires", self._with(id=schedule_id, limit=max(0, limit)))
        return [fire_of(row) for row in rows]

    def next_fire_in(self) -> float | None:
        with self._database.read() as tx:
            (row,) = tx.rows("next_fire", self._with())
            now = tx.now()
        if (row["last_processed_at"] or 0) > now + SET_BACK.total_seconds():
            return 0.0
        return None if row["due_at"] is None else max(0.0, float(row["due_at"]) - now)

    def has_scheduler(self) -> bool:
        # Every worker fires here; a scheduler alone is not known of.
        return bool(self._store.list_workers())

    def fire_due(self) -> Fired:
        with self._database.write() as tx:
            now = tx.now()
            later = now + SET_BACK.total_seconds()
            rows = tx.rows("set_back_schedules", self._with(later=later, limit=FIRE_BATCH))
            if not rows:
                rows = tx.rows("due_schedules", self._with(now=now, limit=FIRE_BATCH))
            fires = self._fire(tx, [schedule_of(row) for row in rows], now) if rows else []
        return Fired(tuple(fires), len(rows))

    def _fire(self, tx: Transaction, schedules: Sequence[Schedule], now: float) -> list[Fire]:
        tx.run("delete_expired", self._with(now=now))
        text, named = in_list("id", [schedule.id for schedule in schedules])
        counts = {row["schedule_id"]: row["count"]
                  for row in tx.rows("count_active", self._with(**named), ids=text)}  # fmt: skip
        fires: list[Fire] = []
        jobs: dict[str, JobSpec] = {}
        moved: list[Schedule] = []
        for schedule in schedules:
            decision = decide(schedule, _moment(now), counts.get(schedule.id, 0))
            if decision is not None:
                fires += decision.fires
                jobs.update({job.id: job for job in decision.jobs})
                moved.append(replace(decision.schedule, revision=schedule.revision + 1))
            elif schedule.spec is None:
                # It cannot be read; it would come first again and again.
                moved.append(_put_aside(schedule))
        # A time that the ledger has as made is written no more, and makes no job.
        written = tx.run_many("put_fire", [self._fire_row(fire, now) for fire in fires])
        recorded = [fire for fire, count in zip(fires, written, strict=True) if count]
        made = [fire.job_id for fire in recorded if fire.job_id is not None]
        inserted = tx.run_many("add_job", [self._store.job_row(jobs[each], now) for each in made])
        known = {each for each, count in zip(made, inserted, strict=True) if not count}
        tx.run_many("move_schedule", [self._with(**_moving(each)) for each in moved])
        for each in moved:
            if each.revision % 100 == 0:
                tx.run("cut_fires", self._with(id=each.id, kept=FIRES_KEPT - 1))
        return [fire for fire in recorded if fire.job_id not in known]

    def _fire_row(self, fire: Fire, now: float) -> dict[str, Any]:
        return self._with(
            id=fire.schedule_id,
            fire_time=fire.fire_time.timestamp(),
            outcome=fire.outcome,
            reason=fire.reason,
            count=fire.count,
            job_id=fire.job_id,
            now=now,
        )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _put_aside(schedule: Schedule) -> Schedule:
    """One that cannot be read, so that nobody looks at it again by itself."""
    return replace(schedule, state=ScheduleState.PAUSED, next_fire=None, due_at=None)


def _moving(schedule: Schedule) -> dict[str, Any]:
    moments = {
        name: getattr(schedule, name) for name in ("anchor", "next_fire", "due_at", "last_fire")
    }
    return {
        "id": schedule.id,
        "state": schedule.state,
        "revision": schedule.revision,
        **{name: None if each is None else each.timestamp() for name, each in moments.items()},
    }
