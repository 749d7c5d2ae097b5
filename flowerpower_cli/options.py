"""Every option that more than one command takes, declared once.

A dataclass here is a group of options: a command that has a parameter of that class takes all of
them (see `command.command`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from flowerpower_cli.option_parsers import (
    decimal_number,
    duration,
    iso_time,
    time_to_live,
    whole_number,
)


class Executor(StrEnum):
    """Executors that `--executor` knows."""

    synchronous = "synchronous"
    threadpool = "threadpool"
    future = "future"
    processpool = "processpool"
    ray = "ray"
    dask = "dask"


class Backend(StrEnum):
    """Backends that `--type` knows."""

    apscheduler = "apscheduler"
    rq = "rq"


Timeout = Annotated[
    float | None,
    typer.Option(parser=duration, metavar="DURATION", help="How long it may take: 90s, 5m, 2h."),
]


@dataclass(frozen=True)
class SharedOptions:
    """Options that every command takes."""

    json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel="Output")
    ] = False
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Print only ids, no messages.", rich_help_panel="Output"
        ),
    ] = False
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            metavar="",
            show_default=False,
            help="Show more; given twice, the causes of errors too.",
            rich_help_panel="Output",
        ),
    ] = 0
    no_color: Annotated[
        bool, typer.Option("--no-color", help="Print no colours.", rich_help_panel="Output")
    ] = False


@dataclass(frozen=True)
class ProjectOptions(SharedOptions):
    """Options of commands that work in a project."""

    base_dir: Annotated[
        Path | None,
        typer.Option(
            "--base-dir",
            envvar="FLOWERPOWER_BASE_DIR",
            metavar="DIR",
            show_envvar=False,
            help="The project's folder (FLOWERPOWER_BASE_DIR); by default this folder or the "
            "nearest one above it that holds a project.",
        ),
    ] = None


@dataclass(frozen=True)
class QueueOptions(ProjectOptions):
    """Options of commands that work with the project's job queue."""

    type: Annotated[
        Backend | None, typer.Option("--type", help="The job queue's backend.", show_default=False)
    ] = None


FinalVars = Annotated[
    list[str] | None,
    typer.Option("--final-vars", metavar="NODE[,NODE]", help="The nodes to compute. Repeatable."),
]
DriverConfig = Annotated[
    list[str] | None,
    typer.Option(
        "--config",
        metavar="KEY=VALUE",
        help="One setting of Hamilton's driver configuration. Repeatable.",
    ),
]


@dataclass(frozen=True)
class RunOptions:
    """What a caller may change of a pipeline's `run` section."""

    input: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="KEY=VALUE",
            help="One input; the value is read as JSON, else as text. Repeatable.",
        ),
    ] = None
    inputs: Annotated[
        str | None,
        typer.Option(
            metavar="JSON|@FILE|-",
            help="Many inputs: a JSON object, @file.yml, @file.json, or - for stdin. -i wins.",
        ),
    ] = None
    final_vars: FinalVars = None
    config: DriverConfig = None
    executor: Annotated[
        Executor | None, typer.Option(help="How to execute the nodes.", show_default=False)
    ] = None
    max_workers: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="N", help="The executor's number of threads or processes."
        ),
    ] = None
    cache: Annotated[
        bool | None,
        typer.Option(
            "--cache/--no-cache", help="Keep results of nodes between runs.", show_default=False
        ),
    ] = None
    recompute: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE[,NODE]",
            help="Use the cache, but compute these nodes again; * is every node. Repeatable.",
        ),
    ] = None
    override: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE=VALUE",
            help="Use this value for a node instead of computing it. Repeatable.",
        ),
    ] = None
    load: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE=FILE",
            help="Read a node from a CSV, Parquet, JSON or other file. Repeatable.",
        ),
    ] = None
    save: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE=FILE",
            help="Write a node to a CSV, Parquet, JSON, PNG or other file. Repeatable.",
        ),
    ] = None
    with_adapter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADAPTER",
            help="Turn on an adapter: graceful_errors, hamilton_tracker, mlflow, opentelemetry, "
            "print, type_check; in a run also package.module:Class. Repeatable.",
        ),
    ] = None
    max_retries: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="N", help="How often to try again after a failure."
        ),
    ] = None
    retry_delay: Annotated[
        float | None,
        typer.Option(
            parser=duration, metavar="DURATION", help="Wait before the first retry: 90s, 5m."
        ),
    ] = None
    jitter_factor: Annotated[
        float | None,
        typer.Option(
            parser=decimal_number,
            metavar="0..1",
            help="Change each retry delay at random by up to this fraction of it.",
        ),
    ] = None
    timeout: Timeout = None


