"""Tasks of Hamilton's that run at once, and how their ends are waited for."""

from __future__ import annotations

import abc
import concurrent.futures
from dataclasses import dataclass
from typing import Any

from hamilton.execution.executors import TaskExecutor, TaskFuture
from hamilton.execution.grouping import TaskImplementation
from hamilton.execution.state import TaskState

LOOK = 0.02
"""Seconds at most between two looks at what runs; the end of a task is noticed at once."""

LOUD = (
    "hamilton.async_driver",
    "hamilton.driver",
    "hamilton.execution",
    "hamilton.function_modifiers",
    "hamilton.graph",
)
"""Loggers of Hamilton's that say what is told by us; others have something to say."""


class Pool(TaskExecutor, abc.ABC):  # type: ignore[misc] # Hamilton has no types
    """Tasks that run at once, as many as `limit`; None is as many as there are."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._running: set[concurrent.futures.Future[Any]] = set()
        self._is_fresh = False

    @abc.abstractmethod
    def send(self, task: TaskImplementation) -> concurrent.futures.Future[Any]:
        """Begin with a task; the future has its results, by node."""

    def submit_task(self, task: TaskImplementation) -> TaskFuture:
        """Begin with a task."""
        future = self.send(task)
        self._running.add(future)
        self._is_fresh = True
        return _Sent(self, future)

    def can_submit_task(self) -> bool:
        """Whether one more may run."""
        return self._limit is None or len(self._running) < self._limit

    def look(self, future: concurrent.futures.Future[Any]) -> bool:
        """Whether the task has ended.

        Hamilton asks without end. If nothing new began since it asked last, it is made to wait
        for something to end.
        """
        if not future.done() and not self._is_fresh:
            concurrent.futures.wait(
                self._running, timeout=LOOK, return_when=concurrent.futures.FIRST_COMPLETED
            )
        self._is_fresh = False
        done = future.done()
        if done:
            self._running.discard(future)
        return done


@dataclass
class _Sent(TaskFuture):  # type: ignore[misc] # Hamilton has no types
    """A task that was begun."""

    pool: Pool
    future: concurrent.futures.Future[Any]

    def get_state(self) -> TaskState:
        """What Hamilton calls the state it is in."""
        if not self.pool.look(self.future):
            return TaskState.RUNNING
        return TaskState.FAILED if self.future.exception() else TaskState.SUCCESSFUL

    def get_result(self) -> Any:
        """Its results by node, None while it runs."""
        return self.future.result() if self.future.done() else None
