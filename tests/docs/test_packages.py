"""What the docs and our hints tell people to install is what this project builds."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.release.probes import PROBES

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OURS = {"bench", "dev", "docs", "integrations", "wide"}
"""Extras for who works on this repository."""
INSTALL = re.compile(r"pip3? install\s+(?:-\S+\s+)*[\"'\\]*(flowerpower[\w-]*)")
WITH_EXTRAS = re.compile(r"(flowerpower[\w-]*)\[([a-z,]+)\]")


def _texts() -> Iterator[tuple[str, str]]:
    for folder, pattern in (
        ("flowerpower", "*.py"), ("flowerpower_cli", "*.py"), ("flowerpower_cli", "*.html"),
        ("docs", "*.md"), ("examples", "*.md"),
    ):  # fmt: skip
        for path in (ROOT / folder).rglob(pattern):
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
    for path in ROOT.glob("*.md"):
        yield path.name, path.read_text("utf-8")


def test_the_name_that_is_told_is_the_name_that_installs() -> None:
    """`pip install` is followed by this project's name, never by that of another one."""
    told = {(name, place) for place, text in _texts() for name in INSTALL.findall(text)}
    assert len(told) > 5
    assert [(name, place) for name, place in told if name != PROJECT["name"]] == []


def test_every_extra_that_is_told_exists() -> None:
    """In a hint, a page, or pyproject.toml itself."""
    places = [*_texts(), ("pyproject.toml", (ROOT / "pyproject.toml").read_text("utf-8"))]
    told = {
        (name, extra, place)
        for place, text in places
        for name, extras in WITH_EXTRAS.findall(text)
        for extra in extras.split(",")
    }
    assert len(told) > 5
    known = PROJECT["optional-dependencies"]
    wrong = [entry for entry in told if entry[0] != PROJECT["name"] or entry[1] not in known]
    assert wrong == []


def test_every_extra_is_tried_from_the_wheel() -> None:
    """`make dist` installs each extra that users may want, and uses it."""
    assert PROBES.keys() == PROJECT["optional-dependencies"].keys() - OURS
