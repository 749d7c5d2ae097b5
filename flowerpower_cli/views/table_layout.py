"""How a table fits into the width of a terminal: at most two lines a row, no name broken in two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from rich.cells import cell_len, set_cell_size
from rich.text import Text

MARGIN = " "
GAP = "   "
INDENT = "     "
"""Before a text that stands below its row."""
MIN_WIDTH = 8
"""Characters that a column keeps when the others need its room."""
MIN_LAST_WIDTH = 30
"""Characters; if the last column has fewer, texts that do not fit go below their rows."""


class StyledText(Protocol):
    """A text with a Rich style."""

    @property
    def text(self) -> str: ...  # noqa: D102 - the class says it

    @property
    def style(self) -> str: ...  # noqa: D102


def table_lines(
    titles: Sequence[str],
    marks: Sequence[str],
    rows: Sequence[Sequence[StyledText]],
    optional: Sequence[str],
    width: int,
) -> Iterator[Text]:
    """The lines of a table on a terminal of `width` characters, blank ones around them.

    `marks` are those of the headers, and `optional` as of `Table`.
    """
    natural = [
        max(map(cell_len, column))
        for column in zip(titles, *([cell.text for cell in row] for row in rows), strict=True)
    ]
    last = len(titles) - 1 if marks[-1] == "…" else None
    columns = {place: size for place, size in enumerate(natural) if place != last}
    widths = _fitted(columns, [titles.index(title) for title in optional if title in titles], width)
    indent, left, below = "", 0, False
    if last is not None:
        indent = MARGIN + "".join(" " * used + GAP for used in widths.values())
        left = width - len(indent)
        # A line of its own below the row holds more than two short ones beside it.
        is_short = 2 * left < width - len(INDENT) and natural[last] > 2 * left - MIN_WIDTH
        below = natural[last] > left and (left < MIN_LAST_WIDTH or is_short)
        if left >= cell_len(titles[last]):
            widths[last] = min(natural[last], left)
    yield Text()
    yield _line([(title, "bold") for title in titles], marks, widths)
    rule = "─" * (sum(widths.values()) + len(GAP) * (len(widths) - 1))
    yield Text(f"{MARGIN}{rule}", no_wrap=True, overflow="crop")
    for row in rows:
        cells = [(cell.text, cell.style) for cell in row]
        second = ""
        if last is not None and cell_len(cells[last][0]) > widths.get(last, 0):
            text, style = cells[last]
            if below:
                first, second = "", INDENT + _cut(text, width - len(INDENT))
            else:
                first, rest = _wrapped(text, left)
                second = indent + _cut(rest, left)
            cells[last] = first, style
        yield _line(cells, marks, widths)
        if second:
            yield Text(second, style=cells[-1][1], no_wrap=True, overflow="crop")
    yield Text()


def _fitted(columns: dict[int, int], optional: Sequence[int], width: int) -> dict[int, int]:
    """The widths of the columns that are shown, by position, so that they fit."""
    widths = dict(columns)

    def excess() -> int:
        return len(MARGIN) + sum(widths.values()) + len(GAP) * (len(widths) - 1) - width

    for place in optional:
        if excess() > 0:
            del widths[place]
    while excess() > 0 and max(widths.values()) > MIN_WIDTH:
        widest = max(widths, key=lambda place: widths[place])
        widths[widest] -= 1
    return widths


def _line(cells: Sequence[tuple[str, str]], marks: Sequence[str], widths: dict[int, int]) -> Text:
    line = Text(MARGIN, no_wrap=True, overflow="ellipsis")
    for number, (place, width) in enumerate(widths.items()):
        content, style = cells[place]
        text = _cut(content, width)
        blanks = " " * (width - cell_len(text))
        line.append(GAP if number else "")
        if marks[place] == ">":
            line.append(blanks).append(text, style)
        else:
            line.append(text, style).append(blanks)
    line.rstrip()
    return line


def _cut(text: str, width: int) -> str:
    """A text of at most `width` cells; the end of a longer one is an ellipsis."""
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"


def _wrapped(text: str, width: int) -> tuple[str, str]:
    """The words of a text that fit into `width` cells, and the rest."""
    head = set_cell_size(text, width).rstrip()
    if text[len(head) : len(head) + 1] != " ":
        # A word of which half a line would be left empty is broken: it is data, not a name.
        at_word = head.rfind(" ")
        head = head[:at_word].rstrip() if at_word > width // 2 else head
    return head, text[len(head) :].lstrip()
