"""What executes the nodes: threads, futures, processes and coroutines, with all that goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conditions import WAIT_LIMIT, eventually, with_longer_limits
from tests.conftest import MakeProject
from tests.terminal import Cli

MODULE = '''\
import os
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
from hamilton.function_modifiers import extract_columns, parameterize, source, value
from hamilton.htypes import Collect, Parallelizable


class Awkward(Exception):
    """It cannot be unpickled: it wants two arguments and keeps one."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} {why}")


def item(number: int) -> Parallelizable[int]:
    yield from range(number)

def square(item: int, offset: int) -> int:
    return item * item + offset

def squares(square: Collect[int]) -> int:
    return sum(square)

def meet_here(meeting: str) -> float:
    return _meet(meeting, "here")

def meet_there(meeting: str) -> float:
    return _meet(meeting, "there")

def _meet(meeting: str, where: str) -> float:
    """Wait until the other one has come too."""
    folder = Path(meeting)
    (folder / where).touch()
    deadline = time.monotonic() + 120
    while len(list(folder.iterdir())) < 2:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody came to {where}")
        time.sleep(0.01)
    return 1.0

def met(meet_here: float, meet_there: float) -> float:
    return meet_here + meet_there

def process(number: int) -> int:
    print("a word from a node")
    return os.getpid()

@extract_columns("a", "b")
def table(number: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [number], "b": [number + 1]})

@parameterize(a_twice={"column": source("a"), "factor": value(2)},
              b_thrice={"column": source("b"), "factor": value(3)})
def times(column: pd.Series, factor: int) -> pd.Series:
    return column * factor

def columns(a_twice: pd.Series, b_thrice: pd.Series) -> int:
    return int((a_twice + b_thrice).sum())

def awkward(number: int) -> int:
    raise Awkward("wrong", "way")

def fails_in_block(item: int) -> int:
    return 1 // (item - 1)

def gathered(fails_in_block: Collect[int]) -> list:
    return list(fails_in_block)

def dies(number: int) -> int:
    os._exit(9)

def lock(number: int) -> Any:
    return threading.Lock()

def locked(lock: Any) -> bool:
    return lock.acquire()

def endless(mark: str) -> int:
    Path(mark).write_text(str(os.getpid()))
    while True:
        time.sleep(1)
