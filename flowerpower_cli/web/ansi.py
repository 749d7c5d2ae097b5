"""Colours that a job has printed, as HTML; every other control character is shown as an escape."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from flowerpower.text import mask, visible

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
MAX_CODES = 50
_COLORS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def colored(text: str) -> Markup:
    """A log as HTML: its eight colours and bold as classes, secrets masked."""
    pieces = _SGR.split(mask(text))
    return Markup("").join(_spans(pieces))


def _spans(pieces: list[str]) -> Iterator[Markup]:
    """`pieces` are texts, and between each two the numbers of what changes the style."""
    bold, color = False, ""
    for number, piece in enumerate(pieces):
        if number % 2:
            bold, color = _style_after(piece, bold, color)
            continue
        # A line that a progress bar overwrites is shown as lines.
        plain = escape(visible(piece.replace("\r\n", "\n").replace("\r", "\n")))
        classes = " ".join(filter(None, ("bold" if bold else "", color)))
        if piece and classes:
            yield Markup('<span class="{}">{}</span>').format(classes, plain)
        else:
            yield plain


def _style_after(numbers: str, bold: bool, color: str) -> tuple[bool, str]:
    codes = [int(code[:4] or 0) for code in numbers.split(";")[:MAX_CODES]]
    position = 0
    while position < len(codes):
        code = codes[position]
        if code == 0:
            bold, color = False, ""
        elif code in (1, 22):
            bold = code == 1
        elif 30 <= code <= 37 or 90 <= code <= 97:
            color = f"ansi-{_COLORS[code % 10]}"
        elif code == 39:
            color = ""
        elif code in (38, 48):
            # 256 colours and true colours: their own arguments are no styles.
            position += {5: 2, 2: 4}.get(codes[position + 1] if position + 1 < len(codes) else 0, 0)
        position += 1
    return bold, color
