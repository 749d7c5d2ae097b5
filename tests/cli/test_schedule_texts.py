"""What users wrote into schedules: hostile, secret or damaged, in every view of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.schedules import PROJECT, QUICK, add, ids, shown
from tests.conftest import MakeProject
from tests.jobs_database import jobs_database
from tests.terminal import Cli

HOSTILE = "[/] [red]x[/red] \x1b[31m \u202e"


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(PROJECT, quick=QUICK)


def damage(root: Path, schedule: str, **columns: object) -> None:
    """Write into the record of a schedule what no version of flowerpower does."""
    with jobs_database(root) as database:
        for name, value in columns.items():
            database.execute(
                f"UPDATE flowerpower_schedules SET {name} = ? WHERE id = ?", (value, schedule)
            )
    database.close()


def test_a_damaged_schedule_is_told_in_every_view(cli: Cli, project: Path) -> None:
    """What cannot be read is shown with the reason, in red, and stops no list."""
    add(cli, "quick", "--cron", "@daily", "--schedule-id", "good")
    add(cli, "quick", "--cron", "@hourly", "--schedule-id", "bad")
    damage(project, "bad", definition=HOSTILE)
    fault = "The schedule bad is damaged: it cannot be read."
    for command in (("list",), ("show", "bad")):
        assert fault in cli.run("schedule", *command, code=0).stdout
        assert f"\x1b[1;31m{fault}" in cli.run_in_terminal("schedule", *command).stdout
    body = shown(cli, "bad")
    assert (body["fault"], body["trigger"], body["next_fires"]) == (fault, None, [])
    assert re.search(r"good +quick +active", cli.run("schedule", "list").stdout)
    assert fault in cli.run("schedule", "preview", "bad", code=1).stderr
    assert fault in cli.run("schedule", "run-now", "bad", code=1).stderr
    for command in ("pause", "resume"):
        assert fault in cli.run("schedule", command, "bad", code=8).stderr
    cli.run("schedule", "history", "bad", code=0)
    damage(project, "bad", state=HOSTILE, created_at="x", next_fire="y")
    for command in (("list",), ("show", "bad"), ("history", "bad")):
        cli.run("schedule", *command, code=0)
    cli.run("schedule", "delete", "bad", "--yes", code=0)


@pytest.mark.fault("text-in-names")
def test_nothing_hostile_reaches_a_terminal(cli: Cli, make_project: MakeProject) -> None:
    """Control characters in inputs and records are shown as escapes, markup as it is."""
    said = ("", "def said(texts: dict[str, str]) -> int:\n    return len(texts)\n")
    project = make_project(PROJECT, quick=QUICK, said=said)
    add(
        cli,
        "said",
        "--cron",
        "@daily",
        "--schedule-id",
        "one",
        "--inputs",
        json.dumps({"texts": {HOSTILE: HOSTILE}}),
    )
    definition = json.dumps({"v": HOSTILE})
    add(cli, "quick", "--cron", "@hourly", "--schedule-id", "two")
    damage(project, "two", definition=definition, pipeline=HOSTILE)
    for arguments in (("list",), ("show", "one"), ("show", "two")):
        ended = cli.run_in_terminal("schedule", *arguments)
        assert ended.code == 0, ended
        text = re.sub(r"\x1b\[[0-9;?]*m", "", ended.stdout.replace("\r\n", "\n"))
        assert not re.search(r"[\x1b\u202e\r]", text)
        assert "\x1b[31m" not in ended.stdout
    piped = cli.run("schedule", "show", "two", code=0).stdout
    assert r"[/] [red]x[/red] \x1b[31m \u202e" in piped


def test_inputs_that_are_named_like_secrets_are_masked(cli: Cli, make_project: MakeProject) -> None:
    """A secret, by its name or from the environment, shows in nothing that schedules say."""
    cli.environ["DB_PASSWORD"] = "s3cr3t-s3cr3t"
    make_project(
        login=(
            "run: {inputs: {db_password: none, name: none}}\n"
            "schedule: {id: own, cron: '@daily', run: {inputs: {name: '${DB_PASSWORD}'}}}\n",
            "def login(db_password: str, name: str) -> int:\n    return 1\n",
        )
    )
    ends = [
        cli.run("schedule", "add", "login", "--cron", "@daily", "--schedule-id", "given",
                "-i", "db_password=hunter2-hunter2", *more, code=0)
        for more in (("--json",), ())
    ]  # fmt: skip
    ends += [cli.run("schedule", "add", "login", *more, code=0) for more in (("--json",), ())]
    for command in (("show", "given"), ("show", "own"), ("list",), ("run-now", "given")):
        ends += [cli.run("schedule", *command, *more, code=0) for more in (("--json",), ())]
    for ended in ends:
        assert "hunter2" not in ended.stdout + ended.stderr
        assert "s3cr3t" not in ended.stdout + ended.stderr


@pytest.mark.fault("hostile-inputs")
def test_inputs_must_be_json(cli: Cli, project: Path) -> None:
    """What JSON cannot hold is refused by its place."""
    (project / "inputs.yml").write_text("x: {deep: [.nan]}\n")
    ended = cli.run("schedule", "add", "quick", "--cron", "@daily", "--inputs", "@inputs.yml")
    assert ended.code == 2, ended
    assert "x.deep" in ended.stderr
    assert ids(cli) == []
