"""Programs that are measured: what each used, and several of them in turns."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


class ProgramFailed(Exception):
    """A program that is measured has ended with an error."""


@dataclass(frozen=True)
class Usage:
    """Seconds by the clock and of processors, and the most memory in bytes."""

    seconds: float
    cpu: float
    memory: int


def rounds(usual: int) -> int:
    """How often something is measured: as usual, or less often if ROUNDS is less."""
    text = os.environ.get("ROUNDS") or str(usual)
    if not text.isdecimal() or int(text) < 1:
        raise SystemExit(f"ROUNDS must be a whole number from 1 on, not {text!r}")
    return min(usual, int(text))


def environ(**extra: str) -> dict[str, str]:
    """The environment of a program that is measured."""
    # Installed programs have their bytecode; ours must be written to be the same.
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(REPOSITORY), **extra}


def usage_of(command: Sequence[str], folder: Path, **environment: str) -> Usage:
    """What a program used from its start to its end.

    Raises:
        ProgramFailed: its exit code is not 0.
    """
    with tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environ(**environment), stdout=subprocess.DEVNULL,
            stderr=errors,
        )  # fmt: skip
        # Only wait4 says what this one program used.
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            text = errors.read().decode(errors="replace").strip()
            raise ProgramFailed(f"{' '.join(command)} ended with {process.returncode}: {text}")
    return Usage(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def in_turns(
    commands: Mapping[str, Sequence[str]], folder: Path, usual: int, **environment: str
) -> list[dict[str, Usage]]:
    """What each command used, round by round; one round before that is for the caches.

    Every second round goes backwards, so that none of them always comes after the same one.
    """
    names = list(commands)
    measured = []
    for number in range(rounds(usual) + 1):
        order = names if number % 2 else names[::-1]
        used = {name: usage_of(commands[name], folder, **environment) for name in order}
        if number:
            measured.append(used)
    return measured
