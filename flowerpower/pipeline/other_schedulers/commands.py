"""From the command of a crontab line to the pipeline that it runs, and how."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowerpower.errors import FlowerpowerError
from flowerpower.text import is_secret_name
from flowerpower.triggers import clock

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.ASCII | re.DOTALL)
_REDIRECTION = re.compile(r"(?:\d*|&)>{1,2}(?:&\d|.*)|\d*<.*", re.DOTALL)
_SUBCOMMANDS = (("pipeline", "run"), ("job-queue", "add-job"))
_LEFT_OUT = {
    *("--quiet", "-q", "--json", "--no-color", "--verbose", "-v", "--progress", "--no-progress"),
    "--wait",
}
"""Flags that say how the command talks, not what it runs."""


@dataclass(frozen=True)
class PipelineCommand:
    """A command that runs a pipeline.

    Attributes:
        pipeline: its name.
        run: overrides, as under `run` of an entry.
        options: further keys of an entry.
        problem: why its schedule cannot be that of the command; None if it can.
    """

    pipeline: str
    run: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _number(text: str) -> int:
    return int(text)


_PAIRS = {
    "--input": "inputs", "-i": "inputs", "--override": "overrides", "--config": "config",
    "--load": "load", "--save": "save",
}  # fmt: skip
_LISTS = {"--final-vars": "final_vars", "--recompute": "recompute", "--with-adapter": "adapters"}
_SINGLE: dict[str, tuple[tuple[str, ...], Callable[[str], Any]]] = {
    "--executor": (("run", "executor", "type"), str),
    "--max-workers": (("run", "executor", "max_workers"), _number),
    "--max-retries": (("run", "retry", "max_retries"), _number),
    "--retry-delay": (("run", "retry", "delay"), clock.parse_duration),
    "--jitter-factor": (("run", "retry", "jitter_factor"), float),
    "--timeout": (("run", "timeout"), clock.parse_duration),
    "--queue": (("queue",), str),
    "--result-ttl": (("result_ttl",), clock.parse_duration),
    "--priority": (("priority",), _number),
    "--expires": (("expires",), clock.parse_duration),
}


def read_command(command: str, root: Path) -> PipelineCommand | None:
    """The pipeline that a command runs in the project at `root`; None if it runs none at all.

    A change into another folder, a second command or an option that a schedule does not have is a
    problem of it.
    """
    # In a crontab, what follows % is the command's standard input.
    text = re.split(r"(?<!\\)%", command, maxsplit=1)[0]
    try:
        # Not &, which is a part of 2>&1.
        lexer = shlex.shlex(text, posix=True, punctuation_chars=";|()")
        lexer.whitespace_split = True
        lexer.commenters = ""
        words = [*lexer]
    except ValueError:
        return None
    place = next((n for n, word in enumerate(words) if _is_ours(words, n)), None)
    if place is None:
        return None
    before, after = words[:place], words[place + 1 :]
    if tuple(after[:2]) not in _SUBCOMMANDS or len(after) < 3:
        return None
    problem = _problem_before(before, root)
    if text != command:
        problem = problem or "it has a % in it: what follows is the standard input of a command"
    return _read_options(after[2:], root, problem)


def _is_ours(words: list[str], place: int) -> bool:
    if Path(words[place]).name == "flowerpower":
        return True
    return words[place] == "flowerpower_cli" and words[place - 1 : place] == ["-m"]


def _problem_before(words: list[str], root: Path) -> str | None:
    """What stands before the program: variables, a change into the project, an interpreter."""
    while words:
        if words[0] == "cd" and len(words) > 2 and words[2] in ("&&", ";"):
            if not _is_folder(words[1], root):
                return f"it runs in {words[1]}, which is another folder than this project's"
            words = words[3:]
        elif _ASSIGNMENT.fullmatch(words[0]):
            return f"it sets {words[0].partition('=')[0]}: set it for the workers, or in the YAML"
        elif Path(words[0]).name.startswith("python") or words[0] in ("-m", "exec", "nice"):
            words = words[1:]
        elif words[:2] == ["uv", "run"]:
            words = words[2:]
        else:
            return f"{words[0]!r} stands before it, and would not be run"
    return None


def _is_folder(text: str, root: Path) -> bool:
    try:
        return Path(text).expanduser().resolve() == root.resolve()
    except (OSError, RuntimeError, ValueError):
        return False


def _read_options(words: list[str], root: Path, problem: str | None) -> PipelineCommand:
    entry: dict[str, Any] = {}
    names: list[str] = []
    rest = iter(words)
    for word in rest:
        flag, equals, inline = word.partition("=") if word.startswith("--") else (word, "", "")
        if _REDIRECTION.fullmatch(word) or word in _LEFT_OUT:
            # A bare > has its file in the next word.
            if re.fullmatch(r"(?:\d*|&)>{1,2}|\d*<", word):
                next(rest, None)
        elif word in (";", "|", "&&", "||", "&", "(", ")"):
            problem = problem or f"{word!r} follows it, and with it another command"
            break
        elif flag in ("--cache", "--no-cache"):
            _set(entry, ("run", "cache"), flag == "--cache")
        elif flag == "--base-dir":
            folder = inline if equals else next(rest, "")
            if not _is_folder(folder, root):
                problem = problem or f"it runs in {folder}, another folder than this project's"
        elif flag == "--type":
            _ = inline if equals else next(rest, "")
        elif word.startswith("-"):
            why = _take(entry, flag, inline if equals else next(rest, ""))
            problem = problem or why
        else:
            names.append(word)
    if len(names) != 1:
        problem = problem or f"expected one pipeline, got {len(names)}"
    run = entry.pop("run", {})
    return PipelineCommand(names[0] if names else "", run, entry, problem)


def _take(entry: dict[str, Any], flag: str, text: str) -> str | None:
    """Put the value of an option where it belongs; a sentence if there is no such place."""
    if flag in _PAIRS:
        key, equals, value = text.partition("=")
        if not equals:
            return f"{flag} takes KEY=VALUE, got {text!r}"
        section = _PAIRS[flag]
        if is_secret_name(key):
            return f"{flag} {key} may be a secret: write ${{VARIABLE}} in the YAML, and set it"
        _set(entry, ("run", section, key), value if section in ("load", "save") else _value(value))
    elif flag in _LISTS:
        listed = entry.setdefault("run", {}).setdefault(_LISTS[flag], [])
        listed += [word for word in text.split(",") if word]
    elif flag in _SINGLE:
        path, parse = _SINGLE[flag]
        try:
            _set(entry, path, -1 if flag == "--result-ttl" and text == "-1" else parse(text))
        except (ValueError, FlowerpowerError):
            return f"{flag} {text!r} cannot be read"
    else:
        return f"{flag} is no setting of a schedule"
    return None


def _set(entry: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        entry = entry.setdefault(key, {})
    entry[path[-1]] = value
