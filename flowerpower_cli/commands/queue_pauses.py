"""`flowerpower job-queue pause` and `resume`."""

from __future__ import annotations

from collections.abc import Callable

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import QueueNames, QueueOptions


@command("job-queue pause", example="default", options=QueueOptions)
def pause(context: CommandContext, queues: QueueNames) -> None:
    """Pause queues: workers take no jobs from them until they are resumed.

    Running jobs go on, and jobs are still added.
    """
    _change(context, queues, context.job_queue.pause_queue, "paused")


@command("job-queue resume", example="default", options=QueueOptions)
def resume(context: CommandContext, queues: QueueNames) -> None:
    """Let workers take jobs from paused queues again."""
    _change(context, queues, context.job_queue.resume_queue, "resumed")


def _change(
    context: CommandContext, queues: list[str], change: Callable[[str], bool], done: str
) -> None:
    """Pause or resume each queue, and say which of them were so already."""
    from flowerpower.errors import FlowerpowerError
    from flowerpower.jobs.job import json_value
    from flowerpower_cli.lookup import raise_errors
    from flowerpower_cli.views.tables import line

    changed: dict[str, bool] = {}
    errors: list[FlowerpowerError] = []
    for name in dict.fromkeys(queues):
        try:
            changed[name] = change(name)
        except FlowerpowerError as error:
            errors.append(error)
    if not changed:
        raise_errors(errors, "queues")
    paused = context.job_queue.paused_queues()
    data = [
        {"queue": name, "paused_at": json_value(paused.get(name)), "changed": is_new}
        for name, is_new in changed.items()
    ]
    context.output.result(data, lambda: (line(f"{name}  {done}") for name in changed), changed)
    if already := [name for name, is_new in changed.items() if not is_new]:
        state = "paused already" if done == "paused" else "not paused"
        context.output.message(f"Nothing to do: {', '.join(already)}: {state}.")
    raise_errors(errors, "queues")
