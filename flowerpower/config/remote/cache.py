"""Fetched versions of one source on this machine: each is whole or not there, and read-only.

A version is written into a folder beside its place and then renamed. Who writes holds a lock; what
a process has left that was killed while it did is removed by the next one.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from flowerpower.config.remote.version import FILES, MARK, RemoteVersion, cache_home, is_version
from flowerpower.errors import FlowerpowerError, os_errors_as
from flowerpower.files.atomic import write_file
from flowerpower.triggers import clock

KEPT_DAYS = 30
"""A version that was not used for so long is removed when another one is fetched."""
LOCK_SECONDS = 120.0
"""How long to wait for another process that fetches the same project."""
_BEGUN = ".fetch-"


class VersionCache:
    """The versions of the source that is called `key`, in XDG_CACHE_HOME/flowerpower/projects."""

    def __init__(self, key: str) -> None:
        self.folder = cache_home() / "flowerpower" / "projects" / key

    def root_of(self, version: str) -> Path | None:
        """The root folder of a version that is here with all of its files, or None."""
        root = self.folder / version / FILES
        try:
            files = json.loads((root / MARK).read_bytes())["files"]
            is_whole = all(os.path.getsize(root / path) == size for path, size in files)
        except (OSError, ValueError, LookupError, TypeError):
            return None
        if not is_whole:
            return None
        # What tells that it is in use.
        with contextlib.suppress(OSError):
            os.utime(root.parent)
        return root

    def newest(self) -> tuple[str, float] | None:
        """The version that the source had when it was looked at last, and when that was."""
        file = self.folder / "newest"
        try:
            version, looked_at = file.read_text("ascii"), file.stat().st_mtime
        except (OSError, ValueError):
            return None
        return (version, looked_at) if is_version(version) else None

    def set_newest(self, version: str) -> None:
        """Note that the source has this version now, if the folder can be written."""
        # A version that was put there beforehand runs from a disk that is read-only, too.
        with contextlib.suppress(OSError):
            write_file(self.folder / "newest", version.encode("ascii"))

    def write_errors(self) -> contextlib.AbstractContextManager[None]:
        """Raise what the disk refuses as an error that names the folder."""
        return os_errors_as(FlowerpowerError, f"The project cannot be kept in {self.folder}")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that adds versions.

        Raises:
            FlowerpowerError: if the folder cannot be written, or another process takes too long.
        """
        with self.write_errors():
            make_private_folder(self.folder)
            descriptor = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            _lock(descriptor, self.folder)
            yield
        finally:
            os.close(descriptor)

    def add(self, record: RemoteVersion, contents: Iterable[tuple[str, bytes]]) -> Path:
        """Write a version, its files read-only; returns its root folder. For who has the lock.

        If `contents`, pairs of path and content, raise, nothing is left.
        """
        self._remove_leftovers()
        begun = Path(tempfile.mkdtemp(prefix=_BEGUN, dir=self.folder))
        try:
            root = begun / FILES
            root.mkdir()
            files = []
            for path, content in contents:
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                _write(target, content)
                files.append((path, len(content)))
            _write(root / MARK, json.dumps({**asdict(record), "files": files}).encode())
            _make_read_only(root)
            self._replace(begun, self.folder / record.version)
        except BaseException:
            _remove(begun)
            raise
        return self.folder / record.version / FILES

    def _replace(self, begun: Path, place: Path) -> None:
        if place.exists():
            # A part of it is gone: something has cleaned up the cache.
            damaged = self.folder / f"{_BEGUN}damaged-{os.getpid()}"
            os.rename(place, damaged)
            _remove(damaged)
        os.rename(begun, place)

    def _remove_leftovers(self) -> None:
        oldest = time.time() - KEPT_DAYS * 86_400
        newest = self.newest()
        for path in list(self.folder.iterdir()):
            is_old = (
                is_version(path.name)
                and path.stat().st_mtime < oldest
                and (newest is None or newest[0] != path.name)
            )
            if is_old or path.name.startswith(_BEGUN):
                _remove(path)


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone."""
    for place in (*reversed(folder.parents), folder):
        if not place.exists():
            place.mkdir(mode=0o700, exist_ok=True)


def _lock(descriptor: int, folder: Path) -> None:
    import fcntl

    until = clock.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.monotonic() > until:
                raise FlowerpowerError(
                    f"Another process has been fetching the project for {LOCK_SECONDS:g} seconds.",
                    hint=f"It holds {folder / 'lock'}.",
                ) from None
            time.sleep(0.05)
        except OSError:
            # A file system without locks: renaming alone keeps versions whole.
            return
        else:
            return


def _write(target: Path, content: bytes) -> None:
    with open(target, "xb") as stream:
        stream.write(content)
        stream.flush()
        # Before the rename: after a crash of the machine a name without its content would count.
        os.fsync(stream.fileno())


def _make_read_only(root: Path) -> None:
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            os.chmod(os.path.join(folder, name), stat.S_IRUSR)
        os.chmod(folder, stat.S_IRUSR | stat.S_IXUSR)


def _remove(folder: Path) -> None:
    """Remove a folder with what is in it, although that is read-only; as far as it goes."""
    for path, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            os.chmod(path, stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
