"""A pipeline's DAG as lines of text, one per node."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from flowerpower.run.draw.graph import Graph, GraphNode
from flowerpower.run.draw.lanes import Stroke, laid_out, strokes, width
from flowerpower.text import mask, one_line

NARROWEST_TYPE = 4
"""Characters; a type that would have fewer is left out."""
GAP = 2

_IN_ASCII = {
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
    """A node's row, padded so that columns stand below each other, with no blanks at its end.

    Attributes:
        graph: pieces of the drawing, each with the number of the lane that it belongs to.
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
    """The rows of the text, in ASCII where the encoding is not UTF-8.

    With a `limit` of so many characters, types that go beyond it are cut; where that is not enough
    they are left out, then the kinds, and then names are cut.
    """
    is_unicode = codecs.lookup(encoding).name == "utf-8"

    def column(texts: Sequence[str]) -> list[str]:
        lines = [one_line(mask(text)) for text in texts]
        if not is_unicode:
            lines = [line.encode("ascii", "backslashreplace").decode("ascii") for line in lines]
        return lines

    rows = laid_out((node.name for node in graph.nodes), graph.needs)
    lanes = width(rows)
    names = column([node.name for node in graph.nodes])
    types = column([node.type for node in graph.nodes])
    kinds = [kind(graph, node) for node in graph.nodes]
    if limit is not None:
        ellipsis = "…" if is_unicode else "..."
        room = limit - (2 * lanes - 1)
        room_for_type = room - _taken(names) - _taken(kinds) - GAP
        if room_for_type >= min(NARROWEST_TYPE, max(map(cells, types), default=0)):
            types = [_cut(text, room_for_type, ellipsis) for text in types]
        else:
            types = [""] * len(types)
            kinds = kinds if room >= _taken(names) + _taken(kinds) else types
            names = [_cut(text, room - GAP, ellipsis) for text in names]
    drawings = (
        [
            (stroke.value if is_unicode else _IN_ASCII.get(stroke, " "), lane)
            for stroke, lane in strokes(row, lanes, is_input=node.is_input)
        ]
        for node, row in zip(graph.nodes, rows, strict=True)
    )
    texts = map(_stripped, zip(_padded(names), _padded(types), _padded(kinds), strict=True))
    return [
        TextRow(node, drawing, *each)
        for node, drawing, each in zip(graph.nodes, drawings, texts, strict=True)
    ]


def _stripped(texts: tuple[str, str, str]) -> tuple[str, str, str]:
    """The columns of a row with no blanks at its end."""
    name, type_, kind_ = texts
    if kind_.strip():
        return name, type_, kind_.rstrip()
    return (name, type_.rstrip(), "") if type_.strip() else (name.rstrip(), "", "")


def kind(graph: Graph, node: GraphNode) -> str:
    """What a node is besides a node: an input that may be left out, a final variable, or both."""
    words = []
    if node.is_input:
        words.append("input" if graph.is_required(node.name) else "optional input")
    if node.is_final:
        words.append("final")
    return ", ".join(words)


def cells(text: str) -> int:
    """How many places of a terminal a text without control characters takes."""
    return sum(map(_cells_of, text))


def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _taken(texts: Sequence[str]) -> int:
    widest = max(map(cells, texts), default=0)
    return widest + GAP if widest else 0


def _padded(texts: Sequence[str]) -> list[str]:
    """The texts with a gap before them, as wide as the widest; empty if all are."""
    widest = max(map(cells, texts), default=0)
    gap = " " * GAP if widest else ""
    return [f"{gap}{text}{' ' * (widest - cells(text))}" for text in texts]


def _cut(text: str, room: int, ellipsis: str) -> str:
    if cells(text) <= room:
        return text
    while text and cells(text) + len(ellipsis) > room:
        text = text[:-1]
    return text + ellipsis
