"""The fork server: a small process that has imported much and forks a child per job.

It is exec'ed by a worker (`fork_server_client`) and never has a second thread. Commands come
as lines of JSON on one socket, with the descriptors of each new child beside them; deaths of
children are told on a second one. It lives as long as its worker, and no child outlives it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import selectors
import signal
import socket
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flowerpower.job_queue.worker import child, isolation, processes
from flowerpower.job_queue.worker.json_lines import LineReader, LineWriter, Message, to_line
from flowerpower.triggers import clock

PARENT_DIED = signal.SIGUSR1
IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What may be sent to all processes of a terminal or a service; the worker alone decides."""
LAST_WAIT = 2.0
"""Seconds the server waits at its end for children that it has killed."""


@dataclass
class _Forked:
    """A child that has not been reaped; `lost` once the server itself has ended it."""

    pid: int
    lost: bool = False


class ForkServerProgram:
    """The loop: hears the worker, forks, reaps, and ends everything when the worker is gone."""

    def __init__(self, commands: socket.socket, reports: socket.socket) -> None:
        self._commands = commands
        self._report_socket = reports
        self._reports = LineWriter(reports)
        self._reader = LineReader()
        self._descriptors: list[int] = []
        self._children: dict[int, _Forked] = {}
        self._suspects: dict[int, set[int]] = {}
        self._over = False
        self._pid = os.getpid()
        self._umask = _umask()
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        for each in (commands, reports, self._wake_reader, self._wake_writer):
            each.setblocking(False)
        self._selector.register(commands, selectors.EVENT_READ, self._hear)
        self._selector.register(self._wake_reader, selectors.EVENT_READ, self._wake)

    def prepare(self, options: Message) -> None:
        """Import what children will need, and be ready for the worker's death."""
        sys.path[:] = options["path"]
        self._silence_limit: float | None = options["silence_limit"]
        isolation.prepare_streams()
        for each in IGNORED:
            signal.signal(each, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(PARENT_DIED, self._end)
        processes.die_with_parent(PARENT_DIED)
        processes.adopt_orphans()
        if os.getppid() != options["worker"]:
            self._over = True
        for name in options["preload"]:
            _preload(name)
        self._entry: child.Entry = _resolved(options["entry"])
        isolation.prepare_logging()
        gc.collect()
        gc.freeze()
        self._last_heard = clock.monotonic()

    def run(self) -> None:
        """Serve until the worker is gone or closes its end; no child is left then."""
        self._answer({"ready": True})
        while not self._over:
            for key, _ in self._selector.select(self._time_left()):
                key.data()
            self._reports.flush()
            self._end_if_silent()
        self._end_all()

    def _end(self, *_: Any) -> None:
        self._over = True

    def _time_left(self) -> float | None:
        if not self._reports.is_flushed:
            return 0.05
        if self._silence_limit is None or all(each.lost for each in self._children.values()):
            return None
        return max(0.0, self._last_heard + self._silence_limit - clock.monotonic())

    def _end_if_silent(self) -> None:
        limit = self._silence_limit
        if limit is None or clock.monotonic() < self._last_heard + limit:
            return
        for each in self._children.values():
            if not each.lost:
                each.lost = True
                processes.signal_group(each.pid, signal.SIGKILL)

    def _hear(self) -> None:
        try:
            data, ancillary, _, _ = self._commands.recvmsg(65_536, socket.CMSG_SPACE(16))
        except BlockingIOError:
            return
        except ConnectionError:
            data, ancillary = b"", []
        if not data:
            self._over = True
            return
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self._descriptors += memoryview(content).cast("i").tolist()
        for message in self._reader.feed(data):
            self._last_heard = clock.monotonic()
            self._do(message)

    def _do(self, message: Message) -> None:
        if message["do"] == "fork":
            control, log = self._descriptors[:2]
            del self._descriptors[:2]
            self._fork(control, log)
        elif message["do"] == "kill" and message["pid"] in self._children:
            processes.signal_group(message["pid"], message["signal"])

    def _fork(self, control: int, log: int) -> None:
        # Until the child has a group and handlers of its own, a signal waits.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
            if pid == 0:
                self._be_child(control, log)
        except OSError as error:
            self._answer({"error": error.strerror})
        else:
            self._children[pid] = _Forked(pid)
            self._answer({"pid": pid})
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(control)
            os.close(log)

    def _be_child(self, control: int, log: int) -> None:
        try:
            os.setsid()
            processes.die_with_parent(signal.SIGKILL)
            if os.getppid() != self._pid:
                os._exit(child.EXIT_BROKEN)
            self._selector.close()
            for each in (
                self._commands,
                self._report_socket,
                self._wake_reader,
                self._wake_writer,
            ):
                each.close()
            for other in self._descriptors:
                os.close(other)
            processes.restore_signals([*IGNORED, signal.SIGCHLD, PARENT_DIED])
            child.live(socket.socket(fileno=control), log, self._entry, self._umask)
        finally:
            os._exit(child.EXIT_BROKEN)

    def _answer(self, message: Message) -> None:
        with contextlib.suppress(OSError):
            self._commands.send(to_line(message))

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_reader.recv(4096)
        for pid, returncode in processes.reap(list(self._children), self._kill_rest):
            ended = self._children.pop(pid, None)
            if ended is not None:
                report = {"pid": pid, "returncode": returncode, "lost": ended.lost}
                self._reports.put(to_line(report))
            self._suspects.pop(pid, None)
        self._kill_strays()

    def _kill_rest(self, pid: int) -> None:
        """Kill what is left of the group of a child that has ended."""
        if pid in self._children:
            processes.signal_group(pid, signal.SIGKILL)

    def _kill_strays(self) -> None:
        """Kill orphans that left their group, once every child they may come from has ended."""
        running = set(self._children)
        for pid in processes.own_children():
            if pid not in running and not self._suspects.setdefault(pid, running) & running:
                processes.signal_group(pid, signal.SIGKILL)

    def _end_all(self) -> None:
        for pid in self._children:
            processes.signal_group(pid, signal.SIGKILL)
        deadline = clock.monotonic() + LAST_WAIT
        while clock.monotonic() < deadline:
            for pid, _ in processes.reap(list(self._children), self._kill_rest):
                self._children.pop(pid, None)
            strays = processes.own_children()
            if not strays and not self._children:
                return
            for pid in strays:
                processes.signal_group(pid, signal.SIGKILL)
            self._selector.select(0.01)


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _preload(name: str) -> None:
    """Import `module`, or import it and call `module:function`; what is not installed is not."""
    try:
        if ":" in name:
            _resolved(name)()
        else:
            importlib.import_module(name)
    except ImportError as error:
        logging.getLogger(__name__).warning(
            "%s cannot be imported before the fork: %s", name, error
        )


def _resolved(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def main(arguments: Sequence[str]) -> None:
    """Serve on the two descriptors that are named; the first message holds the options."""
    for standard in range(3):
        try:
            os.fstat(standard)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # OpenBLAS has threads as soon as NumPy is imported, and readies itself at each fork.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    commands, reports = (socket.socket(fileno=int(each)) for each in arguments)
    reader = LineReader()
    options: list[Message] = []
    while not options:
        data = commands.recv(65_536)
        if not data:
            return
        options = reader.feed(data)
    program = ForkServerProgram(commands, reports)
    program.prepare(options[0])
    program.run()


if __name__ == "__main__":
    main(sys.argv[1:])
