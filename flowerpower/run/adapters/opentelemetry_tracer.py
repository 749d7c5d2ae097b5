"""OpenTelemetry spans of a run and of its nodes, in whatever thread of this process they run.

Hamilton's own tracer names the run by a random id, and loses its spans in other threads. This
module is imported only if it is configured, as it needs OpenTelemetry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hamilton.lifecycle import GraphExecutionHook, NodeExecutionHook
from opentelemetry import context, trace
from opentelemetry.sdk.trace.export import SpanExportResult

from flowerpower.run.node_events import is_in_event_loop
from flowerpower.text import mask


class Tracer(GraphExecutionHook, NodeExecutionHook):  # type: ignore[misc] # Hamilton has no types
    """A span for the run, called `name`, and below it a span for each node."""

    def __init__(self, tracer: trace.Tracer, name: str) -> None:
        self._tracer, self._name = tracer, name
        self._open: dict[tuple[str, str | None], tuple[trace.Span, Any]] = {}

    def run_before_graph_execution(
        self, *, run_id: str, final_vars: list[str], inputs: Any, overrides: Any, **arguments: Any
    ) -> None:
        """The run begins; only the names of inputs and overrides are sent, no values."""
        self._run = self._tracer.start_span(self._name)
        self._run.set_attribute("hamilton.run_id", run_id)
        self._run.set_attribute("hamilton.final_vars", list(final_vars))
        self._run.set_attribute("hamilton.inputs", sorted(inputs or {}))
        self._run.set_attribute("hamilton.overrides", sorted(overrides or {}))

    def run_before_node_execution(
        self, *, node_name: str, node_return_type: Any, task_id: str | None, **arguments: Any
    ) -> None:
        """A node begins; spans that its code starts are below its span, except in coroutines."""
        span = self._tracer.start_span(node_name, trace.set_span_in_context(self._run))
        span.set_attribute("hamilton.type", str(node_return_type))
        # Around a coroutine Hamilton calls each hook in a context of its own, so that the token of
        # one hook is not valid in the next.
        token = None if is_in_event_loop() else context.attach(trace.set_span_in_context(span))
        self._open[node_name, task_id] = span, token

    def run_after_node_execution(
        self, *, node_name: str, task_id: str | None, success: bool, error: Any, **arguments: Any
    ) -> None:
        span, token = self._open.pop((node_name, task_id))
        if token is not None:
            context.detach(token)
        _end(span, success, error)

    def run_after_graph_execution(
        self, *, success: bool, error: BaseException | None, **arguments: Any
    ) -> None:
        """The run has ended, and with it nodes that were still open."""
        for span, _ in self._open.values():
            _end(span, False, error)
        _end(self._run, success, error)


def _end(span: trace.Span, success: bool, error: BaseException | None) -> None:
    if success:
        span.set_status(trace.StatusCode.OK)
    else:
        description = "" if error is None else mask(f"{type(error).__name__}: {error}")
        span.set_status(trace.StatusCode.ERROR, description)
    span.end()


class StopAfterFailureExporter:
    """Exports nothing more after its first failure: each try would take seconds."""

    def __init__(self, exporter: Any) -> None:
        self._exporter = exporter
        self.lost = 0

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        """Export the spans, or count them as lost."""
        if self.lost or self._exporter.export(spans) is not SpanExportResult.SUCCESS:
            self.lost += len(spans)
        return SpanExportResult.FAILURE if self.lost else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._exporter.shutdown()
