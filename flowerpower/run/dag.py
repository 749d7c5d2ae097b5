"""What a pipeline's DAG holds, read from Hamilton's graph without running it."""

from __future__ import annotations

import inspect
import types
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hamilton import node
from hamilton.driver import Driver

from flowerpower.errors import RunFailed
from flowerpower.run.draw.graph import Graph, GraphNode, in_order


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


def leaves(driver: Driver, besides: Collection[str] = ()) -> list[str]:
    """The nodes that nothing else depends on, in the order they are written.

    Nodes that Hamilton calls not final, such as those of a subdag's configuration, are none.
    Nodes called `besides` do not count: neither as such nodes nor as what depends on others.
    """
    return [
        name
        for name in computed(driver)
        if name not in besides
        and not driver.graph.nodes[name].tags.get("hamilton.non_final_node")
        and all(user.name in besides for user in driver.graph.nodes[name].depended_on_by)
    ]


def upstream(
    driver: Driver, final_vars: list[str], overrides: Collection[str] = ()
) -> tuple[list[node.Node], list[node.Node]]:
    """The nodes to compute for `final_vars`, in Hamilton's order, and the inputs they take.

    Nodes called `overrides` have a value already: neither they nor what they need is computed.

    Raises:
        RunFailed: if the nodes depend on each other in a circle.
    """
    needed, inputs = driver.graph.get_upstream_nodes(final_vars)
    known = {each.name for each in needed | inputs}
    visited: dict[str, node.Node] = {}
    path: list[str] = []

    def visit(each: node.Node) -> None:
        if each.name in visited or each.name in overrides:
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


def inside_blocks(nodes: Iterable[node.Node]) -> dict[str, str]:
    """The nodes that have a value for each item of a Parallelizable one, which is named for each.

    `nodes` are in an order they can run in.
    """
    blocks: dict[str, list[str]] = {}
    inside: dict[str, str] = {}
    for each in nodes:
        around = max((blocks.get(need.name, []) for need in each.dependencies), key=len, default=[])
        if each.node_role is node.NodeType.COLLECT:
            around = around[:-1]
        if around:
            inside[each.name] = around[-1]
        if each.node_role is node.NodeType.EXPAND:
            around = [*around, each.name]
        blocks[each.name] = around
    return inside


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


def graph(driver: Driver, pipeline: str, final_vars: list[str]) -> Graph:
    """All nodes of the driver and the inputs that they take; `final_vars` are marked.

    Raises:
        RunFailed: if the nodes depend on each other in a circle.
    """
    known = driver.graph.nodes
    asked = [*computed(driver), *final_vars]
    nodes, inputs = upstream(driver, list(dict.fromkeys(asked)))
    found = [_graph_node(each, final_vars, known) for each in (*inputs, *nodes)]
    written = {name: position for position, name in enumerate(known)}
    found.sort(key=lambda each: written[each.name])
    return in_order(Graph(pipeline, final_vars, found))


def _graph_node(each: node.Node, final_vars: list[str], known: Collection[str]) -> GraphNode:
    needs = tuple(dict.fromkeys(need.name for need in each.dependencies if need.name in known))
    optional = frozenset(
        name
        for name in needs
        if name in each.input_types
        and each.input_types[name][1] is not node.DependencyType.REQUIRED
    )
    return GraphNode(
        each.name,
        type_text(each.type),
        inspect.cleandoc(each.documentation or ""),
        is_input=each.user_defined,
        is_final=each.name in final_vars,
        needs=needs,
        optional=optional,
    )


def type_text(annotation: Any) -> str:
    """An annotation as people write it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, list):
        return f"[{', '.join(map(type_text, annotation))}]"
    if annotation is Ellipsis:
        return "..."
    if annotation is types.NoneType:
        return "None"
    if origin is Annotated:
        return type_text(arguments[0])
    if origin in (Union, types.UnionType):
        return " | ".join(map(type_text, arguments))
    if not arguments:
        return str(getattr(annotation, "__name__", annotation))
    texts = map(repr if origin is Literal else type_text, arguments)
    return f"{getattr(origin, '__name__', origin)}[{', '.join(texts)}]"
