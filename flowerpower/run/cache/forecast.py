"""What a run would take from the cache, found without running or writing anything."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from hamilton.caching.adapter import CachingBehavior
from hamilton.caching.cache_key import create_cache_key
from hamilton.caching.fingerprinting import UNHASHABLE
from hamilton.caching.stores.base import ResultRetrievalError
from hamilton.graph import FunctionGraph
from hamilton.node import Node

from flowerpower.config.run import CacheConfig
from flowerpower.run.cache.cache import NAMES_FILE, Cache, cache_folder
from flowerpower.run.cache.stores import VersionStore

Forecast = Literal["cached", "computed", "depends"]
"""From the cache; computed; depends on the values of the nodes before it."""
_RUN_ID = "plan"


def make_forecast(
    root: Path,
    config: CacheConfig,
    graph: FunctionGraph,
    nodes: list[Node],
    final_vars: list[str],
    inputs: dict[str, Any],
    overrides: dict[str, Any],
) -> dict[str, Forecast]:
    """What would become of each of `nodes`, which are to be computed, in the order they run in."""
    try:
        store = VersionStore(cache_folder(root, config), read_only=True)
    except sqlite3.Error:
        # There is no cache yet, or it is damaged: a run would begin a new one.
        return dict.fromkeys((node.name for node in nodes), "computed")
    with contextlib.closing(Cache(root, config, store)) as cache:
        cache.pre_graph_execute(
            run_id=_RUN_ID, graph=graph, final_vars=final_vars, inputs=inputs, overrides=overrides
        )
        return _forecasts(cache, nodes)


def _forecasts(cache: Cache, nodes: Iterable[Node]) -> dict[str, Forecast]:
    behaviors, codes = cache.behaviors[_RUN_ID], cache.code_versions[_RUN_ID]
    versions: dict[str, str] = dict(cache.data_versions[_RUN_ID])
    forecasts: dict[str, Forecast] = {}
    for node in nodes:
        name = node.name
        if behaviors[name] is not CachingBehavior.DEFAULT:
            forecasts[name] = "computed"
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
            forecasts[name] = "computed"
            continue
        forecasts[name], versions[name] = "cached", version
        if version.endswith(NAMES_FILE):
            with contextlib.suppress(ResultRetrievalError):
                value = cache.result_store.get(version)
                versions[name] = cache.version_data(value, run_id=_RUN_ID)
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
            versions[name] = cache.version_data(value, run_id=_RUN_ID)
    if any(UNHASHABLE in version for version in versions.values()):
        return None
    return versions
