"""Schedules for Python: `manager.schedules`, the Schedule it returns, and the specs of new ones."""

from __future__ import annotations

import builtins
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Unpack

from flowerpower.config.files import Project
from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import UsageError
from flowerpower.jobs.schedule import Fire, Origin, Overlap, ScheduleSpec, ScheduleState
from flowerpower.jobs.schedule import Schedule as ScheduleRecord
from flowerpower.pipeline.apply_schedules import (
    apply_changes,
    bring_in_line,
    changes_to_make,
    compare_schedules,
    raise_failed,
)
from flowerpower.pipeline.declared_schedules import check_selection
from flowerpower.pipeline.job_queue import PipelineJobQueue
from flowerpower.pipeline.jobs import Handle, Job
from flowerpower.pipeline.overrides import parse_expires, parse_result_ttl, with_relative_paths
from flowerpower.pipeline.queue_workers import queue_or_default
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.pipeline.schedule_changes import ScheduleChange
from flowerpower.triggers import clock
from flowerpower.triggers.base import Trigger

if TYPE_CHECKING:
    from flowerpower.pipeline.backfill import Backfill, BackfillOptions
    from flowerpower.triggers.preview import PreviewRow


class Schedule(Handle[ScheduleRecord]):
    """A handle on one schedule."""

    def __repr__(self) -> str:
        return f"<Schedule {self.id} of {self.pipeline}: {self.state}>"

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
        """Add the job that a fire would add, at once; the next fires stay as they are.

        Neither `max_instances` nor `overlap` holds it back; a fire counts it as one that runs.

        Raises:
            PipelineNotFound: if its pipeline is gone.
        """
        return Job(self._job_queue.run_schedule_now(self.id), self._job_queue)

    @property
    def last_outcome(self) -> str | None:
        """What became of the last fire: its job's status, `skipped` or `missed`; None before it."""
        return self.record.last_outcome

    @property
    def failures(self) -> int:
        """How many jobs of its fires have failed in a row."""
        return self.record.failures

    def history(self, limit: int = 100) -> list[Fire]:
        """Its latest fires, the newest first, with their outcomes and those of their jobs."""
        return self._job_queue.list_fires(self.id, limit)

    def backfill(self, *, dry_run: bool = False, **options: Unpack[BackfillOptions]) -> Backfill:
        """Add jobs for past fires that made none; with `dry_run`, only find them.

        `options`: the fires are those of the trigger from `start` to `end`, by default now; with
        `missed` those of the range, or of all time, that the ledger has as missed or skipped. Times
        without an offset are in the schedule's zone. Each job has the time of its fire as
        `scheduled_for`, and the id that the fire's job would have had, so that no fire is made
        twice, however often and by however many this is called. At most `max_parallel` of the jobs
        run at once, by default as many as the schedule's `max_instances`, in the `order` "oldest"
        or "newest". They do not count for `max_instances`: the schedule's fires go on meanwhile.

        Raises:
            UsageError, InvalidTime: naming the argument that is not valid.
            PipelineNotFound: if its pipeline is gone.
            FlowerpowerError: whatever a run would refuse before it begins.
        """
        plan = self._job_queue.plan_backfill(self.id, **options)
        return plan if dry_run else self._job_queue.backfill(plan)

    def preview(self, count: int = 10) -> list[PreviewRow]:
        """Its next `count` fires from now on, also while it is paused; fewer if there are no more.

        Each has `fire` in UTC, `local` in its zone, and a note where a clock change matters.
        """
        from flowerpower.triggers.preview import preview

        trigger = self.record.trigger
        return [] if trigger is None else preview(trigger, clock.now(), count)


