"""Hamilton's driver for DAGs with coroutines, with hooks that are plain functions."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

from hamilton.async_driver import AsyncDriver
from hamilton.base import DictResult
from hamilton.io.materialization import modify_graph
from hamilton.lifecycle.base import (
    BasePostGraphConstruct,
    BasePostGraphExecute,
    BasePostNodeExecuteAsync,
    BasePreGraphExecute,
    BasePreNodeExecuteAsync,
)

from flowerpower.config.run import RunConfig
from flowerpower.run.adapters.factory import Adapters
from flowerpower.run.files import Files
from flowerpower.run.node_events import NodeEventHook, is_in_event_loop


def make_async_driver(
    modules: Sequence[ModuleType],
    run: RunConfig,
    files: Files,
    node_events: NodeEventHook,
    adapters: Adapters,
) -> AsyncDriver:
    """Hamilton's async driver, whose hooks are called when a node runs.

    An adapter's hooks around nodes, those of the whole run and its other methods go to Hamilton as
    different adapters: each kind needs another treatment.
    """
    trackers = [tracker.adapter for tracker in adapters.trackers]
    node_hooks: list[Any] = []
    run_hooks: list[Any] = []
    others: list[Any] = []
    for adapter in (*adapters.node_adapters, *trackers):
        (node_hooks if hasattr(adapter, "pre_node_execute") else others).append(adapter)
        if hasattr(adapter, "pre_graph_execute"):
            run_hooks.append(RunHooks(adapter))
    driver = AsyncDriver(
        dict(run.config),
        *modules,
        result_builder=DictResult(),
        adapters=[AsyncNodeHooks([node_events, *node_hooks]), *run_hooks, *others],
        allow_module_overrides=run.allow_module_overrides,
    )
    if files.factories:
        driver.graph = modify_graph(driver.graph, files.savers, files.loaders)
    return driver


def execute_async(
    driver: AsyncDriver, names: list[str], inputs: dict[str, Any], overrides: dict[str, Any]
) -> dict[str, Any]:
    """Run the DAG in an event loop of its own; the values of the nodes called `names`."""

    async def execute() -> dict[str, Any]:
        ready = await driver.ainit()
        return dict(await ready.execute(names, inputs=inputs, overrides=overrides))

    if not is_in_event_loop():
        return asyncio.run(execute())
    # A notebook's loop already runs in this thread; blocking it to wait for itself would deadlock.
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, execute()).result()


class AsyncNodeHooks(BasePreNodeExecuteAsync, BasePostNodeExecuteAsync):  # type: ignore[misc] # Hamilton has no types
    """Calls plain hooks around each node.

    Hamilton's async driver calls plain hooks when it creates a node's task, before anything runs.
    """

    def __init__(self, hooks: Iterable[Any]) -> None:
        self._hooks = list(hooks)

    async def pre_node_execute(self, **arguments: Any) -> None:
        """Before the node's own function."""
        for hook in self._hooks:
            hook.pre_node_execute(**arguments)

    async def post_node_execute(self, **arguments: Any) -> None:
        """After the node's own function."""
        for hook in self._hooks:
            hook.post_node_execute(**arguments)


class RunHooks(BasePostGraphConstruct, BasePreGraphExecute, BasePostGraphExecute):  # type: ignore[misc] # Hamilton has no types
    """Those hooks of an adapter that are called once a run, without its hooks around nodes."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def _call(self, hook: str, arguments: dict[str, Any]) -> None:
        function = getattr(self._adapter, hook, None)
        if function is not None:
            function(**arguments)

    def post_graph_construct(self, **arguments: Any) -> None:
        """The DAG is built."""
        self._call("post_graph_construct", arguments)

    def pre_graph_execute(self, **arguments: Any) -> None:
        """The run begins."""
        self._call("pre_graph_execute", arguments)

    def post_graph_execute(self, **arguments: Any) -> None:
        """The run has ended."""
        self._call("post_graph_execute", arguments)
