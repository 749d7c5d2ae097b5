"""`flowerpower job-queue watch`: what happens in the queue, as it happens."""

from __future__ import annotations

import os
import sys
from typing import Annotated

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.option_values import duration
from flowerpower_cli.options import QueueOptions, option

MIN_INTERVAL = 0.05


@command("job-queue watch", example="--for 10m", options=QueueOptions)
def watch(
    context: CommandContext,
    refresh: Annotated[
        float, option("DURATION", "Look at the queue this often: 500ms, 5s.", duration)
    ] = 1.0,
    seconds: Annotated[
        float | None, option("DURATION", "End after this time: 10m.", duration, names="--for")
    ] = None,
) -> None:
    """Show what happens in the job queue, live: its jobs, queues, workers and next fires.

    On a terminal it is a screen with keys (? lists them): open a job and its log, retry, cancel,
    pause a queue. Elsewhere, and with --json, it prints a line for each event; --quiet prints the
    ids of jobs as they end. It goes on while the backend is away.
    """
    if refresh < MIN_INTERVAL:
        raise UsageError(f"--refresh is {refresh:g} s: expected {MIN_INTERVAL:g} s or more.")
    is_screen = sys.stdout.isatty() and os.environ.get("TERM") not in (None, "", "dumb", "unknown")
    if context.output.json or context.output.quiet or not is_screen:
        from flowerpower_cli.watch.stream import print_events

        print_events(context, refresh, seconds)
    else:
        from flowerpower_cli.watch.live import show_live

        show_live(context, refresh, seconds)
