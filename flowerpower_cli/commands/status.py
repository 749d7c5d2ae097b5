"""`flowerpower status`: what happens in the project's job queue now, on one screen."""

from __future__ import annotations

import sys

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import Limit, QueueOptions

DEFAULT_LIMIT = 5


@command("status", example="--json", options=QueueOptions)
def status(context: CommandContext, limit: Limit = DEFAULT_LIMIT) -> None:
    """Show the job queue on one screen: workers, queues, running and failed jobs, next fires.

    And what is wrong, with a hint. It ends with 0 whatever it shows; --quiet prints the codes of
    the problems. `job-queue watch` shows the same live.
    """
    from flowerpower_cli.views.status import status_data, status_view

    _ = context.job_queue
    shown = context.manager.status(limit)
    context.learn_secrets(*(job.pipeline for job in (*shown.running, *shown.failed)))
    context.output.result(
        status_data(shown),
        lambda: status_view(shown, short=sys.stdout.isatty()),
        [problem.code for problem in shown.problems],
    )
