"""A pipeline with a cache that counts its calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.overrides import make_overrides

CONFIG = "run:\n  inputs: {number: 3}\n  cache: true\n"
MODULE = """\
from pathlib import Path

def _count(name: str) -> None:
    with open("calls.txt", "a") as stream:
        stream.write(name + "\\n")

def first(number: int) -> int:
    _count("first")
    return number * 2

def second(first: int) -> int:
    _count("second")
    return first + 1

def third(second: int, bonus: int = 0) -> int:
    _count("third")
    return second + bonus
"""


def calls(project: Path) -> list[str]:
    """What was computed since this was called last."""
    file = project / "calls.txt"
    names = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return names


def run(project: Path, **given: Any) -> dict[str, Any]:
    """What the pipeline puts out."""
    return PipelineManager(project, quiet=True).run("steps", **given)


def forecast(project: Path, **given: Any) -> dict[str, str]:
    """What a plan says of each node and the cache."""
    manager = PipelineManager(project, quiet=True)
    return manager.plan("steps", make_overrides(given), with_forecast=True).forecast  # type: ignore[arg-type]
