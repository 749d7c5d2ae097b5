"""Hamilton's cache for one run: what has not changed is not computed again."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path
from typing import Any

from hamilton.caching.adapter import HamiltonCacheAdapter
from hamilton.caching.fingerprinting import UNHASHABLE
from hamilton.node import Node

from flowerpower.config.run import EVERY_NODE, CacheConfig
from flowerpower.errors import ConfigError
from flowerpower.run.cache.code_versions import code_version
from flowerpower.run.cache.fingerprints import file_states, fingerprint
from flowerpower.run.cache.stores import SignedResultStore, VersionStore, open_version_store
from flowerpower.run.node_events import NodeEventHook

CACHE_FOLDER = Path(".flowerpower", "cache")
NAMES_FILE = "x"
"""Suffix of the version of a value that names a file; the rest of it is hexadecimal."""


class Cache(HamiltonCacheAdapter):  # type: ignore[misc] # Hamilton has no types
    """Hamilton's cache, which reports to `node_events` what was not computed.

    A text that names a file, from the project's folder or the current one, changes with the file.
    """

    def __init__(
        self,
        root: Path,
        config: CacheConfig,
        store: VersionStore,
        node_events: NodeEventHook | None = None,
    ) -> None:
        folder = str(cache_folder(root, config))
        super().__init__(
            path=folder,
            metadata_store=store,
            result_store=SignedResultStore(path=folder, root=str(root)),
            **_node_behaviors(config),
        )
        self._root = root
        self._node_events = node_events or NodeEventHook()

    def close(self) -> None:
        """Close the database."""
        self.metadata_store.close()

    def _version_data(
        self,
        node_name: str | None,
        run_id: str | None,
        result: Any,
        task_id: str | None = None,
    ) -> str:
        # Hamilton makes every version of a value here.
        try:
            files = file_states(result, (self._root, Path.cwd()))
            version = fingerprint((result, files) if files else result)
            return f"{version}{NAMES_FILE}" if files else version
        except Exception:  # noqa: BLE001 - the value's own code runs
            return f"{UNHASHABLE}_{uuid.uuid4()}"

    def version_code(self, node_name: str, run_id: str | None = None) -> str:
        """The version of a node's code, and of what it uses of the project."""
        graph = self._fn_graphs[self.last_run_id if run_id is None else run_id]
        return code_version(graph.nodes[node_name])

    def do_node_execute(
        self,
        *,
        run_id: str,
        node_: Node,
        kwargs: dict[str, Any],
        task_id: str | None = None,
        **future_kwargs: Any,
    ) -> Any:
        """The node's value, from the cache or computed."""
        is_computed = False

        def compute(**arguments: Any) -> Any:
            nonlocal is_computed
            is_computed = True
            return node_.callable(**arguments)

        result = super().do_node_execute(
            run_id=run_id,
            node_=node_.copy_with(callabl=compute),
            kwargs=kwargs,
            task_id=task_id,
            **future_kwargs,
        )
        if not is_computed:
            self._node_events.mark_cached(node_.name, task_id)
            version = self._get_memory_data_version(run_id, node_.name, task_id)
            if isinstance(version, str) and version.endswith(NAMES_FILE):
                # The file may have changed since: the nodes that take its name must notice.
                current = self._version_data(node_.name, run_id, result, task_id)
                self._set_memory_metadata(
                    run_id=run_id, node_name=node_.name, task_id=task_id, data_version=current
                )
        return result


def cache_folder(root: Path, config: CacheConfig) -> Path:
    """The folder of a project's cache."""
    return root / Path(config.path or CACHE_FOLDER).expanduser()


def make_cache(root: Path, config: CacheConfig, node_events: NodeEventHook | None) -> Cache:
    """The cache for a run, which the caller closes. Its folder is created.

    Raises:
        ConfigError: if it cannot be used.
    """
    folder = cache_folder(root, config)
    try:
        for directory in (root / CACHE_FOLDER.parts[0], folder):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = open_version_store(folder)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(
            f"The cache in {folder} cannot be used: {error}.",
            hint="Give run.cache another path, or turn it off with --no-cache.",
        ) from None
    return Cache(root, config, store, node_events)


def _node_behaviors(config: CacheConfig) -> dict[str, Any]:
    """Hamilton's options: which nodes, and what to do with them and with all others."""
    options: dict[str, Any] = {
        name: True if EVERY_NODE in getattr(config, name) else getattr(config, name) or None
        for name in ("default", "recompute", "ignore", "disable")
    }
    for name in ("default_behavior", "default_loader_behavior", "default_saver_behavior"):
        options[name] = getattr(config, name)
    return options
