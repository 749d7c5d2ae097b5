"""`flowerpower job-queue start-worker`, `workers` and `start-scheduler`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.inputs import words
from flowerpower_cli.option_values import whole_number
from flowerpower_cli.options import QueueOptions, option
from flowerpower_cli.worker_options import NumWorkers, WorkerQueues

LogFormatOption = Annotated[
    Literal["text", "json"] | None,
    typer.Option(
        envvar="FLOWERPOWER_LOG_FORMAT",
        show_envvar=False,
        help="How to log (FLOWERPOWER_LOG_FORMAT); by default as text.",
    ),
]


@command("job-queue start-worker", example="--num-workers 4", options=QueueOptions)
def start_worker(
    context: CommandContext,
    num_workers: NumWorkers = None,
    queues: WorkerQueues = None,
    burst: Annotated[bool, typer.Option("--burst", help="End when no job is due.")] = False,
    max_jobs: Annotated[int | None, option("N", "End after N jobs.", whole_number)] = None,
    jobs_per_child: Annotated[
        int, option("N", "How many jobs a process runs before it is replaced.", whole_number)
    ] = 1,
    with_scheduler: Annotated[
        bool, typer.Option("--with-scheduler", help="Fire schedules too; on SQL every worker does.")
    ] = False,
    log_format: LogFormatOption = None,
    job_logs: Annotated[
        bool, typer.Option("--job-logs", help="Print what jobs print too, each line with its job.")
    ] = False,
) -> None:
    """Start a worker: it takes jobs from the queue and runs each in a process of its own.

    Ctrl-C or SIGTERM lets running jobs finish; a second one puts them back at once. With
    --log-format json all that it says, and libraries log and warn of, is a line of JSON.
    """
    from flowerpower_cli.views.events import WorkerEvents
    from flowerpower_cli.views.service_log import log_as_service

    log_as_service(context.output, context.manager.project, log_format)
    job_queue = context.job_queue
    queue_names = words(queues)
    if queues and not queue_names:
        raise UsageError("--queues names no queue.")
    context.warn_if_left_behind()
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
        tell_logs=job_logs,
        on_event=events.print_event,
    )


@command("job-queue workers", example="--json", options=QueueOptions)
def workers(context: CommandContext) -> None:
    """List the workers that are alive, and what they do."""
    from flowerpower_cli.views.workers import workers_view

    alive = context.job_queue.list_workers()
    context.output.result(
        [worker.to_json() for worker in alive],
        lambda: workers_view(alive, context.timezone, context.job_queue.paused_queues().keys()),
    )
    if not alive:
        context.output.message(
            "No worker is running; start one with `flowerpower job-queue start-worker`."
        )


@command("job-queue start-scheduler", options=QueueOptions)
def start_scheduler(context: CommandContext, log_format: LogFormatOption = None) -> None:
    """Start a scheduler: it adds the jobs of schedules when they are due, and runs none.

    Any number may run at once. On SQL every worker is a scheduler too. Ctrl-C or SIGTERM stops it;
    with --quiet it prints the ids of the jobs that it adds.
    """
    from flowerpower_cli.views.events import SchedulerEvents
    from flowerpower_cli.views.service_log import log_as_service

    log_as_service(context.output, context.manager.project, log_format)
    job_queue = context.job_queue
    context.warn_if_left_behind()
    events = SchedulerEvents(context.output, context.manager.project, job_queue.check())
    job_queue.run_scheduler(on_event=events.print_event)
