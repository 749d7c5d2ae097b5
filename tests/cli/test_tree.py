"""What holds for every command of the tree."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from flowerpower_cli.app import build_app
from tests.terminal import Cli

HEAVY = ("hamilton", "pandas", "numpy", "rq", "redis", "apscheduler", "sqlalchemy", "croniter",
         "yaml", "psycopg", "cron_descriptor")  # fmt: skip
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
LEAVES = {path: command for path, command in TREE.items() if not hasattr(command, "commands")}


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_help_names_an_example(path: tuple[str, ...], cli: Cli) -> None:
    """-h and --help show the same text, with exit code 0; that of a command has an example."""
    short, long = cli.run(*path, "-h", code=0), cli.freshly().run(*path, "--help", code=0)
    assert short == long
    assert "Usage: flowerpower" in short.stdout
    if path in LEAVES or not path:
        assert "Example: flowerpower" in re.sub(r"\s+", " ", short.stdout)


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
        assert len(texts) == 1, (flag, texts)
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
    """No flag is named after a password or a token: a command line can be read by others."""
    for path, command in LEAVES.items():
        for param in command.params:
            assert not re.search(r"password|secret|token", " ".join(param.opts)), path


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["pipeline", "--help"],
                                       ["pipeline", "run", "--help"],
                                       ["job-queue", "add-job", "--help"],
                                       ["job-queue", "start-scheduler", "--help"],
                                       ["schedule", "--help"],
                                       ["schedule", "add", "--help"]], ids=" ".join)  # fmt: skip
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """--version and --help import neither Hamilton nor pandas nor any backend."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "flowerpower_cli", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()
    }
    assert "flowerpower_cli" in imported
    assert not imported & set(HEAVY)


def test_an_abbreviated_option_is_refused(cli: Cli) -> None:
    """Options have no prefix abbreviations."""
    assert cli.run("pipeline", "list", "--js").code == 2


def test_a_group_without_a_command_shows_its_help(cli: Cli) -> None:
    """`flowerpower` and `flowerpower pipeline` alone show help and end with 2."""
    for arguments in ((), ("pipeline",)):
        ended = cli.run(*arguments, code=2)
        assert "Usage: flowerpower" in ended.stdout
        assert ended.stderr == ""
