"""What a pipeline's DAG holds, read from Hamilton's graph without running it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from hamilton import htypes, node
from hamilton.driver import Driver

from flowerpower.errors import RunFailed


@dataclass(frozen=True)
class NodeInfo:
    """One node: `needs` and `needed_by` are names of other nodes and of inputs."""

    name: str
    type: str
    doc: str
    needs: list[str]
    needed_by: list[str]


@dataclass(frozen=True)
class InputInfo:
    """One input that the DAG takes from outside."""

    name: str
    type: str
    required: bool
    needed_by: list[str]


def computed(driver: Driver) -> list[str]:
    """All nodes that are computed, in the order they are written."""
    return [name for name, each in driver.graph.nodes.items() if not each.user_defined]


def leaves(driver: Driver) -> list[str]:
    """The nodes that nothing else depends on, in the order they are written."""
    nodes = driver.graph.nodes
    return [name for name in computed(driver) if not nodes[name].depended_on_by]


def upstream(driver: Driver, final_vars: list[str]) -> tuple[list[node.Node], list[node.Node]]:
    """The nodes to compute for `final_vars`, in Hamilton's order, and the inputs they take.

    Raises:
        RunFailed: if the nodes depend on each other in a circle.
    """
    needed, inputs = driver.graph.get_upstream_nodes(final_vars)
    known = {each.name for each in needed | inputs}
    visited: dict[str, node.Node] = {}
    path: list[str] = []

    def visit(each: node.Node) -> None:
        if each.name in visited:
            return
        if each.name in path:
            circle = " -> ".join([*path[path.index(each.name) :], each.name])
            raise RunFailed(f"The nodes need each other in a circle: {circle}.")
        path.append(each.name)
        for need in each.dependencies:
            if need.name in known:
                visit(need)
        path.pop()
        visited[each.name] = each

    for name in final_vars:
        visit(driver.graph.nodes[name])
    computed = [each for each in visited.values() if not each.user_defined]
    return computed, sorted((each for each in visited.values() if each.user_defined), key=_name)


def _name(each: node.Node) -> str:
    return str(each.name)


def is_required(user_input: node.Node, among: Collection[str]) -> bool:
    """Whether one of the nodes called `among` cannot do without this input."""
    return any(
        dependant.name in among
        and dependant.input_types[user_input.name][1] is node.DependencyType.REQUIRED
        for dependant in user_input.depended_on_by
        if user_input.name in dependant.input_types
    )


def node_infos(nodes: Iterable[node.Node]) -> list[NodeInfo]:
    """What is to be told of each node."""
    return [
        NodeInfo(
            each.name,
            type_text(each.type),
            (each.documentation or "").strip(),
            [need.name for need in each.dependencies],
            sorted({user.name for user in each.depended_on_by}),
        )
        for each in nodes
    ]


def input_infos(inputs: Iterable[node.Node], among: Collection[str]) -> list[InputInfo]:
    """What is to be told of each input, seen from the nodes called `among`."""
    return [
        InputInfo(
            each.name,
            type_text(each.type),
            is_required(each, among),
            sorted({user.name for user in each.depended_on_by if user.name in among}),
        )
        for each in inputs
    ]


def type_text(annotation: Any) -> str:
    """An annotation as people write it."""
    return str(htypes.get_type_as_string(annotation) or annotation)
