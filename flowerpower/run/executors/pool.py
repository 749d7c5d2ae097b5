"""Hamilton tasks that run at once, and how the end of each is noticed."""

from __future__ import annotations

import abc
import concurrent.futures
from typing import Any

from hamilton.execution.executors import TaskExecutor, TaskFutureWrappingPythonFuture
from hamilton.execution.grouping import TaskImplementation
from hamilton.execution.state import TaskState

from flowerpower.run.blocks import with_collected_items

POLL_SECONDS = 0.02
"""Longest wait between two polls; the end of a task ends the wait at once."""


class Pool(TaskExecutor, abc.ABC):  # type: ignore[misc] # Hamilton has no types
    """Runs up to `limit` tasks at once; None is without a limit."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._running: set[concurrent.futures.Future[Any]] = set()
        self._polls_to_hurry = 0

    @abc.abstractmethod
    def start(self, task: TaskImplementation) -> concurrent.futures.Future[Any]:
        """Start a task; the future's result is a dictionary of values by node."""

    def submit_task(self, task: TaskImplementation) -> TaskFutureWrappingPythonFuture:
        future = self.start(with_collected_items(task))
        self._running.add(future)
        self.hurry()
        return _PoolTask(future, self)

    def can_submit_task(self) -> bool:
        return self._limit is None or len(self._running) < self._limit

    def hurry(self) -> None:
        """Poll each running task once without a wait: there may be another task to start."""
        self._polls_to_hurry = len(self._running)

    def poll(self, future: concurrent.futures.Future[Any]) -> bool:
        """Whether the task has ended."""
        # Hamilton polls all tasks in a busy loop. Unless it has just started something, here or
        # elsewhere, it has nothing else to do, so this waits for any task to end.
        if self._polls_to_hurry:
            self._polls_to_hurry -= 1
        elif not future.done():
            concurrent.futures.wait(
                self._running, timeout=POLL_SECONDS, return_when=concurrent.futures.FIRST_COMPLETED
            )
        done = future.done()
        if done:
            self._running.discard(future)
        return done


class _PoolTask(TaskFutureWrappingPythonFuture):  # type: ignore[misc] # Hamilton has no types
    def __init__(self, future: concurrent.futures.Future[Any], pool: Pool) -> None:
        super().__init__(future)
        self._pool = pool

    def get_state(self) -> TaskState:
        # Hamilton's own would log a failure.
        if not self._pool.poll(self.future):
            return TaskState.RUNNING
        return TaskState.FAILED if self.future.exception() else TaskState.SUCCESSFUL
