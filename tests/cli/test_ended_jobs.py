"""What is shown of jobs that have ended: by show-job, list-jobs, wait and logs."""

from __future__ import annotations

import re

import pytest

from tests.cli.background import PIPELINES, PROJECT, add, burst, json_lines, show
from tests.terminal import Cli, Ended


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A project whose worker has come and gone: one job in each state it can be in then."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")
    for name, (config, module) in PIPELINES.items():
        for path, text in (
            (folder / "conf" / "pipelines" / f"{name}.yml", config),
            (folder / "pipelines" / f"{name}.py", module),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    (folder / "conf" / "project.yml").write_text(PROJECT + "job_queue: {result_ttl: -1}\n")
    cli = Cli(folder, home)
    add(cli, "quick", "--job-id", "good", "-i", "x=4", "-i", "x=5")
    add(cli, "broken", "--job-id", "bad")
    add(cli, "hostile", "--job-id", "hostile")
    add(cli, "quick", "--job-id", "late", "--run-in", "1h")
    add(cli, "quick", "--job-id", "unkept", "--result-ttl", "0")
    add(cli, "quick", "--job-id", "cancelled")
    cli.run("job-queue", "cancel-job", "cancelled", code=0)
    burst(cli)
    return cli


def test_a_job_is_done_by_a_worker(done: Cli) -> None:
    """What add-job took, start-worker does, and show-job tells the result."""
    body = show(done, "good")
    assert body["status"] == "finished"
    assert body["result"]["outputs"] == {"double": 10}
    assert body["overrides"] == {"inputs": {"x": 5}}
    assert body["progress"]["nodes"]["double"]["state"] == "finished"
    assert body["attempt"] == 1


def test_show_job_tells_people_all_of_it(done: Cli) -> None:
    """People are told times in the project's zone, overrides, nodes and result, or the error."""
    good = done.run("job-queue", "show-job", "good", code=0).stdout
    for words in ("good  quick  finished", "created", "CET", '{"x": 5}', "double  finished", "10"):
        assert words in good, good
    bad = done.run("job-queue", "show-job", "bad", code=0).stdout
    for words in ("failed", "Traceback", "ValueError: no such luck", "pipelines/broken.py, line 2"):
        assert words in bad, bad


def test_list_jobs_narrows(done: Cli) -> None:
    """The list takes the newest first, by status, pipeline, time and number."""

    def ids(*arguments: str) -> list[str]:
        return done.run("job-queue", "list-jobs", "-q", *arguments, code=0).stdout.split()

    assert ids() == ["cancelled", "unkept", "late", "hostile", "bad", "good"]
    assert ids("--status", "failed") == ["bad"]
    assert ids("--status", "failed,cancelled", "--status", "scheduled") == [
        "cancelled", "late", "bad"
    ]  # fmt: skip
    assert ids("--pipeline", "broken") == ["bad"]
    assert ids("--limit", "2") == ["cancelled", "unkept"]
    assert ids("--since", "1h ago") == ids("--since", "2020-01-01") == ids()
    assert ids("--since", "2199-01-01T00:00:00Z") == []
    assert ids("--queue", "default") == ids()
    assert ids("--schedule", "none") == []


def test_list_jobs_says_what_is_worth_knowing(done: Cli) -> None:
    """The list's notes tell when a job is due and the first line of an error."""
    text = done.run("job-queue", "list-jobs", code=0).stdout
    assert re.search(r"late +quick +scheduled .*due in (59m|1h)", text), text
    assert re.search(r"bad +broken +failed .*broken: ValueError: no such luck\n", text), text


def test_a_terminal_shows_short_ids_that_commands_take(done: Cli) -> None:
    """On a terminal the list shows the first digits of an id, and commands take those."""
    job = add(done, "quick", "--run-in", "1h")
    text = done.run_in_terminal("job-queue", "list-jobs").stdout
    assert job[:8] in text
    assert job not in text
    assert show(done, job[:8])["id"] == job
    assert done.run("job-queue", "list-jobs", code=0).stdout.count(job) == 1
    done.run("job-queue", "delete-job", job[:8], "--yes", code=0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("list-jobs",),
        ("show-job", "good"),
        ("show-job", "bad"),
        ("wait", "good"),
        ("workers",),
        ("add-job", "quick", "--job-id", "good", "-i", "x=5"),
        ("cancel-job", "cancelled"),
        ("delete-job", "good", "--dry-run"),
        ("prune", "--all-ended", "--dry-run"),
        ("prune",),
    ],
    ids=" ".join,
)
def test_every_command_prints_json_when_asked(arguments: tuple[str, ...], done: Cli) -> None:
    """With --json stdout is one JSON value with snake_case keys."""
    body = done.run("job-queue", *arguments, "--json", code=0).json
    first = (body or [{}])[0] if isinstance(body, list) else body
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", key) for key in first)


