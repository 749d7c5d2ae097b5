"""Parallelizable blocks: what is in them, which Hamilton can run, and the tasks it makes of them.

Hamilton's own grouping walks from each Collect back to whatever Parallelizable it meets first,
through other Collects too and in the order of a set. Here the nodes of a block are those that are
reached from its Parallelizable without passing a Collect.
"""

from __future__ import annotations

import itertools
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from hamilton.execution.graph_functions import topologically_sort_nodes
from hamilton.execution.grouping import (
    GroupingStrategy,
    NodeGroup,
    NodeGroupPurpose,
    TaskImplementation,
)
from hamilton.htypes import Collect, Parallelizable
from hamilton.node import Node, NodeType

from flowerpower.errors import ConfigError, UsageError
from flowerpower.run.dag import type_text


def is_expander(node: Node) -> bool:
    """Whether a node begins a block."""
    return bool(node.node_role is NodeType.EXPAND)


def with_items_as_list(declared: Any) -> Any:
    """The type of all that a node gives, from the declared one: Parallelizable[int] is a list."""
    if typing.get_origin(declared) is Parallelizable:
        return list[typing.get_args(declared)]  # type: ignore[misc] # mypy wants a type, not a tuple
    return declared


def check_blocks(
    nodes: Sequence[Node],
    final_vars: Sequence[str],
    written: Mapping[str, Sequence[str]],
    replaced: Collection[str],
    callers: Collection[str],
) -> None:
    """Check that the blocks can run, and that nothing inside one is returned or `written` to files.

    A node in a block has a value for each item. `nodes` are in an order they can run in;
    `replaced` are nodes whose value is given or loaded instead. The caller has asked for those in
    `callers`, and the YAML for the others.

    Raises:
        UsageError, ConfigError: naming the nodes, and the one whose items they have values for.
    """
    enclosing = _enclosing_blocks(nodes, replaced, callers)
    if enclosing:
        _group(nodes, enclosing)
    savers = {name: saver for saver, names in written.items() for name in names}
    for name in (*final_vars, *savers):
        block = enclosing.get(name) or enclosing.get(savers.get(name, ""))
        if block is not None:
            kind = UsageError if name in callers else ConfigError
            what = (
                "gives its items one by one"
                if name == block
                else f"has a value for each item of {block}"
            )
            raise kind(
                f"{name} {what}, not one to return or write.",
                hint="Ask for a node that collects them: one that takes Collect[...].",
            )


class BlockGrouping(GroupingStrategy):  # type: ignore[misc] # Hamilton has no types
    """Makes one task of a block for each item, one of each Collect and one of each other node.

    If nodes of a block wait for what others of it collect, the parts of the block that are not
    connected inside it become tasks of their own. Nodes called `overrides` are not computed, but
    one that is Parallelizable begins its block as ever.
    """

    def __init__(self, overrides: Collection[str]) -> None:
        self._overrides = overrides

    def group_nodes(self, nodes: list[Node]) -> list[NodeGroup]:
        """The groups of the nodes of a run, in an order they can run in."""
        # Hamilton's list comes from a set: its order differs from process to process.
        in_order = topologically_sort_nodes(sorted(nodes, key=lambda node: str(node.name)))
        given = {
            node for node in in_order if node.name in self._overrides and not is_expander(node)
        }
        computed = [node for node in in_order if node not in given]
        groups = _group(computed, _enclosing_blocks(computed))
        return groups + [_single(node) for node in in_order if node in given]


def with_collected_items(task: TaskImplementation) -> TaskImplementation:
    """The task; a Collect directly on a Parallelizable takes the items, not a list of their list.

    Hamilton collects one value of each task that gives it. Here only the task that began the block
    does, and its value is the list of all items.
    """
    for node in task.nodes if task.purpose.is_gatherer() else ():
        for need in node.dependencies:
            if is_expander(need) and need.name in collected_names(node):
                (items,) = task.dynamic_inputs[need.name]
                return replace(task, dynamic_inputs={**task.dynamic_inputs, need.name: items})
    return task


def collected_names(node: Node) -> list[str]:
    """The nodes that a node takes as Collect[...]."""
    types = {name: declared for name, (declared, _) in node.input_types.items()}
    return [name for name, declared in types.items() if typing.get_origin(declared) is Collect]


def _enclosing_blocks(
    nodes: Iterable[Node], replaced: Collection[str] = (), callers: Collection[str] = ()
) -> dict[str, str]:
    """For each node in a block the node that begins it.

    Arguments and errors are those of `check_blocks`.
    """
    enclosing: dict[str, str] = {}
    for node in nodes:
        collected = collected_names(node)
        blocks = {need.name: enclosing.get(need.name) for need in node.dependencies}
        blocks |= {need.name: need.name for need in node.dependencies if is_expander(need)}
        items = {block: name for name, block in blocks.items() if block and name not in collected}
        _check_node(node, collected, items)
        if collected and not blocks.get(collected[0]):
            raise _not_in_a_block(node, collected[0], replaced, callers)
        if items:
            enclosing[node.name] = next(iter(items))
    return enclosing


