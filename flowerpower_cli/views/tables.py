"""Blocks that a command shows, as plain data: lines and tables of cells.

On a terminal Rich draws them; anywhere else they are plain text made here, which needs no Rich
and is never cut or folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from flowerpower.text import mask, one_line, shortened, visible

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text

MIN_CUT = 12
"""Characters; a last column that may be cut is folded instead if it would have fewer."""
MAX_UNFOLDED = 30
"""Characters; a first column with longer texts may be folded."""


@dataclass(frozen=True)
class Cell:
    """A text with a Rich style (`bold red`); nothing in the text is markup.

    The text is shown as it is: `cell` makes one of a user's text.
    """

    text: str
    style: str = ""

    def rich(self) -> Text:
        """As Rich's Text."""
        from rich.text import Text

        return Text(self.text, style=self.style, overflow="fold")


@dataclass(frozen=True)
class Line:
    """Cells side by side; one that `starts_section` has a blank line above it."""

    cells: tuple[Cell, ...]
    starts_section: bool = False
    has_margins: ClassVar[bool] = False

    def plain_lines(self) -> Iterator[str]:
        """The one line of text."""
        yield "".join(cell.text for cell in self.cells)

    def rich(self) -> RenderableType:
        """As Rich's Text."""
        from rich.text import Text

        return Text.assemble(*((cell.text, cell.style) for cell in self.cells), overflow="fold")


@dataclass(frozen=True)
class Table:
    """Rows of cells under headers.

    The last character of a header may say how its column is shown: `>` aligns it to the right,
    `<` to the left (as without one), `…` lets a terminal cut the last column, not fold it.
    """

    headers: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    starts_section: ClassVar[bool] = False
    has_margins: ClassVar[bool] = True

    def plain_lines(self) -> Iterator[str]:
        """Aligned lines, the headers first, two blanks between columns."""
        texts = [[_title(header) for header in self.headers]]
        texts += [[cell.text for cell in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        for row in texts:
            padded = (
                text.rjust(width) if header.endswith(">") else text.ljust(width)
                for text, width, header in zip(row, widths, self.headers, strict=True)
            )
            yield "  ".join(padded).rstrip()

    def rich(self) -> RenderableType:
        """As something that Rich draws when it knows the width of the terminal."""
        return self

    def __rich_console__(
        self, _console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich import box
        from rich.table import Table as RichTable

        width = options.max_width
        rich_table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        longest = max(map(len, (_title(self.headers[0]), *(row[0].text for row in self.rows))))
        # The first column holds names, and a name that is folded in its middle is hard to read.
        # Every other column needs about nine characters.
        fits = longest <= MAX_UNFOLDED and longest + (len(self.headers) - 1) * 9 <= width
        for position, header in enumerate(self.headers):
            rich_table.add_column(
                Cell(_title(header)).rich(),
                justify="right" if header.endswith(">") else "left",
                overflow="fold",
                no_wrap=fits and position == 0,
            )
        last_width = self._last_column_width(width) if self.headers[-1].endswith("…") else 0
        for row in self.rows:
            *cells, last = row
            if last_width >= MIN_CUT:
                last = Cell(shortened(last.text, last_width), last.style)
            rich_table.add_row(*(cell.rich() for cell in (*cells, last)))
        yield rich_table

    def _last_column_width(self, width: int) -> int:
        """The characters that the other columns leave of `width`."""
        texts = [self.headers, *(tuple(cell.text for cell in row) for row in self.rows)]
        other_columns = list(zip(*texts, strict=True))[:-1]
        return width - 2 - sum(max(map(len, column)) + 3 for column in other_columns)


Block = Line | Table


def _title(header: str) -> str:
    """The text of a header without its mark, masked, on one line."""
    return cell(header[:-1] if header.endswith((">", "<", "…")) else header).text


def cell(value: object, style: str = "") -> Cell:
    """A user's text: masked, control characters as escapes, on one line."""
    return Cell(one_line(mask(str(value))), style)


def line(value: object, style: str = "") -> Line:
    """A line of one cell."""
    return Line((cell(value, style),))


def section_title(text: str, rest: str = "") -> Line:
    """The title of a section, with a blank line above it."""
    return Line((cell(text, "bold"), cell(rest, "dim")), starts_section=True)


def text_lines(text: str, style: str = "") -> Iterator[Line]:
    """The lines of a longer text, masked."""
    for text_line in visible(mask(text)).splitlines():
        yield Line((Cell(text_line, style),))


def table(columns: Mapping[str, Sequence[Cell]]) -> Table:
    """A table of columns, by their headers."""
    return Table(tuple(columns), list(zip(*columns.values(), strict=True)))


def counted(count: int, noun: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
