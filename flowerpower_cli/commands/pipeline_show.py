"""`flowerpower pipeline show`: all about a pipeline, in the terminal or as a page."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower.errors import UsageError
from flowerpower.text import mask_values
from flowerpower_cli.command import CommandContext, command, import_hamilton
from flowerpower_cli.commands.pipeline import schedules_in_words
from flowerpower_cli.files import check_writable, write_file, write_stdout
from flowerpower_cli.options import OutputFile, PipelineName
from flowerpower_cli.views.output import stdout_to_stderr
from flowerpower_cli.views.pipelines import input_value, inputs_view, nodes_view
from flowerpower_cli.views.tables import Block, line, text_lines

if TYPE_CHECKING:
    from flowerpower.run.draw.graph import Graph
    from flowerpower.run.runner import Plan


@command("pipeline show", example="daily_report")
def show(
    context: CommandContext,
    pipeline: PipelineName,
    html: Annotated[
        bool, typer.Option("--html", help="As a page for a browser, with the DAG drawn.")
    ] = False,
    output: OutputFile = None,
) -> None:
    """Show a pipeline: its configuration, its nodes, the inputs it needs, its schedule."""
    _check_options(context, output, html=html)
    manager = context.manager
    files = manager.registry.get(pipeline)
    import_hamilton()
    # Importing a module runs it, and it may print.
    with stdout_to_stderr():
        plan = manager.plan(pipeline, complete=False)
        graph = manager.graph(pipeline) if html else None
    configuration: Any = mask_values(files.file.root.plain(as_written=True), named=True)
    schedule = schedules_in_words(context, files.config)
    config_text = _as_yaml(configuration) if configuration else ""
    if graph is not None:
        from flowerpower.run.draw.page import page

        content = page(
            graph,
            file=files.file.name,
            configuration=config_text,
            schedule=schedule,
            values=_input_values(graph, plan),
        )
        _write_page(context, content, output)
        if not context.output.json:
            return
    data = {
        "pipeline": pipeline,
        "configuration": configuration,
        "schedule": schedule,
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
        for text in schedule:
            yield line(f"Scheduled {text}")

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


def _input_values(graph: Graph, plan: Plan) -> dict[str, str]:
    known = {**plan.run.config, **plan.input_values}
    values = {node.name: "not needed" for node in graph.nodes if node.is_input}
    return values | {node.name: input_value(node, known) for node in plan.inputs}


def _write_page(context: CommandContext, page: str, output: Path | None) -> None:
    if output is None:
        write_stdout(page.encode())
    else:
        write_file(output, page.encode())
        context.output.message(f"Wrote {output}.")
