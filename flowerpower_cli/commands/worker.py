"""`flowerpower job-queue start-worker` and `workers`."""

from __future__ import annotations

from typing import Annotated

import typer

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.option_parsers import whole_number
from flowerpower_cli.options import InQueue


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this room into `app`."""
    command(
        app,
        "start-worker",
        example="flowerpower job-queue start-worker --num-workers 4",
        options=InQueue,
    )(start_worker)
    command(app, "workers", example="flowerpower job-queue workers --json", options=InQueue)(
        workers
    )


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
            metavar="QUEUE[,QUEUE]", help="Take jobs from these; by default from all. Repeatable."
        ),
    ] = None,
    burst: Annotated[bool, typer.Option("--burst", help="End when no job is due.")] = False,
    max_jobs: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="End after so many jobs."),
    ] = None,
    jobs_per_child: Annotated[
        int,
        typer.Option(
            parser=whole_number,
            metavar="N",
            help="Jobs that one process does before it is replaced.",
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
    named = [name for text in queues or [] for name in text.split(",") if name]
    if queues and not named:
        raise UsageError("--queues names no queue.")
    fires = with_scheduler or job_queue.type == "apscheduler"
    told = WorkerEvents(
        context.output,
        context.manager.project,
        job_queue.backend.check(),
        fires=fires,
        learn_secrets=context.learn_secrets,
    )
    job_queue.run_worker(
        num_workers=num_workers,
        queues=named or None,
        burst=burst,
        max_jobs=max_jobs,
        jobs_per_child=jobs_per_child,
        with_scheduler=with_scheduler,
        on_event=told.tell,
    )


def workers(context: CommandContext) -> None:
    """List the workers that live, and what they do."""
    from flowerpower_cli.views.jobs import workers_view

    found = context.job_queue.backend.list_workers()
    context.output.result(
        [each.to_json() for each in found],
        lambda: workers_view(found, context.manager.project.timezone),
        [each.id for each in found],
    )
    if not found:
        context.output.message(
            "No worker is running; start one with `flowerpower job-queue start-worker`."
        )
