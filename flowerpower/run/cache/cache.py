"""Hamilton's cache: which nodes a run computes, and which would come from the cache."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from hamilton import graph, node
from hamilton.caching.adapter import CachingBehavior, HamiltonCacheAdapter
from hamilton.caching.cache_key import create_cache_key
from hamilton.caching.fingerprinting import UNHASHABLE
from hamilton.caching.stores.base import MetadataStore, ResultRetrievalError, StoredResult
from hamilton.caching.stores.file import FileResultStore
from hamilton.caching.stores.sqlite import SQLiteMetadataStore

from flowerpower.atomic_files import write_file
from flowerpower.config.run import EVERY_NODE, CacheConfig
from flowerpower.errors import ConfigError
from flowerpower.run import pickles
from flowerpower.run.cache.code_versions import code_version
from flowerpower.run.cache.fingerprints import file_states, fingerprint
from flowerpower.run.node_events import NodeEventHook

CACHE_FOLDER = Path(".flowerpower", "cache")
BUSY = 30
"""Seconds to wait for another run that writes to the cache."""
OF_FILE = "x"
"""Ends the version of a value that names a file."""
Forecast = Literal["cached", "computed", "depends"]
"""From the cache; computed; depends on what the nodes before it turn out to give."""


class Cache(HamiltonCacheAdapter):  # type: ignore[misc] # Hamilton has no types
    """Hamilton's cache, which tells the recorder what was not computed.

    A text that names a file, from the project's folder or the current one, counts with the file.
    """

    def __init__(self, root: Path, recorder: NodeEventHook | None, **options: Any) -> None:
        super().__init__(**options)
        self._root = root
        self._recorder = recorder or NodeEventHook()

    def _version_data(
        self,
        node_name: str | None,
        run_id: str | None,
        result: Any,
        task_id: str | None = None,
    ) -> str:
        # All of Hamilton's versions of values come from here.
        try:
            files = file_states(result, (self._root, Path.cwd()))
            version = fingerprint((result, files) if files else result)
            return f"{version}{OF_FILE}" if files else version
        except Exception:  # noqa: BLE001 - the value's own code runs
            return f"{UNHASHABLE}_{uuid.uuid4()}"

    def version_code(self, node_name: str, run_id: str | None = None) -> str:
        """The version of a node's code, and of what of the project it uses."""
        graph_ = self._fn_graphs[self.last_run_id if run_id is None else run_id]
        return code_version(graph_.nodes[node_name])

    def do_node_execute(
        self,
        *,
        run_id: str,
        node_: node.Node,
        kwargs: dict[str, Any],
        task_id: str | None = None,
        **future_kwargs: Any,
    ) -> Any:
        """The node's value, from the cache or computed."""
        is_computed = False

        def compute(**given: Any) -> Any:
            nonlocal is_computed
            is_computed = True
            return node_.callable(**given)

        result = super().do_node_execute(
            run_id=run_id,
            node_=node_.copy_with(callabl=compute),
            kwargs=kwargs,
            task_id=task_id,
            **future_kwargs,
        )
        if not is_computed:
            self._recorder.came_from_cache(node_.name, task_id)
            version = self._get_memory_data_version(run_id, node_.name, task_id)
            if isinstance(version, str) and version.endswith(OF_FILE):
                # It names a file, which may have changed since: what takes it must see that.
                fresh = self._version_data(node_.name, run_id, result, task_id)
                self._set_memory_metadata(
                    run_id=run_id, node_name=node_.name, task_id=task_id, data_version=fresh
                )
        return result


class Versions(SQLiteMetadataStore):  # type: ignore[misc] # Hamilton has no types
    """Versions of values by keys, the newest; one that cannot be read is not there."""

    def __init__(self, path: Path | str, **_other: Any) -> None:
        super().__init__(path=str(path), connection_kwargs={"timeout": BUSY})

    def set(self, *, cache_key: str | None, data_version: str, **entry: Any) -> None:
        """Write the version for a key, in place of another."""
        if cache_key is None:
            return
        try:
            if self.get(cache_key) not in (None, data_version):
                self.delete(cache_key)
            super().set(cache_key=cache_key, data_version=data_version, **entry)
        except sqlite3.Error as error:
            # The run has its value; only the next one is the slower for it.
            logging.getLogger("flowerpower").warning("The cache was not written: %s", error)

    def get(self, cache_key: str) -> str | None:
        """The version for a key, None without one."""
        try:
            version: str | None = super().get(cache_key)
        except sqlite3.Error:
            return None
        return version


def _open(folder: Path) -> Versions:
    """The versions in a folder; a file that is no database is put aside for a new one.

    Raises:
        sqlite3.Error, OSError: if that is not possible.
    """
    try:
        return Versions(folder)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        damaged = folder / "metadata_store.db"
        os.replace(damaged, damaged.with_suffix(".damaged"))
        return Versions(folder)


