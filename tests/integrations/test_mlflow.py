"""MLflow: what it holds of a run, and runs whose server is down, silent, refusing or killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.conditions import WAIT_LIMIT, eventually, slowed
from tests.conftest import MakeProject
from tests.integrations.conftest import Proxy
from tests.integrations.servers import kill_all, listens, started
from tests.servers import free_port
from tests.terminal import Cli

MODULE = """\
import numpy as np
import pandas as pd

def seconds(api_key: str, n: int) -> float:
    return n / 2

def count(n: int) -> np.int64:
    return np.int64(n)

def text(n: int) -> str:
    return "hello " * n

def table(n: int) -> pd.DataFrame:
    return pd.DataFrame({"a": range(n)})

def facts(n: int) -> dict:
    return {"n": n, "who": ["x"]}

def enough(n: int, broken: bool) -> bool:
    if broken:
        raise ValueError("broken on purpose")
    return n > 1
"""
RUN: dict[str, Any] = {
    "inputs": {"api_key": "tulip-in-winter", "n": 3, "broken": False},
    "final_vars": ["seconds", "count", "text", "table", "facts", "enough"],
    "save": {"table": "output/table.csv"},
}
WAITING = """\
import time
from pathlib import Path

def first(began: str) -> int:
    Path(began).write_text("")
    while Path(began).exists():
        time.sleep(0.02)
    return 1

def second(first: int) -> int:
    return first + 1

def third(second: int) -> int:
    return second + 1
"""
SERVER = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
READ = """
import json, sys
from pathlib import Path
from mlflow import MlflowClient

def files(run, below=None):
    for each in client.list_artifacts(run, below):
        if each.is_dir:
            yield from files(run, each.path)
        else:
            yield each.path

def text(run, path):
    return Path(client.download_artifacts(run, path)).read_text()

client = MlflowClient(sys.argv[1])
found = []
for experiment in client.search_experiments():
    for run in client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"]):
        found.append({
            "experiment": experiment.name,
            "name": run.info.run_name,
            "status": run.info.status,
            "metrics": run.data.metrics,
            "params": run.data.params,
            "files": {path: text(run.info.run_id, path) for path in files(run.info.run_id)},
        })
print(json.dumps(found))
"""


def configured(adapter: Any = True) -> str:
    return json.dumps({"run": {**RUN, "adapter": {"mlflow": adapter}}})


def waiting(cli: Cli, adapter: Any = True) -> str:
    run = {
        "inputs": {"began": str(cli.folder / "began")},
        "final_vars": ["first", "second", "third"],
        "adapter": {"mlflow": adapter},
    }
    return json.dumps({"run": run})


def runs(uri: str, folder: Path) -> list[dict[str, Any]]:
    """What MLflow itself says of the runs at the place, the oldest first."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ, uri],
        cwd=folder,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=100,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_a_run_is_kept_in_the_project(
    cli: Cli, make_project: MakeProject, tmp_path: Path, proxy: Proxy
) -> None:
    """By default it is in the project's mlflow.db, whole, without secrets, and nobody is called."""
    root = make_project(tracked=(configured(), MODULE))
    cli.folder = tmp_path / "elsewhere"
    cli.folder.mkdir()
    arguments = ("pipeline", "run", "tracked", "--base-dir", str(root))
    ended = cli.run(*arguments, "--json", code=0, **proxy.environ)
    assert [line.partition(" ")[0] for line in ended.stderr.splitlines()] == ["Wrote", "tracked"]
    cli.run(*arguments, "-i", "broken=true", code=6, **proxy.environ)
    done, failed = runs(f"sqlite:///{root}/mlflow.db", tmp_path)
    files = done.pop("files")
    assert done == {
        "experiment": "demo",
        "name": "tracked",
        "status": "FINISHED",
        "metrics": {"seconds": 1.5, "count": 3.0},
        "params": {"api_key": "***", "n": "3", "broken": "False"},
    }
    assert files["text.txt"] == "hello hello hello "
    assert json.loads(files["facts.json"]) == {"facts": {"n": 3, "who": ["x"]}}
    assert json.loads(files["enough.json"]) == {"enough": True}
    assert json.loads(files["table.json"])["table"]["rows"] == [{"a": 0}, {"a": 1}, {"a": 2}]
    assert files["save.table/table.csv"] == "a\n0\n1\n2\n"
    assert (failed["name"], failed["status"]) == ("tracked", "FAILED")
    assert "tulip-in-winter" not in json.dumps([files, failed])
    assert (os.listdir(cli.folder), proxy.asked) == ([], [])
    assert sorted(os.listdir(root)) == ["conf", "mlartifacts", "mlflow.db", "output", "pipelines"]


