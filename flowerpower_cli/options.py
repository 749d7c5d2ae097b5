"""Every option that more than one command takes, declared once.

An `OptionGroup` is a group of options: a command that has a parameter of that class takes all of
them (see `command.command`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, dataclass_transform

import typer

from flowerpower_cli.option_values import (
    decimal_number,
    duration,
    priority_number,
    time_or_ago,
    time_to_live,
    whole_number,
)


def option(
    metavar: str, help: str, parser: Callable[[str], Any] | None = None, *, names: str = ""
) -> Any:
    """An option that takes a value; its names are the parameter's own unless `names` has some."""
    return typer.Option(*names.split(), metavar=metavar, help=help, parser=parser)


def argument(metavar: str, help: str) -> Any:
    """An argument; the help shows no default."""
    return typer.Argument(metavar=metavar, help=help, show_default=False)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class OptionGroup:
    """Options as one object: annotated attributes, each of which has a default."""

    # To make a dataclass of so many fields takes Python up to a millisecond. Every command that
    # starts would pay for the groups of others too.
    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)


class SharedOptions(OptionGroup):
    """Options that every command takes."""

    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only ids, no messages.")] = (
        False
    )
    verbose: Annotated[
        int,
        typer.Option(
            *("--verbose", "-v"),
            help="Show more; given twice, the causes of errors too.",
            count=True,
            metavar="",
            show_default=False,
        ),
    ] = 0
    no_color: Annotated[bool, typer.Option("--no-color", help="Print no colours.")] = False


class ProjectOptions(SharedOptions):
    """Options of commands that work in a project."""

    base_dir: Annotated[
        str | None,
        typer.Option(
            envvar="FLOWERPOWER_BASE_DIR",
            metavar="DIR|URL",
            show_envvar=False,
            help="The project's folder, or an address such as s3://bucket/project "
            "(FLOWERPOWER_BASE_DIR); by default this folder or the nearest one above it that holds "
            "a project.",
        ),
    ] = None


Backend = Literal["apscheduler", "rq"]


class QueueOptions(ProjectOptions):
    """Options of commands that work with the project's job queue."""

    type: Annotated[Backend | None, typer.Option(help="The job queue's backend.")] = None


Strings = list[str] | None
Timeout = Annotated[
    float | None, option("DURATION", "How long it may take: 90s, 5m, 2h.", duration)
]
FinalVars = Annotated[Strings, option("NODE[,NODE]", "The nodes to compute. Repeatable.")]
DriverConfig = Annotated[
    Strings, option("KEY=VALUE", "One setting of Hamilton's driver configuration. Repeatable.")
]


class RunOptions(OptionGroup):
    """What a caller may change of a pipeline's `run` section."""

    input: Annotated[
        Strings,
        option(
            "KEY=VALUE",
            "One input: JSON, or text where the pipeline declares text. Repeatable.",
            names="--input -i",
        ),
    ] = None
    inputs: Annotated[
        str | None,
        option(
            "JSON|@FILE|-",
            "Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.",
        ),
    ] = None
    final_vars: FinalVars = None
    config: DriverConfig = None
    executor: Annotated[
        Literal["synchronous", "threadpool", "future", "processpool", "ray", "dask"] | None,
        typer.Option(help="How to execute the nodes."),
    ] = None
    max_workers: Annotated[
        int | None, option("N", "The executor's number of threads or processes.", whole_number)
    ] = None
    cache: Annotated[bool | None, typer.Option(help="Keep results of nodes between runs.")] = None
    recompute: Annotated[
        Strings,
        option(
            "NODE[,NODE]",
            "Use the cache, but compute these nodes again; * is every node. Repeatable.",
        ),
    ] = None
    override: Annotated[
        Strings,
        option("NODE=VALUE", "Use this value for a node instead of computing it. Repeatable."),
    ] = None
    load: Annotated[
        Strings,
        option("NODE=FILE", "Read a node from a CSV, Parquet, JSON or other file. Repeatable."),
    ] = None
    save: Annotated[
        Strings,
        option("NODE=FILE", "Write a node to a CSV, Parquet, JSON, PNG or other file. Repeatable."),
    ] = None
    with_adapter: Annotated[
        Strings,
        option(
            "ADAPTER",
            "Turn on an adapter: graceful_errors, hamilton_tracker, mlflow, opentelemetry, "
            "print, type_check; in a run also package.module:Class. Repeatable.",
        ),
    ] = None
    max_retries: Annotated[
        int | None, option("N", "How often to try again after a failure.", whole_number)
    ] = None
    retry_delay: Annotated[
        float | None, option("DURATION", "Wait before the first retry: 90s, 5m.", duration)
    ] = None
    jitter_factor: Annotated[
        float | None,
        option(
            "0..1",
            "Change each retry delay at random by up to this fraction of it.",
            decimal_number,
        ),
    ] = None
    timeout: Timeout = None


QueueName = Annotated[str | None, option("QUEUE", "The name of a queue.")]
QueueNames = Annotated[list[str], argument("QUEUE", "Names of queues.")]
OfPipeline = Annotated[str | None, option("PIPELINE", "Only those of this pipeline.")]
Limit = Annotated[int, option("N", "At most N.", whole_number)]
ResultTtl = Annotated[
    float | None,
    option(
        "DURATION",
        "How long to keep the result; 0: not at all, -1: as long as the job's record.",
        time_to_live,
    ),
]

Priority = Annotated[
    int | None,
    option(
        "N",
        "-100 to 100, by default 0; of the due jobs in a queue the highest run first.",
        priority_number,
    ),
]
Expires = Annotated[
    float | None,
    option("DURATION", "Cancel a job that has waited this long in its queue: 10m.", duration),
]


Since = Annotated[
    datetime | None,
    option("TIME", "Created not before this ISO 8601 time, or 2h ago.", time_or_ago),
]


class JobSelection(OptionGroup):
    """Which jobs: those that meet every condition that is given."""

    status: Annotated[
        Strings,
        option(
            "STATUS[,STATUS]",
            "waiting, scheduled, queued, running, finished, failed, cancelled. Repeatable.",
        ),
    ] = None
    pipeline: OfPipeline = None
    queue: QueueName = None
    schedule: Annotated[str | None, option("SCHEDULE", "Only jobs of this schedule.")] = None
    since: Since = None
    until: Annotated[
        datetime | None, option("TIME", "Created before this time, or 2h ago.", time_or_ago)
    ] = None


PipelineName = Annotated[str, argument("PIPELINE", "The pipeline's name.")]
JobId = Annotated[str, argument("JOB", "The job's id.")]
NewJobId = Annotated[
    str | None, option("ID", "The new job's id; if there is such a job already, nothing is added.")
]
Attempt = Annotated[int | None, option("N", "Only this attempt; 1 is the first.", whole_number)]
JobIds = Annotated[list[str], argument("JOB", "Ids of jobs.")]
ScheduleId = Annotated[str, argument("SCHEDULE", "The schedule's id.")]
ScheduleIds = Annotated[list[str], argument("SCHEDULE", "Ids of schedules.")]
Progress = Annotated[bool | None, typer.Option(help="Show progress on stderr.")]
NewName = Annotated[str | None, option("NAME", "Give it this name.", names="--name")]
OutputFile = Annotated[
    Path | None, option("FILE", "Write the result to FILE.", names="--output -o")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what exists already.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]


def given_options(group: OptionGroup) -> list[str]:
    """The flags of a group that a command line gave a value, as `--result-ttl`."""
    return [
        f"--{name.rstrip('_').replace('_', '-')}"
        for name, value in vars(group).items()
        if value is not None
    ]
