"""The tree of commands as plain data, from which the completion scripts are made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import typer

# The kind of names that a metavar stands for, for `flowerpower --complete-names`.
_NAMED = {"PIPELINE": "pipelines", "JOB": "jobs", "QUEUE": "queues", "SCHEDULE": "schedules"}
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.+-]*", re.ASCII)

Kind = Literal["flag", "text", "choices", "names", "file", "at_file", "folder"]
_FILES: dict[str, Kind] = {"FILE": "file", "DIR": "folder", "DIR|URL": "folder"}


@dataclass(frozen=True)
class Value:
    """What can stand at one place of a command line.

    Attributes:
        kind: `flag` for an option without a value; `at_file` is a file behind an @; `text`
            cannot be completed.
        metavar: its name in the help.
        words: the choices, or the kind of names: pipelines, jobs, queues, schedules.
    """

    kind: Kind
    metavar: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parameter:
    """An option with all of its names (a flag and its opposite are one), or an argument.

    A repeatable argument takes all of the words that follow.
    """

    names: tuple[str, ...]
    help: str
    value: Value
    repeatable: bool

    @property
    def takes_value(self) -> bool:
        """Whether the next word is the value of the option."""
        return self.value.kind != "flag"


@dataclass(frozen=True)
class Command:
    """A command, or a group of `commands`; the root has an empty path."""

    path: tuple[str, ...]
    help: str
    options: tuple[Parameter, ...]
    arguments: tuple[Parameter, ...]
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
    parameters = [
        (p.param_type_name, _parameter(p, context, path))
        for p in source.get_params(context)
        if not getattr(p, "hidden", False)
    ]
    commands = getattr(source, "commands", {})
    return Command(
        path=path,
        help=_first_line(source.help),
        options=tuple(parameter for kind, parameter in parameters if kind == "option"),
        arguments=tuple(parameter for kind, parameter in parameters if kind == "argument"),
        commands=tuple(
            command_tree(command, (*path, _plain(name)))
            for name, command in commands.items()
            if not command.hidden
        ),
    )


def _parameter(source: Any, context: Any, path: tuple[str, ...]) -> Parameter:
    if source.param_type_name == "argument":
        value = _value(source, context)
        if path[-1:] == ("new",) and value.kind == "names":
            # `pipeline new` needs a name that no pipeline has.
            value = Value("text", value.metavar)
        return Parameter((), "", value, repeatable=source.nargs == -1)
    names = [_plain(name) for name in (*source.opts, *source.secondary_opts)]
    return Parameter(
        # Sorted, because Typer gives the names of the help option in no fixed order.
        names=tuple(sorted(names, key=lambda name: not name.startswith("--"))),
        help=_first_line(source.help),
        value=Value("flag") if source.is_flag or source.count else _value(source, context),
        repeatable=bool(source.multiple or source.count),
    )


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
