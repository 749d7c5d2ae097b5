"""`flowerpower job-queue start-scheduler`."""

from __future__ import annotations

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import InQueue


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this room into `app`."""
    command(
        app,
        "start-scheduler",
        example="flowerpower job-queue start-scheduler",
        options=InQueue,
    )(start_scheduler)


def start_scheduler(context: CommandContext) -> None:
    """Start a scheduler: it makes the jobs of schedules when they are due, and runs none.

    Any number may run at once. On SQL every worker does this too. Ctrl-C or SIGTERM stops it; with
    --quiet it prints the ids of the jobs that it makes.
    """
    from flowerpower_cli.views.events import SchedulerEvents

    job_queue = context.job_queue
    told = SchedulerEvents(context.output, context.manager.project, job_queue.backend.check())
    job_queue.run_scheduler(on_event=told.tell)
