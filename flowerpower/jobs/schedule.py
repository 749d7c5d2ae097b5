"""Schedules as data: a request (ScheduleSpec), its record (Schedule), and its fires."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from flowerpower.config.overrides import RunOverrides
from flowerpower.config.queue_settings import DEFAULT_QUEUE
from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower.jobs.job import PAYLOAD_VERSION, json_value
from flowerpower.jobs.job_spec import JobSpec, check_order, check_request, overrides_json
from flowerpower.text import SCHEDULE_ID_LIMIT, check_name, did_you_mean, shortened
from flowerpower.triggers import clock
from flowerpower.triggers.base import Trigger
from flowerpower.triggers.make import trigger_from_json

MAX_INSTANCES = 1000
_SETTINGS = ("queue", "result_ttl", "misfire_grace_time", "coalesce", "max_instances")
_LATER_SETTINGS: dict[str, Any] = {
    "priority": 0,
    "expires": None,
    "overlap": "skip",
    "enabled": True,
}
"""Settings that definitions of earlier versions lack, and their defaults."""


class ScheduleState(StrEnum):
    """Whether a schedule fires; it is done once its trigger has no more fires."""

    ACTIVE = "active"
    PAUSED = "paused"
    DONE = "done"


class Origin(StrEnum):
    """Who made a schedule: the command line, Python, or a pipeline's YAML."""

    CLI = "cli"
    API = "api"
    CONFIG = "config"


class Outcome(StrEnum):
    """The outcome of a fire."""

    ENQUEUED = "enqueued"
    SKIPPED = "skipped"
    """Too many jobs of the schedule were running."""
    MISSED = "missed"
    """No scheduler was running at that time."""


class Overlap(StrEnum):
    """What a fire does that finds `max_instances` jobs of its schedule not ended."""

    SKIP = "skip"
    """It adds no job."""
    QUEUE = "queue"
    """Its job waits until one of them has ended."""
    REPLACE = "replace"
    """The oldest of them is cancelled; its job runs once that has ended."""

    @classmethod
    def of(cls, text: str) -> Overlap:
        """The policy of that name; UsageError if there is none."""
        try:
            return cls(text)
        except ValueError:
            name, known = shortened(str(text), 40), [policy.value for policy in cls]
            raise UsageError(
                f"overlap is {name!r}: expected {', '.join(known)}.{did_you_mean(name, known)}"
            ) from None


@dataclass(frozen=True)
class ScheduleSpec:
    """A trigger and the job to make at each of its fires; data only, like a JobSpec.

    With `id` None the backend gives the pipeline's next number. `misfire_grace_time` is in
    seconds, None for no limit. An interval without a start counts from when the schedule is added.
    One that is not `enabled` has no fires: YAML has switched it off, which is not a pause.
    Raises InvalidName, InvalidInputs or UsageError, naming what is not valid.
    """

    pipeline: str
    trigger: Trigger
    overrides: RunOverrides = field(default_factory=RunOverrides)
    id: str | None = None
    queue: str = DEFAULT_QUEUE
    result_ttl: float | None = None
    misfire_grace_time: float | None = None
    coalesce: bool = True
    max_instances: int = 1
    origin: Origin = Origin.API
    priority: int = 0
    expires: float | None = None
    overlap: Overlap = Overlap.SKIP
    enabled: bool = True

    def __post_init__(self) -> None:
        if self.id is not None:
            check_name("id of a schedule", self.id, SCHEDULE_ID_LIMIT)
        check_request(self.pipeline, self.queue, self.result_ttl, self.overrides)
        check_order(self.priority, self.expires)
        if self.misfire_grace_time is not None:
            clock.parse_duration(self.misfire_grace_time)
        if not 1 <= self.max_instances <= MAX_INSTANCES:
            raise UsageError(
                f"max_instances is {self.max_instances}: expected 1 to {MAX_INSTANCES}."
            )

    def definition(self) -> str:
        """Everything but the ids and the origin, as JSON that is equal for equal schedules."""
        body = {"v": PAYLOAD_VERSION, "trigger": self.trigger.to_json(), **self.settings()}
        # Left out at their defaults: a schedule that an earlier version has stored is still equal.
        for name, default in _LATER_SETTINGS.items():
            if body[name] == default:
                del body[name]
        return json.dumps(body, sort_keys=True)

    def settings(self) -> dict[str, Any]:
        """Everything but pipeline, trigger, id and origin, as a JSON object."""
        overrides = overrides_json(self.overrides)
        return {
            "overrides": overrides,
            **{name: getattr(self, name) for name in (*_SETTINGS, *_LATER_SETTINGS)},
        }


def spec_from_definition(
    pipeline: str, schedule_id: str, definition: object, origin: str
) -> ScheduleSpec:
    """The spec with the stored `definition`; a FlowerpowerError says why it cannot be read."""
    try:
        body = json.loads(definition) if isinstance(definition, str) else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, Mapping) or "v" not in body:
        raise FlowerpowerError(f"The schedule {schedule_id} is damaged: it cannot be read.")
    if body["v"] != PAYLOAD_VERSION:
        raise FlowerpowerError(
            f"The schedule {schedule_id} was made by another version of flowerpower "
            f"({body['v']!r}, this one reads {PAYLOAD_VERSION})."
        )
    try:
        trigger = trigger_from_json(body["trigger"])
        overrides = RunOverrides.model_validate(body["overrides"])
        settings = {name: body[name] for name in _SETTINGS}
        settings |= {name: body.get(name, default) for name, default in _LATER_SETTINGS.items()}
        settings["overlap"] = Overlap(settings["overlap"])
        return ScheduleSpec(
            pipeline, trigger, overrides, schedule_id, origin=Origin(origin), **settings
        )
    except (FlowerpowerError, LookupError, TypeError, ValueError) as error:
        raise FlowerpowerError(f"The schedule {schedule_id} is damaged: {error}") from None


