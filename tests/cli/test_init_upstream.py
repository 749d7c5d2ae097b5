"""`flowerpower init --from` a project of the upstream tool of this name.

The projects in tests/upstream_projects are as its versions 0.11.6.20 and 0.37.0 have made them;
tests/integrations/test_upstream.py makes them anew.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.servers import RedisServer
from tests.terminal import Cli

PROJECTS = Path(__file__).parents[1] / "upstream_projects"
RESULTS = {"hello_world": "Hello, World (2024)!", "hello": "Hello, World!!!"}
"""What upstream's own `run` gives, by pipeline."""


def _files(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _copy(version: str, cli: Cli) -> Path:
    return shutil.copytree(PROJECTS / version, cli.folder / "old")


def _rows(data: dict[str, Any], outcome: str) -> dict[str, dict[str, Any]]:
    rows = [row for row in data["conversion"] if row["outcome"] == outcome]
    return {f"{row['file']}:{row['key']}": row for row in rows}


def test_a_project_of_0_11_runs_here(cli: Cli, redis_server: RedisServer) -> None:
    """Now, as a job, and on its schedule; its source stays as it was."""
    old = _copy("v0_11", cli)
    before = _files(old)
    made = cli.run("init", "new", "--from", "old", "--json", code=0)
    assert _files(old) == before
    assert made.json["faults"] == {"hello_world": []}
    assert made.json["created"] is True
    converted, left = _rows(made.json, "converted"), _rows(made.json, "left_out")
    module = "pipelines/hello_world.py:import joining"
    assert converted[module]["to"] == "from pipelines import joining"
    assert converted["conf/pipelines/hello_world.yml:schedule.cron"]["line"] == 47
    assert left.keys() == {
        "conf/pipelines/hello_world.yml:run.log_level",
        "hooks/hello_world/hook.py:",
    }
    new = replace(cli, folder=cli.folder / "new")
    ran = new.run("pipeline", "run", "hello_world", "--json", code=0)
    assert ran.json["outputs"] == {"full_greeting": RESULTS["hello_world"]}
    there = {"FLOWERPOWER_JOB_QUEUE_URL": redis_server.url()}
    new.run("schedule", "apply", code=0, **there)
    assert new.run("schedule", "list", "--quiet", code=0, **there).stdout == "hello_world-1\n"
    new.run("job-queue", "add-job", "hello_world", "--job-id", "one", code=0, **there)
    new.run("job-queue", "start-worker", "--burst", code=0, **there)
    job = new.run("job-queue", "show-job", "one", "--json", code=0, **there).json
    assert job["result"]["outputs"] == {"full_greeting": RESULTS["hello_world"]}


def test_a_project_of_0_37_runs_here(cli: Cli) -> None:
    """It has got a job queue, which it had lost upstream."""
    _copy("v0_37", cli)
    shown = cli.run("init", "new", "--from", "old", code=0)
    assert "run.additional_modules  -> run.modules" in shown.stdout
    assert "9 converted, 0 left out" in shown.stderr
    assert "Checked: 1 pipeline, nothing is wrong." in shown.stderr
    new = replace(cli, folder=cli.folder / "new")
    ran = new.run("pipeline", "run", "hello", "--json", code=0)
    assert ran.json["outputs"] == {"full_greeting": RESULTS["hello"]}
    new.run("job-queue", "add-job", "hello", "--job-id", "one", code=0)
    new.run("job-queue", "start-worker", "--burst", code=0, TARGET="you")
    job = new.run("job-queue", "show-job", "one", "--json", code=0).json
    assert job["result"]["outputs"] == {"full_greeting": "Hello, you!!!"}
    again = cli.run("init", "again", "--from", "new", "--json", code=0)
    assert "conversion" not in again.json


def test_a_dry_run_shows_the_same_and_makes_nothing(cli: Cli) -> None:
    """No folder, and no check of what is not there."""
    _copy("v0_37", cli)
    dry = cli.run("init", "new", "--from", "old", "--dry-run", "--json", code=0).json
    assert not (cli.folder / "new").exists()
    assert (dry["created"], dry["faults"]) == (False, None)
    made = cli.run("init", "new", "--from", "old", "--json", code=0).json
    assert dry["conversion"] == made["conversion"]
    assert dry["files"] == made["files"]


def test_a_project_that_does_not_validate_is_there_and_says_so(cli: Cli) -> None:
    """Exit code 4 with every fault, as upstream's own README has one."""
    old = _copy("v0_11", cli)
    config = old / "conf" / "pipelines" / "hello_world.yml"
    config.write_text(config.read_text().replace("target_name:", "target:"))
    ended = cli.run("init", "new", "--from", "old", code=4)
    assert "was created in" in ended.stderr
    assert "1 of 1 pipeline is not valid:" in ended.stderr
    assert "There is no parameter 'target_name'. Did you mean 'target'?" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (cli.folder / "new" / "pipelines" / "hello_world.py").exists()
    as_data = cli.run("init", "other", "--from", "old", "--json", code=4)
    assert "'target'?" in as_data.json["faults"]["hello_world"][0]
    assert as_data.error["code"] == "config"


def test_what_users_wrote_reaches_a_terminal_escaped(cli: Cli) -> None:
    """A key with an escape sequence, and a password."""
    old = _copy("v0_37", cli)
    project = old / "conf" / "project.yml"
    project.write_text(
        project.read_text().replace("api_key: null", "api_key: tulip-in-winter")
        + '"a\\e[2J[red]": 1\n'
    )
    for arguments in (("a",), ("b", "--json")):
        ended = cli.run("init", *arguments, "--from", "old", code=0)
        assert "tulip" not in ended.stdout + ended.stderr
        assert "\x1b" not in ended.stdout + ended.stderr
        assert "[red]" in ended.stdout


@pytest.mark.parametrize("place", ["old", "old/conf"])
def test_a_project_is_not_converted_into_itself(cli: Cli, place: str) -> None:
    """Its own folder has a project.yml already; another one within it is no project."""
    old = _copy("v0_37", cli)
    before = _files(old)
    inside = replace(cli, folder=cli.folder / place)
    inside.run("init", "--from", ".", code=8 if place == "old" else 4)
    assert _files(old) == before
