"""`flowerpower init`: a new project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower.errors import ConfigError, UsageError
from flowerpower_cli.command import CommandContext, command, importing_modules
from flowerpower_cli.options import Backend, DryRun, NewName, SharedOptions, argument, option
from flowerpower_cli.trigger_options import Timezone
from flowerpower_cli.views.tables import counted, line, not_valid

if TYPE_CHECKING:
    from flowerpower.pipeline.scaffold import NewProject
    from flowerpower.pipeline.upstream.conversion import Conversion


@command("init", example="my_project --example weather", options=SharedOptions)
def init(
    context: CommandContext,
    name: Annotated[
        str | None,
        argument("[NAME]", "The project's name and new folder; without it, the current folder."),
    ] = None,
    same_name: NewName = None,
    backend: Annotated[
        Backend | None, typer.Option("--type", help="The job queue's backend.")
    ] = None,
    example: Annotated[str | None, option("EXAMPLE", "Start from an example: weather.")] = None,
    source: Annotated[
        str | None,
        option(
            "PATH|URL",
            "Start from an exported pipeline (folder or zip), or another project's folder or URL.",
            names="--from",
        ),
    ] = None,
    timezone: Timezone = None,
    dry_run: DryRun = False,
) -> None:
    """Create a project, in a new folder or in the current one.

    If the machine's time zone has no name, it asks for one.

    The project given with --from may be one of the upstream tool of this name (PyPI: flowerpower
    0.11 to 0.37): it is converted and not changed, each setting is listed, and the new project's
    pipelines are checked. If one is not valid, the project is there and the exit code is 4.
    """
    from flowerpower.pipeline.bundles.importing import is_project_folder
    from flowerpower.pipeline.scaffold import create_project
    from flowerpower.triggers import clock

    if name and same_name and name != same_name:
        raise UsageError(f"NAME is {name!r} and --name {same_name!r}; expected one of them.")
    name = name or same_name
    if timezone is None and (problem := clock.local_zone().problem):
        question = f"{problem} The project's time zone (such as Europe/Berlin):"
        timezone = context.output.ask(question) or None
    folder = Path.cwd()
    project = create_project(folder, name, backend, example, source, timezone, dry_run=dry_run)
    if project.conversion is not None:
        _show_conversion(context, project, project.conversion, is_made=not dry_run)
    else:
        files = [path.as_posix() for path in project.files]
        data = _as_data(project, is_made=not dry_run)
        if project.left_out is not None:
            data["left_out"] = [row.to_json() for row in project.left_out]
        context.output.result(data, lambda: map(line, files), [project.name])
    for row in project.left_out or ():
        context.output.message(f"{row.file} line {row.line}: {row.key} is left out: {row.advice}")
    if dry_run:
        context.output.message("Dry run: nothing was created.")
        return
    context.output.message(f"Created the project {project.name} in {project.root}.")
    outer = next((folder for folder in project.root.parents if is_project_folder(folder)), None)
    if outer is not None:
        context.output.message(f"It lies inside another project, {outer}, which does not see it.")
    enter = f"cd {project.root.name} && " if name else ""
    first = f"run {project.pipelines[0]}" if project.pipelines else "new hello"
    context.output.message(f"Next: {enter}flowerpower pipeline {first}")


def _as_data(project: NewProject, *, is_made: bool) -> dict[str, Any]:
    files = [path.as_posix() for path in project.files]
    base_dir = str(project.root)
    return {"project": project.name, "base_dir": base_dir, "files": files, "created": is_made}


def _show_conversion(
    context: CommandContext, project: NewProject, conversion: Conversion, *, is_made: bool
) -> None:
    """Show what became of the old project, and check the new one.

    Raises:
        ConfigError: if one of its pipelines is not valid.
    """
    from flowerpower_cli.views.conversion import conversion_counts, conversion_view

    faults = _faults(project.root) if is_made else None
    data = {
        **_as_data(project, is_made=is_made),
        "conversion": [row.to_json() for row in conversion.rows],
        "faults": faults,
    }
    context.output.result(data, lambda: conversion_view(conversion.rows), [project.name])
    context.output.message(conversion_counts(conversion.rows))
    if not faults:
        return
    wrong = [name for name, texts in faults.items() if texts]
    if not wrong:
        context.output.message(f"Checked: {counted(len(faults), 'pipeline')}, nothing is wrong.")
        return
    raise ConfigError(
        f"The project {project.name} was created in {project.root}, but "
        f"{not_valid(len(wrong), len(faults))}:",
        details=[f"{name}: {text}" for name in wrong for text in faults[name]],
        hint="Change what is said, then: flowerpower pipeline validate",
    )


def _faults(root: Path) -> dict[str, list[str]]:
    """What is wrong with each pipeline, as `pipeline validate` says it."""
    from flowerpower.pipeline.manager import PipelineManager

    manager = PipelineManager(root, quiet=True)
    with importing_modules(root):
        return {name: manager.validate(name) for name in manager.list()}
