"""The site has every page, and every page on it leads only to what is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
FRONT = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
"""What stands beside the site; `make docs` does not look at these."""


def _entries(navigation: object) -> Iterator[str]:
    if isinstance(navigation, str):
        yield navigation
    elif isinstance(navigation, list):
        for entry in navigation:
            yield from _entries(entry)
    elif isinstance(navigation, dict):
        for entry in navigation.values():
            yield from _entries(entry)


def test_every_page_is_in_the_navigation_once() -> None:
    """A page that nobody finds is as good as none."""
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    entries = list(_entries(site["nav"]))
    assert sorted(entries) == sorted(PAGES)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_begins_with_words(page: str) -> None:
    """How-to pages and explanations say first for whom they are; no page begins with a heading."""
    text = (DOCS / page).read_text("utf-8")
    first = re.sub(r"<!--.*?-->\n", "", text, flags=re.DOTALL).strip().split("\n\n")[1]
    if page.startswith(("how-to/", "explanation/")):
        assert first.startswith("For "), first
    assert not first.startswith(("#", "|", "```", "!")), first


def test_the_site_is_built_strictly() -> None:
    """With `--quiet` MkDocs 1.6.1 ends with 0 whatever `--strict` has found."""
    (command,) = re.findall(r"mkdocs build.*", (ROOT / "Makefile").read_text("utf-8"))
    assert command.split()[2:] == ["--strict"]


def test_the_pages_beside_the_site_link_to_what_is_there() -> None:
    """README and its neighbours; the links of docs/ are checked when the site is built."""
    for name in FRONT:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / name).read_text("utf-8")):
            assert (ROOT / link).exists(), f"{name}: {link}"
