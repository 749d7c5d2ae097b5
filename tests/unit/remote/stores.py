"""A store of files that holds a project, and what is left of it on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fsspec.implementations.memory import MemoryFileSystem

from flowerpower.config.remote.source import RemoteSource
from flowerpower.config.remote.version import MARK

FILES = {
    "conf/project.yml": b"name: demo\n",
    "conf/pipelines/hello.yml": b"run: {inputs: {name: you}}\n",
    "pipelines/hello.py": b"from words import HI\n\ndef text(name: str) -> str:\n"
    b"    return f'{HI} {name}'\n",
    "words.py": b"HI = 'Hello'\n",
}
NOT_FETCHED = {
    "data/sales.csv": b"1,2\n",
    ".git/config": b"",
    "pipelines/__pycache__/hello.cpython-311.pyc": b"",
    "env/pyvenv.cfg": b"",
    "env/lib/module.py": b"",
    "README.md": b"# Demo\n",
}


class Store(MemoryFileSystem):
    """A file system in memory of one test; it counts reads, and fails as it is told to."""

    cachable = False
    protocol = "store"

    def __init__(self) -> None:
        super().__init__()
        self.store: dict[str, Any] = {}
        self.pseudo_dirs = [""]
        self.reads: list[str] = []
        self.fault: Exception | None = None
        self.before_read: Callable[[str], None] = lambda _: None

    def fill(self, files: dict[str, bytes]) -> None:
        for path, content in files.items():
            self.pipe_file(f"/shop/demo/{path}", content)

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        if self.fault is not None:
            raise self.fault
        return super().ls(path, detail, **options)

    def cat_file(self, path: str, *arguments: Any, **options: Any) -> bytes:
        self.before_read(path)
        self.reads.append(path)
        return bytes(super().cat_file(path, *arguments, **options))


def at(store: Store) -> RemoteSource:
    """What a new process makes of the project in the store."""
    return RemoteSource("/shop/demo", fs=store, environ={})


def contents(root: Path) -> dict[str, bytes]:
    paths = [path for path in root.rglob("*") if path.is_file() and path.name != MARK]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def kept(homes: Path) -> list[Path]:
    """The versions in the cache, and whatever else is there but notes."""
    return [path for path in homes.glob("cache/flowerpower/projects/*/*") if path.is_dir()]
