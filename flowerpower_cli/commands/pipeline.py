"""`flowerpower pipeline`: all of it but `list`, `run` and `dag`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower.errors import ConfigError, UsageError
from flowerpower.text import mask_values
from flowerpower_cli.command import CommandContext, command, importing_modules
from flowerpower_cli.declared import schedules_in_words, standings_by_pipeline
from flowerpower_cli.options import (
    DryRun,
    NewName,
    OutputFile,
    Overwrite,
    PipelineName,
    QueueOptions,
    Yes,
    argument,
)
from flowerpower_cli.views.output import check_writable
from flowerpower_cli.views.standings import DIFFERENCES, schedule_and_standing
from flowerpower_cli.views.tables import Block, cell, line, not_valid, table, text_lines

if TYPE_CHECKING:
    from flowerpower.run.draw.graph import Graph
    from flowerpower.run.plan import Plan


@command("pipeline new", example="daily_report")
def new(context: CommandContext, pipeline: PipelineName) -> None:
    """Create a pipeline of one node, in two files to start from."""
    files = context.manager.new(pipeline)
    paths = [files.config.as_posix(), str(files.module)]
    context.output.result(
        {"pipeline": pipeline, "files": paths}, lambda: map(line, paths), [pipeline]
    )
    context.output.message(f"Run it: flowerpower pipeline run {pipeline}")


@command("pipeline show", example="daily_report", options=QueueOptions)
def show(
    context: CommandContext,
    pipeline: PipelineName,
    html: Annotated[
        bool, typer.Option("--html", help="As a page for a browser, with the DAG drawn.")
    ] = False,
    output: OutputFile = None,
) -> None:
    """Show a pipeline: its configuration, its nodes, the inputs it needs, its schedule."""
    from flowerpower_cli.views.pipelines import inputs_view, nodes_view

    _check_options(context, output, html=html)
    manager = context.manager
    files = manager.registry.get(pipeline)
    with importing_modules(context.manager.project.work):
        plan = manager.plan(pipeline, complete=False)
        graph = manager.graph(pipeline) if html else None
    configuration: Any = mask_values(files.file.root.plain(as_written=True), named=True)
    schedule = schedules_in_words(context, files.config)
    config_text = _as_yaml(configuration) if configuration else ""
    if graph is not None:
        page = _page(graph, plan, files.file.name, config_text, schedule)
        context.output.write(page, output)
        if not context.output.json:
            return
    standings = standings_by_pipeline(context)
    changes = (standings or {}).get(pipeline, [])
    data = {
        "pipeline": pipeline,
        "configuration": configuration,
        "schedule": schedule,
        "schedules": None if standings is None else [change.to_json() for change in changes],
        "final_vars": plan.final_vars,
        "nodes": [dataclasses.asdict(node) for node in plan.nodes],
        "inputs": [dataclasses.asdict(node) for node in plan.inputs],
    }

    def view() -> Iterator[Block]:
        yield line(f"{pipeline}  ({files.file.name})", "bold blue")
        yield from text_lines(config_text, "dim")
        yield from nodes_view(plan.nodes)
        if plan.inputs:
            yield from inputs_view(plan.inputs, {**plan.run.config, **plan.input_values})
        for change in changes:
            words = change.to_json()["in_words"] or change.label
            yield line(f"Scheduled {schedule_and_standing(words, change.standing)}")
        if not changes:
            yield from (line(f"Scheduled {text}") for text in schedule)

    context.output.result(data, view, [pipeline])


def _check_options(context: CommandContext, output: Path | None, *, html: bool) -> None:
    if output is not None and not html:
        raise UsageError("--output goes with --html.")
    if html and context.output.json and output is None:
        raise UsageError(
            "--html and --json are both given; expected one of them.",
            hint="With --output FILE the page goes to the file.",
        )
    check_writable(output)


def _as_yaml(data: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None)


def _page(graph: Graph, plan: Plan, file: str, configuration: str, schedule: list[str]) -> bytes:
    from flowerpower.run.draw.page import page
    from flowerpower_cli.views.pipelines import input_value

    known = {**plan.run.config, **plan.input_values}
    values = {node.name: "not needed" for node in graph.nodes if node.is_input}
    values |= {node.name: input_value(node, known) for node in plan.inputs}
    return page(
        graph, file=file, configuration=configuration, schedule=schedule, values=values
    ).encode()


@command("pipeline validate", options=QueueOptions)
def validate(
    context: CommandContext,
    pipeline: Annotated[str | None, argument("[PIPELINE]", "Only this one.")] = None,
) -> None:
    """Check every pipeline without running it, and show all faults at once.

    That a schedule is not live as declared is no fault: it is said, and `schedule diff` shows it.
    """
    manager = context.manager
    names = manager.list() if pipeline is None else [manager.registry.files(pipeline).name]
    with importing_modules(context.manager.project.work):
        faults = {name: manager.validate(name) for name in names}
    faulty = [name for name in names if faults[name]]
    if faulty:
        raise ConfigError(
            f"{not_valid(len(faulty), len(names))}:",
            details=[f"{name}: {fault}" for name in faulty for fault in faults[name]],
        )
    standings = standings_by_pipeline(context)
    data = [
        {
            "pipeline": name,
            "valid": True,
            "faults": [],
            "schedules": None
            if standings is None
            else [change.to_json() for change in standings.get(name, [])],
        }
        for name in names
    ]
    columns = {
        "pipeline": [cell(name, "bold") for name in names],
        "": [cell("valid", "green")] * len(names),
    }
    context.output.result(data, lambda: [table(columns)], names)
    for name in names:
        for change in (standings or {}).get(name, []):
            if change.action is not None:
                said = DIFFERENCES[change.standing]
                context.output.message(f"{name}: {change.id or 'its schedule'} {said}.")


@command("pipeline delete", example="old_report --yes", options=QueueOptions)
def delete(
    context: CommandContext,
    pipeline: PipelineName,
    with_schedules: Annotated[
        bool, typer.Option("--with-schedules", help="Delete its schedules too.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Delete a pipeline: its configuration and its module.

    It is refused while jobs of it wait, or it has schedules and --with-schedules is not given.
    """
    manager = context.manager
    planned = manager.delete(pipeline, with_schedules=with_schedules, dry_run=True)
    files = [path.as_posix() for path in planned]
    has_queue = with_schedules and manager.job_queue.is_made
    live = manager.schedules.list(pipeline=pipeline) if has_queue else []
    schedules = [schedule.id for schedule in live]
    if not dry_run:
        what = " and ".join([*files, *(f"the schedule {name}" for name in schedules)])
        context.output.confirm(f"This deletes {what}.", yes=yes)
        manager.delete(pipeline, with_schedules=with_schedules)
    data = {
        "pipeline": pipeline, "files": files, "schedules": schedules, "deleted": not dry_run,
    }  # fmt: skip
    context.output.result(data, lambda: map(line, [*files, *schedules]), [pipeline])
    context.output.message("Dry run: nothing was deleted." if dry_run else "Deleted.")


