"""The worker's side of the fork server: start it, have children forked, talk to them, end them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowerpower.errors import FlowerpowerError
from flowerpower.job_queue.worker.json_lines import (
    LineReader,
    LineWriter,
    Message,
    receive,
    to_line,
)

_PROGRAM = "flowerpower.job_queue.worker.fork_server"

START_LIMIT = 60.0
"""Seconds the server may take to import what it preloads."""
ANSWER_LIMIT = 10.0
"""Seconds it may take to fork."""
END_LIMIT = 5.0
"""Seconds it may take to end."""
MOST_AT_ONCE = 1024 * 1024
"""Bytes that are read at a time; no more can wait in a pipe once its writer has ended."""


class ForkServerDied(FlowerpowerError):
    """The fork server is gone, and its children with it; a new one can be started."""

    code = "fork_server_died"
    sentence = "The fork server died."


class ChildNotStarted(FlowerpowerError):
    """The system has no room for another process."""

    code = "child_not_started"
    sentence = "No child process could be started."


@dataclass(frozen=True)
class ChildEnded:
    """The end of a child; `returncode` is negative for a signal, as subprocess has it.

    `lost` says that its job is not to blame: the worker was silent too long, or the fork server
    died.
    """

    pid: int
    returncode: int
    lost: bool = False


class Child:
    """A forked process that waits for a request, and the worker's ends of its pipes.

    Nothing here waits. A selector can watch `control` and `log`; once one of them is no longer
    open, it must be taken out.
    """

    def __init__(self, pid: int, control: socket.socket, log: int) -> None:
        self.pid = pid
        self.control_is_open = True
        self.log_is_open = True
        self._socket = control
        self._log = log
        self._reader = LineReader()
        self._writer = LineWriter(control)

    @property
    def control(self) -> int:
        """The descriptor that is readable when messages wait."""
        return self._socket.fileno()

    @property
    def log(self) -> int:
        """The descriptor that is readable when the child has printed something."""
        return self._log

    @property
    def is_flushed(self) -> bool:
        """Whether all that was sent has left; if not, watch `control` for writing and `flush`."""
        return self._writer.is_flushed

    def send(self, message: Message) -> None:
        """Send a message; the part that does not fit leaves at the next `flush`.

        Raises:
            ValueError: if it is not JSON, or longer than LINE_LIMIT.
        """
        self._writer.put(to_line(message))

    def flush(self) -> bool:
        """Send what is left, as far as it fits; whether nothing is left."""
        return self._writer.flush()

    def messages(self) -> list[Message]:
        """The messages that have come; what the child sent that is none has the type `damaged`.

        After a child's end one call gives all that is left.
        """
        if not self.control_is_open:
            return []
        found, self.control_is_open = receive(self._socket, self._reader, MOST_AT_ONCE)
        return found

    def read_log(self) -> bytes:
        """What the child has printed since; after its end one call gives all that is left."""
        chunks, size = [], 0
        while self.log_is_open and size < MOST_AT_ONCE:
            try:
                chunk = os.read(self._log, 262_144)
            except BlockingIOError:
                break
            self.log_is_open = bool(chunk)
            chunks.append(chunk)
            size += len(chunk)
        return b"".join(chunks)

    def close(self) -> None:
        """Let go of the pipes; a child that waits for a request ends by that."""
        self._socket.close()
        if self._log >= 0:
            os.close(self._log)
        self._log = -1
        self.control_is_open = self.log_is_open = False


class ForkServer:
    """A process of its own that forks children which run `entry`, one request after another.

    `entry` and what is in `preload` are dotted names, `module:function`; a module alone may be
    preloaded too, and a function in `preload` is called before the first fork. The server ends
    its children if it hears nothing for `silence_limit` seconds (see `ping`). `environ` is the
    environment of the children, by default the worker's.
    """

    def __init__(
        self,
        entry: str,
        preload: Sequence[str] = (),
        silence_limit: float | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._entry = entry
        self._preload = list(preload)
        self._silence_limit = silence_limit
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._pids: set[int] = set()
        self._ended: list[ChildEnded] = []
        self._lock = threading.RLock()

    def start(self) -> None:
        """Start the server, or a new one after its death; it imports while the caller goes on.

        The thread that calls this must live as long as the server.
        """
        self.close()
        self._commands, commands = socket.socketpair()
        self._reports, reports = socket.socketpair()
        self._reports.setblocking(False)
        self._answers = LineReader()
        self._report_lines = LineReader()
        self._is_ready = False
        ends = [
            fcntl.fcntl(each.fileno(), fcntl.F_DUPFD_CLOEXEC, 3) for each in (commands, reports)
        ]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this very interpreter
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "flowerpower.job_queue.worker.fork_server",
                    *map(str, ends),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=self._environ,
                pass_fds=ends,
                start_new_session=True,
            )
        finally:
            commands.close()
            reports.close()
            for end in ends:
                os.close(end)
        options = {
            "path": sys.path,
            "entry": self._entry,
            "preload": self._preload,
            "silence_limit": self._silence_limit,
            "worker": os.getpid(),
        }
        self._commands.settimeout(START_LIMIT)
        with contextlib.suppress(OSError):
            self._commands.sendall(to_line(options))

    @property
    def pid(self) -> int | None:
        """The server's process, None before the start and after the end."""
        return self._process.pid if self._process is not None else None

    def fileno(self) -> int:
        """The descriptor that is readable when `reports` has something to tell."""
        return self._reports.fileno()

    @property
    def is_alive(self) -> bool:
        """Whether the server runs; once it does not, its children are gone too."""
        if self._process is not None and self._process.poll() is not None:
            self._end_orphans()
            return False
        return self._process is not None

    def new_child(self) -> Child:
        """Fork a child.

        Raises:
            ForkServerDied: if there is no server.
            ChildNotStarted: if the system has no room for it.
        """
        control, childs_control = socket.socketpair()
        reader, writer = os.pipe()
        try:
            with childs_control:
                answer = self._ask({"do": "fork"}, [childs_control.fileno(), writer])
            if "error" in answer:
                raise ChildNotStarted(f"No child process could be started: {answer['error']}.")
        except BaseException:
            control.close()
            os.close(reader)
            raise
        finally:
            os.close(writer)
        control.setblocking(False)
        os.set_blocking(reader, False)
        self._pids.add(answer["pid"])
        return Child(answer["pid"], control, reader)

    def ping(self) -> None:
        """Tell the server that the worker lives and holds its leases."""
        self._tell({"do": "ping"})

    def kill(self, child: Child, signal_number: int = signal.SIGKILL) -> None:
        """Send a signal to a child's process group; nothing if the child has ended."""
        self._tell({"do": "kill", "pid": child.pid, "signal": int(signal_number)})

    def reports(self) -> list[ChildEnded]:
        """The children that have ended since; never waits.

        The last messages and log of a child may still be unread when its end is told.
        """
        if self._process is not None and not self._read_reports():
            self._give_up(self._process)
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        """End the server and all its children; no process is left."""
        if self._process is None:
            return
        self._commands.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_LIMIT)
        self._give_up(self._process)
        self._reports.close()
        self._process = None

    def _tell(self, message: Message) -> None:
        """Send a command that has no answer; a server that does not read does not get it."""
        if self._process is not None:
            with self._lock, contextlib.suppress(OSError):
                # Beneath the socket's timeout: this must not wait.
                os.write(self._commands.fileno(), to_line(message))

    def _ask(self, message: Message, descriptors: Sequence[int]) -> Message:
        if self._process is None:
            raise ForkServerDied("The fork server has not been started.")
        with self._lock:
            try:
                if not self._is_ready:
                    self._answer()
                    self._is_ready = True
                    self._commands.settimeout(ANSWER_LIMIT)
                socket.send_fds(self._commands, [to_line(message)], descriptors)
                return self._answer()
            except OSError as error:
                self._give_up(self._process)
                raise ForkServerDied(f"The fork server died: {error}.") from None

    def _answer(self) -> Message:
        while True:
            data = self._commands.recv(65_536)
            if not data:
                raise ConnectionError("it closed its socket")
            if answers := self._answers.feed(data):
                return answers[0]

    def _read_reports(self) -> bool:
        """Take in what the server has told; False if it is gone."""
        found, goes_on = receive(self._reports, self._report_lines, MOST_AT_ONCE)
        for each in found:
            self._pids.discard(each["pid"])
            self._ended.append(ChildEnded(each["pid"], each["returncode"], each["lost"]))
        return goes_on

    def _give_up(self, server: subprocess.Popen[bytes]) -> None:
        """Make sure that a server which has closed its sockets, or is stuck, is dead."""
        server.kill()
        server.wait()
        self._end_orphans()

    def _end_orphans(self) -> None:
        """Kill what is left of the groups of children whose server is gone."""
        self._read_reports()
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            self._ended.append(ChildEnded(pid, -signal.SIGKILL, lost=True))
        self._pids.clear()
