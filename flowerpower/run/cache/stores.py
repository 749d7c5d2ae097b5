"""Where the cache keeps what it knows: versions of values in SQLite, the values in signed files."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

from hamilton.caching.stores.base import ResultRetrievalError, StoredResult
from hamilton.caching.stores.file import FileResultStore
from hamilton.caching.stores.sqlite import SQLiteMetadataStore

from flowerpower.atomic_files import write_file
from flowerpower.run import pickles

DATABASE = "metadata_store.db"
LOCK_TIMEOUT = 30
"""Seconds to wait for another run that writes to the cache."""


class VersionStore(SQLiteMetadataStore):  # type: ignore[misc] # Hamilton has no types
    """The newest version of a value for each cache key; what cannot be read counts as missing.

    Hamilton opens a connection for each thread and leaves them all to the garbage collector. Here
    one connection, behind a lock, serves all threads until `close`.

    One that is `read_only` does not record that a run begins.

    Raises:
        sqlite3.Error: if the file in the folder `path` cannot be used.
    """

    def __init__(self, path: Path | str, *, read_only: bool = False, **_other: Any) -> None:
        self._read_only = read_only
        self._is_closed = False
        self._lock = threading.RLock()
        uri = f"{(Path(path).resolve() / DATABASE).as_uri()}?mode={'ro' if read_only else 'rwc'}"
        self._shared = sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT, check_same_thread=False)
        try:
            super().__init__(path=str(path))
        except BaseException:
            self._shared.close()
            raise

    def __del__(self) -> None:
        # Hamilton's would fail after an __init__ that raised, and `close` has closed everything.
        pass

    @property
    def connection(self) -> sqlite3.Connection:
        return self._shared

    def close(self) -> None:
        """Close the connection; from then on nothing is found and nothing written."""
        # A failed run does not wait for its threads. None may be inside SQLite while this closes.
        with self._lock:
            self._is_closed = True
            self._shared.close()

    def initialize(self, run_id: str) -> None:
        if not self._read_only:
            with self._lock:
                super().initialize(run_id)

    def set(self, *, cache_key: str | None, data_version: str, **entry: Any) -> None:
        if cache_key is None or self._is_closed:
            return
        try:
            with self._lock:
                if self.get(cache_key) not in (None, data_version):
                    self.delete(cache_key)
                super().set(cache_key=cache_key, data_version=data_version, **entry)
        except sqlite3.Error as error:
            # The run has its value; only the next one is slower.
            logging.getLogger("flowerpower").warning("The cache was not written: %s", error)

    def get(self, cache_key: str) -> str | None:
        with self._lock, contextlib.suppress(sqlite3.Error):
            version: str | None = super().get(cache_key)
            return version
        return None

    def delete(self, cache_key: str) -> None:
        with self._lock:
            super().delete(cache_key)


def open_version_store(folder: Path) -> VersionStore:
    """The versions in a folder; a file that is not a database is renamed, and a new one begun.

    Raises:
        sqlite3.Error, OSError: if that is not possible.
    """
    try:
        return VersionStore(folder)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        damaged = folder / DATABASE
        os.replace(damaged, damaged.with_suffix(".damaged"))
        return VersionStore(folder)


class SignedResultStore(FileResultStore):  # type: ignore[misc] # Hamilton has no types
    """Values in files, signed, each written whole or not at all.

    A value that cannot be written, or was not signed with the project's key, is computed again.
    """

    def __init__(self, path: str, root: str) -> None:
        super().__init__(path)
        self._root = Path(root)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": str(self.path), "root": str(self._root)}

    def _write_result(self, file_path: Path, stored_result: Any) -> None:
        try:
            write_file(file_path, pickles.signed(stored_result.save(), self._root))
        except Exception as error:  # noqa: BLE001 - pickling runs the value's own code
            kind = type(stored_result.value).__name__
            logging.getLogger("flowerpower").warning(
                "A value of type %s is not kept in the cache: %s", kind, error
            )

    def get(self, data_version: str) -> Any:
        try:
            content = self._path_from_data_version(data_version).read_bytes()
            pickled = pickles.verified(content, self._root)
            if pickled is None:
                raise ValueError("this project did not write it")
            return StoredResult.load(pickled).value
        except Exception as error:
            # Hamilton then computes the node.
            raise ResultRetrievalError(str(error)) from error
