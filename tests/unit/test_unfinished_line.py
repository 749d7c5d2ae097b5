"""A line of a log that has no end yet, on a terminal and elsewhere."""

import io

import pytest

from flowerpower_cli.views.unfinished_line import UnfinishedLine


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_it_is_drawn_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut to one row, which can be cleared; nothing is written while nothing changes."""
    monkeypatch.setenv("COLUMNS", "12")
    terminal = Terminal()
    line = UnfinishedLine(terminal)
    for text in ("\r 10%", "\r 10%\r 20%", "\r 20%", "\r 30% and so much more", ""):
        line.draw(text)
    line.clear()
    assert terminal.getvalue() == " 10%\r\x1b[K 20%\r\x1b[K 30% and so\r\x1b[K"


def test_it_carries_nothing_that_acts_on_a_terminal() -> None:
    """Escapes are shown, secrets are not."""
    terminal = Terminal()
    UnfinishedLine(terminal).draw("\x1b]0;title\x07 password=hunter2")
    assert terminal.getvalue() == "\\x1b]0;title\\x07 password=***"


def test_elsewhere_it_waits_for_its_end() -> None:
    """A file has whole lines only."""
    stream = io.StringIO()
    line = UnfinishedLine(stream)
    line.draw("\r 10%")
    line.clear()
    assert stream.getvalue() == ""
