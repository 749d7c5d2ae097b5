"""Executors whose tasks run in other processes: pools of this machine, Ray, Dask.

Tasks and values are pickled by cloudpickle, because Hamilton's decorators create functions that
cannot be imported by name. What happens to the nodes is recorded there and sent back with the
result of the task.
"""

from __future__ import annotations

import abc
import concurrent.futures
import gc
import logging
import multiprocessing
import pickle
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cloudpickle
from hamilton.execution.executors import base_execute_task
from hamilton.execution.grouping import TaskImplementation
from hamilton.lifecycle.base import LifecycleAdapterSet

from flowerpower.errors import RunFailed
from flowerpower.jobs.run import ORIGINAL_FRAMES, ORIGINAL_TYPE_NAMES, NodeRecord, names_of
from flowerpower.run.adapters.trackers import is_tracker
from flowerpower.run.cache.cache import Cache
from flowerpower.run.executors.detached_nodes import detached
from flowerpower.run.executors.pool import Pool
from flowerpower.run.node_events import NodeEventHook
from flowerpower.run.patches import (
    NOISY_LOGGERS,
    SILENT,
    kill_process_pool,
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
        self.crash_errors: tuple[type[BaseException], ...] = (concurrent.futures.BrokenExecutor,)

    @abc.abstractmethod
    def call(
        self, function: Callable[[bytes], bytes], packed: bytes
    ) -> concurrent.futures.Future[bytes]:
        """Call a function of this module in another process."""

    def start(self, task: TaskImplementation) -> concurrent.futures.Future[Any]:
        """Start a task; when it ends, what happened to its nodes is recorded."""
        names = [node.name for node in task.nodes if not node.user_defined]
        # A tracker holds connections and threads, which stay in this process.
        adapters = [adapter for adapter in task.adapter.adapters if not is_tracker(adapter)]
        packed = _pack(
            replace(task, adapter=LifecycleAdapterSet(*adapters), nodes=detached(task.nodes)), names
        )
        self._node_events.begin_remote(names, task.task_id)
        self._names[task.task_id] = names
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.set_running_or_notify_cancel()

        def settle(call: concurrent.futures.Future[bytes]) -> None:
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

        self.call(_run_packed, packed).add_done_callback(settle)
        return future

    def _process_died(self) -> ProcessDied:
        # A pool breaks as a whole and does not say which of its processes died.
        running = sorted({name for names in self._names.values() for name in names})
        return ProcessDied(
            f"a process of the executor crashed or was killed; running in them: "
            f"{', '.join(running)}"
        )


class ProcessPool(RemoteExecutor):
    """Processes of this machine, started for the run."""

    def init(self) -> None:
        """Create the pool; its processes start with the first tasks."""
        # Not a fork: this process may have threads, and a fork copies the locks that they hold.
        context = multiprocessing.get_context("spawn")
        self._processes = concurrent.futures.ProcessPoolExecutor(self._limit, mp_context=context)

    def call(
        self, function: Callable[[bytes], bytes], packed: bytes
    ) -> concurrent.futures.Future[bytes]:
        """Call a function in one of the processes."""
        with without_main_file():
            return self._processes.submit(function, packed)

    def finalize(self) -> None:
        """End the processes; what still runs after a failure is not waited for."""
        if self._running:
            kill_process_pool(self._processes)
        self._processes.shutdown(cancel_futures=True)
        # Collects the pool's semaphores now: a process that ends by os._exit would leak them.
        del self._processes
        gc.collect()


def _pack(task: TaskImplementation, names: list[str]) -> bytes:
    """The task for another process.

    Raises:
        RunFailed: if one of its values cannot be pickled.
    """
    try:
        packed: bytes = cloudpickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
        raise _not_picklable(f"What {', '.join(names)} takes", error) from None
    return packed


def _not_picklable(what: str, error: Exception) -> RunFailed:
    return RunFailed(
        f"{what} cannot be sent to another process: {type(error).__name__}: {error}", hint=_HINT
    )


def _run_packed(packed: bytes) -> bytes:
    """Run a task in this other process.

    Returns:
        A pickle of its values by node, the records of its nodes, and why it failed, if it did.
    """
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(SILENT)
    task = cloudpickle.loads(packed)
    adapters = task.adapter.adapters
    results, failure = None, None
    try:
        results = base_execute_task(task)
    except BaseException as error:  # noqa: BLE001 - it is raised again in the process of the run
        failure = error
    finally:
        for adapter in adapters:
            if isinstance(adapter, Cache):
                # Unpickling it has opened its database once more, here.
                adapter.close()
    hooks = [adapter for adapter in adapters if isinstance(adapter, NodeEventHook)]
    records = [record for hook in hooks for record in hook.records]
    try:
        return bytes(cloudpickle.dumps((results, records, _portable(failure))))
    except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
        names = ", ".join(node.name for node in task.nodes)
        return bytes(
            cloudpickle.dumps((None, records, _not_picklable(f"What {names} gives", error)))
        )


def _portable(error: BaseException | None) -> BaseException | None:
    """The error, or an exception of the same names and text if it does not survive pickling."""
    if error is None:
        return None
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


def _unpack(
    packed: bytes, names: list[str]
) -> tuple[dict[str, Any] | None, list[NodeRecord], BaseException | None]:
    try:
        results, records, error = cloudpickle.loads(packed)
    except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
        raise RunFailed(
            f"What {', '.join(names)} gives cannot be read here: {type(error).__name__}: {error}"
        ) from None
    return results, records, error
