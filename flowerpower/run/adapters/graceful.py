"""A run that goes on where nodes fail: what depends on them is skipped, the rest is computed."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Iterator
from typing import Any

from hamilton.lifecycle import NodeExecutionMethod
from hamilton.lifecycle.default import INJECTION_ALLOWED

from flowerpower.config.adapters import GracefulErrors
from flowerpower.jobs.retries import names_of
from flowerpower.run.node_events import NodeEventHook

_TAG = "hamilton.error_sentinel"
"""What Hamilton's `accept_error_sentinels` marks a node with."""


class Missing(enum.Enum):
    """Stands in for a value that a failed node did not give; no node gives it by itself."""

    VALUE = "missing"


class Graceful(NodeExecutionMethod):  # type: ignore[misc] # Hamilton has no types
    """Executes nodes as Hamilton's GracefulErrorAdapter does, with two differences.

    Exceptions are known by name, and a node's own None, or whatever else the sentinel is, is no
    failure: inside a run failures have a value of their own.
    """

    def __init__(self, config: GracefulErrors, recorder: NodeEventHook) -> None:
        self._config = config
        self._names = set(config.errors)
        self._recorder = recorder

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
        """The node's value; `Missing.VALUE` if it fails, or what it takes is missing."""
        given = node_kwargs
        if is_collect or node_tags.get(_TAG) == INJECTION_ALLOWED:
            given = {key: self.shown(value) for key, value in node_kwargs.items()}
        elif any(value is Missing.VALUE for value in node_kwargs.values()):
            self._recorder.was_skipped(node_name, task_id)
            return [Missing.VALUE] if is_expand else Missing.VALUE
        results: list[Any] = []
        try:
            if not is_expand:
                return node_callable(**given)
            for item in _generated(node_callable, given):
                results.append(item)  # noqa: PERF402 - what came before a failure is kept
            return results
        except Exception as error:
            if self._names.isdisjoint(names_of(type(error))):
                raise
            self._recorder.went_wrong(node_name, task_id, error)
            if not is_expand:
                return Missing.VALUE
            return [*(results if self._config.try_all_parallel else ()), Missing.VALUE]

    def shown(self, value: Any) -> Any:
        """A value for those outside: the sentinel in place of what is missing."""
        if value is Missing.VALUE:
            return self._config.sentinel
        if type(value) is list and any(each is Missing.VALUE for each in value):
            return [self.shown(each) for each in value]
        return value


def _generated(function: Callable[..., Any], given: dict[str, Any]) -> Iterator[Any]:
    """The items of a Parallelizable node one by one; Hamilton has made a list of them."""
    if isinstance(function, functools.partial) and "_callable" in function.keywords:
        function = function.keywords["_callable"]
    yield from function(**given)
