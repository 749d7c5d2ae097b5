"""`flowerpower schedule backfill`: jobs for past fires of a schedule."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flowerpower.errors import BackendUnreachable, UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.option_values import iso_time, whole_number
from flowerpower_cli.options import DryRun, QueueOptions, ScheduleId, Yes, option
from flowerpower_cli.views.output import stdout_to_stderr
from flowerpower_cli.views.tables import counted

if TYPE_CHECKING:
    from flowerpower.pipeline.backfill import Backfill

ASK_ABOVE = 1000
"""Jobs; for more, the command asks first."""


@command("schedule backfill", example="daily_report-1 --missed --dry-run", options=QueueOptions)
def backfill(
    context: CommandContext,
    schedule: ScheduleId,
    start: Annotated[
        datetime | None,
        option(
            "TIME", "The first fire is not before this ISO 8601 time.", iso_time, names="--from"
        ),
    ] = None,
    end: Annotated[
        datetime | None,
        option(
            "TIME", "The last fire is not after this time; by default now.", iso_time, names="--to"
        ),
    ] = None,
    missed: Annotated[
        bool,
        typer.Option("--missed", help="Only fires that the history has as missed or skipped."),
    ] = False,
    max_parallel: Annotated[
        int | None,
        option(
            "N",
            "At most N of the jobs run at once; by default the schedule's max_instances.",
            whole_number,
        ),
    ] = None,
    order: Annotated[
        Literal["oldest", "newest"], typer.Option(help="Which fire's job runs first.")
    ] = "oldest",
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Add jobs for past fires of a schedule that made none: a range of time, or what was missed.

    Each job is given the time of its fire as scheduled_for, and the id that the job of the fire
    would have had: a fire that has made its job makes no second one, however often and by however
    many this is called. The fires that come meanwhile go on as ever. For more than 1000 jobs it
    asks first.
    """
    from flowerpower_cli.views.schedules import backfill_view

    if not missed and start is None:
        raise UsageError(
            "Expected --from TIME, or --missed.",
            hint=f"For example: flowerpower schedule backfill {schedule} --missed --dry-run",
        )
    job_queue = context.job_queue
    plan = job_queue.plan_backfill(
        schedule, start=start, end=end, missed=missed, max_parallel=max_parallel, order=order
    )
    context.learn_secrets(plan.schedule.pipeline)
    if not dry_run:
        if len(plan.times) > ASK_ABOVE:
            number = counted(len(plan.times), "job")
            context.output.confirm(f"This adds {number} of {plan.schedule.id}.", yes=yes)
        plan = _add(context, plan)
    context.output.result(
        plan.to_json(),
        lambda: backfill_view(plan, context.timezone),
        plan.job_ids if plan.added is None else plan.added,
    )
    _tell(context, plan)
    if plan.added and plan.schedule.spec is not None:
        context.warn_if_no_worker({plan.schedule.spec.queue})


def _add(context: CommandContext, plan: Backfill) -> Backfill:
    done = 0

    def on_progress(number: int, count: int) -> None:
        nonlocal done
        done = number
        if count > ASK_ABOVE:
            context.output.message(f"{number} of {count} fires are done.")

    again = "the same command adds the rest"
    try:
        # The pipeline may be imported to check the request.
        with stdout_to_stderr():
            return context.job_queue.backfill(plan, on_progress)
    except BackendUnreachable as error:
        error.details.append(f"{done} of {len(plan.times)} fires are done; {again}")
        raise
    except KeyboardInterrupt:
        context.output.plain_line(f"{done} of {len(plan.times)} fires are done; {again}.")
        raise


def _tell(context: CommandContext, plan: Backfill) -> None:
    """What was done, or would be, and what was left out."""
    count = len(plan.times if plan.added is None else plan.added)
    jobs = counted(count, "job") if count else "No job"
    would = "would be " if plan.added is None else ""
    limit = f"; at most {plan.max_parallel} of them at once" if count > plan.max_parallel else ""
    context.output.message(f"{jobs} {would}added{limit}.")
    # What somebody else has added since the plan was made, too.
    already = plan.already + len(plan.times) - count
    if already:
        verb = "has" if already == 1 else "have"
        context.output.message(f"{counted(already, 'fire')} {verb} made a job already.")
    if plan.unknown:
        context.output.warning(
            f"{counted(plan.unknown, 'fire')} that the history has as missed cannot be found "
            "again, because the trigger was changed since. Give --from and --to instead."
        )
    if plan.unfired_since is not None:
        from flowerpower.triggers import clock
        from flowerpower_cli.views.schedules import zone_of

        since = clock.format_time(plan.unfired_since, zone_of(plan.schedule, context.timezone))
        context.output.warning(
            f"The fires since {since} are due, and no worker or scheduler has dealt with them: "
            "start one, and run this again for those that it does not make up for."
        )
