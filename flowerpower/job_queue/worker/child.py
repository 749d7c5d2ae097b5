"""What happens in a forked child: it reads a request, runs the entry and sends the outcome."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn, Protocol

from flowerpower.config.remote.version import work_folder
from flowerpower.job_queue.worker import child_exit, isolation
from flowerpower.job_queue.worker.json_lines import (
    DAMAGED,
    LineReader,
    Message,
    numbered,
    to_line,
)
from flowerpower.job_queue.worker.permits import may_begin
from flowerpower.jobs.attempt_result import EXIT_CHANNEL_CLOSED
from flowerpower.jobs.run import RunError, RunOutcome
from flowerpower.triggers import clock


class SendEvent(Protocol):
    """Sends an event to the worker, which reads it at once or, if it `may_wait`, within 0.2 s."""

    def __call__(self, message: Message, *, may_wait: bool = False) -> None:
        """Send it."""


Entry = Callable[[Message, SendEvent], Message]
"""Takes a request and a function that sends events; returns a RunOutcome as JSON."""

EXIT_BROKEN = 112
"""Exit code of a child that failed outside of any job."""


class ChannelClosed(Exception):
    """Nothing can be sent to the worker any more."""


class Channel:
    """The child's ends of its control socket, of the pipe for its progress, and of its permits.

    It works only in the process that created it, and closes the descriptors that it was given. What
    it sends has the number of the request that `next_request` has given last, if that has one.
    """

    def __init__(self, control: int, progress: int, permits: int) -> None:
        # High up: jobs that daemonise or clean up close the low numbers, and new files reuse them.
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        lowest = min(limit, 1024) - 24 if limit > 0 else 1000
        number = fcntl.fcntl(control, fcntl.F_DUPFD_CLOEXEC, lowest)
        self._socket = socket.socket(fileno=number)
        self._progress, self._permits = (
            fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, lowest) for pipe in (progress, permits)
        )
        os.close(control)
        os.close(progress)
        os.close(permits)
        pipes = number, self._progress, self._permits
        self._files = {one: isolation.file_on(one) for one in pipes}
        self._reader = LineReader()
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._number = 0
        self._began = 0.0
        # Whether the worker knows when the request began; whether all of it is in the pipe.
        self._has_told_begin = self._is_put = False
        # Whether an outcome is in the pipe of which the worker was not told.
        self._has_put_outcome = False

    def send_event(self, message: Message, *, may_wait: bool = False) -> None:
        """Send a message that may be lost; never raises ChannelClosed.

        If it `may_wait`, it does not wake the worker, which costs more than all that is in it.
        """
        message = numbered(message, self._number)
        if self._number and not self._has_told_begin:
            message["began"] = self._began
            self._has_told_begin = True
        line = to_line(message)
        try:
            if not (may_wait and self._put(line)):
                self._is_put = False
                self._send(line)
        except ChannelClosed:
            return

    def _put(self, line: bytes) -> bool:
        """Put a line into the pipe that is read now and then; False if it does not fit."""
        # A longer line might be written in part.
        if len(line) > select.PIPE_BUF:
            return False
        with self._lock:
            self._check(self._progress)
            try:
                os.write(self._progress, line)
            except OSError:
                return False
        return True

    def send(self, message: Message) -> None:
        """Send a message (see `to_line`); waits while the worker is busy.

        Raises ChannelClosed if the descriptor is gone, or this is a fork of the child.
        """
        self._send(to_line(numbered(message, self._number)))
        self._has_put_outcome = False

    def send_outcome(self, message: Message, *, may_wait: bool) -> None:
        """Send the last message of a request, as `send`.

        If it `may_wait` and the next request is here, the worker is woken with a later one.
        """
        if self._number:
            message = {**message, "began": self._began, "ended": clock.monotonic()}
        line = to_line(numbered(message, self._number))
        # Only if all else of the request is in the pipe too: what is there is read without a look
        # at the socket.
        if may_wait and self._is_put and self._reader.has_messages:
            with contextlib.suppress(ChannelClosed):
                if self._put(line):
                    self._has_put_outcome = True
                    return
        self._send(line)
        self._has_put_outcome = False

    def _send(self, line: bytes) -> None:
        with self._lock:
            self._check(self._socket.fileno())
            try:
                self._socket.sendall(line)
            except OSError as error:
                raise ChannelClosed from error

    def _check(self, number: int) -> None:
        # A job may fork, and its copy must not speak for it. Or it closes every descriptor and
        # opens files: the number may now be one of its files, which we would write into.
        if os.getpid() != self._pid or isolation.file_on(number) != self._files[number]:
            raise ChannelClosed

    def can_take_more(self) -> bool:
        """Whether a job has left the channel so that further requests can be taken."""
        return isolation.file_on(self._permits) == self._files[self._permits]

    def next_request(self) -> Message | None:
        """Wait for the next request that is this child's; None if the worker has let go of it."""
        while (request := self._next_message()) is not None:
            number = request.get("request")
            if not isinstance(number, int):
                self._number = 0
            elif may_begin(self._permits, self._tell_outcome):
                self._number = number
            else:
                continue
            self._began = clock.monotonic()
            self._has_told_begin, self._is_put = False, True
            return request
        return None

    def _next_message(self) -> Message | None:
        if not self._reader.has_messages:
            self._tell_outcome()
        try:
            return self._reader.next_from(self._socket)
        except OSError:
            return None

    def _tell_outcome(self) -> None:
        """Before a wait: wake the worker if it does not know of an outcome."""
        if self._has_put_outcome:
            with contextlib.suppress(ChannelClosed):
                self.send({"type": "look"})


