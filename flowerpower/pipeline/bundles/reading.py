"""Reading a bundle or a project's folder, however hostile: bounded, and no link is followed."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from flowerpower.config.files import PROJECT_FILE
from flowerpower.errors import ConfigError, UsageError
from flowerpower.pipeline.bundles.bundle import (
    MANIFEST,
    MAX_BYTES,
    MAX_MEMBERS,
    Bundle,
    bundle_of,
    not_taken,
    too_much,
)
from flowerpower.text import did_you_mean, shortened

MAX_ZIP_BYTES = MAX_BYTES + 5_000_000
_ENTRY = b"PK\x01\x02"
"""What each entry of a zip's directory begins with."""
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)
_LEFT_OUT = ("__pycache__", "output")


def read_bundle(path: Path) -> Bundle:
    """The bundle that is the folder or the zip `path`, checked; nothing of it is run.

    Raises:
        UsageError: if there is no such file or folder.
        ConfigError: if it is no bundle, or one that nobody should take.
    """
    shown = shortened(str(path), 200)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"There is no file or folder {shown}.{_nearest_beside(path)}") from None
    except OSError as error:
        raise ConfigError(f"{shown} cannot be read: {error.strerror}.") from None
    if stat.S_ISDIR(mode):
        return bundle_of(_folder(path, shown, lambda _: True), shown)
    if not stat.S_ISREG(mode):
        raise UsageError(f"{shown} is neither a folder nor a zip.")
    return bundle_of(_zip(_content(path, shown), shown), shown)


def read_project_folder(path: Path) -> dict[Path, bytes]:
    """The files of the project in the folder `path`, relative to it, as a new one starts with.

    Left out are hidden files (but for `.gitignore`) and folders, virtual environments, and what
    runs leave: `output` and `__pycache__`.

    Raises:
        ConfigError: if it holds links or the like, or too much.
    """
    members = _folder(path, shortened(str(path), 200), _is_source)
    return {Path(name): content for name, content in sorted(members.items())}


def is_project_folder(path: Path) -> bool:
    """Whether `path` is a whole project, and no bundle."""
    return (path / PROJECT_FILE).is_file() and not (path / MANIFEST).exists()


def _is_source(path: Path) -> bool:
    if path.name.startswith("."):
        return path.name == ".gitignore"
    return path.name not in _LEFT_OUT and not (path / "pyvenv.cfg").exists()


def _nearest_beside(path: Path) -> str:
    try:
        return did_you_mean(path.name, os.listdir(path.parent)[:1000])
    except (OSError, ValueError):
        return ""


@dataclass
class _Members:
    """Members by name, as many and as much as may be."""

    shown: str
    contents: dict[str, bytes] = field(default_factory=dict)
    left: int = MAX_BYTES

    def add(self, name: str, stream: IO[bytes]) -> None:
        if name in self.contents:
            raise not_taken(self.shown, f"it holds {shortened(name)!r} twice")
        content = stream.read(self.left + 1)
        if len(content) > self.left or len(self.contents) >= MAX_MEMBERS:
            raise not_taken(self.shown, f"it holds {too_much()}")
        self.left -= len(content)
        self.contents[name] = content


def _content(path: Path, shown: str) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_ZIP_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{shown} cannot be read: {error.strerror}.") from None
    # A directory of millions of entries is read whole before the first can be looked at.
    if len(content) > MAX_ZIP_BYTES or content.count(_ENTRY) > 2 * MAX_MEMBERS:
        raise not_taken(shown, f"it holds {too_much()}")
    return content


def _zip(content: bytes, shown: str) -> dict[str, bytes]:
    members = _Members(shown)
    folders = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                # `filename` ends where a NUL is.
                name = info.orig_filename
                _check_kind(info, name, shown)
                if name.endswith("/"):
                    folders.append(name)
                    continue
                with archive.open(info) as stream:
                    members.add(name, stream)
    except (*_UNREADABLE, OSError) as error:
        raise not_taken(shown, f"it is no zip that can be read ({error})") from None
    for folder in folders:
        if not any(name.startswith(folder) for name in members.contents):
            raise not_taken(shown, f"{shortened(folder)!r} is a folder without files")
    return members.contents


def _check_kind(info: zipfile.ZipInfo, name: str, shown: str) -> None:
    expected = stat.S_IFDIR if name.endswith("/") else stat.S_IFREG
    if stat.S_IFMT(info.external_attr >> 16) not in (0, expected):
        raise not_taken(shown, f"{shortened(name)!r} is a link or another special file")
    if info.flag_bits & _ENCRYPTED:
        raise not_taken(shown, f"{shortened(name)!r} is encrypted")
    if info.compress_type not in _METHODS:
        raise not_taken(shown, f"{shortened(name)!r} is packed in a way that is not known here")


def _folder(top: Path, shown: str, wanted: Callable[[Path], bool]) -> dict[str, bytes]:
    members = _Members(shown)
    seen, queue = 0, [top]
    try:
        while queue:
            for path in queue.pop().iterdir():
                if not wanted(path):
                    continue
                name = path.relative_to(top).as_posix()
                seen += 1
                if seen > 2 * MAX_MEMBERS:
                    raise not_taken(shown, f"it holds {too_much()}")
                mode = path.lstat().st_mode
                if stat.S_ISDIR(mode):
                    queue.append(path)
                elif stat.S_ISREG(mode):
                    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
                    with os.fdopen(os.open(path, flags), "rb") as stream:
                        members.add(name, stream)
                else:
                    what = f"{shortened(name)!r} is a link or another special file"
                    raise not_taken(shown, what)
    except OSError as error:
        raise ConfigError(f"{shown} cannot be read: {error.strerror}.") from None
    return members.contents
