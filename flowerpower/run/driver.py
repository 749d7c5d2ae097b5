"""From a run's configuration to a Hamilton driver, with or without coroutines, that executes."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from hamilton import driver as hamilton_driver
from hamilton.async_driver import AsyncDriver
from hamilton.io.materialization import modify_graph
from hamilton.lifecycle.base import BaseDoValidateInput, LifecycleAdapterSet
from hamilton.node import Node, NodeType

from flowerpower.config.adapters import AdapterConfig
from flowerpower.config.files import Project
from flowerpower.config.run_section import RunConfig
from flowerpower.errors import ConfigError, ConfigFault, RunFailed
from flowerpower.files.project_code import is_inside
from flowerpower.run.adapters.factory import Adapters
from flowerpower.run.async_driver import execute_async, make_async_driver
from flowerpower.run.blocks import BlockGrouping, is_expander
from flowerpower.run.files import Files, make_files
from flowerpower.run.kept_steps import Step, take_steps
from flowerpower.run.modules import check_installed
from flowerpower.run.node_events import NodeEventHook
from flowerpower.run.patches import (
    function_at_fault,
    give_items,
    quiet_hamilton,
    shut_down_future_adapter,
)

FRAMES_PER_NODE = 10
"""Python calls that a chain of nodes nests for each node, with some to spare."""
TASK_EXECUTORS = ("threadpool", "processpool", "ray", "dask")
"""Executors of whole tasks; they need Hamilton's dynamic execution."""


@dataclass
class Dag:
    """A graph of functions, built from the run's modules and configuration.

    `coroutines` and `parallel` name the nodes to compute that only some drivers can execute.
    """

    modules: Sequence[ModuleType]
    driver: hamilton_driver.Driver
    files: Files
    coroutines: list[str] = field(default_factory=list)
    parallel: list[str] = field(default_factory=list)

    def set_computed_nodes(self, nodes: Iterable[Node]) -> None:
        """These nodes will be computed: note the coroutines and the Parallelizable ones."""
        for node in nodes:
            if inspect.iscoroutinefunction(node.callable):
                self.coroutines.append(node.name)
            if node.node_role in (NodeType.EXPAND, NodeType.COLLECT):
                self.parallel.append(node.name)


def build_dag(
    project: Project,
    modules: Sequence[ModuleType],
    run: RunConfig,
    node_events: NodeEventHook | None = None,
) -> Dag:
    """The DAG, with the nodes that read and write files; executor and adapters are not set.

    Its driver has the hook `node_events`, and is all that a plain run needs.

    Raises:
        ConfigError: if the functions do not make a DAG, or a file of the run does not fit it.
    """
    with _as_dag_error(project.root):
        hooks = [node_events] if node_events is not None else []
        driver = _builder(modules, run).with_adapters(*hooks, _CheckedInputs()).build()
    # Hamilton walks a graph by recursion: at Python's limit of 1000 a chain of 100 nodes may fail.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), FRAMES_PER_NODE * len(driver.graph.nodes)))
    with quiet_hamilton():
        files = make_files(project.work, run, driver.graph)
    if files.factories:
        with _as_dag_error(project.root):
            driver.graph = modify_graph(driver.graph, files.savers, files.loaders)
    return Dag(modules, driver, files)


def check_fit(run: RunConfig, adapter: AdapterConfig, dag: Dag) -> None:
    """Check that the executor, the cache and the adapters can serve the DAG.

    Raises:
        ConfigError: saying which cannot, and what can.
    """
    executor = run.executor.type
    methods = ["cache"] if run.cache.enabled else []
    if adapter.graceful_errors is not None and adapter.graceful_errors.enabled:
        methods.append("graceful_errors")
    _check_methods(methods, dag)
    if executor in ("ray", "dask"):
        from flowerpower.run.executors.factory import EXTRAS

        check_installed(f"The executor {executor}", EXTRAS[executor], executor)
    if dag.coroutines and executor != "synchronous":
        raise ConfigError(
            f"The executor {executor} cannot serve coroutines ({_first(dag.coroutines)}).",
            hint="Leave out run.executor: Hamilton's async driver runs coroutines at once.",
        )
    if dag.coroutines and dag.parallel:
        raise ConfigError(
            f"Coroutines ({_first(dag.coroutines)}) and Parallelizable nodes "
            f"({_first(dag.parallel)}) cannot be in one DAG: no Hamilton driver runs both."
        )
    if dag.parallel and executor == "future":
        raise ConfigError(
            f"The executor future cannot serve Parallelizable nodes ({_first(dag.parallel)}).",
            hint=f"Use synchronous, {', '.join(TASK_EXECUTORS[:-1])} or {TASK_EXECUTORS[-1]}.",
        )


def _check_methods(methods: list[str], dag: Dag) -> None:
    """Check `methods`, what replaces a node's own execution: at most one, and no coroutines."""
    if len(methods) > 1:
        raise ConfigError(
            f"{' and '.join(methods)} cannot be on together: each replaces a node's own execution."
        )
    if methods and dag.coroutines:
        raise ConfigError(f"{methods[0]} cannot serve coroutines ({_first(dag.coroutines)}).")


