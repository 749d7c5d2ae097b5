"""An interpreter that has imported what the command line needs, and forks a process per command.

`tests.terminal` starts it as a program of its own. It imports and never calls: what a command
does begins in the fork, with `runpy` at `flowerpower_cli.__main__`, and ends as Python ends, except
that nothing is torn down that was imported before the fork. Modules of `flowerpower_cli.commands` are left to the fork, because what importing them does
depends on the command line.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Collection, Iterable, Mapping
from types import ModuleType
from typing import Any, NoReturn, TextIO

import flowerpower_cli

COMMAND_LINE = (
    "croniter",
    "flowerpower.job_queue.apscheduler.migration",
    "flowerpower.job_queue.apscheduler.notices",
    "flowerpower.job_queue.apscheduler.queue",
    "flowerpower.job_queue.apscheduler.schedules",
    "flowerpower.job_queue.apscheduler.sqlite",
    "flowerpower.job_queue.rq.queue",
    "flowerpower.pipeline.job_queue",
    "flowerpower.pipeline.manager",
    "flowerpower.pipeline.status",
    "flowerpower.pipeline.validation",
    "pydantic.type_adapter",
    "typer.rich_utils",
)
"""Beside all of `flowerpower_cli` but its commands."""
HAMILTON = (
    "flowerpower.job_queue.apscheduler.engine",
    "flowerpower.job_queue.rq.worker",
    "flowerpower.job_queue.worker.worker",
    "flowerpower.pipeline.checks",
    "flowerpower.pipeline.execute",
    "flowerpower.pipeline.migration",
    "flowerpower.run.runner",
)
"""Also what a worker imports. A fork of it costs more, so only some commands get one."""
FORK_SERVER = "flowerpower.job_queue.worker.fork_server"
WORKER = ["job-queue", "start-worker"]


def read_exactly(connection: socket.socket, size: int) -> bytes:
    """That many bytes; fewer if the other side has ended."""
    content = b""
    while len(content) < size and (chunk := connection.recv(size - len(content))):
        content += chunk
    return content


class _Server:
    """Takes requests from `control` and forks.

    A request is its length, its JSON, and descriptors: where its pid and exit code are reported,
    then those of the streams that it names.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._reports: dict[int, socket.socket] = {}
        self._wakeup, wakeup_end = socket.socketpair()
        self._wakeup.setblocking(False)
        wakeup_end.setblocking(False)
        self._wakeup_end = wakeup_end
        # A signal without a handler would not wake the loop up.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup_end.fileno())

    def next_command(self) -> dict[str, Any]:
        """Serve; returns in the fork, with the request for it."""
        while True:
            ready, _, _ = select.select([self._control, self._wakeup], [], [])
            if self._wakeup in ready:
                with contextlib.suppress(BlockingIOError):
                    self._wakeup.recv(4096)
                self._report_ended()
            if self._control in ready:
                request = self._receive()
                if self._fork(request) == 0:
                    return request

    def _receive(self) -> dict[str, Any]:
        head, descriptors, _, _ = socket.recv_fds(self._control, 4, 4)
        if not head:
            os._exit(0)
        (size,) = struct.unpack("!I", head)
        request: dict[str, Any] = json.loads(read_exactly(self._control, size))
        request["report"], *streams = descriptors
        request["streams"] = dict(zip(request["streams"], streams, strict=True))
        return request

    def _fork(self, request: dict[str, Any]) -> int:
        with warnings.catch_warnings():
            # The threads of linear algebra libraries sleep until they are used, here never.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid:
            report = socket.socket(fileno=request["report"])
            report.sendall(struct.pack("!i", pid))
            self._reports[pid] = report
            for descriptor in request["streams"].values():
                os.close(descriptor)
        return pid

    def _report_ended(self) -> None:
        for pid, report in list(self._reports.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with report, contextlib.suppress(OSError):
                    report.sendall(struct.pack("!i", os.waitstatus_to_exitcode(status)))
                del self._reports[pid]


def _stream(number: int, mode: str, like: TextIO) -> TextIO | None:
    """A standard stream as Python makes it at its start."""
    try:
        os.fstat(number)
    except OSError:
        return None
    binary = open(number, mode + "b", closefd=False)  # noqa: SIM115 - for good
    binary.raw.name = like.name
    stream = io.TextIOWrapper(
        binary,
        encoding=like.encoding,
        errors=like.errors,
        newline="\n",
        line_buffering=number == 2 or binary.isatty(),
    )
    stream.mode = mode
    return stream


def _become(request: dict[str, Any], start: Mapping[str, str]) -> None:
    """Give this process what a new one would have been given."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if request["new_session"]:
        os.setsid()
    for number in range(3):
        if number in request["streams"]:
            os.dup2(request["streams"][number], number)
        else:
            os.close(number)
    # Far more than a server ever has.
    os.closerange(3, 1024)
    os.chdir(request["folder"])
    # Some modules set what is not set, when they are imported.
    added = {key: text for key, text in os.environ.items() if key not in start}
    os.environ.clear()
    os.environ.update({**added, **request["environ"]})
    time.tzset()
    if "numpy.random" in sys.modules:
        # Random numbers of Python itself begin anew after a fork, these do not.
        sys.modules["numpy.random"].seed()
    sys.argv = [sys.argv[0], *request["arguments"]]
    sys.orig_argv = [sys.executable, "-m", "flowerpower_cli", *request["arguments"]]
    sys.path[0] = os.getcwd()
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        stream = _stream(number, mode, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


class _ForkedServer:
    """A worker's fork server, as far as a worker uses `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; subprocess.TimeoutExpired after so many seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(FORK_SERVER, timeout or 0.0)
            time.sleep(0.005)
        return code

    def kill(self) -> None:
        """SIGKILL; nothing if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def _fork_server_at_hand() -> None:
    """Let this worker's first fork server be a fork, which has imported already.

    It is forked now, as a child of the worker, which has no threads yet, and waits until the worker
    would start a process. Fork servers after it are started.
    """
    from flowerpower.job_queue.worker.fork_server_client import ForkServer

    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _be_fork_server(theirs)
    theirs.close()
    start = ForkServer._open_process
    at_hand = [_ForkedServer(pid)]

    def open_process(
        server: ForkServer, commands: socket.socket, reports: socket.socket
    ) -> _ForkedServer | subprocess.Popen[bytes]:
        if not at_hand or at_hand[0].poll() is not None:
            return start(server, commands, reports)
        environ = os.environ if server._environ is None else server._environ
        content = json.dumps({"folder": os.getcwd(), "environ": dict(environ)}).encode()
        with commands, reports, ours:
            ends = [commands.fileno(), reports.fileno()]
            socket.send_fds(ours, [struct.pack("!I", len(content))], ends)
            ours.sendall(content)
        return at_hand.pop()

    ForkServer._open_process = open_process


def _be_fork_server(worker: socket.socket) -> NoReturn:
    """Wait until the worker wants it, then be one; end if the worker does first."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(null, number)
    if null > 2:
        os.close(null)
    head, descriptors, _, _ = socket.recv_fds(worker, 4, 2)
    if not head:
        os._exit(0)
    (size,) = struct.unpack("!I", head)
    request = json.loads(read_exactly(worker, size))
    worker.close()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = [FORK_SERVER, *map(str, descriptors)]
    imported = {*sys.modules}
    runpy.run_module(FORK_SERVER, run_name="__main__", alter_sys=True)
    _end(None, imported)


def _end(code: object, imported: Collection[str]) -> None:
    """End this process as Python does with that code; return if Python would have more to say.

    What was `imported` before the fork is not torn down: that would copy every page of it, which
    takes longer than most commands.
    """
    if not isinstance(code, int | None):
        return
    threading._shutdown()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        # It is flushed again, and the exit code depends on it.
        return
    # What only they refer to is closed now, as are files that a pipeline has left open.
    for name in {*sys.modules} - {*imported}:
        module = sys.modules.pop(name)
        if isinstance(module, ModuleType):
            names = vars(module)
            names.update(dict.fromkeys(names.keys() - {"__builtins__"}))
    gc.collect()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code or 0)


def _preload(modules: Iterable[str]) -> None:
    # In place of the folder of this file, in which the command line would find our modules.
    sys.path[0] = os.getcwd()
    for name in modules:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(flowerpower_cli.__path__, "flowerpower_cli."):
        if not module.name.startswith(("flowerpower_cli.commands.", "flowerpower_cli.__main__")):
            importlib.import_module(module.name)
    # Pages with objects that the collector visits would be copied by every fork.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    environ = dict(os.environ)
    _preload(sys.argv[2:])
    _become(_Server(socket.socket(fileno=int(sys.argv[1]))).next_command(), environ)
    if sys.argv[1:3] == WORKER:
        _fork_server_at_hand()
    imported = {*sys.modules}
    try:
        runpy.run_module("flowerpower_cli", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
    _end(code, imported)
    sys.exit(code)
