"""The worker's side of the fork server: its start, its children, their signals and their ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowerpower.errors import FlowerpowerError
from flowerpower.job_queue.worker.child_pipes import Child
from flowerpower.job_queue.worker.json_lines import LineReader, LineSocket, Message, to_line
from flowerpower.job_queue.worker.permits import Permits

START_TIMEOUT = 60.0
"""Seconds the server may take to import what it preloads; then to fork, and to end."""
FORK_TIMEOUT = 10.0
END_TIMEOUT = 5.0


class ForkServerDied(FlowerpowerError, code="fork_server_died"):
    """The fork server is gone, and its children with it; a new one can be started."""


class ChildNotStarted(FlowerpowerError, code="child_not_started"):
    """The system has no room for another process."""


@dataclass(frozen=True)
class ChildEnded:
    """The end of a child; `returncode` is negative for a signal, as in `subprocess`.

    `lost` means that its job is not to blame: the worker was silent too long, or the fork server
    died.
    """

    pid: int
    returncode: int
    lost: bool = False


class ForkServer:
    """A separate process that forks children, which run `entry` for one request after another.

    For one thread, which must live as long as the server: on Linux the kernel tells a process of
    its parent's death when the *thread* that forked it ends. `entry` and `preload` are dotted names
    (`module:function`); those in `preload` are called before the first fork, with
    `preload_arguments`, and a missing module is only a warning; `read_ahead` is for the method. The
    server ends its children if it receives no command for `silence_limit` seconds (see `ping`).
    `environ` is the environment of the children, by default the worker's.
    """

    # Started by exec: a lock that a thread of the worker's holds would stay locked in a fork.

    def __init__(
        self,
        entry: str,
        preload: Sequence[str] = (),
        silence_limit: float | None = None,
        environ: Mapping[str, str] | None = None,
        preload_arguments: Mapping[str, Any] | None = None,
        read_ahead: str = "",
    ) -> None:
        self._options = {
            "entry": entry,
            "preload": preload,
            "preload_arguments": preload_arguments or {},
            "silence_limit": silence_limit,
            "read_ahead": read_ahead,
        }
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._pids: set[int] = set()
        self._ended: list[ChildEnded] = []

    def start(self) -> None:
        """Start the server, or a new one after its death; does not wait for its imports."""
        self.close()
        self._commands, commands = socket.socketpair()
        own_end, reports = socket.socketpair()
        self._reports = LineSocket(own_end)
        self._replies = LineReader()
        self._is_ready = False
        self._process = self._open_process(commands, reports)
        options = {**self._options, "path": sys.path, "worker": os.getpid()}
        self._commands.settimeout(START_TIMEOUT)
        with contextlib.suppress(OSError):
            self._commands.sendall(to_line(options))

    def _open_process(
        self, commands: socket.socket, reports: socket.socket
    ) -> subprocess.Popen[bytes]:
        """The process, with its ends of the two sockets, which are closed here."""
        # From 3 up: in a worker that was started without stdin, stdout or stderr, a socket may have
        # such a number, and Popen would replace it.
        ends = [fcntl.fcntl(end.fileno(), fcntl.F_DUPFD_CLOEXEC, 3) for end in (commands, reports)]
        try:
            return subprocess.Popen(  # noqa: S603 - this very interpreter
                [sys.executable, "-P", "-m", f"{__package__}.fork_server", *map(str, ends)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=self._environ,
                pass_fds=ends,
                start_new_session=True,
            )
        finally:
            commands.close()
            reports.close()
            for descriptor in ends:
                os.close(descriptor)

    @property
    def pid(self) -> int | None:
        """The server's process, None before the start and after the end."""
        return self._process.pid if self._process is not None else None

    def fileno(self) -> int:
        """The descriptor that is readable when `reports` has something."""
        return self._reports.fileno()

    def commands_fileno(self) -> int:
        """The descriptor that is readable when the server has become ready, or has died."""
        return self._commands.fileno()

    def is_ready(self) -> bool:
        """Whether it has imported everything, so that `new_child` does not wait for that."""
        if self._process is None or self._is_ready:
            return self._is_ready
        poller = select.poll()
        poller.register(self._commands, select.POLLIN)
        if poller.poll(0):
            with contextlib.suppress(OSError):
                self._read_ready()
        return self._is_ready

    @property
    def is_alive(self) -> bool:
        """Whether the server runs; once it does not, its children are gone too."""
        if self._process is not None and self._process.poll() is not None:
            self._kill_orphans()
            return False
        return self._process is not None

    def new_child(self) -> Child:
        """Fork a child; raises ForkServerDied, or ChildNotStarted if the system has no room."""
        control, childs_control = socket.socketpair()
        (progress, childs_progress), (log, childs_log) = os.pipe(), os.pipe()
        permits = Permits()
        # A child never waits until its progress is read.
        os.set_blocking(childs_progress, False)
        try:
            with childs_control:
                descriptors = childs_control.fileno(), childs_progress, childs_log, permits.reader
                reply = self._ask({"do": "fork"}, *descriptors)
            if "error" in reply:
                raise ChildNotStarted(f"No child process could be started: {reply['error']}.")
        except BaseException:
            control.close()
            permits.close()
            for pipe in (progress, log):
                os.close(pipe)
            raise
        finally:
            for pipe in (childs_progress, childs_log):
                os.close(pipe)
        self._pids.add(reply["pid"])
        return Child(reply["pid"], control, progress, log, permits)

    def ping(self) -> None:
        """Show the server that the worker is alive and not frozen."""
        self._send({"do": "ping"})

    def read_ahead(self, arguments: Message) -> None:
        """Have `read_ahead` called with these before the next fork, for what it keeps."""
        if self._is_ready:
            self._send({"do": "read", "arguments": arguments})

    def kill(self, child: Child, signal_number: int = signal.SIGKILL) -> None:
        """Send a signal to a child's process group; nothing if the child has ended."""
        self._send({"do": "kill", "pid": child.pid, "signal": int(signal_number)})

    def clear(self) -> None:
        """End all children and whatever they have started, and wait for that; forget their ends.

        Raises:
            ForkServerDied: if the server is gone; its children are gone too, or killed.
        """
        try:
            self._ask({"do": "clear"})
        finally:
            self.reports()

    def reports(self) -> list[ChildEnded]:
        """The ends since the last call; a child's last messages and log may still be unread."""
        if self._process is not None:
            self._read_reports()
            if not self._reports.is_open:
                self._kill_server(self._process)
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        """End the server and all its children; no process is left."""
        if self._process is None:
            return
        self._commands.close()
        # A server that was never ready may import for seconds yet, and has no children to end.
        if self._is_ready:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_TIMEOUT)
        self._kill_server(self._process)
        self._reports.close()
        self._process = None

    def _send(self, message: Message) -> None:
        """Send a command that has no reply; it is lost if the server does not read."""
        if self._process is not None:
            with contextlib.suppress(OSError):
                # Not `sendall`, which would wait for the socket's timeout: the descriptor itself
                # does not block.
                os.write(self._commands.fileno(), to_line(message))

    def _ask(self, message: Message, *descriptors: int) -> Message:
        """Send a command that has a reply, which is waited for."""
        if self._process is None:
            raise ForkServerDied("The fork server has not been started.")
        try:
            if not self._is_ready:
                self._read_ready()
            socket.send_fds(self._commands, [to_line(message)], descriptors)
            return self._read_reply()
        except OSError as error:
            self._kill_server(self._process)
            raise ForkServerDied(f"The fork server died: {error}.") from None

    def _read_ready(self) -> None:
        self._read_reply()
        self._is_ready = True
        self._commands.settimeout(FORK_TIMEOUT)

    def _read_reply(self) -> Message:
        reply = self._replies.next_from(self._commands)
        if reply is None:
            raise ConnectionError("it closed its socket")
        return reply

    def _read_reports(self) -> None:
        for report in self._reports.messages():
            self._pids.discard(report["pid"])
            self._ended.append(ChildEnded(report["pid"], report["returncode"], report["lost"]))

    def _kill_server(self, server: subprocess.Popen[bytes]) -> None:
        """Make sure that a server which has closed its sockets, or is stuck, is dead."""
        server.kill()
        server.wait()
        self._kill_orphans()

    def _kill_orphans(self) -> None:
        """Kill what is left of the process groups of children whose server is gone."""
        # On Linux the kernel has killed the children; what they started lives on in their groups.
        self._read_reports()
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            self._ended.append(ChildEnded(pid, -signal.SIGKILL, lost=True))
        self._pids.clear()
