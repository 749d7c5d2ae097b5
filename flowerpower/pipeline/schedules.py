"""Schedules for Python: `manager.schedules`, and the Schedule that it returns."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from flowerpower.jobs.schedule import Fire, ScheduleState
from flowerpower.jobs.schedule import Schedule as ScheduleRecord
from flowerpower.pipeline.job_queue import PipelineJobQueue
from flowerpower.pipeline.jobs import Job
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.triggers.preview import PreviewRow


class Schedule:
    """A handle on one schedule.

    It keeps the schedule's record as it was read last; `refresh` reads it again. `str(schedule)`
    is its id. Methods raise ScheduleNotFound if the schedule was deleted.

    Attributes:
        record: all that the queue knows of it (`flowerpower.jobs.schedule.Schedule`).
    """

    def __init__(self, record: ScheduleRecord, job_queue: PipelineJobQueue) -> None:
        self.record = record
        self._job_queue = job_queue

    def __str__(self) -> str:
        return self.record.id

    def __repr__(self) -> str:
        return f"<Schedule {self.id} of {self.pipeline}: {self.state}>"

    @property
    def id(self) -> str:
        """Its id, unique in the project."""
        return self.record.id

    @property
    def pipeline(self) -> str:
        """The name of the pipeline that it runs."""
        return self.record.pipeline

    @property
    def state(self) -> ScheduleState:
        """Active, paused or done, when it was read last."""
        return self.record.state

    @property
    def next_fire(self) -> datetime | None:
        """Its next nominal time, in UTC; None if it is paused or done."""
        return self.record.next_fire

    @property
    def last_fire(self) -> datetime | None:
        """The last nominal time that was processed, in UTC; None before the first."""
        return self.record.last_fire

    def refresh(self) -> Schedule:
        """Read it from the queue again; returns itself."""
        self.record = self._job_queue.get_schedule(self.id)
        return self

    def pause(self) -> Schedule:
        """Stop its fires until it is resumed; returns itself.

        Raises:
            Refused: if it is done.
        """
        self.record = self._job_queue.pause_schedule(self.id)
        return self

    def resume(self) -> Schedule:
        """Let it fire again, from now on; returns itself.

        Raises:
            Refused: if it is done.
        """
        self.record = self._job_queue.resume_schedule(self.id)
        return self

    def delete(self) -> None:
        """Delete it and its history; jobs that it made stay."""
        self._job_queue.delete_schedule(self.id)

    def run_now(self) -> Job:
        """Add the job that a fire would add; the next fires stay as they are.

        Raises:
            PipelineNotFound: if its pipeline is gone.
        """
        return Job(self._job_queue.run_schedule_now(self.id), self._job_queue)

    def history(self, limit: int = 100) -> list[Fire]:
        """Its latest fires and their outcomes, the newest first."""
        return self._job_queue.list_fires(self.id, limit)

    def preview(self, count: int = 10) -> list[PreviewRow]:
        """Its next `count` fires from now on, also while it is paused; fewer if there are no more.

        Each has `fire` in UTC, `local` in its zone, and a note where a clock change matters.
        """
        from flowerpower.triggers.preview import preview

        trigger = self.record.trigger
        return [] if trigger is None else preview(trigger, clock.now(), count)

    def to_json(self) -> dict[str, Any]:
        """Its record as a JSON object, times in RFC 3339."""
        return self.record.to_json()


# In a class that has a method `list`, annotations need other names for the type.
Handles: TypeAlias = list[Schedule]
Fires: TypeAlias = list[Fire]


class Schedules:
    """The schedules of a project; `PipelineManager.schedule` adds one.

    Methods raise ScheduleNotFound if no record has the id.
    """

    def __init__(self, job_queue: PipelineJobQueue) -> None:
        self._job_queue = job_queue

    def get(self, schedule_id: str) -> Schedule:
        """The schedule with that id."""
        return Schedule(self._job_queue.get_schedule(schedule_id), self._job_queue)

    def list(self, *, pipeline: str | None = None) -> Handles:
        """All schedules, or those of one pipeline."""
        records = self._job_queue.list_schedules()
        return [
            Schedule(record, self._job_queue)
            for record in records
            if pipeline in (None, record.pipeline)
        ]

    def pause(self, schedule_id: str) -> Schedule:
        """As `Schedule.pause`."""
        return Schedule(self._job_queue.pause_schedule(schedule_id), self._job_queue)

    def resume(self, schedule_id: str) -> Schedule:
        """As `Schedule.resume`."""
        return Schedule(self._job_queue.resume_schedule(schedule_id), self._job_queue)

    def delete(self, schedule_id: str) -> None:
        """As `Schedule.delete`."""
        self._job_queue.delete_schedule(schedule_id)

    def run_now(self, schedule_id: str) -> Job:
        """As `Schedule.run_now`."""
        return Job(self._job_queue.run_schedule_now(schedule_id), self._job_queue)

    def history(self, schedule_id: str, limit: int = 100) -> Fires:
        """As `Schedule.history`."""
        return self._job_queue.list_fires(schedule_id, limit)
