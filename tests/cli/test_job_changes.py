"""Acting on many jobs, and what is shown of attempts: one duration, every error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import MakeProject
from tests.terminal import Cli

LUCK = (
    "run:\n  inputs: {n: 1}\n  retry: {max_retries: 1, delay: 1ms}\n",
    """from pathlib import Path


def first(n: int) -> int:
    return n


def second(first: int) -> int:
    count = Path("tries")
    tries = len(count.read_text()) if count.exists() else 0
    count.write_text("x" * (tries + 1))
    if tries < first:
        raise ValueError(f"no luck in try {tries + 1}")
    return tries
""",
)


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(luck=LUCK)


def add(cli: Cli, job_id: str, *arguments: str) -> None:
    cli.run("job-queue", "add-job", "luck", "--job-id", job_id, *arguments, code=0)


def burst(cli: Cli) -> str:
    return cli.run("job-queue", "start-worker", "--burst", "-n", "1", code=0).stdout


def test_a_job_shows_the_same_duration_everywhere(cli: Cli, project: Path) -> None:
    """In the worker's line, in show-job, list-jobs, wait and JSON; and its waiting by itself."""
    add(cli, "one", "-i", "n=0")
    duration = re.search(r"finished in (\S+)", burst(cli))
    assert duration is not None
    took = duration[1]
    shown = cli.run("job-queue", "show-job", "one", code=0).stdout
    assert re.search(rf"^  took +{re.escape(took)}$", shown, re.MULTILINE), shown
    assert re.search(r"^  waited +\S+$", shown, re.MULTILINE)
    assert f"  {took}" in cli.run("job-queue", "list-jobs", code=0).stdout
    assert cli.run("job-queue", "wait", "one", code=0).stderr.endswith(f" in {took}.\n")
    body = cli.run("job-queue", "show-job", "one", "--json", code=0).json
    assert body["attempts"][0]["seconds"] == body["seconds"]


def test_errors_of_earlier_attempts_are_shown(cli: Cli, project: Path) -> None:
    """A job that worked at its second attempt still says why the first one failed."""
    add(cli, "one")
    burst(cli)
    shown = cli.run("job-queue", "show-job", "one", code=0).stdout
    assert re.search(r"1 +failed .* second: ValueError: no luck in try 1\n", shown), shown
    assert re.search(r"2 +finished ", shown)
    body = cli.run("job-queue", "show-job", "one", "--json", code=0).json
    assert [attempt["status"] for attempt in body["attempts"]] == ["failed", "finished"]
    assert "no luck in try 1" in body["attempts"][0]["error"]["traceback"]


def test_the_note_of_a_failed_job_names_the_input(cli: Cli, project: Path) -> None:
    """The sentence and its details are on one line, and on a terminal on the second line."""
    add(cli, "one")
    (project / "conf" / "pipelines" / "luck.yml").write_text("run: {inputs: {n: much}}\n")
    burst(cli)
    note = (
        "InvalidInputs: 1 input does not fit: conf/pipelines/luck.yml, line 1: n takes int, "
        "got the text 'much'"
    )
    assert note in cli.run("job-queue", "list-jobs", code=0).stdout
    lines = cli.run_in_terminal("job-queue", "list-jobs", "--no-color", columns=80).stdout
    assert len(lines.strip().splitlines()) == 4
    assert note[:70] in lines


def test_deleting_says_that_nothing_was_deleted(cli: Cli, project: Path) -> None:
    """If one of the names is wrong, none of the jobs is deleted, and the error says so."""
    add(cli, "one")
    ended = cli.run("job-queue", "delete-job", "one", "nothing", "--yes", code=3)
    assert "There is no job 'nothing'." in ended.stderr
    assert "Nothing was deleted." in ended.stderr
    assert cli.run("job-queue", "list-jobs", "-q", code=0).stdout == "one\n"


def test_jobs_are_selected_by_conditions(cli: Cli, project: Path) -> None:
    """retry-job, cancel-job and delete-job act on those that meet all of them."""
    add(cli, "bad", "-i", "n=9", "--max-retries", "0")
    add(cli, "good", "-i", "n=0")
    burst(cli)
    add(cli, "later", "--run-in", "1h")
    selected = ("--pipeline", "luck", "--since", "1h")
    for verb, jobs in (("retry-job", "bad"), ("cancel-job", "later"), ("delete-job", "good bad")):
        ended = cli.run("job-queue", verb, *selected, "--dry-run", "-q", code=0)
        assert ended.stdout.split() == jobs.split(), verb
    assert cli.run("job-queue", "retry-job", *selected, "--json", code=0).json[0]["status"] == (
        "queued"
    )
    cli.run("job-queue", "cancel-job", *selected, code=8)
    assert len(cli.run("job-queue", "cancel-job", *selected, "--yes", "--json", code=0).json) == 2
    deleted = cli.run("job-queue", "delete-job", "--status", "cancelled", "--yes", "-q", code=0)
    assert deleted.stdout.split() == ["later", "bad"]
    nothing = cli.run("job-queue", "retry-job", "--status", "failed", code=0)
    assert nothing.stderr == "No job meets these conditions.\n"


@pytest.mark.parametrize("verb", ["retry-job", "cancel-job", "delete-job"])
def test_jobs_are_named_or_selected(cli: Cli, project: Path, verb: str) -> None:
    """Both at once, or neither, is a usage error that says what is expected."""
    assert "expected one of them" in cli.run(
        "job-queue", verb, "one", "--status", "failed", code=2
    ).stderr  # fmt: skip
    assert "Neither jobs nor conditions" in cli.run("job-queue", verb, code=2).stderr


def test_several_jobs_are_retried(cli: Cli, project: Path) -> None:
    """Those that can be are queued, and the others are named."""
    add(cli, "bad", "-i", "n=9", "--max-retries", "0")
    add(cli, "good", "-i", "n=0")
    burst(cli)
    ended = cli.run("job-queue", "retry-job", "bad", "good", code=8)
    assert ended.stdout == "bad  luck  queued\n"
    assert "The job good is finished" in ended.stderr
