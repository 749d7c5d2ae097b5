"""What executes the nodes of a run: this process, its threads, other processes, Ray or Dask.

Hamilton's dynamic execution makes tasks of the nodes; here every task goes to the pool, not only
those of Parallelizable blocks, so that independent nodes run at once.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import importlib.util
import os
from types import ModuleType
from typing import Any

from hamilton.execution.executors import (
    ExecutionManager,
    SynchronousLocalTaskExecutor,
    TaskExecutor,
    base_execute_task,
)
from hamilton.execution.grouping import TaskImplementation

from flowerpower.config.run import ExecutorConfig
from flowerpower.errors import ConfigError
from flowerpower.run.executors.pool import Pool
from flowerpower.run.node_events import NodeEventHook

DEFAULT_THREADS = 8
EXTRAS = {"ray": "ray", "dask": "distributed"}
"""Executors that need an extra of the same name, and the module that it installs."""


def make_executor(config: ExecutorConfig, node_events: NodeEventHook) -> ExecutionManager:
    """The execution manager for every executor but `future`, which needs none.

    Raises:
        ConfigError: if the executor needs an extra that is not installed.
        RunFailed: once it runs, if Ray or Dask cannot be reached.
    """
    if config.type == "synchronous":
        return _SingleExecutorManager(SynchronousLocalTaskExecutor())
    if config.type == "threadpool":
        return _SingleExecutorManager(ThreadPool(config.max_workers or DEFAULT_THREADS))
    # These need multiprocessing and cloudpickle, which a plain run does not pay for.
    from flowerpower.run.executors.remote_executor import ProcessPool

    workers = config.max_workers or os.cpu_count() or 1
    if config.type == "processpool":
        return _SingleExecutorManager(ProcessPool(workers, node_events))
    from flowerpower.run.executors.clusters import Dask, Ray

    library = _import_extra(config.type)
    if config.type == "ray":
        return _SingleExecutorManager(Ray(library, config, node_events))
    return _SingleExecutorManager(Dask(library, config, workers, node_events))


def check_installed(executor: str) -> None:
    """Check that the packages of an executor are installed.

    Raises:
        ConfigError: if not, with what to install.
    """
    if executor in EXTRAS and importlib.util.find_spec(EXTRAS[executor]) is None:
        raise _not_installed(executor, f"there is no module {EXTRAS[executor]!r}")


def _import_extra(name: str) -> ModuleType:
    try:
        return importlib.import_module(EXTRAS[name])
    except ImportError as error:
        raise _not_installed(name, str(error)) from None


def _not_installed(name: str, reason: str) -> ConfigError:
    return ConfigError(
        f"The executor {name} is not installed: {reason}.",
        hint=f"Install it with `pip install 'flowerpower-cli[{name}]'`.",
    )


class _SingleExecutorManager(ExecutionManager):  # type: ignore[misc] # Hamilton has no types
    """Gives every task to one executor; tasks of inputs alone run in this thread."""

    def __init__(self, executor: TaskExecutor) -> None:
        self._executor, self._for_inputs = executor, SynchronousLocalTaskExecutor()
        super().__init__([executor])

    def get_executor_for_task(self, task: TaskImplementation) -> TaskExecutor:
        """The executor for a task."""
        # An input has its value already: sending it away only to get it back costs time.
        is_input = all(node.user_defined for node in task.nodes)
        return self._for_inputs if is_input else self._executor


class ThreadPool(Pool):
    """Threads of this process; they are not waited for, so that an interrupted run ends at once."""

    def init(self) -> None:
        """Create the pool."""
        self._threads = concurrent.futures.ThreadPoolExecutor(self._limit)

    def start(self, task: TaskImplementation) -> concurrent.futures.Future[Any]:
        """Start a task in a thread."""
        return self._threads.submit(base_execute_task, task)

    def finalize(self) -> None:
        """Shut it down; only after a failure something may still run in it."""
        self._threads.shutdown(wait=False, cancel_futures=True)
