"""A pipeline's DAG as lines of text, one for each node."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flowerpower.run.draw.graph import Graph, GraphNode, Row, column_count, lay_out
from flowerpower.text import mask, one_line

NARROWEST_TYPE = 4
"""Characters; a type that would be cut to fewer is left out."""
GAP = 2
_ASCII = str.maketrans("●○│─├┤┼╰╯┴", "*o|-+++'''")


@dataclass(frozen=True)
class TextRow:
    """A node's row, padded to align the columns, without blanks at its end.

    `graph` are the characters of the drawing, each with the number of its lane.
    """

    node: GraphNode
    graph: list[tuple[str, int]]
    name: str
    type: str
    kind: str

    @property
    def text(self) -> str:
        """The row as plain text."""
        return "".join((*(piece for piece, _ in self.graph), self.name, self.type, self.kind))


def text_rows(graph: Graph, *, encoding: str = "utf-8", limit: int | None = None) -> list[TextRow]:
    """The rows of the text, in ASCII unless the encoding is UTF-8.

    With a `limit` of characters in a row, types are cut first; if that is not enough types are left
    out, then kinds, and then names are cut.
    """
    is_unicode = codecs.lookup(encoding).name == "utf-8"

    def shown(text: str) -> str:
        line = label(text)
        return line if is_unicode else line.encode("ascii", "backslashreplace").decode("ascii")

    rows = lay_out((node.name for node in graph.nodes), graph.needs)
    lanes = column_count(rows)
    names = [shown(node.name) for node in graph.nodes]
    types = [shown(node.type) for node in graph.nodes]
    kinds = [kind(graph, node) for node in graph.nodes]
    if limit is not None:
        ellipsis = "…" if is_unicode else "..."
        room = limit - (2 * lanes - 1)
        room_for_type = room - _column_width(names) - _column_width(kinds) - GAP
        if room_for_type >= min(NARROWEST_TYPE, max(map(cell_width, types), default=0)):
            types = [_cut(text, room_for_type, ellipsis) for text in types]
        else:
            types = [""] * len(types)
            kinds = kinds if room >= _column_width(names) + _column_width(kinds) else types
            names = [_cut(text, room - GAP, ellipsis) for text in names]
    columns = _padded(names), _padded(types), _padded(kinds)
    text_rows = []
    for node, row, name, type_, kind_ in zip(graph.nodes, rows, *columns, strict=True):
        drawing = [
            (character if is_unicode else character.translate(_ASCII), lane)
            for character, lane in _drawing(row, lanes, is_input=node.is_input)
        ]
        # Without blanks at the end of the row.
        kind_ = kind_.rstrip()
        type_ = type_ if kind_ else type_.rstrip()
        name = name if kind_ or type_ else name.rstrip()
        text_rows.append(TextRow(node, drawing, name, type_, kind_))
    return text_rows


def _drawing(row: Row, columns: int, *, is_input: bool) -> Iterator[tuple[str, int]]:
    """The character in each place of a row, with the column of the lane that it belongs to.

    Columns are at the even places; at the odd places between them is a line across or a blank.
    """
    first, last = row.span
    for column in range(columns):
        if column:
            yield ("─" if first < column <= last else " "), row.column
        if column == row.column:
            yield ("○" if is_input else "●"), column
        elif column in row.joined:
            yield _joint(column, first, last, goes_on=row.joined[column]), column
        elif column in row.passing:
            yield "│", column
        else:
            yield ("─" if first < column < last else " "), row.column


def _joint(column: int, first: int, last: int, *, goes_on: bool) -> str:
    if column == first:
        return "├" if goes_on else "╰"
    if column == last:
        return "┤" if goes_on else "╯"
    return "┼" if goes_on else "┴"


def label(text: str) -> str:
    """A name or type, on one line and with secrets masked."""
    return one_line(mask(text))


def kind(graph: Graph, node: GraphNode) -> str:
    """What is special about a node: an input, optional or not, a final variable, or both."""
    final = ["final"] if node.is_final else []
    if not node.is_input:
        return "".join(final)
    return ", ".join(["input" if graph.is_required(node.name) else "optional input", *final])


def cell_width(text: str) -> int:
    """The cells of a terminal that a text without control characters takes."""
    return sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _column_width(texts: Sequence[str]) -> int:
    widest = max(map(cell_width, texts), default=0)
    return widest + GAP if widest else 0


def _padded(texts: Sequence[str]) -> list[str]:
    """The texts, all as wide as the widest, with a gap before them unless all are empty."""
    width = _column_width(texts)
    gap = " " * GAP if width else ""
    return [gap + text + " " * (width - len(gap) - cell_width(text)) for text in texts]


def _cut(text: str, room: int, ellipsis: str) -> str:
    if cell_width(text) <= room:
        return text
    while text and cell_width(text) + len(ellipsis) > room:
        text = text[:-1]
    return text + ellipsis
