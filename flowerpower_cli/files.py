"""Files that a command writes, and results that are bytes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flowerpower import atomic_files
from flowerpower.errors import FlowerpowerError
from flowerpower_cli.views.output import flushing


def check_writable(path: Path | None) -> None:
    """Check that a file can be written, before a run that may take hours.

    Raises:
        FlowerpowerError: with the reason why it cannot be written.
    """
    if path is None:
        return
    folder = path.absolute().parent
    reason = None
    if path.is_dir():
        reason = "it is a folder"
    elif not folder.is_dir():
        reason = "No such file or directory"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        reason = "Permission denied"
    if reason:
        raise FlowerpowerError(f"{path} cannot be written: {reason}.")


def write_file(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; missing folders are made.

    Raises:
        FlowerpowerError: with the reason why it cannot be written.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            # A device or a pipe (/dev/stdout, >(command)) is written to, never replaced.
            path.write_bytes(content)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            atomic_files.write_file(target, content)
    except OSError as error:
        raise FlowerpowerError(f"{path} cannot be written: {error.strerror}.") from None


def write_stdout(content: bytes) -> None:
    """Write bytes to stdout.

    Raises:
        FlowerpowerError: if stdout cannot take it; BrokenPipeError if its reader has gone.
    """
    with flushing(sys.stdout):
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
