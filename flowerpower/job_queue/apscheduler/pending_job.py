"""Jobs and schedules of a project in the form of APScheduler's jobs, for its users and tools."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, NoReturn

from apscheduler.job import Job as ApsJob
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger as ApsDateTrigger

from flowerpower.errors import Refused
from flowerpower.job_queue.apscheduler.triggers import ScheduleTrigger
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.schedule import Schedule
from flowerpower.text import one_line
from flowerpower.triggers import clock

SETTINGS = ("coalesce", "max_instances", "misfire_grace_time")
"""What of a schedule has the same meaning in APScheduler, besides its trigger."""
_ATTRIBUTES = (
    *("func", "args", "kwargs", "name", "executor"),
    *SETTINGS,
    *("trigger", "next_run_time"),
)


def run_by_workers() -> NoReturn:
    """Stand in for the function of every job here; a scheduler never calls it."""
    raise Refused("Jobs of flowerpower are run by its workers, not by this scheduler.")


class PendingJob(ApsJob):  # type: ignore[misc] # the package ships no types
    """A job or a schedule as APScheduler's tools see it; its name is that of the pipeline.

    Attributes:
        record: the Job or Schedule that it shows.
        read_at: when that was read.
    """

    __slots__ = ("_original", "read_at", "record")

    def __init__(self, scheduler: Any, alias: str, record: Job | Schedule) -> None:
        fields = _of_schedule(record) if isinstance(record, Schedule) else _of_job(record)
        super().__init__(
            scheduler, id=record.id, func=run_by_workers, args=(), kwargs={}, executor="default",
            name=one_line(record.pipeline) or "?", **fields,
        )  # fmt: skip
        self._jobstore_alias = alias  # type: ignore[misc] # a slot of the base
        self.record = record
        self.read_at = clock.now()
        # `modify_job` changes the object and gives it to the store, which must see what.
        self._original = {name: getattr(self, name) for name in _ATTRIBUTES}

    def changed(self) -> list[str]:
        """The attributes that were changed since it was read."""
        return [name for name in _ATTRIBUTES if getattr(self, name) != self._original[name]]

    def refresh(self, other: PendingJob) -> None:
        """Become what `other` is."""
        for name in (*_ATTRIBUTES, "_original", "read_at", "record"):
            setattr(self, name, getattr(other, name))

    def __str__(self) -> str:
        if isinstance(self.record, Job) and self.record.status is not JobStatus.SCHEDULED:
            # Without a word for these, APScheduler writes "next run at" and a time that is past.
            return f"{self.name} (trigger: {self.trigger}, {self.record.status})"
        return str(super().__str__())


class _ActiveTrigger(ScheduleTrigger):
    """The trigger of an active schedule, whose next fire waits until a worker sees it."""

    due_at: datetime | None = None

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        # `resume_job` removes a job that has no next time, and this fire may be the last one.
        if previous_fire_time is None and self.due_at is not None:
            return self.local(self.due_at)
        return super().get_next_fire_time(previous_fire_time, now)


class _Unreadable(BaseTrigger):  # type: ignore[misc] # the package ships no types
    """In the place of the trigger of a schedule that cannot be read."""

    def __init__(self, fault: str) -> None:
        self._fault = one_line(fault)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        # Never None: `resume_job` would remove the schedule.
        return now

    def __str__(self) -> str:
        return self._fault


def _of_schedule(schedule: Schedule) -> dict[str, Any]:
    spec, trigger, due_at = schedule.spec, schedule.trigger, schedule.due_at
    if spec is None or trigger is None:
        fault = _Unreadable(schedule.fault or "")
        fields = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        return {"trigger": fault, "next_run_time": None, **fields}
    shown = _ActiveTrigger(trigger, schedule.id)
    shown.due_at = due_at
    grace = spec.misfire_grace_time
    return {
        "trigger": shown,
        "next_run_time": None if due_at is None else shown.local(due_at),
        "coalesce": spec.coalesce,
        "max_instances": spec.max_instances,
        # APScheduler's are whole seconds, and at least one.
        "misfire_grace_time": None if grace is None else max(1, math.ceil(grace)),
    }


def _of_job(job: Job) -> dict[str, Any]:
    return {
        # It gives the time of a job that is due too: `resume_job` would remove one without a time.
        "trigger": ApsDateTrigger(job.run_at, timezone=UTC),
        "next_run_time": job.run_at,
        "coalesce": True,
        "max_instances": 1,
        "misfire_grace_time": None,
    }
