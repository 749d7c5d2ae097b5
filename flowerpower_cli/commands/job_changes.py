"""`flowerpower job-queue cancel-job`, `retry-job`, `delete-job` and `prune`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower_cli.command import CommandContext, command, importing_modules
from flowerpower_cli.options import (
    DryRun,
    JobSelection,
    QueueOptions,
    SelectedJobIds,
    SelectedLimit,
    Yes,
    option,
)

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job, JobVerb
    from flowerpower.pipeline.retry_plan import RetryPlan
    from flowerpower_cli.bulk import Selected
    from flowerpower_cli.views.tables import Block

# Imports are inside of the functions: the help of the group loads them all and needs no view.
_WAITING = ("scheduled", "queued")
_ENDED = ("finished", "failed", "cancelled")


@command("job-queue cancel-job", example="nightly-1 nightly-2", options=QueueOptions)
def cancel_job(
    context: CommandContext,
    selection: JobSelection,
    jobs: SelectedJobIds = None,
    limit: SelectedLimit = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Cancel jobs: a waiting one at once, a running one within seconds.

    Without ids, those that have not ended and meet the conditions. With conditions it asks first.
    """
    from flowerpower_cli.bulk import act_on, confirm, select_jobs
    from flowerpower_cli.views.jobs import cancelled_view
    from flowerpower_cli.views.tables import counted

    selected = select_jobs(context, jobs, selection, limit, *_WAITING, "running")
    selected.keep(_allows("cancel"))
    if selected.by_conditions and not dry_run:
        confirm(context, selected, f"This cancels {counted(len(selected.jobs), 'job')}.", yes=yes)

    def is_new(job: Job) -> bool:
        return not job.cancel_requested and job.status != "cancelled"

    def show(results: list[tuple[Job, Job]]) -> None:
        def more(job: Job, _after: Job) -> dict[str, Any]:
            return {"changed": is_new(job) and not dry_run}

        def view() -> Iterable[Block]:
            return cancelled_view([job for _, job in results])

        _show(context, results, view, "cancelled", more, dry_run=dry_run)
        if results and not any(is_new(job) for job, _ in results):
            context.output.message("Nothing to do: cancelled already.")

    act_on(context, selected, _change(context, "cancel", dry_run=dry_run), show, "Cancelling")


