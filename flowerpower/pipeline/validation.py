"""All that is wrong with a pipeline, found without running it."""

from __future__ import annotations

from flowerpower.config.files import Project, schedule_faults
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.project_source import LocalSource
from flowerpower.errors import ConfigError, FlowerpowerError, RunFailed
from flowerpower.job_queue.project_rules import ProjectRules
from flowerpower.pipeline.execute import plan_run
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.pipeline.rule_faults import rule_faults


def find_faults(project: Project, registry: PipelineRegistry, name: str) -> list[str]:
    """As `PipelineManager.validate`: of its file, triggers, limits, chains, run and schedules."""
    try:
        pipeline = registry.get(name)
    except ConfigError as error:
        return error.details or [error.message]
    faults = [str(fault) for fault in schedule_faults(pipeline, project.timezone)]
    rules = ProjectRules(project, LocalSource(project.root), registry.environ)
    faults += map(str, rule_faults(rules, pipeline))
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
