"""Nodes without the rest of their graph, to be sent to another process."""

from __future__ import annotations

from collections.abc import Iterable

from hamilton import node


def detached(nodes: Iterable[node.Node]) -> list[node.Node]:
    """Copies of nodes that know each other, and of all others that they need only the names.

    A node holds its neighbours, and these theirs: each task would carry the whole graph.
    """
    copies = {each.name: each.copy_with(include_refs=False) for each in nodes}
    for each in nodes:
        for need in each.dependencies:
            found = copies.get(need.name) or _name_only(need)
            copies[each.name]._dependencies.append(found)
            found._depended_on_by.append(copies[each.name])
    return list(copies.values())


def _name_only(need: node.Node) -> node.Node:
    return node.Node(need.name, need.type, node_source=node.NodeType.EXTERNAL)
