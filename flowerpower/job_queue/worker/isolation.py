"""What separates a job from others in its child; calls to the system about processes."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from flowerpower.files.project_code import NewModules, is_own, module_paths
from flowerpower.job_queue.worker.log_setup import LoggingState

FILE_TIME_LAG = 0.02
"""Seconds by which a file system's times may lag behind the clock."""
_JOB_SIGNALS = tuple(map(int, signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}))
# What `signal` wraps: its own functions look for enums, for which they need longer than a job.
_c_signal = importlib.import_module("_signal")
# Its own numbers too: it takes no enum for a handler.
_DEFAULT, _IGNORED = int(signal.SIG_DFL), int(signal.SIG_IGN)
_PYTHON_HANDLERS: dict[int, Any] = {
    int(signal.SIGINT): signal.default_int_handler,
    int(signal.SIGPIPE): _IGNORED,
    int(signal.SIGXFSZ): _IGNORED,
}
_handler_of: Callable[[int], Any] = _c_signal.getsignal
_set_handler: Callable[[int, Any], Any] = _c_signal.signal
_set_mask: Callable[..., Any] = _c_signal.pthread_sigmask
_TIMERS = signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37

# Elsewhere than on Linux less is known and done.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def prepare_streams() -> None:
    """Open the streams of children, on descriptors 0 to 2, before they are forked."""
    # A stream remembers what kind of file it was opened on (whether it can seek, is a terminal).
    # A child's descriptors will be pipes, so pipes stand in here while the streams are opened.
    reader, writer = os.pipe()
    copies = [os.dup(number) for number in range(3)]
    for number, end in ((0, reader), (1, writer), (2, writer)):
        os.dup2(end, number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open to the end
    sys.stdout, sys.stderr = _stream(1), _stream(2)
    vars(sys).update(__stdin__=sys.stdin, __stdout__=sys.stdout, __stderr__=sys.stderr)
    for number, copy in enumerate(copies):
        os.dup2(copy, number)
        os.close(copy)
    os.close(reader)
    os.close(writer)
    faulthandler.enable(2)


def _stream(number: int) -> TextIO:
    return open(number, "w", 1, "utf-8", "backslashreplace", closefd=False)


def take_descriptors(log: int) -> None:
    """Make stdin empty, and send stdout and stderr to the descriptor `log`."""
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for descriptor in {null, log} - {0, 1, 2}:
        os.close(descriptor)


def reseed() -> None:
    """Before a fork: give the next child random numbers of its own."""
    # A fork copies NumPy's generator, so all children would draw the same numbers. Python's own
    # `random` reseeds itself at a fork. Not in the child, which would have to copy what NumPy
    # touches.
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed([int.from_bytes(os.urandom(4)) for _ in range(4)])


def file_on(descriptor: int) -> tuple[int, int] | None:
    """Which file is open on a descriptor; None if it is closed."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def left_something() -> bool:
    """Whether the job left a thread or a process that could disturb the next one."""
    if threading.active_count() > 1:
        return True
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


class ProcessState:
    """What jobs may change in their process, as it was before the first job."""

    def __init__(self, umask: int) -> None:
        self._umask = umask
        self._environ = dict(os.environ)
        # As it is stored: to compare what `os.environ` shows decodes each variable of both.
        self._stored_environ = _stored_environ()
        self._path = list(sys.path)
        self._streams = sys.stdin, sys.stdout, sys.stderr
        self._files = [file_on(number) for number in range(3)]
        self._logging = LoggingState()
        self._handlers: list[Any] = []

    def is_restorable(self, folder: str) -> bool:
        """Whether a job of the project in `folder` has changed nothing that cannot be restored.

        That is, the streams are still open on the same files, and loggers are set up as before.
        """
        has_files = [file_on(number) for number in range(3)] == self._files
        stdin, stdout, stderr = self._streams
        if not has_files or stdin.closed or stdout.closed or stderr.closed:
            return False
        return not self._logging.have_changed(folder)

    def restore(self) -> None:
        """Restore everything else that a job may change."""
        os.umask(self._umask)
        if os.environ._data != self._stored_environ:  # type: ignore[attr-defined] # as below
            os.environ.clear()
            os.environ.update(self._environ)
        sys.path[:] = self._path
        sys.stdin, sys.stdout, sys.stderr = self._streams
        for timer in _TIMERS:
            signal.setitimer(timer, 0)
        signal.set_wakeup_fd(-1)
        if list(map(_handler_of, _JOB_SIGNALS)) == self._handlers:
            # As they were after the job before, they need no look one by one.
            _set_mask(signal.SIG_SETMASK, ())
        else:
            restore_signals(_JOB_SIGNALS)
            self._handlers = list(map(_handler_of, _JOB_SIGNALS))
        gc.enable()


def _stored_environ() -> dict[Any, Any]:
    """A copy of what `os.environ` holds (Python 3.11 to 3.14)."""
    return dict(os.environ._data)  # type: ignore[attr-defined] # typeshed does not know it


@dataclass
class LoadedModules:
    """The project's modules that were imported here, and the state of their files at that time.

    `own` are their names.
    """

    own: set[str] = field(default_factory=set)
    _new: NewModules = field(default_factory=NewModules)
    _stamps: dict[str, tuple[int, int, int] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._new.skip()

    def note(self, folder: str, began: float) -> None:
        """Remember what a job that began at the timestamp `began` has imported from `folder`."""
        for name in self._new.names():
            module = sys.modules.get(name)
            paths = [path for path in module_paths(module) if is_own(path, folder)]
            if not paths:
                continue
            self.own.add(name)
            file = getattr(module, "__file__", None)
            if not isinstance(file, str):
                continue
            stamp = _stamp(file)
            # A file that changed while the job ran may have changed before or after its import, so
            # what was imported is not known: it counts as changed (None).
            late = stamp is not None and max(stamp[0], stamp[1]) > (began - FILE_TIME_LAG) * 1e9
            self._stamps[file] = None if late else stamp

    def have_changed(self) -> bool:
        """Whether a file is no longer what was imported."""
        return any(stamp is None or _stamp(file) != stamp for file, stamp in self._stamps.items())


def _stamp(file: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


def die_with_parent(signal_number: int) -> None:
    """Have `signal_number` sent to this process when its parent ends (Linux only)."""
    # Strictly, when the parent's *thread* that forked it ends, even if the parent lives on.
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose parent ends (Linux only)."""
    if _prctl is not None:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def own_children() -> list[int]:
    """The pids of this process's children, also of dead ones; none where this is not known."""
    pid = os.getpid()
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def not_younger(pids: Iterable[int], than: int) -> set[int]:
    """Those processes that had begun when the process `than` began, as far as is known."""
    limit = _start_of(than)
    return {pid for pid in pids if limit is None or (_start_of(pid) or 0) <= limit}


def _start_of(pid: int) -> int | None:
    """When a process began, in ticks since the system did; None if it is gone (Linux only)."""
    try:
        # Its name, which may contain blanks and brackets, stands before the last one.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[19])
    except (OSError, IndexError, ValueError):
        return None


def reap_orphans(own: Collection[int | None] = ()) -> None:
    """Reap dead processes that became children of this one when their parents ended.

    They do so if it is process 1 of a container, or a subreaper (Linux only). Children that it
    has started itself, `own`, are left to whoever waits for them.
    """
    if os.getpid() != 1 and not _adopts_orphans():
        return
    for pid in own_children():
        if pid not in own:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _adopts_orphans() -> bool:
    if _prctl is None:
        return False
    is_subreaper = ctypes.c_int()
    _prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(is_subreaper), 0, 0, 0)
    return bool(is_subreaper.value)


