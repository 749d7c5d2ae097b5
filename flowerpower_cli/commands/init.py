"""`flowerpower init`: a new project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import Backend, SharedOptions
from flowerpower_cli.views.tables import line


@command("init", example="my_project --example weather", options=SharedOptions)
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
    """Create a project, in a new folder or in the current one."""
    from flowerpower.pipeline.scaffold import create_project

    project = create_project(Path.cwd(), name, backend.value, example, source)
    files = [path.as_posix() for path in project.files]
    data = {"project": project.name, "base_dir": str(project.root), "files": files}
    context.output.result(data, lambda: map(line, files), [project.name])
    context.output.message(f"Created the project {project.name} in {project.root}.")
    enter = f"cd {project.root.name} && " if name else ""
    first = f"run {project.pipelines[0]}" if project.pipelines else "new hello"
    context.output.message(f"Next: {enter}flowerpower pipeline {first}")
