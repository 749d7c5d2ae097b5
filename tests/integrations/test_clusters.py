"""Ray and Dask, started for a run: as a command, as a job, and when something goes wrong."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conditions import WAIT_LIMIT, eventually, slowed, with_longer_limits
from tests.conftest import MakeProject
from tests.servers import free_port
from tests.terminal import Cli

NothingLeft = Callable[[], None]
FEATURES = """\
import sys

import pandas as pd
from hamilton.function_modifiers import extract_columns, parameterize, value
from hamilton.htypes import Collect, Parallelizable

def number() -> Parallelizable[int]:
    yield from range(5)

def square(number: int) -> int:
    # One write: Ray makes a line of its own of each piece of a line that it reads.
    sys.stdout.write(f"squaring {number}\\n")
    return number * number

def total(square: Collect[int]) -> int:
    return sum(square)

@extract_columns("a", "b")
def frame(total: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [total, 1], "b": [2, 3]})

@parameterize(twice={"factor": value(2)}, thrice={"factor": value(3)})
def times(total: int, factor: int) -> int:
    return total * factor

def answer(a: pd.Series, b: pd.Series, twice: int, thrice: int) -> int:
    sys.stdout.write("answering\\n")
    return int(a.sum() + b.sum()) + twice + thrice
"""
ANSWER = 31 + 5 + 60 + 90
FAILING = """\
def good() -> int:
    return 1

def bad(good: int) -> float:
    return good / 0
"""
DYING = """\
import os
from pathlib import Path

def dies(deaths: str) -> int:
    with Path(deaths).open("a") as log:
        log.write("x")
    os._exit(3)
"""
SLOW = """\
import time
from pathlib import Path

def slow(began: str) -> int:
    Path(began).write_text("")
    time.sleep(100)
    return 1
"""
PLACE = """\
import ray

def node_address() -> str:
    return ray.util.get_node_ip_address()

def gcs_address() -> str:
    return ray.get_runtime_context().gcs_address
"""


@pytest.fixture(params=["ray", "dask"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each of them."""
    return str(request.param)


def configured(kind: str, address: str | None = None, **run: Any) -> str:
    """The YAML of a pipeline for an executor of this kind."""
    executor = {"type": kind, "max_workers": 2, "address": address}
    return json.dumps({"run": {"executor": executor, **run}})


def test_features_give_what_they_give_here(
    cli: Cli, make_project: MakeProject, kind: str, nothing_left: NothingLeft
) -> None:
    """Decorated and Parallelizable nodes work, and what nodes print is all there is on stderr."""
    make_project(features=(configured(kind), FEATURES))
    ended = cli.run("pipeline", "run", "features", "--json", code=0)
    nothing_left()
    assert ended.json["outputs"] == {"answer": ANSWER}
    states = [(node["name"], node["state"]) for node in ended.json["nodes"]]
    assert states.count(("square", "finished")) == 5
    *printed, last = [line.rpartition(") ")[2] for line in ended.stderr.splitlines()]
    squares = [f"squaring {number}" for number in range(5)]
    assert sorted(printed) == ["answering", *squares], ended.stderr
    assert last.startswith("features finished: 13 nodes")
    assert sorted(os.listdir(cli.folder)) == ["conf", "pipelines"]


def test_a_ray_of_ours_is_of_this_machine_alone(cli: Cli, make_project: MakeProject) -> None:
    """It listens on 127.0.0.1, and leaves neither its session's folder nor a token at home."""
    make_project(place=(configured("ray"), PLACE))
    # The paths of its sockets must be short.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        ended = cli.run("pipeline", "run", "place", "--json", code=0, RAY_TMPDIR=folder)
        sessions = [path for path in Path(folder).rglob("session_*") if not path.is_symlink()]
    assert ended.json["outputs"]["node_address"] == "127.0.0.1"
    assert ended.json["outputs"]["gcs_address"].startswith("127.0.0.1:")
    assert (sessions, list(cli.home.glob(".ray*"))) == ([], [])


def test_a_node_that_fails_is_told_with_its_place(
    cli: Cli, make_project: MakeProject, kind: str, nothing_left: NothingLeft
) -> None:
    """A node that raises ends the run with 6, and its name, file and line are told in one line."""
    make_project(failing=(configured(kind), FAILING))
    ended = cli.run("pipeline", "run", "failing", "--json", code=6)
    nothing_left()
    assert (ended.stdout, ended.stderr.splitlines()[:-1]) == ("", [])
    assert ended.error["message"] == (
        "Node bad of failing failed (pipelines/failing.py, line 5): "
        "ZeroDivisionError: division by zero"
    )


