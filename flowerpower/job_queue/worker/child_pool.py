"""The children of a worker, idle or at work, and their fork server, restarted when it dies.

The worker's calling thread keeps them (`serve`): it alone speaks to the fork server. The threads of
the slots acquire children and ask it for signals.
"""

from __future__ import annotations

import selectors
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from flowerpower.job_queue.notices.commands import left_alone
from flowerpower.job_queue.worker import isolation
from flowerpower.job_queue.worker.attempt import Attempt
from flowerpower.job_queue.worker.child_exit import EXIT_LIMIT
from flowerpower.job_queue.worker.child_pipes import Child
from flowerpower.job_queue.worker.fork_server_client import (
    ChildEnded,
    ChildNotStarted,
    ForkServer,
    ForkServerDied,
)
from flowerpower.job_queue.worker.fork_servers import ForkServers
from flowerpower.job_queue.worker.json_lines import Message
from flowerpower.job_queue.worker.pooled_child import PooledChild
from flowerpower.job_queue.worker.wakeup import WakeUp
from flowerpower.triggers import clock

ENTRY = "flowerpower.pipeline.execute:run_in_child"
PRELOAD = ("flowerpower.pipeline.execute:warm_up",)
READ_AHEAD = "flowerpower.pipeline.execute:read_ahead"
PING_EVERY = 1.0
START_EVERY = 1.0
"""Seconds between two tries to start a fork server, or a child that could not be started."""
LEASE_CHECK = 0.2
"""Seconds between two looks whether the worker's lease allows a child to begin again."""


