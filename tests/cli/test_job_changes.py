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
    refused = cli.run("job-queue", "retry-job", *selected, code=8)
    assert "1 job would be retried. Nothing was done." in refused.stderr
    retried = cli.run("job-queue", "retry-job", *selected, "--json", "--yes", code=0)
    assert [(job["id"], job["status"]) for job in retried.json] == [("bad", "queued")]
    cli.run("job-queue", "cancel-job", *selected, code=8)
    assert len(cli.run("job-queue", "cancel-job", *selected, "--yes", "--json", code=0).json) == 2
    deleted = cli.run("job-queue", "delete-job", "--status", "cancelled", "--yes", "-q", code=0)
    assert deleted.stdout.split() == ["later", "bad"]
    nothing = cli.run("job-queue", "retry-job", "--status", "failed", code=0)
    assert nothing.stderr == "No job meets these conditions.\n"


@pytest.mark.parametrize("verb", ["retry-job", "cancel-job", "delete-job"])
def test_jobs_are_named_or_selected(cli: Cli, project: Path, verb: str) -> None:
    """Neither is a usage error; of named jobs conditions leave those that meet them."""
    assert "Neither jobs nor conditions" in cli.run("job-queue", verb, code=2).stderr
    add(cli, "bad", "-i", "n=9", "--max-retries", "0")
    add(cli, "worse", "-i", "n=9", "--max-retries", "0")
    burst(cli)
    add(cli, "waits")
    status = "queued" if verb == "cancel-job" else "failed"
    ended = cli.run(
        "job-queue", verb, "waits", "worse", "--status", status, "--dry-run", "-q", code=0
    )
    assert ended.stdout.split() == (["waits"] if status == "queued" else ["worse"])
    told = cli.run("job-queue", verb, "waits", "worse", "--status", "finished", code=0).stderr
    assert "waits, worse do not meet the conditions." in told
    newest = cli.run(
        "job-queue", verb, "--status", "failed,queued", "--until", "1h", "--dry-run", code=0
    )
    assert newest.stderr.startswith("No job meets these conditions.\n")


def test_several_jobs_are_retried(cli: Cli, project: Path) -> None:
    """Those that can be are queued, and the others are named."""
    add(cli, "bad", "-i", "n=9", "--max-retries", "0")
    add(cli, "good", "-i", "n=0")
    burst(cli)
    ended = cli.run("job-queue", "retry-job", "bad", "good", code=8)
    assert ended.stdout == "bad  luck  queued\n"
    assert "The job good is finished" in ended.stderr


def test_a_selection_is_limited_to_its_newest(cli: Cli, project: Path) -> None:
    """--limit says of how many jobs at most; the table of a dry run has them and changes none."""
    for number in range(3):
        add(cli, f"job-{number}")
    ended = cli.run("job-queue", "cancel-job", "--limit", "2", "--queue", "default", "--dry-run",
                    code=0)  # fmt: skip
    assert re.findall(r"^job-\d", ended.stdout, re.MULTILINE) == ["job-2", "job-1"]
    assert ended.stderr == "2 jobs would be cancelled.\n"
    listed = cli.run("job-queue", "list-jobs", "--status", "queued", "-q", code=0)
    assert listed.stdout.split() == ["job-2", "job-1", "job-0"]


def test_a_selection_is_shown_before_the_question(cli: Cli, project: Path) -> None:
    """On a terminal it is a table and a question, and any answer but yes changes nothing."""
    add(cli, "job-0")
    selected = ("job-queue", "cancel-job", "--status", "queued")
    asked = cli.run_in_terminal(*selected, "--no-color", typed="n\n")
    assert re.search(r"job-0 +luck +queued", asked.stderr), asked
    assert "This cancels 1 job. Go on? [y/N]" in asked.stderr
    assert (asked.code, "Nothing was done." in asked.stderr, asked.stdout) == (8, True, "")
    asked = cli.run_in_terminal(*selected, "--no-color", typed="y\n")
    assert (asked.code, "job-0  cancelled" in asked.stdout) == (0, True), asked
