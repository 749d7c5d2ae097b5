"""A pipeline's DAG as plain data: how to select a part of it, and its layout.

The layout has a row for each node, and a lane for each value that is still needed; text.py and
page.py draw it. On a node's row a horizontal line joins the lanes of its sources; other lanes pass
through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from flowerpower.errors import UnknownNode
from flowerpower.text import did_you_mean

Needs = Mapping[str, Sequence[str]]
"""The sources of each node by its name. Each source is a key too, and there is no cycle."""


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


@dataclass(frozen=True)
class Row:
    """A node's row.

    Attributes:
        column: the column of its mark, where its own lane begins.
        is_below: its mark ends the lane of a source in the same column.
        goes_on: its own lane begins here, because later nodes need it.
        joined: the columns of other sources, each with whether its lane goes on.
        passing: the columns of lanes that pass through.
    """

    name: str
    column: int
    is_below: bool
    goes_on: bool
    joined: Mapping[int, bool]
    passing: frozenset[int]

    @property
    def span(self) -> tuple[int, int]:
        """The first and last column of its horizontal line; twice its own column without a line."""
        columns = [self.column, *self.joined]
        return min(columns), max(columns)


def depth_first(needs: Needs) -> list[str]:
    """The nodes in an order where sources come first and few lanes are open at a time.

    Among a node's sources the one that needs the most lanes comes first, so that inputs stand next
    to the nodes that take them. A node follows its last source at once if that opens no new lane.
    """
    users = users_of(needs)
    widths = _widths(needs)
    waiting = {name: set(users[name]) for name in needs}
    placed: dict[str, None] = {}

    def place(name: str) -> None:
        pending = [name]
        while pending:
            current = pending.pop()
            if current not in placed:
                placed[current] = None
                for source in needs[current]:
                    waiting[source].discard(current)
                pending += [user for user in reversed(users[current]) if is_due(user)]

    def is_due(user: str) -> bool:
        if user in placed or any(source not in placed for source in needs[user]):
            return False
        return not users[user] or any(waiting[source] == {user} for source in needs[user])

    # Stacks in place of recursion: a chain of nodes may be longer than Python's recursion limit.
    for leaf in (name for name in needs if not users[name]):
        path = [leaf]
        while path:
            missing = [source for source in needs[path[-1]] if source not in placed]
            if missing:
                path.append(max(missing, key=widths.__getitem__))
            else:
                place(path.pop())
    return list(placed)


def users_of(needs: Needs) -> dict[str, list[str]]:
    """The nodes that need each node, by its name."""
    users: dict[str, list[str]] = {name: [] for name in needs}
    for name, sources in needs.items():
        for source in sources:
            users[source].append(name)
    return users


def _widths(needs: Needs) -> dict[str, int]:
    """For each node an estimate of the lanes that are open until its row."""
    widths: dict[str, int] = {}
    for start in needs:
        path = [start]
        while path:
            name = path[-1]
            missing = [source for source in needs[name] if source not in widths]
            if missing:
                path += missing
            else:
                path.pop()
                lanes = sorted((widths[source] for source in needs[name]), reverse=True)
                widths[name] = max((count + held for held, count in enumerate(lanes)), default=1)
    return widths


def lay_out(order: Iterable[str], needs: Needs) -> list[Row]:
    """The rows of the nodes in this order, in which sources come first.

    A lane never changes its column, and there are no more columns than the order requires. A node
    takes the column of a lane that ends at it, if one does. It never stands right below another's
    mark in the same column unless it needs that node.
    """
    users_left = Counter(source for sources in needs.values() for source in set(sources))
    lanes: dict[int, str] = {}
    rows: list[Row] = []
    columns = 0
    for name in order:
        sources = set(needs[name])
        users_left.subtract(sources)
        goes_on = {
            column: users_left[lane] > 0 for column, lane in lanes.items() if lane in sources
        }
        passing = frozenset(lanes.keys() - goes_on.keys())
        ending = [column for column in goes_on if not goes_on[column]]
        taken = set(lanes)
        for column in ending:
            del lanes[column]
        if rows and not rows[-1].goes_on:
            taken.add(rows[-1].column)
        column = min(ending) if ending else _free_column(columns, taken, goes_on)
        columns = max(columns, column + 1)
        goes_on.pop(column, None)
        is_needed = users_left[name] > 0
        if is_needed:
            lanes[column] = name
        rows.append(Row(name, column, bool(ending), is_needed, goes_on, passing))
    return rows


def _free_column(columns: int, taken: set[int], joined: Iterable[int]) -> int:
    """The column that is not taken and nearest to those joined; a new one if all are taken."""
    joined = list(joined) or [0]
    middle = sum(joined) / len(joined)
    free = set(range(columns)) - taken
    return min(free, key=lambda column: (abs(column - middle), column), default=columns)


def column_count(rows: Iterable[Row]) -> int:
    """The number of columns of the rows."""
    return max((max(row.span[1], *row.passing, 0) + 1 for row in rows), default=0)
