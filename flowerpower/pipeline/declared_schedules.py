"""The schedules that the YAML of pipelines declares, as specs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flowerpower.config.files import Pipeline, Project, pipeline_path, schedule_faults
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.pipeline import ScheduleConfig
from flowerpower.errors import ConfigError, UsageError
from flowerpower.jobs.schedule import Origin, Overlap, ScheduleSpec
from flowerpower.pipeline.queue_workers import queue_or_default
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import did_you_mean


def read_declared(
    project: Project, registry: PipelineRegistry, names: Iterable[str]
) -> tuple[list[ScheduleSpec], dict[str, ConfigError]]:
    """What the pipelines `names` declare, in their order, and why some cannot be read, by name.

    Raises:
        PipelineNotFound: if there is no such pipeline.
    """
    specs: list[ScheduleSpec] = []
    errors: dict[str, ConfigError] = {}
    owners: dict[str, str] = {}
    for name in names:
        try:
            own = declared_schedules(project, registry, name)
            for spec in own:
                _check_owner(spec, owners)
        except ConfigError as error:
            errors[name] = error
            continue
        owners |= {spec.id: name for spec in own if spec.id is not None}
        specs += own
    return specs, errors


def declared_schedules(
    project: Project, registry: PipelineRegistry, name: str
) -> list[ScheduleSpec]:
    """The schedules under `schedule` in a pipeline's YAML; those with `enabled: false` too.

    Raises:
        PipelineNotFound, ConfigError: if there is no such pipeline or its file is wrong.
    """
    pipeline = _read_pipeline(project, registry, name)
    if faults := schedule_faults(pipeline, project.timezone):
        raise ConfigError(faults=faults)
    return [_spec_from_entry(project, name, entry) for entry in pipeline.config.schedule]


def _read_pipeline(project: Project, registry: PipelineRegistry, name: str) -> Pipeline:
    """The pipeline's file; variables of the environment may be set for the workers alone."""
    from flowerpower.pipeline.signature import variables_in

    try:
        return registry.get(name)
    except ConfigError as error:
        unset = variables_in(project.root / pipeline_path(name)) - registry.environ.keys()
        # No schedule stores the value of a variable under `run`. Elsewhere the placeholder is no
        # valid value, and so an error.
        stand_ins = {variable: f"${{{variable}}}" for variable in unset}
        readable = PipelineRegistry(project, {**registry.environ, **stand_ins})
        try:
            return readable.get(name)
        except ConfigError:
            raise error from None


def raise_unreadable(errors: dict[str, ConfigError]) -> None:
    """Raise one error of all files that cannot be read, if there are any."""
    if len(errors) == 1:
        raise next(iter(errors.values()))
    if errors:
        details = [line for error in errors.values() for line in str(error).splitlines()]
        raise ConfigError(f"{len(errors)} pipelines are not valid:", details=details)


def check_selection(name: str, specs: Sequence[ScheduleSpec], schedule_id: str | None) -> None:
    """Check that a caller who wants to add the declared schedules of a pipeline means some.

    Raises:
        UsageError: if none is declared, or none that is enabled has the id.
        ConfigError: if none is enabled.
    """
    if not specs:
        raise UsageError(
            f"{name} has no schedule of its own: expected cron, every, interval or date.",
            hint=f"Give one of them, or add a schedule to {pipeline_path(name)}.",
        )
    enabled = [spec for spec in specs if spec.enabled]
    if not enabled:
        raise ConfigError(f"{pipeline_path(name)}: every schedule there has enabled: false.")
    if schedule_id is not None and schedule_id not in [spec.id for spec in enabled]:
        known = [spec.id for spec in enabled if spec.id is not None]
        raise UsageError(
            f"{name} declares no schedule {schedule_id!r}.{did_you_mean(schedule_id, known)}",
            hint="Give a trigger to make another one.",
        )


def _check_owner(spec: ScheduleSpec, owners: dict[str, str]) -> None:
    if spec.id in owners:
        raise ConfigError(
            f"{pipeline_path(spec.pipeline)}: {pipeline_path(owners[spec.id])} declares the "
            f"schedule {spec.id!r} too.",
            hint="An id belongs to one schedule of a project: give one of them another id.",
        )


def _spec_from_entry(project: Project, name: str, entry: ScheduleConfig) -> ScheduleSpec:
    try:
        queue = queue_or_default(project, entry.queue)
    except UsageError as error:
        message = f"{pipeline_path(name)}: schedule.queue: {error.message}"
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
        enabled=entry.enabled,
        origin=Origin.CONFIG,
    )
