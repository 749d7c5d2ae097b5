"""A pipeline's DAG as plain data, and how to select a part of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from flowerpower.errors import UnknownNode
from flowerpower.run.draw.lanes import depth_first, users_of
from flowerpower.text import did_you_mean


@dataclass(frozen=True)
class GraphNode:
    """A node or an input; `needs` are its sources, `optional` those of them with a default."""

    name: str
    type: str
    doc: str
    is_input: bool
    is_final: bool
    needs: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Graph:
    """Nodes and inputs, sources first; all sources are in the graph."""

    pipeline: str
    final_vars: list[str]
    nodes: list[GraphNode]

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """The sources of each node by its name."""
        return {node.name: node.needs for node in self.nodes}

    @property
    def edges(self) -> list[tuple[str, str]]:
        """Each pair of a source and a node that needs it, in the order of the nodes."""
        return [(source, node.name) for node in self.nodes for source in node.needs]

    def is_required(self, name: str) -> bool:
        """Whether a node of the graph takes the input and has no default for it."""
        return any(name in node.needs and name not in node.optional for node in self.nodes)

    def users(self, name: str) -> list[str]:
        """The nodes that need it."""
        return [node.name for node in self.nodes if name in node.needs]

    def around(self, upstream: Collection[str] = (), downstream: Collection[str] = ()) -> Graph:
        """The part that the nodes `upstream` depend on, and that depends on the nodes `downstream`.

        The named nodes are in it.

        Raises:
            UnknownNode: if the graph has no node of a name.
        """
        needs = self.needs
        for name in (*upstream, *downstream):
            if name not in needs:
                raise UnknownNode(no_such_node(self.pipeline, name, needs))
        return self.only(_reachable(upstream, needs) | _reachable(downstream, users_of(needs)))

    def only(self, names: Collection[str]) -> Graph:
        """The part with the nodes called `names`; names of no node are ignored."""
        nodes = [
            replace(node, needs=tuple(source for source in node.needs if source in names))
            for node in self.nodes
            if node.name in names
        ]
        return in_order(replace(self, nodes=nodes))


def no_such_node(pipeline: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a node that a pipeline does not have, with the nearest that it has."""
    guess = did_you_mean(name, known) or " See `flowerpower pipeline show`."
    return f"{pipeline} has no node {name!r}.{guess}"


def in_order(graph: Graph) -> Graph:
    """The same graph with its nodes in the order of `depth_first`."""
    nodes = {node.name: node for node in graph.nodes}
    return replace(graph, nodes=[nodes[name] for name in depth_first(graph.needs)])


def _reachable(starts: Collection[str], neighbours: Mapping[str, Sequence[str]]) -> set[str]:
    reached: set[str] = set()
    pending = list(starts)
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += neighbours[name]
    return reached
