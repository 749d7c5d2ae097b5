"""Internals of other packages that flowerpower/run/patches.py and run/cache rely on.

A test that fails here after an upgrade means: read the package's change, then adapt the patch.
Those of Ray, Dask, Hamilton's SDK and MLflow are in tests/integrations/test_patches.py.
"""

from __future__ import annotations

import ast
import concurrent.futures
import functools
import inspect
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hamilton import ad_hoc_utils, driver
from hamilton.base import DictResult
from hamilton.caching.adapter import HamiltonCacheAdapter
from hamilton.caching.stores.file import FileResultStore
from hamilton.caching.stores.sqlite import SQLiteMetadataStore
from hamilton.execution.executors import SynchronousLocalTaskExecutor
from hamilton.htypes import Collect, Parallelizable
from hamilton.io.materialization import to
from hamilton.lifecycle import NodeExecutionMethod
from hamilton.lifecycle.default import PrintLn
from hamilton.node import Node
from hamilton.plugins.h_threadpool import FutureAdapter

from flowerpower.run import patches
from tests.conditions import eventually

RUN = Path(__file__).parents[2] / "flowerpower" / "run"


def build(function: Callable[..., Any], *adapters: Any) -> driver.Driver:
    module = ad_hoc_utils.create_temporary_module(function)
    return driver.Builder().with_modules(module).with_adapters(*adapters).build()


def number() -> int:
    return 1


def fails() -> int:
    raise ValueError("on purpose")


def test_only_the_patches_touch_private_attributes_of_others() -> None:
    """Elsewhere in run/ an attribute with an underscore is one of `self`."""
    for file in sorted(RUN.rglob("*.py")):
        if file.name in ("patches.py", "import_patches.py"):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
                is_super = isinstance(node.value, ast.Call)
                # Documented, in spite of its name.
                is_special = node.attr.endswith("__") or ast.unparse(node) == "os._exit"
                assert is_own or is_super or is_special, f"{file}:{node.lineno}: {node.attr}"


def second(number: str) -> str:
    return number


def untyped(number) -> str:  # type: ignore[no-untyped-def]
    return str(number)


@pytest.mark.parametrize("at_fault", [second, untyped])
def test_the_function_that_does_not_fit_is_in_the_frames_of_the_error(
    at_fault: Callable[..., Any],
) -> None:
    """Of a function without a type, and of one that expects another type than a node has."""
    module = ad_hoc_utils.create_temporary_module(number, at_fault)
    with pytest.raises(ValueError, match=at_fault.__name__) as caught:
        driver.Builder().with_modules(module).build()
    function = patches.function_at_fault(caught.value)
    assert function is not None
    assert function.__code__ is at_fault.__code__
    assert patches.function_at_fault(ValueError("of elsewhere")) is None


