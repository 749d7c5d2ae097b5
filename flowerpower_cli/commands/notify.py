"""`flowerpower notify`: who is told of what, and a test of that."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from flowerpower.errors import FlowerpowerError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import OfPipeline, QueueOptions

Kind = Annotated[
    Literal["failed", "recovered", "missed", "late", "lost", "finished"] | None,
    typer.Option("--on", help="Only those that are told of this."),
]


@command("notify test", example="--on failed", options=QueueOptions)
def send_test(context: CommandContext, pipeline: OfPipeline = None, on: Kind = None) -> None:
    """Send one test notice to each configured target now, and say what happened.

    It ends with exit code 1 if any has not arrived. Pings of schedules are not tested: they would
    pass for a job that has ended.
    """
    from flowerpower_cli.views.notices import test_view
    from flowerpower_cli.views.tables import counted

    tested = list(context.manager.notices.send_test(pipeline, on))
    context.output.result(
        [target.to_json() for target in tested],
        lambda: test_view(tested),
        [target.target.id for target in tested if target.error is None],
    )
    if not tested:
        context.output.message("Nobody is told: there is no such target under `notify`.")
    if failed := sum(target.error is not None for target in tested):
        raise FlowerpowerError(
            f"{failed} of {counted(len(tested), 'test notice')} could not be sent.",
            hint="Put the target right under `notify`, and try again.",
        )


@command("notify list", options=QueueOptions)
def list_notices(context: CommandContext, pipeline: OfPipeline = None, on: Kind = None) -> None:
    """Show who is told of what, and the notices that wait or could not be sent."""
    from flowerpower_cli.views.notices import notices_data, notices_view

    notices = context.manager.notices
    targets = notices.targets(pipeline, on)
    _ = context.job_queue
    shown = {target.id for target in targets}
    is_all = pipeline is None and on is None
    waiting, given_up = (
        [one for one in deliveries if is_all or one.target in shown]
        for deliveries in (notices.waiting(), notices.given_up())
    )
    context.output.result(
        notices_data(targets, waiting, given_up),
        lambda: notices_view(targets, waiting, given_up, context.timezone),
        [target.id for target in targets],
    )
    if not targets:
        context.output.message("Nobody is told: there is no such target under `notify`.")
