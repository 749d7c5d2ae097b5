"""What Redis says of its queues: their state at one moment, counters and events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flowerpower.job_queue import records
from flowerpower.job_queue.observing import events_of, job_facts, latest_changes
from flowerpower.job_queue.records import Row, moment_of
from flowerpower.job_queue.rq.fields import STATUSES, ids_of, text_of
from flowerpower.job_queue.rq.store import PAGE, RedisStore
from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.counter import Counter, CounterKind
from flowerpower.jobs.event import Event
from flowerpower.jobs.job import Job, JobStatus, json_value
from flowerpower.jobs.snapshot import ChangedJobs, QueueState, Snapshot
from flowerpower.text import is_job_id
from flowerpower.triggers import clock

_COUNTED = (JobStatus.WAITING, JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RUNNING,
            JobStatus.FINISHED, JobStatus.FAILED, JobStatus.CANCELLED)  # fmt: skip
"""The statuses of the numbers in an answer of lua/snapshot.lua, in their order."""
_LATEST = 2.5e11
"""Seconds since 1970: in the year 9892. A Python datetime ends soon after."""


def snapshot(store: RedisStore, workers: list[WorkerInfo], limit: int) -> Snapshot:
    """The state of all queues, with up to `limit` running and as many failed jobs."""
    queues, running, failed, time = store.run("snapshot", limit=max(0, limit))
    states = [_state_of(*answer) for answer in queues]
    now = float(time)

    def jobs(ids: list[bytes]) -> list[Job]:
        names = [job_id.decode("utf-8", "replace") for job_id in ids]
        return [records.job_of(row, now) for row in store.rows_of(names)] if names else []

    return Snapshot(
        moment_of(now),
        {state.name: state for state in sorted(states, key=lambda state: state.name)},
        jobs(running),
        jobs(failed),
        workers,
    )


def _state_of(name: bytes, *answer: Any) -> QueueState:
    counts = dict(zip(_COUNTED, map(int, answer), strict=False))
    blocked, oldest, paused = answer[len(_COUNTED) :]
    return QueueState(
        name.decode("utf-8", "replace"),
        counts,
        int(blocked),
        moment_of(float(oldest)) if oldest else None,
        _paused_at(paused) if paused else None,
    )


def _paused_at(value: bytes) -> datetime:
    # After it stands the token of the call that has paused it.
    return moment_of(float(value.split()[0]))


def changed_jobs(store: RedisStore, since: datetime | None, limit: int) -> ChangedJobs:
    """The jobs that run, and those that were added, started or have ended since then."""
    after = 0.0 if since is None else since.timestamp()
    ids, time = store.run("changed_jobs", since=after, limit=max(0, limit))
    names = list(dict.fromkeys(job_id.decode("utf-8", "replace") for job_id in ids))
    now, jobs = float(time), []
    for start in range(0, len(names), PAGE):
        jobs += [records.job_of(row, now) for row in store.rows_of(names[start : start + PAGE])]
    return ChangedJobs(moment_of(now), latest_changes(jobs, since, limit))


def children_of(store: RedisStore, job_ids: Sequence[str], limit: int) -> list[Job]:
    """As `JobQueueBackend.children_of`."""
    parents = {job_id for job_id in job_ids if is_job_id(job_id)}
    names = ids_of(store.run("children_of", ids=sorted(parents))) if parents else []
    now, jobs = clock.now().timestamp(), []
    ids = list(dict.fromkeys(names))
    for start in range(0, len(ids), PAGE):
        rows = store.rows_of(ids[start : start + PAGE])
        jobs += [job for row in rows if parents & (job := records.job_of(row, now)).after.keys()]
    return sorted(jobs, key=lambda job: (job.created_at, job.id))[: max(0, limit)]


def paused_queues(store: RedisStore) -> dict[str, datetime]:
    """Since when each paused queue is paused."""
    paused = store.command("hgetall", store.key("paused"))
    return {name.decode("utf-8", "replace"): _paused_at(value) for name, value in paused.items()}


def key_of(counter: Counter) -> str:
    """The field of a counter; none of its parts has a blank."""
    return " ".join(map(str, counter.key))


def counters(store: RedisStore) -> list[Counter]:
    """All counters, in the order of their keys."""
    counts, seconds, waited = (
        store.command("hgetall", store.key(name))
        for name in ("counters", "counter_seconds", "counter_waited")
    )
    found: list[Counter] = []
    for field, count in counts.items():
        kind, pipeline, outcome, bucket, waited_bucket = field.decode().split(" ")
        if kind == CounterKind.JOB:
            outcome = STATUSES.get(outcome, JobStatus.FAILED).value
        sums = float(seconds.get(field, 0)), float(waited.get(field, 0))
        key = (CounterKind(kind), pipeline, outcome, int(bucket), int(waited_bucket))
        found.append(Counter(*key, int(count), *sums))
    return sorted(found, key=lambda counter: counter.key)


def events(store: RedisStore, limit: int) -> list[Event]:
    """The oldest events."""
    if limit < 1:
        return []
    entries = store.command("zrange", store.key("events_at"), 0, limit - 1, False, True)
    ids = [event_id for event_id, _ in entries]
    bodies = store.command("hmget", store.key("events"), ids) if ids else []
    rows = [
        _event_row(text_of(event_id) or "", at, text_of(body) or "")
        for (event_id, at), body in zip(entries, bodies, strict=True)
    ]
    return list(events_of(rows))


def _event_row(event_id: str, at: float, body: str) -> Row:
    """An event as SQL has it: of a job the script has only written fields of its record."""
    facts = records.json_object(body) or {}
    if (kind := facts.get("kind")) is not None:
        row = {name: facts.get(name) or None for name in ("pipeline", "schedule_id", "id")}
        # They come from the job's record, which may be damaged.
        row["scheduled_for"] = _number(facts.get("scheduled_for"))
        attempt = int(_number(facts.get("attempt")) or 0)
        row |= {"attempt": attempt, "error": records.as_json(facts.get("error"))}
        more = {name: facts[name] for name in ("reason", "failing_since") if name in facts}
        if "failing_since" in more:
            more["failing_since"] = json_value(moment_of(float(more["failing_since"])))
        body = json.dumps({**job_facts(row, facts.get("seconds")), **more})
    kind = event_id.partition(":")[0] if kind is None else kind
    return {"id": event_id, "kind": kind, "at": at, "body": body}


def _number(text: object) -> float | None:
    """The number in a field; None if there is none that could be a time or a count."""
    try:
        number = float(str(text))
    except ValueError:
        return None
    return number if 0 <= number < _LATEST else None
