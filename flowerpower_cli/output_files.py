"""Files that a command is asked to write, and results that are bytes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flowerpower import atomic_files
from flowerpower.errors import FlowerpowerError
from flowerpower_cli.views.output import written


def check_writable(path: Path | None) -> None:
    """Before something that takes long: the folder of a file is there, and the file is no folder.

    Raises:
        FlowerpowerError: with the reason why it cannot be written.
    """
    if path is None:
        return
    reason = None
    if path.is_dir():
        reason = "it is a folder"
    elif not path.absolute().parent.is_dir():
        reason = "No such file or directory"
    elif not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        reason = "Permission denied"
    if reason:
        raise FlowerpowerError(f"{path} cannot be written: {reason}.")


def write_file(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; to a device or a pipe as it is.

    Raises:
        FlowerpowerError: with the reason why it cannot be written.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            path.write_bytes(content)
            return
        atomic_files.write_file(target, content)
    except OSError as error:
        raise FlowerpowerError(f"{path} cannot be written: {error.strerror}.") from None


def write_stdout(content: bytes) -> None:
    """Write to stdout as it is.

    Raises:
        FlowerpowerError: if stdout cannot take it; BrokenPipeError if its reader has gone.
    """
    with written(sys.stdout):
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