def make_driver(
    project: Project,
    run: RunConfig,
    dag: Dag,
    overrides: Collection[str],
    node_events: NodeEventHook,
    adapters: Adapters,
    warn: Callable[[str], None],
) -> hamilton_driver.Driver:
    """The driver that executes `dag`, which `check_fit` has accepted, as `run` says.

    Nodes called `overrides` will be given values. What it opens, `adapters.close` closes.

    Raises:
        ConfigError: if a custom adapter does not fit, or the executor is not installed.
    """
    _check_methods([*adapters.methods, *(["cache"] if run.cache.enabled else [])], dag)
    all_adapters = [node_events, *adapters.node_adapters, *(t.adapter for t in adapters.trackers)]
    executor = run.executor.type
    is_special = run.cache.enabled or dag.parallel or dag.files.factories or dag.coroutines
    if executor == "synchronous" and not is_special and len(all_adapters) == 1:
        # Building the graph once more takes longer than most nodes do.
        return dag.driver
    # Hamilton calls one such method only: an adapter of the user's goes first.
    if not LifecycleAdapterSet(*all_adapters).does_method("do_validate_input", is_async=False):
        all_adapters.append(_CheckedInputs())
    if dag.coroutines:
        with _as_driver_error():
            return make_async_driver(run, dag.modules, dag.files, all_adapters)
    builder = _builder(dag.modules, run).with_materializers(*dag.files.factories)
    cache = None
    if run.cache.enabled:
        from flowerpower.run.cache.cache import make_cache

        cache = make_cache(project.work, run.cache, node_events)
        adapters.resources.callback(cache.close)
        all_adapters.append(cache)
    if executor == "future":
        from hamilton.plugins.h_threadpool import FutureAdapter

        all_adapters.append(FutureAdapter(max_workers=run.executor.max_workers))
    elif executor in TASK_EXECUTORS or dag.parallel:
        from flowerpower.run.executors.factory import make_executor

        builder = builder.enable_dynamic_execution(allow_experimental_mode=True)
        builder = builder.with_execution_manager(make_executor(run.executor, node_events, cache))
        builder = builder.with_grouping_strategy(BlockGrouping(overrides))
        for tracker in adapters.trackers if executor not in ("synchronous", "threadpool") else ():
            warn(f"{tracker.name} records the run but not its nodes: they run in other processes.")
    with _as_driver_error():
        return builder.with_adapters(*all_adapters).build()


def execute(
    driver: hamilton_driver.Driver,
    names: list[str],
    inputs: dict[str, Any],
    overrides: dict[str, Any],
) -> dict[str, Any]:
    """Run the DAG; the values of the nodes called `names`. What a node raises passes through.

    The value of a Parallelizable node in `overrides` is the list of its items.
    """
    nodes = driver.graph.nodes
    for name in [name for name in overrides if is_expander(nodes[name])]:
        overrides = {**overrides}
        give_items(nodes[name], overrides.pop(name))
    with quiet_hamilton():
        if isinstance(driver, AsyncDriver):
            return execute_async(driver, names, inputs=inputs, overrides=overrides)
        try:
            return dict(driver.execute(names, inputs=inputs, overrides=overrides))
        finally:
            shut_down_future_adapter(driver)


def execute_again(
    steps: Sequence[Step],
    names: list[str],
    values: dict[str, Any],
    node_events: NodeEventHook,
) -> dict[str, Any]:
    """As `execute`, for a plain graph that is kept; `values` are those of inputs and settings."""
    with quiet_hamilton():
        take_steps(steps, values, node_events)
    # As Hamilton's driver does for an input that is asked for and not given.
    return {name: values.get(name) for name in names}


def _builder(modules: Sequence[ModuleType], run: RunConfig) -> hamilton_driver.Builder:
    builder = hamilton_driver.Builder().with_modules(*modules).with_config(dict(run.config))
    return builder.allow_module_overrides() if run.allow_module_overrides else builder


def _first(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


@contextlib.contextmanager
def _as_driver_error() -> Iterator[None]:
    """Raise as RunFailed what an adapter raises that is told of the graph, which is right."""
    try:
        with quiet_hamilton():
            yield
    except Exception as error:
        raise RunFailed("Hamilton's driver cannot be made.") from error


@contextlib.contextmanager
def _as_dag_error(root: Path) -> Iterator[None]:
    """Raise whatever Hamilton raises while it builds a graph as ConfigError, with file and line."""
    try:
        with quiet_hamilton():
            yield
    except Exception as error:  # noqa: BLE001 - Hamilton has no error class of its own for this
        reason = " ".join(str(error).split()) or type(error).__name__
        message = f"The functions do not make a DAG: {reason}"
        hint = None
        if "more than once" in reason:
            hint = "Let later modules override earlier ones: run.allow_module_overrides: true."
        elif "Missing type" in reason:
            hint = "For example: def area(width: float, height: float) -> float"
        function = function_at_fault(error)
        if function is None:
            raise ConfigError(message, hint=hint) from None
        code = inspect.unwrap(function).__code__
        file = code.co_filename
        shown = os.path.relpath(file, root) if is_inside(file, str(root)) else file
        fault = ConfigFault(shown, message, function.__name__, code.co_firstlineno)
        raise ConfigError(faults=[fault], hint=hint) from None


class _CheckedInputs(BaseDoValidateInput):  # type: ignore[misc] # Hamilton has no types
    """Takes every input: they were checked and converted before, for the types of the DAG.

    Hamilton's own check fails on a TypedDict, and refuses tuples, mappings and NewType.
    """

    def do_validate_input(self, *, node_type: type, input_value: Any) -> bool:
        return True
