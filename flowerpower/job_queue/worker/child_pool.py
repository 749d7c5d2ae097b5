"""The children of a worker, idle or at work, and their fork server, started anew when it dies."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flowerpower.job_queue.worker.attempt import Attempt
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
"""Seconds."""
START_EVERY = 1.0
"""Seconds between two tries to start a fork server, or a child where there was no room."""


@dataclass(eq=False)
class PooledChild:
    """A child, the attempt that it makes, if any, and how many it was given so far."""

    child: Child
    attempt: Attempt | None = None
    made: int = 0


class ChildPool:
    """At `most` so many children, waiting for attempts or making them; for one thread, but `wake`.

    `on_trouble` is told a sentence when no children can be had for a while.
    """

    def __init__(self, most: int, silence_limit: float, on_trouble: Callable[[str], None]) -> None:
        self._most = most
        self._on_trouble = on_trouble
        self._server = ForkServer(ENTRY, PRELOAD, silence_limit)
        self._server_runs = False
        self._start_at = 0.0
        self._seats: dict[int, PooledChild] = {}
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

    @property
    def has_room(self) -> bool:
        """Whether a child is idle, or another may be started."""
        return len(self._seats) < self._most or any(
            seat.attempt is None for seat in self._seats.values()
        )

    def wake(self) -> None:
        """Let `listen` return soon; from any thread, or a signal handler."""
        with contextlib.suppress(OSError):
            os.write(self._wake_writer, b"x")

    def start(self) -> None:
        """Start the fork server; the calling thread must be the one that listens."""
        self._start_at = clock.monotonic() + START_EVERY
        try:
            self._server.start()
        except OSError as error:
            self._on_trouble(f"No fork server could be started: {error}.")
            return
        self._selector.register(self._server.fileno(), selectors.EVENT_READ, "reports")
        self._server_runs, self._start_at = True, 0.0

    def close(self) -> None:
        """End all children and the server."""
        self._server.close()
        self._selector.close()
        for seat in self._seats.values():
            seat.child.close()
        self._seats.clear()
        ends = self._wake_reader, self._wake_writer
        self._wake_reader = self._wake_writer = -1
        for each in ends:
            os.close(each)

    def listen(
        self, seconds: float
    ) -> tuple[list[PooledChild], list[tuple[PooledChild, ChildEnded]]]:
        """Wait about so long, or until something happens: who says something, and who has ended."""
        if clock.monotonic() - self._pinged >= PING_EVERY:
            self._server.ping()
            self._pinged = clock.monotonic()
        speaking: list[PooledChild] = []
        for key, _ in self._selector.select(seconds):
            if key.data == "wake":
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_reader, 4096)
            elif key.data != "reports" and key.data not in speaking:
                speaking.append(key.data)
        ended = [*self._server.reports(), *self._lost_with_server()]
        found = {each.pid: each for each in ended if each.pid in self._seats}
        return speaking, [(self._seats[pid], each) for pid, each in found.items()]

    def _lost_with_server(self) -> list[ChildEnded]:
        """Those that died with the server, if it is dead; a new one is started in time."""
        lost: list[ChildEnded] = []
        if self._server.is_alive:
            return lost
        if self._server_runs:
            lost = [ChildEnded(pid, -signal.SIGKILL, lost=True) for pid in self._seats]
            self._selector.unregister(self._server.fileno())
            self._server_runs = False
            self._on_trouble("The fork server died, and its children with it; a new one starts.")
        if clock.monotonic() >= self._start_at:
            self.start()
        return lost

    def take(self) -> PooledChild | None:
        """An idle child, or a new one; None if there can be none now."""
        for seat in self._seats.values():
            if seat.attempt is None:
                return seat
        try:
            child = self._server.new_child()
        except (ForkServerDied, ChildNotStarted) as error:
            self._start_at = clock.monotonic() + START_EVERY
            self._on_trouble(error.message)
            return None
        seat = self._seats[child.pid] = PooledChild(child)
        for number in (child.control, child.log):
            self._selector.register(number, selectors.EVENT_READ, seat)
        return seat

    def give(self, seat: PooledChild, attempt: Attempt, message: dict[str, Any]) -> None:
        """Have a child make an attempt.

        Raises:
            ValueError: if the message cannot be sent; the child is idle still.
        """
        child = seat.child
        child.send(message)
        seat.attempt, seat.made = attempt, seat.made + 1
        if not child.is_flushed:
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(child.control, both, seat)

    def has(self, seat: PooledChild) -> bool:
        """Whether the child has not been dropped."""
        return self._seats.get(seat.child.pid) is seat

    def read(self, seat: PooledChild) -> tuple[bytes, list[dict[str, Any]]]:
        """What the child has printed, and its messages; sends what could not be sent at once."""
        child = seat.child
        if not child.is_flushed and child.flush():
            self._selector.modify(child.control, selectors.EVENT_READ, seat)
        text, messages = child.read_log(), child.messages()
        if not child.control_is_open:
            self._ignore(child.control)
        if not child.log_is_open:
            self._ignore(child.log)
        return text, messages

    def drop(self, seat: PooledChild) -> None:
        """The child has nothing more to do; it ends by itself, or is ended."""
        del self._seats[seat.child.pid]
        self._ignore(seat.child.control)
        self._ignore(seat.child.log)
        seat.child.close()
        self._server.kill(seat.child, signal.SIGKILL)

    def signal(self, child: Child, number: int) -> None:
        """Send a signal to a child and what it has started."""
        self._server.kill(child, number)

    def _ignore(self, number: int) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(number)
