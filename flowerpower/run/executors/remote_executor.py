"""Executors whose tasks run in other processes: a pool of this machine; Ray, Dask (clusters.py).

Tasks and values are pickled by cloudpickle, because Hamilton's decorators create functions that
cannot be imported by name. What happens to the nodes is recorded there and sent back with the
result of the task.
"""

from __future__ import annotations

import abc
import gc
import multiprocessing
import pickle
from collections.abc import Iterable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cloudpickle
from hamilton.execution.grouping import TaskImplementation
from hamilton.lifecycle.base import LifecycleAdapterSet
from hamilton.node import Node, NodeType

from flowerpower.errors import RunFailed
from flowerpower.jobs.job_logging import JobLogging
from flowerpower.run.adapters.trackers import is_tracker
from flowerpower.run.executors.pool import Pool
from flowerpower.run.executors.remote_task import begin_process, not_picklable, run_packed
from flowerpower.run.node_events import NodeEventHook
from flowerpower.run.patches import (
    NOISY_LOGGERS,
    SILENT,
    kill_process_pool,
    link_nodes,
    without_main_file,
)

if TYPE_CHECKING:
    from flowerpower.run.cache.tasks import CachedTasks, TaskCache

_HOOKS = ("pre_node_execute", "post_node_execute", "pre_task_execute", "post_task_execute")
_METHODS = ("do_node_execute", "do_remote_execute")
"""What Hamilton calls of adapters while a task runs (Hamilton 1.90)."""


class ProcessDied(Exception):
    """A process of the executor died before it returned the result of its task."""

    __module__ = "flowerpower"


class RemoteExecutor(Pool):
    """Runs tasks in other processes.

    `crash_errors` are the exceptions of a call whose process died. `cached_tasks` is there if the
    run has a cache.
    """

    def __init__(
        self, limit: int | None, node_events: NodeEventHook, cached_tasks: CachedTasks | None
    ) -> None:
        super().__init__(limit)
        self._node_events, self._cached_tasks = node_events, cached_tasks
        self._names: dict[str, list[str]] = {}
        self.crash_errors: tuple[type[BaseException], ...] = (BrokenExecutor,)

    @abc.abstractmethod
    def call(self, packed: bytes) -> Future[bytes]:
        """Call `run_packed` in another process."""

    def start(self, task: TaskImplementation) -> Future[Any]:
        """Start a task; when it ends, what happened to its nodes is recorded.

        Raises:
            RunFailed: if one of its values cannot be pickled.
        """
        names = [node.name for node in task.nodes if not node.user_defined]
        cache = self._cached_tasks.copy_for(task) if self._cached_tasks is not None else None
        adapters = LifecycleAdapterSet(*self._adapters_for(task, cache))
        sent = replace(task, adapter=adapters, nodes=_detached(task.nodes))
        message = sent, cache, dict.fromkeys(NOISY_LOGGERS, SILENT)
        try:
            packed = cloudpickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
            raise not_picklable(f"What {', '.join(names)} takes", error) from None
        for name in names:
            self._node_events.begin(name, task.task_id)
        self._names[task.task_id] = names
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()

        def settle(call: Future[bytes]) -> None:
            try:
                results, records, error, versions = _unpack(call.result(), names)
                self._node_events.merge_remote_records(records, task.task_id)
                if self._cached_tasks is not None:
                    self._cached_tasks.note_versions(task.run_id, versions)
                if error is not None:
                    raise error
                future.set_result(results)
            except BaseException as error:  # noqa: BLE001 - it is the task's, whatever it is
                if isinstance(error, self.crash_errors):
                    error = self._process_died()
                if len(names) == 1:
                    self._node_events.set_failed_node(names[0])
                future.set_exception(error)
            else:
                del self._names[task.task_id]

        self.call(packed).add_done_callback(settle)
        return future

    def _adapters_for(self, task: TaskImplementation, cache: TaskCache | None) -> list[Any]:
        """The adapters that another process needs for the task; `cache` stands for the run's."""
        whole = self._cached_tasks.cache if self._cached_tasks is not None else None
        # A tracker holds connections and threads, which stay in this process.
        return [
            cache if adapter is whole else adapter
            for adapter in task.adapter.adapters
            if not is_tracker(adapter) and _acts(adapter)
        ]

    def _process_died(self) -> ProcessDied:
        # A pool breaks as a whole and does not say which of its processes died.
        running = sorted({name for names in self._names.values() for name in names})
        what = "a process of the executor crashed or was killed; running in them"
        return ProcessDied(f"{what}: {', '.join(running)}")


class ProcessPool(RemoteExecutor):
    """Processes of this machine, started for the run, each when there is a task for it."""

    _processes: ProcessPoolExecutor | None = None

    def init(self) -> None:
        """Nothing yet: Python starts a process for the semaphores of a pool that has no task."""

    def call(self, packed: bytes) -> Future[bytes]:
        if self._processes is None:
            # Not a fork: this process may have threads, and a fork copies the locks that they hold.
            context = multiprocessing.get_context("spawn")
            self._processes = ProcessPoolExecutor(
                self._limit,
                mp_context=context,
                initializer=begin_process,
                initargs=(JobLogging.of_this_process(),),
            )
        with without_main_file():
            return self._processes.submit(run_packed, packed)

    def finalize(self) -> None:
        if self._processes is None:
            return
        if self._running:
            # After a failure: it is not waited for.
            kill_process_pool(self._processes)
        self._processes.shutdown(cancel_futures=True)
        # Collects the pool's semaphores now: a process that ends by os._exit would leak them.
        self._processes = None
        gc.collect()


def _acts(adapter: Any) -> bool:
    """Whether an adapter has a part in the execution of a task."""
    alone = LifecycleAdapterSet(adapter)
    return any(alone.does_hook(name, is_async=False) for name in _HOOKS) or any(
        alone.does_method(name, is_async=False) for name in _METHODS
    )


def _detached(nodes: Iterable[Node]) -> list[Node]:
    """Copies of nodes that refer to each other; other nodes that they need are stubs with a name.

    A node refers to its neighbours and these to theirs: each task would carry the whole graph.
    """
    copies = {node.name: node.copy_with(include_refs=False) for node in nodes}
    for node in nodes:
        for dependency in node.dependencies:
            stub = Node(dependency.name, dependency.type, node_source=NodeType.EXTERNAL)
            link_nodes(copies.get(dependency.name, stub), copies[node.name])
    return list(copies.values())


def _unpack(packed: bytes, names: list[str]) -> Any:
    try:
        return cloudpickle.loads(packed)
    except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
        raise RunFailed(
            f"What {', '.join(names)} gives cannot be read here: {type(error).__name__}: {error}"
        ) from None
