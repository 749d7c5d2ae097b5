"""The ledger of schedules in Redis: rows of fires both ways, and what became of their jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flowerpower.job_queue import schedule_store
from flowerpower.job_queue.backfill import BACKFILL
from flowerpower.job_queue.observing import fire_counter, fire_event
from flowerpower.job_queue.records import Row, json_object, seconds_of
from flowerpower.job_queue.rq.fields import (
    DEFERRED,
    STATUSES,
    columns,
    pairs_of,
    present,
    stamp_of,
    text_in_hash,
    text_of,
)
from flowerpower.job_queue.rq.new_jobs import NewJobs
from flowerpower.job_queue.rq.observing import key_of
from flowerpower.job_queue.rq.store import PAGE, RedisStore
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.schedule import Fire, Outcome, Schedule

_TEXTS = ("pipeline", "definition", "state", "origin", "last_status")
_NUMBERS = ("created_at", "anchor", "next_fire", "due_at", "last_fire")
_COUNTS = ("revision", "failures")
_FIRE_COLUMNS = ("reason", "count", "job_id", "recorded_at", "last_time")
_SETS = ("fires", "spans", "backfills")


class RedisLedger:
    """The rows of the ledger of each schedule in one namespace; see lua/concurrency.lua.

    `with_followers` gives the jobs of fires the followers that the project declares.
    """

    def __init__(self, store: RedisStore, with_followers: Callable[[JobSpec], JobSpec]) -> None:
        self._store = store
        self._with_followers = with_followers

    def latest(self, schedule_id: str, limit: int) -> list[Fire]:
        """The latest rows, the latest first, each with what became of its job."""
        if limit < 1:
            return []
        times = [
            time
            for name in _SETS
            for time in self._store.command("zrevrange", self._key(name, schedule_id), 0, limit - 1)
        ]
        fires = self._rows(schedule_id, sorted(times, key=float, reverse=True)[:limit])
        return self._with_jobs(schedule_id, fires)

    def between(self, schedule_id: str, first: float | None, last: float | None) -> list[Fire]:
        """The rows of fires from `first` to `last`, in order, and the ones just before."""
        times: list[bytes] = []
        bounds = ("-inf" if first is None else first, "+inf" if last is None else last)
        for name in _SETS:
            key = self._key(name, schedule_id)
            times += self._store.command("zrangebyscore", key, *bounds)
            if first is not None:
                times += self._store.command("zrevrangebyscore", key, f"({first}", "-inf", 0, 1)
        return self._rows(schedule_id, sorted(set(times), key=float))

    def _key(self, name: str, schedule_id: str) -> str:
        return self._store.key(name, schedule_id)

    def _rows(self, schedule_id: str, times: Sequence[bytes]) -> list[Fire]:
        fires: list[Fire] = []
        for start in range(0, len(times), PAGE):
            page = times[start : start + PAGE]
            texts = self._store.command("hmget", self._key("fire", schedule_id), page)
            fires += [
                schedule_store.fire_of(_fire_row(schedule_id, time, text))
                for time, text in zip(page, texts, strict=True)
            ]
        return fires

    def _with_jobs(self, schedule_id: str, fires: Sequence[Fire]) -> list[Fire]:
        if not fires:
            return []
        times = [stamp_of(fire.fire_time.timestamp()) for fire in fires]
        ended = self._store.command("hmget", self._key("ended", schedule_id), times)
        ids = [fire.job_id or "" for fire in fires]
        jobs = self._store.run("list_jobs", ids=ids, fields=["status", "fp_error"])
        found: list[Fire] = []
        for fire, ended_as, (values, _) in zip(fires, ended, jobs, strict=True):
            status, error = values or (None, None)
            job_status = status_of_word(status or ended_as)
            found.append(replace(fire, job_status=job_status, job_error=json_object(error)))
        return found

    def to_write(
        self,
        fires: Sequence[Fire],
        jobs: Sequence[JobSpec],
        new_jobs: NewJobs,
        observed: tuple[Schedule, datetime] | None = None,
    ) -> list[dict[str, Any]]:
        """The rows, and their jobs among `new_jobs`, as `write_fires` of the scripts takes them.

        With the counters and events of fires of the schedule that are made at that time.
        """
        jobs_by_id = {job.id: job for job in jobs}
        entries = []
        for fire in fires:
            row = {name: getattr(fire, name) for name in ("outcome", *_FIRE_COLUMNS)}
            row |= {name: seconds_of(getattr(fire, name)) for name in ("recorded_at", "last_time")}
            time = stamp_of(fire.fire_time.timestamp())
            entry: dict[str, Any] = {"time": time, "row": json.dumps(row), "set": set_of(row)}
            if fire.job_id in jobs_by_id:
                job = self._with_followers(jobs_by_id[fire.job_id])
                entry["job"] = new_jobs.as_sent(job)
            if observed is not None:
                counter = fire_counter(fire, *observed)
                entry["counter"] = {
                    "key": key_of(counter),
                    "count": counter.count,
                    "seconds": counter.seconds,
                }
                entry |= present({"event": fire_event(fire, *observed)})
            entries.append(entry)
        return entries


def schedule_of(
    schedule_id: str,
    fields: Mapping[bytes, bytes],
    latest: bytes = b"",
    ended: bytes = b"",
    status: bytes = b"",
) -> Schedule:
    """The schedule in a hash.

    `latest` is the latest row of its ledger; `ended` and `status` are how the job of that fire
    ended, and what it is now, in RQ's words.
    """
    row = {**row_of_schedule(schedule_id, fields)}
    outcome = (json_object(latest) or {}).get("outcome")
    if outcome in (None, Outcome.ENQUEUED, "made"):
        known = status_of_word(status or ended) or row["last_status"]
        row["last_outcome"] = known or (outcome and Outcome.ENQUEUED.value)
    else:
        row["last_outcome"] = str(outcome)
    return schedule_store.schedule_of(row)


def set_of(row: Row) -> str:
    """The set that a row of the ledger is in.

    They are trimmed apart, so that many fires push out no misses, and nothing a backfill's rows.
    """
    if row["count"] > 1:
        return "spans"
    return "backfills" if row["reason"] == BACKFILL else "fires"


def row_of_schedule(schedule_id: str, fields: Mapping[bytes, bytes]) -> Row:
    """The record of a schedule in a hash, with `last_status` of its jobs and their `failures`."""
    row = columns(fields, "", texts=_TEXTS, numbers=_NUMBERS, counts=_COUNTS)
    return {**row, "id": schedule_id, **{name: row[name] or 0 for name in _COUNTS}}


def fields_of_schedule(row: Row) -> dict[str, Any]:
    """The hash of a schedule that comes from another queue; `row_of_schedule` reads it again.

    Raises:
        LookupError: if the row has a column that no field holds.
    """
    known = (*_TEXTS, *_NUMBERS, *_COUNTS)
    if unknown := sorted(row.keys() - {*known, "id"}):
        raise LookupError(f"a schedule in Redis has no field for {', '.join(unknown)}")
    return {name: text_in_hash(row[name]) for name in known}


def schedules_of(ids: Sequence[str], answers: Sequence[Any]) -> list[Schedule]:
    """The schedules that exist of an answer of lua/list_schedules.lua."""
    return [
        schedule_of(schedule_id, pairs_of(flat), *latest)
        for schedule_id, (flat, *latest) in zip(ids, answers, strict=True)
        if flat
    ]


def status_of_word(word: bytes | None) -> str | None:
    """The status of a fire's job in our words, None for an empty one; failed if it is unknown."""
    text = text_of(word)
    if text == DEFERRED:
        # It has no parents, so it waits for other jobs of its schedule.
        return JobStatus.SCHEDULED.value
    return STATUSES.get(text, JobStatus.FAILED).value if text else None


def _fire_row(schedule_id: str, time: bytes, text: bytes | None) -> Row:
    content = json_object(text) or {}
    # What earlier versions called it.
    outcome = "enqueued" if content.get("outcome") == "made" else content.get("outcome")
    row = {name: content.get(name) for name in _FIRE_COLUMNS}
    return {**row, "schedule_id": schedule_id, "fire_time": float(time), "outcome": outcome}
