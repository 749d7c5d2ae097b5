"""Hamilton's cache for one run: what has not changed is not computed again."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import uuid
from pathlib import Path
from typing import Any

from hamilton.caching.adapter import HamiltonCacheAdapter
from hamilton.caching.fingerprinting import UNHASHABLE
from hamilton.caching.stores.base import ResultRetrievalError, StoredResult
from hamilton.caching.stores.file import FileResultStore
from hamilton.caching.stores.sqlite import SQLiteMetadataStore
from hamilton.node import Node

from flowerpower.config.run import EVERY_NODE
from flowerpower.config.run_section import CacheConfig
from flowerpower.errors import ConfigError
from flowerpower.files.atomic import write_file
from flowerpower.run import pickles
from flowerpower.run.blocks import collected_names
from flowerpower.run.cache.code_versions import code_version
from flowerpower.run.cache.fingerprints import fingerprint_with_files
from flowerpower.run.node_events import NodeEventHook

CACHE_FOLDER = Path(".flowerpower", "cache")
DATABASE = "metadata_store.db"
LOCK_TIMEOUT = 30
"""Seconds to wait for another run that writes to the cache."""
NAMES_FILE = "x"
"""Suffix of the version of a value that names a file; the rest of it is hexadecimal."""


class VersionStore(SQLiteMetadataStore):  # type: ignore[misc] # Hamilton has no types
    """The newest version of a value for each cache key; what cannot be read counts as missing.

    Hamilton opens a connection for each thread and leaves them all to the garbage collector. Here
    one connection, behind a lock, serves all threads until `close`. One that is `read_only` does
    not record that a run begins.

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
            # Hamilton stores such a version with a random end, and would find it again.
            return UNHASHABLE if version and version.startswith(UNHASHABLE) else version
        return None

    def delete(self, cache_key: str) -> None:
        with self._lock:
            super().delete(cache_key)


class SignedResultStore(FileResultStore):  # type: ignore[misc] # Hamilton has no types
    """Values in files, signed, each written whole or not at all.

    A value that cannot be written, or was not signed with the project's key, is computed again.
    """

    def __init__(self, path: str, root: str) -> None:
        super().__init__(path)
        self._root = Path(root)
        self._read_ahead: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"path": str(self.path), "root": str(self._root)}

    def set(self, data_version: str, result: Any, **options: Any) -> None:
        if data_version.startswith(UNHASHABLE):
            _warn_not_kept(result, "it has no fingerprint, by which a change would be seen")
        else:
            super().set(data_version, result, **options)

    def _write_result(self, file_path: Path, stored_result: Any) -> None:
        try:
            write_file(file_path, pickles.signed(stored_result.save(), self._root))
        except Exception as error:  # noqa: BLE001 - pickling runs the value's own code
            _warn_not_kept(stored_result.value, error)

    def read_ahead(self, data_version: str) -> bool:
        """Read a value now, which the next `get` gives; whether there is one."""
        try:
            self._read_ahead[data_version] = self.get(data_version)
        except ResultRetrievalError:
            return False
        return True

    def get(self, data_version: str) -> Any:
        if data_version in self._read_ahead:
            return self._read_ahead.pop(data_version)
        try:
            content = self._path_from_data_version(data_version).read_bytes()
            pickled = pickles.verified(content, self._root)
            if pickled is None:
                raise ValueError("this project did not write it")
            return StoredResult.load(pickled).value
        except Exception as error:
            # Hamilton then computes the node.
            raise ResultRetrievalError(str(error)) from error


def _warn_not_kept(value: Any, reason: object) -> None:
    message = "A value of type %s is not kept in the cache: %s"
    logging.getLogger("flowerpower").warning(message, type(value).__name__, reason)


