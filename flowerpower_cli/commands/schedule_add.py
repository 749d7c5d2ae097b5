"""`flowerpower schedule add`: a pipeline on the calendar."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.inputs import overrides_from, trigger_from
from flowerpower_cli.lookup import raise_errors
from flowerpower_cli.option_values import duration, iso_time, whole_number
from flowerpower_cli.options import (
    Expires,
    OptionGroup,
    Overwrite,
    PipelineName,
    Priority,
    QueueName,
    QueueOptions,
    ResultTtl,
    RunOptions,
    given_options,
    option,
)
from flowerpower_cli.trigger_options import Start, TriggerOptions
from flowerpower_cli.views.output import stdout_to_stderr

if TYPE_CHECKING:
    from flowerpower.jobs.schedule import Schedule, ScheduleSpec
    from flowerpower.pipeline.schedule_changes import ScheduleChange


class ScheduleOptions(OptionGroup):
    """How a schedule fires, and how its jobs are kept; None is the default."""

    start: Start = None
    end: Annotated[datetime | None, option("TIME", "No fire after this time.", iso_time)] = None
    jitter: Annotated[
        float | None, option("DURATION", "Delay each fire at random by up to this long.", duration)
    ] = None
    misfire_grace_time: Annotated[
        float | None,
        option(
            "DURATION",
            "A fire later than this counts as missed; by default there is no limit.",
            duration,
        ),
    ] = None
    coalesce: Annotated[
        bool | None,
        typer.Option(help="Make one fire of several missed ones (the default), or each of them."),
    ] = None
    max_instances: Annotated[
        int | None,
        option(
            "N",
            "A fire overlaps while N jobs of the schedule have not ended; by default 1.",
            whole_number,
        ),
    ] = None
    overlap: Annotated[
        Literal["skip", "queue", "replace"] | None,
        typer.Option(
            help="What such a fire does: no job (the default), one that waits, or one in the place "
            "of the oldest."
        ),
    ] = None
    queue: QueueName = None
    result_ttl: ResultTtl = None
    priority: Priority = None
    expires: Expires = None


@command("schedule add", example='daily_report --cron "0 8 * * 1-5"', options=QueueOptions)
def add(
    context: CommandContext,
    pipeline: PipelineName,
    trigger: TriggerOptions,
    schedule: ScheduleOptions,
    options: RunOptions,
    schedule_id: Annotated[
        str | None, option("SCHEDULE", "The schedule's id; by default the pipeline's next number.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Run a pipeline on a schedule: at the times of --cron, --every or --interval, or at --date.

    Without any of the four it adds the schedules that the pipeline's own YAML declares, or changes
    them in place, as `apply` does, and its JSON is a list; --schedule-id selects one of them.
    Adding the same schedule again changes nothing; --overwrite replaces another schedule that has
    the id.
    """
    from flowerpower_cli.views.jobs import record_data
    from flowerpower_cli.views.schedules import added_view

    errors: list[FlowerpowerError] = []
    changed: set[str] = set()
    if trigger.kinds:
        spec = _spec_from_options(context, pipeline, schedule_id, trigger, schedule, options)
        _say_notes(context, spec)
        # The pipeline may be imported to check the request.
        with stdout_to_stderr():
            added = [context.job_queue.add_schedule(spec, overwrite=overwrite)]
    else:
        _refuse_options(pipeline, trigger, schedule, options)
        changes = _declared(context, pipeline, schedule_id)
        changed = {change.id for change in changes if change.id and change.changes}
        added, errors = _add_declared(context, changes, overwrite=overwrite)
    if not added:
        raise_errors(errors, "schedules")
    # Schedules that could be added are shown before the errors of the others are raised.
    data = [record_data(record) | {"created": record.created} for record in added]
    context.output.result(data[0] if trigger.kinds else data, lambda: added_view(added))
    for record in added:
        if record.id in changed:
            context.output.message(f"Changed in place: {record.id}.")
        elif not record.created:
            context.output.message(f"Nothing to do: the schedule {record.id} exists already.")
    context.warn_if_no_worker({record.spec.queue for record in added if record.spec is not None})
    _warn_if_no_scheduler(context)
    raise_errors(errors, "schedules")


def _spec_from_options(
    context: CommandContext,
    pipeline: str,
    schedule_id: str | None,
    trigger: TriggerOptions,
    schedule: ScheduleOptions,
    options: RunOptions,
) -> ScheduleSpec:
    from flowerpower.jobs.schedule import Origin
    from flowerpower.pipeline.schedules import spec_from_arguments

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
        priority=schedule.priority or 0,
        expires=schedule.expires,
        max_instances=1 if schedule.max_instances is None else schedule.max_instances,
        overlap=schedule.overlap or "skip",
        origin=Origin.CLI,
    )


def _refuse_options(pipeline: str, *groups: Any) -> None:
    for group in groups:
        for flag in given_options(group):
            raise UsageError(
                f"{flag} needs --cron, --every, --interval or --date: it does not apply to a "
                f"schedule that conf/pipelines/{pipeline}.yml declares.",
                hint="Set it in that file, or give a trigger.",
            )


def _declared(
    context: CommandContext, pipeline: str, schedule_id: str | None
) -> list[ScheduleChange]:
    from flowerpower.pipeline.declared_schedules import check_selection

    changes = [change for change in context.schedules.compare(pipeline) if change.declared]
    specs = [change.declared for change in changes if change.declared]
    check_selection(pipeline, specs, schedule_id)
    return [
        change
        for change in changes
        if schedule_id is None or (change.declared and change.declared.id == schedule_id)
    ]


def _add_declared(
    context: CommandContext, changes: list[ScheduleChange], *, overwrite: bool
) -> tuple[list[Schedule], list[FlowerpowerError]]:
    added: list[Schedule] = []
    errors: list[FlowerpowerError] = []
    for change in changes:
        if change.declared:
            _say_notes(context, change.declared)
        try:
            # The pipeline may be imported to check the request.
            with stdout_to_stderr():
                schedule = context.schedules.bring_in_line(change, overwrite=overwrite)
        except FlowerpowerError as error:
            errors.append(error)
            continue
        if schedule is None:
            context.output.message(f"Not live: {change.label}, it has enabled: false.")
        else:
            added.append(schedule)
    return added, errors


def _say_notes(context: CommandContext, spec: ScheduleSpec) -> None:
    for note in spec.trigger.notes:
        context.output.message(note)


def _warn_if_no_scheduler(context: CommandContext) -> None:
    """Say so if no scheduler is running; on SQL every worker is one, and was asked for before."""
    if context.output.quiet or context.output.json or context.job_queue.type != "rq":
        return
    if not context.job_queue.has_scheduler():
        context.output.message(
            "No scheduler fires schedules; start one: flowerpower job-queue start-scheduler"
        )
