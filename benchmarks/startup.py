"""What the help of the command line costs, beside empty Typer apps.

`flowerpower --help` against an empty Typer app with as many commands (bound: 50 ms more). Then the
help of each command against an empty app of one command with as many options (bound: 1.3 x, in
seconds of processor). Programs take turns, so that whatever else the machine does meets both. Both
are started as the script of an installed program starts them, and have compiled modules as it has.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
from lines import Bound, Line, beside_other, print_table
from programs import REPOSITORY, in_turns

sys.path.insert(0, str(REPOSITORY))

from flowerpower_cli.app import build_app

FLOWERPOWER = [sys.executable, "-c", "from flowerpower_cli.main import main; main()"]
PROGRAM_BOUND = Bound(50, "difference")
COMMAND_BOUND = Bound(1.3)
HELP_ENDING = " --help, processor"
CommandPath = tuple[str, ...]
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


def _commands(command: Any, path: CommandPath = ()) -> Iterator[tuple[CommandPath, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
    for name, child in (children or {}).items():
        yield from _commands(child, (*path, name))


def program_help() -> Line:
    """`flowerpower --help`, in milliseconds by the clock."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "empty.py").write_text(EMPTY_APP.format(groups=_tree()))
        empty = [sys.executable, "-c", "import empty", "--help"]
        programs = {"ours": [*FLOWERPOWER, "--help"], "empty": empty}
        turns = in_turns(programs, Path(folder), 25)
    pairs = [(turn["ours"].seconds * 1000, turn["empty"].seconds * 1000) for turn in turns]
    return beside_other("flowerpower --help", "", "ms", pairs, "an empty Typer app", PROGRAM_BOUND)


def command_helps(paths: Iterable[CommandPath] | None = None, usual: int = 7) -> Iterator[Line]:
    """The help of these commands, or of each, in milliseconds of processor."""
    chosen = None if paths is None else {*paths}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, command in _commands(typer.main.get_command(build_app())):
            if chosen is not None and path not in chosen:
                continue
            count = len(command.params)
            options = "\n".join(EMPTY_OPTION.format(number=number) for number in range(count))
            # One file for each number: a file that is written anew in the same second, with the
            # same size, would be taken for the one that was compiled.
            (folder / f"empty_{count}.py").write_text(EMPTY_COMMAND.format(options=options))
            empty = [sys.executable, "-c", f"import empty_{count}", "--help"]
            turns = in_turns(
                {"ours": [*FLOWERPOWER, *path, "--help"], "empty": empty}, folder, usual
            )
            pairs = [(turn["ours"].cpu * 1000, turn["empty"].cpu * 1000) for turn in turns]
            other = f"an empty app, {count} options"
            what = f"{' '.join(path)}{HELP_ENDING}"
            yield beside_other(what, "", "ms", pairs, other, COMMAND_BOUND)


def slowest_command_help() -> Line:
    """That of the command whose help takes longest beside an empty app's.

    The slowest of 49 that are measured three times each is the one that was disturbed most. So
    the slowest five are measured again, and more often.
    """
    by_ratio = sorted(command_helps(usual=3), key=lambda line: line.ratio or 0.0)
    slowest = [tuple(line.what.removesuffix(HELP_ENDING).split()) for line in by_ratio[-5:]]
    return max(command_helps(slowest, 15), key=lambda line: line.ratio or 0.0)


def lines() -> Iterator[Line]:
    """Those of the table of benchmarks."""
    yield program_help()
    yield slowest_command_help()


if __name__ == "__main__":
    print_table([program_help(), *command_helps()])
