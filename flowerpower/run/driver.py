"""From a run's configuration to a driver of Hamilton's that is ready to execute."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import inspect
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from hamilton import driver as hamilton_driver
from hamilton import node
from hamilton.async_driver import AsyncDriver
from hamilton.base import DictResult
from hamilton.io.materialization import modify_graph
from hamilton.lifecycle.base import (
    BasePostGraphConstruct,
    BasePostGraphExecute,
    BasePreGraphExecute,
)

from flowerpower.config.adapters import AdapterConfig
from flowerpower.config.files import Project
from flowerpower.config.run import RunConfig
from flowerpower.errors import ConfigError, RunFailed
from flowerpower.run.adapters.factory import Adapters
from flowerpower.run.executors.pool import LOUD
from flowerpower.run.files import Files, make_files
from flowerpower.run.loops import is_in_loop
from flowerpower.run.node_events import ForCoroutines, NodeEventHook

FRAMES = 10
"""Calls within calls that a chain of nodes takes for each of them, and more."""
PARALLEL = (node.NodeType.EXPAND, node.NodeType.COLLECT)
AT_ONCE = ("threadpool", "processpool", "ray", "dask")
"""Executors of whole tasks, which need Hamilton's dynamic execution."""


@dataclass
class Dag:
    """A graph of functions as the run's modules and configuration make it.

    `coroutines` and `parallel` are the names of nodes to compute that not everything can execute.
    """

    driver: hamilton_driver.Driver
    files: Files
    coroutines: list[str] = field(default_factory=list)
    parallel: list[str] = field(default_factory=list)

    def is_to_compute(self, nodes: Iterable[node.Node]) -> None:
        """These nodes are to be computed."""
        for each in nodes:
            if inspect.iscoroutinefunction(each.callable):
                self.coroutines.append(each.name)
            if each.node_role in PARALLEL:
                self.parallel.append(each.name)


def build_dag(
    project: Project,
    modules: Sequence[ModuleType],
    run: RunConfig,
    recorder: NodeEventHook | None = None,
) -> Dag:
    """The DAG, with the nodes that read and write files; nothing else is settled yet.

    Its driver tells the recorder, and is all that a plain run needs.

    Raises:
        ConfigError: if a file of the run does not fit the DAG.
        RunFailed: if the functions do not make one.
    """
    with _told_as_dag():
        told = [recorder] if recorder is not None else []
        plain = _builder(modules, run).with_adapters(*told).build()
    # Hamilton walks a graph by recursion, and so do we.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), FRAMES * len(plain.graph.nodes)))
    with quiet_hamilton():
        files = make_files(project.root, run, plain.graph)
    if files.all:
        with _told_as_dag():
            plain.graph = modify_graph(plain.graph, files.savers, files.loaders)
    return Dag(plain, files)


def check_fit(run: RunConfig, adapter: AdapterConfig, dag: Dag) -> None:
    """The executor, the cache and the adapters can serve the DAG.

    Raises:
        ConfigError: saying which cannot, and what can.
    """
    kind = run.executor.type
    methods = ["cache"] if run.cache.enabled else []
    if adapter.graceful_errors is not None and adapter.graceful_errors.enabled:
        methods.append("graceful_errors")
    check_methods(methods, dag)
    if kind in ("ray", "dask"):
        from flowerpower.run.executors.factory import check_installed

        check_installed(kind)
    if dag.coroutines and kind != "synchronous":
        raise ConfigError(
            f"The executor {kind} cannot serve coroutines ({_some(dag.coroutines)}).",
            hint="Leave run.executor out: Hamilton's async driver runs them at once by itself.",
        )
    if dag.coroutines and dag.parallel:
        raise ConfigError(
            f"Coroutines ({_some(dag.coroutines)}) and Parallelizable nodes "
            f"({_some(dag.parallel)}) cannot be in one DAG: no driver of Hamilton's runs both."
        )
    if dag.parallel and kind == "future":
        raise ConfigError(
            f"The executor future cannot serve Parallelizable nodes ({_some(dag.parallel)}).",
            hint=f"Use synchronous, {', '.join(AT_ONCE[:-1])} or {AT_ONCE[-1]}.",
        )


def check_methods(methods: list[str], dag: Dag) -> None:
    """What takes the place of a node's own execution is alone, and no coroutine's.

    Raises:
        ConfigError: if not.
    """
    if len(methods) > 1:
        raise ConfigError(
            f"{' and '.join(methods)} cannot be on together: each takes the place of a node's "
            "own execution."
        )
    if methods and dag.coroutines:
        raise ConfigError(f"{methods[0]} cannot serve coroutines ({_some(dag.coroutines)}).")


