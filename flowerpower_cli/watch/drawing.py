"""From Rich's texts to what a terminal is sent: only the lines that are not as before."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from flowerpower_cli.views.tables import Block

CLEAR = "\x1b[2J"
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
"""Terminals that know it show all that is between them at once."""


def block_lines(block: Block, width: int) -> list[Text]:
    """The lines of a block on a terminal of that width."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, legacy_windows=False)
    rows = console.render_lines(block.rich(), pad=False)
    return [_line(row) for row in rows]


def _line(segments: Sequence[Segment]) -> Text:
    line = Text(no_wrap=True)
    for segment in segments:
        line.append(segment.text, segment.style)
    return line


class Painter:
    """Knows what a terminal shows, and how it is changed.

    Without `color` texts have no styles at all, as NO_COLOR wants it.
    """

    def __init__(self, *, color: bool) -> None:
        self._console = Console(file=io.StringIO(), force_terminal=True, legacy_windows=False)
        self._color = color
        self._shown: list[str] | None = None

    def forget(self) -> None:
        """The terminal may show anything now: the next time all of it is drawn."""
        self._shown = None

    def changes(self, lines: Sequence[Text]) -> str:
        """What makes the terminal show these lines from its top on; empty if it does already."""
        drawn = [self._drawn(line) for line in lines]
        before = self._shown
        if before is None or len(before) != len(drawn):
            before = [""] * len(drawn)
            start = CLEAR
        else:
            start = ""
        self._shown = drawn
        changed = "".join(_replaced(drawn, before))
        return f"{_BEGIN}{start}{changed}{_END}" if start or changed else ""

    def _drawn(self, line: Text) -> str:
        if not self._color:
            return line.plain
        if line.style:
            # Rich's `render` leaves out the style of a text that has no parts.
            line = line.copy()
            line.stylize_before(line.style)
        return "".join(
            segment.style.render(segment.text, color_system=ColorSystem.STANDARD)
            if segment.style
            else segment.text
            for segment in line.render(self._console)
        )


def _replaced(drawn: Sequence[str], before: Sequence[str]) -> Iterator[str]:
    for number, (line, old) in enumerate(zip(drawn, before, strict=True), 1):
        if line != old:
            # A line never reaches the last column, at which erasing would take its last character.
            yield f"\x1b[{number};1H{line}\x1b[0m\x1b[K"
