"""Executors of tasks with a cache: what is in it needs no thread, no process, and no sending."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.overrides import make_overrides
from tests.conftest import MakeProject
from tests.terminal import COMMAND, Cli

CONFIG = "run: {inputs: {number: 3, other: 0}, cache: true, executor: {type: %s, max_workers: 2}}\n"
MODULE = """\
import os
import sys
import threading
from pathlib import Path

from pipelines.values import Value


def _count(name: str) -> None:
    with open("calls.txt", "a") as stream:
        stream.write(f"{name} {os.getpid()} {threading.get_native_id()}\\n")

def first(number: int) -> Value:
    _count("first")
    return Value("first", number)

def second(first: Value) -> Value:
    _count("second")
    return Value("second", first.number + 1)

def third(second: Value, other: int) -> int:
    _count("third")
    return second.number + other

def imported(other: int) -> list[str]:
    return sorted({"pandas", "hamilton.driver"} & {*sys.modules})
"""
VALUES = """\
import os


class Value:
    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        with open("unpickled.txt", "a") as stream:
            stream.write(f"{self.name} {os.getpid()}\\n")
"""
BLOCKS = """\
from hamilton.htypes import Collect, Parallelizable


def _count(name: str) -> None:
    with open("calls.txt", "a") as stream:
        stream.write(f"{name} 0 0\\n")

def item(number: int) -> Parallelizable[int]:
    yield from range(number)

def square(item: int) -> int:
    _count("square")
    return item * item

def squares(square: Collect[int], other: int) -> int:
    _count("squares")
    return sum(square) + other
"""
RECORDER = """\
import os, sys

with open(os.environ["FLOWERPOWER_TEST_STARTS"], "a") as stream:
    stream.write(" ".join(sys.orig_argv[1:]) + "\\n")
"""
POOLS = ["threadpool", "processpool"]
EXECUTORS = ["synchronous", *POOLS]


@pytest.fixture
def project(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of a pipeline for each executor, all of the same nodes, in the current folder."""
    names = "modules: [pipelines.%s]"
    pipelines = {name: (f"{CONFIG % name}".replace("{inputs", f"{{{names % 'steps'}, inputs"), "")
                 for name in EXECUTORS}  # fmt: skip
    root = make_project(**pipelines, blocks=(CONFIG % "synchronous", BLOCKS))
    (root / "pipelines" / "steps.py").write_text(MODULE)
    (root / "pipelines" / "values.py").write_text(VALUES)
    monkeypatch.chdir(root)
    return root


def lines(file: Path) -> list[list[str]]:
    """The words of each line that was written since this was called last."""
    rows = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    file.unlink(missing_ok=True)
    return rows


def run(project: Path, pipeline: str, **overrides: Any) -> dict[str, Any]:
    return PipelineManager(project, quiet=True).run(pipeline, final_vars="third", **overrides)


def computed(project: Path) -> list[str]:
    return [name for name, *_ in lines(project / "calls.txt")]


@pytest.mark.parametrize("again", EXECUTORS)
@pytest.mark.parametrize("before", EXECUTORS)
def test_executors_share_what_is_cached(project: Path, before: str, again: str) -> None:
    """What a run with one executor keeps, one with another takes; what has changed is computed."""
    assert run(project, before) == {"third": 4}
    assert computed(project) == ["first", "second", "third"]
    assert run(project, again) == {"third": 4}
    assert computed(project) == []
    assert run(project, again, inputs={"other": 5}) == {"third": 9}
    assert computed(project) == ["third"]
    assert run(project, before, inputs={"other": 5}) == {"third": 9}
    assert computed(project) == []


@pytest.mark.parametrize("executor", POOLS)
def test_nodes_from_the_cache_are_events_of_the_run(project: Path, executor: str) -> None:
    """They are told as ever: begun, finished, and from the cache."""
    run(project, executor)
    overrides = make_overrides({"final_vars": ["third"], "inputs": {"other": 1}})
    outcome = PipelineManager(project, quiet=True).run_outcome(executor, overrides)
    nodes = {node.name: (node.state, node.from_cache) for node in outcome.nodes}
    kept = dict.fromkeys(("first", "second"), ("finished", True))
    assert nodes == {**kept, "third": ("finished", False)}


