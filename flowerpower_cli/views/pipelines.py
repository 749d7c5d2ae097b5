"""How pipelines look: nodes, inputs, and what a run would do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flowerpower.text import MASK, is_secret_name, shortened
from flowerpower_cli.views.tables import Block, cell, section_title, table

if TYPE_CHECKING:
    from flowerpower.run.dag import InputInfo, NodeInfo

FORECASTS = {"cached": "from cache", "computed": "computed", "depends": "depends on its inputs"}


def nodes_view(nodes: list[NodeInfo]) -> Iterator[Block]:
    """Nodes with their types, what they need and the first line of their docstring."""
    yield section_title("Nodes")
    yield table(
        ("node", "type", "needs", "what it is"),
        (
            (
                cell(node.name, "bold"),
                cell(node.type, "cyan"),
                cell(", ".join(node.needs)),
                cell(node.doc.partition("\n")[0] if node.doc else "", "dim"),
            )
            for node in nodes
        ),
    )


def inputs_view(inputs: list[InputInfo], values: dict[str, Any]) -> Iterator[Block]:
    """Inputs with their types, values where they are known, and the nodes that take them."""
    yield section_title("Inputs")
    rows = []
    for node in inputs:
        style = "" if node.name in values else "bold red" if node.required else "dim"
        rows.append(
            (
                cell(node.name, "bold"),
                cell(node.type, "cyan"),
                cell(input_value(node, values), style),
                cell(", ".join(node.needed_by)),
            )
        )
    yield table(("input", "type", "value", "taken by"), rows)


def input_value(node: InputInfo, values: dict[str, Any]) -> str:
    """The value of an input, masked if its name is that of a secret."""
    if node.name not in values:
        return "missing" if node.required else "its default"
    return MASK if is_secret_name(node.name) else shortened(repr(values[node.name]), 60)


def plan_view(
    nodes: list[NodeInfo], final_vars: list[str], forecast: dict[str, str]
) -> Iterator[Block]:
    """Nodes in the order they would run, and with a cache what would come from it."""
    yield section_title("Would run")
    rows = []
    for number, node in enumerate(nodes, 1):
        cached = FORECASTS.get(forecast.get(node.name, ""), "")
        rows.append(
            (
                cell(number),
                cell(node.name, "bold green" if node.name in final_vars else "bold"),
                cell(node.type, "cyan"),
                cell(", ".join(node.needs)),
                *([cell(cached, "green" if cached == "from cache" else "")] if forecast else []),
            )
        )
    yield table(("#>", "node", "type", "takes", *(["cache"] if forecast else [])), rows)
