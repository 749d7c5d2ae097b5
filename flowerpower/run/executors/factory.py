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
"""Executors that need an extra of their own name, and the module it brings."""


def make_executor(config: ExecutorConfig, recorder: NodeEventHook) -> ExecutionManager:
    """What Hamilton gives the tasks of a run to, for every type but `future`.

    Raises:
        ConfigError: if the executor needs an extra that is not installed.
        RunFailed: once it runs, if Ray or Dask cannot be reached.
    """
    if config.type == "synchronous":
        return _Everything(_Here())
    if config.type == "threadpool":
        return _Everything(_Threads(config.max_workers or DEFAULT_THREADS))
    from flowerpower.run.executors.remote_executor import Processes

    workers = config.max_workers or os.cpu_count() or 1
    if config.type == "processpool":
        return _Everything(Processes(workers, recorder))
    from flowerpower.run.executors.clusters import Dask, Ray

    library = _import_extra(config.type)
    if config.type == "ray":
        return _Everything(Ray(library, config, recorder))
    return _Everything(Dask(library, config, workers, recorder))


def check_installed(kind: str) -> None:
    """What the executor needs is there.

    Raises:
        ConfigError: if not, with what to install.
    """
    if kind in EXTRAS and importlib.util.find_spec(EXTRAS[kind]) is None:
        raise _not_installed(kind, f"there is no module {EXTRAS[kind]!r}")


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


class _Everything(ExecutionManager):  # type: ignore[misc] # Hamilton has no types
    """Gives every task to one executor; what is an input already stays here."""

    def __init__(self, executor: TaskExecutor) -> None:
        self._executor, self._here = executor, _Here()
        super().__init__([executor])

    def get_executor_for_task(self, task: TaskImplementation) -> TaskExecutor:
        """The executor, but for inputs."""
        is_given = all(each.user_defined for each in task.nodes)
        return self._here if is_given else self._executor


class _Here(SynchronousLocalTaskExecutor):  # type: ignore[misc] # Hamilton has no types
    """This thread."""


class _Threads(Pool):
    """Threads, not waited for: a run that is interrupted ends at once."""

    def init(self) -> None:
        """Make them."""
        self._threads = concurrent.futures.ThreadPoolExecutor(self._limit)

    def send(self, task: TaskImplementation) -> concurrent.futures.Future[Any]:
        """Begin with a task."""
        return self._threads.submit(base_execute_task, task)

    def finalize(self) -> None:
        """Let go of them; a run that has worked leaves nothing in them."""
        self._threads.shutdown(wait=False, cancel_futures=True)
