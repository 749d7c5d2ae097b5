"""What the command line costs over what it stands on, side by side in one run.

`flowerpower --help` against an empty Typer app with as many commands (bound: 50 ms more), and
`flowerpower pipeline run` of a three-node pipeline against a bare Hamilton driver script
(bound: 1.20 x). Then the help of each command against an empty Typer app that has one command with
as many options (bound: 1.3 x, in seconds of processor). Programs take turns, so that whatever else
the machine does meets both. They have compiled modules, as installed ones have.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from flowerpower_cli.app import build_app

ROUNDS = 25
HELP_ROUNDS = 7
HELP_BOUND = 1.3
ENVIRON = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
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


EMPTY_COMMAND = """\
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(
{options}
) -> None:
    pass


app()
"""
EMPTY_OPTION = """\
    option_{number}: Annotated[str | None, typer.Option(help="What it is for: {number}.")] = None,\
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


def _seconds(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds, and seconds of processor."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=ENVIRON, check=True, capture_output=True)
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return ended - begun, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _medians(
    ours: list[str], theirs: list[str], folder: Path, rounds: int = ROUNDS
) -> list[tuple[float, float]]:
    """Of ours and of theirs: the medians of seconds, and of seconds of processor."""
    times: tuple[list[tuple[float, float]], ...] = ([], [])
    for command in (ours, theirs):
        _seconds(command, folder)
    for number in range(rounds):
        order = ((0, ours), (1, theirs)) if number % 2 else ((1, theirs), (0, ours))
        for which, command in order:
            times[which].append(_seconds(command, folder))
    return [
        (statistics.median(wall for wall, _ in pairs), statistics.median(used for _, used in pairs))
        for pairs in times
    ]


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
    for name, child in (children or {}).items():
        yield from _commands(child, (*path, name))


def _help_table(folder: Path) -> tuple[Table, bool]:
    """The help of each command beside an empty app's; whether all keep the bound."""
    table = Table("help of", "options", "ours, processor", "empty app", "ratio", "ratio of seconds")
    worst = 0.0
    for path, command in _commands(typer.main.get_command(build_app())):
        count = len(command.params)
        options = "\n".join(EMPTY_OPTION.format(number=number) for number in range(count))
        (folder / "empty_command.py").write_text(EMPTY_COMMAND.format(options=options))
        (wall, used), (empty_wall, empty_used) = _medians(
            [sys.executable, "-m", "flowerpower_cli", *path, "--help"],
            [sys.executable, "empty_command.py", "--help"],
            folder,
            HELP_ROUNDS,
        )
        worst = max(worst, used / empty_used)
        times = f"{used * 1000:.0f} ms", f"{empty_used * 1000:.0f} ms"
        ratios = f"{used / empty_used:.2f} x", f"{wall / empty_wall:.2f} x"
        table.add_row(" ".join(path), str(count), *times, *ratios)
    table.caption = f"the highest ratio is {worst:.2f} (bound {HELP_BOUND})"
    return table, worst <= HELP_BOUND


def main() -> None:
    """Measure, print the tables, and end with 1 if a bound is broken."""
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
            (mine, _), (other, _) = _medians(ours, theirs, folder)
            words, good = judge(mine, other)
            kept = kept and good
            table.add_row(
                title, f"{mine * 1000:.0f} ms", f"{other * 1000:.0f} ms", words, str(good)
            )
        help_table, is_quick = _help_table(folder)
    Console().print(table, help_table)
    sys.exit(not (kept and is_quick))


if __name__ == "__main__":
    main()
