"""The children of a worker, idle or at work, and their fork server, restarted when it dies."""

from __future__ import annotations

import contextlib
import os
import selectors
from collections.abc import Callable
from typing import Any

from flowerpower.job_queue.worker import isolation
from flowerpower.job_queue.worker.attempt import Attempt
from flowerpower.job_queue.worker.child_exit import EXIT_LIMIT
from flowerpower.job_queue.worker.fork_server_client import (
    Child,
    ChildEnded,
    ChildNotStarted,
    ForkServer,
    ForkServerDied,
)
from flowerpower.triggers import clock

ENTRY = "flowerpower.pipeline.execute:run_in_child"
PRELOAD = ("flowerpower.pipeline.execute:warm_up",)
PING_EVERY = 1.0
START_EVERY = 1.0
"""Seconds between two tries to start a fork server, or a child that could not be started."""


class ChildPool:
    """At most `size` children, idle or running attempts; for one thread, except `wake`.

    `on_trouble` is called with a sentence while no children can be started.
    """

    def __init__(self, size: int, silence_limit: float, on_trouble: Callable[[str], None]) -> None:
        self._size = size
        self._on_trouble = on_trouble
        self._server = ForkServer(ENTRY, PRELOAD, silence_limit)
        self._server_runs = False
        self._start_at = 0.0
        self._children: dict[int, Child] = {}
        self._pinged = 0.0
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, "wake")

    @property
    def can_start(self) -> bool:
        """Whether children can be started, as far as is known."""
        return self._server_runs and clock.monotonic() >= self._start_at

    def wake(self) -> None:
        """Let `poll` return soon; from any thread, or a signal handler."""
        with contextlib.suppress(OSError):
            os.write(self._wake_writer, b"x")

    def start(self) -> None:
        """Start the fork server; the calling thread must be the one that polls."""
        self._start_at = clock.monotonic() + START_EVERY
        try:
            self._server.start()
        except OSError as error:
            self._on_trouble(f"No fork server could be started: {error}.")
            return
        self._selector.register(self._server.fileno(), selectors.EVENT_READ, "reports")
        self._server_runs, self._start_at = True, 0.0

    def end_idle(self, is_urgent: Callable[[], bool]) -> None:
        """Let the children that wait for an attempt end by themselves, unless it `is_urgent`."""
        idle = {pid for pid, child in self._children.items() if child.attempt is None}
        for pid in idle:
            self._release(self._children[pid])
        deadline = clock.monotonic() + EXIT_LIMIT
        while idle and not is_urgent() and clock.monotonic() < deadline:
            _, ended = self.poll(0.1)
            idle -= {child.pid for child, _ in ended}

    def close(self) -> None:
        """End all children and the server."""
        self._server.close()
        self._selector.close()
        for child in self._children.values():
            child.close()
        self._children.clear()
        # First forgotten, then closed: another thread's `wake` must not write to a descriptor that
        # by then belongs to somebody else.
        ends = self._wake_reader, self._wake_writer
        self._wake_reader = self._wake_writer = -1
        for end in ends:
            os.close(end)

    def poll(self, seconds: float) -> tuple[list[Child], list[tuple[Child, ChildEnded]]]:
        """Wait about that long or until something happens: who can be read, and who has ended."""
        if clock.monotonic() - self._pinged >= PING_EVERY:
            self._server.ping()
            isolation.reap_orphans([self._server.pid])
            self._pinged = clock.monotonic()
        readable: list[Child] = []
        for key, _ in self._selector.select(seconds):
            if key.data == "wake":
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_reader, 4096)
            elif key.data != "reports" and key.data not in readable:
                readable.append(key.data)
        self._restart_server()
        ended = [end for end in self._server.reports() if end.pid in self._children]
        return readable, [(self._children[end.pid], end) for end in ended]

    def _restart_server(self) -> None:
        """Start a new server if it is dead; it reports the children that died with it."""
        if self._server.is_alive:
            return
        if self._server_runs:
            self._selector.unregister(self._server.fileno())
            self._server_runs = False
            self._on_trouble("The fork server died, and its children with it. It is restarted.")
        if clock.monotonic() >= self._start_at:
            self.start()

    def acquire(self) -> Child | None:
        """An idle child, or a new one; None if there is no room, or none can be started now."""
        idle = next((child for child in self._children.values() if child.attempt is None), None)
        if idle is not None or len(self._children) >= self._size:
            return idle
        try:
            child = self._server.new_child()
        except (ForkServerDied, ChildNotStarted) as error:
            self._start_at = clock.monotonic() + START_EVERY
            self._on_trouble(error.message)
            return None
        self._children[child.pid] = child
        for number in (child.control, child.log):
            self._selector.register(number, selectors.EVENT_READ, child)
        return child

    def assign(self, child: Child, attempt: Attempt, message: dict[str, Any]) -> None:
        """Have a child run an attempt; with a ValueError (see `to_line`) it stays idle."""
        child.send(message)
        child.attempt, child.attempts_given = attempt, child.attempts_given + 1
        if not child.is_flushed:
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(child.control, both, child)

    def __contains__(self, child: Child) -> bool:
        return self._children.get(child.pid) is child

    def read(self, child: Child) -> tuple[bytes, list[dict[str, Any]]]:
        """The child's new log text and messages; also sends what did not fit before."""
        if not child.is_flushed and child.flush():
            self._selector.modify(child.control, selectors.EVENT_READ, child)
        text, messages = child.read_log(), child.messages()
        if not child.control_is_open:
            self._ignore(child.control)
        if not child.log_is_open:
            self._ignore(child.log)
        return text, messages

    def drop(self, child: Child) -> None:
        """Remove a child that gets no more attempts, and make sure that it ends."""
        child.attempt = None
        del self._children[child.pid]
        self._release(child)
        self._server.kill(child)

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to a child and what it has started."""
        self._server.kill(self._children[pid], number)

    def _release(self, child: Child) -> None:
        """Close the pipes to a child: if it waits for a request, it ends."""
        self._ignore(child.control)
        self._ignore(child.log)
        child.close()

    def _ignore(self, number: int) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(number)
