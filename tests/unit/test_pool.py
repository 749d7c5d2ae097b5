"""When a pool of tasks waits: not while there may be another task to start."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from flowerpower.run.executors import pool
from flowerpower.run.executors.pool import Pool

LONG = 60.0
"""Seconds of a wait that nothing ends."""


class Tasks(Pool):
    """Tasks that a test ends."""

    def start(self, task: Any) -> Future[Any]:
        return task.future  # type: ignore[no-any-return]

    def init(self) -> None:
        pass

    def finalize(self) -> None:
        pass


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Tasks:
    monkeypatch.setattr(pool, "POLL_SECONDS", LONG)
    return Tasks(None)


def begin(tasks: Tasks) -> Future[Any]:
    future: Future[Any] = Future()
    purpose = SimpleNamespace(is_gatherer=lambda: False)
    tasks.submit_task(SimpleNamespace(future=future, purpose=purpose, nodes=[]))  # type: ignore[arg-type]
    return future


def test_after_a_new_task_each_is_polled_once_without_a_wait(tasks: Tasks) -> None:
    """The loop goes on to the next task that can be started, however many run already."""
    running = [begin(tasks) for _ in range(3)]
    since = time.monotonic()
    assert [tasks.poll(future) for future in running] == [False] * 3
    tasks.hurry()
    assert [tasks.poll(future) for future in running] == [False] * 3
    assert time.monotonic() - since < LONG / 2


def test_a_wait_ends_with_any_task(tasks: Tasks) -> None:
    """What is polled may be another task than the one that ends."""
    first, second = begin(tasks), begin(tasks)
    assert [tasks.poll(first), tasks.poll(second)] == [False, False]
    since = time.monotonic()
    threading.Timer(0.05, second.set_result, [{}]).start()
    assert not tasks.poll(first)
    assert 0.04 < time.monotonic() - since < LONG / 2
    assert tasks.poll(second)
