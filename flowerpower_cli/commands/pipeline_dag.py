"""`flowerpower pipeline dag`: a pipeline's DAG, drawn."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower.errors import Refused, UsageError
from flowerpower_cli.command import CommandContext, command, importing_modules
from flowerpower_cli.inputs import overrides_from
from flowerpower_cli.options import (
    DriverConfig,
    FinalVars,
    OutputFile,
    PipelineName,
    RunOptions,
    Strings,
    option,
)
from flowerpower_cli.views.output import check_writable
from flowerpower_cli.views.tables import Cell, Line

if TYPE_CHECKING:
    from flowerpower.run.draw.graph import Graph


class GraphFormat(StrEnum):
    """The formats; `svg`, `png` and `pdf` need Graphviz."""

    text = "text"
    mermaid = "mermaid"
    dot = "dot"
    svg = "svg"
    png = "png"
    pdf = "pdf"


SUFFIXES = {
    ".txt": GraphFormat.text,
    ".mmd": GraphFormat.mermaid,
    ".mermaid": GraphFormat.mermaid,
    ".dot": GraphFormat.dot,
    ".gv": GraphFormat.dot,
    ".svg": GraphFormat.svg,
    ".png": GraphFormat.png,
    ".pdf": GraphFormat.pdf,
}
"""The format that a file's suffix stands for."""
BINARY = frozenset({GraphFormat.png, GraphFormat.pdf})
LANE_STYLES = ("blue", "yellow", "magenta", "green", "red", "cyan")


@command("pipeline dag", example="daily_report -o report.svg")
def dag(
    context: CommandContext,
    pipeline: PipelineName,
    form: Annotated[
        GraphFormat | None,
        typer.Option(
            "--format",
            help="The format of the drawing; by default that of the suffix of --output, else text.",
        ),
    ] = None,
    output: OutputFile = None,
    upstream: Annotated[
        Strings, option("NODE", "Only this node and what it depends on. Repeatable.")
    ] = None,
    downstream: Annotated[
        Strings, option("NODE", "Only this node and what depends on it. Repeatable.")
    ] = None,
    final_vars: FinalVars = None,
    config: DriverConfig = None,
) -> None:
    """Draw a pipeline's DAG: in the terminal, as Mermaid or dot, or as a picture.

    One row is one node: ● a node, ○ an input. Lines lead down to the nodes that take its value; a
    line that only crosses another is drawn unbroken. --upstream and --downstream together show
    the nodes of both; --final-vars shows only what those nodes need. Graphviz makes the pictures
    (svg, png, pdf).
    """
    graph_format = _format(form, output, is_json=context.output.json)
    overrides = overrides_from(RunOptions(final_vars=final_vars, config=config))
    check_writable(output)
    context.manager.registry.files(pipeline)
    with importing_modules(context.manager.project.work):
        graph = context.manager.graph(pipeline, overrides)
    selected = graph.around(graph.final_vars) if final_vars else graph
    if upstream or downstream:
        selected = selected.only(graph.around(upstream or (), downstream or ()).needs)
    if not selected.nodes:
        context.output.message("None of these nodes is needed for the final variables.")

    from flowerpower.run.draw.render import render

    if output is not None or (graph_format is not GraphFormat.text and not context.output.quiet):
        context.output.write(render(selected, graph_format), output)
        if output is None or not context.output.json:
            return
    names = [node.name for node in selected.nodes]
    context.output.result(_as_data(selected), lambda: _rows(selected), names)


def _format(form: GraphFormat | None, output: Path | None, *, is_json: bool) -> GraphFormat:
    if output is None:
        if form is not None and is_json:
            raise UsageError(
                "--format and --json are both given; expected one of them.",
                hint="With --output FILE the drawing goes to the file.",
            )
        if form in BINARY and sys.stdout.isatty():
            raise Refused(
                f"A terminal cannot show {form}.",
                hint=f"Add --output FILE.{form}, or pipe it to a program.",
            )
        return form or GraphFormat.text
    graph_format = form or SUFFIXES.get(output.suffix.lower())
    if graph_format is None:
        raise UsageError(
            f"{output} has no suffix that names a format: expected one of {', '.join(SUFFIXES)}.",
            hint="Rename the file, or add --format.",
        )
    return graph_format


def _as_data(graph: Graph) -> dict[str, Any]:
    return {
        "pipeline": graph.pipeline,
        "final_vars": graph.final_vars,
        "nodes": [
            {
                "name": node.name,
                "type": node.type,
                "kind": "input" if node.is_input else "node",
                "doc": node.doc,
                "is_final": node.is_final,
                **({"required": graph.is_required(node.name)} if node.is_input else {}),
            }
            for node in graph.nodes
        ],
        "edges": [{"from": source, "to": name} for source, name in graph.edges],
    }


def _rows(graph: Graph) -> Iterator[Line]:
    from flowerpower.run.draw.text import text_rows

    limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for row in text_rows(graph, encoding=sys.stdout.encoding, limit=limit):
        drawing = [Cell(text, LANE_STYLES[lane % len(LANE_STYLES)]) for text, lane in row.graph]
        style = "bold green" if row.node.is_final else "dim" if row.node.is_input else "bold"
        label = [Cell(row.name, style), Cell(row.type, "cyan"), Cell(row.kind, "dim")]
        yield Line((*drawing, *label))
