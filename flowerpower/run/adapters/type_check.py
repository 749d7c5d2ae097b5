"""The check, during a run, that values have the types that their nodes declare."""

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

from flowerpower.run.adapters.graceful import MissingValue
from flowerpower.run.dag import type_text
from flowerpower.run.node_events import NodeEventHook

_STREAMS = (
    collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator,
    collections.abc.AsyncIterator, collections.abc.AsyncGenerator, htypes.Collect,
)  # fmt: skip
"""Types whose values would be used up by looking at them."""


class TypeCheck(NodeExecutionHook):  # type: ignore[misc] # Hamilton decorates its class
    """Raises TypeError for a value of another type; its node is the one that failed.

    Pydantic checks what `isinstance` cannot, strictly and without converting anything. Hamilton's
    own adapter refuses Parallelizable nodes, fixed tuples, TypedDict, NewType and more.
    """

    def __init__(self, node_events: NodeEventHook, check_input: bool, check_output: bool) -> None:
        self._node_events = node_events
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
        """Check the value that the node returned, if it did."""
        if self._output and success and not htypes.is_parallelizable_type(node_return_type):
            self._check(node_name, "gives a value", result, node_return_type)

    def _check(self, node_name: str, what: str, value: Any, declared: Any) -> None:
        if value is not MissingValue.FAILED and not fits(value, declared):
            self._node_events.set_failed_node(node_name)
            kind = type_text(type(value))
            raise TypeError(f"it {what} as {kind}, where {type_text(declared)} is declared")


def fits(value: Any, declared: Any) -> bool:
    """Whether a value has a declared type; True where that cannot be checked."""
    origin = typing.get_origin(declared)
    if declared in (Any, object, inspect.Parameter.empty) or (origin or declared) in _STREAMS:
        return True
    try:
        check = _cached_check(declared)
    except TypeError:
        # A type that cannot be hashed, such as Annotated with a list, cannot be cached.
        check = _make_check(declared)
    return check(value)


@functools.lru_cache(maxsize=1000)
def _cached_check(declared: Any) -> Callable[[Any], bool]:
    return _make_check(declared)


def _make_check(declared: Any) -> Callable[[Any], bool]:
    if typing.is_typeddict(declared):
        return functools.partial(_is_typed_dict, declared=declared)
    if isinstance(declared, type) and typing.get_origin(declared) is None:
        # As for type checkers, an int is a float.
        numbers = {float: (float, int), complex: (complex, float, int)}
        return functools.partial(_is_instance, types=numbers.get(declared, declared))
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(declared, config=_STRICT)
    except Exception:  # noqa: BLE001 - types of libraries may raise anything when asked for a schema
        origin = typing.get_origin(declared)
        return functools.partial(_is_instance, types=origin if isinstance(origin, type) else object)
    return functools.partial(_is_valid, adapter=adapter)


_STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True)


def _is_typed_dict(value: Any, declared: Any) -> bool:
    hints = typing.get_type_hints(declared)
    return (
        isinstance(value, dict)
        and declared.__required_keys__ <= value.keys() <= hints.keys()
        and all(fits(item, hints[key]) for key, item in value.items())
    )


def _is_instance(value: Any, types: Any) -> bool:
    try:
        return isinstance(value, types)
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
