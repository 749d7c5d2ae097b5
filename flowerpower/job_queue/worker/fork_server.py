"""The fork server: a process that has imported everything and forks a child for each job.

A worker starts it (`fork_server_client`); it never has a second thread. Commands arrive as lines of
JSON on one socket, together with the descriptors of each new child; the ends of children are
reported on a second one. It lives as long as its worker, and no child outlives it.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import pkgutil
import selectors
import signal
import socket
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from flowerpower.job_queue.worker import child, isolation
from flowerpower.job_queue.worker.json_lines import LineReader, LineSocket, Message, to_line
from flowerpower.job_queue.worker.log_setup import logging_to_worker
from flowerpower.jobs.job_logging import log_without_handlers
from flowerpower.triggers import clock

PARENT_DIED = signal.SIGUSR1
IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""A terminal or a service manager may send these to all processes; only the worker acts on them."""
LAST_WAIT = 2.0
"""Seconds the server waits at its end for children that it has killed."""


class ForkServerProgram:
    """The loop: obeys the worker, forks, reaps, and ends everything when the worker is gone."""

    def __init__(self, commands: socket.socket, reports: socket.socket) -> None:
        self._commands = commands
        self._reports = LineSocket(reports)
        self._reader = LineReader()
        self._descriptors: list[int] = []
        self._children: dict[int, bool] = {}
        """The children that are not reaped: by pid, whether the server itself has ended it."""
        self._possible_parents: dict[int, set[int]] = {}
        self._is_ending = False
        self._pid = os.getpid()
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._sockets = (commands, reports, self._wake_reader, self._wake_writer)
        for sock in self._sockets:
            sock.setblocking(False)
        self._selector.register(commands, selectors.EVENT_READ, self._read_commands)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, self._reap)
        self._numbers = [self._selector.fileno(), *(sock.fileno() for sock in self._sockets)]

    def prepare(self, options: Message) -> None:
        """Import what children will need, and watch for the worker's death."""
        sys.path[:] = options["path"]
        self._silence_limit: float | None = options["silence_limit"]
        isolation.prepare_streams()
        # Where a pipeline catches an exception, loguru would print all of our frames above it too.
        os.environ.setdefault("LOGURU_BACKTRACE", "false")
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        # Without a handler of its own the signal would not reach the wake-up descriptor.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(PARENT_DIED, self._end)
        isolation.die_with_parent(PARENT_DIED)
        isolation.adopt_orphans()
        # The worker may have died before `die_with_parent`: then no signal comes.
        if os.getppid() != options["worker"]:
            self._is_ending = True
        with logging_to_worker():
            for name in options["preload"]:
                try:
                    pkgutil.resolve_name(name)(**options["preload_arguments"])
                except ImportError as error:
                    log = logging.getLogger(__name__)
                    log.warning("%s cannot be imported before the fork: %s", name, error)
        self._entry: child.Entry = pkgutil.resolve_name(options["entry"])
        self._read_ahead: str = options["read_ahead"]
        log_without_handlers()
        _freeze()
        self._last_command = clock.monotonic()

    def run(self) -> None:
        """Serve until the worker is gone or closes its end; no child is left then."""
        self._reply({"ready": True})
        while not self._is_ending:
            for key, _ in self._selector.select(self._time_left()):
                key.data()
            self._reports.flush()
            self._kill_if_silent()
        self._end_all()

    def _end(self, *_: Any) -> None:
        self._is_ending = True

    def _time_left(self) -> float | None:
        if not self._reports.is_flushed:
            return 0.05
        if self._silence_limit is None or all(self._children.values()):
            return None
        return max(0.0, self._last_command + self._silence_limit - clock.monotonic())

    def _kill_if_silent(self) -> None:
        """Kill the children of a worker that has sent no command for too long."""
        # A frozen worker (SIGSTOP) loses its lease, and others take its jobs: without this a job
        # would run twice at once.
        limit = self._silence_limit
        if limit is not None and clock.monotonic() >= self._last_command + limit:
            self._kill_all()

    def _kill_all(self) -> None:
        for pid, is_lost in self._children.items():
            if not is_lost:
                self._children[pid] = True
                isolation.signal_group(pid, signal.SIGKILL)

    def _read_commands(self) -> None:
        try:
            data, ancillary, _, _ = self._commands.recvmsg(65_536, socket.CMSG_SPACE(16))
        except BlockingIOError:
            return
        except ConnectionError:
            data, ancillary = b"", []
        if not data:
            # The end of the pipe is how a worker's death is seen where there is no PDEATHSIG.
            self._is_ending = True
            return
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self._descriptors += memoryview(content).cast("i").tolist()
        for message in self._reader.feed(data):
            self._last_command = clock.monotonic()
            self._obey(message)

    def _obey(self, message: Message) -> None:
        if message["do"] == "fork":
            descriptors = self._descriptors[:4]
            del self._descriptors[:4]
            self._fork(*descriptors)
        elif message["do"] == "read":
            # What cannot be read now is read, and its error said, by the child that needs it.
            with contextlib.suppress(Exception):
                pkgutil.resolve_name(self._read_ahead)(**message["arguments"])
            _freeze()
        elif message["do"] == "clear":
            self._end_all()
            self._reply({"clear": True})
        # Only what has not been reaped: another process may have an old child's pid.
        elif message["do"] == "kill" and message["pid"] in self._children:
            isolation.signal_group(message["pid"], message["signal"])

    def _fork(self, control: int, progress: int, log: int, permits: int) -> None:
        isolation.reseed()
        # Signals wait until the child has its own process group and handlers: a handler of the
        # server must not run in it.
        old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
            if pid == 0:
                self._be_child(control, progress, log, permits)
        except OSError as error:
            self._reply({"error": error.strerror})
        else:
            self._children[pid] = False
            self._reply({"pid": pid})
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)
            for descriptor in (control, progress, log, permits):
                os.close(descriptor)

    def _be_child(self, control: int, progress: int, log: int, permits: int) -> None:
        try:
            os.setsid()
            isolation.die_with_parent(signal.SIGKILL)
            # The server may have died before that: then no signal comes.
            if os.getppid() != self._pid:
                os._exit(child.EXIT_BROKEN)
            # A child that held the server's sockets would hide the server's end from the worker.
            # By their numbers: the child would have to copy the memory of the objects.
            for descriptor in (*self._numbers, *self._descriptors):
                os.close(descriptor)
            isolation.restore_signals([*IGNORED, signal.SIGCHLD, PARENT_DIED])
            channel = child.Channel(control, progress, permits)
            child.live(channel, log, self._entry, self._umask)
        finally:
            os._exit(child.EXIT_BROKEN)

    def _reply(self, message: Message) -> None:
        with contextlib.suppress(OSError):
            self._commands.send(to_line(message))

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_reader.recv(4096)
        for pid, returncode in isolation.reap(list(self._children), self._kill_group):
            is_lost = self._children.pop(pid, None)
            if is_lost is not None:
                self._reports.send({"pid": pid, "returncode": returncode, "lost": is_lost})
            self._possible_parents.pop(pid, None)
        self._kill_orphans()

    def _kill_group(self, pid: int) -> None:
        """Kill what is left of the process group of a child that has ended."""
        if pid in self._children:
            isolation.signal_group(pid, signal.SIGKILL)

    def _kill_orphans(self) -> None:
        """Kill adopted orphans once every child that may have started them has ended."""
        # They left their group (setsid), so nothing says whose they are: an orphan may belong to
        # any child that ran when it was first seen, except one that is younger. (The child that
        # takes the next job is often forked before the last one's end is seen.)
        running = set(self._children)
        for pid in isolation.own_children():
            if pid in running:
                continue
            if pid not in self._possible_parents:
                self._possible_parents[pid] = isolation.not_younger(running, pid)
            if not self._possible_parents[pid] & running:
                isolation.signal_group(pid, signal.SIGKILL)

    def _end_all(self) -> None:
        self._kill_all()
        deadline = clock.monotonic() + LAST_WAIT
        while clock.monotonic() < deadline:
            self._reap()
            orphans = isolation.own_children()
            if not orphans and not self._children:
                return
            for pid in orphans:
                isolation.signal_group(pid, signal.SIGKILL)
            self._selector.select(0.01)


def _freeze() -> None:
    # A collection in a child would write to the pages that it shares with this process.
    gc.collect()
    gc.freeze()


def main(arguments: Sequence[str]) -> None:
    """Serve on the two descriptors that are named; the first message holds the options."""
    # Otherwise the next file to be opened would become stdin, stdout or stderr.
    for descriptor in range(3):
        if isolation.file_on(descriptor) is None:
            os.open(os.devnull, os.O_RDWR)
    # OpenBLAS has threads as soon as NumPy is imported, but prepares itself for each fork.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    commands, reports = (socket.socket(fileno=int(number)) for number in arguments)
    options = LineReader().next_from(commands)
    if options is not None:
        program = ForkServerProgram(commands, reports)
        program.prepare(options)
        program.run()


if __name__ == "__main__":
    main(sys.argv[1:])
