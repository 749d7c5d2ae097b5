"""From a pipeline's name and a trigger, given or declared in its YAML, to a schedule's spec."""

from __future__ import annotations

from collections.abc import Sequence

from flowerpower.config.files import Project, schedule_faults
from flowerpower.config.pipeline import ScheduleConfig
from flowerpower.config.run import RunOverrides
from flowerpower.errors import ConfigError, UsageError
from flowerpower.jobs.schedule import Origin, ScheduleSpec
from flowerpower.pipeline.overrides import with_relative_paths
from flowerpower.pipeline.queues import check_queue, default_queue
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import did_you_mean
from flowerpower.triggers.base import Trigger


def declared(project: Project, registry: PipelineRegistry, name: str) -> list[ScheduleSpec]:
    """The schedules under `schedule` in a pipeline's YAML that are enabled.

    Raises:
        PipelineNotFound, ConfigError: if there is no such pipeline or its file is wrong.
        UsageError: if none is declared there.
    """
    pipeline = registry.get(name)
    entries = pipeline.config.schedule
    if not entries:
        raise UsageError(
            f"{name} has no schedule of its own: expected cron, interval or date.",
            hint=f"Give one, or write it under schedule in conf/pipelines/{name}.yml.",
        )
    if faults := schedule_faults(pipeline, project.timezone):
        raise ConfigError(faults=faults)
    return [_of_entry(project, name, entry) for entry in entries if entry.enabled]


def _of_entry(project: Project, name: str, entry: ScheduleConfig) -> ScheduleSpec:
    if entry.queue is not None:
        try:
            check_queue(project, entry.queue)
        except UsageError as error:
            message = f"conf/pipelines/{name}.yml: schedule.queue: {error.message}"
            raise ConfigError(message, hint=error.hint) from None
    # Its `run` stays where it is: what is expanded in it must not be stored.
    has_own = entry.run != RunOverrides()
    return ScheduleSpec(
        pipeline=name,
        trigger=entry.trigger(project.timezone),
        overrides=RunOverrides(declared=entry.id or "") if has_own else RunOverrides(),
        id=entry.id,
        queue=entry.queue or default_queue(project),
        result_ttl=entry.result_ttl,
        misfire_grace_time=entry.misfire_grace_time,
        coalesce=entry.coalesce,
        max_instances=entry.max_instances,
        origin=Origin.CONFIG,
    )


def select(name: str, specs: Sequence[ScheduleSpec], schedule_id: str | None) -> ScheduleSpec:
    """The one of the declared schedules that is meant.

    Raises:
        UsageError: if none or several are.
    """
    if len(specs) == 1 and schedule_id in (None, specs[0].id):
        return specs[0]
    ids = [spec.id for spec in specs if spec.id is not None]
    for spec in specs:
        if schedule_id is not None and spec.id == schedule_id:
            return spec
    if not specs:
        raise ConfigError(f"conf/pipelines/{name}.yml: every schedule there has enabled: false.")
    if schedule_id is None:
        raise UsageError(
            f"{name} declares {len(specs)} schedules: expected the id of one.",
            hint=f"They are: {', '.join(ids)}.",
        )
    raise UsageError(
        f"{name} declares no schedule {schedule_id!r}.{did_you_mean(schedule_id, ids)}",
        hint="Give a trigger to make another one.",
    )


def spec_from_arguments(
    project: Project,
    name: str,
    trigger: Trigger,
    overrides: RunOverrides,
    *,
    schedule_id: str | None = None,
    queue: str | None = None,
    result_ttl: float | None = None,
    misfire_grace_time: float | None = None,
    coalesce: bool = True,
    max_instances: int = 1,
    origin: Origin = Origin.API,
) -> ScheduleSpec:
    """The spec of a schedule that somebody asks for.

    Raises:
        UsageError: naming what cannot be.
    """
    if queue is not None:
        check_queue(project, queue)
    return ScheduleSpec(
        pipeline=name,
        trigger=trigger,
        overrides=with_relative_paths(overrides, project.root),
        id=schedule_id,
        queue=queue or default_queue(project),
        result_ttl=result_ttl,
        misfire_grace_time=misfire_grace_time,
        coalesce=coalesce,
        max_instances=max_instances,
        origin=origin,
    )
