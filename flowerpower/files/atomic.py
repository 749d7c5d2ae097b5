"""Writing one file or several: each whole or not at all, all of them or none.

New content is written beside its target and then renamed over it. What replaces nothing (the first
of several writers wins) is linked instead, by those who need it: a database, a key.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


@contextlib.contextmanager
def replacement(target: Path) -> Iterator[Path]:
    """A new, empty file to write to, which replaces `target` unless the block raises.

    It keeps the mode of a `target` that exists.

    Raises:
        OSError: if it cannot be made, or cannot take the place of `target`.
    """
    exists = target.exists()
    fresh = beside(target)
    # With 0o666 the kernel applies the umask. Python can only read the umask by setting it, which
    # other threads would notice. Private until the end if the target may be so.
    mode = 0o600 if exists else 0o666
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    try:
        yield fresh
        if exists:
            shutil.copymode(target, fresh)
        os.replace(fresh, target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def write_file(target: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that exists is replaced and keeps its mode.

    Raises:
        OSError: if it cannot be written.
    """
    with replacement(target) as fresh:
        fresh.write_bytes(content)


def write_files(contents: Mapping[Path, bytes], folders: Iterable[Path] = ()) -> None:
    """Write every file of `contents`, and make the folders they need and `folders` too.

    A file that exists is replaced and keeps its mode. When this raises, also by a signal, files
    and folders are as they were.

    Raises:
        OSError: if one of them cannot be written.
    """
    staged: list[tuple[Path, Path, Path | None]] = []
    with contextlib.ExitStack() as cleanup, contextlib.ExitStack() as undo:
        for folder in folders:
            _make_folder(folder, undo)
        for target, content in contents.items():
            _make_folder(target.parent, undo)
            fresh, backup = beside(target), None
            undo.callback(fresh.unlink, missing_ok=True)
            with fresh.open("xb") as stream:
                stream.write(content)
            if target.exists():
                shutil.copymode(target, fresh)
                backup = beside(target)
                cleanup.callback(backup.unlink, missing_ok=True)
                shutil.copy2(target, backup)
            staged.append((target, fresh, backup))
        for target, fresh, backup in staged:
            # Registered before the rename: a signal may come between the two.
            if backup is None:
                undo.callback(target.unlink, missing_ok=True)
            else:
                undo.callback(os.replace, backup, target)
            os.replace(fresh, target)
        undo.pop_all()


def beside(target: Path) -> Path:
    """A new name in the folder of `target`; writers that go by the suffix find the same one."""
    return target.with_name(f".flowerpower-{os.urandom(8).hex()}{target.suffix}")


def _make_folder(folder: Path, undo: contextlib.ExitStack) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent, undo)
        folder.mkdir()
        undo.callback(folder.rmdir)