@command(
    "job-queue retry-job",
    example="--status failed --pipeline daily_report --since 2h --dry-run",
    options=QueueOptions,
)
def retry_job(
    context: CommandContext,
    selection: JobSelection,
    jobs: SelectedJobIds = None,
    limit: SelectedLimit = None,
    from_failed: Annotated[
        bool,
        typer.Option(
            "--from-failed",
            help="Reuse what had finished in the last attempt; for runs that use the cache.",
        ),
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Run ended jobs once more, as new jobs.")
    ] = False,
    job_id: Annotated[
        str | None, option("ID", "With --again and one job: the new job's id.")
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Queue failed or cancelled jobs again, with all of their retries.

    Without ids, those that meet the conditions: failed ones, unless --status says otherwise. With
    conditions it asks first. With --again the jobs stay as they are, also finished ones, and a new
    job with the same pipeline, overrides, queue and priority is added for each.
    """
    from flowerpower_cli.bulk import act_on, confirm, select_jobs
    from flowerpower_cli.views.job_changes import again_view, retried_view
    from flowerpower_cli.views.output import stdout_to_stderr
    from flowerpower_cli.views.tables import counted

    if job_id is not None and not again:
        raise UsageError("--job-id names the new job of --again, which is not given.")
    selected = select_jobs(context, jobs, selection, limit, *(_ENDED if again else ("failed",)))
    if job_id is not None and len(selected.jobs) + len(selected.errors) != 1:
        raise UsageError(f"--job-id names one new job; {len(selected.jobs)} are selected.")
    selected.keep(_allows_again if again else _allows("retry"))
    plans = _plans(context, selected) if from_failed else {}
    done = "run again as new jobs" if again else "retried"
    if selected.by_conditions and not dry_run:
        number = counted(len(selected.jobs), "job")
        confirm(context, selected, f"{number} would be {done}.", yes=yes)

    def run_again(page: Sequence[Job]) -> list[Job | FlowerpowerError]:
        # The pipeline may be imported to check the request.
        with stdout_to_stderr():
            return context.job_queue.run_again(page, job_id, dry_run=dry_run)

    def show(results: list[tuple[Job, Job]]) -> None:
        def more(job: Job, after: Job) -> dict[str, Any]:
            body: dict[str, Any] = {"changed": not dry_run}
            if again and not dry_run:
                body = {"again_of": job.id, "created": after.created, "changed": after.created}
            return body | ({"from_failed": plans[job.id].to_json()} if job.id in plans else {})

        shown = [plans[job.id] for job, _ in results if job.id in plans]
        _show(context, results, lambda: view(results), done, more, dry_run=dry_run, plans=shown)
        context.warn_if_jobs_wait([] if dry_run else [job for _, job in results])

    view = again_view if again else retried_view
    act = run_again if again else _change(context, "retry", dry_run=dry_run)
    act_on(context, selected, act, show, "Retrying")


@command("job-queue delete-job", example="nightly-1 --yes", options=QueueOptions)
def delete_job(
    context: CommandContext,
    selection: JobSelection,
    jobs: SelectedJobIds = None,
    limit: SelectedLimit = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Delete jobs with their results and logs.

    Without ids, those that have ended and meet the conditions.
    """
    from flowerpower_cli.bulk import act_on, confirm, select_jobs
    from flowerpower_cli.lookup import raise_errors, show_deleted
    from flowerpower_cli.views.jobs import jobs_view
    from flowerpower_cli.views.tables import counted

    selected = select_jobs(context, jobs, selection, limit, *_ENDED)
    # A wrong name must not cost half of the jobs.
    raise_errors(selected.errors, end="Nothing was deleted.")
    selected.keep(_allows("delete"))
    if not dry_run:
        number = counted(len(selected.jobs), "job")
        confirm(context, selected, f"This deletes {number}, with log and result.", yes=yes)

    def show(results: list[tuple[Job, Job]]) -> None:
        records = [job for job, _ in results]
        ids = [job.id for job in records]

        def view() -> Iterable[Block]:
            return jobs_view(records, context.timezone, short=sys.stdout.isatty())

        show_deleted(
            context, "jobs", ids, len(ids), dry_run=dry_run, view=view if dry_run else None
        )

    act_on(context, selected, _change(context, "delete", dry_run=dry_run), show, "Deleting")


@command("job-queue prune", example="--all-ended --dry-run", options=QueueOptions)
def prune(
    context: CommandContext,
    all_ended: Annotated[
        bool,
        typer.Option("--all-ended", help="Delete every ended job, however long it is to be kept."),
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Delete jobs whose history_ttl is over now; workers do so from time to time."""
    from flowerpower.jobs.job import ENDED, JobFilter
    from flowerpower_cli.lookup import ALL_JOBS, show_deleted
    from flowerpower_cli.views.tables import counted

    job_queue = context.job_queue
    ended = JobFilter(frozenset(ENDED), limit=ALL_JOBS)
    ids = [job.id for job in job_queue.list_jobs(ended)] if all_ended else []
    if ids and not dry_run:
        number = counted(len(ids), "job")
        context.output.confirm(f"This deletes {number}, with log and result.", yes=yes)
    count = job_queue.prune_jobs(all_ended=all_ended, dry_run=dry_run)
    show_deleted(context, "jobs", ids, count, dry_run=dry_run)


def _allows(verb: JobVerb) -> Callable[[Job], None]:
    from flowerpower.jobs.job import check_change

    return lambda job: check_change(verb, job.id, job.status)


def _allows_again(job: Job) -> None:
    from flowerpower.jobs.job import check_again

    check_again(job.id, job.status)


def _change(
    context: CommandContext, verb: JobVerb, *, dry_run: bool
) -> Callable[[Sequence[Job]], Sequence[Job | FlowerpowerError]]:
    """What changes a page of jobs; a dry run leaves them as they are."""
    if dry_run:
        return lambda page: page
    return lambda page: context.job_queue.change_jobs(verb, [job.id for job in page])


def _plans(context: CommandContext, selected: Selected) -> dict[str, RetryPlan]:
    """What each job would reuse; a job that has no such plan becomes an error."""
    with importing_modules(context.manager.project.root):
        planned = context.job_queue.plan_retries(selected.jobs)
    plans = dict(zip([job.id for job in selected.jobs], planned, strict=True))
    selected.errors += [plan for plan in plans.values() if isinstance(plan, FlowerpowerError)]
    good = {k: plan for k, plan in plans.items() if not isinstance(plan, FlowerpowerError)}
    selected.jobs = [job for job in selected.jobs if job.id in good]
    for text in dict.fromkeys(text for plan in good.values() for text in plan.warnings):
        context.output.warning(text)
    return good


def _show(
    context: CommandContext,
    results: list[tuple[Job, Job]],
    view: Callable[[], Iterable[Block]],
    done: str,
    more: Callable[[Job, Job], dict[str, Any]],
    *,
    dry_run: bool,
    plans: Sequence[RetryPlan] = (),
) -> None:
    """Show jobs after a change, or those that a dry run would change.

    `more` is what their JSON says of the change.
    """
    from flowerpower_cli.views.job_changes import plans_view
    from flowerpower_cli.views.jobs import jobs_view, record_data
    from flowerpower_cli.views.tables import counted

    def blocks() -> Iterator[Block]:
        jobs = [job for _, job in results]
        short = sys.stdout.isatty()
        yield from jobs_view(jobs, context.timezone, short=short) if dry_run else view()
        yield from plans_view(plans)

    data = [record_data(after) | more(before, after) for before, after in results]
    context.output.result(data, blocks)
    if dry_run and results:
        context.output.message(f"{counted(len(results), 'job')} would be {done}.")
