"""What holds for every command of the tree."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import typer

from flowerpower_cli.app import build_app
from tests.terminal import Cli

OWN = ("flowerpower", "flowerpower.errors", "flowerpower.text")
"""What a help text may import of the library."""
TYPER = ("typer", "annotated_doc", "shellingham")
"""Typer, and what it imports by itself; a help text needs no other package."""
PREPOSITIONS = {"--from", "--on", "--to"}
"""Where something begins or ends: a bundle, a range of time, the way to another queue; and on what."""
ONE_MEANING = {
    "--json": (),
    "--output": ("-o",),
    "--quiet": ("-q",),
    "--verbose": ("-v",),
    "--yes": ("-y",),
    "--dry-run": (),
    "--base-dir": (),
    "--type": (),
    "--limit": (),
    "--since": (),
    "--no-color": (),
}


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*path, name))


TREE = dict(_commands(typer.main.get_command(build_app())))
INSTALLED = set(packages_distributions())
LEAVES = {path: command for path, command in TREE.items() if not hasattr(command, "commands")}


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_the_example_of_a_command_parses(path: tuple[str, ...]) -> None:
    """Every example is a call of its own command that the parser takes."""
    command = LEAVES[path]
    program, *words = shlex.split(command.epilog.removeprefix("Example: "))
    assert program == "flowerpower"
    assert tuple(words[: len(path)]) == path
    command.make_context(path[-1], words[len(path) :])


def test_a_flag_means_one_thing_everywhere() -> None:
    """An option has one short form and one help text in the whole tree."""
    helps: dict[str, set[str]] = defaultdict(set)
    names: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for command in LEAVES.values():
        for param in command.params:
            if param.param_type_name == "option":
                helps[param.opts[0]].add(param.help or "")
                names[param.opts[0]].add(tuple(param.opts[1:]))
    for flag, texts in helps.items():
        assert len(texts) == 1 or flag in PREPOSITIONS, (flag, texts)
        assert len(names[flag]) == 1, (flag, names[flag])
    for flag, short in ONE_MEANING.items():
        if flag in names:
            assert names[flag] == {short}, flag


def test_shared_options_work_after_every_command() -> None:
    """Every command takes --json, --quiet, --verbose and --no-color itself."""
    for path, command in LEAVES.items():
        flags = {flag for param in command.params for flag in param.opts}
        assert {"--json", "--quiet", "--verbose", "--no-color"} <= flags, path


def test_no_option_takes_a_secret() -> None:
    """No flag is named after a password or a token: a command line can be read by others.

    A file that holds one may be named.
    """
    for path, command in LEAVES.items():
        for param in command.params:
            assert not re.search(r"(password|secret|token)(?!-file)", " ".join(param.opts)), path


@pytest.fixture(scope="module")
def helps(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Any]:
    """What each call for help showed and imported."""
    calls = [(*path, flag) for path in TREE for flag in ("-h", "--help")]
    folder = tmp_path_factory.mktemp("help")
    cli = Cli(folder, folder)
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("help_process.py"))],
        input=json.dumps(calls), capture_output=True, text=True, check=True, cwd=folder,
        env=cli.merged_environ(),
    )  # fmt: skip
    return dict(zip(calls, json.loads(done.stdout), strict=True))


def test_every_command_shows_its_help_and_an_example(helps: dict[tuple[str, ...], Any]) -> None:
    """-h and --help show the same text, with exit code 0; that of a command has an example."""
    for path in TREE:
        short, long = helps[*path, "-h"], helps[*path, "--help"]
        assert (short["code"], long["code"]) == (0, 0), path
        assert short["stdout"] == long["stdout"], path
        assert f"Usage: {' '.join(('flowerpower', *path))} " in short["stdout"], path
        if path in LEAVES or not path:
            assert "Example: flowerpower" in re.sub(r"\s+", " ", short["stdout"]), path


def _check_imports(imported: set[str], what: object) -> None:
    packages = {name.partition(".")[0] for name in imported}
    assert packages & INSTALLED <= {*TYPER, "flowerpower", "flowerpower_cli"}, what
    assert "zoneinfo" not in packages, what
    assert {name for name in imported if name.partition(".")[0] == "flowerpower"} <= {*OWN}, what


def test_help_imports_only_typer_and_ourselves(
    helps: dict[tuple[str, ...], Any], bare_interpreter: set[str]
) -> None:
    """No help text needs Hamilton, pandas, pydantic, Rich, a backend, or more of the library."""
    for arguments, shown in helps.items():
        _check_imports({*shown["modules"]} - bare_interpreter, arguments)


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("schedule", "add", "-h")])
def test_so_it_is_in_an_interpreter_of_its_own(
    arguments: tuple[str, ...], bare_interpreter: set[str], cli: Cli
) -> None:
    """What is imported before the fork of the test above is no more than that either."""
    fresh = _with_import_times("-m", "flowerpower_cli", *arguments, env=cli.merged_environ())
    assert fresh.stdout == cli.run(*arguments, code=0).stdout
    imported = _imported(fresh) - bare_interpreter
    assert "flowerpower_cli.app" in imported
    _check_imports(imported, arguments)


@pytest.fixture(scope="module")
def bare_interpreter() -> set[str]:
    """What Python itself imports here; packages may have it import some of their modules."""
    return _imported(_with_import_times("-c", "pass"))


def _with_import_times(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "importtime", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, **options)


def _imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


def test_an_abbreviated_option_is_refused(cli: Cli) -> None:
    """Options have no prefix abbreviations."""
    assert cli.run("pipeline", "list", "--js").code == 2


def test_a_group_without_a_command_shows_its_help(cli: Cli) -> None:
    """`flowerpower` and `flowerpower pipeline` alone show help and end with 2."""
    for arguments in ((), ("pipeline",)):
        ended = cli.run(*arguments, code=2)
        assert "Usage: flowerpower" in ended.stdout
        assert ended.stderr == ""