def live(channel: Channel, log: int, entry: Entry, umask: int) -> NoReturn:
    """Be the child: run the requests that come through `channel`, print to `log`, and exit."""
    code = EXIT_BROKEN
    try:
        isolation.take_descriptors(log)
        child_exit.forget_inherited_handlers()
        code = _serve(channel, entry, umask)
    except BaseException:  # noqa: BLE001 - nothing may reach the server's code above
        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        _flush_streams()
        # Not sys.exit: the fork server's code would go on above, and end what is the server's.
        os._exit(code)


def _serve(channel: Channel, entry: Entry, umask: int) -> int:
    """Run request after request; the exit code."""
    modules = isolation.LoadedModules()
    request = channel.next_request()
    # Most children run one job: what it changes is then nobody's concern.
    state = isolation.ProcessState(umask) if _may_be_kept(request) else None
    while request is not None:
        began = clock.now().timestamp()
        outcome = _run(request, entry, channel)
        modules.note(_folder(request), began)
        # A failed job may have left anything behind, so the next one gets a fresh child.
        kept = (
            _may_be_kept(request)
            and outcome.get("status") == "finished"
            and state is not None
            and state.is_restorable(_folder(request))
            and channel.can_take_more()
            and not isolation.left_something()
        )
        if kept:
            child_exit.flush_files(modules.own)
            kept = _end_log(request)
        send = partial(_send_outcome, channel, request, outcome, kept)
        if not kept or state is None or not _is_sent(send):
            return _end(modules, send)
        request = channel.next_request()
        if request is None or modules.have_changed():
            break
        state.restore()
    # What exit handlers print now is in no job's log.
    isolation.take_descriptors(os.open(os.devnull, os.O_WRONLY))
    # With a request, the user has edited a module: a new child imports the new code.
    return _end(modules, partial(channel.send, {"type": "stale"}) if request is not None else None)


def _end_log(request: Message) -> bool:
    """Set the mark at which the job's log ends, if its request names one; False if that fails."""
    mark = request.get("mark")
    if not isinstance(mark, str):
        return True
    _flush_streams()
    try:
        while True:
            try:
                # One write of so few bytes is never cut, whatever else is printed just then.
                return os.write(1, bytes.fromhex(mark)) > 0
            except BlockingIOError:
                # The job has changed how the pipe is written to, and it is full.
                select.select([], [1], [])
    except (OSError, ValueError):
        return False


def _may_be_kept(request: Message | None) -> bool:
    return request is not None and request.get("keep") is True


def _end(modules: isolation.LoadedModules, send: Callable[[], None] | None) -> int:
    """End the program that the jobs were, then send the last message; the exit code."""
    # In this order: once a job is recorded as finished, its files and its log are complete.

    def send_last() -> int:
        return 0 if send is None or _is_sent(send) else EXIT_CHANNEL_CLOSED

    child_exit.end_program(modules.own, lambda: os._exit(send_last()))
    return send_last()


def _is_sent(send: Callable[[], None]) -> bool:
    try:
        send()
    except ChannelClosed:
        return False
    return True


def _run(request: Message, entry: Entry, channel: Channel) -> Message:
    """The outcome that the entry returns, or a failed one if it raises."""
    pid = os.getpid()
    try:
        if request.get("type") == DAMAGED:
            raise ValueError(f"the request cannot be read: {request['reason']}")
        os.chdir(_work_folder(_folder(request)))
        outcome = entry(request, channel.send_event)
        if not isinstance(outcome, dict):
            raise TypeError(f"the entry returned {type(outcome).__name__}, not an outcome")
    except BaseException as error:  # noqa: BLE001 - whatever a job lets escape is its failure
        outcome = _failed(request, error)
    if os.getpid() != pid:
        # The job forked, and its copy returned through the entry: only the original may go on.
        os._exit(0)
    return outcome


@cache
def _work_folder(folder: str) -> Path:
    """Where runs of the project in `folder` are: a look at the disk, which once is enough for."""
    # A folder is that of a fetched version, or not, for ever; and each job finds the variables that
    # the first one has found.
    return work_folder(Path(folder or "."))


def _folder(request: Message) -> str:
    """The project's folder, from the request or the run in it."""
    folder = request.get("base_dir") or _run_of(request).get("base_dir")
    return folder if isinstance(folder, str) else ""


def _run_of(request: Message) -> dict[str, Any]:
    run = request.get("run")
    return run if isinstance(run, dict) else {}


def _send_outcome(channel: Channel, request: Message, outcome: Message, kept: bool) -> None:
    message = {"type": "outcome", "outcome": outcome, "kept": kept}
    # Before the outcome: when the worker reads it, the whole log must be in the pipe.
    _flush_streams()
    # Only where the worker can tell the next one's log from this one's.
    may_wait = kept and "mark" in request and request.get("tells") is not True
    try:
        channel.send_outcome(message, may_wait=may_wait)
    except ValueError as error:
        # It is not JSON, or too long: then that is the outcome.
        channel.send_outcome({**message, "outcome": _failed(request, error)}, may_wait=False)


def _failed(request: Message, error: BaseException) -> Message:
    """A failed outcome for what went wrong around the entry."""
    now = clock.format_time(clock.now())
    try:
        message = str(error) or type(error).__name__
    except BaseException as second:  # noqa: BLE001 - a user's __str__ may raise anything
        message = f"<no text: str() of the error raised {type(second).__name__}>"
    run_error = RunError(
        type=type(error).__qualname__,
        message=message.encode("utf-8", "backslashreplace").decode("utf-8")[:2_000],
        type_names=[type(error).__qualname__],
    )
    name = str(_run_of(request).get("pipeline") or "")
    return RunOutcome(name, "failed", now, now, 0.0, error=run_error).to_json()


def _flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # noqa: BLE001, S112 - a job may have put anything there
            continue
