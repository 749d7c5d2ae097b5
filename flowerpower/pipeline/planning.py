"""What a pipeline would do, and what is wrong with it, without running it."""

from __future__ import annotations

from flowerpower.config.files import Pipeline, Project, schedule_faults
from flowerpower.config.run import RunOverrides
from flowerpower.errors import ConfigError, FlowerpowerError, RunFailed
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.pipeline.run_errors import as_error, run_error
from flowerpower.run.runner import PipelineRunner, Plan


def plan_run(
    project: Project,
    pipeline: Pipeline,
    overrides: RunOverrides | None = None,
    *,
    complete: bool = True,
    with_forecast: bool = False,
) -> Plan:
    """As `PipelineRunner.plan`; a module that cannot be imported fails with its file and line."""
    runner = PipelineRunner(project, pipeline, overrides)
    try:
        return runner.plan(complete=complete, with_forecast=with_forecast)
    except RunFailed as error:
        if error.__cause__ is None:
            raise
        described = run_error(error, project.root)
        raise as_error(RunFailed, pipeline.name, described) from error.__cause__


def find_faults(project: Project, registry: PipelineRegistry, name: str) -> list[str]:
    """All that is wrong with a pipeline's file, triggers, run, and runs of declared schedules.

    Raises:
        PipelineNotFound: if there is no such pipeline.
    """
    try:
        pipeline = registry.get(name)
    except ConfigError as error:
        return error.details or [error.message]
    faults = [str(fault) for fault in schedule_faults(pipeline, project.timezone)]
    runs = {"": RunOverrides()}
    for entry in pipeline.config.schedule:
        if entry.run != RunOverrides():
            prefix = f"schedule {entry.id}: " if entry.id else "schedule: "
            runs[prefix] = RunOverrides(declared=entry.id or "")
    for prefix, overrides in runs.items():
        try:
            plan_run(project, pipeline, overrides, complete=False)
        except FlowerpowerError as error:
            # The details of RunFailed say what was being done, not what is wrong.
            details = [] if isinstance(error, RunFailed) else error.details
            faults += [
                f"{prefix}{text}" for text in (error.message, *details) if text not in faults
            ]
    return faults