'''
CONFIG = """\
run:
  inputs: {number: 3, offset: 1}
  final_vars: [process]
"""
COROUTINES = """\
import asyncio

async def here(number: int) -> int:
    await _meet()
    return number

async def there(number: int) -> int:
    await _meet()
    return number + 1

_come = []

async def _meet() -> None:
    _come.append(1)
    while len(_come) < 2:
        await asyncio.sleep(0.01)

def together(here: int, there: int) -> int:
    return here + there

async def fails(together: int) -> int:
    raise ValueError("not today")
"""
POOLS = ["threadpool", "processpool"]


@pytest.fixture
def project(cli: Cli, make_project: MakeProject) -> Path:
    """A project with nodes that do and undo all sorts of things."""
    return make_project(
        all=(CONFIG, MODULE),
        coroutines=("run: {inputs: {number: 3}, final_vars: [together]}\n", COROUTINES),
    )


def run(cli: Cli, executor: str, node: str, *arguments: str, code: int = 0) -> dict[str, object]:
    """What `pipeline run` of a node gives: its outputs, or its error."""
    ran = cli.run(
        "pipeline", "run", "all", "--json", "--executor", executor, "--final-vars", node,
        *arguments, code=code,
    )  # fmt: skip
    result: dict[str, object] = ran.error if code else ran.json["outputs"]
    return result


@pytest.mark.parametrize("executor", ["synchronous", *POOLS])
def test_parallelizable_blocks_run(project: Path, cli: Cli, executor: str) -> None:
    """A DAG with Parallelizable nodes is run by every executor of tasks without being asked to."""
    assert run(cli, executor, "squares") == {"squares": 0 + 1 + 4 + 3}


@pytest.mark.parametrize("executor", [*POOLS, "future"])
def test_independent_nodes_run_at_once(
    project: Path, cli: Cli, executor: str, tmp_path: Path
) -> None:
    """Two nodes that wait for each other both end."""
    (tmp_path / "meeting").mkdir()
    got = run(cli, executor, "met", "-i", f"meeting={tmp_path / 'meeting'}")
    assert got == {"met": 2.0}


def test_futures_refuse_parallelizable_blocks(project: Path, cli: Cli) -> None:
    """The executor that cannot serve a DAG says which nodes, and which executors can."""
    config = project / "conf" / "pipelines" / "all.yml"
    config.write_text(CONFIG.replace("process", "squares") + "  executor: {type: future}\n")
    for command in (("run", "all"), ("run", "all", "--dry-run"), ("validate", "all")):
        ran = cli.run("pipeline", *command, code=4)
        assert "executor future cannot serve Parallelizable nodes (item, squares)" in ran.stderr
        assert ("Use synchronous, threadpool" in ran.stderr) == (command[0] == "run")


def test_nodes_run_in_other_processes(project: Path, cli: Cli) -> None:
    """A pool of processes runs nodes elsewhere, those made by decorators too, and hears them."""
    ran = cli.run("pipeline", "run", "all", "--executor", "processpool", code=0)
    assert "a word from a node" in ran.stderr
    assert "[1/1] process finished in" in ran.stderr
    here = run(cli, "synchronous", "process,columns")
    there = run(cli, "processpool", "process,columns")
    assert here["columns"] == there["columns"] == 6 + 12
    assert here["process"] != there["process"]


@pytest.mark.parametrize("executor", [*POOLS, "future"])
def test_a_failure_elsewhere_is_told_as_one_here(project: Path, cli: Cli, executor: str) -> None:
    """Node, file, line and type are told, of an exception that cannot be pickled too."""
    error = run(cli, executor, "awkward", code=6)
    line = MODULE.splitlines().index('    raise Awkward("wrong", "way")') + 1
    assert error["message"] == (
        f"Node awkward of all failed (pipelines/all.py, line {line}): "
        "pipelines.all.Awkward: wrong way"
    )


@pytest.mark.parametrize("executor", ["synchronous", *POOLS])
def test_a_failure_in_a_block_names_its_node(project: Path, cli: Cli, executor: str) -> None:
    """Of many runs of a node in a block, the one that fails ends the run."""
    message = str(run(cli, executor, "gathered", code=6)["message"])
    assert message.startswith("Node fails_in_block of all failed (pipelines/all.py, line ")
    assert "ZeroDivisionError" in message


def test_a_process_that_dies_is_told_and_tried_again(project: Path, cli: Cli) -> None:
    """A crash of a pool's process is a failure of its node, which retries may list."""
    ran = cli.run(
        "pipeline", "run", "all", "--executor", "processpool", "--final-vars", "dies",
        "--max-retries", "1", "--retry-delay", "10ms", code=6,
    )  # fmt: skip
    assert ran.stderr.count("a process of the executor crashed or was killed") == 2
    assert "Node dies of all failed" in ran.stderr


def test_what_cannot_be_sent_is_told(project: Path, cli: Cli) -> None:
    """A value that cannot be pickled names its node, and an executor that needs no pickling."""
    error = run(cli, "processpool", "locked", code=6)
    assert str(error["message"]).startswith("What lock gives cannot be sent to another process")
    assert "threadpool" in str(error["hint"])
    assert run(cli, "threadpool", "locked") == {"locked": True}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_ends_all_processes(
    project: Path, cli: Cli, tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C ends a run and every process of its pool, quietly; kill -9 of the run does so, too."""
    mark = tmp_path / "pid"
    started = cli.start(
        "pipeline", "run", "all", "--executor", "processpool", "--final-vars", "endless",
        "-i", f"mark={mark}",
    )  # fmt: skip
    with started as process:
        try:
            eventually(lambda: mark.exists() and mark.read_text() != "")
            process.send_signal(number)
            _, stderr = process.communicate(timeout=WAIT_LIMIT)
        finally:
            process.kill()
    if number == signal.SIGINT:
        assert (process.returncode, stderr.strip().splitlines()[-1]) == (130, "Interrupted.")
    eventually(lambda: not is_running(int(mark.read_text())))


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    result = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return result.stdout.strip()[:1] not in ("", "Z")


def test_a_job_runs_in_other_processes(project: Path, cli: Cli, tmp_path: Path) -> None:
    """A job has the executors of a run; its timeout ends the processes too."""
    mark = tmp_path / "pid"
    cli.run("job-queue", "add-job", "all", "--executor", "processpool", "--final-vars", "squares",
            "--job-id", "good", code=0)  # fmt: skip
    cli.run("job-queue", "start-worker", "--burst", code=0)
    good = cli.run("job-queue", "show-job", "good", "--json", code=0).json
    assert good["result"]["outputs"] == {"squares": 8}

    def time_out(limit: float) -> str:
        job = f"endless-{limit:g}"
        cli.run("job-queue", "add-job", "all", "--executor", "processpool", "--final-vars", "endless",
                "-i", f"mark={mark}", "--timeout", f"{limit:g}s", "--job-id", job, code=0)  # fmt: skip
        cli.run("job-queue", "start-worker", "--burst", code=0)
        return job

    job = with_longer_limits(time_out, mark, 3)
    ended = cli.run("job-queue", "show-job", job, "--json", code=0).json
    assert ended["error"]["type"] == "JobTimeout"
    eventually(lambda: not is_running(int(mark.read_text())))


def test_coroutines_run_at_once(project: Path, cli: Cli) -> None:
    """A DAG of coroutines runs on Hamilton's async driver without being asked to."""
    ran = cli.run("pipeline", "run", "coroutines", "--json", code=0)
    assert ran.json["outputs"] == {"together": 7}
    assert {node["name"]: node["state"] for node in ran.json["nodes"]} == dict.fromkeys(
        ("here", "there", "together"), "finished"
    )
    failed = cli.run("pipeline", "run", "coroutines", "--final-vars", "fails", code=6)
    assert "Node fails of coroutines failed (pipelines/coroutines.py, line" in failed.stderr
    assert "ValueError: not today" in failed.stderr


def test_coroutines_run_within_a_loop(project: Path) -> None:
    """From a notebook, where a loop runs already, it is no different."""
    import asyncio

    from flowerpower.pipeline import PipelineManager

    async def cell() -> dict[str, object]:
        return PipelineManager(project, quiet=True).run("coroutines")

    assert asyncio.run(cell()) == {"together": 7}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--executor", "threadpool"), "executor threadpool cannot serve coroutines (here, there)"),
        (("--cache",), "cache cannot serve coroutines"),
        (("--with-adapter", "graceful_errors"), "graceful_errors cannot serve coroutines"),
    ],
)  # fmt: skip
def test_what_cannot_serve_coroutines_says_so(
    project: Path, cli: Cli, flags: tuple[str, ...], message: str
) -> None:
    """Executors, the cache and adapters that take the place of a node's execution are refused."""
    assert message in cli.run("pipeline", "run", "coroutines", *flags, code=4).stderr


def test_max_workers_limits_them(project: Path, cli: Cli, tmp_path: Path) -> None:
    """With one worker, two nodes that wait for each other cannot meet."""
    (tmp_path / "meeting").mkdir()
    module = project / "pipelines" / "all.py"
    impatient = MODULE.replace("monotonic() + 120", "monotonic() + 1")
    assert impatient != MODULE
    module.write_text(impatient)
    for executor in POOLS:
        for each in (tmp_path / "meeting").iterdir():
            os.unlink(each)
        error = run(
            cli, executor, "met", "-i", f"meeting={tmp_path / 'meeting'}", "--max-workers", "1",
            code=6,
        )  # fmt: skip
        assert "nobody came to" in str(error["message"])


@pytest.mark.parametrize("flags", [("--final-vars", "square"), ("--save", "square=x.json")])
def test_a_node_in_a_block_cannot_be_put_out(
    project: Path, cli: Cli, flags: tuple[str, ...]
) -> None:
    """What has a value for each item is refused at once, with what to ask for instead."""
    ran = cli.run("pipeline", "run", "all", *flags, code=2)
    assert "square has a value for each item of item" in ran.stderr
    assert "Collect[...]" in ran.stderr
    cli.run("pipeline", "run", "all", "--final-vars", "squares", "--save", "squares=x.json", code=0)
    assert (project / "x.json").read_text() == "8\n"


def test_a_script_is_not_started_again(project: Path, cli: Cli) -> None:
    """A pool's processes do not run a script that has no `if __name__ == "__main__"`."""
    script = project / "script.py"
    script.write_text(
        "from flowerpower.pipeline import PipelineManager\n\nprint('begun')\n"
        "manager = PipelineManager(quiet=True)\n"
        "print(manager.run('all', executor='processpool', final_vars='squares'))\n"
    )
    ran = subprocess.run(
        [sys.executable, script], cwd=project, capture_output=True, text=True, timeout=WAIT_LIMIT
    )
    assert ran.stdout == "begun\n{'squares': 8}\n", ran.stderr
