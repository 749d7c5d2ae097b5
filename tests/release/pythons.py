"""The Pythons of this machine that flowerpower supports."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

OLDEST = (3, 11)
_NAME = re.compile(r"python3\.(\d+)")


def pythons() -> dict[tuple[int, int], str]:
    """One program for each minor version from 3.11 on, on PATH or installed by pyenv or uv."""
    home = Path.home()
    folders = [
        *sorted((home / ".pyenv" / "versions").glob("*/bin")),
        *sorted((home / ".local" / "share" / "uv" / "python").glob("*/bin")),
        *map(Path, os.environ.get("PATH", "").split(os.pathsep)),
    ]
    programs: dict[tuple[int, int], str] = {}
    for folder in folders:
        for program in sorted(folder.glob("python3.*")):
            match = _NAME.fullmatch(program.name)
            version = (3, int(match[1])) if match else (0, 0)
            # A shim of pyenv stands also for a Python that is not installed.
            if version >= OLDEST and version not in programs and version_of(program) == version:
                programs[version] = str(program)
    return dict(sorted(programs.items()))


def version_of(program: str | Path) -> tuple[int, int] | None:
    """Major and minor version of a Python; None if it does not run or cannot make environments."""
    code = "import sys, ensurepip, venv; print(*sys.version_info[:2])"
    try:
        ended = subprocess.run(
            [program, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor = ended.stdout.split()
    return int(major), int(minor)
