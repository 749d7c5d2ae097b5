"""The line of a log that has no end yet, such as a progress bar, drawn again as it changes."""

from __future__ import annotations

import shutil
from typing import TextIO

from flowerpower.jobs.log_lines import shown
from flowerpower.text import mask, one_line
from flowerpower_cli.views.output import flushing


class UnfinishedLine:
    """Draws such a line at the end of the output of a terminal; elsewhere nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._drawn = ""

    def draw(self, text: str) -> None:
        """Draw what a terminal would show of `text` now, cut to the terminal's width."""
        width = shutil.get_terminal_size().columns - 1
        # Not more than a row: only that can be cleared again.
        self._write(one_line(shown(mask(text)).rpartition("\n")[2])[:width])

    def clear(self) -> None:
        """Clear it, before something else is printed."""
        if self._drawn:
            self._write("")

    def _write(self, text: str) -> None:
        if self._is_terminal and text != self._drawn:
            with flushing(self._stream):
                self._stream.write("\r\x1b[K" + text if self._drawn else text)
            self._drawn = text
