"""From a pipeline's name and a trigger, of a caller or of its YAML, to the spec of a schedule."""

from __future__ import annotations

from collections.abc import Sequence

from flowerpower.config.files import Project, schedule_faults
from flowerpower.config.pipeline import ScheduleConfig
from flowerpower.config.run import RunOverrides
from flowerpower.errors import ConfigError, UsageError
from flowerpower.jobs.schedule import Origin, ScheduleSpec
from flowerpower.pipeline.job_queue import queue_or_default
from flowerpower.pipeline.overrides import parse_result_ttl, with_relative_paths
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import did_you_mean
from flowerpower.triggers import clock
from flowerpower.triggers.base import Trigger


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
        result_ttl=None if result_ttl is None else parse_result_ttl(result_ttl),
        misfire_grace_time=grace,
        coalesce=coalesce,
        max_instances=max_instances,
        origin=origin,
    )
