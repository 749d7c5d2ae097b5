"""What the operating system does for a process at another's death; Linux, and less elsewhere."""

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
    """Have `signal_number` sent to this process when the thread that forked it ends."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def adopt_orphans() -> None:
    """Make processes whose parent ends below this one children of this one."""
    if _prctl is not None:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def own_children() -> list[int]:
    """The pids of this process's children, the dead ones included; none where it cannot tell."""
    pid = os.getpid()
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(each) for each in file.read().split()]
    except OSError:
        return []


def signal_group(leader: int, signal_number: int) -> None:
    """Send a signal to the process group of `leader`, or to it alone while it has none yet."""
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

    `before` is called with each pid while no other process can be given it; where the system
    cannot hold a pid, only `pids` are reaped, and `before` is called right after.
    """
    ended = []
    if sys.platform == "linux":
        with contextlib.suppress(ChildProcessError):
            while found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                before(found.si_pid)
                ended.append(os.waitpid(found.si_pid, 0))
    else:
        for pid in pids:
            done = os.waitpid(pid, os.WNOHANG)
            if done[0]:
                before(pid)
                ended.append(done)
    return [(pid, os.waitstatus_to_exitcode(status)) for pid, status in ended]


def restore_signals(numbers: Iterable[int]) -> None:
    """Handle these signals as Python does at its start; none is blocked."""
    signal.set_wakeup_fd(-1)
    for each in numbers:
        usual = _USUAL.get(each, signal.SIG_DFL)
        if signal.getsignal(each) not in (usual, None):
            signal.signal(each, usual)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def stop_timers() -> None:
    """No timer of this process will send it a signal."""
    for each in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(each, 0)


_USUAL: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGPIPE: signal.SIG_IGN,
    signal.SIGXFSZ: signal.SIG_IGN,
}
