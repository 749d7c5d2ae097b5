"""Tables on terminals: at most two lines a row, and no name broken in two."""

from __future__ import annotations

import io
import random

import pytest
from rich.cells import cell_len
from rich.console import Console

from flowerpower_cli.views.tables import Table, cell, table

ERROR = "InvalidInputs: 1 input does not fit: seconds takes int, got the text 'much'"
ZONE = "America/Argentina/ComodRivadavia"


def shown(table: Table, width: int = 80) -> list[str]:
    """The lines of a table on a terminal, without the blank ones around it."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None, force_terminal=True)
    console.print(table)
    first, *lines, last = stream.getvalue().splitlines()
    assert (first, last) == ("", "")
    return lines


def jobs(count: int = 1, **texts: str) -> Table:
    """A table of jobs, all alike."""
    row = {
        "id": "ac0f52c1",
        "pipeline": "hello",
        "status": "failed",
        "created": "Nov 24 12:00:00",
        "took>": "31ms",
        "note…": ERROR,
    } | texts
    columns = {header: [cell(text)] * count for header, text in row.items()}
    return table(columns, optional=("created",))


def test_a_failed_job_takes_two_lines() -> None:
    """A note that does not fit beside the other columns is on a line of its own, whole."""
    _header, _rule, first, second = shown(jobs())
    assert first.split() == ["ac0f52c1", "hello", "failed", "Nov", "24", "12:00:00", "31ms"]
    assert second.strip() == ERROR


def test_a_wide_terminal_shows_one_line() -> None:
    """Where there is room the note is beside the rest."""
    _header, _rule, line = shown(jobs(), 140)
    assert line.endswith(ERROR)


def test_a_note_longer_than_a_line_is_cut_at_its_end() -> None:
    """With an ellipsis, at the width of the terminal."""
    second = shown(jobs(**{"note…": "x" * 300}))[-1]
    assert second == f"     {'x' * 74}…"


def test_optional_columns_make_room_for_names() -> None:
    """A long name stays whole: `created` is left out for it, then the name is cut at its end."""
    header, _rule, first, _second = shown(jobs(id="n" * 45))
    assert "created" not in header
    assert "n" * 45 in first
    first = shown(jobs(id="n" * 100))[2]
    assert first.split()[0].endswith("n…")
    assert first.split()[1:] == ["hello", "failed", "31ms"]


def test_a_text_is_wrapped_once_at_a_word() -> None:
    """A last column with room enough has two lines, the second one cut."""
    rows = shown(table({"node": [cell("total")], "what it is…": [cell("one two three " * 12)]}), 60)
    assert rows[2:] == [
        " total   one two three one two three one two three one two",
        "         three one two three one two three one two three on…",
    ]


def test_wide_characters_are_measured_in_cells() -> None:
    """A name of double width neither breaks nor pushes its neighbours out of line."""
    rows = shown(table({"id": [cell("日本語" * 20), cell("a")], "zone": [cell(ZONE)] * 2}))
    assert all(cell_len(row) <= 80 for row in rows)
    assert rows[2].rstrip().endswith(ZONE)
    assert cell_len(rows[2]) == cell_len(rows[3])


@pytest.mark.parametrize("seed", range(40))
def test_no_row_has_more_than_two_lines(seed: int) -> None:
    """Whatever the texts are, from 40 to 200 characters: two lines at most, none over the width."""
    dice = random.Random(seed)
    count, width = dice.randint(1, 5), dice.randint(40, 200)
    headers = ["id", "zone", "size>", "next", "note…"][: dice.randint(1, 5)]
    texts = ["", "a", "x" * 25, ERROR, ERROR * 4, ZONE, "日本" * 15]
    columns = {header: [cell(dice.choice(texts)) for _ in range(count)] for header in headers}
    lines = shown(table(columns, optional=("next",)), width)
    assert len(lines) <= 2 + 2 * count
    assert all(cell_len(line) <= width for line in lines), (lines, width)


def test_nothing_is_lost_off_a_terminal() -> None:
    """As plain text every column is there and whole."""
    lines = list(jobs(id="n" * 100, **{"note…": "x" * 300}).plain_lines())
    assert lines[0].split() == ["id", "pipeline", "status", "created", "took", "note"]
    assert "n" * 100 in lines[1]
    assert "x" * 300 in lines[1]
