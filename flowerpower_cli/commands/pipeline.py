"""`flowerpower pipeline new`, `list`, `validate` and `delete`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower.errors import ConfigError, FlowerpowerError
from flowerpower_cli.command import CommandContext, command, import_hamilton
from flowerpower_cli.options import DryRun, PipelineName, Yes
from flowerpower_cli.views.output import stdout_to_stderr
from flowerpower_cli.views.tables import Block, cell, line, table

if TYPE_CHECKING:
    from flowerpower.config.pipeline import PipelineConfig


@command("pipeline new", example="daily_report")
def new(context: CommandContext, pipeline: PipelineName) -> None:
    """Create a pipeline of one node, in two files to start from."""
    files = context.manager.new(pipeline)
    paths = [files.config.as_posix(), str(files.module)]
    context.output.result(
        {"pipeline": pipeline, "files": paths}, lambda: map(line, paths), [pipeline]
    )
    context.output.message(f"Run it: flowerpower pipeline run {pipeline}")


@command("pipeline list", example="--json")
def list_pipelines(context: CommandContext) -> None:
    """List the project's pipelines."""
    names = context.manager.list()
    rows = [_listed_data(context, name) for name in names]
    context.output.result(rows, lambda: _list_view(rows), names)
    if not rows:
        context.output.message(
            "There are no pipelines yet; make one with `flowerpower pipeline new`."
        )


def _listed_data(context: CommandContext, name: str) -> dict[str, Any]:
    try:
        config = context.manager.registry.get(name).config
    except ConfigError as error:
        return {"name": name, "modules": [], "schedule": [], "error": error.message}
    return {
        "name": name,
        "modules": config.run.modules or [f"pipelines.{name}"],
        "schedule": schedules_in_words(context, config),
        "error": None,
    }


def schedules_in_words(context: CommandContext, config: PipelineConfig) -> list[str]:
    """When each schedule of a pipeline's YAML fires, or why it cannot."""
    texts = []
    for schedule in config.schedule:
        try:
            texts.append(schedule.trigger(context.timezone).in_words())
        except FlowerpowerError as error:
            texts.append(error.message)
    return texts


def _list_view(rows: list[dict[str, Any]]) -> Iterator[Block]:
    if rows:
        yield table(
            ("pipeline", "modules", "schedule"),
            (
                (
                    cell(row["name"], "bold"),
                    cell(", ".join(row["modules"])),
                    cell(row["error"] or "; ".join(row["schedule"]), "red" if row["error"] else ""),
                )
                for row in rows
            ),
        )


@command("pipeline validate")
def validate(
    context: CommandContext,
    pipeline: Annotated[
        str | None,
        typer.Argument(metavar="[PIPELINE]", help="Only this one.", show_default=False),
    ] = None,
) -> None:
    """Check every pipeline without running it, and show all faults at once."""
    manager = context.manager
    names = manager.list() if pipeline is None else [manager.registry.files(pipeline).name]
    import_hamilton()
    # Importing a module runs it, and it may print.
    with stdout_to_stderr():
        faults = {name: manager.validate(name) for name in names}
    faulty = [name for name in names if faults[name]]
    if faulty:
        raise ConfigError(
            f"{len(faulty)} of {len(names)} pipelines are not valid:",
            details=[f"{name}: {fault}" for name in faulty for fault in faults[name]],
        )
    data = [{"pipeline": name, "valid": True, "faults": []} for name in names]
    rows = [(cell(name, "bold"), cell("valid", "green")) for name in names]
    context.output.result(data, lambda: [table(("pipeline", ""), rows)], names)


@command("pipeline delete", example="old_report --yes")
def delete(
    context: CommandContext, pipeline: PipelineName, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Delete a pipeline: its configuration and its module."""
    manager = context.manager
    files = [path.as_posix() for path in manager.delete(pipeline, dry_run=True)]
    if not dry_run:
        context.output.confirm(f"This deletes {' and '.join(files)}.", yes=yes)
        manager.delete(pipeline)
    data = {"pipeline": pipeline, "files": files, "deleted": not dry_run}
    context.output.result(data, lambda: map(line, files), [pipeline])
    context.output.message("Dry run: nothing was deleted." if dry_run else "Deleted.")
