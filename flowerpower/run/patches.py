"""Everything that reaches into the internals of another package, one small function each.

Each says which package and version it was written for. tests/unit/test_patches.py fails when such
internals change; what only tests/integrations installs is pinned there.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import importlib
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

from hamilton import driver
from hamilton.graph import FunctionGraph
from hamilton.node import Node

NOISY_LOGGERS = (
    "hamilton.async_driver",
    "hamilton.driver",
    "hamilton.execution",
    "hamilton.function_modifiers",
    "hamilton.graph",
)
"""Loggers of Hamilton 1.90 that report an error which we report too."""
SILENT = logging.CRITICAL + 1
_MLFLOW_NO_RETRY = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}


@contextlib.contextmanager
def quiet_hamilton() -> Iterator[None]:
    """Silence Hamilton's loggers (1.90).

    It logs each failure with a banner of its own, and we report the error once.
    """
    if _stays_quiet and all(logger.level == SILENT for logger in _NOISY) and _CACHING.level:
        yield
        return
    with log_levels(_quiet_levels()):
        yield


def stay_quiet() -> None:
    """Silence Hamilton's loggers in this process and its forks, which then need not do it anew.

    For processes that only run pipelines. A job may set other levels: these last until its run.
    """
    global _stays_quiet
    _set_levels(_quiet_levels())
    _stays_quiet = True


_stays_quiet = False
_NOISY = [logging.getLogger(name) for name in NOISY_LOGGERS]
_CACHING = logging.getLogger("hamilton.caching")


def _quiet_levels() -> dict[str, int]:
    # Under a root logger at INFO the cache would log every node; a level the user set stays.
    caching = _CACHING.level or logging.WARNING
    return {**dict.fromkeys(NOISY_LOGGERS, SILENT), _CACHING.name: caching}


_levels_lock = threading.Lock()
_replaced_levels: dict[str, tuple[int, int]] = {}
"""By name of a logger: its own level, and the number of blocks that have set another one."""


@contextlib.contextmanager
def log_levels(levels: dict[str, int]) -> Iterator[None]:
    """Set the levels of loggers, by name; when the last block ends that did, they are restored."""
    # Runs in several threads overlap: the second would find, and later restore, the level that the
    # first has set.
    with _levels_lock:
        for name in levels:
            before, blocks = _replaced_levels.get(name, (logging.getLogger(name).level, 0))
            _replaced_levels[name] = before, blocks + 1
        _set_levels(levels)
    try:
        yield
    finally:
        with _levels_lock:
            restored: dict[str, int] = {}
            for name in levels:
                before, blocks = _replaced_levels.pop(name)
                if blocks > 1:
                    _replaced_levels[name] = before, blocks - 1
                else:
                    restored[name] = before
            _set_levels(restored)


def _set_levels(levels: Mapping[str, int]) -> None:
    """Set the levels of loggers, of all but the last one without `setLevel` (Python 3.11 to 3.14).

    That makes each of some hundred loggers forget what it knows of levels, and once is enough.
    """
    loggers = [(logging.getLogger(name), level) for name, level in levels.items()]
    changed = [(logger, level) for logger, level in loggers if logger.level != level]
    for logger, level in changed[:-1]:
        logger.level = level
    for logger, level in changed[-1:]:
        logger.setLevel(level)


def function_at_fault(error: Exception) -> Callable[..., Any] | None:
    """The function that does not fit into a graph, for an error of building it (Hamilton 1.90).

    Its errors name no file and no line. The function is in the frames that they come from: one
    makes the nodes of each function `f`, and then one adds what each node `n` depends on.
    """
    function = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "create_function_graph":
            function = frame.f_locals.get("f")
        elif frame.f_code.co_name == "update_dependencies":
            node = frame.f_locals.get("n")
            functions = node.originating_functions if node is not None else None
            function = functions[0] if functions else None
    return function


def shut_down_future_adapter(used: driver.Driver) -> None:
    """End the threads of a FutureAdapter (Hamilton 1.90), which has no method for it.

    They are not waited for, so that an interrupted run ends at once.
    """
    for adapter in used.adapter.adapters:
        pool = getattr(adapter, "executor", None)
        if isinstance(pool, concurrent.futures.ThreadPoolExecutor):
            pool.shutdown(wait=False, cancel_futures=True)


def nodes_of_run(cache: Any, run_id: str) -> dict[str, Node]:
    """The nodes of a run's graph, by name, which a cache keeps (Hamilton 1.90)."""
    nodes: dict[str, Node] = cache._fn_graphs[run_id].nodes
    return nodes


