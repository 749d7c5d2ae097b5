"""What a command shows, as plain data: lines and tables of cells.

A terminal gets them drawn by Rich; anything else gets plain text from here, which needs no Rich
and is never cut or folded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from flowerpower.text import mask, one_line, shortened, visible

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text

MIN_CUT = 12
"""Characters; a column that may be cut is folded instead where it would have fewer."""
MAX_KEPT = 30
"""Characters; longer names in a first column may be folded."""


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
    is_set_off: ClassVar[bool] = False

    def plain(self) -> Iterator[str]:
        """The one line of text."""
        yield "".join(cell.text for cell in self.cells)

    def rich(self) -> RenderableType:
        """As Rich's Text."""
        from rich.text import Text

        return Text.assemble(*((cell.text, cell.style) for cell in self.cells), overflow="fold")


@dataclass(frozen=True)
class Table:
    """Rows of cells under heads.

    A head that ends in `>` is that of a column to the right, `<` (or nothing) to the left; one that
    ends in `…` is that of the last column, if a terminal may cut it rather than fold it.
    """

    heads: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    starts_section: ClassVar[bool] = False
    is_set_off: ClassVar[bool] = True

    def add_row(self, *cells: Cell) -> None:
        """One more row, as long as the heads."""
        self.rows.append(cells)

    def plain(self) -> Iterator[str]:
        """Aligned lines, the heads first, two blanks between columns."""
        texts = [[_head(head) for head in self.heads]]
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
        return [_head(self.heads[0]), *(row[0].text for row in self.rows)]

    def rich(self) -> RenderableType:
        """As Rich's Table, made once it is known how wide the terminal is."""
        return _Drawn(self)

    def drawn(self, width: int) -> RenderableType:
        """As Rich's Table for so many characters."""
        from rich import box
        from rich.table import Table as RichTable

        drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        longest = max(map(len, self._firsts()))
        # The first column names things; a name folded in its middle is hard to read.
        is_kept = longest <= MAX_KEPT and longest + (len(self.heads) - 1) * 9 <= width
        for position, head in enumerate(self.heads):
            drawn.add_column(
                Cell(_head(head)).rich(),
                justify="right" if head.endswith(">") else "left",
                overflow="fold",
                no_wrap=is_kept and position == 0,
            )
        left = self._left_for_last(width) if self.heads[-1].endswith("…") else 0
        for row in self.rows:
            *cells, last = row
            if left >= MIN_CUT:
                last = Cell(shortened(last.text, left), last.style)
            drawn.add_row(*(each.rich() for each in (*cells, last)))
        return drawn

    def _left_for_last(self, width: int) -> int:
        others = list(zip(self.heads, *(tuple(each.text for each in row) for row in self.rows),
                          strict=True))[:-1]  # fmt: skip
        used = sum(max(len(text) for text in column) + 3 for column in others)
        return width - used - 2


@dataclass(frozen=True)
class _Drawn:
    """A table that Rich draws as wide as it has room."""

    table: Table

    def __rich_console__(
        self, _console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        yield self.table.drawn(options.max_width)


Shape = Line | Table


def _head(head: str) -> str:
    """What is shown of a head: without its mark, masked, on one line."""
    return cell(head[:-1] if head.endswith((">", "<", "…")) else head).text


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
