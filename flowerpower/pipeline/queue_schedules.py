"""The verbs of a project's job queue on schedules; PipelineJobQueue has them."""

from __future__ import annotations

import contextlib
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from flowerpower.config.files import Project, pipeline_path
from flowerpower.errors import InvalidTrigger, ScheduleNotFound
from flowerpower.jobs.job import Job
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend
    from flowerpower.job_queue.project_rules import ProjectRules
    from flowerpower.jobs.schedule import Fire, Schedule, ScheduleSpec
    from flowerpower.pipeline.backfill import Backfill, BackfillOptions


class ScheduleVerbs(ABC):
    """Adds, reads, changes and makes up for the schedules of one project."""

    _project: Project
    _registry: PipelineRegistry
    rules: ProjectRules
    """The limits and followers that the project's files declare."""

    @property
    @abstractmethod
    def backend(self) -> JobQueueBackend:
        """The backend, open."""

    def add_schedule(self, spec: ScheduleSpec, *, overwrite: bool = False) -> Schedule:
        """As `flowerpower.job_queue.schedule_store.ScheduleStore.add`.

        Raises:
            PipelineNotFound: if there is no such pipeline.
            InvalidTrigger: if it would never fire, and is not there already.
            FlowerpowerError: whatever a run would refuse before it begins.
        """
        self._registry.files(spec.pipeline)
        if not spec.trigger.fires_after(clock.now()):
            return self._existing_schedule(spec)
        return self.backend.schedules.add(self.check_schedule(spec), overwrite=overwrite)

    def _existing_schedule(self, spec: ScheduleSpec) -> Schedule:
        """The same schedule, whose fires are over: that it is added again changes nothing."""
        from flowerpower.job_queue.schedule_store import is_same

        if spec.id is not None:
            with contextlib.suppress(ScheduleNotFound):
                schedule = self.backend.schedules.get(spec.id)
                if is_same(schedule, spec):
                    return replace(schedule, created=False)
        now = clock.format_time(clock.now().replace(microsecond=0), spec.trigger.zone)
        place = f" in {pipeline_path(spec.pipeline)}" if spec.origin == "config" else ""
        raise InvalidTrigger(
            f"The schedule{place} would never fire: {spec.trigger.in_words()}; now it is {now}.",
            hint="Give a time in the future.",
        )

    def put_schedule(self, spec: ScheduleSpec) -> Schedule:
        """Add a schedule, or replace the one that has its id, by one without fires to come too.

        Raises:
            PipelineNotFound: if there is no such pipeline.
            FlowerpowerError: whatever a run would refuse before it begins.
        """
        return self.backend.schedules.add(self.check_schedule(spec), overwrite=True)

    def check_schedule(self, spec: ScheduleSpec) -> ScheduleSpec:
        """The spec as it is stored; errors as of `put_schedule`."""
        from flowerpower.pipeline.checks import checked_spec

        self._registry.files(spec.pipeline)
        return checked_spec(self._project, self._registry, spec, is_fire=True)

    def get_schedule(self, schedule_id: str) -> Schedule:
        """The schedule with that id."""
        return self.backend.schedules.get(schedule_id)

    def list_schedules(self) -> list[Schedule]:
        """All schedules of the project."""
        return self.backend.schedules.list()

    def upcoming_schedules(self, limit: int) -> list[Schedule]:
        """The schedules that have a next fire, the soonest first."""
        return self.backend.schedules.upcoming(limit)

    def count_schedules(self) -> int:
        """How many schedules the project's queue has."""
        return self.backend.schedules.count()

    def pause_schedule(self, schedule_id: str) -> Schedule:
        """As `flowerpower.pipeline.schedules.Schedule.pause`."""
        return self.backend.schedules.pause(schedule_id)

    def resume_schedule(self, schedule_id: str) -> Schedule:
        """As `flowerpower.pipeline.schedules.Schedule.resume`."""
        return self.backend.schedules.resume(schedule_id)

    def delete_schedule(self, schedule_id: str) -> None:
        """As `flowerpower.pipeline.schedules.Schedule.delete`."""
        self.backend.schedules.delete(schedule_id)

    def list_fires(self, schedule_id: str, limit: int = 100) -> list[Fire]:
        """As `flowerpower.pipeline.schedules.Schedule.history`."""
        return self.backend.schedules.fires(schedule_id, limit)

    def plan_backfill(self, schedule_id: str, **options: Unpack[BackfillOptions]) -> Backfill:
        """As `flowerpower.pipeline.schedules.Schedule.backfill` with `dry_run`."""
        from flowerpower.pipeline.backfill import plan_backfill

        return plan_backfill(self.backend.schedules, schedule_id, **options)

    def backfill(
        self, plan: Backfill, on_progress: Callable[[int, int], None] | None = None
    ) -> Backfill:
        """Add the jobs of a planned backfill; the same with the ids of those that were added.

        `on_progress` is called now and then with how many fires are done, and of how many.

        Raises:
            PipelineNotFound: if its pipeline is gone.
            Refused: if the schedule was edited meanwhile.
            FlowerpowerError: whatever a run would refuse before it begins.
        """
        from flowerpower.pipeline.backfill import add_pages
        from flowerpower.pipeline.checks import checked_spec

        spec = plan.schedule.spec
        self._registry.files(plan.schedule.pipeline)
        if spec is not None and plan.times:
            checked_spec(self._project, self._registry, spec, is_fire=True, is_due=True)
        return replace(plan, added=tuple(add_pages(self.backend.schedules, plan, on_progress)))

    def has_scheduler(self) -> bool:
        """Whether a process that fires schedules is alive."""
        return self.backend.schedules.has_scheduler()

    def run_schedule_now(self, schedule_id: str) -> Job:
        """As `flowerpower.pipeline.schedules.Schedule.run_now`."""
        from flowerpower.jobs.schedule import fire_job_spec
        from flowerpower.pipeline.checks import checked_spec

        schedule = self.get_schedule(schedule_id)
        self._registry.files(schedule.pipeline)
        # Shortened, because a schedule's id with this suffix may exceed the limit for a job's id.
        job_id = f"{schedule.id[:160]}-now-{uuid.uuid4().hex[:12]}"
        spec = fire_job_spec(schedule, None, job_id)
        checked = checked_spec(self._project, self._registry, spec, is_due=True)
        return self.backend.add_job(self.rules.with_followers(checked))
