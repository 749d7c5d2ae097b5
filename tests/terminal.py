"""Runs the command line as users do: a process of its own, on pipes or on a terminal.

An interpreter takes longer to start and to import than most commands to run. So `run` and `start`
fork a command from one that has imported already (`tests.command_server`), unless the command is
to be `fresh`, or its environment has what may change the start of an interpreter. That both ways
give the same is shown by tests/cli/test_forked_commands.py.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TextIO

from tests.acceptance.fault_records import TRACEBACK, counted
from tests.command_server import COMMAND_LINE, HAMILTON, read_exactly
from tests.conditions import slowed

COMMAND = [sys.executable, "-m", "flowerpower_cli"]
TIMEOUT = 180.0
START = {"LANG": "C.UTF-8", "PYTHONPATH": str(Path(__file__).parents[1])}
"""What an interpreter is started with."""
DOCS_START = {"LANG": "C.UTF-8", "TZ": "Etc/UTC"}
"""The same for the commands of the documentation."""
STARTS_TO_FORK_FROM = (START, {**START, "LC_ALL": "C"}, DOCS_START)
# Any other variable may be read while an interpreter starts or a module is imported. With
# FLOWERPOWER_TEST_MARK a process is found by the environment that it was started with.
READ_BY_COMMANDS = re.compile(
    r"HOME|PATH|SHELL|TERM|COLUMNS|LINES|NO_COLOR|CI|WHO|XDG_\w+|FLOWERPOWER_(?!TEST_)\w+"
    r"|\w+_(PASSWORD|TOKEN|KEY)|(REDIS|DATABASE)_URL"
)
WITH_HAMILTON = {
    *(("pipeline", verb) for verb in ("run", "show", "validate", "dag", "export", "import")),
    ("job-queue", "add-job"),
    ("job-queue", "start-worker"),
    ("schedule", "add"),
    ("schedule", "apply"),
    ("schedule", "run-now"),
}


@dataclass(frozen=True)
class Ended:
    """What a process left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """What stdout holds, as JSON."""
        return json.loads(self.stdout)

    @property
    def error(self) -> dict[str, Any]:
        """The JSON error that is the last line of stderr."""
        body: dict[str, Any] = json.loads(self.stderr.strip().splitlines()[-1])["error"]
        return body


class ForkedCommand:
    """A process that a CommandServer has forked; its parent reports how it ends."""

    def __init__(self, report: socket.socket) -> None:
        self._report = report
        report.settimeout(TIMEOUT)
        self.pid = self._receive()

    def _receive(self) -> int:
        content = read_exactly(self._report, 4)
        assert len(content) == 4, "the server of commands has ended"
        return int(struct.unpack("!i", content)[0])

    def poll(self) -> int | None:
        """The exit code, or minus the signal; None while it runs."""
        return self.wait(TIMEOUT) if select.select([self._report], [], [], 0)[0] else None

    def wait(self, timeout: float) -> int:
        """The exit code, or minus the signal."""
        self._report.settimeout(timeout)
        with self._report:
            return self._receive()

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)


