"""Calls to the operating system about other processes: all of them on Linux, fewer elsewhere."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


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
        handler = _PYTHON_HANDLERS.get(number, signal.SIG_DFL)
        # None: a handler that C code has set; it is left alone.
        if signal.getsignal(number) not in (handler, None):
            signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def stop_timers() -> None:
    """Stop the timers by which this process would send itself signals."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)


_PYTHON_HANDLERS: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGPIPE: signal.SIG_IGN,
    signal.SIGXFSZ: signal.SIG_IGN,
}
