"""The cache of a run whose nodes are tasks of an executor: what needs no thread and no process.

And the copy of the cache that goes with a task to another process.
"""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any

from hamilton.caching.adapter import CachingBehavior
from hamilton.caching.fingerprinting import UNHASHABLE
from hamilton.execution.grouping import TaskImplementation
from hamilton.node import Node

from flowerpower.run.blocks import with_collected_items
from flowerpower.run.cache.cache import Cache
from flowerpower.run.patches import nodes_of_run


class CachedTasks:
    """Looks tasks up in the `cache` of their run. For the run's thread, except `note_versions`."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self._to_compute: set[str] = set()
        self._noted: deque[tuple[str, dict[str, str]]] = deque()

    def is_cached(self, task: TaskImplementation) -> bool:
        """Whether the value of the task's only node is in the cache; it is read then.

        Of a task with several nodes, for an item of a block, this is not known before it runs.
        """
        # Hamilton asks again and again while the executor is full.
        if task.task_id in self._to_compute:
            return False
        nodes = [node for node in task.nodes if not node.user_defined]
        found = len(nodes) == 1 and self._find(nodes[0], with_collected_items(task))
        if not found:
            self._to_compute.add(task.task_id)
        return found

    def _find(self, node: Node, task: TaskImplementation) -> bool:
        self._take_noted()
        cache, run_id = self.cache, task.run_id
        if cache.behaviors[run_id][node.name] is not CachingBehavior.DEFAULT:
            return False
        if node.name in task.overrides:
            return False
        values = task.dynamic_inputs
        arguments = {
            need.name: values[need.name] for need in node.dependencies if need.name in values
        }
        # It makes the key, as it does once more when the node is executed.
        cache.pre_node_execute(run_id=run_id, node_=node, kwargs=arguments, task_id=task.task_id)
        key = cache.get_cache_key(run_id, node.name, task.task_id)
        version = cache.get_data_version(run_id, node.name, key, task.task_id)
        # A sentinel stands for none.
        is_kept = isinstance(version, str) and not version.startswith(UNHASHABLE)
        return (
            is_kept
            and cache.result_store.exists(version)
            and cache.result_store.read_ahead(version)
        )

    def copy_for(self, task: TaskImplementation) -> TaskCache:
        """The cache for another process that runs this task."""
        self._take_noted()
        return TaskCache(self.cache, task)

    def note_versions(self, run_id: str, versions: dict[str, str]) -> None:
        """Take over the versions of values that were computed in another process; in any thread."""
        # Not at once: meanwhile the thread of the run may read the dictionary that they go into.
        self._noted.append((run_id, versions))

    def _take_noted(self) -> None:
        while self._noted:
            run_id, versions = self._noted.popleft()
            self.cache.data_versions[run_id].update(versions)


class TaskCache(Cache):
    """A copy of a run's cache that knows one task only, with all that its nodes need.

    The run's own refers to all nodes, and with these to modules that the task may not need.
    """

    def __init__(self, cache: Cache, task: TaskImplementation) -> None:
        run_id = task.run_id
        nodes = nodes_of_run(cache, run_id)
        needed = {name for node in task.nodes for name in node.input_types if name in nodes}
        names = needed | {node.name for node in task.nodes}
        self.__dict__.update(vars(cache))
        self._fn_graphs = {run_id: _graph({name: nodes[name] for name in names})}
        self._logs: dict[str, list[Any]] = {run_id: []}
        for part in ("behaviors", "code_versions", "data_versions"):
            whole = getattr(cache, part)[run_id]
            setattr(self, part, {run_id: {name: whole[name] for name in names if name in whole}})
        self.cache_keys: dict[str, dict[str, Any]] = {run_id: {}}

    def end_task(self, task: TaskImplementation) -> dict[str, str]:
        """Close the copy, in the other process; the versions of the values that it has made."""
        self.close()
        versions = self.data_versions[task.run_id]
        made = {node.name: versions.get(node.name) for node in task.nodes if not node.user_defined}
        # Of a node in a block there is one for each item, which nobody else needs.
        return {name: version for name, version in made.items() if isinstance(version, str)}


def _graph(nodes: dict[str, Node]) -> Any:
    """What Hamilton's cache reads of a graph while nodes are executed (Hamilton 1.90)."""
    stubs = {
        name: SimpleNamespace(node_role=node.node_role, tags=node.tags)
        for name, node in nodes.items()
    }
    return SimpleNamespace(nodes=stubs)
