"""Parallelizable blocks: right values in every shape that can run, words for the others."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import ConfigError, UsageError
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.overrides import JobArguments, make_overrides
from tests.conditions import slowed
from tests.conftest import MakeProject
from tests.features.random_blocks import EXECUTORS, random_dag
from tests.terminal import Cli

HEAD = "from hamilton.htypes import Collect, Parallelizable\n\n"
BLOCK = """\
def item() -> Parallelizable[int]:
    yield from (0, 1, 2)

def square(item: int) -> int:
    return item * item

"""
SQUARES = """\
def squares(square: Collect[int]) -> list[int]:
    return list(square)

"""
PAIR = """\
def part() -> Parallelizable[int]:
    yield from (3, 6)

"""
HASH_SEEDS = range(5)
DAGS = 15


@pytest.fixture
def run(make_project: MakeProject) -> Any:
    """Runs a module's nodes."""

    def run(module: str, *final_vars: str, config: str = "", **more: Any) -> dict[str, Any]:
        root = make_project(blocks=(config, HEAD + module))
        if final_vars:
            more["final_vars"] = list(final_vars)
        return PipelineManager(root, quiet=True).run("blocks", **more)

    return run


def test_random_blocks_are_as_a_plain_loop(make_project: MakeProject) -> None:
    """Whatever executes them, and in whatever order a process walks through a set."""
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    expected, pipelines = {}, {}
    for number in range(DAGS):
        dag = random_dag(chance)
        expected[f"dag{number}"] = dag.values()
        settings = f"run: {{final_vars: [{', '.join(dag.values())}]}}\n"
        pipelines[f"dag{number}"] = (settings, dag.module(chance))
    root = make_project(**pipelines)
    command = [sys.executable, "-m", "tests.features.random_blocks", str(root)]
    for hash_seed in HASH_SEEDS:
        ran = subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": str(hash_seed)}, cwd=Path(__file__).parents[2],
            capture_output=True, text=True, timeout=slowed(60),
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout) == dict.fromkeys(EXECUTORS, expected)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(
    ("module", "outputs"),
    [
        pytest.param(
            BLOCK + SQUARES + "def total(square: Collect[int]) -> int:\n    return sum(square)\n",
            {"squares": [0, 1, 4], "total": 5},
            id="two Collects of one node",
        ),
        pytest.param(
            BLOCK + SQUARES + "def cube(item: int) -> int:\n    return item ** 3\n\n"
            "def cubes(cube: Collect[int]) -> list[int]:\n    return list(cube)\n",
            {"squares": [0, 1, 4], "cubes": [0, 1, 8]},
            id="two Collects of one block",
        ),
        pytest.param(
            "def item() -> Parallelizable[int]:\n    yield from (0, 1, 2)\n\n"
            "def items(item: Collect[int]) -> list[int]:\n    return list(item)\n",
            {"items": [0, 1, 2]},
            id="Collect of the items",
        ),
        pytest.param(
            BLOCK + SQUARES + "def items(item: Collect[int], squares: list[int]) -> list[int]:\n"
            "    return [*item, *squares]\n",
            {"items": [0, 1, 2, 0, 1, 4]},
            id="Collect of the items and of a node",
        ),
        pytest.param(
            "def item() -> Parallelizable[list[int]]:\n    return []\n\n"
            "def items(item: Collect[list[int]]) -> list:\n    return list(item)\n",
            {"items": []},
            id="Collect of no items",
        ),
        pytest.param(
            "def item() -> Parallelizable[list[int]]:\n    return [[1, 2]]\n\n"
            "def items(item: Collect[list[int]]) -> list:\n    return list(item)\n",
            {"items": [[1, 2]]},
            id="Collect of an item that is a list",
        ),
        pytest.param(
            BLOCK + "def total(square: Collect[int]) -> int:\n    return sum(square)\n\n" + PAIR
            + "def share(part: int, total: int) -> float:\n    return part / total\n\n"
            "def shares(share: Collect[float]) -> list[float]:\n    return list(share)\n",
            {"shares": [0.6, 1.2]},
            id="a block takes what another collects",
        ),
        pytest.param(
            BLOCK + "def total(square: Collect[int]) -> int:\n    return sum(square)\n\n"
            "def share(item: int, total: int) -> float:\n    return item / total\n\n"
            "def shares(share: Collect[float]) -> list[float]:\n    return list(share)\n",
            {"shares": [0.0, 0.2, 0.4]},
            id="a block takes what it collects itself",
        ),
        pytest.param(
            BLOCK + SQUARES + "def again(squares: list[int]) -> Parallelizable[int]:\n"
            "    yield from squares\n\n"
            "def root(again: int) -> float:\n    return again ** 0.5\n\n"
            "def roots(root: Collect[float]) -> list[float]:\n    return list(root)\n",
            {"roots": [0.0, 1.0, 2.0]},
            id="a block of what another collects",
        ),
        pytest.param(
            BLOCK + SQUARES + PAIR + "def half(part: int) -> float:\n    return part / 2\n\n"
            "def both(half: Collect[float], squares: list[int]) -> list[float]:\n"
            "    return [*half, *squares]\n",
            {"both": [1.5, 3.0, 0, 1, 4]},
            id="a Collect takes what another one gives",
        ),
    ],
)  # fmt: skip
def test_blocks_of_every_shape(
    run: Any, module: str, outputs: dict[str, Any], executor: str
) -> None:
    """What Hamilton's own grouping ends in an error, in a wrong value or never."""
    assert run(module, executor=executor, max_workers=2) == outputs


