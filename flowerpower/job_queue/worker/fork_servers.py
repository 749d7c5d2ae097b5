"""A worker's fork server, and those before it that still have children.

A fork server imports packages before it forks. When jobs turn out to import others, a new server is
started that imports them too; once it is ready it forks all children, and the one before ends
with its last child.
"""

from __future__ import annotations

import contextlib
import selectors
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flowerpower.job_queue.worker.child_pipes import Child
from flowerpower.job_queue.worker.fork_server_client import ChildEnded, ForkServer
from flowerpower.job_queue.worker.json_lines import Message
from flowerpower.triggers import clock

REPLACE_EVERY = 10.0
"""Seconds between two starts of servers that are to replace another."""
READ_EVERY = 10.0
"""Seconds between two times that a server is to read the same files ahead."""
MAX_READ = 32
"""How many different ones in that time; of more, a server would not keep all."""


@dataclass(eq=False)
class _Running:
    """A server that was started, and its children by process id."""

    server: ForkServer
    children: dict[int, Child] = field(default_factory=dict)


class ForkServers:
    """At most one server that forks; `make` gives one that imports some modules before it forks.

    `selector` is told of all that there is news from. For one thread, except for `learn`.
    """

    def __init__(
        self, make: Callable[[list[str]], ForkServer], selector: selectors.BaseSelector
    ) -> None:
        self._make, self._selector = make, selector
        self._modules: frozenset[str] = frozenset()
        self._current = _Running(make([]))
        self._current_modules = self._modules
        self._next: _Running | None = None
        self._next_modules = self._modules
        self._old: list[_Running] = []
        self._replace_at = 0.0
        self._read_at: dict[str, float] = {}
        self.is_running = False

    def learn(self, modules: Iterable[str]) -> bool:
        """Jobs import these modules; whether that is news. From any thread."""
        known, self._modules = self._modules, self._modules.union(modules)
        return known != self._modules

    def start(self) -> None:
        """Start the server that forks.

        Raises:
            OSError: if the system has no room for it.
        """
        self._current.server.start()
        self._read_at.clear()
        self._selector.register(self._current.server.fileno(), selectors.EVENT_READ)
        self.is_running = True

    def pids(self) -> list[int | None]:
        """The processes of all servers."""
        return [running.server.pid for running in self._all()]

    def ping(self) -> None:
        """Show them that the worker is alive and not frozen."""
        for running in self._all():
            running.server.ping()

    def new_child(self) -> Child:
        """Fork a child; raises as `ForkServer.new_child`."""
        child = self._current.server.new_child()
        self._current.children[child.pid] = child
        return child

    def read_ahead(self, arguments: Message) -> None:
        """Have the server that forks read files for its next children, but not all the time."""
        # Where it keeps something else by then, children read them as if there were no server.
        now, key = clock.monotonic(), repr(arguments)
        self._read_at = {what: at for what, at in self._read_at.items() if now - at < READ_EVERY}
        if key not in self._read_at and len(self._read_at) < MAX_READ:
            self._read_at[key] = now
            self._current.server.read_ahead(arguments)

    def kill(self, child: Child, number: int) -> None:
        """Send a signal to a child's process group; nothing if the child has ended."""
        for running in self._all():
            if running.children.get(child.pid) is child:
                running.server.kill(child, number)

    def reports(self) -> list[tuple[Child, ChildEnded]]:
        """The ends since the last call, as `ForkServer.reports`."""
        reports = []
        for running in self._all():
            for ended in running.server.reports():
                # A process id may be used again, by another server, before its end is read here.
                child = running.children.pop(ended.pid, None)
                if child is not None:
                    reports.append((child, ended))
        return reports

    def has_died(self) -> bool:
        """Whether the server that forks has died since `start`; it can be started again."""
        if self._current.server.is_alive or not self.is_running:
            return False
        self._selector.unregister(self._current.server.fileno())
        self.is_running = False
        return True

    def replace(self) -> None:
        """Go on with replacing the server by one that imports more, and end those without children.

        Returns at once. A server that is not ready takes the time that it needs.
        """
        wanted = self._modules
        if self._next is None and self.is_running and wanted != self._current_modules:
            if clock.monotonic() >= self._replace_at:
                self._start_next(wanted)
        elif self._next is not None and self._next.server.is_ready():
            self._selector.unregister(self._next.server.commands_fileno())
            self._old.append(self._current)
            self._current, self._next = self._next, None
            self._current_modules = self._next_modules
            self._read_at.clear()
            self._selector.register(self._current.server.fileno(), selectors.EVENT_READ)
            self.is_running = True
        elif self._next is not None and not self._next.server.is_alive:
            self._drop_next()
        for running in [old for old in self._old if not old.children]:
            # Of one that has died, `has_died` has done this.
            with contextlib.suppress(KeyError):
                self._selector.unregister(running.server.fileno())
            running.server.close()
            self._old.remove(running)

    def _start_next(self, modules: frozenset[str]) -> None:
        self._replace_at = clock.monotonic() + REPLACE_EVERY
        running = _Running(self._make(sorted(modules)))
        try:
            running.server.start()
        except OSError:
            # The one that runs serves as well, only slower.
            return
        self._next, self._next_modules = running, modules
        self._selector.register(running.server.commands_fileno(), selectors.EVENT_READ)

    def _drop_next(self) -> None:
        if self._next is not None:
            self._selector.unregister(self._next.server.commands_fileno())
            self._next.server.close()
            self._next = None

    def close(self) -> None:
        """End all servers and their children."""
        self._drop_next()
        for running in self._all():
            running.server.close()

    def _all(self) -> list[_Running]:
        return [self._current, *self._old, *([self._next] if self._next is not None else [])]
