"""Every option that more than one command takes, declared once.

A dataclass here is a group of options: a command that has a parameter of that class takes all of
them (see `context.command`).
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
    time_reading,
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
class Shared:
    """Options that every command takes."""

    json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel="Output")
    ] = False
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Print ids only, no messages.", rich_help_panel="Output"
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
            help="Say more; twice: the causes of errors too.",
            rich_help_panel="Output",
        ),
    ] = 0
    no_color: Annotated[
        bool, typer.Option("--no-color", help="No colours.", rich_help_panel="Output")
    ] = False


@dataclass(frozen=True)
class InProject(Shared):
    """Options of commands that work in a project."""

    base_dir: Annotated[
        Path | None,
        typer.Option(
            "--base-dir",
            envvar="FLOWERPOWER_BASE_DIR",
            metavar="DIR",
            show_envvar=False,
            help="The project's folder (FLOWERPOWER_BASE_DIR); by default found upwards from here.",
        ),
    ] = None


@dataclass(frozen=True)
class InQueue(InProject):
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
            help="One input: a JSON value, else text. Repeatable.",
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
        Executor | None, typer.Option(help="How nodes are executed.", show_default=False)
    ] = None
    max_workers: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="Threads or processes it has."),
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
            help="Use the cache, but compute these; * is every node. Repeatable.",
        ),
    ] = None
    override: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE=VALUE", help="A node's value, in place of computing it. Repeatable."
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
            parser=whole_number, metavar="N", help="Try again this often after a failure."
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
            help="Spread retry delays by up to this part of them.",
        ),
    ] = None
    timeout: Timeout = None


QueueName = Annotated[str | None, typer.Option(metavar="QUEUE", help="The name of a queue.")]
OfPipeline = Annotated[
    str | None, typer.Option("--pipeline", metavar="PIPELINE", help="Only those of this pipeline.")
]
Limit = Annotated[int, typer.Option(parser=whole_number, metavar="N", help="At most so many.")]
ResultTtl = Annotated[
    float | None,
    typer.Option(
        parser=time_to_live,
        metavar="DURATION",
        help="How long its result is kept; 0: not at all, -1: as long as its record.",
    ),
]


@dataclass(frozen=True)
class JobOptions:
    """How a job is kept in the queue: when it is due, under what id."""

    run_at: Annotated[
        datetime | None,
        typer.Option(
            parser=time_reading,
            metavar="TIME",
            help="Not before this time, ISO 8601; without an offset in the project's zone.",
        ),
    ] = None
    run_in: Annotated[
        float | None,
        typer.Option(parser=duration, metavar="DURATION", help="Not before so long from now: 10m."),
    ] = None
    queue: QueueName = None
    job_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="The job's id: asking again with it gives the first job back."
        ),
    ] = None
    result_ttl: ResultTtl = None


@dataclass(frozen=True)
class TriggerOptions:
    """What sets a schedule off: exactly one of the first three."""

    cron: Annotated[
        str | None, typer.Option(metavar="EXPRESSION", help="Five fields, or @daily and the like.")
    ] = None
    interval: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Real time between fires: 90s, 1h30m.")
    ] = None
    date: Annotated[
        str | None, typer.Option(metavar="TIME", help="One fire at an ISO 8601 time.")
    ] = None
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Such as Europe/Berlin; by default the project's."),
    ] = None


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
        parser=time_reading,
        metavar="TIME",
        help="No fire before this time, ISO 8601; an interval counts from it. By default now.",
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
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def field_values(options: Any) -> dict[str, Any]:
    """The options of a group by name."""
    return {name: getattr(options, name) for name in options.__dataclass_fields__}