REFUSED = {
    "nested": (
        "def part(square: int) -> Parallelizable[int]:\n    yield from range(square)\n\n"
        "def parts(part: Collect[int]) -> list[int]:\n    return list(part)\n",
        "part is Parallelizable inside the block of item, as it takes square: blocks cannot be "
        "nested.",
    ),
    "crossed": (
        PAIR + "def product(square: int, part: int) -> int:\n    return square * part\n\n"
        "def products(product: Collect[int]) -> list[int]:\n    return list(product)\n",
        "product takes square, which has a value for each item of item, and part, which has one "
        "for each of part: a node can be in one block.",
    ),
    "collects two": (
        "def both(square: Collect[int], item: Collect[int]) -> int:\n    return 0\n",
        "both collects square and item: a node can collect one.",
    ),
    "collects and begins": (
        "def again(square: Collect[int]) -> Parallelizable[int]:\n    yield from square\n\n"
        "def double(again: int) -> int:\n    return 2 * again\n\n"
        "def doubles(double: Collect[int]) -> list[int]:\n    return list(double)\n",
        "again collects square and is Parallelizable: a node cannot be both.",
    ),
    "collects and takes": (
        "def wrong(square: Collect[int], item: int) -> int:\n    return 0\n",
        "wrong collects square and takes item, which has a value for each item of item.",
    ),
    "collects one value": (
        "def one() -> int:\n    return 1\n\n"
        "def wrong(one: Collect[int]) -> int:\n    return 0\n",
        "wrong collects one, which is not in the block of a Parallelizable node.",
    ),
    "collects an input": (
        "def wrong(number: Collect[int]) -> int:\n    return 0\n",
        "wrong collects number, which is not in the block of a Parallelizable node.",
    ),
    "collects perhaps": (
        "def perhaps(square: Collect[int] | None) -> int:\n    return 0\n",
        "perhaps takes square as Collect[int] | None: Hamilton collects only what is declared",
    ),
    "waits for itself": (
        "def total(square: Collect[int]) -> int:\n    return sum(square)\n\n"
        "def share(square: int, total: int) -> float:\n    return square / total\n\n"
        "def shares(share: Collect[float]) -> list[float]:\n    return list(share)\n",
        "share takes total, which waits for all items of item, in whose block share is: it would "
        "wait for itself.",
    ),
    "two wait for each other": (
        "def total(square: Collect[int]) -> int:\n    return sum(square)\n\n" + PAIR
        + "def share(part: int, total: int) -> float:\n    return part / total\n\n"
        "def shares(share: Collect[float]) -> float:\n    return sum(share)\n\n"
        "def last(square: int, shares: float) -> float:\n    return square + shares\n\n"
        "def all_last(last: Collect[float]) -> list[float]:\n    return list(last)\n",
        "share takes total, which waits for all items of part, in whose block share is: it would "
        "wait for itself.",
    ),
    "never collected": ("", "square has a value for each item of item, not one to return"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_run_is_refused_with_its_node(run: Any, kind: str) -> None:
    """Before anything runs, in the words of the pipeline."""
    module, message = REFUSED[kind]
    with pytest.raises(ConfigError) as refused:
        run(BLOCK + module)
    assert message in refused.value.message
    assert refused.value.hint


def test_every_command_refuses_with_the_same_words(cli: Cli, make_project: MakeProject) -> None:
    """The check of a pipeline and its run are one."""
    module, message = REFUSED["nested"]
    make_project(blocks=("", HEAD + BLOCK + module))
    for command in (("run", "blocks"), ("run", "blocks", "--dry-run"), ("validate", "blocks")):
        assert message in cli.run("pipeline", *command, code=4).stderr


@pytest.mark.parametrize("executor", EXECUTORS)
def test_items_may_be_given(run: Any, executor: str) -> None:
    """An override of a Parallelizable node is the list of its items; what it needs is not run."""
    module = (
        "def number() -> int:\n    raise AssertionError\n\n"
        "def item(number: int, more: int = 0) -> Parallelizable[int]:\n    yield number\n\n"
        "def square(item: int) -> int:\n    return item * item\n\n" + SQUARES
        + "def items(item: Collect[int]) -> list[int]:\n    return list(item)\n"
    )  # fmt: skip
    given: dict[str, Any] = {"executor": executor, "overrides": {"item": [3, 5]}}
    for cache in (False, True, True):
        outputs = run(module, cache=cache, **given)
        assert outputs == {"squares": [9, 25], "items": [3, 5]}
    for wrong in (3, ["x"]):
        with pytest.raises(UsageError, match="item takes Parallelizable"):
            run(module, executor=executor, overrides={"item": wrong})


def test_a_value_given_inside_a_block_is_that_of_each_item(run: Any) -> None:
    """It is one value; a block of which nothing else is left has no items."""
    module = (
        BLOCK
        + SQUARES
        + (
            "def more(square: int, item: int) -> int:\n    return square + item\n\n"
            "def sums(more: Collect[int]) -> list[int]:\n    return list(more)\n"
        )
    )
    for given in ({}, {"executor": "threadpool"}, {"cache": True}, {"cache": True}):
        assert run(module, "sums", overrides={"square": 10}, **given) == {"sums": [10, 11, 12]}
    assert run(module, "squares", overrides={"squares": [7]}) == {"squares": [7]}
    message = "squares collects square, which is not in the block of a Parallelizable node: square"
    with pytest.raises(UsageError, match=message) as refused:
        run(module, "squares", overrides={"square": 10})
    assert refused.value.hint == "Give squares a value instead."
    with pytest.raises(ConfigError, match=message):
        run(module, "squares", config="run: {overrides: {square: 10}}\n")


def test_what_is_loaded_is_in_no_block(run: Any, tmp_path: Path) -> None:
    """A file has one value, not one for each item."""
    (tmp_path / "work").mkdir(exist_ok=True)
    (tmp_path / "work" / "ten.json").write_text("10")
    with pytest.raises(UsageError, match="square has the one value that it is given"):
        run(BLOCK + SQUARES, load={"square": "ten.json"})
    with pytest.raises(ConfigError, match="item is Parallelizable: its items cannot be loaded"):
        run(BLOCK + SQUARES, load={"item": "ten.json"})


def test_the_items_may_be_returned_but_not_written(run: Any) -> None:
    """All of them are there at once; a node that writes would get them one by one."""
    assert run(BLOCK + SQUARES, "item", "squares") == {"item": [0, 1, 2], "squares": [0, 1, 4]}
    assert run(BLOCK, "item") == {"item": [0, 1, 2]}
    with pytest.raises(UsageError, match="item gives its items one by one, not one to"):
        run(BLOCK + SQUARES, save={"item": "items.json"})


@pytest.mark.parametrize("executor", [*EXECUTORS, "processpool"])
def test_nodes_and_cache_of_blocks(run: Any, make_project: MakeProject, executor: str) -> None:
    """Each node is recorded once for each item; a Collect counts the order of its items."""
    module = (
        "def item(first: int) -> Parallelizable[int]:\n    yield from (first, 3 - first)\n\n"
        "def square(item: int) -> int:\n    return item * item\n\n" + SQUARES
        + "def items(item: Collect[int]) -> list[int]:\n    return list(item)\n"
    )  # fmt: skip
    workers = 1 if executor == "processpool" else 2
    given: dict[str, Any] = {"executor": executor, "max_workers": workers, "cache": True}
    assert run(module, inputs={"first": 1}, **given) == {"squares": [1, 4], "items": [1, 2]}
    assert run(module, inputs={"first": 2}, **given) == {"squares": [4, 1], "items": [2, 1]}
    overrides = make_overrides(JobArguments(inputs={"first": 1}, **given))
    manager = PipelineManager(make_project(), quiet=True)
    outcome = manager.run_outcome("blocks", overrides)
    assert sorted((node.name, node.state, node.from_cache) for node in outcome.nodes) == [
        ("item", "finished", False), ("items", "finished", True), ("square", "finished", True),
        ("square", "finished", True), ("squares", "finished", True),
    ]  # fmt: skip


def test_items_that_failed_are_collected_as_the_sentinel(run: Any) -> None:
    """Also where nothing stands between the items and their Collect."""
    module = (
        "def item() -> Parallelizable[int]:\n    yield 1\n    raise ValueError\n\n"
        "def items(item: Collect[int]) -> list:\n    return list(item)\n"
    )
    config = "run: {adapter: {graceful_errors: {sentinel: -1}, type_check: true}}\n"
    assert run(module, config=config) == {"items": [1, -1]}