class Cache(HamiltonCacheAdapter):  # type: ignore[misc] # Hamilton has no types
    """Hamilton's cache, which reports to `node_events` what was not computed.

    A value that names a file, from the project's folder or the current one, changes with the file.
    """

    def __init__(
        self, root: Path, config: CacheConfig, store: VersionStore, node_events: NodeEventHook
    ) -> None:
        folder = str(cache_folder(root, config))
        results = SignedResultStore(path=folder, root=str(root))
        behaviors = _node_behaviors(config)
        super().__init__(path=folder, metadata_store=store, result_store=results, **behaviors)
        self._root, self._node_events = root, node_events

    def close(self) -> None:
        """Close the database."""
        self.metadata_store.close()

    def _version_data(
        self, node_name: str | None, run_id: str | None, result: Any, task_id: str | None = None
    ) -> str:
        # Hamilton makes every version of a value here.
        try:
            version, names_files = fingerprint_with_files(result, (self._root, Path.cwd()))
            return f"{version}{NAMES_FILE}" if names_files else version
        except Exception:  # noqa: BLE001 - the value's own code runs
            return f"{UNHASHABLE}_{uuid.uuid4()}"

    def version_code(self, node_name: str, run_id: str | None = None) -> str:
        """The version of a node's code, and of what it uses of the project."""
        graph = self._fn_graphs[self.last_run_id if run_id is None else run_id]
        return code_version(graph.nodes[node_name])

    def pre_node_execute(
        self, *, run_id: str, node_: Node, kwargs: dict[str, Any], **arguments: Any
    ) -> None:
        # Hamilton sorts the versions of collected items: in another order they would be the same.
        collected = {
            name: list(enumerate(self.version_data(item, run_id=run_id) for item in kwargs[name]))
            for name in collected_names(node_)
            if name in kwargs
        }
        kwargs = {**kwargs, **collected}
        super().pre_node_execute(run_id=run_id, node_=node_, kwargs=kwargs, **arguments)

    def do_node_execute(
        self, *, run_id: str, node_: Node, task_id: str | None = None, **arguments: Any
    ) -> Any:
        is_computed = False

        def compute(**node_arguments: Any) -> Any:
            nonlocal is_computed
            is_computed = True
            return node_.callable(**node_arguments)

        watched = node_.copy_with(callabl=compute)
        result = super().do_node_execute(run_id=run_id, node_=watched, task_id=task_id, **arguments)
        if not is_computed:
            self._node_events.mark(node_.name, task_id, from_cache=True)
            key = {"run_id": run_id, "node_name": node_.name, "task_id": task_id}
            version = self._get_memory_data_version(**key)
            if isinstance(version, str) and version.endswith(NAMES_FILE):
                # The file may have changed since: the nodes that take its name must notice.
                current = self._version_data(result=result, **key)
                self._set_memory_metadata(data_version=current, **key)
        return result


def cache_folder(root: Path, config: CacheConfig) -> Path:
    """The folder of a project's cache."""
    return root / Path(config.path or CACHE_FOLDER).expanduser()


def make_cache(root: Path, config: CacheConfig, node_events: NodeEventHook) -> Cache:
    """The cache for a run, which the caller closes. Its folder is created.

    Raises:
        ConfigError: if it cannot be used.
    """
    folder = cache_folder(root, config)
    try:
        for directory in (root / CACHE_FOLDER.parts[0], folder):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = _open_version_store(folder)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(
            f"The cache in {folder} cannot be used: {error}.",
            hint="Give run.cache another path, or turn it off with --no-cache.",
        ) from None
    return Cache(root, config, store, node_events)


def _open_version_store(folder: Path) -> VersionStore:
    """The versions in a folder; a file that is not a database is renamed, and a new one begun."""
    try:
        return VersionStore(folder)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        damaged = folder / DATABASE
        os.replace(damaged, damaged.with_suffix(".damaged"))
        return VersionStore(folder)


def _node_behaviors(config: CacheConfig) -> dict[str, Any]:
    """Hamilton's options: which nodes, and what to do with them and with all others."""
    options = config.model_dump(exclude={"enabled", "path"})
    for name in ("default", "recompute", "ignore", "disable"):
        options[name] = EVERY_NODE in options[name] or options[name] or None
    return options
