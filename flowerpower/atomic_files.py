"""Writing several files, all of them or none."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path


def write_atomically(contents: Mapping[Path, bytes], folders: Iterable[Path] = ()) -> None:
    """Write every file of `contents`, and make the folders they need and `folders` too.

    A file that is there is replaced and keeps its mode. When this raises, also by a signal, files
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
            fresh, kept = beside(target), None
            undo.callback(fresh.unlink, missing_ok=True)
            with fresh.open("xb") as stream:
                stream.write(content)
            if target.exists():
                shutil.copymode(target, fresh)
                kept = beside(target)
                cleanup.callback(kept.unlink, missing_ok=True)
                shutil.copy2(target, kept)
            staged.append((target, fresh, kept))
        for target, fresh, kept in staged:
            if kept is None:
                undo.callback(target.unlink, missing_ok=True)
            else:
                undo.callback(os.replace, kept, target)
            os.replace(fresh, target)
        undo.pop_all()


def beside(target: Path) -> Path:
    """A name for a temporary file in the folder of `target` that nobody has."""
    return target.with_name(f".flowerpower-{secrets.token_hex(8)}")


def _make_folder(folder: Path, undo: contextlib.ExitStack) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent, undo)
        folder.mkdir()
        undo.callback(folder.rmdir)
