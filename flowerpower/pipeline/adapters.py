"""From configuration to Hamilton's lifecycle adapters."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hamilton.lifecycle import NodeExecutionHook

from flowerpower import clock
from flowerpower.runs import NodeEvent, NodeRecord

OnEvent = Callable[[NodeEvent], None]


@dataclass(frozen=True)
class _Begun:
    """A node that runs; `handled` is the exception its caller was handling already."""

    record: NodeRecord
    since: float
    handled: BaseException | None


class NodeRecorder(NodeExecutionHook):  # type: ignore[misc] # Hamilton decorates its class
    """Records each node's state and time, and tells `on_event` of each change, in any thread."""

    def __init__(self, on_event: OnEvent | None = None) -> None:
        self.records: list[NodeRecord] = []
        self.failed_node: str | None = None
        self.total = 0
        self._on_event = on_event
        self._lock = threading.Lock()
        self._begun: dict[tuple[str, str | None], _Begun] = {}
        self._done = 0

    def run_before_node_execution(
        self, *, node_name: str, task_id: str | None, **future_kwargs: Any
    ) -> None:
        """A node begins."""
        record = NodeRecord(node_name, "running", clock.format_time(clock.now()))
        with self._lock:
            self.records.append(record)
            self._begun[node_name, task_id] = _Begun(record, clock.monotonic(), sys.exception())
            self._tell(NodeEvent(node_name, "running", self._done, max(self.total, self._done)))

    def run_after_node_execution(
        self, *, node_name: str, success: bool, task_id: str | None, **future_kwargs: Any
    ) -> None:
        """A node has ended."""
        with self._lock:
            begun = self._begun.pop((node_name, task_id))
            record = begun.record
            # Hamilton calls a node that raised SystemExit and the like a success.
            success = success and sys.exception() is begun.handled
            record.seconds = round(clock.monotonic() - begun.since, 6)
            record.state = "finished" if success else "failed"
            if not success:
                self.failed_node = self.failed_node or node_name
            self._done += success
            total = max(self.total, self._done)
            self._tell(NodeEvent(node_name, record.state, self._done, total, record.seconds))

    def _tell(self, event: NodeEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)