def test_the_keys_of_a_job_as_json_are_stable(done: Cli) -> None:
    """A job's JSON has these keys; one may be added, none may go."""
    keys = {
        "id", "pipeline", "queue", "status", "created_at", "run_at", "started_at", "ended_at",
        "attempt", "attempts_left", "worker_losses", "worker", "schedule_id", "scheduled_for",
        "cancel_requested", "progress", "result_expires_at", "result_expired_at", "error",
        "overrides", "priority", "expires", "start_by", "concurrency_key", "max_parallel",
        "blocked", "project_version",
    }  # fmt: skip
    assert keys | {"result"} <= set(show(done, "good"))
    listed = done.run("job-queue", "list-jobs", "--json", code=0).json
    assert all(keys <= set(job) for job in listed)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", listed[0]["created_at"])


@pytest.mark.parametrize(
    ("jobs", "code", "says"),
    [
        (("good",), 0, "quick finished: 1 node in"),
        (("bad",), 6, "Node broken of broken failed (pipelines/broken.py, line 2): ValueError"),
        (("cancelled",), 6, "The job cancelled of quick was cancelled."),
        (("good", "bad", "cancelled"), 6, "2 of 3 jobs have not finished"),
        (("late", "--timeout", "0"), 7, "late (quick) is scheduled"),
        (("good", "nothing"), 3, "no job 'nothing'"),
    ],
)
def test_wait_ends_as_the_jobs_did(jobs: tuple[str, ...], code: int, says: str, done: Cli) -> None:
    """Waiting ends with 0 if all have finished, else with 6, 7 if it took too long."""
    ended = done.run("job-queue", "wait", *jobs, code=code)
    assert says in ended.stderr


def test_wait_shows_results(done: Cli) -> None:
    """Waiting prints what came out, as a run in the foreground does, and a list as JSON."""
    assert "double  10" in done.run("job-queue", "wait", "good", code=0).stdout
    ended = done.run("job-queue", "wait", "good", "bad", "--json", code=6)
    assert [job["status"] for job in ended.json] == ["finished", "failed"]
    assert ended.json[0]["result"]["outputs"] == {"double": 10}
    assert ended.error["code"] == "run_failed"
    traced = done.run("job-queue", "wait", "bad", "-v", code=6)
    assert "Traceback" in traced.stderr


def test_a_result_that_is_not_kept_is_told(done: Cli) -> None:
    """A job whose result is kept for no time has finished, and its result has expired."""
    body = show(done, "unkept")
    assert (body["status"], body["result"]) == ("finished", None)
    assert "Result  expired at" in done.run("job-queue", "show-job", "unkept").stdout
    assert "expired at" in done.run("job-queue", "wait", "unkept", code=0).stderr


@pytest.mark.fault("text-in-logs")
def test_nothing_hostile_reaches_a_terminal(done: Cli) -> None:
    """Control characters in logs and results are shown as escapes, markup as it is."""
    for arguments in (("logs",), ("show-job",), ("wait",)):
        ended = done.run_in_terminal("job-queue", *arguments, "hostile")
        text = re.sub(r"\x1b\[[0-9;?]*[A-Zac-z]", "", ended.stdout.replace("\r\n", "\n"))
        assert "[/] " in text
        assert r"\x1b[31m" in text or r"\u001b[31m" in text
        assert not re.search(r"[\x1b\u202e\r]", text.replace("\x1b[1m", ""))
        assert "\x1b[31m" not in ended.stdout
    (line,) = json_lines(done.run("job-queue", "logs", "hostile", "--json", code=0).stdout)
    assert (line["attempt"], line["seq"]) == (1, 1)
    assert line["text"] == "[/] \x1b[31m \u202e \r\n"


def test_logs_are_what_the_job_printed(done: Cli) -> None:
    """What is printed is a job's log and nothing else; a job that has not run has none."""
    assert done.run("job-queue", "logs", "good", code=0) == Ended(0, "doubling 5\n", "")
    ended = done.run("job-queue", "logs", "late", code=0)
    assert ended.stdout == ""
    assert ended.stderr.startswith("The job late has not run yet: it is due in 59m")