def signal_group(leader: int, signal_number: int) -> None:
    """Send a signal to the process group of `leader`, or to it alone while it has no group yet."""
    try:
        os.killpg(leader, signal_number)
    except ProcessLookupError:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(leader, signal_number)
    except PermissionError:
        # macOS, for a group of which only the dead are left.
        pass


def reap(pids: Sequence[int], before: Callable[[int], None]) -> list[tuple[int, int]]:
    """Reap the children that have ended: pid and return code, negative for a signal.

    On Linux `before` is called with each pid just before it is reaped; elsewhere only `pids` are
    reaped, and it is called just after.
    """
    ended = []
    if sys.platform == "linux":
        with contextlib.suppress(ChildProcessError):
            # WNOWAIT leaves the dead child as it is: until it is reaped, its pid cannot be given to
            # another process, which `before` might kill by mistake.
            while child := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                before(child.si_pid)
                ended.append(os.waitpid(child.si_pid, 0))
    else:
        for pid in pids:
            pid_and_status = os.waitpid(pid, os.WNOHANG)
            if pid_and_status[0]:
                before(pid)
                ended.append(pid_and_status)
    return [(pid, os.waitstatus_to_exitcode(status)) for pid, status in ended]


def restore_signals(numbers: Iterable[int]) -> None:
    """Give these signals the handlers that Python starts with, and unblock all."""
    signal.set_wakeup_fd(-1)
    for number in numbers:
        handler = _PYTHON_HANDLERS.get(number, _DEFAULT)
        # None: a handler that C code has set; it is left alone.
        if _handler_of(number) not in (handler, None):
            _set_handler(number, handler)
    _set_mask(signal.SIG_SETMASK, ())