def test_what_ends_its_process_is_not_called_again(
    cli: Cli, make_project: MakeProject, kind: str, nothing_left: NothingLeft
) -> None:
    """A node whose process dies is told by its name, and has run once."""
    deaths = cli.folder / "deaths"
    make_project(dying=(configured(kind, inputs={"deaths": str(deaths)}), DYING))
    ended = cli.run("pipeline", "run", "dying", "--json", code=6)
    nothing_left()
    assert "Node dies of dying failed: flowerpower.ProcessDied" in ended.error["message"]
    assert deaths.read_text() == "x"


@pytest.mark.parametrize(
    ("kind", "number", "code"),
    [("ray", signal.SIGINT, 130), ("ray", signal.SIGTERM, 143), ("dask", signal.SIGINT, 130)],
)
def test_a_signal_ends_all_of_it(
    cli: Cli,
    make_project: MakeProject,
    kind: str,
    nothing_left: NothingLeft,
    number: int,
    code: int,
) -> None:
    """Ctrl-C and SIGTERM end the run at once, with their own exit codes, and all its processes."""
    began = cli.folder / "began"
    make_project(slow=(configured(kind, inputs={"began": str(began)}), SLOW))
    with cli.start("pipeline", "run", "slow", "--json") as running:
        eventually(began.exists)
        since = time.monotonic()
        running.send_signal(number)
        out, told = running.communicate(timeout=WAIT_LIMIT)
    nothing_left()
    assert (running.returncode, out) == (code, "")
    assert time.monotonic() - since < slowed(8)
    assert "Traceback" not in told
    assert "WARNING" not in told


def work(cli: Cli) -> None:
    """A worker takes what is queued, and ends."""
    with cli.start("job-queue", "start-worker", "--burst") as worker:
        worker.communicate(timeout=WAIT_LIMIT)
    assert worker.returncode == 0


def test_jobs_end_as_runs_do(
    cli: Cli, make_project: MakeProject, kind: str, nothing_left: NothingLeft
) -> None:
    """As jobs they finish, fail with their node's place, or are ended at their timeout."""
    began = cli.folder / "began"
    make_project(
        features=(configured(kind), FEATURES),
        failing=(configured(kind), FAILING),
        slow=(configured(kind, inputs={"began": str(began)}), SLOW),
    )
    for name in ("features", "failing"):
        cli.run("job-queue", "add-job", name, "--job-id", name, code=0)
    work(cli)
    nothing_left()
    jobs = {
        job["id"]: job for job in cli.run("job-queue", "wait", "features", "failing", "--json").json
    }
    assert jobs["features"]["result"]["outputs"] == {"answer": ANSWER}
    error = jobs["failing"]["error"]
    assert (error["node"], error["file"], error["line"]) == ("bad", "pipelines/failing.py", 5)

    def time_out(limit: float) -> str:
        job = f"slow-{limit:g}"
        cli.run("job-queue", "add-job", "slow", "--job-id", job, "--timeout", f"{limit:g}s", code=0)
        work(cli)
        nothing_left()
        return job

    job = with_longer_limits(time_out, began, {"ray": 12, "dask": 6}[kind])
    slow = cli.run("job-queue", "show-job", job, "--json", code=0).json
    assert (slow["status"], slow["error"]["type"]) == ("failed", "JobTimeout")
    assert "answering" in cli.run("job-queue", "logs", "features", code=0).stdout


@pytest.mark.parametrize(
    ("kind", "address"), [("ray", "127.0.0.1:{}"), ("dask", "tcp://127.0.0.1:{}")]
)
def test_one_that_is_not_there_is_told_at_once(
    cli: Cli, make_project: MakeProject, mute_port: int, kind: str, address: str
) -> None:
    """An address where nothing listens, or nothing answers, is one clear error within seconds."""
    down, mute = address.format(free_port()), address.format(mute_port)
    make_project(down=(configured(kind, down), FAILING), mute=(configured(kind, mute), FAILING))
    for name, place, limit in (("down", down, 8), ("mute", mute, 14)):
        since = time.monotonic()
        ended = cli.run("pipeline", "run", name, "--json", code=6)
        assert time.monotonic() - since < slowed(limit)
        assert ended.stderr.count("\n") == 1
        assert f"{kind.capitalize()} at {place} cannot be reached" in ended.error["message"]
        assert "start" in ended.error["hint"].lower()
