"""Whether a file is the one that was read: by its times, its size and its inode."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

FILE_TIME_LAG = 0.02
"""Seconds by which a file system's times may lag behind the clock."""
Stamp = tuple[int, int, int, int]


def stamp_of(file: Path | str) -> Stamp | None:
    """The stamp of a file, None if there is none; to be taken before the file is read."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def is_settled(stamp: Stamp) -> bool:
    """Whether a file is so old that another write would change its times."""
    return max(stamp[:2]) < time.time_ns() - FILE_TIME_LAG * 1e9


def file_stamp(file: str) -> tuple[int, int] | None:
    """The time (ns) and size of a file; (0, 0) for a folder, None if there is nothing."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if stat.S_ISREG(status.st_mode) else (0, 0)
