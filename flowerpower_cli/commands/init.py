"""`flowerpower init`: a new project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import Backend, NewName, SharedOptions, Timezone, argument, option
from flowerpower_cli.views.tables import line


@command("init", example="my_project --example weather", options=SharedOptions)
def init(
    context: CommandContext,
    name: Annotated[
        str | None,
        argument("[NAME]", "The project's name and new folder; without it, the current folder."),
    ] = None,
    same_name: NewName = None,
    backend: Annotated[
        Backend, typer.Option("--type", help="The job queue's backend.")
    ] = "apscheduler",
    example: Annotated[str | None, option("EXAMPLE", "Start from an example: weather.")] = None,
    source: Annotated[
        Path | None,
        option(
            "PATH",
            "Start from an exported pipeline (folder or zip), or another project's folder.",
            names="--from",
        ),
    ] = None,
    timezone: Timezone = None,
) -> None:
    """Create a project, in a new folder or in the current one.

    If the machine's time zone has no name, it asks for one.
    """
    from flowerpower.pipeline.scaffold import create_project
    from flowerpower.triggers import clock

    if name and same_name and name != same_name:
        raise UsageError(f"NAME is {name!r} and --name {same_name!r}; expected one of them.")
    name = name or same_name
    if timezone is None and (problem := clock.local_zone().problem):
        question = f"{problem} The project's time zone (such as Europe/Berlin):"
        timezone = context.output.ask(question) or None
    project = create_project(Path.cwd(), name, backend, example, source, timezone)
    files = [path.as_posix() for path in project.files]
    data = {"project": project.name, "base_dir": str(project.root), "files": files}
    context.output.result(data, lambda: map(line, files), [project.name])
    context.output.message(f"Created the project {project.name} in {project.root}.")
    enter = f"cd {project.root.name} && " if name else ""
    first = f"run {project.pipelines[0]}" if project.pipelines else "new hello"
    context.output.message(f"Next: {enter}flowerpower pipeline {first}")
