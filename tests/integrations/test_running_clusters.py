"""Ray and Dask that run already, at an address of the configuration."""

from __future__ import annotations

import secrets
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conditions import WAIT_LIMIT, eventually, slowed
from tests.conftest import MakeProject
from tests.integrations.servers import kill_all, listens, started
from tests.integrations.test_clusters import ANSWER, FAILING, FEATURES, SLOW, configured
from tests.servers import free_port
from tests.terminal import Cli

HELPED = """\
from pipelines.helper import word

def told() -> str:
    return word()
"""
SCHEDULER = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--no-dashboard"]
WORKER = ["-m", "distributed.cli.dask_worker", "--nworkers", "1", "--nthreads", "2",
          "--no-dashboard"]  # fmt: skip


class DaskCluster:
    """A scheduler with one worker."""

    def __init__(self, address: str, scheduler: int) -> None:
        self.address, self.scheduler = address, scheduler


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskCluster]:
    """A Dask that runs in folders of its own."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    repository = str(Path(__file__).parents[2])
    log = tmp_path / "dask-worker" / "log"
    with (
        started(
            [*SCHEDULER, "--port", str(port)], tmp_path / "dask", lambda: listens(port)
        ) as scheduler,
        started(
            [*WORKER, address],
            tmp_path / "dask-worker",
            lambda: "Registered to" in log.read_text(),
            PYTHONPATH=repository,
        ),
    ):
        yield DaskCluster(address, scheduler)


def test_dask_runs_what_the_files_say_now(
    cli: Cli, make_project: MakeProject, dask: DaskCluster
) -> None:
    """A worker that has served a run imports what has changed since, and what another project has."""
    root = make_project(
        features=(configured("dask", dask.address), FEATURES),
        failing=(configured("dask", dask.address), FAILING),
        helped=(configured("dask", dask.address), HELPED),
    )
    helper = root / "pipelines" / "helper.py"
    ended = cli.run("pipeline", "run", "features", "--json", code=0)
    assert ended.json["outputs"] == {"answer": ANSWER}
    error = cli.run("pipeline", "run", "failing", "--json", code=6).error
    assert "failing.py, line 5" in error["message"]
    for word in ("first", "other"):
        helper.write_text(f"def word() -> str:\n    return {word!r}\n")
        ended = cli.run("pipeline", "run", "helped", "--json", code=0)
        assert ended.json["outputs"] == {"told": word}
    second = cli.folder.parent / "second"
    (second / "conf" / "pipelines").mkdir(parents=True)
    (second / "pipelines").mkdir()
    (second / "conf" / "project.yml").write_text("name: second\n")
    (second / "conf" / "pipelines" / "helped.yml").write_text(configured("dask", dask.address))
    (second / "pipelines" / "helped.py").write_text(HELPED)
    (second / "pipelines" / "helper.py").write_text("def word() -> str:\n    return 'second'\n")
    for base, word in ((second, "second"), (root, "other")):
        ended = cli.run("pipeline", "run", "helped", "--base-dir", str(base), "--json", code=0)
        assert ended.json["outputs"] == {"told": word}


def test_dask_lives_on_after_ctrl_c(cli: Cli, make_project: MakeProject, dask: DaskCluster) -> None:
    """A run that is interrupted ends at once; the cluster serves the next one."""
    began = cli.folder / "began"
    make_project(
        slow=(configured("dask", dask.address, inputs={"began": str(began)}), SLOW),
        features=(configured("dask", dask.address), FEATURES),
    )
    with cli.start("pipeline", "run", "slow") as running:
        eventually(began.exists)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=WAIT_LIMIT)
    assert running.returncode == 130
    ended = cli.run("pipeline", "run", "features", "--json", code=0)
    assert ended.json["outputs"] == {"answer": ANSWER}


def test_a_dask_that_goes_away_is_told(
    cli: Cli, make_project: MakeProject, dask: DaskCluster
) -> None:
    """A scheduler that dies during a run ends it within seconds, in one line with the node."""
    began = cli.folder / "began"
    make_project(slow=(configured("dask", dask.address, inputs={"began": str(began)}), SLOW))
    with cli.start("pipeline", "run", "slow", "--json") as running:
        eventually(began.exists)
        kill_all(dask.scheduler)
        since = time.monotonic()
        _, told = running.communicate(timeout=WAIT_LIMIT)
    assert (running.returncode, told.count("\n")) == (6, 1)
    assert time.monotonic() - since < slowed(15)
    assert "Node slow of slow failed: ConnectionError: Dask has given it up" in told


def test_ray_at_an_address(cli: Cli, make_project: MakeProject, tmp_path: Path) -> None:
    """A Ray that runs is used and lives on; one that asks for a token says so within seconds."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    make_project(
        features=(configured("ray", address), FEATURES),
        failing=(configured("ray", address), FAILING),
    )
    # It listens to the network unless it is told that there is none.
    alone = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    command = ["-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus", "2"]
    command += ["--port", str(port), "--include-dashboard", "false"]
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        command += ["--node-ip-address", "127.0.0.1", "--temp-dir", folder]
        with started(command, tmp_path / "ray", lambda: listens(port), **alone, **token):
            since = time.monotonic()
            refused = cli.run("pipeline", "run", "features", "--json", code=6, **alone)
            assert time.monotonic() - since < slowed(15)
            assert "cannot be reached" in refused.error["message"]
            assert "RAY_AUTH_MODE=token" in refused.error["hint"]
            taken = cli.run("pipeline", "run", "features", "--json", code=0, **alone, **token)
            assert taken.json["outputs"] == {"answer": ANSWER}
            failed = cli.run("pipeline", "run", "failing", "--json", code=6, **alone, **token)
            assert "failing.py, line 5" in failed.error["message"]