def starts(cli: Cli, project: Path, *arguments: str) -> list[str]:
    """The command lines of the interpreters that a run has started, without its own."""
    recorder, file = project.parent / "recorder", project.parent / "starts.txt"
    recorder.mkdir(exist_ok=True)
    (recorder / "sitecustomize.py").write_text(RECORDER)
    file.unlink(missing_ok=True)
    command = [*COMMAND, "pipeline", "run", "processpool", *arguments, "--json"]
    environ = {"PYTHONPATH": str(recorder), "FLOWERPOWER_TEST_STARTS": str(file)}
    ran = subprocess.run(
        command, cwd=project, env=cli.merged_environ(**environ), capture_output=True, check=True
    )
    assert json.loads(ran.stdout)["outputs"]
    (_, *others) = file.read_text().splitlines()
    return others


def test_no_process_starts_if_all_is_cached(cli: Cli, project: Path) -> None:
    """A pool of processes starts with the first task that it gets, and not before."""
    assert any("spawn_main" in line for line in starts(cli, project, "--final-vars", "third"))
    assert starts(cli, project, "--final-vars", "third") == []
    more = starts(cli, project, "--final-vars", "third", "-i", "other=1")
    assert len([line for line in more if "spawn_main" in line]) == 1


def test_no_thread_of_the_pool_reads_the_cache(project: Path) -> None:
    """What is computed runs in a thread of the pool, what is cached is read by that of the run."""
    run(project, "threadpool")
    lines(project / "calls.txt")
    run(project, "threadpool", inputs={"other": 1})
    ((name, process, thread),) = lines(project / "calls.txt")
    assert (name, process) == ("third", str(os.getpid()))
    # The id of the main thread is that of its process.
    assert thread != process


def test_only_what_a_node_takes_goes_to_its_process(project: Path) -> None:
    """A value that only cached nodes take stays here; one that a computed node takes is sent."""
    run(project, "processpool")
    lines(project / "unpickled.txt")
    run(project, "processpool", inputs={"other": 1})
    readers = lines(project / "unpickled.txt")
    here = str(os.getpid())
    assert {pid for name, pid in readers if name == "first"} == {here}
    assert len([name for name, pid in readers if pid == here and name == "second"]) == 1
    assert len({pid for name, pid in readers if pid != here and name == "second"}) == 1


def test_a_process_imports_only_what_its_nodes_need(project: Path) -> None:
    """A node that uses no pandas runs in a process without pandas, and without Hamilton's driver."""
    manager = PipelineManager(project, quiet=True)
    assert manager.run("processpool", final_vars="imported", cache=False) == {"imported": []}


@pytest.mark.parametrize("executor", POOLS)
def test_a_damaged_value_is_computed_where_others_are(project: Path, executor: str) -> None:
    """A value that is in the cache and cannot be read is computed by the executor."""
    run(project, executor)
    lines(project / "calls.txt")
    for file in (project / ".flowerpower" / "cache").iterdir():
        if file.is_file() and ".db" not in file.name:
            file.write_bytes(b"damaged")
    assert run(project, executor) == {"third": 4}
    calls = lines(project / "calls.txt")
    assert [name for name, *_ in calls] == ["first", "second", "third"]
    # The id of the main thread is that of its process.
    main_thread = str(os.getpid())
    assert main_thread not in {thread for _, _, thread in calls}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_items_of_a_block_are_cached_one_by_one(project: Path, executor: str) -> None:
    """With another number of items only the new ones are computed, and their sum is right."""
    manager = PipelineManager(project, quiet=True)
    assert manager.run("blocks", executor=executor) == {"squares": 5}
    assert sorted(computed(project)) == ["square", "square", "square", "squares"]
    assert manager.run("blocks", executor=executor) == {"squares": 5}
    assert computed(project) == []
    assert manager.run("blocks", executor=executor, inputs={"number": 5}) == {"squares": 30}
    assert sorted(computed(project)) == ["square", "square", "squares"]
