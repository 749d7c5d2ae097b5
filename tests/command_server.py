"""An interpreter that has imported what the command line needs, and forks a process per command.

`tests.terminal` starts it as a program of its own. It imports and never calls: what a command
does begins in the fork, with `runpy` at `flowerpower_cli.__main__`, and ends as Python ends.
Modules of `flowerpower_cli.commands` are left to the fork, because what importing them does
depends on the command line.
"""

from __future__ import annotations

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
import sys
import time
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import flowerpower_cli

COMMAND_LINE = (
    "flowerpower.job_queue.apscheduler.queue",
    "flowerpower.pipeline.job_queue",
    "flowerpower.pipeline.manager",
    "typer.rich_utils",
)
"""Beside all of `flowerpower_cli` but its commands."""
HAMILTON = ("flowerpower.run.runner",)
"""A fork of it costs more, so only some commands get one."""


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
    runpy.run_module("flowerpower_cli", run_name="__main__", alter_sys=True)
