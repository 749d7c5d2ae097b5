"""The inputs of a run: where they come from, whether they fit, which are missing."""

from __future__ import annotations

import datetime as dt
import pathlib
import typing
from collections.abc import Callable, Iterable
from typing import Any

from hamilton import htypes, node

from flowerpower.config.faults import describe
from flowerpower.errors import InvalidInputs, InvalidTime, MissingInputs
from flowerpower.run.dag import InputInfo, type_text
from flowerpower.text import MASK, did_you_mean, is_secret_name
from flowerpower.triggers import clock

SCHEDULED_FOR = "scheduled_for"


def check_known(
    given: Iterable[str], known: Iterable[str], source: str, hint: str | None = None
) -> None:
    """Every name of `given` is an input of the DAG.

    Raises:
        InvalidInputs: naming the first that is not, with the nearest input.
    """
    inputs = sorted(known)
    for name in given:
        if name not in inputs:
            rest = did_you_mean(name, inputs) or (
                f" It takes: {', '.join(inputs)}." if inputs else " It takes no inputs."
            )
            raise InvalidInputs(
                f"The pipeline takes no input {name!r}, which {source} gives.{rest}",
                hint=hint,
            )


def check_complete(pipeline: str, inputs: Iterable[InputInfo], given: Iterable[str]) -> None:
    """Every required input is given.

    Raises:
        MissingInputs: with all that are missing, and the nodes that need each.
    """
    have = set(given)
    missing = [each for each in inputs if each.required and each.name not in have]
    if not missing:
        return
    flags = " ".join(f"-i {each.name}=…" for each in missing)
    raise MissingInputs(
        f"{pipeline} lacks {len(missing)} input{'s' if len(missing) > 1 else ''}:",
        details=[
            f"{each.name} ({each.type}), needed by {', '.join(each.needed_by)}" for each in missing
        ],
        hint=f"Give {flags}, or write them under run.inputs in conf/pipelines/{pipeline}.yml.",
    )


def fitted(
    values: dict[str, Any], inputs: dict[str, node.Node], what: str = "input"
) -> dict[str, Any]:
    """The values, each as the type that its input declares; `what` is what a message calls it.

    A whole number becomes a float, ISO 8601 text a date or time, text a path where the DAG asks
    for one; nothing else is converted.

    Raises:
        InvalidInputs: with every value that does not fit.
    """
    fit_values: dict[str, Any] = {}
    wrong: list[str] = []
    for name, value in values.items():
        declared = inputs[name].type
        if name == SCHEDULED_FOR and value is None:
            # However it is declared: no fire made this run.
            fit_values[name] = None
            continue
        try:
            fit_values[name] = fit(value, declared)
        except ValueError:
            shown = MASK if is_secret_name(name) else describe(value)
            wrong.append(f"{name} takes {type_text(declared)}, got {shown}")
    if wrong:
        raise InvalidInputs(
            f"{len(wrong)} {what}{'s do' if len(wrong) > 1 else ' does'} not fit:", details=wrong
        )
    return fit_values


def fit(value: Any, declared: Any) -> Any:
    """A value as the type that is declared, converted as `fitted` says.

    Raises:
        ValueError: if it does not fit.
    """
    if _is_fit(value, declared):
        return value
    for option in (declared, *typing.get_args(declared)):
        conversion = _CONVERSIONS.get(option) if isinstance(option, type) else None
        if conversion is not None:
            source, convert = conversion
            if isinstance(value, source) and not isinstance(value, bool):
                return convert(value)
    raise ValueError(value)


def _is_fit(value: Any, declared: Any) -> bool:
    """What Hamilton's own check says, but for text as a list and true as a number."""
    if value is None:
        return declared in (Any, object, None, type(None)) or _is_optional(declared)
    if isinstance(value, bool) and declared in (int, float):
        return False
    if isinstance(value, str) and typing.get_origin(declared) in (list, tuple, set, dict):
        return False
    return bool(htypes.check_input_type(declared, value))


def _is_optional(declared: Any) -> bool:
    return type(None) in typing.get_args(declared)


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
