"""Typer's commands, but plain values are read without pydantic.

Typer has pydantic convert the value of every parameter, given or not, and to import it takes as
long as all else that a short command does. Text, what a parser of ours reads, and parameters that
are not given need no conversion. Whatever is not as plain as that is left to Typer, and so is what
there is to say of a wrong value.
"""

from __future__ import annotations

import os
import types
import typing
from collections.abc import Callable, Iterable
from inspect import Parameter
from pathlib import Path
from typing import Any, Literal, Union

from typer.core import TyperCommand

_LEFT_TO_TYPER: Any = object()


def plain_command(parameters: Iterable[Parameter]) -> type[TyperCommand]:
    """The class of a command that has these parameters, and perhaps others."""
    readers = {parameter.name: _reader(parameter.annotation) for parameter in parameters}

    class PlainCommand(TyperCommand):
        """A command whose parameters read plain values by themselves."""

        def __init__(self, name: str | None, *, params: Any = None, **settings: Any) -> None:
            super().__init__(name, params=params, **settings)
            for param in params or ():
                if param.callback is None:
                    read = readers.get(param.name, _by_typer)
                    param.process_value = _process_value(param, read)

        def get_help_option(self, ctx: Any) -> Any:
            option = super().get_help_option(ctx)
            if option is not None and "process_value" not in vars(option):
                process = option.process_value
                # Not given, it has nothing to do.
                vars(option)["process_value"] = lambda ctx, value: (
                    process(ctx, value) if value else value
                )
            return option

    return PlainCommand


def _process_value(param: Any, read: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """What reads a value of the parameter: `read`, or else Typer."""
    by_typer = param.process_value

    def process_value(context: Any, value: Any) -> Any:
        is_list = param.multiple or param.nargs != 1
        if value is None and not param.required:
            return () if is_list else None
        if value is None or (is_list and not value):
            return by_typer(context, value)
        try:
            plain = read(value)
        except ValueError:
            plain = _LEFT_TO_TYPER
        return by_typer(context, value) if plain is _LEFT_TO_TYPER else plain

    return process_value


def _by_typer(_value: Any) -> Any:
    return _LEFT_TO_TYPER


def _reader(annotation: Any) -> Callable[[Any], Any]:
    """What reads a value that is annotated so."""
    annotated, *metadata = (
        typing.get_args(annotation) if typing.get_origin(annotation) is typing.Annotated else ()
    ) or (annotation,)
    info: Any = metadata[0] if metadata else None
    kind = _without_none(annotated)
    if parser := getattr(info, "parser", None):
        return _by_typer if typing.get_origin(kind) is list else parser
    if kind in (str, int, bool):
        return lambda value: value if type(value) is kind else _LEFT_TO_TYPER
    if kind == list[str]:
        return lambda value: list(value) if _are_texts(value) else _LEFT_TO_TYPER
    if typing.get_origin(kind) is Literal:
        return lambda value: value if value in typing.get_args(kind) else _LEFT_TO_TYPER
    if kind is Path and info is not None and not (info.exists or info.resolve_path):
        return lambda value: Path(value) if _is_usable(value) else _LEFT_TO_TYPER
    return _by_typer


def _without_none(annotation: Any) -> Any:
    """The type in `TYPE | None`."""
    if typing.get_origin(annotation) not in (Union, types.UnionType):
        return annotation
    kinds = [kind for kind in typing.get_args(annotation) if kind is not types.NoneType]
    return kinds[0] if len(kinds) == 1 else annotation


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(type(item) is str for item in value)


def _is_usable(path: Any) -> bool:
    """Whether Typer, too, takes the path: it need not exist, but what is there can be read."""
    return type(path) is str and (not os.path.lexists(path) or os.access(path, os.R_OK))
