"""What a command shows, as plain data: lines and tables of cells.

A terminal gets them drawn by Rich; anything else gets plain text from here, which needs no Rich
and is never cut or folded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from flowerpower.safe_text import mask, one_line, visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text


@dataclass(frozen=True)
class Cell:
    """A text with a style of Rich's (`bold red`); nothing in the text is markup."""

    text: str
    style: str = ""

    def rich(self) -> Text:
        """As Rich's Text."""
        from rich.text import Text

        return Text(self.text, style=self.style, overflow="fold")


@dataclass(frozen=True)
class Line:
    """Cells one after the other; `starts_section` sets it off from what is above it."""

    cells: tuple[Cell, ...]
    starts_section: bool = False

    def plain(self) -> Iterator[str]:
        """The one line of text."""
        yield "".join(cell.text for cell in self.cells)

    def rich(self) -> RenderableType:
        """As Rich's Text."""
        from rich.text import Text

        return Text.assemble(*((cell.text, cell.style) for cell in self.cells), overflow="fold")


@dataclass(frozen=True)
class Table:
    """Rows of cells under heads; a head that ends in `>` is that of a column to the right."""

    heads: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    starts_section: ClassVar[bool] = False

    def add_row(self, *cells: Cell) -> None:
        """One more row, as long as the heads."""
        self.rows.append(cells)

    def plain(self) -> Iterator[str]:
        """Aligned lines, the heads first, two blanks between columns."""
        texts = [[head.rstrip(">") for head in self.heads]]
        texts += [[cell.text for cell in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        right = [head.endswith(">") for head in self.heads]
        for row in texts:
            padded = (
                text.rjust(width) if flush else text.ljust(width)
                for text, width, flush in zip(row, widths, right, strict=True)
            )
            yield "  ".join(padded).rstrip()

    def _firsts(self) -> list[str]:
        return [self.heads[0], *(row[0].text for row in self.rows)]

    def rich(self) -> RenderableType:
        """As Rich's Table."""
        from rich import box
        from rich.table import Table as RichTable

        drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        for position, head in enumerate(self.heads):
            drawn.add_column(
                cell(head.rstrip(">")).rich(),
                justify="right" if head.endswith(">") else "left",
                overflow="fold",
                # The first column names things; a name folded in its middle is hard to read.
                min_width=None if position else min(30, max(map(len, self._firsts()))),
            )
        for row in self.rows:
            drawn.add_row(*(each.rich() for each in row))
        return drawn


Shape = Line | Table


def cell(value: object, style: str = "") -> Cell:
    """A user's text for a table or a line: masked, on one line."""
    return Cell(one_line(mask(str(value))), style)


def line(value: object, style: str = "") -> Line:
    """A line of one cell."""
    return Line((cell(value, style),))


def block(text: str, style: str = "") -> Iterator[Line]:
    """The lines of a longer text."""
    for each in visible(mask(text)).splitlines():
        yield Line((Cell(each, style),))


def table(*heads: str) -> Table:
    """An empty table."""
    return Table(heads)
