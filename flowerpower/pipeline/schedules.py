"""Schedules for Python: `manager.schedules`, the Schedule it returns, and the specs of new ones."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Unpack

from flowerpower.config.files import Project, schedule_faults
from flowerpower.config.pipeline import ScheduleConfig
from flowerpower.config.run import RunOverrides
from flowerpower.errors import ConfigError, UsageError
from flowerpower.jobs.schedule import Fire, Origin, Overlap, ScheduleSpec, ScheduleState
from flowerpower.jobs.schedule import Schedule as ScheduleRecord
from flowerpower.pipeline.job_queue import PipelineJobQueue, queue_or_default
from flowerpower.pipeline.jobs import Handle, Job
from flowerpower.pipeline.overrides import parse_expires, parse_result_ttl, with_relative_paths
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import did_you_mean
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

    def __init__(self, job_queue: PipelineJobQueue) -> None:
        self._job_queue = job_queue

    def get(self, schedule_id: str) -> Schedule:
        """The schedule with that id."""
        return Schedule(self._job_queue.get_schedule(schedule_id), self._job_queue)

    def list(self, *, pipeline: str | None = None) -> builtins.list[Schedule]:
        """All schedules, or those of one pipeline."""
        records = self._job_queue.list_schedules()
        wanted = [record for record in records if pipeline in (None, record.pipeline)]
        return [Schedule(record, self._job_queue) for record in wanted]

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


def declared_schedules(
    project: Project, registry: PipelineRegistry, name: str
) -> list[ScheduleSpec]:
    """The schedules under `schedule` in a pipeline's YAML that are enabled.

    Raises:
        PipelineNotFound, ConfigError: if there is no such pipeline or its file is wrong.
        UsageError: if its file declares no schedule.
    """
    pipeline = registry.get(name)
    entries = pipeline.config.schedule
    if not entries:
        raise UsageError(
            f"{name} has no schedule of its own: expected cron, interval or date.",
            hint=f"Give one of them, or add a schedule to conf/pipelines/{name}.yml.",
        )
    if faults := schedule_faults(pipeline, project.timezone):
        raise ConfigError(faults=faults)
    return [_spec_from_entry(project, name, entry) for entry in entries if entry.enabled]


def _spec_from_entry(project: Project, name: str, entry: ScheduleConfig) -> ScheduleSpec:
    try:
        queue = queue_or_default(project, entry.queue)
    except UsageError as error:
        message = f"conf/pipelines/{name}.yml: schedule.queue: {error.message}"
        raise ConfigError(message, hint=error.hint) from None
    # A reference instead of the entry's `run`: that may hold an expanded `${SECRET}`, and whatever
    # is in the overrides is stored in the queue. Each attempt reads the YAML again.
    has_run = entry.run != RunOverrides()
    return ScheduleSpec(
        pipeline=name,
        trigger=entry.trigger(project.timezone),
        overrides=RunOverrides(declared=entry.id or "") if has_run else RunOverrides(),
        id=entry.id,
        queue=queue,
        result_ttl=entry.result_ttl,
        misfire_grace_time=entry.misfire_grace_time,
        coalesce=entry.coalesce,
        max_instances=entry.max_instances,
        overlap=Overlap(entry.overlap),
        priority=entry.priority,
        expires=entry.expires,
        origin=Origin.CONFIG,
    )


def select(name: str, specs: Sequence[ScheduleSpec], schedule_id: str | None) -> ScheduleSpec:
    """The declared schedule of that id; without an id, the only one.

    Raises:
        UsageError: if no schedule has the id, or several are declared and none is named.
        ConfigError: if none is enabled.
    """
    if len(specs) == 1 and schedule_id is None:
        return specs[0]
    if not specs:
        raise ConfigError(f"conf/pipelines/{name}.yml: every schedule there has enabled: false.")
    by_id = {spec.id: spec for spec in specs if spec.id is not None}
    if schedule_id is None:
        raise UsageError(
            f"{name} declares {len(specs)} schedules: expected the id of one.",
            hint=f"They are: {', '.join(by_id)}.",
        )
    if schedule_id not in by_id:
        raise UsageError(
            f"{name} declares no schedule {schedule_id!r}.{did_you_mean(schedule_id, by_id)}",
            hint="Give a trigger to make another one.",
        )
    return by_id[schedule_id]


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
        overrides=with_relative_paths(overrides, project.root),
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
