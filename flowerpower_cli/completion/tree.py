"""The tree of commands as plain data, which is all that a completion script is made from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import typer

BASE_DIR_OPTION = "--base-dir"

# What a value of this metavar names, for `flowerpower --complete-names`.
_NAMED = {"PIPELINE": "pipelines", "JOB": "jobs", "SCHEDULE": "schedules"}
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.+-]*", re.ASCII)

Kind = Literal["flag", "text", "choices", "names", "file", "at_file", "folder"]
_FILES: dict[str, Kind] = {"FILE": "file", "DIR": "folder"}


@dataclass(frozen=True)
class Value:
    """What can stand in one place of a line.

    Attributes:
        kind: `flag` for an option that takes none; `at_file` is a file behind an @; `text`
            cannot be completed.
        metavar: what the help calls it.
        words: the choices, or what is named: pipelines, jobs, schedules.
    """

    kind: Kind
    metavar: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """An option by all its names; a flag and its opposite are one."""

    names: tuple[str, ...]
    help: str
    value: Value
    repeatable: bool

    @property
    def takes_value(self) -> bool:
        """Whether the word behind the option belongs to it."""
        return self.value.kind != "flag"


@dataclass(frozen=True)
class Argument:
    """One place for an argument, or the last of several if it is repeatable."""

    value: Value
    repeatable: bool


@dataclass(frozen=True)
class Command:
    """A command, or a group of `commands`; the root has an empty path."""

    path: tuple[str, ...]
    help: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    commands: tuple[Command, ...]

    @property
    def name(self) -> str:
        """Its last word."""
        return self.path[-1]

    def walk(self) -> Iterator[Command]:
        """The command itself and all below it."""
        yield self
        for each in self.commands:
            yield from each.walk()


def command_tree(root: Any) -> Command:
    """All that is not hidden in the tree of commands at `root`.

    Raises:
        ValueError: if a shell would read something else in a name or a choice.
    """
    return _command(root, ())


def _command(source: Any, path: tuple[str, ...]) -> Command:
    context = typer.Context(source, **source.context_settings)
    shown = [each for each in source.get_params(context) if not getattr(each, "hidden", False)]
    commands = getattr(source, "commands", {})
    return Command(
        path=path,
        help=_first_line(source.help),
        options=tuple(_option(each, context) for each in shown if each.param_type_name == "option"),
        arguments=tuple(
            _argument(each, context, path) for each in shown if each.param_type_name == "argument"
        ),
        commands=tuple(
            _command(each, (*path, _plain(name)))
            for name, each in commands.items()
            if not each.hidden
        ),
    )


def _option(source: Any, context: Any) -> Option:
    is_flag = source.is_flag or source.count
    names = [_plain(name) for name in (*source.opts, *source.secondary_opts)]
    return Option(
        # Sorted, because the names of the help option come in any order.
        names=tuple(sorted(names, key=lambda name: not name.startswith("--"))),
        help=_first_line(source.help),
        value=Value("flag") if is_flag else _value(source, context),
        repeatable=bool(source.multiple or source.count),
    )


def _argument(source: Any, context: Any, path: tuple[str, ...]) -> Argument:
    value = _value(source, context)
    if path[-1:] == ("new",) and value.kind == "names":
        # Its name is not taken yet, so none that is there helps.
        value = Value("text", value.metavar)
    return Argument(value, repeatable=source.nargs == -1)


def _value(source: Any, context: Any) -> Value:
    metavar = (source.metavar or source.name.upper()).strip("[].")
    choices = tuple(_plain(each.value) for each in source.shell_complete(context, "") if each.value)
    if choices:
        return Value("choices", metavar, choices)
    if metavar == "EXAMPLE":
        from flowerpower.pipeline.scaffold import example_names

        return Value("choices", metavar, tuple(_plain(name) for name in example_names()))
    if metavar in _NAMED:
        return Value("names", metavar, (_NAMED[metavar],))
    if "@FILE" in metavar.split("|"):
        return Value("at_file", metavar)
    return Value(_FILES.get(metavar, "text"), metavar)


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _plain(word: str) -> str:
    if not _PLAIN_WORD.fullmatch(word):
        raise ValueError(f"{word!r} cannot stand in a completion script as it is.")
    return word
