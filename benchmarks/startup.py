"""What the command line costs over what it stands on, side by side in one run.

`flowerpower --help` against an empty Typer app with as many commands (bound: 50 ms more), and
`flowerpower pipeline run` of a three-node pipeline against a bare Hamilton driver script
(bound: 1.20 x). Programs take turns, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from flowerpower_cli.app import build_app

ROUNDS = 25
REPOSITORY = Path(__file__).parents[1]

MODULE = """\
def doubled(x: int) -> int:
    return 2 * x


def squared(doubled: int) -> int:
    return doubled**2


def text(squared: int) -> str:
    return f"it is {squared}"
"""
BARE = """\
from hamilton import driver
from pipelines import three

built = driver.Builder().with_modules(three).build()
print(built.execute(["text"], inputs={"x": 3}))
"""
EMPTY_APP = """\
import typer

app = typer.Typer(add_completion=False)
groups = {groups!r}
for group, commands in groups.items():
    target = app
    if group:
        target = typer.Typer()
        app.add_typer(target, name=group)
    for name in commands:
        target.command(name)(lambda: None)
app()
"""


def _tree() -> dict[str, list[str]]:
    root = typer.main.get_command(build_app())
    groups: dict[str, list[str]] = {"": []}
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        children = getattr(command, "commands", None)
        if children is None:
            groups[""].append(name)
        else:
            groups[name] = list(children)
    return groups


def _seconds(command: list[str], folder: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - begun


def _pairs(ours: list[str], theirs: list[str], folder: Path) -> tuple[list[float], list[float]]:
    times: tuple[list[float], list[float]] = ([], [])
    for command in (ours, theirs):
        _seconds(command, folder)
    for number in range(ROUNDS):
        order = ((0, ours), (1, theirs)) if number % 2 else ((1, theirs), (0, ours))
        for which, command in order:
            times[which].append(_seconds(command, folder))
    return times


def main() -> None:
    """Measure both pairs, print a table, and end with 1 if a bound is broken."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conf" / "pipelines").mkdir(parents=True)
        (folder / "pipelines").mkdir()
        (folder / "conf" / "project.yml").write_text("name: bench\n")
        (folder / "conf" / "pipelines" / "three.yml").write_text("run: {inputs: {x: 3}}\n")
        (folder / "pipelines" / "three.py").write_text(MODULE)
        (folder / "bare.py").write_text(BARE)
        (folder / "empty.py").write_text(EMPTY_APP.format(groups=_tree()))
        flowerpower = [sys.executable, "-m", "flowerpower_cli"]
        cases: list[
            tuple[str, list[str], list[str], Callable[[float, float], tuple[str, bool]]]
        ] = [
            (
                "--help / an empty Typer app",
                [*flowerpower, "--help"],
                [sys.executable, "empty.py", "--help"],
                lambda a, b: (f"{(a - b) * 1000:+.0f} ms (bound +50 ms)", a - b <= 0.05),
            ),
            (
                "pipeline run / a bare Hamilton driver",
                [*flowerpower, "pipeline", "run", "three"],
                [sys.executable, "bare.py"],
                lambda a, b: (f"{a / b:.2f} x (bound 1.20 x)", a / b <= 1.20),
            ),
        ]
        table = Table("pair", "ours", "theirs", "median", "kept")
        kept = True
        for title, ours, theirs, judge in cases:
            mine, other = (statistics.median(times) for times in _pairs(ours, theirs, folder))
            words, good = judge(mine, other)
            kept = kept and good
            table.add_row(
                title, f"{mine * 1000:.0f} ms", f"{other * 1000:.0f} ms", words, str(good)
            )
    Console().print(table)
    sys.exit(not kept)


if __name__ == "__main__":
    main()
