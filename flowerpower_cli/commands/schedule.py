"""`flowerpower schedule`: all of it but `add`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from flowerpower.errors import FlowerpowerError, InvalidTime, UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.inputs import choices, trigger_from
from flowerpower_cli.lookup import delete_each, for_each, raise_errors
from flowerpower_cli.option_values import whole_number
from flowerpower_cli.options import (
    DryRun,
    Limit,
    OfPipeline,
    QueueOptions,
    ScheduleId,
    ScheduleIds,
    Strings,
    Yes,
    argument,
    given_options,
    option,
)
from flowerpower_cli.trigger_options import Start, TriggerOptions
from flowerpower_cli.views.output import stdout_to_stderr

if TYPE_CHECKING:
    from flowerpower.jobs.schedule import Schedule
    from flowerpower.triggers.base import Trigger

NEXT_FIRES = 3
LAST_FIRES = 5
MAX_COUNT = 1000


@command("schedule list", example="--state active,paused", options=QueueOptions)
def list_(
    context: CommandContext,
    pipeline: OfPipeline = None,
    state: Annotated[Strings, option("STATE[,STATE]", "active, paused, done. Repeatable.")] = None,
) -> None:
    """List schedules, the oldest first: when they fire, and what became of the last fire."""
    from flowerpower.jobs.schedule import ScheduleState
    from flowerpower_cli.declared import say_what_is_not_live, standings_of
    from flowerpower_cli.views.jobs import record_data
    from flowerpower_cli.views.schedules import schedules_view

    states = choices("--state", state, [known.value for known in ScheduleState])
    all_schedules = context.job_queue.list_schedules()
    schedules = [
        schedule
        for schedule in all_schedules
        if pipeline in (None, schedule.pipeline) and (not states or schedule.state in states)
    ]
    context.learn_secrets(*(schedule.pipeline for schedule in schedules))
    changes = standings_of(context, all_schedules, *context.manager.list())
    standings = {change.live.id: change.standing for change in changes if change.live}
    context.output.result(
        [
            record_data(schedule) | {"declaration": standings.get(schedule.id)}
            for schedule in schedules
        ],
        lambda: schedules_view(schedules, context.timezone, standings),
    )
    say_what_is_not_live(context, changes, pipeline)
    if not all_schedules:
        context.output.message(
            "There are no schedules yet; add one with `flowerpower schedule add PIPELINE`."
        )
        context.warn_if_left_behind()
    elif not schedules:
        context.output.message("No schedule meets these conditions.")


@command("schedule show", example="daily_report-1", options=QueueOptions)
def show(context: CommandContext, schedule: ScheduleId) -> None:
    """Show all that is known of a schedule: its next fires, and what became of the last ones."""
    from flowerpower.triggers import clock
    from flowerpower.triggers.base import LATEST
    from flowerpower.triggers.preview import PreviewRow
    from flowerpower.triggers.preview import preview as next_fires_of
    from flowerpower_cli.declared import standing_of
    from flowerpower_cli.views.jobs import record_data
    from flowerpower_cli.views.previews import exceptions_data, next_fires_data
    from flowerpower_cli.views.schedules import schedule_view

    record = _get_schedule(context, schedule)
    fires = context.job_queue.list_fires(record.id, LAST_FIRES)
    next_fires: list[PreviewRow] = []
    if record.trigger is not None and record.next_fire is not None:
        # An overdue fire lies in the past and is still the next one.
        begin = min(clock.now(), clock.after(record.next_fire, -1e-6))
        next_fires = next_fires_of(record.trigger, begin, NEXT_FIRES)
    data = record_data(record) | {
        "next_fires": next_fires_data(next_fires),
        "fires": [fire.to_json() for fire in fires],
        "exceptions": exceptions_data(record.trigger, clock.now(), LATEST),
    }
    change = standing_of(context, record)
    data["declaration"] = change.standing if change else None
    data["changes"] = change.to_json()["changes"] if change else []
    context.output.result(
        data, lambda: schedule_view(record, next_fires, fires, context.timezone, change)
    )


@command("schedule history", example="daily_report-1", options=QueueOptions)
def history(context: CommandContext, schedule: ScheduleId, limit: Limit = 50) -> None:
    """List the fires of a schedule and what became of each and of its job, the latest first.

    With --quiet it prints the ids of the jobs that they added.
    """
    from flowerpower_cli.views.schedules import history_view, zone_of

    record = _get_schedule(context, schedule)
    fires = context.job_queue.list_fires(record.id, limit)
    context.output.result(
        [fire.to_json() for fire in fires],
        lambda: history_view(fires, zone_of(record, context.timezone)),
        [fire.job_id for fire in fires if fire.job_id is not None],
    )
    if not fires:
        context.output.message(f"The schedule {record.id} has not fired yet.")
    elif len(fires) == limit:
        context.output.message(f"These are the latest {limit}; --limit shows more.")


def _get_schedule(context: CommandContext, schedule_id: str) -> Schedule:
    schedule = context.job_queue.get_schedule(schedule_id)
    context.learn_secrets(schedule.pipeline)
    return schedule


@command("schedule preview", example='--cron "0 8 * * 1-5" --count 3', options=QueueOptions)
def preview(
    context: CommandContext,
    options: TriggerOptions,
    schedule: Annotated[
        str | None, argument("[SCHEDULE]", "A schedule's id, instead of a trigger.")
    ] = None,
    start: Start = None,
    count: Annotated[int, option("N", "How many fires.", whole_number)] = 10,
) -> None:
    """Show the next fires of a schedule or a trigger, and what clock changes do to them."""
    from flowerpower.triggers import clock
    from flowerpower.triggers.base import LATEST
    from flowerpower.triggers.preview import exception_sentences
    from flowerpower.triggers.preview import preview as next_fires
    from flowerpower_cli.views.previews import exceptions_data, next_fires_data, preview_view

    if not 1 <= count <= MAX_COUNT:
        raise UsageError(f"--count: expected 1 to {MAX_COUNT}, got {count}.")
    trigger = _trigger(context, schedule, options, start)
    begin = _start(start, trigger).replace(microsecond=0)
    # An interval without a start counts from the first moment that is shown.
    trigger = trigger.anchored(begin)
    # A step of the calendar fires at its start too.
    after = clock.after(begin, -1e-6) if options.every and begin == trigger.start else begin
    rows = next_fires(trigger, after, count)
    until = rows[-1].fire if len(rows) == count else LATEST
    transitions = _transition_sentences(trigger, after, count)
    data = {
        "trigger": trigger.to_json(),
        "in_words": trigger.in_words(),
        "timezone": trigger.timezone,
        "fires": next_fires_data(rows),
        "transitions": transitions,
        "exceptions": exceptions_data(trigger, after, until),
    }
    sentences = [*transitions, *exception_sentences(trigger, after, until)]
    context.output.result(
        data,
        lambda: preview_view(trigger, rows, begin, sentences),
        [clock.format_time(row.fire) for row in rows],
    )
    if not rows:
        context.output.message("The trigger will never fire.")


def _transition_sentences(trigger: Trigger, after: datetime, count: int) -> list[str]:
    """What clock changes do to the fires that are shown, or else the next of them."""
    from flowerpower.triggers.preview import next_transition_sentence, transition_sentences

    sentences = transition_sentences(trigger, after, count)
    if sentences or not trigger.follows_local_time:
        return sentences
    later = next_transition_sentence(trigger, after)
    return [later] if later else []


def _trigger(
    context: CommandContext,
    schedule_id: str | None,
    options: TriggerOptions,
    start: datetime | None,
) -> Trigger:
    if schedule_id is None:
        return trigger_from(context, options, start=start if options.every else None)
    if flags := given_options(options):
        raise UsageError(
            f"The schedule {schedule_id} and {flags[0]} are both given; expected one of them."
        )
    schedule = context.job_queue.get_schedule(schedule_id)
    if schedule.trigger is None:
        raise FlowerpowerError(schedule.fault)
    if schedule.state == "paused":
        context.output.message(
            f"The schedule {schedule.id} is paused: it does not fire until it is resumed."
        )
    return schedule.trigger


def _start(start: datetime | None, trigger: Trigger) -> datetime:
    from flowerpower.triggers import clock

    if start is None:
        return clock.now()
    aware = start if start.tzinfo else start.replace(tzinfo=clock.timezone(trigger.timezone))
    try:
        return clock.after(aware, 0)
    except OverflowError:
        raise InvalidTime(f"--start {start.isoformat()!r} is out of range.") from None


@command("schedule pause", example="daily_report-1 weekly-1", options=QueueOptions)
def pause(context: CommandContext, schedules: ScheduleIds) -> None:
    """Stop schedules from firing until they are resumed."""
    _change_state(context, schedules, "paused")


@command("schedule resume", example="daily_report-1", options=QueueOptions)
def resume(context: CommandContext, schedules: ScheduleIds) -> None:
    """Let paused schedules fire again, from now on; fires that they missed are not made up for."""
    _change_state(context, schedules, "active")


def _find(context: CommandContext) -> Callable[[str], Schedule]:
    # The queue is opened at the first name: an error of opening it is one of that name.
    return lambda name: context.job_queue.get_schedule(name)


def _change_state(context: CommandContext, ids: list[str], state: str) -> None:
    from flowerpower_cli.views.jobs import record_data
    from flowerpower_cli.views.schedules import changed_view

    job_queue = context.job_queue

    def change(before: Schedule) -> tuple[Schedule, bool]:
        set_state = job_queue.pause_schedule if state == "paused" else job_queue.resume_schedule
        after = set_state(before.id)
        return after, after.state != before.state

    results, errors = for_each(context, "schedules", ids, _find(context), change)
    context.learn_secrets(*(schedule.pipeline for schedule, _ in results))
    context.output.result(
        [record_data(schedule) | {"changed": changed} for schedule, changed in results],
        lambda: changed_view([schedule for schedule, _ in results]),
    )
    for schedule, changed in results:
        if schedule.spec is not None and not schedule.spec.enabled:
            context.output.message(
                f"{schedule.id} has enabled: false in its pipeline's YAML: it does not fire."
            )
        elif not changed:
            context.output.message(f"Nothing to do: {schedule.id} is {schedule.state} already.")
    raise_errors(errors, "schedules")


@command("schedule run-now", example="daily_report-1", options=QueueOptions)
def run_now(context: CommandContext, schedules: ScheduleIds) -> None:
    """Add a job of each schedule at once; when the schedules fire does not change.

    Neither --max-instances nor --overlap of a schedule holds it back.
    """
    from flowerpower_cli.views.jobs import added_view, record_data

    job_queue = context.job_queue
    # The pipeline may be imported to check the request.
    with stdout_to_stderr():
        jobs, errors = for_each(
            context,
            "schedules",
            schedules,
            _find(context),
            lambda schedule: job_queue.run_schedule_now(schedule.id),
        )
    context.learn_secrets(*(job.pipeline for job in jobs))
    context.output.result([record_data(job) for job in jobs], lambda: added_view(*jobs))
    context.warn_if_jobs_wait(jobs)
    raise_errors(errors, "schedules")


@command("schedule delete", example="daily_report-1 --yes", options=QueueOptions)
def delete(
    context: CommandContext, schedules: ScheduleIds, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Delete schedules with their history; jobs that they added stay."""
    job_queue = context.job_queue
    delete_each(
        context,
        "schedules",
        schedules,
        _find(context),
        lambda name: job_queue.delete_schedule(name),
        lost="with history",
        yes=yes,
        dry_run=dry_run,
    )
