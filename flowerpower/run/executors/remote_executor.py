"""Executors whose tasks run in other processes: pools of this machine, Ray, Dask.

Tasks and values are pickled by value where they cannot be by name, as Hamilton's decorators make
functions that have none. What happens to the nodes is recorded there and told when a task ends.
"""

from __future__ import annotations

import abc
import concurrent.futures
import contextlib
import gc
import logging
import multiprocessing
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cloudpickle
from hamilton.execution.executors import base_execute_task
from hamilton.execution.grouping import TaskImplementation
from hamilton.lifecycle.base import LifecycleAdapterSet

from flowerpower.errors import RunFailed
from flowerpower.jobs.retries import names_of
from flowerpower.jobs.run import ORIGINAL_FRAMES, ORIGINAL_TYPE_NAMES, NodeRecord
from flowerpower.run.adapters.trackers import is_tracker
from flowerpower.run.executors.detached_nodes import detached
from flowerpower.run.executors.pool import LOUD, Pool
from flowerpower.run.node_events import NodeEventHook


class ProcessDied(Exception):
    """A process of the executor has died before it told what came of its task."""

    __module__ = "flowerpower"


class RemoteExecutor(Pool):
    """Other processes: tasks and values are pickled, what happens to nodes is told afterwards."""

    def __init__(self, limit: int | None, recorder: NodeEventHook) -> None:
        super().__init__(limit)
        self._recorder = recorder
        self._names: dict[str, list[str]] = {}
        self.deaths: tuple[type[BaseException], ...] = (concurrent.futures.BrokenExecutor,)

    @abc.abstractmethod
    def call(
        self, function: Callable[[bytes], bytes], packed: bytes
    ) -> concurrent.futures.Future[bytes]:
        """Call a function of this module somewhere else."""

    def send(self, task: TaskImplementation) -> concurrent.futures.Future[Any]:
        """Begin with a task; what came of its nodes is recorded when it ends."""
        names = [each.name for each in task.nodes if not each.user_defined]
        adapters = [each for each in task.adapter.adapters if not is_tracker(each)]
        sent = replace(task, adapter=LifecycleAdapterSet(*adapters), nodes=detached(task.nodes))
        packed = _packed(sent, names)
        self._recorder.sent(names, task.task_id)
        self._names[task.task_id] = names
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.set_running_or_notify_cancel()

        def settle(called: concurrent.futures.Future[bytes]) -> None:
            try:
                results, records, error = _unpacked(called.result(), names)
                self._recorder.take_over(records, task.task_id)
                if error is not None:
                    raise error
                future.set_result(results)
            except BaseException as error:  # noqa: BLE001 - it is the task's, whatever it is
                if isinstance(error, self.deaths):
                    # It breaks all that run, and does not say which of them died.
                    running = sorted({name for each in self._names.values() for name in each})
                    error = ProcessDied(
                        f"a process of the executor crashed or was killed; running in them: "
                        f"{', '.join(running)}"
                    )
                if len(names) == 1:
                    self._recorder.blame(names[0])
                future.set_exception(error)
            else:
                del self._names[task.task_id]

        self.call(_run_packed, packed).add_done_callback(settle)
        return future


class Processes(RemoteExecutor):
    """Processes of this machine, started for the run."""

    def init(self) -> None:
        """Make room for them; they start with the first tasks."""
        # Not forked from here: this process may have threads, and a fork copies their locks held.
        context = multiprocessing.get_context("spawn")
        self._processes = concurrent.futures.ProcessPoolExecutor(self._limit, mp_context=context)

    def call(
        self, function: Callable[[bytes], bytes], packed: bytes
    ) -> concurrent.futures.Future[bytes]:
        """Call a function in one of them."""
        with _no_main():
            return self._processes.submit(function, packed)

    def finalize(self) -> None:
        """End them; what still runs after a failure is not waited for."""
        for process in list((self._processes._processes or {}).values()) if self._running else ():
            with contextlib.suppress(OSError, ValueError):
                process.kill()
        self._processes.shutdown(cancel_futures=True)
        # Its semaphores go with it, also where this process is to end in a hurry.
        del self._processes
        gc.collect()


@contextlib.contextmanager
def _no_main() -> Iterator[None]:
    """While this lasts, processes that start do not run the program's own file again.

    They would import it as their `__main__`, which for a script is to start all over; what they
    need of it is pickled by value.
    """
    told = vars(sys.modules["__main__"])
    kept: dict[str, Any] = {name: told[name] for name in ("__file__", "__spec__") if name in told}
    told.pop("__file__", None)
    told["__spec__"] = None
    try:
        yield
    finally:
        told.update(kept)


def _packed(task: TaskImplementation, names: list[str]) -> bytes:
    """The task for another process.

    Raises:
        RunFailed: if one of its values cannot be pickled.
    """
    try:
        packed: bytes = cloudpickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
        raise RunFailed(
            f"What {', '.join(names)} takes cannot be sent to another process: "
            f"{type(error).__name__}: {error}",
            hint="Use the executor threadpool, or give such values no node of their own.",
        ) from None
    return packed


def _run_packed(packed: bytes) -> bytes:
    """In another process: run a task; its results, what was recorded, and why it failed."""
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    task = cloudpickle.loads(packed)
    names = ", ".join(each.name for each in task.nodes)
    recorders = [each for each in task.adapter.adapters if isinstance(each, NodeEventHook)]
    results, failure = None, None
    try:
        results = base_execute_task(task)
    except BaseException as error:  # noqa: BLE001 - told where the run is
        failure = error
    records = [each for recorder in recorders for each in recorder.records]
    try:
        return bytes(cloudpickle.dumps((results, records, _portable(failure))))
    except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
        told = RunFailed(
            f"What {names} gives cannot be sent to another process: "
            f"{type(error).__name__}: {error}",
            hint="Use the executor threadpool, or give such values no node of their own.",
        )
        return bytes(cloudpickle.dumps((None, records, told)))


def _portable(error: BaseException | None) -> BaseException | None:
    """The error, or what can be told of one that does not survive being pickled."""
    if error is None:
        return None
    stack = traceback.extract_tb(error.__traceback__)
    frames = [(each.filename, each.lineno, each.name, each.line) for each in stack]
    try:
        setattr(error, ORIGINAL_FRAMES, frames)
        cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # noqa: BLE001 - pickling runs the error's own code
        kind = type(error)
        alike = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
        told: BaseException = type(kind.__name__, (Exception,), alike)(str(error))
        setattr(told, ORIGINAL_FRAMES, frames)
        setattr(told, ORIGINAL_TYPE_NAMES, names_of(kind))
        return told
    return error


def _unpacked(
    packed: bytes, names: list[str]
) -> tuple[dict[str, Any] | None, list[NodeRecord], BaseException | None]:
    try:
        results, records, error = cloudpickle.loads(packed)
    except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
        raise RunFailed(
            f"What {', '.join(names)} gives cannot be read here: {type(error).__name__}: {error}"
        ) from None
    return results, records, error
