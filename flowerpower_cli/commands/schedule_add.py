"""`flowerpower schedule add`: a pipeline on the calendar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.lookup import raise_all
from flowerpower_cli.option_parsers import duration, time_reading, whole_number
from flowerpower_cli.options import (
    InQueue,
    Overwrite,
    PipelineName,
    QueueName,
    ResultTtl,
    RunOptions,
    Start,
    TriggerOptions,
    field_values,
)

if TYPE_CHECKING:
    from flowerpower.jobs.schedule import Schedule, ScheduleSpec


@dataclass(frozen=True)
class ScheduleOptions:
    """How a schedule keeps to its trigger, and what its jobs are like; None is the default."""

    start: Start = None
    end: Annotated[
        datetime | None,
        typer.Option(parser=time_reading, metavar="TIME", help="No fire after this time."),
    ] = None
    jitter: Annotated[
        float | None,
        typer.Option(
            parser=duration, metavar="DURATION", help="Each fire is up to so long late, at random."
        ),
    ] = None
    misfire_grace_time: Annotated[
        float | None,
        typer.Option(
            parser=duration,
            metavar="DURATION",
            help="A fire that is later than this is missed; by default there is no limit.",
        ),
    ] = None
    coalesce: Annotated[
        bool | None,
        typer.Option(
            "--coalesce/--no-coalesce",
            help="Make one fire of several that were missed (the default), or each.",
            show_default=False,
        ),
    ] = None
    max_instances: Annotated[
        int | None,
        typer.Option(
            parser=whole_number,
            metavar="N",
            help="Skip a fire while so many jobs of the schedule are not done; by default 1.",
        ),
    ] = None
    queue: QueueName = None
    result_ttl: ResultTtl = None


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this room into `app`."""
    command(
        app,
        "add",
        example='flowerpower schedule add daily_report --cron "0 8 * * 1-5"',
        options=InQueue,
    )(add)


def add(
    context: CommandContext,
    pipeline: PipelineName,
    trigger: TriggerOptions,
    schedule: ScheduleOptions,
    options: RunOptions,
    schedule_id: Annotated[
        str | None,
        typer.Option(
            metavar="SCHEDULE", help="The schedule's id; by default the pipeline's next number."
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Let a pipeline run by itself: at the times of --cron or --interval, or once at --date.

    Without any of the three it adds the schedules that the pipeline's own YAML declares, and its
    JSON is a list; --schedule-id picks one of them. Adding the same again changes nothing;
    --overwrite replaces another schedule that has the id.
    """
    from flowerpower_cli.commands.waiting import warn_if_no_scheduler, warn_if_no_worker
    from flowerpower_cli.trigger_options import is_given
    from flowerpower_cli.views.schedules import added_view, schedule_data

    if is_given(trigger):
        specs = [_asked(context, pipeline, schedule_id, trigger, schedule, options)]
    else:
        specs = _declared(context, pipeline, schedule_id, (trigger, schedule, options))
    for spec in specs:
        for note in spec.trigger.notes:
            context.output.message(note)
    added, errors = _added(context, specs, overwrite=overwrite)
    if not added:
        raise_all(errors, "schedules")
    data = [schedule_data(each) | {"created": each.created} for each in added]
    context.output.result(
        data[0] if is_given(trigger) else data,
        lambda: added_view(added),
        [each.id for each in added],
    )
    for each in added:
        if not each.created:
            context.output.message(f"Already so: {each.id}.")
        elif each.state == "done":
            context.output.warning(f"The schedule {each.id} is done: it has no fires to come.")
    warn_if_no_worker(context, {each.spec.queue for each in added if each.spec is not None})
    warn_if_no_scheduler(context)
    raise_all(errors, "schedules")


def _asked(
    context: CommandContext,
    pipeline: str,
    schedule_id: str | None,
    trigger: TriggerOptions,
    schedule: ScheduleOptions,
    options: RunOptions,
) -> ScheduleSpec:
    from flowerpower.jobs.schedule import Origin
    from flowerpower.pipeline.scheduling import spec_from_arguments
    from flowerpower_cli.inputs import overrides_from
    from flowerpower_cli.trigger_options import trigger_from

    return spec_from_arguments(
        context.manager.project,
        pipeline,
        trigger_from(
            context, trigger, start=schedule.start, end=schedule.end, jitter=schedule.jitter
        ),
        overrides_from(options),
        schedule_id=schedule_id,
        queue=schedule.queue,
        result_ttl=schedule.result_ttl,
        misfire_grace_time=schedule.misfire_grace_time,
        coalesce=schedule.coalesce is not False,
        max_instances=1 if schedule.max_instances is None else schedule.max_instances,
        origin=Origin.CLI,
    )


def _declared(
    context: CommandContext, pipeline: str, schedule_id: str | None, groups: Iterable[Any]
) -> list[ScheduleSpec]:
    from flowerpower.pipeline.scheduling import declared_schedules, select

    specs = declared_schedules(context.manager.project, context.manager.registry, pipeline)
    for group in groups:
        for name, value in field_values(group).items():
            if value is not None:
                raise UsageError(
                    f"--{name.replace('_', '-')} goes with --cron, --interval or --date; "
                    f"what conf/pipelines/{pipeline}.yml declares takes nothing from here.",
                    hint="Write it there, or give a trigger.",
                )
    if specs and schedule_id is None:
        return specs
    return [select(pipeline, specs, schedule_id)]


def _added(
    context: CommandContext, specs: list[ScheduleSpec], *, overwrite: bool
) -> tuple[list[Schedule], list[FlowerpowerError]]:
    added: list[Schedule] = []
    errors: list[FlowerpowerError] = []
    for spec in specs:
        try:
            added.append(context.job_queue.add_schedule(spec, overwrite=overwrite))
        except FlowerpowerError as error:
            errors.append(error)
    return added, errors
