"""The tables of docs/how-to/from-a-crontab.md say what the dialects do."""

from pathlib import Path

import pytest

from tests.tools.crontab_tables import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "from-a-crontab.md"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_as_it_is_made(name: str) -> None:
    """A change of a reading changes the page: `python -m tests.tools.crontab_tables` makes it."""
    assert TABLES[name]() in PAGE.read_text("utf-8")
