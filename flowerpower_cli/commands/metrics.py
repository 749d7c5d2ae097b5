"""`flowerpower metrics`: the numbers of the job queue, as Prometheus reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import QueueOptions, option


@command("metrics", example="--textfile /var/lib/node_exporter/demo.prom", options=QueueOptions)
def metrics(
    context: CommandContext,
    textfile: Annotated[
        Path | None,
        option("FILE", "Write to FILE instead, for node_exporter's textfile collector."),
    ] = None,
) -> None:
    """Print the numbers of the job queue for Prometheus, as OpenMetrics.

    If the queue cannot be reached they are `flowerpower_up 0`, and the exit code is 5.
    """
    from flowerpower.pipeline.metrics import read_metrics

    _ = context.job_queue
    read = read_metrics(context.manager)
    if textfile is not None:
        read.write_textfile(textfile)
        context.output.message(f"Wrote {textfile}.")
        if textfile.suffix != ".prom":
            context.output.warning("node_exporter reads only files whose names end in .prom.")
    elif context.output.json:
        context.output.result(read.to_json(), tuple)
    else:
        context.output.write(read.openmetrics().encode(), None)
    if read.unreachable is not None:
        raise read.unreachable
