"""`flowerpower job-queue start-worker`, `workers` and `start-scheduler`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.option_parsers import whole_number, words
from flowerpower_cli.options import QueueOptions

if TYPE_CHECKING:
    from flowerpower.jobs.job import Job


@command("job-queue start-worker", example="--num-workers 4", options=QueueOptions)
def start_worker(
    context: CommandContext,
    num_workers: Annotated[
        int | None,
        typer.Option(
            "--num-workers",
            "-n",
            parser=whole_number,
            metavar="N",
            help="Jobs at once; by default as conf/project.yml says.",
        ),
    ] = None,
    queues: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUEUE[,QUEUE]",
            help="Take jobs from these queues; by default from all. Repeatable.",
        ),
    ] = None,
    burst: Annotated[bool, typer.Option("--burst", help="End when no job is due.")] = False,
    max_jobs: Annotated[
        int | None, typer.Option(parser=whole_number, metavar="N", help="End after N jobs.")
    ] = None,
    jobs_per_child: Annotated[
        int,
        typer.Option(
            parser=whole_number,
            metavar="N",
            help="How many jobs a process runs before it is replaced.",
        ),
    ] = 1,
    with_scheduler: Annotated[
        bool,
        typer.Option("--with-scheduler", help="Fire schedules too; on SQL every worker does."),
    ] = False,
) -> None:
    """Start a worker: it takes jobs from the queue and runs each in a process of its own.

    Ctrl-C or SIGTERM lets running jobs finish; a second one puts them back at once.
    """
    from flowerpower_cli.views.events import WorkerEvents

    job_queue = context.job_queue
    queue_names = words(queues)
    if queues and not queue_names:
        raise UsageError("--queues names no queue.")
    events = WorkerEvents(
        context.output,
        context.manager.project,
        job_queue.check(),
        fires_schedules=with_scheduler or job_queue.type == "apscheduler",
        learn_secrets=context.learn_secrets,
    )
    job_queue.run_worker(
        num_workers=num_workers,
        queues=queue_names or None,
        burst=burst,
        max_jobs=max_jobs,
        jobs_per_child=jobs_per_child,
        with_scheduler=with_scheduler,
        on_event=events.print_event,
    )


@command("job-queue workers", example="--json", options=QueueOptions)
def workers(context: CommandContext) -> None:
    """List the workers that are alive, and what they do."""
    from flowerpower_cli.views.jobs import workers_view

    alive = context.job_queue.list_workers()
    context.output.result(
        [worker.to_json() for worker in alive],
        lambda: workers_view(alive, context.timezone),
        [worker.id for worker in alive],
    )
    if not alive:
        context.output.message(
            "No worker is running; start one with `flowerpower job-queue start-worker`."
        )


@command("job-queue start-scheduler", options=QueueOptions)
def start_scheduler(context: CommandContext) -> None:
    """Start a scheduler: it adds the jobs of schedules when they are due, and runs none.

    Any number may run at once. On SQL every worker is a scheduler too. Ctrl-C or SIGTERM stops it;
    with --quiet it prints the ids of the jobs that it adds.
    """
    from flowerpower_cli.views.events import SchedulerEvents

    job_queue = context.job_queue
    events = SchedulerEvents(context.output, context.manager.project, job_queue.check())
    job_queue.run_scheduler(on_event=events.print_event)


def warn_if_jobs_wait(context: CommandContext, jobs: Iterable[Job]) -> None:
    """Say so if no worker takes the jobs that have not ended."""
    warn_if_no_worker(context, {job.queue for job in jobs if not job.status.is_ended})


def warn_if_no_worker(context: CommandContext, queues: set[str]) -> None:
    """Say so if no worker takes jobs from some of the queues."""
    if context.output.quiet or context.output.json:
        return
    from flowerpower.triggers import clock
    from flowerpower_cli.views.jobs import SILENT_AFTER, seconds_silent

    now = clock.now()
    served = {
        queue
        for worker in context.job_queue.list_workers()
        # A worker that was killed stays listed for a while.
        if seconds_silent(worker, now) < SILENT_AFTER
        for queue in worker.queues
    }
    if unserved := sorted(queues - served):
        context.output.message(
            f"No worker takes jobs from {', '.join(unserved)}; start one: "
            "flowerpower job-queue start-worker"
        )


def warn_if_no_scheduler(context: CommandContext) -> None:
    """Say so if no scheduler is running; on SQL every worker is one, see `warn_if_no_worker`."""
    if context.output.quiet or context.output.json or context.job_queue.type != "rq":
        return
    if not context.job_queue.has_scheduler():
        context.output.message(
            "No scheduler fires schedules; start one: flowerpower job-queue start-scheduler"
        )