class StartedCommand:
    """A forked command on pipes, with what tests use of `subprocess.Popen[str]`."""

    def __init__(self, command: ForkedCommand, out: int, err: int) -> None:
        self._command = command
        self.pid = command.pid
        self.returncode: int | None = None
        self.stdout = open(out, encoding="utf-8")  # noqa: SIM115 - closed in `__exit__`
        self.stderr = open(err, encoding="utf-8")  # noqa: SIM115

    def poll(self) -> int | None:
        """The exit code, or minus the signal; None while it runs."""
        if self.returncode is None:
            self.returncode = self._command.poll()
        return self.returncode

    def wait(self, timeout: float = TIMEOUT) -> int:
        """The exit code, or minus the signal; TimeoutError after so many seconds."""
        if self.returncode is None:
            self.returncode = self._command.wait(timeout)
        return self.returncode

    def communicate(self, timeout: float = TIMEOUT) -> tuple[str, str]:
        """What is left of stdout and stderr, once it has ended."""
        texts = {"out": "", "err": ""}

        def read(name: str, stream: TextIO) -> None:
            texts[name] = stream.read()

        readers = [
            threading.Thread(target=read, args=(name, stream), daemon=True)
            for name, stream in (("out", self.stdout), ("err", self.stderr))
            if not stream.closed
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired("flowerpower", timeout)
        self.wait(timeout)
        return texts["out"], texts["err"]

    def send_signal(self, number: int) -> None:
        """Send it a signal; nothing if it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stdout.close()
        self.stderr.close()
        self.wait()

    def __del__(self) -> None:
        # Some tests hold a command only until it has ended.
        self.stdout.close()
        self.stderr.close()


class CommandServer:
    """An interpreter that was started in `environ` and forks commands until it is closed."""

    def __init__(self, environ: Mapping[str, str], modules: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("command_server.py")),
                 str(theirs.fileno()), *modules],
                cwd="/",
                env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )  # fmt: skip
        atexit.register(self.close)

    def fork(
        self,
        arguments: Sequence[str | bytes],
        folder: Path,
        environ: Mapping[str, str],
        streams: Mapping[int, int],
        *,
        new_session: bool = False,
    ) -> ForkedCommand:
        """Begin a command; of its descriptors 0 to 2 those not in `streams` are closed."""
        request = {
            "arguments": [os.fsdecode(argument) for argument in arguments],
            "folder": str(folder),
            "environ": dict(environ),
            "streams": list(streams),
            "new_session": new_session,
        }
        content = json.dumps(request).encode()
        report, theirs = socket.socketpair()
        with theirs, self._lock:
            descriptors = [theirs.fileno(), *streams.values()]
            socket.send_fds(self._control, [struct.pack("!I", len(content))], descriptors)
            self._control.sendall(content)
        return ForkedCommand(report)

    def close(self) -> None:
        """End it; what it forked runs on."""
        self._control.close()
        self._process.wait(TIMEOUT)


@functools.cache
def _server(modules: tuple[str, ...], *environ: tuple[str, str]) -> CommandServer:
    return CommandServer(dict(environ), modules)


def server_for(
    arguments: Sequence[str | bytes], environ: Mapping[str, str]
) -> CommandServer | None:
    """One whose forks are like a new interpreter in `environ`; None if there is none."""
    start = {key: text for key, text in environ.items() if not READ_BY_COMMANDS.fullmatch(key)}
    if start not in STARTS_TO_FORK_FROM:
        return None
    runs = tuple(arguments[:2]) in WITH_HAMILTON
    return _server((*COMMAND_LINE, *HAMILTON) if runs else COMMAND_LINE, *sorted(start.items()))


@dataclass
class Cli:
    """The command line in `folder`, with an environment of its own.

    Attributes:
        fresh: each command gets an interpreter of its own.
    """

    folder: Path
    home: Path
    environ: dict[str, str] = field(default_factory=dict)
    fresh: bool = False

    def freshly(self) -> Cli:
        """The same, with an interpreter for each command."""
        return replace(self, fresh=True)

    def merged_environ(self, **extra: str | None) -> dict[str, str]:
        """The environment of a command; None takes a variable away."""
        merged: dict[str, str | None] = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TERM": "xterm-256color",
            **START,
            **self.environ,
            **extra,
        }
        return {key: text for key, text in merged.items() if text is not None}

    def _begin(
        self,
        arguments: Sequence[str | bytes],
        environ: Mapping[str, str],
        streams: Mapping[int, int],
        *,
        new_session: bool = False,
    ) -> ForkedCommand | subprocess.Popen[bytes]:
        server = None if self.fresh else server_for(arguments, environ)
        if server is not None:
            return server.fork(arguments, self.folder, environ, streams, new_session=new_session)
        closed = "".join(f" {number}>&-" for number in range(3) if number not in streams)
        return subprocess.Popen(
            ["sh", "-c", f'exec "$@"{closed}', "sh", *COMMAND, *arguments] if closed
            else [*COMMAND, *arguments],
            cwd=self.folder,
            env=environ,
            stdin=streams.get(0),
            stdout=streams.get(1),
            stderr=streams.get(2),
            start_new_session=new_session,
        )  # fmt: skip

    def run(
        self,
        *arguments: str | bytes,
        code: int | None = None,
        closed: int | None = None,
        **environ: str | None,
    ) -> Ended:
        """Run `flowerpower ARGUMENTS` on pipes, of which that of stdin is empty.

        With `code`, that must be the exit code; with `closed`, one of the descriptors 0 to 2 is.
        """
        stdin, nobody = os.pipe()
        os.close(nobody)
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        streams = {0: stdin, 1: out_end, 2: err_end}
        process = self._begin(
            arguments,
            self.merged_environ(**environ),
            {number: stream for number, stream in streams.items() if number != closed},
        )
        for stream in streams.values():
            os.close(stream)
        ended = _ended(process, out, err)
        if code is not None:
            assert ended.code == code, ended
        return ended

    def run_closed(self, *arguments: str, number: int) -> Ended:
        """As `run`, with one of the descriptors 0 to 2 closed."""
        return self.run(*arguments, closed=number)

    def start(
        self, *arguments: str, **environ: str | None
    ) -> StartedCommand | subprocess.Popen[str]:
        """Start `flowerpower ARGUMENTS` on pipes, and go on; `with` it, or end it yourself."""
        merged = self.merged_environ(**environ)
        server = None if self.fresh else server_for(arguments, merged)
        if server is None:
            return subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=self.folder,
                env=merged,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        stdin = os.open(os.devnull, os.O_RDONLY)
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        streams = {0: stdin, 1: out_end, 2: err_end}
        command = server.fork(arguments, self.folder, merged, streams)
        for stream in streams.values():
            os.close(stream)
        return StartedCommand(command, out, err)

    def run_in_terminal(
        self, *arguments: str, columns: int = 100, typed: str = "", **environ: str | None
    ) -> Ended:
        """As `run`, with stdin and stderr on one terminal and stdout on another."""
        out, out_end = pty.openpty()
        err, err_end = pty.openpty()
        for end in (out_end, err_end):
            termios.tcsetwinsize(end, (40, columns))
        process = self._begin(
            arguments,
            self.merged_environ(**environ),
            {0: err_end, 1: out_end, 2: err_end},
            new_session=True,
        )
        os.close(out_end)
        os.close(err_end)
        if typed:
            os.write(err, typed.encode())
        return _ended(process, out, err)


def _ended(process: ForkedCommand | subprocess.Popen[bytes], out: int, err: int) -> Ended:
    began = time.monotonic()
    try:
        texts = _read_until_closed(out, err)
        code = process.wait(TIMEOUT)
    except BaseException:
        process.kill()
        process.wait(TIMEOUT)
        raise
    stderr = texts[err].decode()
    counted(tracebacks=stderr.count(TRACEBACK), hung=int(time.monotonic() - began > slowed(20)))
    return Ended(code, texts[out].decode(), stderr)


def _read_until_closed(*descriptors: int) -> dict[int, bytes]:
    texts = dict.fromkeys(descriptors, b"")
    left = list(descriptors)
    while left:
        ready, _, _ = select.select(left, [], [], TIMEOUT)
        assert ready, f"nothing came for {TIMEOUT} s: {texts}"
        for descriptor in ready:
            try:
                chunk = os.read(descriptor, 65536)
            except OSError:
                # The other end of a terminal is closed.
                chunk = b""
            if not chunk:
                left.remove(descriptor)
                os.close(descriptor)
            texts[descriptor] += chunk
    return texts