QueueName = Annotated[str | None, typer.Option(metavar="QUEUE", help="The name of a queue.")]
OfPipeline = Annotated[
    str | None, typer.Option("--pipeline", metavar="PIPELINE", help="Only those of this pipeline.")
]
Limit = Annotated[int, typer.Option(parser=whole_number, metavar="N", help="Show at most N.")]
ResultTtl = Annotated[
    float | None,
    typer.Option(
        parser=time_to_live,
        metavar="DURATION",
        help="How long to keep the result; 0: not at all, -1: as long as the job's record.",
    ),
]


@dataclass(frozen=True)
class JobOptions:
    """When a job is due, and how the queue keeps it."""

    run_at: Annotated[
        datetime | None,
        typer.Option(
            parser=iso_time,
            metavar="TIME",
            help="Run not before this ISO 8601 time; without an offset, in the project's zone.",
        ),
    ] = None
    run_in: Annotated[
        float | None,
        typer.Option(parser=duration, metavar="DURATION", help="Run not before this delay: 10m."),
    ] = None
    queue: QueueName = None
    job_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="The job's id; if there is such a job already, nothing is added."
        ),
    ] = None
    result_ttl: ResultTtl = None


@dataclass(frozen=True)
class TriggerOptions:
    """When a schedule fires: exactly one of the first three."""

    cron: Annotated[
        str | None,
        typer.Option(metavar="EXPRESSION", help="Cron: five fields, or @daily and similar words."),
    ] = None
    interval: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Real time between fires: 90s, 1h30m.")
    ] = None
    date: Annotated[
        str | None, typer.Option(metavar="TIME", help="Fire once, at this ISO 8601 time.")
    ] = None
    timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE", help="A time zone such as Europe/Berlin; by default the project's."
        ),
    ] = None

    @property
    def kinds(self) -> int:
        """How many of --cron, --interval and --date are there."""
        return sum(value is not None for value in (self.cron, self.interval, self.date))


PipelineName = Annotated[
    str, typer.Argument(metavar="PIPELINE", help="The pipeline's name.", show_default=False)
]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.", show_default=False)]
JobIds = Annotated[
    list[str], typer.Argument(metavar="JOB...", help="Ids of jobs.", show_default=False)
]
ScheduleId = Annotated[
    str, typer.Argument(metavar="SCHEDULE", help="The schedule's id.", show_default=False)
]
ScheduleIds = Annotated[
    list[str], typer.Argument(metavar="SCHEDULE...", help="Ids of schedules.", show_default=False)
]
Start = Annotated[
    datetime | None,
    typer.Option(
        parser=iso_time,
        metavar="TIME",
        help="No fire before this ISO 8601 time; an interval counts from it. By default now.",
    ),
]
Progress = Annotated[
    bool | None,
    typer.Option("--progress/--no-progress", help="Show progress on stderr.", show_default=False),
]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the result to FILE."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what exists already.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]


def given_options(group: Any) -> list[str]:
    """The flags of a group that a command line gave a value, as `--result-ttl`."""
    return [
        f"--{name.replace('_', '-')}"
        for name in group.__dataclass_fields__
        if getattr(group, name) is not None
    ]
