"""A run that goes on when nodes fail: nodes that depend on them are skipped, others computed."""

from __future__ import annotations

import enum
from typing import Any

from hamilton.lifecycle import NodeExecutionMethod
from hamilton.lifecycle.default import INJECTION_ALLOWED

from flowerpower.config.adapters import GracefulErrors
from flowerpower.jobs.run import names_of
from flowerpower.run.node_events import NodeEventHook
from flowerpower.run.patches import unwrap_generator

_ACCEPTS_SENTINELS = "hamilton.error_sentinel"
"""The tag that Hamilton's decorator `accept_error_sentinels` gives a node."""


class MissingValue(enum.Enum):
    """The value of a node that failed or was skipped; no node of a user's returns it.

    A member of an enum stays the same object when it is pickled.
    """

    FAILED = "missing"


class GracefulErrorsAdapter(NodeExecutionMethod):  # type: ignore[misc] # Hamilton has no types
    """Executes nodes as Hamilton's GracefulErrorAdapter does, with two differences.

    Exceptions are configured by name. And a node may return None, or whatever else the sentinel
    is, without being taken for a failed one: inside the run a failure has a value of its own.
    """

    def __init__(self, config: GracefulErrors, node_events: NodeEventHook) -> None:
        self._config = config
        self._error_names = set(config.errors)
        self._node_events = node_events

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
            self._node_events.mark_skipped(node_name, task_id)
            return [MissingValue.FAILED] if is_expand else MissingValue.FAILED
        results: list[Any] = []
        try:
            if not is_expand:
                return node_callable(**arguments)
            for item in unwrap_generator(node_callable)(**arguments):
                results.append(item)  # noqa: PERF402 - items before a failure are kept
            return results
        except Exception as error:
            if self._error_names.isdisjoint(names_of(type(error))):
                raise
            self._node_events.mark_failed(node_name, task_id, error)
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
