"""What a pipeline's DAG consists of, read and checked in Hamilton's graph without running it."""

from __future__ import annotations

import inspect
import types
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hamilton.driver import Driver
from hamilton.function_modifiers.base import resolve_nodes
from hamilton.graph_utils import find_functions
from hamilton.node import DependencyType, Node

from flowerpower.errors import ConfigError, InvalidInputs
from flowerpower.run.draw.graph import Graph, GraphNode, in_order
from flowerpower.text import one_line, shortened


@dataclass(frozen=True)
class NodeInfo:
    """A node; `needs` and `needed_by` are names of nodes and inputs."""

    name: str
    type: str
    doc: str
    needs: list[str]
    needed_by: list[str]


@dataclass(frozen=True)
class InputInfo:
    """An input, which the caller or the configuration gives to the DAG."""

    name: str
    type: str
    required: bool
    needed_by: list[str]


def computed_nodes(driver: Driver) -> list[str]:
    """The names of all nodes but inputs, in the order they are written in the modules."""
    return [name for name, node in driver.graph.nodes.items() if not node.user_defined]


def leaf_nodes(driver: Driver, besides: Collection[str] = ()) -> list[str]:
    """The names of nodes that no other node depends on, in the order they are written.

    Without those that Hamilton tags as not final, such as the configuration of a subdag, and as
    if the nodes called `besides` were not there.
    """
    return [
        name
        for name in computed_nodes(driver)
        if name not in besides
        and not driver.graph.nodes[name].tags.get("hamilton.non_final_node")
        and all(user.name in besides for user in driver.graph.nodes[name].depended_on_by)
    ]


def upstream(
    driver: Driver, targets: list[str], overrides: Collection[str] = ()
) -> tuple[list[Node], list[Node]]:
    """The nodes to compute for `targets`, in an order they can run in, and the inputs they take.

    Nodes called `overrides` already have a value: neither they nor what they need is computed.

    Raises:
        ConfigError: if the nodes depend on each other in a circle.
    """
    needed, inputs = driver.graph.get_upstream_nodes(targets)
    known = {node.name for node in needed | inputs}
    visited: dict[str, Node] = {}
    path: list[str] = []

    def visit(node: Node) -> None:
        if node.name in visited or node.name in overrides:
            return
        if node.name in path:
            circle = " -> ".join([*path[path.index(node.name) :], node.name])
            raise ConfigError(f"The nodes need each other in a circle: {circle}.")
        path.append(node.name)
        for dependency in node.dependencies:
            if dependency.name in known:
                visit(dependency)
        path.pop()
        visited[node.name] = node

    for name in targets:
        visit(driver.graph.nodes[name])
    computed = [node for node in visited.values() if not node.user_defined]
    user_inputs = [node for node in visited.values() if node.user_defined]
    return computed, sorted(user_inputs, key=lambda node: str(node.name))


def missing_variant(modules: Iterable[ModuleType], config: Mapping[str, Any], name: str) -> str:
    """Why a node has no function though `config.when` offers some; empty if it offers none."""
    variants = [
        attribute
        for module in modules
        for attribute, value in vars(module).items()
        # Hamilton's convention: `total__sum` and `total__mean` are variants of `total`.
        if attribute.startswith(f"{name}__") and callable(value)
    ]
    if not variants:
        return ""
    settings = ", ".join(f"{key}={value!r}" for key, value in config.items())
    return (
        f"No variant of {name} fits the configuration ({settings or 'it is empty'}); there are "
        f"{', '.join(variants)}."
    )


def nodes_named(modules: Iterable[ModuleType], config: Mapping[str, Any]) -> set[str]:
    """The settings in `config` that have the name of a node which the modules' functions make."""
    functions = (function for module in modules for _, function in find_functions(module))
    nodes = (node for function in functions for node in resolve_nodes(function, config))
    return {node.name for node in nodes} & set(config)


def node_info(node: Node) -> NodeInfo:
    """The NodeInfo of a node."""
    doc = (node.documentation or "").strip()
    needs = [dependency.name for dependency in node.dependencies]
    needed_by = sorted({user.name for user in node.depended_on_by})
    return NodeInfo(node.name, type_text(node.type), doc, needs, needed_by)


def input_info(node: Node, among: Collection[str], *, is_wanted: bool = False) -> InputInfo:
    """The InputInfo of an input, seen from the nodes called `among`.

    If the run is to return or write the input itself, it is required unless it has a default.
    """
    users = [user for user in node.depended_on_by if user.name in among]
    required = any(_dependency_type(user, node.name) is DependencyType.REQUIRED for user in users)
    required = required or (is_wanted and not _defaults(node))
    needed_by = sorted({user.name for user in users})
    return InputInfo(node.name, type_text(node.type), required, needed_by)


def default_of(node: Node) -> Any:
    """The value that an input has if nobody gives one.

    Raises:
        InvalidInputs: if functions have different defaults for it.
    """
    defaults = _defaults(node)
    if len(defaults) > 1:
        shown = ", ".join(one_line(shortened(text, 60)) for text in defaults)
        raise InvalidInputs(
            f"{node.name} has different defaults in different functions: {shown}.",
            hint=f"Give it: -i {node.name}=…",
        )
    return next(iter(defaults.values()))


def _defaults(node: Node) -> dict[str, Any]:
    """The defaults of an input, by their repr."""
    values = [
        user.default_parameter_values[node.name]
        for user in node.depended_on_by
        if node.name in user.default_parameter_values
    ]
    return {repr(value): value for value in values}


def _dependency_type(node: Node, need: str) -> DependencyType | None:
    return node.input_types[need][1] if need in node.input_types else None


def graph(driver: Driver, pipeline: str, final_vars: list[str]) -> Graph:
    """All nodes of the driver and the inputs that they take, with `final_vars` marked.

    Raises:
        ConfigError: as `upstream`.
    """
    known = driver.graph.nodes
    targets = dict.fromkeys([*computed_nodes(driver), *final_vars])
    nodes, inputs = upstream(driver, list(targets))
    names = {node.name for node in (*inputs, *nodes)}
    graph_nodes = [_graph_node(known[name], final_vars, known) for name in known if name in names]
    return in_order(Graph(pipeline, final_vars, graph_nodes))


def _graph_node(node: Node, final_vars: list[str], known: Collection[str]) -> GraphNode:
    needs = tuple(dict.fromkeys(need.name for need in node.dependencies if need.name in known))
    types = {name: _dependency_type(node, name) for name in needs}
    optional = frozenset(name for name in needs if types[name] is DependencyType.OPTIONAL)
    return GraphNode(
        node.name,
        type_text(node.type),
        inspect.cleandoc(node.documentation or ""),
        is_input=node.user_defined,
        is_final=node.name in final_vars,
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
