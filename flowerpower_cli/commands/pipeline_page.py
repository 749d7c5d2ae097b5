"""`flowerpower pipeline show --html`: a page about a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flowerpower.errors import UsageError
from flowerpower_cli.output_files import check_writable, write_file, write_stdout
from flowerpower_cli.views.pipelines import input_value

if TYPE_CHECKING:
    from flowerpower.run.draw.graph import Graph
    from flowerpower.run.runner import Plan
    from flowerpower_cli.command import CommandContext


def check_page_options(context: CommandContext, output: Path | None, *, html: bool) -> None:
    """Whether the options of `show` go together, and the page can be written.

    Raises:
        UsageError: if they do not.
        FlowerpowerError: if it cannot.
    """
    if output is not None and not html:
        raise UsageError("--output goes with --html.")
    if html and context.output.json and output is None:
        raise UsageError(
            "--html and --json are both given; expected one of them.",
            hint="With --output FILE the page goes to the file.",
        )
    check_writable(output)


def write_page(
    context: CommandContext,
    graph: Graph,
    plan: Plan,
    output: Path | None,
    *,
    file: str,
    configuration: str,
    schedule: Sequence[str],
) -> None:
    """Write the page to a file, or to stdout if there is none."""
    from flowerpower.run.draw.page import page

    given = {**plan.run.config, **plan.input_values}
    values = {node.name: "not needed" for node in graph.nodes if node.is_input}
    values |= {each.name: input_value(each, given) for each in plan.inputs}
    made = page(graph, file=file, configuration=configuration, schedule=schedule, values=values)
    if output is None:
        write_stdout(made.encode())
    else:
        write_file(output, made.encode())
        context.output.message(f"Wrote {output}.")
