"""Requests to run a pipeline as a job, as data, and what is checked of them."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowerpower.config.overrides import RunOverrides
from flowerpower.config.queue_settings import DEFAULT_QUEUE, MAX_PRIORITY
from flowerpower.errors import FlowerpowerError, InvalidTime, UsageError
from flowerpower.jobs.chain import AfterCondition, check_after
from flowerpower.jobs.inputs import encode_input
from flowerpower.jobs.job import (
    BACKFILL_SUFFIX,
    PAYLOAD_VERSION,
    Job,
    check_again,
)
from flowerpower.text import check_job_id, check_name, shortened
from flowerpower.triggers import clock


@dataclass(frozen=True)
class JobSpec:
    """A request to run a pipeline: its *name* and data, never code.

    `result_ttl` is in seconds (0: no result is kept, -1: as long as the record); None means the
    project's setting. `scheduled_for` is the nominal time of the fire that made the job. Of the
    due jobs in a queue those with a higher `priority` run first. A job that has waited in its queue
    for more than `expires` seconds since it was due is cancelled; None means that it waits for as
    long as it takes. With `max_parallel` it is blocked, and so not due, until fewer than so many
    jobs of its `concurrency_key` that are not blocked have not ended. `is_backfill` says that it
    was made for a past fire. It waits for the jobs `after` (their ids), until all of them have
    ended as `after_on` says: see `flowerpower.jobs.chain`. Of those that are `unique` and ask for
    the same (`unique_key`) only one is added while it has not ended. The `followers` are children
    that are added in the same step, if the job itself is new. `project_version` is the version of a
    remote project that is to run; without one a worker runs the newest.

    Raises InvalidName, InvalidTime, InvalidInputs or UsageError, naming what is not valid.
    """

    pipeline: str
    overrides: RunOverrides = field(default_factory=RunOverrides)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    queue: str = DEFAULT_QUEUE
    run_at: datetime | None = None
    result_ttl: float | None = None
    schedule_id: str | None = None
    scheduled_for: datetime | None = None
    priority: int = 0
    expires: float | None = None
    max_parallel: int | None = None
    is_backfill: bool = False
    after: tuple[str, ...] = ()
    after_on: AfterCondition = AfterCondition.SUCCESS
    unique: bool = False
    followers: tuple[JobSpec, ...] = ()
    project_version: str | None = None

    def __post_init__(self) -> None:
        check_job_id(self.id)
        for name, moment in (("run_at", self.run_at), ("scheduled_for", self.scheduled_for)):
            if moment is not None and moment.tzinfo is None:
                raise InvalidTime(f"{name} is {moment.isoformat()}, which has no UTC offset.")
        check_request(self.pipeline, self.queue, self.result_ttl, self.overrides)
        check_order(self.priority, self.expires)
        if not self.after:
            return
        check_after(self.id, self.after)
        if self.max_parallel is not None:
            raise UsageError("A job cannot wait for its schedule's other jobs and for parents too.")

    @property
    def unique_key(self) -> str | None:
        """What it asks for, as a digest: its pipeline and overrides; None if it is not unique."""
        if not self.unique:
            return None
        # How a value was written, and where its schedule was declared, does not change a run.
        overrides = self.overrides.with_changes(written={}, declared=None)
        request = [self.pipeline, overrides_json(overrides)]
        return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()

    @property
    def concurrency_key(self) -> str | None:
        """What the jobs share that count for its `max_parallel`; None if it is of no schedule."""
        # Jobs of a backfill do not count for `max_instances`, nor fires for a backfill.
        if self.schedule_id is None or not self.is_backfill:
            return self.schedule_id
        return f"{self.schedule_id}{BACKFILL_SUFFIX}"

    def payload(self) -> dict[str, Any]:
        """What a store keeps beside its columns: JSON with a version."""
        version = {"project_version": self.project_version} if self.project_version else {}
        return {
            "v": PAYLOAD_VERSION,
            "pipeline": self.pipeline,
            "overrides": overrides_json(self.overrides),
            **version,
        }


def check_request(
    pipeline: str, queue: str, result_ttl: float | None, overrides: RunOverrides
) -> None:
    """Raise what a JobSpec raises, for what schedules have too; overrides must name no code."""
    check_name("name of a pipeline", pipeline)
    check_name("name of a queue", queue)
    if result_ttl is not None:
        check_ttl("result_ttl", result_ttl)
    for part in ("inputs", "overrides", "config"):
        if values := getattr(overrides, part):
            encode_input(values, part)
    if overrides.names_code is not None:
        raise UsageError(
            f"A job names no code, so it cannot carry {overrides.names_code}.",
            hint="Write it under run.adapter.custom in the pipeline's YAML.",
        )


def check_ttl(name: str, seconds: float) -> None:
    """Raise UsageError if a time to live is neither -1 nor between 0 and a hundred years."""
    if seconds != -1 and not 0 <= seconds <= clock.MAX_DURATION:
        raise UsageError(f"{name} is {seconds}: expected -1, or 0 seconds to 100 years.")


def check_order(priority: int, expires: float | None) -> None:
    """Raise UsageError if a priority is out of range, or `expires` leaves no time to wait."""
    # Callers' code is not type-checked: True and 1.5 are numbers too.
    if not (type(priority) is int and -MAX_PRIORITY <= priority <= MAX_PRIORITY):
        raise UsageError(
            f"priority is {shortened(repr(priority), 40)}: expected a whole number from "
            f"-{MAX_PRIORITY} to {MAX_PRIORITY}."
        )
    if expires is not None and not 0 < expires <= clock.MAX_DURATION:
        raise UsageError(f"expires is {expires:g}: expected more than 0 seconds, up to 100 years.")


def overrides_json(overrides: RunOverrides) -> dict[str, Any]:
    """The overrides as a JSON object, which `RunOverrides.model_validate` reads.

    Raises:
        InvalidInputs: with the key path of the first value that cannot be written.
    """
    body = overrides.settings
    for part in ("inputs", "overrides", "config"):
        if values := body.pop(part, None):
            body[part] = encode_input(values, part)
    return body


def overrides_of(payload: object) -> RunOverrides:
    """The caller's overrides in a stored payload; a FlowerpowerError says why there are none."""
    if not isinstance(payload, Mapping) or "v" not in payload:
        raise FlowerpowerError("The job's record is damaged: its payload cannot be read.")
    if payload["v"] != PAYLOAD_VERSION:
        raise FlowerpowerError(
            f"The job was made by another version of flowerpower (payload {payload['v']!r}, "
            f"this one reads {PAYLOAD_VERSION})."
        )
    try:
        overrides = RunOverrides.model_validate(payload.get("overrides", {}))
    except ValueError as error:
        raise FlowerpowerError(f"The job's record is damaged: {error}") from None
    # `check_request` ran in the caller's process; whoever can write to the backend can forge
    # a payload, so the worker checks again.
    if overrides.names_code is not None:
        raise FlowerpowerError("The job's record names code to import; it is not run.")
    return overrides


