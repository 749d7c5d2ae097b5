"""The tree of commands as plain data, from which the completion scripts are made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import typer

# The kind of names that a metavar stands for, for `flowerpower --complete-names`.
_NAMED = {"PIPELINE": "pipelines", "JOB": "jobs", "SCHEDULE": "schedules"}
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.+-]*", re.ASCII)

Kind = Literal["flag", "text", "choices", "names", "file", "at_file", "folder"]
_FILES: dict[str, Kind] = {"FILE": "file", "DIR": "folder"}


@dataclass(frozen=True)
class Value:
    """What can stand at one place of a command line.

    Attributes:
        kind: `flag` for an option without a value; `at_file` is a file behind an @; `text`
            cannot be completed.
        metavar: its name in the help.
        words: the choices, or the kind of names: pipelines, jobs, schedules.
    """

    kind: Kind
    metavar: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """An option with all of its names; a flag and its opposite are one option."""

    names: tuple[str, ...]
    help: str
    value: Value
    repeatable: bool

    @property
    def takes_value(self) -> bool:
        """Whether the next word is the value of the option."""
        return self.value.kind != "flag"


@dataclass(frozen=True)
class Argument:
    """An argument; a repeatable one takes all of the words that follow."""

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
        for command in self.commands:
            yield from command.walk()


def command_tree(source: Any, path: tuple[str, ...] = ()) -> Command:
    """The commands from `source` on, of the parser, which has this path; without hidden ones.

    Raises:
        ValueError: if a name or a choice means something to a shell.
    """
    context = typer.Context(source, **source.context_settings)
    params = [p for p in source.get_params(context) if not getattr(p, "hidden", False)]
    commands = getattr(source, "commands", {})
    return Command(
        path=path,
        help=_first_line(source.help),
        options=tuple(_option(p, context) for p in params if p.param_type_name == "option"),
        arguments=tuple(
            _argument(p, context, path) for p in params if p.param_type_name == "argument"
        ),
        commands=tuple(
            command_tree(command, (*path, _plain(name)))
            for name, command in commands.items()
            if not command.hidden
        ),
    )


def _option(source: Any, context: Any) -> Option:
    is_flag = source.is_flag or source.count
    names = [_plain(name) for name in (*source.opts, *source.secondary_opts)]
    return Option(
        # Sorted, because Typer gives the names of the help option in no fixed order.
        names=tuple(sorted(names, key=lambda name: not name.startswith("--"))),
        help=_first_line(source.help),
        value=Value("flag") if is_flag else _value(source, context),
        repeatable=bool(source.multiple or source.count),
    )


def _argument(source: Any, context: Any, path: tuple[str, ...]) -> Argument:
    value = _value(source, context)
    if path[-1:] == ("new",) and value.kind == "names":
        # `pipeline new` needs a name that no pipeline has.
        value = Value("text", value.metavar)
    return Argument(value, repeatable=source.nargs == -1)


def _value(source: Any, context: Any) -> Value:
    metavar = (source.metavar or source.name.upper()).strip("[].")
    choices = tuple(_plain(c.value) for c in source.shell_complete(context, "") if c.value)
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
        raise ValueError(f"{word!r} would need quotes in a completion script.")
    return word
