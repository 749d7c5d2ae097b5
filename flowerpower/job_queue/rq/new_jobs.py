"""New jobs as the scripts take them, and as callers get them once they are added."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flowerpower.job_queue.records import moment_of, seconds_of
from flowerpower.job_queue.rq.fields import (
    DEFERRED,
    STATUSES,
    expired_error,
    flat_of,
    present,
    record_of,
    stamp_of,
)
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.job_spec import JobSpec

KINDS_KEPT = 100


class KindsOfJobs:
    """What jobs of a namespace have in common, by what their requests have in common.

    `result_ttl` is the project's. A process that adds many jobs adds few kinds of them, so a kind
    is made once, and KINDS_KEPT of them are kept.
    """

    def __init__(self, namespace: str, result_ttl: float) -> None:
        self._namespace = namespace
        self._result_ttl = result_ttl
        self._kinds: dict[tuple[Any, ...], Kind] = {}

    def of(self, spec: JobSpec) -> Kind:
        """The kind of a job."""
        key = (
            spec.pipeline, spec.queue, spec.result_ttl, spec.schedule_id, spec.scheduled_for,
            spec.priority, spec.concurrency_key, spec.max_parallel, spec.expires,
        )  # fmt: skip
        if (kind := self._kinds.get(key)) is None:
            if len(self._kinds) >= KINDS_KEPT:
                self._kinds.clear()
            result_ttl = self._result_ttl if spec.result_ttl is None else spec.result_ttl
            kind = self._kinds[key] = Kind(spec, self._namespace, result_ttl)
        return kind


class Kind:
    """What jobs of a kind have in common: `sent`, as lua/adding.lua takes it, and `as_added`.

    The latter are the fields of such a job as callers get it. Of an `is_plain` kind no job is
    blocked or becomes too old.
    """

    def __init__(self, spec: JobSpec, namespace: str, result_ttl: float) -> None:
        self.sent = present({
            "queue": spec.queue,
            "priority": spec.priority,
            "concurrency_key": spec.concurrency_key,
            "max_parallel": spec.max_parallel,
            "expires": spec.expires,
            "fields": flat_of(record_of(spec, namespace, result_ttl)),
        })  # fmt: skip
        self.is_plain = spec.expires is None and spec.concurrency_key is None
        # To the microsecond, as the hash has it.
        scheduled_for = stamp_of(seconds_of(spec.scheduled_for))
        job = Job(
            id="",
            pipeline=spec.pipeline,
            queue=spec.queue,
            status=JobStatus.QUEUED,
            created_at=moment_of(0),
            run_at=moment_of(0),
            schedule_id=spec.schedule_id,
            scheduled_for=moment_of(float(scheduled_for)) if scheduled_for else None,
            priority=spec.priority,
            result_ttl=float(result_ttl),
            expires=None if spec.expires is None else float(spec.expires),
            concurrency_key=spec.concurrency_key,
            max_parallel=spec.max_parallel,
        )
        self.as_added = vars(job)


class NewJobs:
    """The jobs of one call of a script, which gets their `kinds` too.

    A job names its kind by its number there, from 1 on.
    """

    def __init__(self, known: KindsOfJobs) -> None:
        self._known = known
        self._numbers: dict[Kind, int] = {}

    @property
    def kinds(self) -> list[dict[str, Any]]:
        """The kinds in the order of their numbers."""
        return [kind.sent for kind in self._numbers]

    def alike(self, specs: Sequence[JobSpec]) -> list[str] | None:
        """Id, payload, id, payload … of jobs that lua/add_jobs.lua takes so.

        None if they are not of one kind, or have more of their own. What is said once for all of
        them costs client and Redis half of what it would cost for each.
        """
        kind = self._known.of(specs[0])
        flat: list[str] = []
        for spec in specs:
            has_more = spec.run_at is not None or spec.unique or spec.after or spec.followers
            if has_more or self._known.of(spec) is not kind:
                return None
            flat += (spec.id, json.dumps(spec.payload()))
        if not kind.is_plain:
            return None
        self._numbers[kind] = 1
        return flat

    def as_sent(self, spec: JobSpec) -> dict[str, Any]:
        """A job as `add_job` in lua/adding.lua takes it."""
        number = self._numbers.setdefault(self._known.of(spec), len(self._numbers) + 1)
        job = {"id": spec.id, "kind": number, "payload": json.dumps(spec.payload())}
        if spec.run_at is not None:
            job["run_at"] = seconds_of(spec.run_at)
        more: dict[str, Any] = {}
        if (unique_key := spec.unique_key) is not None:
            job["unique_key"] = more["fp_unique_key"] = unique_key
        if spec.expires is not None:
            more["fp_expired_error"] = expired_error(spec.id, spec.pipeline, spec.expires)
        if more:
            job["more"] = flat_of(more)
        if spec.after:
            job |= {"after": list(spec.after), "after_on": spec.after_on}
        if spec.followers:
            job["followers"] = [self.as_sent(follower) for follower in spec.followers]
        return job

    def as_added(
        self, spec: JobSpec, payload: str, set_fields: Sequence[Any], unique_key: str | None = None
    ) -> Job:
        """What `get_job` would give of a job that is new, and has no parents.

        `payload` and `unique_key` are those that were sent, `set_fields` those that lua/adding.lua
        has set: status, run_at, created_at, start_by.
        """
        status, run_at, created_at, start_by = set_fields
        is_blocked = status == DEFERRED
        # Not `dataclasses.replace`: to set each field by itself takes longer than all else here.
        job = object.__new__(Job)
        vars(job).update(
            self._known.of(spec).as_added,
            id=spec.id,
            status=JobStatus.SCHEDULED if is_blocked else STATUSES[status],
            created_at=moment_of(float(created_at)),
            run_at=moment_of(float(run_at)),
            payload=json.loads(payload),
            start_by=moment_of(float(start_by)) if start_by else None,
            blocked=is_blocked,
            unique_key=unique_key,
            after={},
            attempts=[],
        )
        return job
