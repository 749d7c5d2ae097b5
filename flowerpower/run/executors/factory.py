"""What executes the nodes of a run: this process, its threads, other processes, Ray or Dask.

Hamilton's dynamic execution makes tasks of the nodes; here every task goes to the pool, not only
those of Parallelizable blocks, so that independent nodes run at once.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import os
from typing import TYPE_CHECKING, Any

from hamilton.execution.executors import (
    ExecutionManager,
    SynchronousLocalTaskExecutor,
    TaskExecutor,
    TaskFuture,
    base_execute_task,
)
from hamilton.execution.grouping import TaskImplementation

from flowerpower.config.run_section import ExecutorConfig
from flowerpower.run.blocks import with_collected_items
from flowerpower.run.executors.pool import Pool
from flowerpower.run.modules import not_installed
from flowerpower.run.node_events import NodeEventHook

if TYPE_CHECKING:
    from flowerpower.run.cache.cache import Cache
    from flowerpower.run.cache.tasks import CachedTasks

DEFAULT_THREADS = 8
EXTRAS = {"ray": "ray", "dask": "distributed"}
"""Executors that need an extra of the same name, and the module that it installs."""


def make_executor(
    config: ExecutorConfig, node_events: NodeEventHook, cache: Cache | None = None
) -> ExecutionManager:
    """The execution manager for every executor but `future`, which needs none.

    What is in the `cache` of the run needs no thread and no process.

    Raises:
        ConfigError: if the executor needs an extra that cannot be imported.
        RunFailed: once it runs, if Ray or Dask cannot be reached.
    """
    if config.type == "synchronous":
        return _SingleExecutorManager(_InThisThread())
    cached_tasks = None
    if cache is not None:
        from flowerpower.run.cache.tasks import CachedTasks

        cached_tasks = CachedTasks(cache)
    return _PoolManager(_make_pool(config, node_events, cached_tasks), cached_tasks)


def _make_pool(
    config: ExecutorConfig, node_events: NodeEventHook, cached_tasks: CachedTasks | None
) -> Pool:
    if config.type == "threadpool":
        return ThreadPool(config.max_workers or DEFAULT_THREADS)
    # These need multiprocessing and cloudpickle, which a plain run does not pay for.
    from flowerpower.run.executors.remote_executor import ProcessPool

    workers = config.max_workers or os.cpu_count() or 1
    if config.type == "processpool":
        return ProcessPool(workers, node_events, cached_tasks)
    from flowerpower.run.executors.clusters import Dask, Ray

    try:
        library = importlib.import_module(EXTRAS[config.type])
    except ImportError as error:
        raise not_installed(f"The executor {config.type}", error, config.type) from None
    if config.type == "ray":
        return Ray(library, config, node_events, cached_tasks)
    return Dask(library, config, workers, node_events, cached_tasks)


class _SingleExecutorManager(ExecutionManager):  # type: ignore[misc] # Hamilton has no types
    """Gives every task to one executor."""

    def __init__(self, executor: TaskExecutor) -> None:
        super().__init__([executor])
        self._executor = executor

    def get_executor_for_task(self, task: TaskImplementation) -> TaskExecutor:
        return self._executor


class _PoolManager(_SingleExecutorManager):
    """Gives tasks to a pool; those whose value is there already run in this thread."""

    def __init__(self, pool: Pool, cached_tasks: CachedTasks | None) -> None:
        super().__init__(pool)
        self._pool, self._here, self._cached_tasks = pool, _InThisThread(), cached_tasks

    def get_executor_for_task(self, task: TaskImplementation) -> TaskExecutor:
        # To send a value away only to get it back costs time.
        has_value = all(node.user_defined for node in task.nodes)
        if not has_value and self._cached_tasks is not None:
            has_value = self._cached_tasks.is_cached(task)
        if not has_value:
            return self._pool
        self._pool.hurry()
        return self._here


class _InThisThread(SynchronousLocalTaskExecutor):  # type: ignore[misc] # Hamilton has no types
    """Runs each task at once."""

    def submit_task(self, task: TaskImplementation) -> TaskFuture:
        return super().submit_task(with_collected_items(task))


class ThreadPool(Pool):
    """Threads of this process; they are not waited for, so that an interrupted run ends at once."""

    def init(self) -> None:
        self._threads = concurrent.futures.ThreadPoolExecutor(self._limit)

    def start(self, task: TaskImplementation) -> concurrent.futures.Future[Any]:
        return self._threads.submit(base_execute_task, task)

    def finalize(self) -> None:
        # Only after a failure something may still run.
        self._threads.shutdown(wait=False, cancel_futures=True)
