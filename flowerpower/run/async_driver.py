"""Hamilton's async driver, for a DAG with coroutines: made, with its hooks, and executed."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Sequence
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

from flowerpower.config.run_section import RunConfig
from flowerpower.run.files import Files
from flowerpower.run.node_events import is_in_event_loop


def make_async_driver(
    run: RunConfig, modules: Sequence[ModuleType], files: Files, adapters: list[Any]
) -> AsyncDriver:
    """Hamilton's async driver, whose hooks are called when a node runs.

    An adapter's hooks around nodes, those of the whole run and its other methods go to Hamilton as
    different adapters: each kind needs another treatment.
    """
    node_hooks = [adapter for adapter in adapters if hasattr(adapter, "pre_node_execute")]
    run_hooks = [_RunHooks(hook) for hook in adapters if hasattr(hook, "pre_graph_execute")]
    others = [adapter for adapter in adapters if not hasattr(adapter, "pre_node_execute")]
    driver = AsyncDriver(
        dict(run.config),
        *modules,
        result_builder=DictResult(),
        adapters=[_AsyncNodeHooks(node_hooks), *run_hooks, *others],
        allow_module_overrides=run.allow_module_overrides,
    )
    if files.factories:
        driver.graph = modify_graph(driver.graph, files.savers, files.loaders)
    return driver


def execute_async(
    driver: AsyncDriver, names: list[str], **values: dict[str, Any]
) -> dict[str, Any]:
    """The values of the nodes called `names`; a loop that runs in this thread may go on."""

    async def execute() -> dict[str, Any]:
        ready = await driver.ainit()
        return dict(await ready.execute(names, **values))

    if not is_in_event_loop():
        return asyncio.run(execute())
    # A notebook's loop already runs in this thread; blocking it to wait for itself would deadlock.
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, execute()).result()


class _AsyncNodeHooks(BasePreNodeExecuteAsync, BasePostNodeExecuteAsync):  # type: ignore[misc] # Hamilton has no types
    """Calls plain hooks around each node.

    Hamilton's async driver calls plain hooks when it creates a node's task, before anything runs.
    """

    def __init__(self, hooks: list[Any]) -> None:
        self._hooks = hooks

    async def pre_node_execute(self, **arguments: Any) -> None:
        for hook in self._hooks:
            hook.pre_node_execute(**arguments)

    async def post_node_execute(self, **arguments: Any) -> None:
        for hook in self._hooks:
            hook.post_node_execute(**arguments)


class _RunHooks(BasePostGraphConstruct, BasePreGraphExecute, BasePostGraphExecute):  # type: ignore[misc] # Hamilton has no types
    """Those hooks of an adapter that are called once a run, without its hooks around nodes."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def _call(self, hook: str, arguments: dict[str, Any]) -> None:
        function = getattr(self._adapter, hook, None)
        if function is not None:
            function(**arguments)

    def post_graph_construct(self, **arguments: Any) -> None:
        self._call("post_graph_construct", arguments)

    def pre_graph_execute(self, **arguments: Any) -> None:
        self._call("pre_graph_execute", arguments)

    def post_graph_execute(self, **arguments: Any) -> None:
        self._call("post_graph_execute", arguments)
