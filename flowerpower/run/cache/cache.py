"""Hamilton's cache for one run: what has not changed is not computed again; a forecast."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from hamilton.caching.adapter import CachingBehavior, HamiltonCacheAdapter
from hamilton.caching.cache_key import create_cache_key
from hamilton.caching.fingerprinting import UNHASHABLE
from hamilton.caching.stores.base import ResultRetrievalError
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
Forecast = Literal["cached", "computed", "depends"]
"""From the cache; computed; depends on the values of the nodes before it."""
_FORECAST = "plan"
"""The id of the run that Hamilton is told of."""


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
        results = SignedResultStore(path=folder, root=str(root))
        behaviors = _node_behaviors(config)
        super().__init__(path=folder, metadata_store=store, result_store=results, **behaviors)
        self._root, self._node_events = root, node_events or NodeEventHook()

    def close(self) -> None:
        """Close the database."""
        self.metadata_store.close()

    def _version_data(
        self, node_name: str | None, run_id: str | None, result: Any, task_id: str | None = None
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
        task_id: str | None = None,
        **arguments: Any,
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
    options = config.model_dump(exclude={"enabled", "path"})
    for name in ("default", "recompute", "ignore", "disable"):
        options[name] = EVERY_NODE in options[name] or options[name] or None
    return options


def make_forecast(
    root: Path, config: CacheConfig, nodes: list[Node], **run: Any
) -> dict[str, Forecast]:
    """What would become of each of `nodes`, which are to be computed, in the order they run in.

    `run` is what Hamilton tells an adapter: graph, final_vars, inputs and overrides.
    """
    try:
        store = VersionStore(cache_folder(root, config), read_only=True)
    except sqlite3.Error:
        # There is no cache yet, or it is damaged: a run would begin a new one.
        return dict.fromkeys((node.name for node in nodes), "computed")
    with contextlib.closing(Cache(root, config, store)) as cache:
        cache.pre_graph_execute(run_id=_FORECAST, **run)
        return _forecasts(cache, nodes)


def _forecasts(cache: Cache, nodes: Iterable[Node]) -> dict[str, Forecast]:
    behaviors, codes = cache.behaviors[_FORECAST], cache.code_versions[_FORECAST]
    versions: dict[str, str] = dict(cache.data_versions[_FORECAST])
    forecasts: dict[str, Forecast] = {}
    for node in nodes:
        name = node.name
        forecasts[name] = "computed"
        if behaviors[name] is not CachingBehavior.DEFAULT:
            continue
        dependencies = _dependency_versions(cache, node, behaviors, versions)
        if dependencies is None:
            forecasts[name] = "depends"
            continue
        key = create_cache_key(
            node_name=name, code_version=codes[name], dependencies_data_versions=dependencies
        )
        version = cache.metadata_store.get(cache_key=key)
        if version is None or not cache.result_store.exists(version):
            continue
        forecasts[name], versions[name] = "cached", version
        if version.endswith(NAMES_FILE):
            with contextlib.suppress(ResultRetrievalError):
                value = cache.result_store.get(version)
                versions[name] = cache.version_data(value, run_id=_FORECAST)
    return forecasts


def _dependency_versions(
    cache: Cache, node: Node, behaviors: dict[str, CachingBehavior], known: dict[str, str]
) -> dict[str, str] | None:
    """The versions of what a node takes; None if one is not known before the run."""
    versions: dict[str, str] = {}
    for dependency in node.dependencies:
        name = dependency.name
        if behaviors.get(name) is CachingBehavior.IGNORE:
            versions[name] = "<ignore>"
        elif name in known:
            versions[name] = known[name]
        elif not dependency.user_defined:
            return None
    for name, value in node.default_parameter_values.items():
        if name not in versions:
            versions[name] = cache.version_data(value, run_id=_FORECAST)
    return None if any(UNHASHABLE in version for version in versions.values()) else versions
