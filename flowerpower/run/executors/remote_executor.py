"""Executors whose tasks run in other processes: a pool of this machine; Ray, Dask (clusters.py).

Tasks and values are pickled by cloudpickle, because Hamilton's decorators create functions that
cannot be imported by name. What happens to the nodes is recorded there and sent back with the
result of the task.
"""

from __future__ import annotations

import abc
import gc
import logging
import multiprocessing
import pickle
import traceback
from collections.abc import Iterable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import cloudpickle
from hamilton.execution.executors import base_execute_task
from hamilton.execution.grouping import TaskImplementation
from hamilton.lifecycle.base import LifecycleAdapterSet
from hamilton.node import Node, NodeType

from flowerpower.errors import RunFailed
from flowerpower.jobs.run import ORIGINAL_FRAMES, ORIGINAL_TYPE_NAMES, NodeRecord, names_of
from flowerpower.run.adapters.trackers import is_tracker
from flowerpower.run.cache.cache import Cache
from flowerpower.run.executors.pool import Pool
from flowerpower.run.node_events import NodeEventHook
from flowerpower.run.patches import (
    NOISY_LOGGERS,
    SILENT,
    kill_process_pool,
    link_nodes,
    without_main_file,
)

_HINT = "Use the executor threadpool, or do not pass such values from node to node."


class ProcessDied(Exception):
    """A process of the executor died before it returned the result of its task."""

    __module__ = "flowerpower"


class RemoteExecutor(Pool):
    """Runs tasks in other processes.

    `crash_errors` are the exceptions of a call whose process died.
    """

    def __init__(self, limit: int | None, node_events: NodeEventHook) -> None:
        super().__init__(limit)
        self._node_events = node_events
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
        # A tracker holds connections and threads, which stay in this process.
        adapters = [adapter for adapter in task.adapter.adapters if not is_tracker(adapter)]
        sent = replace(task, adapter=LifecycleAdapterSet(*adapters), nodes=_detached(task.nodes))
        try:
            packed = cloudpickle.dumps(sent, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
            raise _not_picklable(f"What {', '.join(names)} takes", error) from None
        for name in names:
            self._node_events.run_before_node_execution(node_name=name, task_id=task.task_id)
        self._names[task.task_id] = names
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()

        def settle(call: Future[bytes]) -> None:
            try:
                results, records, error = _unpack(call.result(), names)
                self._node_events.merge_remote_records(records, task.task_id)
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

    def _process_died(self) -> ProcessDied:
        # A pool breaks as a whole and does not say which of its processes died.
        running = sorted({name for names in self._names.values() for name in names})
        what = "a process of the executor crashed or was killed; running in them"
        return ProcessDied(f"{what}: {', '.join(running)}")


class ProcessPool(RemoteExecutor):
    """Processes of this machine, started for the run."""

    def init(self) -> None:
        # Not a fork: this process may have threads, and a fork copies the locks that they hold.
        context = multiprocessing.get_context("spawn")
        self._processes = ProcessPoolExecutor(self._limit, mp_context=context)

    def call(self, packed: bytes) -> Future[bytes]:
        with without_main_file():
            return self._processes.submit(run_packed, packed)

    def finalize(self) -> None:
        if self._running:
            # After a failure: it is not waited for.
            kill_process_pool(self._processes)
        self._processes.shutdown(cancel_futures=True)
        # Collects the pool's semaphores now: a process that ends by os._exit would leak them.
        del self._processes
        gc.collect()


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


def _not_picklable(what: str, error: Exception) -> RunFailed:
    return RunFailed(
        f"{what} cannot be sent to another process: {type(error).__name__}: {error}", hint=_HINT
    )


def run_packed(packed: bytes) -> bytes:
    """Run a task in this other process.

    Returns:
        A pickle of its values by node, the records of its nodes, and why it failed, if it did.
    """
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(SILENT)
    task = cloudpickle.loads(packed)
    results, failure = None, None
    try:
        results = base_execute_task(task)
    except BaseException as error:  # noqa: BLE001 - it is raised again in the process of the run
        failure = _portable(error)
    records: list[NodeRecord] = []
    for adapter in task.adapter.adapters:
        if isinstance(adapter, Cache):
            # Unpickling it has opened its database once more, here.
            adapter.close()
        if isinstance(adapter, NodeEventHook):
            records += adapter.records
    try:
        return bytes(cloudpickle.dumps((results, records, failure)))
    except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
        names = ", ".join(node.name for node in task.nodes)
        failure = _not_picklable(f"What {names} gives", error)
        return bytes(cloudpickle.dumps((None, records, failure)))


def _portable(error: BaseException) -> BaseException:
    """The error, or an exception of the same names and text if it does not survive pickling."""
    stack = traceback.extract_tb(error.__traceback__)
    frames = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in stack]
    try:
        # Pickling drops the traceback.
        setattr(error, ORIGINAL_FRAMES, frames)
        cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # noqa: BLE001 - pickling runs the error's own code
        kind = type(error)
        names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
        substitute: BaseException = type(kind.__name__, (Exception,), names)(str(error))
        setattr(substitute, ORIGINAL_FRAMES, frames)
        setattr(substitute, ORIGINAL_TYPE_NAMES, names_of(kind))
        return substitute
    return error


def _unpack(packed: bytes, names: list[str]) -> Any:
    try:
        return cloudpickle.loads(packed)
    except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
        raise RunFailed(
            f"What {', '.join(names)} gives cannot be read here: {type(error).__name__}: {error}"
        ) from None