def link_nodes(dependency: Node, dependant: Node) -> None:
    """Add an edge of a graph (Hamilton 1.90).

    The lists of a node have no public writer; only a whole FunctionGraph fills them.
    """
    dependant._dependencies.append(dependency)
    dependency._depended_on_by.append(dependant)


def saver_nodes(graph: FunctionGraph, saver: str) -> list[str]:
    """The nodes that a materializer adds (Hamilton 1.90), by the name of the one that writes.

    Of several values it writes the result of a second node, which it names so.
    """
    combining = f"{saver}_build_result"
    dependencies = [node.name for node in graph.nodes[saver].dependencies]
    return [saver, combining] if combining in dependencies else [saver]


def unwrap_generator(function: Callable[..., Any]) -> Callable[..., Any]:
    """The generator of a Parallelizable node (Hamilton 1.90).

    Before it executes a task Hamilton wraps the generator in a partial that returns a list, where
    a failure would lose the items that came before it.
    """
    if isinstance(function, functools.partial) and "_callable" in function.keywords:
        return function.keywords["_callable"]  # type: ignore[no-any-return] # Any in a partial
    return function


def give_items(node: Node, items: list[Any]) -> None:
    """Let a Parallelizable node give these items, and need nothing (Hamilton 1.90).

    Given as an override, the whole list is passed to the block too, where an item belongs.
    """
    node._callable = lambda: items
    node._input_types, node._default_parameter_values, node._dependencies = {}, {}, []


def kill_process_pool(pool: concurrent.futures.ProcessPoolExecutor) -> None:
    """Kill the processes of a pool (Python 3.11 to 3.13).

    `shutdown` waits for calls that run; `kill_workers` only comes with Python 3.14.
    """
    for process in list((pool._processes or {}).values()):
        with contextlib.suppress(OSError, ValueError):
            process.kill()


@contextlib.contextmanager
def without_main_file() -> Iterator[None]:
    """Let processes that start meanwhile not run the program's own file (Python's `spawn`).

    They would import it as their `__main__`: a script would start all over again. What they need
    of it is pickled by value.
    """
    main = vars(sys.modules["__main__"])
    before: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(before)


@contextlib.contextmanager
def local_ray_only(ray: Any) -> Iterator[None]:
    """Let a Ray that starts meanwhile listen on this machine alone (Ray 2.40 and later).

    Its check of the variable of the environment has been made when it was imported.
    """
    constants = ray._private.ray_constants
    before = getattr(constants, "ENABLE_RAY_CLUSTER", None)
    constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before


@contextlib.contextmanager
def preserved_signal_handler(number: int) -> Iterator[None]:
    """Restore the handler of a signal at the end: `ray.init` (Ray 2) replaces that of SIGTERM."""
    before = signal.getsignal(number)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(number, before)


def quiet_dask_worker() -> int:
    """Called in a worker of Dask (2025): silence its report of tasks given up; its process id."""
    logging.getLogger("distributed.worker.state_machine").setLevel(logging.ERROR)
    return os.getpid()


def limit_hamilton_sdk_requests(clients: ModuleType, timeout: tuple[float, float]) -> None:
    """Give every HTTP request of Hamilton's SDK (0.8) a timeout to connect and one to answer.

    The SDK passes none to `requests`, and would wait without end for a server that hangs.
    """
    requests = importlib.import_module("requests")
    limited = SimpleNamespace()
    for verb in ("get", "post", "put"):
        setattr(limited, verb, functools.partial(getattr(requests, verb), timeout=timeout))
    vars(clients)["requests"] = limited
    logging.getLogger("hamilton_sdk").setLevel(SILENT)


def apply_mlflow_telemetry_setting() -> None:
    """Let MLflow (3) read MLFLOW_DISABLE_TELEMETRY again.

    Hamilton imports MLflow wherever it is installed, before we have set the variable.
    """
    with contextlib.suppress(ImportError, AttributeError):
        importlib.import_module("mlflow.telemetry").set_telemetry_client()


def mlflow_without_retries() -> contextlib.AbstractContextManager[None]:
    """Let MLflow (3) send each request once: it reads these variables at every request."""
    return environ(_MLFLOW_NO_RETRY)


@contextlib.contextmanager
def environ(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment, and restore them at the end."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
