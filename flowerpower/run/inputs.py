"""The inputs of a run: whether they exist, fit their types, and are complete."""

from __future__ import annotations

import datetime as dt
import pathlib
import typing
from collections.abc import Callable, Collection, Iterable
from typing import Any

from hamilton import htypes
from hamilton.node import Node

from flowerpower.config.files import describe
from flowerpower.errors import InvalidInputs, InvalidTime, MissingInputs
from flowerpower.run.dag import InputInfo, type_text
from flowerpower.text import MASK, did_you_mean, is_secret_name
from flowerpower.triggers import clock

SCHEDULED_FOR = "scheduled_for"


def check_known(
    names: Iterable[str], known: Iterable[str], source: str, hint: str | None = None
) -> None:
    """Check that every name is an input of the DAG.

    Raises:
        InvalidInputs: naming the first that is not, with the nearest input.
    """
    inputs = sorted(known)
    for name in names:
        if name not in inputs:
            all_inputs = f": {', '.join(inputs)}" if inputs else " no inputs"
            rest = did_you_mean(name, inputs) or f" It takes{all_inputs}."
            message = f"The pipeline takes no input {name!r}, which {source} gives.{rest}"
            raise InvalidInputs(message, hint=hint)


def check_complete(
    pipeline: str, inputs: Iterable[InputInfo], names: Iterable[str], known: Collection[str]
) -> None:
    """Check that every required input is among the names.

    `known` are names that an input may have been mistyped for: those of nodes and parameters.

    Raises:
        MissingInputs: with all that are missing, the nodes that need each, and the nearest name.
    """
    present = set(names)
    missing = [info for info in inputs if info.required and info.name not in present]
    if not missing:
        return
    flags = " ".join(f"-i {info.name}=…" for info in missing)
    raise MissingInputs(
        f"{pipeline} lacks {len(missing)} input{'s' if len(missing) > 1 else ''}:",
        details=[
            f"{info.name} ({info.type}), {_why_needed(info)}{_guess(info.name, known)}"
            for info in missing
        ],
        hint=f"Give {flags}, or write them under run.inputs in conf/pipelines/{pipeline}.yml.",
    )


def _why_needed(info: InputInfo) -> str:
    return f"needed by {', '.join(info.needed_by)}" if info.needed_by else "which is asked for"


def _guess(name: str, known: Collection[str]) -> str:
    guess = did_you_mean(name, known)
    return f".{guess}" if guess else ""


def convert_values(
    values: dict[str, Any], inputs: dict[str, Node], what: str = "input"
) -> dict[str, Any]:
    """The values, each as the type that its input declares; `what` is what a message calls them.

    Where the DAG declares it, a whole number becomes a float, ISO 8601 text a date or time, and
    text a path. Nothing else is converted. The value of a Parallelizable node is a list of items.

    Raises:
        InvalidInputs: with every value that does not fit.
    """
    converted: dict[str, Any] = {}
    wrong: list[str] = []
    for name, value in values.items():
        declared = inputs[name].type
        # Without a schedule it is None, whatever type it declares.
        is_unscheduled = name == SCHEDULED_FOR and value is None
        try:
            converted[name] = None if is_unscheduled else convert_value(value, declared)
        except ValueError:
            shown = MASK if is_secret_name(name) else describe(value)
            if isinstance(declared, type) and _full_name(type(value)) == _full_name(declared):
                shown += ", of a class that has been imported again since: make the value anew"
            wrong.append(f"{name} takes {type_text(declared)}, got {shown}")
    if wrong:
        raise InvalidInputs(
            f"{len(wrong)} {what}{'s do' if len(wrong) > 1 else ' does'} not fit:", details=wrong
        )
    return converted


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def convert_value(value: Any, declared: Any) -> Any:
    """A value as the declared type, converted as `convert_values` says.

    Raises:
        ValueError: if it does not fit.
    """
    if typing.get_origin(declared) is htypes.Parallelizable and isinstance(value, list | tuple):
        (item_type,) = typing.get_args(declared)
        return [convert_value(item, item_type) for item in value]
    if _fits(value, declared):
        return value
    for option in (declared, *typing.get_args(declared)):
        if isinstance(option, type) and option in _CONVERSIONS:
            source, convert = _CONVERSIONS[option]
            if isinstance(value, source) and not isinstance(value, bool):
                return convert(value)
    raise ValueError(value)


def _fits(value: Any, declared: Any) -> bool:
    """Whether Hamilton takes the value. Its check takes text as a list and true as a number."""
    if value is None:
        none = type(None)
        return declared in (Any, object, None, none) or none in typing.get_args(declared)
    if isinstance(value, bool) and declared in (int, float):
        return False
    if isinstance(value, str) and typing.get_origin(declared) in (list, tuple, set, dict):
        return False
    return bool(htypes.check_input_type(declared, value))


def _datetime(text: str) -> dt.datetime:
    try:
        return clock.parse_time(text)
    except InvalidTime as error:
        raise ValueError(error.message) from None


_CONVERSIONS: dict[type, tuple[type, Callable[[Any], Any]]] = {
    float: (int, float),
    dt.datetime: (str, _datetime),
    dt.date: (str, dt.date.fromisoformat),
    dt.time: (str, dt.time.fromisoformat),
    pathlib.Path: (str, pathlib.Path),
}