class Schedules:
    """The schedules of a project; `PipelineManager.schedule` adds one.

    Methods raise ScheduleNotFound if no record has the id.
    """

    def __init__(
        self, project: Project, registry: PipelineRegistry, job_queue: PipelineJobQueue
    ) -> None:
        self._project = project
        self._registry = registry
        self._job_queue = job_queue

    def get(self, schedule_id: str) -> Schedule:
        """The schedule with that id."""
        return Schedule(self._job_queue.get_schedule(schedule_id), self._job_queue)

    def list(self, *, pipeline: str | None = None) -> builtins.list[Schedule]:
        """All schedules, or those of one pipeline."""
        records = self._job_queue.list_schedules()
        wanted = [record for record in records if pipeline in (None, record.pipeline)]
        return [Schedule(record, self._job_queue) for record in wanted]

    def compare(self, *pipelines: str) -> builtins.list[ScheduleChange]:
        """How each schedule stands that the YAML of pipelines declares, or has declared.

        Of these pipelines, or of all. What was added by hand is not among them.

        Raises:
            PipelineNotFound, ConfigError: if there is no such pipeline, or a file is wrong.
        """
        return compare_schedules(self._project, self._registry, self._job_queue, pipelines)

    def diff(self, *pipelines: str) -> builtins.list[ScheduleChange]:
        """What `apply` would add and change, and with `prune` remove; empty if nothing.

        Errors are those of `compare`.
        """
        return [change for change in self.compare(*pipelines) if change.action is not None]

    def apply(
        self, *pipelines: str, prune: bool = False, dry_run: bool = False
    ) -> builtins.list[ScheduleChange]:
        """Make the live schedules what the YAML of pipelines declares; the changes that were made.

        Schedules are added, and changed in place. With `prune` those are deleted that YAML
        declares no more. A pause stays, and what was added by hand is left alone. `dry_run` only
        checks.

        Raises:
            PipelineNotFound, ConfigError: as `compare`, before anything is changed.
            FlowerpowerError: of the first change that could not be made, after the others.
        """
        changes = changes_to_make(self.compare(*pipelines), prune=prune)
        applied = [*apply_changes(self._job_queue, changes, dry_run=dry_run)]
        raise_failed(applied, changes, dry_run=dry_run)
        return [row.change for row in applied]

    def bring_in_line(
        self, change: ScheduleChange, *, overwrite: bool = False
    ) -> ScheduleRecord | None:
        """As `apply_schedules.bring_in_line`."""
        return bring_in_line(self._job_queue, change, overwrite=overwrite)

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

    def history(self, schedule_id: str, limit: int = 100) -> builtins.list[Fire]:
        """As `Schedule.history`."""
        return self._job_queue.list_fires(schedule_id, limit)

    def backfill(
        self, schedule_id: str, *, dry_run: bool = False, **options: Unpack[BackfillOptions]
    ) -> Backfill:
        """As `Schedule.backfill`."""
        return self.get(schedule_id).backfill(dry_run=dry_run, **options)


def add_declared(
    schedules: Schedules, name: str, schedule_id: str | None, overwrite: bool
) -> ScheduleRecord:
    """Add the schedule that a pipeline's YAML declares, or change it in place; the live one.

    Raises:
        PipelineNotFound, ConfigError: if there is no such pipeline, its file is wrong, or no
            schedule there is enabled.
        UsageError: if no schedule has the id, or several are declared and none is named.
        Refused: if another schedule has the id, and not `overwrite`.
    """
    found = [change for change in schedules.compare(name) if change.declared is not None]
    specs = [change.declared for change in found if change.declared is not None]
    check_selection(name, specs, schedule_id)
    enabled = [change for change in found if change.declared and change.declared.enabled]
    if schedule_id is None and len(enabled) > 1:
        raise UsageError(
            f"{name} declares {len(enabled)} schedules: expected the id of one.",
            hint=f"They are: {', '.join(change.label for change in enabled)}.",
        )
    (change,) = [
        change
        for change in enabled
        if schedule_id is None or (change.declared and change.declared.id == schedule_id)
    ]
    schedule = schedules.bring_in_line(change, overwrite=overwrite)
    # Only one that is not enabled, and not live, stays without.
    assert schedule is not None
    return schedule


def spec_from_arguments(
    project: Project,
    name: str,
    trigger: Trigger,
    overrides: RunOverrides,
    *,
    schedule_id: str | None = None,
    queue: str | None = None,
    result_ttl: float | str | None = None,
    misfire_grace_time: float | str | None = None,
    coalesce: bool = True,
    max_instances: int = 1,
    overlap: str = Overlap.SKIP,
    priority: int = 0,
    expires: float | str | timedelta | None = None,
    origin: Origin = Origin.API,
) -> ScheduleSpec:
    """The spec of a schedule with a caller's trigger and options.

    Raises:
        UsageError: naming the option that is not valid.
    """
    grace = None if misfire_grace_time is None else clock.parse_duration(misfire_grace_time)
    return ScheduleSpec(
        pipeline=name,
        trigger=trigger,
        overrides=with_relative_paths(overrides, project.work),
        id=schedule_id,
        queue=queue_or_default(project, queue),
        result_ttl=parse_result_ttl(result_ttl),
        misfire_grace_time=grace,
        coalesce=coalesce,
        max_instances=max_instances,
        overlap=Overlap.of(overlap),
        priority=priority,
        expires=parse_expires(expires),
        origin=origin,
    )
