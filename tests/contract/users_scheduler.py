"""A scheduler of APScheduler that is the user's own, and what is asked of it."""

from __future__ import annotations

import io
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter
from flowerpower.jobs.schedule import ScheduleSpec, ScheduleState
from flowerpower.triggers.make import make_trigger

BERLIN = ZoneInfo("Europe/Berlin")


class LoopingScheduler(BackgroundScheduler):
    """A scheduler that counts how often its thread looked for jobs."""

    passes = 0

    def _process_jobs(self) -> Any:
        sleeps = super()._process_jobs()
        self.passes += 1
        return sleeps


def add_schedule(
    backend: JobQueueBackend, schedule_id: str, /, cron: str = "0 8 * * *", **fields: Any
) -> ScheduleSpec:
    """A schedule of the pipeline `report`, which is there when this returns."""
    keys = ("interval", "date", "jitter")
    timing = {key: fields.pop(key) for key in keys if key in fields}
    if "interval" not in timing and "date" not in timing:
        timing["cron"] = cron
    trigger = make_trigger(timezone="Europe/Berlin", **timing)
    schedule = ScheduleSpec("report", trigger, id=schedule_id, **fields)
    backend.schedules.add(schedule)
    return schedule


def state(backend: JobQueueBackend, schedule_id: str = "daily") -> ScheduleState:
    """That of a schedule."""
    return backend.schedules.get(schedule_id).state


def printed(scheduler: BackgroundScheduler) -> list[str]:
    """The lines of `print_jobs`."""
    out = io.StringIO()
    scheduler.print_jobs(out=out)
    return out.getvalue().splitlines()


def records(backend: JobQueueBackend) -> list[Any]:
    """All that there is of jobs, schedules, fires and workers."""
    jobs, schedules = backend.list_jobs(JobFilter()), backend.schedules.list()
    fires = [backend.schedules.fires(schedule.id) for schedule in schedules]
    return [jobs, schedules, fires, backend.beats(), backend.list_workers()]