def test_hamilton_logs_failures_by_the_loggers_that_are_silenced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A node that fails is logged by Hamilton, by one of the silenced loggers; then by none."""
    failing = build(fails)
    with pytest.raises(ValueError, match="on purpose"):
        failing.execute(["fails"])
    assert any(record.name.startswith(patches.NOISY_LOGGERS) for record in caplog.records)
    caplog.clear()
    with patches.quiet_hamilton(), pytest.raises(ValueError, match="on purpose"):
        failing.execute(["fails"])
    assert caplog.records == []


def test_silenced_loggers_get_their_levels_back() -> None:
    """After the block each logger has the level that it had."""
    names = [*patches.NOISY_LOGGERS, "hamilton.caching"]
    before = [logging.getLogger(name).level for name in names]
    with patches.quiet_hamilton():
        assert not logging.getLogger("hamilton.graph").isEnabledFor(logging.CRITICAL)
    assert [logging.getLogger(name).level for name in names] == before


def test_levels_come_back_when_the_last_of_overlapping_blocks_ends() -> None:
    """Of two runs in threads, the one that began first may end first."""
    logger = logging.getLogger(patches.NOISY_LOGGERS[0])
    before = logger.level
    first, second = patches.quiet_hamilton(), patches.quiet_hamilton()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not logger.isEnabledFor(logging.CRITICAL)
    second.__exit__(None, None, None)
    assert logger.level == before


def test_a_process_that_only_runs_pipelines_stays_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run need not silence loggers then, except one that a job has made louder meanwhile."""
    names = [*patches.NOISY_LOGGERS, "hamilton.caching"]
    before = {name: logging.getLogger(name).level for name in names}
    monkeypatch.setattr(patches, "_stays_quiet", False)
    try:
        patches.stay_quiet()
        quiet = [logging.getLogger(name).level for name in names]
        assert quiet == [patches.SILENT] * len(patches.NOISY_LOGGERS) + [logging.WARNING]
        with patches.quiet_hamilton():
            assert patches._replaced_levels == {}
        logger = logging.getLogger("hamilton.graph")
        logger.setLevel(logging.INFO)
        with patches.quiet_hamilton():
            assert not logger.isEnabledFor(logging.CRITICAL)
        assert logger.level == logging.INFO
    finally:
        patches._set_levels(before)


def test_a_future_adapter_has_a_thread_pool_and_no_end() -> None:
    """Its pool is called `executor`; Hamilton itself leaves it open."""
    adapter = FutureAdapter(max_workers=1)
    assert isinstance(adapter.executor, concurrent.futures.ThreadPoolExecutor)
    used = build(number, adapter)
    patches.shut_down_future_adapter(used)
    with pytest.raises(RuntimeError, match="shutdown"):
        adapter.executor.submit(int)


def test_a_nodes_edges_are_two_private_lists() -> None:
    """What is linked is what Hamilton's own properties show."""

    def double(number: int) -> int:
        return 2 * number

    source, user = (Node.from_fn(function) for function in (number, double))
    assert (user.dependencies, source.depended_on_by) == ([], [])
    patches.link_nodes(source, user)
    assert (user.dependencies, source.depended_on_by) == ([source], [user])


def test_hamilton_wraps_the_generator_of_a_block() -> None:
    """In a task the generator comes as a partial that makes a list of its items."""
    callables: list[Any] = []

    class Watching(NodeExecutionMethod):  # type: ignore[misc] # Hamilton has no types
        def run_to_execute_node(
            self, *, node_callable: Any, node_kwargs: dict[str, Any], is_expand: bool, **_: Any
        ) -> Any:
            if is_expand:
                callables.append(node_callable)
            return node_callable(**node_kwargs)

    def item() -> Parallelizable[int]:
        yield from (1, 2)

    def square(item: int) -> int:
        return item * item

    def total(square: Collect[int]) -> int:
        return sum(square)

    module = ad_hoc_utils.create_temporary_module(item, square, total)
    built = (
        driver.Builder()
        .with_modules(module)
        .enable_dynamic_execution(allow_experimental_mode=True)
        .with_remote_executor(SynchronousLocalTaskExecutor())
        .with_adapters(Watching())
        .build()
    )
    assert built.execute(["total"]) == {"total": 5}
    (wrapped,) = callables
    assert isinstance(wrapped, functools.partial)
    assert inspect.isgenerator(patches.unwrap_generator(wrapped)())
    assert patches.unwrap_generator(total) is total


def test_hamilton_runs_a_block_with_all_items_of_an_override() -> None:
    """After `give_items` it is run for each item only, and what gives them needs nothing."""

    def item(number: int, more: int = 1) -> Parallelizable[int]:
        yield number

    taken: list[Any] = []

    def same(item: int) -> int:
        taken.append(item)
        return item

    def total(same: Collect[int]) -> list[int]:
        return list(same)

    module = ad_hoc_utils.create_temporary_module(item, same, total)
    builder = driver.Builder().with_modules(module)
    built = builder.enable_dynamic_execution(allow_experimental_mode=True).with_remote_executor(
        SynchronousLocalTaskExecutor()
    )
    built.build().execute(["total"], overrides={"item": [3, 5]})
    assert [3, 5] in taken
    taken.clear()
    repaired = built.build()
    patches.give_items(repaired.graph.nodes["item"], [3, 5])
    assert repaired.execute(["total"]) == {"total": taken} == {"total": [3, 5]}


