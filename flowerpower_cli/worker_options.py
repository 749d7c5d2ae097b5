"""The options that say how a worker works: of `start-worker`, and of a service that starts it."""

from __future__ import annotations

from typing import Annotated

from flowerpower_cli.option_values import whole_number
from flowerpower_cli.options import Strings, option

NumWorkers = Annotated[
    int | None,
    option(
        "N",
        "Jobs at once; by default as conf/project.yml says.",
        whole_number,
        names="--num-workers -n",
    ),
]
WorkerQueues = Annotated[
    Strings,
    option(
        "QUEUE[,QUEUE]",
        "Take jobs from these queues, the first one first; by default from all. Repeatable.",
    ),
]
