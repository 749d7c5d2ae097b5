"""The inputs of a run: whether they exist, fit their types, and are complete."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from hamilton.node import Node

from flowerpower.config.validation import describe
from flowerpower.errors import InvalidInputs, MissingInputs
from flowerpower.run.conversion import convert_fire_time, convert_value, takes_none
from flowerpower.run.dag import InputInfo, type_text
from flowerpower.text import MASK, did_you_mean, is_secret_name
from flowerpower.triggers import clock

SCHEDULED_FOR = "scheduled_for"
PARENT, PARENTS = "parent_job_id", "parent_job_ids"


def check_known(
    names: Iterable[str], known: Collection[str], source: str, hint: str | None = None
) -> None:
    """Check that every name is an input of the DAG.

    Raises:
        InvalidInputs: naming the first that is not, with the nearest input.
    """
    for name in names:
        if name not in known:
            inputs = sorted(known)
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
    about_parents = (
        f" A job is given {PARENT} if it runs after one other, and {PARENTS} after any number."
        if any(info.name == PARENT for info in missing)
        else ""
    )
    raise MissingInputs(
        f"{pipeline} lacks {len(missing)} input{'s' if len(missing) > 1 else ''}:",
        details=[
            f"{info.name} ({info.type}), {_why_needed(info)}{_guess(info.name, known)}"
            for info in missing
        ],
        hint=f"Give {flags}, or write them under run.inputs in conf/pipelines/{pipeline}.yml."
        + about_parents,
    )


def _why_needed(info: InputInfo) -> str:
    return f"needed by {', '.join(info.needed_by)}" if info.needed_by else "which is asked for"


def _guess(name: str, known: Collection[str]) -> str:
    guess = did_you_mean(name, known)
    return f".{guess}" if guess else ""


def convert_values(
    values: Mapping[str, Any],
    inputs: Mapping[str, Node],
    written: Mapping[str, str],
    what: str = "input",
    places: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The values, each as the type that its input declares; `what` is what a message calls them.

    `written` is the text of some of them, as `convert_value` takes it. The value of a
    Parallelizable node is a list of items. `places` say where in a file values stand.

    Raises:
        InvalidInputs: with every value that does not fit.
    """
    places = places or {}
    converted: dict[str, Any] = {}
    wrong: list[str] = []
    hint = None
    for name, value in values.items():
        declared = inputs[name].type
        try:
            converted[name] = convert_value(value, declared, written.get(name))
        except ValueError as error:
            is_secret = is_secret_name(name)
            reason = "" if is_secret or not str(error) else f": {error}"
            shown = MASK if is_secret else describe(value)
            if isinstance(declared, type) and _full_name(type(value)) == _full_name(declared):
                reason = ", of a class that has been imported again since: make the value anew"
            place = f"{places[name]}: " if name in places else ""
            wrong.append(f"{place}{name} takes {type_text(declared)}, got {shown}{reason}")
            if name in places and declared is str and isinstance(value, int | float):
                hint = "In YAML, text that looks like a number or a truth value is put in quotes."
    if wrong:
        raise InvalidInputs(
            f"{len(wrong)} {what}{'s do' if len(wrong) > 1 else ' does'} not fit:",
            details=wrong,
            hint=hint,
        )
    return converted


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def parent_inputs(after: Sequence[str]) -> dict[str, Any]:
    """The inputs that tell a run of its job's parents, by name: all their ids, or that of one."""
    if not after:
        return {}
    return {PARENTS: list(after), **({PARENT: after[0]} if len(after) == 1 else {})}


def add_fire_time(
    values: dict[str, Any], node: Node, moment: dt.datetime | None, *, required: bool
) -> None:
    """Add the nominal time of the fire to the values, unless they have one, as `node` declares it.

    Without a fire it is None where that is allowed, else the time now; a node that has a default
    for it keeps that.

    Raises:
        InvalidInputs: if the type cannot hold a time.
    """
    if SCHEDULED_FOR in values or (moment is None and not required):
        return
    if moment is None and takes_none(node.type):
        values[SCHEDULED_FOR] = None
        return
    try:
        values[SCHEDULED_FOR] = convert_fire_time(moment or clock.now(), node.type)
    except ValueError as error:
        reason = f": {error}" if str(error) else ""
        raise InvalidInputs(
            f"{SCHEDULED_FOR} takes {type_text(node.type)}, which is not the time of a "
            f"fire{reason}.",
            hint="Declare datetime.datetime: it is in UTC, and .astimezone() gives other zones.",
        ) from None
