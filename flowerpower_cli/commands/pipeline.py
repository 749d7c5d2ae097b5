"""`flowerpower pipeline …`: pipelines of the project."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower.errors import ConfigError, FlowerpowerError
from flowerpower.text import mask_values
from flowerpower_cli.command import CommandContext, command, group, import_hamilton
from flowerpower_cli.commands import pipeline_bundles, pipeline_dag, pipeline_run
from flowerpower_cli.options import DryRun, OutputFile, PipelineName, Yes
from flowerpower_cli.views.output import stdout_to_stderr
from flowerpower_cli.views.tables import Shape, block, cell, line, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowerpower.config.pipeline import ScheduleConfig

app = group()


@command(app, "new", example="flowerpower pipeline new daily_report")
def new(context: CommandContext, pipeline: PipelineName) -> None:
    """Make a pipeline of one node, in two files to go on from."""
    files = context.manager.registry.create(pipeline)
    paths = [files.config.as_posix(), str(files.module)]
    context.output.result(
        {"pipeline": pipeline, "files": paths}, lambda: (line(path) for path in paths), [pipeline]
    )
    context.output.message(f"Run it: flowerpower pipeline run {pipeline}")


@command(app, "list", example="flowerpower pipeline list --json")
def list_pipelines(context: CommandContext) -> None:
    """List the project's pipelines."""
    registry = context.manager.registry
    names = registry.names()
    rows = [_listed(context, name) for name in names]
    if not rows:
        context.output.message(
            "There are no pipelines yet; make one with `flowerpower pipeline new`."
        )

    def view() -> Iterator[Shape]:
        if rows:
            listing = table("pipeline", "modules", "schedule")
            for row in rows:
                schedule = row["error"] or "; ".join(row["schedule"])
                style = "red" if row["error"] else ""
                listing.add_row(
                    cell(row["name"], "bold"),
                    cell(", ".join(row["modules"])),
                    cell(schedule, style),
                )
            yield listing

    context.output.result(rows, view, names)


def _listed(context: CommandContext, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "modules": [], "schedule": [], "error": None}
    try:
        config = context.manager.registry.get(name).config
    except ConfigError as error:
        row["error"] = error.message
        return row
    row["modules"] = config.run.modules or [f"pipelines.{name}"]
    row["schedule"] = [_in_words(context, each) for each in config.schedule]
    return row


def _in_words(context: CommandContext, schedule: ScheduleConfig) -> str:
    try:
        return schedule.trigger(context.manager.project.timezone).in_words()
    except FlowerpowerError as error:
        return error.message


@command(app, "show", example="flowerpower pipeline show daily_report")
def show(
    context: CommandContext,
    pipeline: PipelineName,
    html: Annotated[
        bool, typer.Option("--html", help="As a page for a browser, with the DAG drawn.")
    ] = False,
    output: OutputFile = None,
) -> None:
    """Show a pipeline: its configuration, its nodes, the inputs it needs, its schedule."""
    from flowerpower_cli.commands.pipeline_page import check_page_options, write_page
    from flowerpower_cli.views.pipelines import inputs_view, nodes_view

    check_page_options(context, output, html=html)
    manager = context.manager
    loaded = manager.registry.get(pipeline)
    import_hamilton()
    with stdout_to_stderr():
        plan = manager.plan(pipeline, complete=False)
        graph = manager.graph(pipeline) if html else None
    configuration: Any = mask_values(loaded.file.root.plain(as_written=True), named=True)
    words = [_in_words(context, each) for each in loaded.config.schedule]
    as_yaml = _as_yaml(configuration) if configuration else ""
    if graph is not None:
        name = loaded.file.name
        write_page(context, graph, plan, output, file=name, configuration=as_yaml, schedule=words)
        if not context.output.json:
            return
    data = {
        "pipeline": pipeline,
        "configuration": configuration,
        "schedule": words,
        "final_vars": plan.final_vars,
        "nodes": [dataclasses.asdict(node) for node in plan.nodes],
        "inputs": [dataclasses.asdict(each) for each in plan.inputs],
    }

    def view() -> Iterator[Shape]:
        yield line(f"{pipeline}  ({loaded.file.name})", "bold blue")
        yield from block(as_yaml, "dim")
        yield from nodes_view(plan.nodes)
        if plan.inputs:
            yield from inputs_view(plan.inputs, {**plan.run.config, **plan.input_values})
        for sentence in words:
            yield line(f"Scheduled {sentence}")

    context.output.result(data, view, [pipeline])


def _as_yaml(data: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None)


@command(app, "validate", example="flowerpower pipeline validate")
def validate(
    context: CommandContext,
    pipeline: Annotated[
        str | None,
        typer.Argument(metavar="[PIPELINE]", help="Only this one.", show_default=False),
    ] = None,
) -> None:
    """Check every pipeline without running it, and tell all faults in one go."""
    registry = context.manager.registry
    names = registry.names() if pipeline is None else [registry.files(pipeline).name]
    import_hamilton()
    # Importing a module runs it, and it may print.
    with stdout_to_stderr():
        found = {name: context.manager.validate(name) for name in names}
    rows = [
        {"pipeline": name, "valid": not faults, "faults": faults} for name, faults in found.items()
    ]
    bad = [name for name, faults in found.items() if faults]
    if not bad:

        def view() -> Iterator[Shape]:
            listing = table("pipeline", "")
            for name in names:
                listing.add_row(cell(name, "bold"), cell("valid", "green"))
            yield listing

        context.output.result(rows, view, names)
        return
    raise ConfigError(
        f"{len(bad)} of {len(names)} pipelines are not valid:",
        details=[f"{name}: {fault}" for name in bad for fault in found[name]],
    )


@command(app, "delete", example="flowerpower pipeline delete old_report --yes")
def delete(
    context: CommandContext, pipeline: PipelineName, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Delete a pipeline: its configuration and its module."""
    registry = context.manager.registry
    doomed = [path.as_posix() for path in registry.delete(pipeline, dry_run=True)]
    if not dry_run:
        context.output.confirm(f"This deletes {' and '.join(doomed)}.", yes=yes)
        registry.delete(pipeline)
    data = {"pipeline": pipeline, "files": doomed, "deleted": not dry_run}
    context.output.result(data, lambda: (line(path) for path in doomed), [pipeline])
    context.output.message("Would be deleted." if dry_run else "Deleted.")


pipeline_bundles.add_commands(app)
pipeline_dag.add_commands(app)
pipeline_run.add_commands(app)
