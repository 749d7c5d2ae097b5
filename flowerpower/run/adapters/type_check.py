"""Whether values are what their nodes declare, while a run goes on."""

from __future__ import annotations

import collections.abc
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from hamilton import htypes
from hamilton.lifecycle import NodeExecutionHook
from pydantic import ConfigDict, TypeAdapter, ValidationError

from flowerpower.run.adapters.graceful import Missing
from flowerpower.run.dag import type_text
from flowerpower.run.node_events import NodeEventHook

_STREAMS = (
    collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator,
    collections.abc.AsyncIterator, collections.abc.AsyncGenerator, htypes.Collect,
)  # fmt: skip
"""Types whose values cannot be looked at without using them up."""


class TypeCheck(NodeExecutionHook):  # type: ignore[misc] # Hamilton decorates its class
    """Raises TypeError for a value of another type; the node is the one that failed.

    Pydantic checks, strictly and with nothing converted, what Python's own `isinstance` cannot:
    Hamilton's adapter refuses Parallelizable nodes, fixed tuples, TypedDict, NewType and more.
    """

    def __init__(self, recorder: NodeEventHook, check_input: bool, check_output: bool) -> None:
        self._recorder = recorder
        self._input, self._output = check_input, check_output

    def run_before_node_execution(
        self,
        *,
        node_name: str,
        node_kwargs: dict[str, Any],
        node_input_types: dict[str, Any],
        **future_kwargs: Any,
    ) -> None:
        """Check what the node takes."""
        if self._input:
            for name, value in node_kwargs.items():
                self._check(node_name, f"takes {name}", value, node_input_types[name])

    def run_after_node_execution(
        self,
        *,
        node_name: str,
        node_return_type: Any,
        result: Any,
        success: bool,
        **future_kwargs: Any,
    ) -> None:
        """Check what it gives, if it gave something."""
        if self._output and success and not htypes.is_parallelizable_type(node_return_type):
            self._check(node_name, "gives a value", result, node_return_type)

    def _check(self, node_name: str, what: str, value: Any, declared: Any) -> None:
        if value is not Missing.VALUE and not fits(value, declared):
            self._recorder.blame(node_name)
            kind = type_text(type(value))
            raise TypeError(f"it {what} as {kind}, where {type_text(declared)} is declared")


def fits(value: Any, declared: Any) -> bool:
    """Whether a value is of a declared type, as far as that can be found out without using it up.

    What no check is known for fits.
    """
    origin = typing.get_origin(declared)
    if declared in (Any, object, inspect.Parameter.empty) or (origin or declared) in _STREAMS:
        return True
    try:
        check = _checker(declared)
    except TypeError:
        # It cannot be hashed, such as Annotated with a list.
        check = _made(declared)
    return check(value)


@functools.lru_cache(maxsize=1000)
def _checker(declared: Any) -> Callable[[Any], bool]:
    return _made(declared)


def _made(declared: Any) -> Callable[[Any], bool]:
    if typing.is_typeddict(declared):
        return functools.partial(_is_typed_dict, declared=declared)
    if isinstance(declared, type) and typing.get_origin(declared) is None:
        # As Python's numbers have it: an int is a float.
        kinds = {float: (float, int), complex: (complex, float, int)}
        return functools.partial(_is_instance, kinds=kinds.get(declared, declared))
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(declared, config=_STRICT)
    except Exception:  # noqa: BLE001 - types of libraries may raise anything when asked for a schema
        origin = typing.get_origin(declared)
        return functools.partial(_is_instance, kinds=origin if isinstance(origin, type) else object)
    return functools.partial(_is_valid, adapter=adapter)


_STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True)


def _is_typed_dict(value: Any, declared: Any) -> bool:
    hints = typing.get_type_hints(declared)
    return (
        isinstance(value, dict)
        and declared.__required_keys__ <= value.keys() <= hints.keys()
        and all(fits(each, hints[key]) for key, each in value.items())
    )


def _is_instance(value: Any, kinds: Any) -> bool:
    try:
        return isinstance(value, kinds)
    except TypeError:
        return True


def _is_valid(value: Any, adapter: TypeAdapter[Any]) -> bool:
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError:
        return False
    except Exception:  # noqa: BLE001 - validators of libraries and users run
        return True
    return True
