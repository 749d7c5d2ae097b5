"""What happens in a forked child: it reads a request, runs the entry, tells the outcome."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import NoReturn

from flowerpower.job_queue.worker.isolation import (
    LoadedModules,
    ProcessState,
    left_something,
    reseed,
    take_descriptors,
)
from flowerpower.job_queue.worker.json_lines import DAMAGED, LineReader, Message, to_line
from flowerpower.jobs.run import RunError, RunOutcome
from flowerpower.triggers import clock

Entry = Callable[[Message, Callable[[Message], None]], Message]
"""Takes a request and a way to tell of events; gives the outcome, a RunOutcome as JSON."""

EXIT_CHANNEL_CLOSED = 113
"""How a child ends that could not tell its outcome, because the job took its descriptors."""
EXIT_BROKEN = 112
"""How a child ends that failed outside of any job."""


class Unheard(Exception):
    """The worker cannot be told anything any more."""


class Channel:
    """The child's end of its control socket; it works in the process that made it, only."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = _moved_up(sock)
        self._identity = self._stat()
        self._reader = LineReader()
        self._waiting: list[Message] = []
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def send_event(self, message: Message) -> None:
        """Tell of something on the way; silently nothing if that is not possible."""
        with contextlib.suppress(Unheard):
            self.send(message)

    def send(self, message: Message) -> None:
        """Send a message; waits while the worker is busy.

        Raises:
            ValueError: if the message is not JSON or too long.
            Unheard: if the descriptor is gone, or this is a fork of the child.
        """
        line = to_line(message)
        with self._lock:
            if os.getpid() != self._pid or self._stat() != self._identity:
                raise Unheard
            try:
                self._socket.sendall(line)
            except OSError as error:
                raise Unheard from error

    def next_message(self) -> Message | None:
        """The next message, waited for; None when there will be none."""
        while not self._waiting:
            try:
                data = self._socket.recv(262_144)
            except OSError:
                data = b""
            if not data:
                return None
            self._waiting = self._reader.feed(data)
        return self._waiting.pop(0)

    def _stat(self) -> tuple[int, int] | None:
        try:
            status = os.fstat(self._socket.fileno())
        except OSError:
            return None
        return status.st_dev, status.st_ino


def _moved_up(sock: socket.socket) -> socket.socket:
    """`sock` on a high descriptor, where jobs that close or reuse low ones do not find it."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    lowest = min(limit, 1024) - 24 if limit > 0 else 1000
    with sock:
        return socket.socket(fileno=fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, lowest))


def live(control: socket.socket, log: int, entry: Entry, umask: int) -> NoReturn:
    """Be the child: run what is asked for through `control`, write to `log`, and exit."""
    code = EXIT_BROKEN
    try:
        channel = Channel(control)
        take_descriptors(log)
        reseed()
        code = _serve(channel, entry, ProcessState(umask))
    except BaseException:  # noqa: BLE001 - nothing may reach the server's code above
        _write_traceback()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):
                stream.flush()
        os._exit(code)


def _serve(channel: Channel, entry: Entry, surroundings: ProcessState) -> int:
    """Run request after request; the exit code."""
    sources = LoadedModules()
    request = channel.next_message()
    while request is not None:
        began = clock.now().timestamp()
        outcome = _outcome(request, entry, channel)
        _flush_logs()
        sources.note(_folder(request), began)
        kept = (
            request.get("keep") is True
            and outcome.get("status") == "finished"
            and surroundings.are_whole()
            and not left_something()
        )
        try:
            _tell(channel, request, outcome, kept)
        except Unheard:
            return EXIT_CHANNEL_CLOSED
        request = channel.next_message() if kept else None
        if request is not None and sources.have_changed():
            channel.send({"type": "stale"})
            break
        surroundings.restore()
    return 0


def _outcome(request: Message, entry: Entry, channel: Channel) -> Message:
    """What the entry says, or why it could not say it."""
    pid = os.getpid()
    try:
        if request.get("type") == DAMAGED:
            raise ValueError(f"the request cannot be read: {request['reason']}")
        os.chdir(_folder(request) or ".")
        outcome = entry(request, channel.send_event)
        if not isinstance(outcome, dict):
            raise TypeError(f"the entry gave {type(outcome).__name__}, not an outcome")
    except BaseException as error:  # noqa: BLE001 - whatever a job lets escape is its failure
        outcome = _failed(request, error)
    if os.getpid() != pid:
        # The job forked, and its copy came back through the entry.
        os._exit(0)
    return outcome


def _folder(request: Message) -> str:
    """The project's folder, as the request or the run in it names it."""
    run = request.get("run")
    for each in (request, run if isinstance(run, dict) else {}):
        if isinstance(each.get("base_dir"), str):
            return str(each["base_dir"])
    return ""


def _tell(channel: Channel, request: Message, outcome: Message, kept: bool) -> None:
    try:
        channel.send({"type": "outcome", "outcome": outcome, "kept": kept})
    except ValueError as error:
        failed = _failed(request, error)
        channel.send({"type": "outcome", "outcome": failed, "kept": kept})


def _failed(request: Message, error: BaseException) -> Message:
    """A failed outcome for what went wrong around the entry."""
    run = request.get("run")
    now = clock.format_time(clock.now())
    try:
        message = str(error) or type(error).__name__
    except BaseException as second:  # noqa: BLE001 - a user's __str__ may raise anything
        message = f"<its text cannot be told: str() raised {type(second).__name__}>"
    told = RunError(
        type=type(error).__qualname__,
        message=message.encode("utf-8", "backslashreplace").decode("utf-8")[:2_000],
        type_names=[type(error).__qualname__],
    )
    name = run.get("pipeline") if isinstance(run, dict) else None
    return RunOutcome(str(name or ""), "failed", now, now, 0.0, error=told).to_json()


def _write_traceback() -> None:
    with contextlib.suppress(BaseException):
        traceback.print_exc()


def _flush_logs() -> None:
    """What a job has printed is in its log before its outcome is told."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
