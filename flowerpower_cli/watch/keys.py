"""From the bytes that a terminal sends to keys. No input and no output."""

from __future__ import annotations

import codecs
import re

_NAMED = {
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\t": "tab",
    "\x1b": "escape",
    "\x0c": "redraw",
    "\x15": "clear",
}
_SEQUENCES = {
    "A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end",
    "1~": "home", "4~": "end", "5~": "page up", "6~": "page down", "7~": "home", "8~": "end",
}  # fmt: skip
_SEQUENCE = re.compile(r"\x1b(?:\[([0-9;?<]*)([@-~])|O([@-~]))")
_BEGUN = re.compile(r"\x1b(?:\[[0-9;?<]*|O)?\Z")


class KeyReader:
    """Finds keys in what is read, also where a sequence or a character comes in two pieces.

    A key is a printable character, or a name: up, down, page up, page down, home, end, left, right,
    enter, escape, backspace, tab, clear (Ctrl-U), redraw (Ctrl-L).
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""

    @property
    def is_waiting(self) -> bool:
        """Whether the beginning of a sequence has come, which may be the key Escape."""
        return bool(self._begun)

    def feed(self, content: bytes) -> list[str]:
        """The keys in what was read."""
        text, self._begun = self._begun + self._decoder.decode(content), ""
        keys: list[str] = []
        position = 0
        while position < len(text):
            if match := _SEQUENCE.match(text, position):
                position = match.end()
                key = _SEQUENCES.get(match[3] or f"{_plain(match[1])}{match[2]}")
                keys += [key] if key else []
            elif _BEGUN.match(text, position):
                self._begun = text[position:]
                break
            else:
                keys += _key(text[position])
                position += 1
        return keys

    def flush(self) -> list[str]:
        """The keys in what was taken for the beginning of a sequence, and is none."""
        text, self._begun = self._begun, ""
        return [key for character in text for key in _key(character)]


def _plain(parameters: str) -> str:
    """The parameters of a sequence without the number of its modifiers, as of Shift and Ctrl."""
    number = parameters.partition(";")[0]
    return "" if ";" in parameters and number == "1" else number


def _key(character: str) -> list[str]:
    if name := _NAMED.get(character):
        return [name]
    return [character] if character.isprintable() else []
