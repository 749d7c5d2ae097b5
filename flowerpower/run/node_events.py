"""What happens to each node of a run, as it happens, whatever executes it."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from hamilton.lifecycle import NodeExecutionHook

from flowerpower.jobs.log_context import node_begins, node_ends
from flowerpower.jobs.run import NodeEvent, NodeRecord
from flowerpower.triggers import clock


class _RunningNode(NamedTuple):
    """A node that runs; `handled` is an exception that its caller was handling when it began."""

    record: NodeRecord
    since: float
    handled: BaseException | None


class NodeEventHook(NodeExecutionHook):  # type: ignore[misc] # Hamilton decorates its class
    """Records the state and the time of each node, and calls `on_event` for each change.

    It may be called in any thread. A copy in another process starts empty and calls nobody; its
    records are given to `merge_remote_records` here.
    """

    def __init__(self, on_event: Callable[[NodeEvent], None] | None = None) -> None:
        self.records: list[NodeRecord] = []
        self.failed_node: str | None = None
        self.total = 0
        self._on_event = on_event
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str | None], _RunningNode] = {}
        self._seen: set[str] = set()
        self._done = 0

    def __reduce__(self) -> tuple[type[NodeEventHook], tuple[()]]:
        return NodeEventHook, ()

    def run_before_node_execution(
        self, *, node_name: str, task_id: str | None, **future_kwargs: Any
    ) -> None:
        self.begin(node_name, task_id)
        node_begins(node_name)

    def begin(self, node_name: str, task_id: str | None) -> None:
        """A node begins: in this thread, or elsewhere."""
        record = NodeRecord(node_name, "running", clock.format_time(clock.now()))
        with self._lock:
            # A node in a Parallelizable block runs once per item; the plan counted it once.
            self.total += node_name in self._seen
            self._seen.add(node_name)
            self.records.append(record)
            running = _RunningNode(record, clock.monotonic(), sys.exception())
            self._running[node_name, task_id] = running
            self._notify(record)

    def run_after_node_execution(
        self, *, node_name: str, success: bool, task_id: str | None, **future_kwargs: Any
    ) -> None:
        node_ends(node_name)
        with self._lock:
            running = self._running.pop((node_name, task_id), None)
            if running is None:
                return
            record = running.record
            # Hamilton passes success=True for a node that raised SystemExit or KeyboardInterrupt.
            success = success and sys.exception() is running.handled and record.error is None
            record.seconds = round(clock.monotonic() - running.since, 6)
            self._end(record, success)

    def mark(self, node_name: str, task_id: str | None, **fields: Any) -> None:
        """Set fields of the running node's record: that it is skipped, cached, or failed and why.

        Of a node with an `error` the run goes on: its caller catches it.
        """
        with self._lock:
            if running := self._running.get((node_name, task_id)):
                vars(running.record).update(fields)

    def set_failed_node(self, node_name: str) -> None:
        """The run fails because of this node, even if the node itself did not raise."""
        with self._lock:
            self.failed_node = self.failed_node or node_name
            for record in self.records:
                if record.name == node_name and record.state != "failed":
                    self._done -= record.state == "finished"
                    record.state = "failed"
                    self._notify(record)

    def interrupt_running(self) -> None:
        """The run has ended: a node that still runs, in another thread, does so in vain."""
        with self._lock:
            for running in self._running.values():
                running.record.state = "interrupted"
                self._notify(running.record)
            self._running.clear()

    def merge_remote_records(self, records: list[NodeRecord], task_id: str) -> None:
        """Take over what another process recorded of nodes that have begun here."""
        with self._lock:
            for remote in records:
                running = self._running.pop((remote.name, task_id), None)
                if running is not None:
                    vars(running.record).update(vars(remote))
                    self._end(running.record, remote.state in ("finished", "skipped"))
            # Hamilton does not execute a node again whose value the task was sent with.
            for key in [key for key in self._running if key[1] == task_id]:
                self.records.remove(self._running.pop(key).record)

    def _end(self, record: NodeRecord, success: bool) -> None:
        if record.state != "skipped":
            record.state = "finished" if success else "failed"
        if not success and record.error is None:
            self.failed_node = self.failed_node or record.name
        self._done += success
        self._notify(record)

    def _notify(self, record: NodeRecord) -> None:
        if self._on_event is not None:
            total = max(self.total, self._done)
            progress = record.name, record.state, self._done, total
            self._on_event(NodeEvent(*progress, record.seconds, record.from_cache))


def is_in_event_loop() -> bool:
    """Whether an event loop runs in this thread: what is called now serves a coroutine."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