@command("pipeline export", example="daily_report -o report.zip")
def export(
    context: CommandContext,
    pipeline: PipelineName,
    output: OutputFile = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a pipeline's YAML and modules to a zip or a folder, for import elsewhere.

    --output names it: a zip if it ends in .zip, else a folder; by default PIPELINE.zip in the
    current folder. Modules of the project that the pipeline imports are included, data files are
    not. ${NAME} in the YAML is written as it stands, not as its value.
    """
    from flowerpower.pipeline.bundles.writing import pack_pipeline, write_bundle

    packed = pack_pipeline(context.manager.project, pipeline)
    target = output or Path(f"{pipeline}.zip")
    write_bundle(packed.bundle, target, overwrite=overwrite)
    files = [path.as_posix() for path in packed.bundle.files]
    data = {
        "pipeline": pipeline,
        "path": str(target.absolute()),
        "files": files,
        "not_packed": packed.not_packed,
    }
    context.output.result(data, lambda: (line(path) for path in files), [pipeline])
    for key in packed.secrets:
        context.output.warning(
            f"{key} in {files[0]} is plain text, which anyone who has the bundle can read."
        )
    if packed.not_packed:
        context.output.message(
            f"Not included, because not of this project: {', '.join(packed.not_packed)}."
        )
    context.output.message(f"Wrote {target}.")


@command("pipeline import", example="report.zip --name weekly_report")
def import_(
    context: CommandContext,
    bundle: Annotated[Path, argument("PATH", "A folder or zip that `export` wrote.")],
    name: NewName = None,
    overwrite: Overwrite = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Import a pipeline from a folder or zip into this project, without running any of it.

    All files are written, or none. A file that exists with other content is a conflict;
    --overwrite replaces it, after asking. --name renames the pipeline. Its module is renamed too,
    unless the YAML lists modules: those keep their names.
    """
    plan = context.manager.import_pipeline(bundle, name=name, overwrite=overwrite, dry_run=True)
    imported = plan.bundle
    replaced = [path.as_posix() for path in plan.replaced]
    if not dry_run:
        if replaced:
            context.output.confirm(f"This replaces {' and '.join(replaced)}.", yes=yes)
        plan.apply()
    data: dict[str, Any] = {
        "pipeline": imported.pipeline,
        "files": [path.as_posix() for path in imported.files],
        "replaced": replaced,
        "unchanged": [path.as_posix() for path in plan.unchanged],
        "imported": not dry_run,
    }

    def view() -> Iterator[Block]:
        states = dict.fromkeys(plan.new, "new") | dict.fromkeys(plan.replaced, "replaced")
        yield table(
            {
                "file": [cell(path.as_posix()) for path in imported.files],
                "": [cell(states.get(path, "unchanged")) for path in imported.files],
            }
        )

    context.output.result(data, view, [imported.pipeline])
    if name is not None and imported.modules:
        context.output.message(
            f"The YAML lists modules, which keep their names: {', '.join(imported.modules)}."
        )
    if dry_run:
        context.output.message("Dry run: nothing was imported.")
        return
    context.output.message(f"Run it: flowerpower pipeline run {imported.pipeline}")
