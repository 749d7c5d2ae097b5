"""The tables of docs/how-to/from-upstream.md say what becomes of the projects of upstream's."""

from pathlib import Path

import pytest

from tests.tools.upstream_tables import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "from-upstream.md"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_as_it_is_made(name: str) -> None:
    """A change of the conversion changes the page: `python -m tests.tools.upstream_tables`."""
    assert TABLES[name]() in PAGE.read_text("utf-8")
