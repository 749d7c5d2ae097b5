"""`flowerpower dashboard` as a process: where it listens, what it says, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.cli.test_optional_packages import hide
from tests.conftest import MakeProject
from tests.terminal import Cli
from tests.web.conftest import REPORT, YAML

TOKEN = "a-token-of-some-length"


@pytest.fixture
def project(cli: Cli, make_project: MakeProject) -> Path:
    """A project; the folder of the command line is made first."""
    return make_project(report=(YAML, REPORT))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(project: Path, cli: Cli, number: signal.Signals) -> None:
    """Its address is on stdout; it ends with 0, whoever still looks."""
    command = [sys.executable, "-m", "flowerpower_cli", "dashboard", "--port", "0"]
    environ = {**os.environ, **cli.environ, "FLOWERPOWER_DASHBOARD_TOKEN": TOKEN}
    with subprocess.Popen(
        command, cwd=project, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:")
            headers = {"Authorization": f"Bearer {TOKEN}"}
            request = urllib.request.Request(f"{url}events?address=/", headers=headers)
            with urllib.request.urlopen(request, timeout=60) as stream:
                assert stream.readline() == b"retry: 2000\n"
                process.send_signal(number)
                assert process.wait(60) == 0
            _, errors = process.communicate()
        finally:
            process.kill()
    assert errors == "Ctrl-C ends it.\n"


def test_an_address_for_others_needs_a_token(project: Path, cli: Cli) -> None:
    """It is refused before anything listens; a token is no option."""
    error = cli.run("dashboard", "--host", "0.0.0.0", "--json", code=2).error
    assert "needs a token" in error["message"]
    assert "FLOWERPOWER_DASHBOARD_TOKEN" in error["hint"]
    cli.run("dashboard", "--token", TOKEN, code=2)
    cli.environ["FLOWERPOWER_DASHBOARD_TOKEN"] = "short"
    assert "expected 16" in cli.run("dashboard", code=2).stderr


def test_a_port_that_is_taken_is_named(project: Path, cli: Cli) -> None:
    """With what to do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        error = cli.run("dashboard", "--port", port, "--json", code=1).error
    assert error["message"].endswith(f"127.0.0.1:{port}: Address already in use.")
    assert "--port" in error["hint"]
    assert cli.run("dashboard", "--host", "203.0.113.7", "--port", "1", code=2).stderr
    cli.environ["FLOWERPOWER_DASHBOARD_TOKEN"] = TOKEN
    assert "cannot listen" in cli.run("dashboard", "--host", "203.0.113.7", code=1).stderr


@pytest.mark.parametrize("command", ["dashboard", "report"])
def test_the_extra_is_named_if_it_is_missing(
    project: Path, cli: Cli, tmp_path: Path, command: str
) -> None:
    """In one sentence, with the command that installs it."""
    hide(("starlette", "uvicorn", "jinja2", "markupsafe"), cli, tmp_path)
    output = ["-o", "report.html"] if command == "report" else []
    error = cli.run(command, "--json", *output, code=4).error
    assert error["message"].startswith("The dashboard is not installed")
    assert "flowerpower-cli[dashboard]" in error["hint"]


def test_a_queue_in_memory_is_refused(make_project: MakeProject, cli: Cli) -> None:
    """Nobody else could see it."""
    make_project("name: demo\njob_queue: {backend: {url: memory}}\n", report=(YAML, REPORT))
    for command in (["dashboard"], ["report"]):
        assert "in memory" in cli.run(*command, code=8).stderr


def test_a_start_imports_neither_hamilton_nor_the_project(project: Path, cli: Cli) -> None:
    """Pages are made without them."""
    (project / "pipelines" / "report.py").write_text("raise SystemExit('imported')\n")
    code = (
        "import sys\n"
        "from flowerpower.pipeline import PipelineManager\n"
        "from flowerpower_cli.web.application import Dashboard\n"
        "from flowerpower_cli.web.pages.addresses import page_at\n"
        "from flowerpower_cli.web.security import Rules\n"
        "from flowerpower_cli.web.site import Reading, Site\n"
        "site = Site(PipelineManager(quiet=True))\n"
        "Dashboard(site, Rules(1), print)\n"
        "for address in ('/', '/jobs', '/schedules', '/pipelines', '/workers'):\n"
        "    page_at(Reading(site), address)\n"
        "print(sorted({'hamilton', 'pandas', 'rich', 'redis'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env={**os.environ, **cli.environ},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"
