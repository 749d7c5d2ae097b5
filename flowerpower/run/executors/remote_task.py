"""What another process does with one task of an executor.

A process of a pool begins with the import of this module. It imports no pandas and no driver of
Hamilton: what the nodes of a task need of these comes with the task.
"""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection
import os
import threading
import traceback

import cloudpickle
from hamilton.execution.executors import base_execute_task

from flowerpower.errors import RunFailed
from flowerpower.jobs.job_logging import JobLogging
from flowerpower.jobs.run import ORIGINAL_FRAMES, ORIGINAL_TYPE_NAMES, NodeRecord, names_of
from flowerpower.run.node_events import NodeEventHook

_HINT = "Use the executor threadpool, or do not pass such values from node to node."


def begin_process(job_logging: JobLogging) -> None:
    """What a process of a pool calls first: it logs as its parent does, and ends with it."""
    job_logging.take_over()
    _end_with_parent()


def _end_with_parent() -> None:
    """Have this process end when the one that has started it does.

    Killed, a run cannot end its pool, and Python's processes wait for ever for its next task.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_exit, args=(parent.sentinel,), daemon=True).start()


def _wait_and_exit(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    # Whatever the task is doing: nobody waits for it.
    os._exit(1)


def not_picklable(what: str, error: Exception) -> RunFailed:
    """The error for what cannot be sent from one process to another."""
    return RunFailed(
        f"{what} cannot be sent to another process: {type(error).__name__}: {error}", hint=_HINT
    )


def run_packed(packed: bytes) -> bytes:
    """Run a task in this other process.

    `packed` is a pickle of the task, the TaskCache among its adapters or None, and the levels that
    loggers get here.

    Returns:
        A pickle of its values by node, the records of its nodes, why it failed, if it did, and the
        versions of its values by node, if it has a cache.
    """
    task, cache, log_levels = cloudpickle.loads(packed)
    for name, level in log_levels.items():
        logging.getLogger(name).setLevel(level)
    results, failure = None, None
    try:
        results = base_execute_task(task)
    except BaseException as error:  # noqa: BLE001 - it is raised again in the process of the run
        failure = _portable(error)
    versions = cache.end_task(task) if cache is not None else {}
    records: list[NodeRecord] = []
    for adapter in task.adapter.adapters:
        if isinstance(adapter, NodeEventHook):
            records += adapter.records
    try:
        return bytes(cloudpickle.dumps((results, records, failure, versions)))
    except Exception as error:  # noqa: BLE001 - pickling runs the values' own code
        names = ", ".join(node.name for node in task.nodes)
        failure = not_picklable(f"What {names} gives", error)
        return bytes(cloudpickle.dumps((None, records, failure, versions)))


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
