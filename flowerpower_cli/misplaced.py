"""Shared options that stand before the command, where other tools have theirs: the right place."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import islice
from typing import Any

import typer

from flowerpower_cli.app import GROUPS, MODULES, build_app

VALUED = ("--base-dir", "--type")
SHARED = (*VALUED, "--json", "--no-color", "--quiet", "-q", "--verbose", "-v")
"""The options of `QueueOptions`; those that are VALUED take a value."""


def with_options_last(option: str, arguments: Sequence[str]) -> str | None:
    """The command line with the shared options before its command right behind that.

    COMMAND stands for a command that is not there. None if `option` is not shared, or the command
    does not have it.
    """
    if option not in SHARED:
        return None
    path: list[str] = []
    moved: list[str] = []
    words = iter(arguments)
    for word in words:
        if _is_shared(word):
            moved += [word, *islice(words, int(word in VALUED))]
            continue
        path.append(word)
        if (command := " ".join(path)) in MODULES:
            has_option = option in _options_of(path)
            return shlex.join(["flowerpower", *path, *moved, *words]) if has_option else None
        if command not in GROUPS:
            path.pop()
            break
    return shlex.join(["flowerpower", *path, "COMMAND", *moved])


def _is_shared(word: str) -> bool:
    """Whether it is such an option, perhaps with its value (`--type=rq`) or several (`-qv`)."""
    is_cluster = re.fullmatch(r"-[qv]+", word) is not None
    return is_cluster or word.partition("=")[0] in SHARED


def _options_of(path: Sequence[str]) -> list[str]:
    """All names of the options of a command."""
    parser: Any = typer.main.get_command(build_app(path))
    for name in path:
        parser = parser.commands[name]
    return [name for parameter in parser.params for name in parameter.opts]
