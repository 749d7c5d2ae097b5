"""Servers that are started for tests, and are ended with all that they have started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.conditions import eventually
from tests.integrations.descendants import descendants

# Ends its program when its own input ends: a test run that is killed leaves nothing behind.
_GUARD = """
import signal, subprocess, sys
program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
print(program.pid, flush=True)
sys.stdin.read()
program.send_signal(signal.SIGTERM)
try:
    program.wait(5)
except subprocess.TimeoutExpired:
    program.kill()
"""


@contextlib.contextmanager
def started(
    command: list[str], folder: Path, is_up: Callable[[], bool], **environ: str
) -> Iterator[int]:
    """The process of a Python program that has been started in `folder`, once it is up."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with log.open("wb") as out:
        guard = subprocess.Popen(
            [sys.executable, "-c", _GUARD, sys.executable, *command],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=out,
        )
    assert guard.stdout is not None
    assert guard.stdin is not None
    pid = int(guard.stdout.readline())
    try:
        eventually(is_up)
        yield pid
    finally:
        below = [pid, *descendants(pid)]
        guard.stdin.close()
        guard.wait(20)
        guard.stdout.close()
        for each in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)


def listens(port: int) -> bool:
    """Whether something takes connections at the port."""
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        return True
    return False


def kill_all(pid: int) -> None:
    """Kill -9 a program and all that it has started."""
    for each in [pid, *descendants(pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
