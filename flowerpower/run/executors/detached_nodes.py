"""Nodes without the rest of their graph, to be sent to another process."""

from __future__ import annotations

from collections.abc import Iterable

from hamilton.node import Node, NodeType

from flowerpower.run.patches import link_nodes


def detached(nodes: Iterable[Node]) -> list[Node]:
    """Copies of nodes that refer to each other; other nodes that they need are stubs with a name.

    A node refers to its neighbours and these to theirs: each task would carry the whole graph.
    """
    copies = {node.name: node.copy_with(include_refs=False) for node in nodes}
    for node in nodes:
        for dependency in node.dependencies:
            copy = copies.get(dependency.name) or _stub(dependency)
            link_nodes(copy, copies[node.name])
    return list(copies.values())


def _stub(node: Node) -> Node:
    return Node(node.name, node.type, node_source=NodeType.EXTERNAL)