def checked_overrides(payload: object) -> dict[str, Any]:
    """The overrides in a stored payload as JSON, checked as `overrides_of` does; raises as it."""
    # Most jobs change nothing but plain inputs: then nothing would come out differently, and to
    # make the overrides and write them again takes longer than all the rest of a request.
    if isinstance(payload, dict) and payload.get("v") == PAYLOAD_VERSION:
        overrides = payload.get("overrides")
        if type(overrides) is dict and overrides.keys() == {"inputs"}:
            inputs = overrides["inputs"]
            if inputs and type(inputs) is dict and all(map(_is_plain, inputs.values())):
                return overrides
    return overrides_json(overrides_of(payload))


def _is_plain(value: object) -> bool:
    """Whether `encode_input` gives just this for a value that was read from JSON."""
    if type(value) is int or type(value) is float:
        # Neither a very long number, nor NaN or infinite.
        return -(2.0**64) < value < 2.0**64
    return value is None or type(value) is str or type(value) is bool


def version_of(payload: object) -> str | None:
    """The version of a remote project that a stored payload names, if any; it may be any text."""
    version = payload.get("project_version") if isinstance(payload, dict) else None
    return None if version is None else str(version)


def spec_of_again(job: Job, job_id: str) -> JobSpec:
    """A request to run an ended job once more, as a new job with that id, due at once.

    It has the same parents, whose ids its run may take; it waits only for one that runs again.

    Raises:
        Refused: if it has not ended.
        FlowerpowerError: if its record is damaged.
    """
    check_again(job.id, job.status)
    return JobSpec(
        pipeline=job.pipeline,
        overrides=overrides_of(job.payload),
        id=job_id,
        queue=job.queue,
        result_ttl=job.result_ttl,
        schedule_id=job.schedule_id,
        scheduled_for=job.scheduled_for,
        priority=job.priority,
        expires=job.expires,
        max_parallel=job.max_parallel,
        is_backfill=job.is_backfill,
        after=tuple(job.after),
        after_on=AfterCondition.END,
        unique=job.unique_key is not None,
    )
