"""Schedules in Redis: read, decided on, and written if nothing has changed meanwhile."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flowerpower.job_queue import schedule_store
from flowerpower.job_queue.backfill import check_unedited, fill
from flowerpower.job_queue.records import as_json, moment_of
from flowerpower.job_queue.rq.fields import flat_of, ids_of, pairs_of, present, stamp_of, text_of
from flowerpower.job_queue.rq.ledger import RedisLedger, schedule_of, schedules_of
from flowerpower.job_queue.rq.store import RedisStore, closed_error
from flowerpower.job_queue.schedule_store import FIRE_BATCH, FIRES_KEPT, FireBatch, ScheduleStore
from flowerpower.job_queue.scheduling import CLOCK_REWOUND, decide, pause_unreadable
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.schedule import Fire, Schedule, ScheduleSpec, ScheduleState
from flowerpower.text import SCHEDULE_ID_LIMIT, is_name


class RedisSchedules(ScheduleStore):
    """Schedules of one namespace in a Redis, beside its jobs; see `ScheduleStore`."""

    def __init__(self, store: RedisStore, with_followers: Callable[[JobSpec], JobSpec]) -> None:
        self._store = store
        self._ledger = RedisLedger(store, with_followers)
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
        return schedule_of(schedule_id, fields) if fields else None

    def get(self, schedule_id: str) -> Schedule:
        if is_name(schedule_id, SCHEDULE_ID_LIMIT):
            ids = [schedule_id]
            for schedule in schedules_of(ids, self._run("list_schedules", ids=ids)):
                return schedule
        known = self._store.command("zrange", self._key("schedules"), 0, 999)
        raise schedule_store.schedule_not_found(schedule_id, ids_of(known))

    def list(self) -> builtins.list[Schedule]:
        pages = self._store.pages("schedules")
        return [
            schedule
            for page in pages
            for schedule in schedules_of(page, self._run("list_schedules", ids=page))
        ]

    def upcoming(self, limit: int) -> builtins.list[Schedule]:
        if limit < 1:
            return []
        ids = ids_of(self._store.command("zrange", self._key("due"), 0, limit - 1))
        return schedules_of(ids, self._run("list_schedules", ids=ids)) if ids else []

    def count(self) -> int:
        return int(self._store.command("zcard", self._key("schedules")))

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
        return self._ledger.latest(schedule_id, limit)

    def ledger(self, schedule_id: str) -> builtins.list[Fire]:
        self.get(schedule_id)
        return self._ledger.between(schedule_id, None, None)

    def backfill(
        self, schedule: Schedule, times: Sequence[datetime], max_parallel: int
    ) -> builtins.list[str]:
        if not times:
            return []
        while True:
            current = self.get(schedule.id)
            check_unedited(schedule, current)
            first, last = min(times).timestamp(), max(times).timestamp()
            ledger = self._ledger.between(schedule.id, first, last)
            step = fill(current, ledger, times, self._now(), max_parallel)
            new_jobs = self._store.new_jobs()
            written = self._run(
                "backfill",
                id=schedule.id,
                seen=str(current.revision),
                revision=str(current.revision + 1),
                fires=self._ledger.to_write(step.fires, step.jobs, new_jobs),
                kinds=new_jobs.kinds,
            )
            if isinstance(written, bytes):
                raise closed_error(written)
            # Nothing: the schedule has changed meanwhile.
            if written is not None:
                return [
                    fire.job_id
                    for fire, is_new in zip(step.fires, written, strict=True)
                    if is_new and fire.job_id is not None
                ]

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
        new_jobs = self._store.new_jobs()
        for name, flat, active in due:
            fields = pairs_of(flat)
            schedule = schedule_of(name.decode("ascii", "replace"), fields)
            decision = decide(schedule, moment, int(active)) or pause_unreadable(schedule)
            if decision is None:
                continue
            decisions.append({
                "id": schedule.id,
                "seen": text_of(fields.get(b"revision")) or "0",
                "active": int(active),
                "fires": self._ledger.to_write(
                    decision.fires, decision.jobs, new_jobs, (schedule, moment)
                ),
                "jobs": len(decision.jobs),
                "replaced": decision.replaced,
                "error": as_json(decision.replaced_error) if decision.replaced else None,
                "moved": _moved(replace(decision.schedule, revision=schedule.revision + 1)),
            })  # fmt: skip
            fires.append(decision.fires)
        if not decisions:
            return FireBatch((), len(due))
        answers = self._run("fire", decisions=decisions, kept=FIRES_KEPT, kinds=new_jobs.kinds)
        # The answer for a schedule that has changed meanwhile is empty.
        new_fires = [
            fire
            for decided, answer in zip(fires, answers, strict=True)
            for fire, is_new in zip(decided, answer, strict=False)
            if is_new
        ]
        return FireBatch(tuple(new_fires), len(due))


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