def test_a_materializer_names_the_node_that_combines_values() -> None:
    """Two values in one file are combined in a node of a name made from the writing node's."""

    def other() -> int:
        return 2

    module = ad_hoc_utils.create_temporary_module(number, other)
    one = to.memory(id="one", dependencies=["number"])
    two = to.memory(id="two", dependencies=["number", "other"], combine=DictResult())
    built = driver.Builder().with_modules(module).with_materializers(one, two).build()
    assert patches.saver_nodes(built.graph, "one") == ["one"]
    assert patches.saver_nodes(built.graph, "two") == ["two", "two_build_result"]


def test_a_process_pool_is_killed_at_once() -> None:
    """Its processes are known, and end though their call goes on."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        pid = pool.submit(os.getpid).result()
        future = pool.submit(time.sleep, 600)
        eventually(future.running, timeout=60)
        patches.kill_process_pool(pool)
        with pytest.raises(concurrent.futures.process.BrokenProcessPool):
            future.result(timeout=60)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_spawned_process_does_not_run_the_main_file() -> None:
    """Python's spawn reads `__main__`'s file and spec, and so passes none of them on."""
    from multiprocessing.spawn import get_preparation_data

    main = sys.modules["__main__"]
    before = dict(vars(main))
    with patches.without_main_file():
        assert not {"init_main_from_path", "init_main_from_name"} & {*get_preparation_data("x")}
    assert vars(main) == before


def test_a_signals_handler_is_put_back() -> None:
    """Whatever sets another handler meanwhile."""
    before = signal.getsignal(signal.SIGTERM)
    with patches.preserved_signal_handler(signal.SIGTERM):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (HamiltonCacheAdapter._version_data, ["self", "node_name", "run_id", "result", "task_id"]),
        (HamiltonCacheAdapter._get_memory_data_version, ["self", "run_id", "node_name", "task_id"]),
        (HamiltonCacheAdapter._set_memory_metadata,
         ["self", "run_id", "node_name", "data_version", "task_id"]),
        (HamiltonCacheAdapter.version_code, ["self", "node_name", "run_id"]),
        (FileResultStore.set, ["self", "data_version", "result", "saver_cls", "loader_cls"]),
        (FileResultStore._write_result, ["file_path", "stored_result"]),
        (FileResultStore._path_from_data_version, ["self", "data_version"]),
    ],
)  # fmt: skip
def test_the_caches_private_methods_take_what_they_took(
    function: Any, parameters: list[str]
) -> None:
    """The methods of Hamilton's cache that ours replaces or calls have these parameters."""
    assert list(inspect.signature(function).parameters) == parameters


def test_hamiltons_store_asks_for_its_connection_by_one_property(tmp_path: Path) -> None:
    """All of its methods use `connection`, which ours replaces, and open none by themselves."""
    source = inspect.getsource(SQLiteMetadataStore)
    assert source.count("sqlite3.connect(") == 1
    assert isinstance(SQLiteMetadataStore.connection, property)
    assert source.count("_get_connection()") == 1


def test_hamiltons_print_adapter_forgets_by_the_wrong_key() -> None:
    """Inside a task PrintLn raises KeyError, once it has printed."""
    lines: list[str] = []
    adapter = PrintLn(print_fn=lines.append)
    common = {"node_name": "x", "node_tags": {}, "node_kwargs": {}, "task_id": "t"}
    adapter.run_before_node_execution(**common)
    with pytest.raises(KeyError):
        adapter.run_after_node_execution(**common, result=1, error=None, success=True)
    assert len(lines) == 2