def test_a_file_at_a_url_is_kept_by_its_address(
    cli: Cli, make_project: MakeProject, proxy: Proxy
) -> None:
    """What is not on this machine is no artifact, and turns no tracker off."""
    run = {**RUN, "save": {"table": "memory://bucket/table.csv"}, "adapter": {"mlflow": True}}
    root = make_project(tracked=(json.dumps({"run": run}), MODULE))
    ended = cli.run("pipeline", "run", "tracked", code=0, **proxy.environ)
    assert "Warning" not in ended.stderr
    (kept,) = runs(f"sqlite:///{root}/mlflow.db", root)
    record = json.loads(kept["files"]["save.table.json"])["save.table"]
    assert (record["path"], record["size"]) == ("memory://bucket/table.csv", 8)
    assert "enough.json" in kept["files"]


def test_a_job_is_kept_at_a_place_of_its_own(cli: Cli, make_project: MakeProject) -> None:
    """`--with-adapter mlflow` and `tracking_uri` hold for a job, from the project's folder on."""
    adapter = {"enabled": False, "tracking_uri": "sqlite:///own/runs.db", "run_name": "mine"}
    root = make_project(tracked=(configured(adapter), MODULE))
    (root / "own").mkdir()
    added = ("tracked", "--with-adapter", "mlflow", "--job-id", "job")
    cli.run("job-queue", "add-job", *added, code=0)
    cli.run("job-queue", "start-worker", "--burst", code=0)
    assert cli.run("job-queue", "show-job", "job", "--json").json["status"] == "finished"
    (run,) = runs(f"sqlite:///{root}/own/runs.db", root)
    assert (run["name"], run["status"], run["metrics"]["seconds"]) == ("mine", "FINISHED", 1.5)


def test_ctrl_c_is_no_success(cli: Cli, make_project: MakeProject) -> None:
    """A run that is interrupted is FAILED."""
    root = make_project(waiting=(waiting(cli), WAITING))
    with cli.start("pipeline", "run", "waiting") as running:
        eventually((root / "began").exists)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=WAIT_LIMIT)
    assert running.returncode == 130
    (run,) = runs(f"sqlite:///{root}/mlflow.db", root)
    assert run["status"] == "FAILED"


def test_a_server_that_does_not_serve_warns(
    cli: Cli, make_project: MakeProject, mute_port: int, refusing_port: int
) -> None:
    """Down, silent or refusing: one warning within seconds, and the run finishes."""
    for port in (free_port(), mute_port, refusing_port):
        make_project(tracked=(configured({"tracking_uri": f"http://127.0.0.1:{port}"}), MODULE))
        ended = cli.run("pipeline", "run", "tracked", "--json", code=0)
        assert ended.json["outputs"]["seconds"] == 1.5
        assert ended.json["seconds"] < slowed(9)
        first, *rest = ended.stderr.splitlines()
        assert first.startswith("Warning: mlflow is left out: ")
        assert "Warning" not in "".join(rest)


def test_a_server_is_told_until_it_is_killed(
    cli: Cli, make_project: MakeProject, tmp_path: Path
) -> None:
    """MLflow's own server is told; when it dies during a run, that warns once and finishes."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    adapter = {"tracking_uri": url}
    root = make_project(
        tracked=(configured(adapter), MODULE), waiting=(waiting(cli, adapter), WAITING)
    )
    command = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", "sqlite:///runs.db"]
    command += ["--artifacts-destination", "artifacts"]
    folder = tmp_path / "server"
    with started(command, folder, lambda: listens(port), **SERVER) as server:
        cli.run("pipeline", "run", "tracked", code=0)
        (run,) = runs(url, root)
        assert (run["status"], run["files"]["save.table/table.csv"]) == ("FINISHED", "a\n0\n1\n2\n")
        with cli.start("pipeline", "run", "waiting", "--json") as running:
            eventually((root / "began").exists)
            kill_all(server)
            since = time.monotonic()
            (root / "began").unlink()
            out, told = running.communicate(timeout=WAIT_LIMIT)
    assert json.loads(out)["outputs"] == {"first": 1, "second": 2, "third": 3}
    assert (running.returncode, told.count("Warning: mlflow has failed")) == (0, 1)
    assert "Traceback" not in told
    assert time.monotonic() - since < slowed(20)
