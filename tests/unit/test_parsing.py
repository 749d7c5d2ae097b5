"""Options of a command are read as Typer reads them, and plain ones without pydantic."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.core import TyperCommand

from flowerpower_cli.option_values import duration, whole_number
from flowerpower_cli.options import argument, option
from flowerpower_cli.parsing import plain_command

Words = list[str] | None


def _command(
    names: Annotated[list[str], argument("NAME", "Names.")],
    text: Annotated[str | None, option("TEXT", "Text.")] = None,
    words: Annotated[Words, option("WORD", "Words.", names="--word -w")] = None,
    count: Annotated[int, option("N", "A count.", whole_number)] = 7,
    wait: Annotated[float | None, option("DURATION", "How long.", duration)] = None,
    kind: Annotated[Literal["red", "blue"] | None, typer.Option(help="A kind.")] = None,
    folder: Annotated[Path | None, typer.Option(envvar="FOLDER", help="A folder.")] = None,
    made: Annotated[Path | None, typer.Option(exists=True, help="A file that exists.")] = None,
    number: Annotated[int | None, typer.Option(min=1, help="A number.")] = None,
    flag: Annotated[bool, typer.Option("--flag", help="A flag.")] = False,
    either: Annotated[bool | None, typer.Option(help="Yes or no.")] = None,
    verbose: Annotated[int, typer.Option("-v", count=True, help="More.")] = 0,
) -> dict[str, Any]:
    return dict(locals())


def _result(cls: type[TyperCommand], arguments: list[str]) -> object:
    """What the command is called with, or what is said of the arguments."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(cls=cls)(_command)
    try:
        return typer.main.get_command(app).main(arguments, standalone_mode=False)
    except typer.TyperException as error:
        return error.format_message()


ARGUMENTS = [
    "a",
    "",
    "a b --text x -w 1 -w 2 --count 3 --wait 1m --kind red --flag -vv",
    "a --text= --no-either",
    "a --either --folder . --number 5",
    "a --folder no/such/place",
    "a --made no/such/place",
    "a --made /",
    "a --count many",
    "a --wait soon",
    "a --kind green",
    "a --number 0",
    "a --number x",
    "a --unknown",
    "a --text",
    "a --folder --",
]


@pytest.mark.parametrize("line", ARGUMENTS)
def test_they_are_read_as_typer_reads_them(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values, what is not given, and messages are the same; also from the environment."""
    parameters = inspect.signature(_command, eval_str=True).parameters.values()
    plain, arguments = plain_command(parameters), line.split()
    assert _result(plain, arguments) == _result(TyperCommand, arguments)
    monkeypatch.setenv("FOLDER", "/tmp")
    assert _result(plain, arguments) == _result(TyperCommand, arguments)


def test_a_folder_that_cannot_be_read_is_left_to_typer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typer says what is wrong with it; the superuser reads any, so the answer is made here."""
    parameters = inspect.signature(_command, eval_str=True).parameters.values()
    monkeypatch.setattr("os.access", lambda *_: False)
    said = _result(plain_command(parameters), ["a", "--folder", str(tmp_path)])
    assert said == _result(TyperCommand, ["a", "--folder", str(tmp_path)])
    assert "not readable" in str(said)


def test_plain_options_import_no_pydantic() -> None:
    """Neither what is given nor what is not needs it, nor the help option."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.unit import test_parsing as t
parameters = t.inspect.signature(t._command, eval_str=True).parameters.values()
line = "a --text x -w 1 --count 3 --wait 1m --kind red --folder . --flag --no-either -v"
print(t._result(t.plain_command(parameters), line.split())["count"], "pydantic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "False"]
