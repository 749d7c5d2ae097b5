"""Files that a command is asked to write, and results that are bytes."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

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
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
        _replace(target, content, mode)
    except OSError as error:
        raise FlowerpowerError(f"{path} cannot be written: {error.strerror}.") from None


def _replace(target: Path, content: bytes, mode: int) -> None:
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=".flowerpower-", delete=False
    ) as stream:
        try:
            stream.write(content)
            stream.flush()
            os.chmod(stream.name, mode)
            os.replace(stream.name, target)
        except OSError:
            os.unlink(stream.name)
            raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write_stdout(content: bytes) -> None:
    """Write to stdout as it is.

    Raises:
        FlowerpowerError: if stdout cannot take it; BrokenPipeError if its reader has gone.
    """
    with written(sys.stdout):
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
