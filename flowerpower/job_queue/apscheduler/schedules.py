"""Schedules in a SQL database: each of their steps is one transaction."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flowerpower.job_queue import schedule_store
from flowerpower.job_queue.apscheduler.adding import insert_jobs
from flowerpower.job_queue.apscheduler.database import Database, Texts, Transaction, in_list
from flowerpower.job_queue.apscheduler.job_changes import cancel_jobs
from flowerpower.job_queue.apscheduler.migration import closed_queue
from flowerpower.job_queue.backfill import check_unedited, fill
from flowerpower.job_queue.observing import fire_counter, fire_event
from flowerpower.job_queue.records import Row, as_json, moment_of, seconds_of, status_of
from flowerpower.job_queue.schedule_store import FIRE_BATCH, FIRES_KEPT, FireBatch, ScheduleStore
from flowerpower.job_queue.scheduling import CLOCK_REWOUND, Decision, decide, pause_unreadable
from flowerpower.jobs.counter import added_up
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.schedule import Fire, Schedule, ScheduleSpec, ScheduleState
from flowerpower.text import SCHEDULE_ID_LIMIT, is_name

_NO_LOCK = {"for_update": ""}


class SqlSchedules(ScheduleStore):
    """Schedules of one namespace in a database, beside its jobs; see `ScheduleStore`.

    `with_followers` gives the jobs of fires the followers that the project declares.
    """

    def __init__(self, database: Database, with_followers: Callable[[JobSpec], JobSpec]) -> None:
        self._database = database
        self._with_followers = with_followers

    def add(self, spec: ScheduleSpec, *, overwrite: bool = False) -> Schedule:
        with self._database.write() as tx:
            # A lock: of two that add the same at once, the second must see what the first added.
            tx.run("lock_schedules")
            if spec.id is None:
                search = {"pipeline": spec.pipeline, "definition": spec.definition()}
                rows = tx.rows("find_schedule", **search)
            else:
                rows = tx.rows("get_schedule", id=spec.id)
            existing = schedule_store.schedule_of(rows[0]) if rows else None
            if same := schedule_store.same_schedule(existing, spec, overwrite=overwrite):
                return same
            if closed := closed_queue(tx):
                raise closed.error()
            schedule_id, now = self._id(tx, spec), moment_of(tx.now)
            schedule = schedule_store.new_schedule(spec, schedule_id, existing, now)
            tx.run("put_schedule", **schedule_parameters(schedule, spec))
            return schedule

    def _id(self, tx: Transaction, spec: ScheduleSpec) -> str:
        if spec.id is not None:
            return spec.id
        while True:
            (row,) = tx.rows("next_number", pipeline=spec.pipeline)
            schedule_id = f"{spec.pipeline}-{row['last']}"
            # A caller may have chosen that id for another schedule.
            if not tx.rows("get_schedule", id=schedule_id):
                return schedule_id

    def get(self, schedule_id: str) -> Schedule:
        with self._database.read() as tx:
            if is_name(schedule_id, SCHEDULE_ID_LIMIT):
                one = {"condition": "AND schedules.id = :id", "order": "schedules.id"}
                for row in tx.rows("list_schedules", one, id=schedule_id):
                    return schedule_store.schedule_of(row)
            return self._get(tx, schedule_id, _NO_LOCK)

    def _get(self, tx: Transaction, schedule_id: str, lock: Texts | None = None) -> Schedule:
        is_valid = is_name(schedule_id, SCHEDULE_ID_LIMIT)
        rows = tx.rows("get_schedule", lock, id=schedule_id) if is_valid else []
        if not rows:
            known = tx.rows("schedule_ids")
            raise schedule_store.schedule_not_found(schedule_id, [str(row["id"]) for row in known])
        return schedule_store.schedule_of(rows[0])

    def list(self) -> builtins.list[Schedule]:
        with self._database.read() as tx:
            every = {"condition": "", "order": "schedules.created_at, schedules.id"}
            rows = tx.rows("list_schedules", every)
        return [schedule_store.schedule_of(row) for row in rows]

    def upcoming(self, limit: int) -> builtins.list[Schedule]:
        with self._database.read() as tx:
            soonest = {
                "condition": "AND schedules.due_at IS NOT NULL",
                "order": "schedules.due_at LIMIT :limit",
            }
            rows = tx.rows("list_schedules", soonest, limit=max(0, limit))
        return [schedule_store.schedule_of(row) for row in rows]

    def count(self) -> int:
        with self._database.read() as tx:
            (row,) = tx.rows("count_schedules")
            return int(row["count"])

    def set_state(self, schedule_id: str, state: ScheduleState) -> Schedule:
        with self._database.write() as tx:
            existing = self._get(tx, schedule_id)
            schedule = schedule_store.with_state(existing, state, moment_of(tx.now))
            if schedule is not existing:
                tx.run("move_schedule", **_position(schedule))
            return schedule

    def delete(self, schedule_id: str) -> None:
        with self._database.write() as tx:
            self._get(tx, schedule_id)
            tx.run("delete_schedule", id=schedule_id)
            tx.run("delete_outcome", id=schedule_id)

    def fires(self, schedule_id: str, limit: int = 100) -> builtins.list[Fire]:
        with self._database.read() as tx:
            self._get(tx, schedule_id, _NO_LOCK)
            rows = tx.rows("list_fires", id=schedule_id, limit=max(0, limit))
        return [schedule_store.fire_of(row) for row in rows]

    def ledger(self, schedule_id: str) -> builtins.list[Fire]:
        with self._database.read() as tx:
            self._get(tx, schedule_id, _NO_LOCK)
            rows = tx.rows("ledger", id=schedule_id)
        return [schedule_store.fire_of(row) for row in rows]

    def backfill(
        self, schedule: Schedule, times: Sequence[datetime], max_parallel: int
    ) -> builtins.list[str]:
        if not times:
            return []

        def add(tx: Transaction) -> builtins.list[Fire]:
            # An expired record no longer holds its id.
            tx.run("delete_expired")
            if closed := closed_queue(tx):
                raise closed.error()
            current = self._get(tx, schedule.id)
            check_unedited(schedule, current)
            span = {"first": min(times).timestamp(), "last": max(times).timestamp()}
            rows = tx.rows("ledger_between", id=schedule.id, **span)
            ledger = [schedule_store.fire_of(row) for row in rows]
            step = fill(current, ledger, times, moment_of(tx.now), max_parallel)
            return self._record(tx, step.fires, {job.id: job for job in step.jobs})

        fires = self._database.run(add)
        return [fire.job_id for fire in fires if fire.job_id is not None]

    def next_fire_in(self) -> float | None:
        with self._database.read() as tx:
            (row,) = tx.rows("next_fire")
            now = tx.now
        if (row["last_processed_at"] or 0) > now + CLOCK_REWOUND.total_seconds():
            return 0.0
        return None if row["due_at"] is None else max(0.0, float(row["due_at"]) - now)

    def has_scheduler(self) -> bool:
        # Every worker fires here; nothing records a scheduler that runs without one.
        with self._database.read() as tx:
            return bool(tx.rows("beats"))

    def fire_due(self) -> FireBatch:
        return self._database.run(self._fire_due)

    def _fire_due(self, tx: Transaction) -> FireBatch:
        later = tx.now + CLOCK_REWOUND.total_seconds()
        # After the clock was set back these are not due for long, so they come first.
        rows = tx.rows("schedules_ahead", later=later, limit=FIRE_BATCH)
        if not rows:
            rows = tx.rows("due_schedules", limit=FIRE_BATCH)
        fires = self._fire(tx, rows) if rows else []
        return FireBatch(tuple(fires), len(rows))

    def _fire(self, tx: Transaction, rows: Sequence[Row]) -> builtins.list[Fire]:
        tx.run("delete_expired")
        schedules = [schedule_store.schedule_of(row) for row in rows]
        text, ids = in_list("id", [schedule.id for schedule in schedules])
        counts = tx.rows("count_active", {"ids": text}, **ids)
        active = {row["schedule_id"]: row["count"] for row in counts}
        fires: list[Fire] = []
        jobs: dict[str, JobSpec] = {}
        moved: list[Schedule] = []
        replacing: list[Decision] = []
        moment = moment_of(tx.now)
        for schedule in schedules:
            decision = decide(schedule, moment, active.get(schedule.id, 0))
            decision = decision or pause_unreadable(schedule)
            if decision is not None:
                fires += decision.fires
                jobs.update({job.id: job for job in decision.jobs})
                moved.append(replace(decision.schedule, revision=schedule.revision + 1))
                if decision.replaced:
                    replacing.append(decision)
        new_fires = self._record(tx, fires, jobs)
        _note_fires(tx, new_fires, {schedule.id: schedule for schedule in schedules}, moment)
        added = {fire.job_id for fire in new_fires}
        for decision in replacing:
            _replace_jobs(tx, decision, sum(job.id in added for job in decision.jobs))
        tx.run_many("move_schedule", [_position(schedule) for schedule in moved])
        for schedule in moved:
            # Trimming at every fire would cost more than the fire.
            if schedule.revision % 100 == 0:
                for query in ("trim_fires", "trim_spans"):
                    tx.run(query, id=schedule.id, kept=FIRES_KEPT - 1)
        return new_fires

    def _record(
        self, tx: Transaction, fires: Sequence[Fire], jobs: dict[str, JobSpec]
    ) -> builtins.list[Fire]:
        """Write rows of the ledger and add their jobs; return the fires that are new."""
        # `put_fire` changes no row that is enqueued already: that time gets no second job.
        written = tx.run_many("put_fire", [_fire_parameters(fire) for fire in fires])
        recorded = [fire for fire, count in zip(fires, written, strict=True) if count]
        job_ids = [fire.job_id for fire in recorded if fire.job_id is not None]
        added = insert_jobs(tx, [self._with_followers(jobs[job_id]) for job_id in job_ids])
        existing = {job_id for job_id, row in zip(job_ids, added, strict=True) if row is None}
        return [fire for fire in recorded if fire.job_id not in existing]


def _note_fires(
    tx: Transaction, fires: Sequence[Fire], schedules: Mapping[str, Schedule], moment: datetime
) -> None:
    """Count new fires, and store the events of those that were missed or are late."""
    counters, events = [], []
    for fire in fires:
        schedule = schedules[fire.schedule_id]
        counters.append(fire_counter(fire, schedule, moment))
        if event := fire_event(fire, schedule, moment):
            events.append(event)
    tx.count(added_up(counters))
    tx.run_many("add_event", events)


def _replace_jobs(tx: Transaction, decision: Decision, added: int) -> None:
    """Cancel the oldest active jobs of a schedule in favour of those that were `added`."""
    # A fire whose time had its job before, as after the clock was set back, replaces nothing.
    count = decision.replaced - (len(decision.jobs) - added)
    error = as_json(decision.replaced_error)
    rows = tx.rows("active_jobs", key=decision.schedule.id, count=max(0, count))
    cancel_jobs(tx, {row["id"]: status_of(row) for row in rows}, error)


def schedule_parameters(schedule: Schedule, spec: ScheduleSpec) -> dict[str, Any]:
    """The parameters of `put_schedule`."""
    return {
        "pipeline": schedule.pipeline,
        "definition": spec.definition(),
        "origin": spec.origin,
        "created_at": schedule.created_at.timestamp(),
        **_position(schedule),
    }


def _position(schedule: Schedule) -> dict[str, Any]:
    columns = {name: getattr(schedule, name) for name in ("id", "state", "revision")}
    return {**columns, **schedule_store.position(schedule)}


def _fire_parameters(fire: Fire) -> dict[str, Any]:
    columns = {name: getattr(fire, name) for name in ("outcome", "reason", "count", "job_id")}
    times = {name: seconds_of(getattr(fire, name)) for name in ("fire_time", "last_time")}
    return {**columns, **times, "id": fire.schedule_id}
