"""Adapters around nodes: graceful errors, type checks and prints."""

from __future__ import annotations

import collections.abc
import contextlib
import enum
import functools
import inspect
import types
import typing
from typing import Any

from hamilton import htypes
from hamilton.lifecycle import NodeExecutionHook, NodeExecutionMethod
from hamilton.lifecycle.default import INJECTION_ALLOWED, PrintLn
from pydantic import ConfigDict, TypeAdapter, ValidationError

from flowerpower.config.adapters import GracefulErrors
from flowerpower.config.adapters import TypeCheck as TypeCheckConfig
from flowerpower.jobs.run import names_of
from flowerpower.run.dag import type_text
from flowerpower.run.node_events import NodeEventHook
from flowerpower.run.patches import unwrap_generator

_ACCEPTS_SENTINELS = "hamilton.error_sentinel"
"""The tag that Hamilton's decorator `accept_error_sentinels` gives a node."""
_STREAMS = (
    collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator,
    collections.abc.AsyncIterator, collections.abc.AsyncGenerator, htypes.Collect,
)  # fmt: skip
"""Types whose values would be used up by looking at them."""
_NUMBERS: dict[type, tuple[type, ...]] = {float: (float, int), complex: (complex, float, int)}
"""As for type checkers, an int is a float."""
_STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True)


class MissingValue(enum.Enum):
    """The value of a node that failed or was skipped; no node of a user's returns it.

    A member of an enum stays the same object when it is pickled.
    """

    FAILED = "missing"


class GracefulErrorsAdapter(NodeExecutionMethod):  # type: ignore[misc] # Hamilton has no types
    """A run that goes on when nodes fail: what depends on them is skipped, others are computed.

    It differs from Hamilton's GracefulErrorAdapter: exceptions are configured by name, and a node
    may return the sentinel, such as None, without being taken for a failed one: inside the run a
    failure has a value of its own.
    """

    def __init__(self, config: GracefulErrors, node_events: NodeEventHook) -> None:
        self._config, self._node_events = config, node_events

    def run_to_execute_node(
        self,
        *,
        node_name: str,
        node_callable: Any,
        node_kwargs: dict[str, Any],
        node_tags: dict[str, Any],
        is_expand: bool,
        is_collect: bool,
        task_id: str | None,
        **future_kwargs: Any,
    ) -> Any:
        """The node's value; FAILED if it fails, or if a value that it takes is missing."""
        arguments = node_kwargs
        if is_collect or node_tags.get(_ACCEPTS_SENTINELS) == INJECTION_ALLOWED:
            arguments = {name: self.with_sentinels(value) for name, value in node_kwargs.items()}
        elif any(value is MissingValue.FAILED for value in node_kwargs.values()):
            self._node_events.mark(node_name, task_id, state="skipped")
            return [MissingValue.FAILED] if is_expand else MissingValue.FAILED
        results: list[Any] = []
        try:
            if not is_expand:
                return node_callable(**arguments)
            for item in unwrap_generator(node_callable)(**arguments):
                results.append(item)  # noqa: PERF402 - items before a failure are kept
            return results
        except Exception as error:
            if set(self._config.errors).isdisjoint(names_of(type(error))):
                raise
            self._node_events.mark(node_name, task_id, error=f"{type(error).__name__}: {error}")
            if not is_expand:
                return MissingValue.FAILED
            return [*(results if self._config.try_all_parallel else ()), MissingValue.FAILED]

    def with_sentinels(self, value: Any) -> Any:
        """A value for users' code: with the configured sentinel where it is missing."""
        if value is MissingValue.FAILED:
            return self._config.sentinel
        if type(value) is list and any(item is MissingValue.FAILED for item in value):
            return [self.with_sentinels(item) for item in value]
        return value


class TypeCheck(NodeExecutionHook):  # type: ignore[misc] # Hamilton decorates its class
    """Raises TypeError for a value of another type; its node is the one that failed.

    Pydantic checks what `isinstance` cannot, strictly and without converting anything. Hamilton's
    own adapter refuses Parallelizable nodes, fixed tuples, TypedDict, NewType and more.
    """

    def __init__(self, config: TypeCheckConfig, node_events: NodeEventHook) -> None:
        self._config, self._node_events = config, node_events

    def run_before_node_execution(
        self, *, node_name: str, node_kwargs: Any, node_input_types: Any, **future_kwargs: Any
    ) -> None:
        if self._config.check_input:
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
        is_checked = self._config.check_output and success
        if is_checked and not htypes.is_parallelizable_type(node_return_type):
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
    if typing.is_typeddict(declared):
        hints = typing.get_type_hints(declared)
        return (
            isinstance(value, dict)
            and declared.__required_keys__ <= value.keys() <= hints.keys()
            and all(fits(item, hints[key]) for key, item in value.items())
        )
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, option) for option in typing.get_args(declared))
    if isinstance(declared, type) and origin is None:
        return _is_instance(value, _NUMBERS.get(declared, declared))
    try:
        adapter = _type_adapter(declared)
    except TypeError:
        # A type that cannot be hashed, such as Annotated with a list, cannot be cached.
        adapter = _type_adapter.__wrapped__(declared)
    if adapter is None:
        return _is_instance(value, origin) if isinstance(origin, type) else True
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError:
        return False
    except Exception:  # noqa: BLE001 - validators of libraries and users run
        return True
    return True


@functools.lru_cache(maxsize=1000)
def _type_adapter(declared: Any) -> TypeAdapter[Any] | None:
    try:
        return TypeAdapter(declared, config=_STRICT)
    except Exception:  # noqa: BLE001 - types of libraries may raise anything when asked for a schema
        return None


def _is_instance(value: Any, classes: Any) -> bool:
    try:
        return isinstance(value, classes)
    except TypeError:
        return True


class PrintAdapter(PrintLn):  # type: ignore[misc] # Hamilton has no types
    """Hamilton's adapter that prints each node."""

    def run_after_node_execution(self, **arguments: Any) -> None:
        # Hamilton stores a start by task and node, and deletes it by the node's name alone.
        with contextlib.suppress(KeyError):
            super().run_after_node_execution(**arguments)
