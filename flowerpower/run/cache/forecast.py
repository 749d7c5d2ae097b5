"""Which nodes a run would take from the cache, and why it would compute the others."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hamilton.caching.adapter import CachingBehavior
from hamilton.caching.cache_key import create_cache_key, decode_key
from hamilton.caching.fingerprinting import UNHASHABLE
from hamilton.caching.stores.base import ResultRetrievalError
from hamilton.node import Node

from flowerpower.config.run_section import CacheConfig
from flowerpower.run.cache.cache import NAMES_FILE, Cache, VersionStore, cache_folder
from flowerpower.run.node_events import NodeEventHook

NOT_KEPT = "its value is not in the cache"
_RUN_ID = "plan"
"""The id that the cache of Hamilton knows a run by."""
_MAX_ENTRIES = 1000
"""Values of one node that a miss is compared with: the newest ones."""
_FILE_TAGS = ("hamilton.data_loader", "hamilton.data_saver")


@dataclass
class Forecast:
    """What would become of the nodes of a run: as `Plan.forecast` and `Plan.misses`."""

    nodes: dict[str, str] = field(default_factory=dict)
    misses: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, what: str, why: str) -> None:
        """A node that is not taken from the cache."""
        self.nodes[name], self.misses[name] = what, why


def make_forecast(root: Path, config: CacheConfig, nodes: list[Node], **run: Any) -> Forecast:
    """What would become of each of `nodes`, in the order they run in.

    `run` is what Hamilton tells an adapter: graph, final_vars, inputs and overrides.
    """
    try:
        store = VersionStore(cache_folder(root, config), read_only=True)
    except sqlite3.Error:
        # There is no cache yet, or it is damaged: a run would begin a new one.
        names = [node.name for node in nodes]
        return Forecast(dict.fromkeys(names, "computed"), dict.fromkeys(names, NOT_KEPT))
    with contextlib.closing(Cache(root, config, store, NodeEventHook())) as cache:
        cache.pre_graph_execute(run_id=_RUN_ID, **run)
        return _forecast(cache, nodes)


def _forecast(cache: Cache, nodes: Iterable[Node]) -> Forecast:
    behaviors, codes = cache.behaviors[_RUN_ID], cache.code_versions[_RUN_ID]
    versions: dict[str, str] = dict(cache.data_versions[_RUN_ID])
    forecast = Forecast()
    for node in nodes:
        name = node.name
        if behaviors[name] is not CachingBehavior.DEFAULT:
            forecast.add(name, "computed", _why_each_time(node, behaviors[name]))
            continue
        dependencies = _dependency_versions(cache, node, behaviors, versions)
        if unknown := [name for name, version in dependencies.items() if version is None]:
            forecast.add(name, "depends", f"it takes {', '.join(unknown)}, computed before it")
            continue
        known = {need: version for need, version in dependencies.items() if version is not None}
        if unhashable := [need for need in known if known[need].startswith(UNHASHABLE)]:
            why = f"the value of {', '.join(unhashable)}, which it takes, has no fingerprint"
            forecast.add(name, "no_fingerprint", why)
            continue
        key = create_cache_key(
            node_name=name, code_version=codes[name], dependencies_data_versions=known
        )
        version = cache.metadata_store.get(cache_key=key)
        if version is None:
            why = _why_missed(cache.metadata_store, name, codes[name], known)
            forecast.add(name, "computed", why)
        elif version == UNHASHABLE:
            forecast.add(name, "no_fingerprint", "its value has no fingerprint")
            versions[name] = version
        elif not cache.result_store.exists(version):
            forecast.add(name, "computed", NOT_KEPT)
        else:
            forecast.nodes[name], versions[name] = "cached", version
            if version.endswith(NAMES_FILE):
                with contextlib.suppress(ResultRetrievalError):
                    value = cache.result_store.get(version)
                    versions[name] = cache.version_data(value, run_id=_RUN_ID)
    return forecast


def _dependency_versions(
    cache: Cache, node: Node, behaviors: dict[str, CachingBehavior], known: dict[str, str]
) -> dict[str, str | None]:
    """The versions of what a node takes; None for one that is not known before the run."""
    versions: dict[str, str | None] = {}
    for dependency in node.dependencies:
        name = dependency.name
        if behaviors.get(name) is CachingBehavior.IGNORE:
            versions[name] = "<ignore>"
        elif name in known:
            versions[name] = known[name]
        elif not dependency.user_defined:
            versions[name] = None
    for name, value in node.default_parameter_values.items():
        if name not in versions:
            versions[name] = cache.version_data(value, run_id=_RUN_ID)
    return versions


def _why_each_time(node: Node, behavior: CachingBehavior) -> str:
    if behavior is CachingBehavior.RECOMPUTE and any(tag in node.tags for tag in _FILE_TAGS):
        return "it reads or writes a file"
    return f"its cache behavior is {behavior.name.lower()}"


def _why_missed(
    store: VersionStore, name: str, code_version: str, dependencies: Mapping[str, str]
) -> str:
    """Why there is no value of a node: in what it differs from the most similar value."""
    best: list[str] | None = None
    for known_code, known in _entries(store, name):
        changed = [f"its input {need}" for need in dependencies if need in known
                   and known[need] != dependencies[need]]  # fmt: skip
        if known_code != code_version or known.keys() != dependencies.keys():
            changed.insert(0, "its code")
        if best is None or len(changed) < len(best):
            best = changed
    if not best:
        return NOT_KEPT
    return f"{' and '.join(best)} {'has' if len(best) == 1 else 'have'} changed"


def _entries(store: VersionStore, name: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The code and the versions of what was taken, of the newest values of a node."""
    query = (
        "SELECT cache_key, code_version FROM cache_metadata WHERE node_name = ? "
        "ORDER BY rowid DESC LIMIT ?"
    )
    with contextlib.suppress(sqlite3.Error):
        for key, code_version in store.connection.execute(query, (name, _MAX_ENTRIES)).fetchall():
            try:
                dependencies = decode_key(key)["dependencies_data_versions"]
            except Exception:  # noqa: BLE001, S112 - the file may hold anything
                continue
            yield code_version, dependencies