def make_driver(
    project: Project,
    modules: Sequence[ModuleType],
    run: RunConfig,
    dag: Dag,
    recorder: NodeEventHook,
    adapters: Adapters,
    warn: Callable[[str], None],
) -> hamilton_driver.Driver:
    """The driver that executes `dag`, which was found to fit, as the run's configuration says.

    Raises:
        ConfigError: if an adapter of one's own does not fit, or the executor is not installed.
    """
    check_methods([*adapters.methods, *(["cache"] if run.cache.enabled else [])], dag)
    if dag.coroutines:
        return _async_driver(modules, run, dag, recorder, adapters)
    kind = run.executor.type
    trackers = [each.adapter for each in adapters.trackers]
    given = [recorder, *adapters.sent, *trackers]
    is_special = kind != "synchronous" or run.cache.enabled or dag.parallel or dag.files.all
    if not is_special and len(given) == 1:
        # Building the graph takes longer than most nodes do.
        return dag.driver
    builder = _builder(modules, run).with_materializers(*dag.files.all)
    if run.cache.enabled:
        from flowerpower.run.cache.cache import make_cache

        given.append(make_cache(project.root, run.cache, recorder))
    if kind == "future":
        from hamilton.plugins.h_threadpool import FutureAdapter

        given.append(FutureAdapter(max_workers=run.executor.max_workers))
    elif kind in AT_ONCE or dag.parallel:
        from flowerpower.run.executors.factory import make_executor

        executor = make_executor(run.executor, recorder)
        for tracker in adapters.trackers if kind not in ("synchronous", "threadpool") else ():
            warn(f"{tracker.name} is told of the run, not of its nodes: they run elsewhere.")
        builder = builder.enable_dynamic_execution(
            allow_experimental_mode=True
        ).with_execution_manager(executor)
    with _told_as_dag():
        return builder.with_adapters(*given).build()


def execute(
    driver: hamilton_driver.Driver,
    names: list[str],
    inputs: dict[str, Any],
    overrides: dict[str, Any],
) -> dict[str, Any]:
    """Run the DAG; the values of the nodes called `names`. Whatever a node raises comes through."""
    with quiet_hamilton():
        if not isinstance(driver, AsyncDriver):
            try:
                values = driver.execute(names, inputs=inputs, overrides=overrides)
            finally:
                _let_go(driver)
            return dict(values)

        async def run() -> dict[str, Any]:
            ready = await driver.ainit()
            return dict(await ready.execute(names, inputs=inputs, overrides=overrides))

        if not is_in_loop():
            return asyncio.run(run())
        # In a notebook a loop runs already, and cannot be waited for from within.
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, run()).result()


def _let_go(driver: hamilton_driver.Driver) -> None:
    """End the threads of a FutureAdapter; it has no end of its own."""
    for each in driver.adapter.adapters:
        pool = getattr(each, "executor", None)
        if isinstance(pool, concurrent.futures.ThreadPoolExecutor):
            pool.shutdown(wait=False, cancel_futures=True)


def _async_driver(
    modules: Sequence[ModuleType],
    run: RunConfig,
    dag: Dag,
    recorder: NodeEventHook,
    adapters: Adapters,
) -> AsyncDriver:
    """Hamilton's async driver, with hooks that are plain functions called when nodes run."""
    hooks = [*adapters.sent, *(each.adapter for each in adapters.trackers)]
    around = [recorder, *(each for each in hooks if hasattr(each, "pre_node_execute"))]
    own = [each for each in hooks if not hasattr(each, "pre_node_execute")]
    whole = [_OfGraph(each) for each in hooks if hasattr(each, "pre_graph_execute")]
    with _told_as_dag():
        driver = AsyncDriver(
            dict(run.config),
            *modules,
            result_builder=DictResult(),
            adapters=[ForCoroutines(around), *whole, *own],
            allow_module_overrides=run.allow_module_overrides,
        )
        if dag.files.all:
            driver.graph = modify_graph(driver.graph, dag.files.savers, dag.files.loaders)
    return driver


class _OfGraph(BasePostGraphConstruct, BasePreGraphExecute, BasePostGraphExecute):  # type: ignore[misc] # Hamilton has no types
    """Those hooks of an adapter that are called once a run."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def _call(self, hook: str, told: dict[str, Any]) -> None:
        function = getattr(self._adapter, hook, None)
        if function is not None:
            function(**told)

    def post_graph_construct(self, **told: Any) -> None:
        """The DAG is made."""
        self._call("post_graph_construct", told)

    def pre_graph_execute(self, **told: Any) -> None:
        """The run begins."""
        self._call("pre_graph_execute", told)

    def post_graph_execute(self, **told: Any) -> None:
        """The run has ended."""
        self._call("post_graph_execute", told)


def _builder(modules: Sequence[ModuleType], run: RunConfig) -> hamilton_driver.Builder:
    builder = hamilton_driver.Builder().with_modules(*modules).with_config(dict(run.config))
    return builder.allow_module_overrides() if run.allow_module_overrides else builder


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


@contextlib.contextmanager
def _told_as_dag() -> Iterator[None]:
    try:
        with quiet_hamilton():
            yield
    except Exception as error:
        hint = None
        if "more than once" in str(error):
            hint = "Let later modules override earlier ones: run.allow_module_overrides: true."
        raise RunFailed("The functions do not make a DAG.", hint=hint) from error


@contextlib.contextmanager
def quiet_hamilton() -> Iterator[None]:
    """Hamilton logs each failure with a banner of its own; the error is told once, by us."""
    quiet = dict.fromkeys(LOUD, logging.CRITICAL + 1)
    # Where logging is set up to tell more, the cache would tell of each node.
    quiet["hamilton.caching"] = logging.getLogger("hamilton.caching").level or logging.WARNING
    levels = {name: logging.getLogger(name).level for name in quiet}
    for name, level in quiet.items():
        logging.getLogger(name).setLevel(level)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