def _check_node(node: Node, collected: Sequence[str], items: Mapping[str, str]) -> None:
    """Check a node that takes `items`: of each block, a node with a value for each item."""
    name = node.name
    if len(collected) > 1:
        raise ConfigError(
            f"{name} collects {' and '.join(collected)}: a node can collect one.",
            hint=f"Collect each in a node of its own, and let {name} take those.",
        )
    if collected and typing.get_origin(node.type) is Parallelizable:
        raise ConfigError(
            f"{name} collects {collected[0]} and is Parallelizable: a node cannot be both.",
            hint=f"Collect {collected[0]} in a node of its own, and let {name} take that.",
        )
    for need, (declared, _) in node.input_types.items():
        if any(typing.get_origin(part) is Collect for part in typing.get_args(declared)):
            raise ConfigError(
                f"{name} takes {need} as {type_text(declared)}: Hamilton collects only what is "
                "declared as Collect[...] itself.",
                hint="Write the type without Optional, Annotated or |.",
            )
    if not items:
        return
    (block, taken), *others = items.items()
    if collected:
        raise ConfigError(
            f"{name} collects {collected[0]} and takes {taken}, which has a value for each item "
            f"of {block}.",
            hint=f"Collect {taken} in a node of its own, and let {name} take that.",
        )
    if is_expander(node):
        raise ConfigError(
            f"{name} is Parallelizable inside the block of {block}, as it takes {taken}: blocks "
            "cannot be nested.",
            hint=f"Collect {taken} first, or let {block} give all items of both.",
        )
    if others:
        raise ConfigError(
            f"{name} takes {taken}, which has a value for each item of {block}, and "
            f"{others[0][1]}, which has one for each of {others[0][0]}: a node can be in one "
            "block.",
            hint="Collect one of them first, or let one Parallelizable node give all pairs.",
        )


def _not_in_a_block(
    node: Node, collected: str, replaced: Collection[str], callers: Collection[str]
) -> UsageError | ConfigError:
    """The error of a node that collects what has no items, which `replaced` may be the cause of."""
    message = (
        f"{node.name} collects {collected}, which is not in the block of a Parallelizable node"
    )
    needs = [need for need in node.dependencies if need.name == collected]
    for need in needs:
        if need.name in replaced:
            kind = UsageError if need.name in callers else ConfigError
            return kind(
                f"{message}: {need.name} has the one value that it is given.",
                hint=f"Give {node.name} a value instead.",
            )
        needs += [other for other in need.dependencies if other not in needs]
    return ConfigError(f"{message}.", hint="Take it as it is, without Collect[...].")


def _group(nodes: Sequence[Node], enclosing: Mapping[str, str]) -> list[NodeGroup]:
    """The nodes in groups, each of which Hamilton makes a task, or one for each item.

    Raises:
        ConfigError: if nodes of a block would have to wait for each other.
    """
    groups = _groups(nodes, enclosing, enclosing)
    circle = _circle(groups)
    if circle:
        groups = _groups(nodes, enclosing, _connected_parts(nodes, enclosing))
        circle = _circle(groups)
    for first, second in itertools.pairwise(circle):
        for node in second.nodes:
            block = enclosing.get(node.name)
            for name in (need.name for need in node.dependencies):
                if block not in (None, name) and first.produces(name):
                    raise ConfigError(
                        f"{node.name} takes {name}, which waits for all items of {block}, in whose "
                        f"block {node.name} is: it would wait for itself.",
                        hint=f"Collect what {node.name} takes of {block}, and begin a second block "
                        f"with those items after {name}.",
                    )
    return groups


def _groups(
    nodes: Iterable[Node], enclosing: Mapping[str, str], parts: Mapping[str, str]
) -> list[NodeGroup]:
    """The groups; nodes in a block that have the same name in `parts` are one."""
    groups: list[NodeGroup] = []
    blocks: dict[str, list[Node]] = {}
    for node in nodes:
        collected = collected_names(node)
        if is_expander(node):
            purpose = NodeGroupPurpose.EXPAND_UNORDERED
            groups.append(NodeGroup(f"expand-{node.name}", None, [node], purpose))
        elif collected:
            # Hamilton names it by the block: a second Collect would take the place of the first.
            begun_by = f"expand-{enclosing.get(collected[0], collected[0])}"
            purpose = NodeGroupPurpose.GATHER
            groups.append(NodeGroup(f"collect-{node.name}", begun_by, [node], purpose))
        elif node.name in enclosing:
            blocks.setdefault(parts[node.name], []).append(node)
        else:
            groups.append(_single(node))
    for part, members in blocks.items():
        begun_by = f"expand-{enclosing[members[0].name]}"
        purpose = NodeGroupPurpose.EXECUTE_BLOCK
        groups.append(NodeGroup(f"block-{part}", begun_by, members, purpose))
    return groups


def _single(node: Node) -> NodeGroup:
    return NodeGroup(node.name, None, [node], NodeGroupPurpose.EXECUTE_SINGLE)


def _connected_parts(nodes: Iterable[Node], enclosing: Mapping[str, str]) -> dict[str, str]:
    """For each node in a block the first one that it is connected with inside the block."""
    parts: dict[str, str] = {}
    for node in nodes:
        if node.name in enclosing:
            joined = [parts[need.name] for need in node.dependencies if need.name in parts]
            first = joined[0] if joined else node.name
            parts = {name: first if part in joined else part for name, part in parts.items()}
            parts[node.name] = first
    return parts


def _circle(groups: Iterable[NodeGroup]) -> list[NodeGroup]:
    """Groups that wait for each other, each for the one before it, the first also at the end."""
    group_of = {node.name: group for group in groups for node in group.nodes}
    waits = {
        group: {
            group_of[need.name]: None
            for node in group.nodes
            for need in node.dependencies
            if need.name in group_of and group_of[need.name] != group
        }
        for group in groups
    }
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