class ChildPool:
    """At most `size` children, idle or running attempts.

    `may_begin` says whether an attempt may begin now. `on_trouble` is called with a sentence while
    no children can be started. The fork server imports what the pipelines of the project in
    `folder` are known to import. `put_back` is given attempts that a child was given, and that are
    to wait again.
    """

    def __init__(
        self,
        size: int,
        silence_limit: float,
        may_begin: Callable[[], bool],
        on_trouble: Callable[[str], None],
        folder: str = "",
        put_back: Callable[[Sequence[Attempt]], None] = lambda _: None,
    ) -> None:
        self._size = size
        self._put_back = put_back
        self._may_begin = may_begin
        self._on_trouble = on_trouble
        self._start_at = 0.0
        self._pinged = 0.0
        self._selector = selectors.DefaultSelector()

        def make_server(modules: list[str]) -> ForkServer:
            arguments = {"folder": folder, "modules": modules}
            return ForkServer(
                ENTRY, PRELOAD, silence_limit, preload_arguments=arguments, read_ahead=READ_AHEAD
            )

        self._servers = ForkServers(make_server, self._selector)
        self._wakeup = WakeUp()
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        # What the threads share, under the lock of this condition.
        self._changed = threading.Condition()
        self._children: dict[Child, PooledChild] = {}
        self._idle: list[PooledChild] = []
        self._waiting = 0
        self._is_open = True
        self._signals: deque[tuple[Child, int]] = deque()
        self._to_read: deque[Message] = deque()
        # Kept for the next child: a late `wake` of an old one is harmless then.
        self._spare_wakeups: list[WakeUp] = []

    # From any thread

    @property
    def can_start(self) -> bool:
        """Whether children can be started, as far as is known."""
        return self._servers.is_running and clock.monotonic() >= self._start_at

    @property
    def is_full(self) -> bool:
        """Whether every child that there may be is at work."""
        with self._changed:
            return not self._idle and len(self._children) >= self._size

    def wake(self) -> None:
        """Let `serve` return soon; from any thread, or a signal handler."""
        self._wakeup.wake()

    def acquire(self, attempt: Attempt) -> PooledChild | None:
        """Wait for a child; None once the attempt waits for none any more (see `look_again`)."""
        with self._changed:
            self._waiting += 1
            try:
                while self._is_open and attempt.is_waiting and attempt.stop_reason is None:
                    if self._idle and self._may_begin():
                        return self._take_idle()
                    if not self._idle and len(self._children) < self._size:
                        self.wake()
                    self._changed.wait(LEASE_CHECK if self._idle else None)
            finally:
                self._waiting -= 1
            # Somebody else may be waiting for the child that this thread was woken for.
            if self._idle:
                self._changed.notify()
        # One that is to be stopped is ended by `Slots.end_waiting`.
        self.wake()
        return None

    def _take_idle(self) -> PooledChild:
        held = self._idle.pop()
        held.forget_output()
        return held

    def look_again(self) -> None:
        """Have those that wait for a child see whether they still do."""
        with self._changed:
            self._changed.notify_all()

    def give_back(self, held: PooledChild) -> None:
        """The child waits for its next attempt."""
        with self._changed:
            if self._is_open and held.ended is None:
                self._idle.append(held)
                self._changed.notify()
                return
        self.drop(held)

    def drop(self, held: PooledChild) -> None:
        """Remove a child that gets no more attempts, and make sure that it ends."""
        held.let_go()
        self.signal(held, signal.SIGKILL)
        with self._changed:
            if self._children.pop(held.child, None) is not None:
                self._spare_wakeups.append(held.wakeup)

    def signal(self, held: PooledChild, number: int) -> None:
        """Send a signal to a child and what it has started; nothing if it has ended."""
        self._signals.append((held.child, number))
        self.wake()

    def learn(self, modules: Iterable[str]) -> None:
        """A job has imported modules that its fork server had not imported."""
        with self._changed:
            is_news = self._servers.learn(modules)
        if is_news:
            self.wake()

    def read_ahead(self, arguments: Message) -> None:
        """Let the next children find what `READ_AHEAD` has read, when called with these."""
        self._to_read.append(arguments)
        self.wake()

    # In the calling thread

    def start(self) -> None:
        """Start the fork server; the calling thread must be the one that serves."""
        self._start_at = clock.monotonic() + START_EVERY
        try:
            self._servers.start()
        except OSError as error:
            self._on_trouble(f"No fork server could be started: {error}.")
            return
        self._start_at = 0.0

    def serve(self, seconds: float) -> None:
        """Do what the slots ask for, about that long or until something happens."""
        if clock.monotonic() - self._pinged >= PING_EVERY:
            self._servers.ping()
            with left_alone() as commands:
                isolation.reap_orphans([*self._servers.pids(), *commands])
            self._pinged = clock.monotonic()
        self._selector.select(seconds)
        self._wakeup.clear()
        while self._signals:
            child, number = self._signals.popleft()
            self._servers.kill(child, number)
        while self._to_read:
            self._servers.read_ahead(self._to_read.popleft())
        self._restart_server()
        self._note_ends()
        self._servers.replace()
        self._fork_wanted()

    def _restart_server(self) -> None:
        """Start a new server if it is dead; it reports the children that died with it."""
        if self._servers.has_died():
            self._on_trouble("The fork server died, and its children with it. It is restarted.")
        if not self._servers.is_running and clock.monotonic() >= self._start_at:
            self.start()

    def _note_ends(self) -> None:
        for child, ended in self._servers.reports():
            with self._changed:
                held = self._children.get(child)
                if held is None:
                    continue
                held.ended = ended
                is_idle = held in self._idle
                if is_idle:
                    self._idle.remove(held)
            if is_idle:
                self.drop(held)
            else:
                held.wake()

    def _fork_wanted(self) -> None:
        while self._is_child_wanted():
            try:
                child = self._servers.new_child()
            except (ForkServerDied, ChildNotStarted) as error:
                self._start_at = clock.monotonic() + START_EVERY
                self._on_trouble(error.message)
                return
            with self._changed:
                wakeup = self._spare_wakeups.pop() if self._spare_wakeups else WakeUp()
                wakeup.clear()
                held = self._children[child] = PooledChild(
                    child, wakeup, self.signal, self._put_back
                )
                self._idle.append(held)
                self._changed.notify()

    def _is_child_wanted(self) -> bool:
        with self._changed:
            is_wanted = self._waiting > len(self._idle) and len(self._children) < self._size
        return is_wanted and self.can_start and self._may_begin()

    def end_idle(self, is_urgent: Callable[[], bool]) -> None:
        """Let the children that wait for an attempt end by themselves, unless it `is_urgent`."""
        with self._changed:
            self._is_open = False
            idle, self._idle = self._idle, []
            self._changed.notify_all()
        for held in idle:
            # One that waits for a request ends when its pipes are closed.
            held.child.close()
        deadline = clock.monotonic() + EXIT_LIMIT
        while idle and not is_urgent() and clock.monotonic() < deadline:
            self.serve(0.1)
            idle = [held for held in idle if held.ended is None]

    def close(self) -> None:
        """End all children and the server; threads that follow a child are told of its end."""
        self._servers.close()
        self._note_ends()
        with self._changed:
            left = [held for held in self._children.values() if held.ended is None]
        for held in left:
            held.ended = ChildEnded(held.child.pid, -signal.SIGKILL, lost=True)
            held.wake()
        self._selector.close()

    def close_wakeups(self) -> None:
        """Close what wakes threads, once no thread follows a child or asks for one any more."""
        left = [held.wakeup for held in self._children.values()]
        for wakeup in (self._wakeup, *self._spare_wakeups, *left):
            wakeup.close()
