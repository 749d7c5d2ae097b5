"""A DAG as rows and lanes: one row per node, and a lane for each value still waited for.

Plain names in, plain data out; what draws it, as text or as SVG, is elsewhere. On a node's row a
horizontal joins the lanes of its sources; a lane that is not joined passes through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

Needs = Mapping[str, Sequence[str]]
"""Every node's sources by its name; each source is a key too, and there is no circle."""


class Stroke(Enum):
    """What stands in one place of a row; `JOIN` is a lane that goes on, `END` one that ends."""

    BLANK = " "
    NODE = "●"
    INPUT = "○"
    THROUGH = "│"
    ACROSS = "─"
    LEFT_JOIN = "├"
    LEFT_END = "╰"
    RIGHT_JOIN = "┤"
    RIGHT_END = "╯"
    MIDDLE_JOIN = "┼"
    MIDDLE_END = "┴"


@dataclass(frozen=True)
class Row:
    """A node's row.

    Attributes:
        column: where its mark stands; in the same column its own lane begins.
        is_below: its mark ends the lane of a source, straight from above.
        goes_on: its own lane begins here, as there are nodes to come that need it.
        joined: columns of the other sources, each with whether its lane goes on.
        passing: columns of the lanes that have nothing to do with it.
    """

    name: str
    column: int
    is_below: bool
    goes_on: bool
    joined: Mapping[int, bool]
    passing: frozenset[int]

    @property
    def span(self) -> tuple[int, int]:
        """The columns where its horizontal begins and ends; both its own, if there is none."""
        columns = [self.column, *self.joined]
        return min(columns), max(columns)


def depth_first(needs: Needs) -> list[str]:
    """The nodes in an order where sources come first and few lanes are open at a time.

    What needs the most lanes comes first among a node's sources, so that inputs stand where they
    are taken. A node follows its last source at once where that leaves no more lanes than before.
    """
    users: dict[str, list[str]] = {name: [] for name in needs}
    for name, sources in needs.items():
        for source in sources:
            users[source].append(name)
    widths = _widths(needs)
    waiting = {name: set(users[name]) for name in needs}
    placed: dict[str, None] = {}

    def place(name: str) -> None:
        pending = [name]
        while pending:
            each = pending.pop()
            if each in placed:
                continue
            placed[each] = None
            for source in needs[each]:
                waiting[source].discard(each)
            pending += [user for user in reversed(users[each]) if is_due(user)]

    def is_due(user: str) -> bool:
        if user in placed or any(source not in placed for source in needs[user]):
            return False
        return not users[user] or any(waiting[source] == {user} for source in needs[user])

    leaves = [name for name in needs if not users[name]]
    for leaf in leaves:
        path = [leaf]
        while path:
            left = [source for source in needs[path[-1]] if source not in placed]
            if left:
                path.append(max(left, key=widths.__getitem__))
            else:
                place(path.pop())
    return list(placed)


def _widths(needs: Needs) -> dict[str, int]:
    """For each node about how many lanes are open at a time while it is made ready."""
    widths: dict[str, int] = {}
    for start in needs:
        path = [start]
        while path:
            name = path[-1]
            left = [source for source in needs[name] if source not in widths]
            if left:
                path += left
                continue
            path.pop()
            sources = sorted((widths[source] for source in needs[name]), reverse=True)
            widths[name] = max((width + kept for kept, width in enumerate(sources)), default=1)
    return widths


def laid_out(order: Iterable[str], needs: Needs) -> list[Row]:
    """The rows of the nodes in this order, in which sources come first.

    No lane ever changes its column, and there are no more columns than the order asks for. Where
    a lane ends, the node that it ends at takes its column if it can. A node never stands right
    below another's mark in the same column unless it needs that one.
    """
    left = Counter(source for each in needs.values() for source in set(each))
    lanes: dict[int, str] = {}
    rows: list[Row] = []
    columns = 0
    for name in order:
        sources = set(needs[name])
        left.subtract(sources)
        goes_on = {column: left[lane] > 0 for column, lane in lanes.items() if lane in sources}
        passing = frozenset(lanes.keys() - goes_on.keys())
        ending = [column for column in goes_on if not goes_on[column]]
        for each in ending:
            del lanes[each]
        taken = {*passing, *goes_on}
        if rows and not rows[-1].goes_on:
            taken.add(rows[-1].column)
        column = min(ending) if ending else _free(columns, taken, goes_on)
        columns = max(columns, column + 1)
        goes_on.pop(column, None)
        if left[name]:
            lanes[column] = name
        rows.append(Row(name, column, bool(ending), bool(left[name]), goes_on, passing))
    return rows


def _free(columns: int, taken: set[int], joined: Iterable[int]) -> int:
    """The one of so many columns that is not taken and nearest to those joined; else a new one."""
    places = list(joined) or [0]
    middle = sum(places) / len(places)
    free = set(range(columns)) - taken
    return min(free, key=lambda column: (abs(column - middle), column), default=columns)


def width(rows: Iterable[Row]) -> int:
    """How many columns the rows take."""
    return max((max(row.span[1], *row.passing, 0) + 1 for row in rows), default=0)


def strokes(row: Row, columns: int, *, is_input: bool) -> Iterator[tuple[Stroke, int]]:
    """What stands in each place of a row, with the column of the lane that it belongs to.

    Columns are at the even places; at the odd places between them is ACROSS or BLANK.
    """
    first, last = row.span
    for column in range(columns):
        if column:
            across = first < column <= last
            yield (Stroke.ACROSS if across else Stroke.BLANK), row.column
        if column == row.column:
            yield (Stroke.INPUT if is_input else Stroke.NODE), column
        elif column in row.joined:
            yield _joint(column, first, last, goes_on=row.joined[column]), column
        elif column in row.passing:
            yield Stroke.THROUGH, column
        else:
            yield (Stroke.ACROSS if first < column < last else Stroke.BLANK), row.column


def _joint(column: int, first: int, last: int, *, goes_on: bool) -> Stroke:
    if column == first:
        return Stroke.LEFT_JOIN if goes_on else Stroke.LEFT_END
    if column == last:
        return Stroke.RIGHT_JOIN if goes_on else Stroke.RIGHT_END
    return Stroke.MIDDLE_JOIN if goes_on else Stroke.MIDDLE_END
