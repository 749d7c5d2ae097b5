"""What happens to each node of a run, as it happens, whatever executes it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hamilton.lifecycle import NodeExecutionHook
from hamilton.lifecycle.base import BasePostNodeExecuteAsync, BasePreNodeExecuteAsync

from flowerpower.jobs.run import NodeEvent, NodeRecord
from flowerpower.triggers import clock

OnEvent = Callable[[NodeEvent], None]


@dataclass(frozen=True)
class _Begun:
    """A node that runs; `handled` is the exception its caller was handling already."""

    record: NodeRecord
    since: float
    handled: BaseException | None


class NodeEventHook(NodeExecutionHook):  # type: ignore[misc] # Hamilton decorates its class
    """Records each node's state and time, and tells `on_event` of each change, in any thread.

    A copy that is sent to another process starts empty and tells nobody: what it recorded there
    is given to `take_over` here.
    """

    def __init__(self, on_event: OnEvent | None = None) -> None:
        self.records: list[NodeRecord] = []
        self.failed_node: str | None = None
        self.total = 0
        self._on_event = on_event
        self._lock = threading.Lock()
        self._begun: dict[tuple[str, str | None], _Begun] = {}
        self._seen: set[str] = set()
        self._done = 0

    def __reduce__(self) -> tuple[type[NodeEventHook], tuple[()]]:
        return NodeEventHook, ()

    def run_before_node_execution(
        self, *, node_name: str, task_id: str | None, **future_kwargs: Any
    ) -> None:
        """A node begins."""
        record = NodeRecord(node_name, "running", clock.format_time(clock.now()))
        with self._lock:
            # Each run of a node in a Parallelizable block is one more than was planned.
            self.total += node_name in self._seen
            self._seen.add(node_name)
            self.records.append(record)
            self._begun[node_name, task_id] = _Begun(record, clock.monotonic(), sys.exception())
            self._tell(record)

    def run_after_node_execution(
        self, *, node_name: str, success: bool, task_id: str | None, **future_kwargs: Any
    ) -> None:
        """A node has ended."""
        with self._lock:
            begun = self._begun.pop((node_name, task_id), None)
            if begun is None:
                return
            record = begun.record
            # Hamilton calls a node that raised SystemExit and the like a success.
            success = success and sys.exception() is begun.handled and record.error is None
            record.seconds = round(clock.monotonic() - begun.since, 6)
            self._end(record, success)

    def came_from_cache(self, node_name: str, task_id: str | None) -> None:
        """The node that runs was not computed."""
        with self._lock:
            if begun := self._begun.get((node_name, task_id)):
                begun.record.from_cache = True

    def went_wrong(self, node_name: str, task_id: str | None, error: BaseException) -> None:
        """The node that runs failed, and something will hide that or stop it being told."""
        with self._lock:
            if begun := self._begun.get((node_name, task_id)):
                begun.record.error = f"{type(error).__name__}: {error}"

    def was_skipped(self, node_name: str, task_id: str | None) -> None:
        """The node is not computed, because what it takes is missing."""
        with self._lock:
            if begun := self._begun.get((node_name, task_id)):
                begun.record.state = "skipped"

    def blame(self, node_name: str) -> None:
        """The run fails because of this node, whatever else is told of it."""
        with self._lock:
            self.failed_node = self.failed_node or node_name
            for record in self.records:
                if record.name == node_name and record.state != "failed":
                    record.state = "failed"

    def sent(self, names: Iterable[str], task_id: str) -> None:
        """Nodes begin in another process."""
        for name in names:
            self.run_before_node_execution(node_name=name, task_id=task_id)

    def take_over(self, told: list[NodeRecord], task_id: str) -> None:
        """What another process recorded of nodes that were `sent` there."""
        with self._lock:
            for record in told:
                begun = self._begun.pop((record.name, task_id), None)
                if begun is None:
                    continue
                mine = begun.record
                mine.started_at, mine.seconds = record.started_at, record.seconds
                mine.from_cache, mine.error = record.from_cache, record.error
                mine.state = "skipped" if record.state == "skipped" else mine.state
                self._end(mine, record.state in ("finished", "skipped"))
            # A node whose value was there already is not computed again.
            for key in [key for key in self._begun if key[1] == task_id]:
                self.records.remove(self._begun.pop(key).record)

    def _end(self, record: NodeRecord, success: bool) -> None:
        if record.state != "skipped":
            record.state = "finished" if success else "failed"
        if not success and record.error is None:
            self.failed_node = self.failed_node or record.name
        self._done += success
        self._tell(record)

    def _tell(self, record: NodeRecord) -> None:
        if self._on_event is not None:
            total = max(self.total, self._done)
            self._on_event(
                NodeEvent(
                    record.name, record.state, self._done, total, record.seconds, record.from_cache
                )
            )


class ForCoroutines(BasePreNodeExecuteAsync, BasePostNodeExecuteAsync):  # type: ignore[misc]
    """Calls hooks that are plain functions around each node of a DAG of coroutines.

    Hamilton's async driver would call them when it makes a node's task, before anything has run.
    """

    def __init__(self, hooks: Iterable[Any]) -> None:
        self._hooks = list(hooks)

    async def pre_node_execute(self, **told: Any) -> None:
        """Before the node's own function."""
        for hook in self._hooks:
            hook.pre_node_execute(**told)

    async def post_node_execute(self, **told: Any) -> None:
        """After it."""
        for hook in self._hooks:
            hook.post_node_execute(**told)
