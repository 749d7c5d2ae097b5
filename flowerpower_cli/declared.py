"""What YAML declares, beside what is live, for commands that show pipelines or schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flowerpower.errors import FlowerpowerError

if TYPE_CHECKING:
    from flowerpower.config.pipeline import PipelineConfig
    from flowerpower.jobs.schedule import Schedule
    from flowerpower.pipeline.schedule_changes import ScheduleChange
    from flowerpower_cli.command import CommandContext


def standings_of(
    context: CommandContext, live: Sequence[Schedule], *shown: str
) -> list[ScheduleChange]:
    """How declared schedules and orphans stand; it is said which of `shown` have wrong YAML."""
    from flowerpower.pipeline.apply_schedules import look_over

    manager = context.manager
    changes, wrong = look_over(manager.project, manager.registry, live)
    for name in wrong:
        if name in shown:
            context.output.warning(
                f"The schedules of {name} cannot be compared: see `flowerpower pipeline validate`."
            )
    return changes


def standing_of(context: CommandContext, schedule: Schedule) -> ScheduleChange | None:
    """How one live schedule stands; None if it was added by hand, or its YAML is wrong."""
    from flowerpower.jobs.schedule import Origin

    if schedule.spec is not None and schedule.spec.origin is not Origin.CONFIG:
        return None
    live = context.job_queue.list_schedules()
    changes = standings_of(context, live, schedule.pipeline)
    return next((row for row in changes if row.live and row.live.id == schedule.id), None)


def standings_by_pipeline(context: CommandContext) -> dict[str, list[ScheduleChange]] | None:
    """How schedules stand, by pipeline; None if the queue cannot be asked, which is said."""
    job_queue = context.manager.job_queue
    try:
        live = job_queue.list_schedules() if job_queue.is_made else []
    except FlowerpowerError as error:
        context.output.warning(f"Whether schedules are live is not known: {error.message}")
        return None
    by_pipeline: dict[str, list[ScheduleChange]] = {}
    for change in standings_of(context, live):
        by_pipeline.setdefault(change.pipeline, []).append(change)
    return by_pipeline


def say_what_is_not_live(
    context: CommandContext, changes: Sequence[ScheduleChange], pipeline: str | None = None
) -> None:
    """Say which schedules are declared and not live, of one pipeline or of all."""
    from flowerpower.pipeline.schedule_changes import Standing

    waiting = [
        change.label
        for change in changes
        if change.standing is Standing.DECLARED_ONLY and pipeline in (None, change.pipeline)
    ]
    if waiting:
        context.output.message(
            f"Declared and not live: {', '.join(waiting)}. Add them with `flowerpower schedule "
            "apply`."
        )


def schedules_in_words(context: CommandContext, config: PipelineConfig) -> list[str]:
    """When each schedule of a pipeline's YAML fires, or why it cannot."""
    texts = []
    for schedule in config.schedule:
        try:
            texts.append(schedule.trigger(context.timezone).in_words())
        except FlowerpowerError as error:
            texts.append(" ".join((error.message, *error.details)))
    return texts