@dataclass(frozen=True)
class Schedule:
    """What a queue knows of a schedule; times are aware, in UTC.

    `anchor` is when it was added or last edited: it has no fires before, and an interval without a
    start counts from it. `next_fire` is the next nominal time, None without one or while it is
    paused or not enabled;
    `due_at` is the same with jitter, `last_fire` the last one that was processed. `revision` grows
    with every edit, pause and fire. `created` is False if an equal schedule already existed.
    `fault` says why it cannot be read and does not fire; `spec` is None then.
    `last_outcome` is what became of the latest fire in the ledger, or else of the last one whose
    job ended: the status of its job, or `skipped` or `missed`; `enqueued` if its job is gone and
    nobody knows; None before the first. `failures` is how many jobs of its fires have failed since
    one finished. Both are read by `get` and `list` of a store alone.
    """

    id: str
    pipeline: str
    spec: ScheduleSpec | None
    state: ScheduleState
    created_at: datetime
    anchor: datetime
    next_fire: datetime | None = None
    due_at: datetime | None = None
    last_fire: datetime | None = None
    revision: int = 0
    created: bool = field(default=True, compare=False)
    fault: str | None = None
    last_outcome: str | None = field(default=None, compare=False)
    failures: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.id

    @cached_property
    def trigger(self) -> Trigger | None:
        """The trigger, an interval counted from the anchor; None if it cannot be read."""
        return None if self.spec is None else self.spec.trigger.anchored(self.anchor)

    @property
    def last_processed_at(self) -> datetime:
        """The last fire, or when it was added or edited if there was none."""
        return self.last_fire or self.anchor

    def with_next_fire(self, moment: datetime) -> Schedule:
        """The schedule before its first fire after `moment`: done without one, or still paused."""
        is_off = self.spec is not None and not self.spec.enabled
        if self.state is ScheduleState.PAUSED or self.trigger is None or is_off:
            return replace(self, next_fire=None, due_at=None)
        fire = self.trigger.next_after(moment)
        if fire is None:
            return replace(self, state=ScheduleState.DONE, next_fire=None, due_at=None)
        due = self.trigger.jittered(fire, self.id)
        return replace(self, state=ScheduleState.ACTIVE, next_fire=fire, due_at=due)

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object, times in RFC 3339, durations in seconds."""
        spec, trigger = self.spec, self.trigger
        settings = (
            spec.settings() if spec else dict.fromkeys(("overrides", *_SETTINGS, *_LATER_SETTINGS))
        )
        return {
            "id": self.id,
            "pipeline": self.pipeline,
            "state": str(self.state),
            "trigger": trigger.to_json() if trigger else None,
            "in_words": trigger.in_words() if trigger else None,
            "timezone": trigger.timezone if trigger else None,
            **settings,
            "origin": str(spec.origin) if spec else None,
            "created_at": clock.format_time(self.created_at),
            "next_fire": json_value(self.next_fire),
            "last_fire": json_value(self.last_fire),
            "last_outcome": self.last_outcome,
            "failures": self.failures,
            "created": self.created,
            "fault": self.fault,
        }


@dataclass(frozen=True)
class Fire:
    """A row of the ledger: one nominal time and its outcome.

    `count` is above 1 for several misses in one row: `fire_time` is the first of them, `last_time`
    the last (None in a row that an earlier version wrote). `job_status` is the status of its job,
    the last one if the job is gone; `job_error` is that job's error while its record lives.
    """

    schedule_id: str
    fire_time: datetime
    outcome: Outcome
    reason: str | None = None
    count: int = 1
    job_id: str | None = None
    recorded_at: datetime | None = None
    last_time: datetime | None = None
    job_status: str | None = field(default=None, compare=False)
    job_error: dict[str, Any] | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object, times in RFC 3339."""
        return {name: json_value(value) for name, value in vars(self).items()}


def fire_job_id(schedule_id: str, fire_time: datetime) -> str:
    """The id of a fire's job."""
    # The same on every machine: two schedulers that see the same fire add the same id once.
    return f"{schedule_id}-{fire_time.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def fire_job_spec(
    schedule: Schedule,
    fire_time: datetime | None,
    job_id: str,
    *,
    max_parallel: int | None = None,
    is_backfill: bool = False,
) -> JobSpec:
    """The job that a schedule makes: for one of its fires, or on request with `fire_time` None.

    `max_parallel` and `is_backfill` are as in JobSpec. A FlowerpowerError says why the schedule
    cannot be read.
    """
    if schedule.spec is None:
        raise FlowerpowerError(schedule.fault)
    return JobSpec(
        pipeline=schedule.pipeline,
        overrides=schedule.spec.overrides,
        id=job_id,
        queue=schedule.spec.queue,
        result_ttl=schedule.spec.result_ttl,
        schedule_id=schedule.id,
        scheduled_for=fire_time,
        priority=schedule.spec.priority,
        expires=schedule.spec.expires,
        max_parallel=max_parallel,
        is_backfill=is_backfill,
    )
