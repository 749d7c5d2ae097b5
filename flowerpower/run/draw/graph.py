"""A pipeline's DAG as plain data, and the parts of it that may be looked at alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from flowerpower.errors import UnknownNode
from flowerpower.run.draw.lanes import depth_first
from flowerpower.text import did_you_mean


@dataclass(frozen=True)
class GraphNode:
    """A node or an input; `needs` are names of others, `optional` those of them with a default."""

    name: str
    type: str
    doc: str
    is_input: bool
    is_final: bool
    needs: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Graph:
    """Nodes and inputs, sources first; what they need is in the graph."""

    pipeline: str
    final_vars: list[str]
    nodes: list[GraphNode]

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """Every node's sources by its name."""
        return {node.name: node.needs for node in self.nodes}

    @property
    def edges(self) -> list[tuple[str, str]]:
        """Every pair of a node and one that needs it, in the order of the latter."""
        return [(source, node.name) for node in self.nodes for source in node.needs]

    def is_required(self, name: str) -> bool:
        """Whether a node of the graph cannot do without the input."""
        return any(name in node.needs and name not in node.optional for node in self.nodes)

    def users(self, name: str) -> list[str]:
        """The nodes that need it."""
        return [node.name for node in self.nodes if name in node.needs]

    def around(self, upstream: Collection[str] = (), downstream: Collection[str] = ()) -> Graph:
        """Only nodes that one of `upstream` depends on, or that depend on one of `downstream`.

        The named nodes are among them.

        Raises:
            UnknownNode: if the graph has no node of a name.
        """
        needs = self.needs
        for name in (*upstream, *downstream):
            if name not in needs:
                guess = did_you_mean(name, needs) or " See `flowerpower pipeline show`."
                raise UnknownNode(f"{self.pipeline} has no node {name!r}.{guess}")
        users: dict[str, list[str]] = {name: [] for name in needs}
        for source, name in self.edges:
            users[source].append(name)
        return self.only(_reached(upstream, needs) | _reached(downstream, users))

    def only(self, names: Collection[str]) -> Graph:
        """Only the nodes called `names`, as far as it has them."""
        kept = [
            replace(node, needs=tuple(source for source in node.needs if source in names))
            for node in self.nodes
            if node.name in names
        ]
        return in_order(replace(self, nodes=kept))


def in_order(graph: Graph) -> Graph:
    """The same graph with its nodes in the order of `depth_first`."""
    nodes = {node.name: node for node in graph.nodes}
    return replace(graph, nodes=[nodes[name] for name in depth_first(graph.needs)])


def _reached(starts: Collection[str], onward: Mapping[str, Sequence[str]]) -> set[str]:
    reached: set[str] = set()
    pending = list(starts)
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += onward[name]
    return reached
