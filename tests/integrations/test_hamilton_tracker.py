"""Hamilton's own tracker: its real server, and servers that do not serve."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conditions import WAIT_LIMIT, eventually, slowed
from tests.conftest import MakeProject
from tests.integrations.servers import kill_all, listens, started
from tests.servers import free_port
from tests.terminal import Cli

USER = "gardener@example.com"
MODULE = """\
def doubled(n: int, api_key: str) -> int:
    return 2 * n

def checked(doubled: int, api_key: str) -> int:
    if doubled > 10:
        raise ValueError(f"{doubled} is too much")
    return doubled
"""
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
"""


class Server:
    """Hamilton's user interface, with one project."""

    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid
        visible = {"user_ids_visible": [], "team_ids_visible": [], "team_ids_writable": []}
        project = {"name": "demo", "description": "", "tags": {}, "attributes": []}
        told = {**project, "visibility": {**visible, "user_ids_writable": [USER]}}
        self.project = self.ask("projects", told)["id"]

    def ask(self, path: str, told: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}",
            None if told is None else json.dumps(told).encode(),
            {"x-api-user": USER, "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def runs(self) -> list[dict[str, Any]]:
        """Its runs, the newest first, with their nodes."""
        latest = self.ask(f"dag_runs/latest/?project_id={self.project}")
        return [self.ask(f"dag_runs/{run['id']}")[0] for run in latest]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The server on this machine, with SQLite."""
    folder = tmp_path / "server"
    for name in ("blobs", "db"):
        (folder / name).mkdir(parents=True)
    spec = importlib.util.find_spec("hamilton_ui")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    environ = {
        "HAMILTON_BASE_DIR": str(folder),
        "HAMILTON_TELEMETRY_ENABLED": "false",
        "DJANGO_SETTINGS_MODULE": "server.settings_mini",
        "PYTHONPATH": spec.submodule_search_locations[0],
    }
    subprocess.run(
        [sys.executable, "-m", "django", "migrate"],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        check=True,
        timeout=100,
    )
    port = free_port()
    command = ["-m", "django", "runserver", f"127.0.0.1:{port}", "--noreload"]
    with started(command, folder, lambda: listens(port), **environ) as pid:
        yield Server(f"http://127.0.0.1:{port}", pid)


def configured(url: str, project: int = 1, **run: Any) -> str:
    tracker = {"project_id": project, "username": USER, "api_url": url}
    inputs = {"n": 3, "api_key": "tulip-in-winter"}
    return json.dumps({"run": {"inputs": inputs, **run, "adapter": {"hamilton_tracker": tracker}}})


def states(run: dict[str, Any]) -> dict[str, str]:
    return {node["node_name"]: node["status"] for node in run["node_runs"]}


def test_the_server_is_told_of_runs_and_jobs(
    cli: Cli, make_project: MakeProject, server: Server
) -> None:
    """Runs, their nodes and failures are there, also those of a job, and no secret is."""
    make_project(tracked=(configured(server.url, server.project), MODULE))
    ended = cli.run("pipeline", "run", "tracked", "--json", code=0)
    assert ended.stderr.count("\n") == 1
    cli.run("job-queue", "add-job", "tracked", "-i", "n=9", code=0)
    cli.run("job-queue", "start-worker", "--burst", code=0)
    failed, done = server.runs()
    assert done["inputs"] == {"n": 3, "api_key": "***"}
    assert (done["run_status"], failed["run_status"]) == ("SUCCESS", "FAILURE")
    assert states(done) == {"doubled": "SUCCESS", "checked": "SUCCESS"}
    assert states(failed) == {"doubled": "SUCCESS", "checked": "FAILURE"}


def test_a_server_that_dies_warns(cli: Cli, make_project: MakeProject, server: Server) -> None:
    """A server that dies during a run is one warning, and the run finishes soon."""
    began = cli.folder / "began"
    config = configured(server.url, server.project, inputs={"began": str(began)})
    make_project(waiting=(config, WAITING))
    with cli.start("pipeline", "run", "waiting", "--json") as running:
        eventually(began.exists)
        kill_all(server.pid)
        since = time.monotonic()
        began.unlink()
        out, told = running.communicate(timeout=WAIT_LIMIT)
    assert (running.returncode, json.loads(out)["outputs"]) == (0, {"second": 2})
    assert time.monotonic() - since < slowed(20)
    assert told.count("Warning: hamilton_tracker has failed") == 1
    assert "Traceback" not in told


def test_a_server_that_does_not_serve_warns(
    cli: Cli, make_project: MakeProject, mute_port: int, refusing_port: int
) -> None:
    """Down, silent or refusing: one warning within seconds, and the run finishes."""
    for port in (free_port(), mute_port, refusing_port):
        make_project(tracked=(configured(f"http://127.0.0.1:{port}"), MODULE))
        ended = cli.run("pipeline", "run", "tracked", "--json", code=0)
        assert ended.json["outputs"] == {"checked": 6}
        assert ended.json["seconds"] < slowed(9)
        first, *rest = ended.stderr.splitlines()
        assert first.startswith("Warning: hamilton_tracker is left out: ")
        assert (len(rest), rest[0].partition(" ")[0]) == (1, "tracked")
