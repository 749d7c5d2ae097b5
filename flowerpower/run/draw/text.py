"""A pipeline's DAG as lines of text, one for each node."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from flowerpower.run.draw.graph import Graph, GraphNode
from flowerpower.run.draw.lanes import Stroke, column_count, lay_out, strokes
from flowerpower.text import mask, one_line

NARROWEST_TYPE = 4
"""Characters; a type that would be cut to fewer is left out."""
GAP = 2

_ASCII = {
    Stroke.NODE: "*",
    Stroke.INPUT: "o",
    Stroke.THROUGH: "|",
    Stroke.ACROSS: "-",
    Stroke.LEFT_JOIN: "+",
    Stroke.RIGHT_JOIN: "+",
    Stroke.MIDDLE_JOIN: "+",
    Stroke.LEFT_END: "'",
    Stroke.RIGHT_END: "'",
    Stroke.MIDDLE_END: "'",
}


@dataclass(frozen=True)
class TextRow:
    """A node's row, padded to align the columns, without blanks at its end.

    Attributes:
        graph: the characters of the drawing, each with the number of its lane.
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

    def column(texts: Sequence[str]) -> list[str]:
        lines = [one_line(mask(text)) for text in texts]
        if not is_unicode:
            lines = [line.encode("ascii", "backslashreplace").decode("ascii") for line in lines]
        return lines

    rows = lay_out((node.name for node in graph.nodes), graph.needs)
    lanes = column_count(rows)
    names = column([node.name for node in graph.nodes])
    types = column([node.type for node in graph.nodes])
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
    drawings = (
        [
            (stroke.value if is_unicode else _ASCII.get(stroke, " "), lane)
            for stroke, lane in strokes(row, lanes, is_input=node.is_input)
        ]
        for node, row in zip(graph.nodes, rows, strict=True)
    )
    texts = map(_stripped, zip(_padded(names), _padded(types), _padded(kinds), strict=True))
    return [
        TextRow(node, drawing, *columns)
        for node, drawing, columns in zip(graph.nodes, drawings, texts, strict=True)
    ]


def _stripped(texts: tuple[str, str, str]) -> tuple[str, str, str]:
    """The columns of a row without blanks at its end."""
    name, type_, kind_ = texts
    if kind_.strip():
        return name, type_, kind_.rstrip()
    return (name, type_.rstrip(), "") if type_.strip() else (name.rstrip(), "", "")


def kind(graph: Graph, node: GraphNode) -> str:
    """What is special about a node: an input, optional or not, a final variable, or both."""
    words = []
    if node.is_input:
        words.append("input" if graph.is_required(node.name) else "optional input")
    if node.is_final:
        words.append("final")
    return ", ".join(words)


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
    widest = max(map(cell_width, texts), default=0)
    gap = " " * GAP if widest else ""
    return [f"{gap}{text}{' ' * (widest - cell_width(text))}" for text in texts]


def _cut(text: str, room: int, ellipsis: str) -> str:
    if cell_width(text) <= room:
        return text
    while text and cell_width(text) + len(ellipsis) > room:
        text = text[:-1]
    return text + ellipsis
