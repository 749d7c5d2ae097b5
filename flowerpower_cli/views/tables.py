"""Blocks that a command shows, as plain data: lines and tables of cells.

On a terminal Rich draws them; anywhere else they are plain text made here, which needs no Rich
and is never cut or folded. They are no dataclasses: to make those would be most of what this module
costs the start of every command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from flowerpower.text import mask, one_line, visible

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text


class Cell:
    """A text with a Rich style (`bold red`); nothing in the text is markup.

    The text is shown as it is: `cell` makes one of a user's text.
    """

    def __init__(self, text: str, style: str = "") -> None:
        self.text = text
        self.style = style

    def rich(self) -> Text:
        """As Rich's Text."""
        from rich.text import Text

        return Text(self.text, style=self.style, overflow="fold")


class Line:
    """Cells side by side; one that `starts_section` has a blank line above it.

    Where a terminal folds a line that `hangs`, its last cell goes on below its own beginning.
    """

    has_margins: ClassVar[bool] = False

    def __init__(
        self, cells: tuple[Cell, ...], starts_section: bool = False, hangs: bool = False
    ) -> None:
        self.cells = cells
        self.starts_section = starts_section
        self.hangs = hangs

    def plain_lines(self) -> Iterator[str]:
        """The one line of text."""
        yield "".join(cell.text for cell in self.cells)

    def rich(self) -> RenderableType:
        """As Rich's Text, or as a grid if it hangs."""
        from rich.text import Text

        if self.hangs:
            return self._grid()
        return Text.assemble(*((cell.text, cell.style) for cell in self.cells), overflow="fold")

    def _grid(self) -> RenderableType:
        from rich.table import Table as Grid
        from rich.text import Text

        *first, last = self.cells
        grid = Grid.grid()
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(Text.assemble(*((cell.text, cell.style) for cell in first)), last.rich())
        return grid


class Table:
    """Rows of cells under headers.

    The last character of a header may say how its column is shown: `>` aligns it to the right,
    `<` to the left (as without one). On a terminal a row has at most two lines, and what is too
    long is cut at its end: first the last column, if its header ends with `…`, then the `optional`
    columns are left out, in their order, and then the widest columns are cut.
    """

    starts_section: ClassVar[bool] = False
    has_margins: ClassVar[bool] = True

    def __init__(
        self,
        headers: tuple[str, ...],
        rows: Sequence[tuple[Cell, ...]],
        optional: tuple[str, ...] = (),
    ) -> None:
        self.headers = headers
        self.rows = rows
        self.optional = optional

    def plain_lines(self) -> Iterator[str]:
        """Aligned lines, the headers first, two blanks between columns."""
        texts = [[title_of(header) for header in self.headers]]
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
        from flowerpower_cli.views.table_layout import table_lines

        titles = [title_of(header) for header in self.headers]
        marks = [header[-1:] for header in self.headers]
        yield from table_lines(titles, marks, self.rows, self.optional, options.max_width)


class SectionTable(Table):
    """A table whose first header is the title of its section: no lines but headers and rows."""

    starts_section: ClassVar[bool] = True
    has_margins: ClassVar[bool] = False

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        _blank, header, _rule, *rows, _last = super().__rich_console__(console, options)
        yield from (header, *rows)


Block = Line | Table


def title_of(header: str) -> str:
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


def table(columns: Mapping[str, Sequence[Cell]], optional: tuple[str, ...] = ()) -> Table:
    """A table of columns, by their headers."""
    return Table(tuple(columns), list(zip(*columns.values(), strict=True)), optional)


def section_table(
    columns: Mapping[str, Sequence[Cell]], optional: tuple[str, ...] = ()
) -> SectionTable:
    """The same as a section of its own."""
    return SectionTable(tuple(columns), list(zip(*columns.values(), strict=True)), optional)


def counted(count: int, noun: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def not_valid(count: int, total: int) -> str:
    """That so many of all pipelines are not valid: `1 of 3 pipelines is not valid`."""
    return f"{count} of {counted(total, 'pipeline')} {'is' if count == 1 else 'are'} not valid"
