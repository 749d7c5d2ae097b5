"""`flowerpower init`: a new project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import Backend, Shared
from flowerpower_cli.views.tables import Shape, line


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this room on the top level of `app`."""
    command(app, "init", example="flowerpower init my_project --example weather", options=Shared)(
        init
    )


def init(
    context: CommandContext,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="The project's name and new folder; without it, the current folder.",
            show_default=False,
        ),
    ] = None,
    backend: Annotated[Backend, typer.Option("--type", help="The job queue's backend.")] = (
        Backend.apscheduler
    ),
    example: Annotated[
        str | None, typer.Option(metavar="EXAMPLE", help="Start from an example: weather.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="PATH",
            help="Start from an exported pipeline (folder or zip), or another project's folder.",
        ),
    ] = None,
) -> None:
    """Make a new project, in a new folder or in the current one."""
    from flowerpower.pipeline.scaffold import create_project

    made = create_project(Path.cwd(), name, backend.value, example, source)
    data = {
        "project": made.name,
        "base_dir": str(made.root),
        "files": [path.as_posix() for path in made.files],
    }

    def view() -> Iterator[Shape]:
        for path in made.files:
            yield line(path.as_posix())

    context.output.result(data, view, [made.name])
    context.output.message(f"Made the project {made.name} in {made.root}.")
    where = f"cd {made.root.name} && " if name else ""
    run, new = "flowerpower pipeline run", "flowerpower pipeline new hello"
    first = f"{run} {made.pipelines[0]}" if made.pipelines else new
    context.output.message(f"Next: {where}{first}")
