"""Waiting for conditions, and finding every process that a test has started."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Outcome = TypeVar("Outcome")
WAIT_LIMIT = 120.0
"""Seconds after which a wait is given up. One that ends well ends at once, so this costs nothing."""


def slowed(seconds: float) -> float:
    """What may take here what takes `seconds` on a machine that has nothing else to do."""
    return seconds * max(2.0, 3 * os.getloadavg()[0] / (os.cpu_count() or 1))


def eventually(condition: Callable[[], Outcome], timeout: float = WAIT_LIMIT) -> Outcome:
    """What `condition` gives as soon as that is true; an AssertionError after `timeout` seconds."""
    began = time.monotonic()
    while True:
        asked = time.monotonic()
        if outcome := condition():
            return outcome
        now = time.monotonic()
        assert now < began + timeout, f"not within {timeout} s: {condition}"
        # A long wait, or a condition that is a whole command, is to leave the machine to the others.
        time.sleep(max(0.005, min(0.05, (now - began) / 20), min(0.5, 2 * (now - asked))))


def with_longer_limits(attempt: Callable[[float], Outcome], began: Path, first: float) -> Outcome:
    """What `attempt` gives for the first limit, in seconds, that lets the work begin.

    A limit that is to end work in its midst must be longer than its start, which takes a second
    here and half a minute there; the limit is doubled until the work has left the file `began`.
    """
    limit = first
    while True:
        outcome = attempt(limit)
        if began.exists():
            return outcome
        limit *= 2
        assert limit < WAIT_LIMIT, f"{began} was not reached within {limit / 2} s"


def processes_marked(mark: str) -> list[int]:
    """The living processes that were started with `mark` in their environment."""
    if not Path("/proc/self/environ").exists():
        shown = subprocess.run(
            ["ps", "-A", "-E", "-ww", "-o", "pid=,command="], capture_output=True, check=True
        ).stdout.decode(errors="replace")
        return [int(line.split()[0]) for line in shown.splitlines() if mark in line]
    return [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and int(folder.name) != os.getpid() and _has(folder, mark)
    ]


def _has(folder: Path, mark: str) -> bool:
    try:
        # A zombie has no environment any more.
        return mark.encode() in (folder / "environ").read_bytes()
    except OSError:
        return False