class Results(FileResultStore):  # type: ignore[misc] # Hamilton has no types
    """Values in files, signed, each written whole or not at all.

    What cannot be kept, or was not written with the project's key, is computed again.
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
        """The value.

        Raises:
            ResultRetrievalError: if its file cannot be read; it is computed then.
        """
        try:
            content = self._path_from_data_version(data_version).read_bytes()
            pickled = pickles.verified(content, self._root)
            if pickled is None:
                raise ValueError("this project did not write it")
            return StoredResult.load(pickled).value
        except Exception as error:
            raise ResultRetrievalError(str(error)) from error


def cache_folder(root: Path, config: CacheConfig) -> Path:
    """Where the cache of a project is."""
    return root / Path(config.path or CACHE_FOLDER).expanduser()


def make_cache(root: Path, config: CacheConfig, recorder: NodeEventHook | None) -> Cache:
    """The cache that a run uses; its folder is made."""
    folder = cache_folder(root, config)
    try:
        for each in (root / CACHE_FOLDER.parts[0], folder):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = _open(folder)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(
            f"The cache in {folder} cannot be used: {error}.",
            hint="Give run.cache another path, or turn it off with --no-cache.",
        ) from None
    results = Results(path=str(folder), root=str(root))
    return Cache(
        root,
        recorder,
        path=str(folder),
        metadata_store=store,
        result_store=results,
        **_options(config),
    )


def forecast(
    root: Path,
    config: CacheConfig,
    fn_graph: graph.FunctionGraph,
    nodes: Iterable[node.Node],
    final_vars: list[str],
    given: dict[str, Any],
    overrides: dict[str, Any],
) -> dict[str, Forecast]:
    """What a run would take from the cache, found without running or writing anything.

    `nodes` are those to compute, in an order they can run in.
    """
    nodes = list(nodes)
    folder = cache_folder(root, config)
    if not folder.is_dir():
        return dict.fromkeys((each.name for each in nodes), "computed")
    try:
        store = _OnlyRead(Versions(folder))
    except sqlite3.Error:
        return dict.fromkeys((each.name for each in nodes), "computed")
    results = Results(path=str(folder), root=str(root))
    adapter = Cache(
        root, None, path=str(folder), metadata_store=store, result_store=results, **_options(config)
    )
    adapter.pre_graph_execute(
        run_id="plan", graph=fn_graph, final_vars=final_vars, inputs=given, overrides=overrides
    )
    behaviors, codes = adapter.behaviors["plan"], adapter.code_versions["plan"]
    versions: dict[str, str] = dict(adapter.data_versions["plan"])
    told: dict[str, Forecast] = {}
    for each in nodes:
        name = each.name
        takes = _taken_versions(adapter, each, behaviors, versions)
        if behaviors[name] is not CachingBehavior.DEFAULT:
            told[name] = "computed"
        elif takes is None:
            told[name] = "depends"
        else:
            key = create_cache_key(
                node_name=name, code_version=codes[name], dependencies_data_versions=takes
            )
            version = store.get(cache_key=key)
            if version is None or not results.exists(version):
                told[name] = "computed"
                continue
            told[name], versions[name] = "cached", version
            if version.endswith(OF_FILE):
                with contextlib.suppress(ResultRetrievalError):
                    versions[name] = adapter.version_data(results.get(version), run_id="plan")
    return told


def _taken_versions(
    adapter: HamiltonCacheAdapter,
    each: node.Node,
    behaviors: dict[str, CachingBehavior],
    versions: dict[str, str],
) -> dict[str, str] | None:
    """The versions of what a node takes; None if one is not known before the run."""
    takes: dict[str, str] = {}
    for need in each.dependencies:
        if behaviors.get(need.name) is CachingBehavior.IGNORE:
            takes[need.name] = "<ignore>"
        elif need.name in versions:
            takes[need.name] = versions[need.name]
        elif not need.user_defined:
            return None
    for name, value in each.default_parameter_values.items():
        if name not in takes:
            takes[name] = adapter.version_data(value, run_id="plan")
    if any(UNHASHABLE in version for version in takes.values()):
        return None
    return takes


def _options(config: CacheConfig) -> dict[str, Any]:
    told: dict[str, Any] = {
        name: True if EVERY_NODE in getattr(config, name) else getattr(config, name) or None
        for name in ("default", "recompute", "ignore", "disable")
    }
    for name in ("default_behavior", "default_loader_behavior", "default_saver_behavior"):
        told[name] = getattr(config, name)
    return told


class _OnlyRead(MetadataStore):  # type: ignore[misc] # Hamilton has no types
    """A store that is looked at and not written to."""

    def __init__(self, store: MetadataStore) -> None:
        self._store = store

    def __len__(self) -> int:
        return len(self._store)

    def initialize(self, run_id: str) -> None:
        """Nothing is begun."""

    def set(self, **entry: Any) -> None:
        """Nothing is written."""

    def get(self, cache_key: str, **_other: Any) -> str | None:
        """The version that is stored for a key, None without one."""
        version: str | None = self._store.get(cache_key=cache_key)
        return version

    def exists(self, cache_key: str) -> bool:
        """Whether there is a version for a key."""
        return self.get(cache_key) is not None

    def delete(self, cache_key: str) -> None:
        """Nothing is deleted."""

    def delete_all(self) -> None:
        """Nothing is deleted."""

    def get_run_ids(self) -> list[str]:
        """The runs that used it."""
        return list(self._store.get_run_ids())

    def get_run(self, run_id: str) -> list[dict[str, str]]:
        """What one of them used."""
        return list(self._store.get_run(run_id))
