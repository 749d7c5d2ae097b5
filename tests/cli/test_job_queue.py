"""Jobs in the background, from add-job to show-job, with real workers on SQLite."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conditions import WAIT_LIMIT, eventually, slowed
from tests.conftest import MakeProject
from tests.terminal import COMMAND, Cli, Ended, StartedCommand

QUICK = (
    "run: {inputs: {x: 2}}\n",
    "def double(x: int) -> int:\n    print('doubling', x)\n    return 2 * x\n",
)
# Runs until somebody makes the file `open`.
GATE = (
    "",
    "import pathlib, time\n\n\n"
    "def passed() -> str:\n"
    "    print('begun', flush=True)\n"
    "    pathlib.Path('begun').touch()\n"
    "    while not pathlib.Path('open').exists():\n"
    "        time.sleep(0.01)\n"
    "    return 'through'\n\n\n"
    "def after(passed: str) -> str:\n    print('ended')\n    return passed\n",
)
BROKEN = (
    "",
    "def broken() -> int:\n    raise ValueError('no such luck\\nand more')\n",
)
# Fails until the file `open` is there, and makes it.
SECOND = (
    "run: {retry: {max_retries: 1, delay: 100ms}}\n",
    "import pathlib\n\n\n"
    "def second() -> int:\n"
    "    if pathlib.Path('open').exists():\n"
    "        print('well done')\n"
    "        return 2\n"
    "    pathlib.Path('open').touch()\n"
    "    print('a try')\n"
    "    raise OSError('not yet')\n",
)
HOSTILE = (
    "",
    "def hostile() -> str:\n    print('[/] \\x1b[31m \\u202e \\r')\n    return '[/] \\x1b[31m'\n",
)
PIPELINES = {
    "quick": QUICK,
    "gate": GATE,
    "broken": BROKEN,
    "second": SECOND,
    "hostile": HOSTILE,
}
PROJECT = "name: demo\ntimezone: Europe/Berlin\n"


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(PROJECT, **PIPELINES)


@contextlib.contextmanager
def working(cli: Cli, *arguments: str) -> Iterator[StartedCommand]:
    """A worker that has begun, ended at the latest when this ends."""
    with cli.start("job-queue", "start-worker", *arguments) as worker:
        try:
            assert worker.stderr is not None
            assert "Worker" in worker.stderr.readline()
            yield worker
        finally:
            eventually(lambda: _is_told_to_stop(worker))


def _is_told_to_stop(worker: StartedCommand) -> bool:
    # Again and again: two signals that come at once may be one.
    worker.send_signal(signal.SIGTERM)
    return worker.poll() is not None


def add(cli: Cli, *arguments: str) -> str:
    """The id of a new job."""
    return cli.run("job-queue", "add-job", *arguments, "--quiet", code=0).stdout.strip()


def burst(cli: Cli, *arguments: str) -> Ended:
    """All that is due is done."""
    return cli.run("job-queue", "start-worker", "--burst", *arguments, code=0)


def show(cli: Cli, job: str) -> dict[str, Any]:
    body: dict[str, Any] = cli.run("job-queue", "show-job", job, "--json", code=0).json
    return body


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
        "blocked",
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


def test_nothing_hostile_reaches_a_terminal(done: Cli) -> None:
    """Control characters in logs and results are shown as escapes, markup as it is."""
    for arguments in (("logs",), ("show-job",), ("wait",)):
        ended = done.run_in_terminal("job-queue", *arguments, "hostile")
        text = re.sub(r"\x1b\[[0-9;?]*[A-Zac-z]", "", ended.stdout.replace("\r\n", "\n"))
        assert "[/] " in text
        assert r"\x1b[31m" in text or r"\u001b[31m" in text
        assert not re.search(r"[\x1b\u202e\r]", text.replace("\x1b[1m", ""))
        assert "\x1b[31m" not in ended.stdout
    (line,) = _lines(done.run("job-queue", "logs", "hostile", "--json", code=0).stdout)
    assert (line["attempt"], line["seq"]) == (1, 1)
    assert line["text"] == "[/] \x1b[31m \u202e \r\n"


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_logs_are_what_the_job_printed(done: Cli) -> None:
    """What is printed is a job's log and nothing else; a job that has not run has none."""
    assert done.run("job-queue", "logs", "good", code=0) == Ended(0, "doubling 5\n", "")
    ended = done.run("job-queue", "logs", "late", code=0)
    assert ended.stdout == ""
    assert ended.stderr.startswith("The job late has not run yet: it is due in 59m")


def test_nothing_is_to_be_said(cli: Cli, project: Path) -> None:
    """Empty lists are `[]`, or one sentence on stderr, and burst with nothing to do ends with 0."""
    for command, sentence in (("list-jobs", "no jobs yet"), ("workers", "No worker is running")):
        assert cli.run("job-queue", command, "--json", code=0).json == []
        ended = cli.run("job-queue", command, code=0)
        assert ended.stdout == ""
        assert sentence in ended.stderr
    assert burst(cli).stdout == ""


def test_add_job_says_what_it_did(cli: Cli, project: Path) -> None:
    """One is told the id, and when a job is due that is not due at once, with the zone."""
    ended = cli.run("job-queue", "add-job", "quick", "--run-at", "2199-07-01T08:00:00", code=0)
    job = ended.stdout.split()[0]
    assert ended.stdout == f"{job}  quick  scheduled\n"
    assert "No worker takes jobs from default; start one" in ended.stderr
    assert "Due at Mon 2199-07-01 08:00:00 CEST (Europe/Berlin), in " in ended.stderr
    assert show(cli, job)["run_at"] == "2199-07-01T06:00:00+00:00"
    past = cli.run("job-queue", "add-job", "quick", "--run-at", "2020-01-01", code=0)
    assert "is in the past: the job is due at once" in past.stderr
    assert "quick  queued" in past.stdout
    created = cli.run("job-queue", "add-job", "quick", "--json", code=0).json
    assert created["created"] is True
    assert created["status"] == "queued"


def test_a_given_id_adds_one_job(cli: Cli, project: Path) -> None:
    """Adding with an id that is there gives the first job back, says so, and ends with 0."""
    first = cli.run("job-queue", "add-job", "quick", "--job-id", "one", "--json", code=0).json
    again = cli.run("job-queue", "add-job", "quick", "--job-id", "one", "--json", code=0)
    assert (first["created"], again.json["created"]) == (True, False)
    assert again.json == first | {"created": False}
    assert "exists already" in cli.run("job-queue", "add-job", "quick", "--job-id=one").stderr
    assert len(cli.run("job-queue", "list-jobs", "-q", code=0).stdout.split()) == 1


def test_a_given_id_is_of_one_request(cli: Cli, project: Path) -> None:
    """Other inputs under the same id are refused, and what differs is said; nothing is added."""
    add(cli, "quick", "--job-id", "one", "-i", "x=4")
    ended = cli.run("job-queue", "add-job", "quick", "--job-id", "one", "-i", "x=9", code=8)
    assert "There is a job one already, and it is a different one: " in ended.stderr
    assert "inputs.x is 4 there and 9 here" in ended.stderr
    assert "show-job one" in ended.stderr
    assert len(cli.run("job-queue", "list-jobs", "-q", code=0).stdout.split()) == 1


def test_a_worker_tells_jobs_on_stdout_and_itself_on_stderr(cli: Cli, project: Path) -> None:
    """A worker's jobs are lines on stdout, what it says of itself is on stderr, with full times."""
    good, bad = add(cli, "quick"), add(cli, "broken")
    ended = burst(cli, "-n", "1")
    first, second = ended.stdout.splitlines()
    time = r"\d{4}-\d\d-\d\dT[\d:.]{12}[+-]\d\d:\d\d"
    assert re.fullmatch(rf"{time}  {good}  quick  finished in \S+", first)
    assert re.fullmatch(
        rf"{time}  {bad}  broken  failed in \S+: broken: ValueError: no such luck", second
    )
    assert "takes jobs from default, 1 at once" in ended.stderr
    assert "jobs.db" in ended.stderr
    assert "Stopped after 1 finished, 1 failed." in ended.stderr
    assert all(re.match(f"{time}  ", line) for line in ended.stderr.splitlines())


def test_a_worker_tells_json_lines(cli: Cli, project: Path) -> None:
    """With --json every event of a worker is a line of JSON; with --quiet jobs are ids alone."""
    add(cli, "second", "--job-id", "one")
    add(cli, "quick", "--job-id", "two")
    with cli.start("job-queue", "start-worker", "--json", "--max-jobs", "3") as worker:
        output, errors = worker.communicate(timeout=WAIT_LIMIT)
    assert (worker.returncode, errors) == (0, "")
    start, *jobs, stop = _lines(output)
    assert (start["event"], stop["event"]) == ("start", "stop")
    assert start["queues"] == ["default"]
    assert start["backend"]["backend"] == "apscheduler"
    status_of = {(job["job"], job["attempt"]): job["status"] for job in jobs}
    assert status_of == {("one", 1): "scheduled", ("one", 2): "finished", ("two", 1): "finished"}
    assert all(re.fullmatch(r"\S+T\S+\+00:00", event["time"]) for event in (start, *jobs, stop))
    add(cli, "quick", "--job-id", "three")
    assert burst(cli, "--quiet") == Ended(0, "three\n", "")


def test_logs_follow_a_job_to_its_end(cli: Cli, project: Path) -> None:
    """Following shows what a running job prints as it comes, and ends when the job does."""
    with working(cli):
        job = add(cli, "gate")
        with cli.start("job-queue", "logs", job, "--follow") as follower:
            assert follower.stdout is not None
            assert follower.stdout.readline() == "begun\n"
            assert show(cli, job)["status"] == "running"
            (project / "open").touch()
            rest, errors = follower.communicate(timeout=WAIT_LIMIT)
        assert (rest, errors, follower.returncode) == ("ended\n", "", 0)


def test_logs_follow_into_the_next_attempt(cli: Cli, project: Path) -> None:
    """Following goes on with the retry of a job, and says so on stderr."""
    add(cli, "second", "--job-id", "one")
    with cli.start("job-queue", "logs", "one", "-f") as follower, working(cli):
        output, errors = follower.communicate(timeout=WAIT_LIMIT)
    assert output == "a try\nwell done\n"
    assert errors == "Attempt 2:\n"
    assert cli.run("job-queue", "logs", "one", "--attempt", "1", code=0).stdout == "a try\n"
    (line,) = _lines(cli.run("job-queue", "logs", "one", "--json", code=0).stdout)
    assert (line["attempt"], line["seq"], line["text"]) == (2, 1, "well done\n")


def test_ctrl_c_ends_following_with_130(cli: Cli, project: Path) -> None:
    """Ctrl-C on logs --follow ends it with 130, and the job goes on."""
    add(cli, "gate", "--job-id", "one")
    with working(cli):
        with cli.start("job-queue", "logs", "one", "--follow") as follower:
            assert follower.stdout is not None
            assert follower.stdout.readline() == "begun\n"
            follower.send_signal(signal.SIGINT)
            _, errors = follower.communicate(timeout=WAIT_LIMIT)
        assert (follower.returncode, errors) == (130, "Interrupted.\n")
        assert show(cli, "one")["status"] == "running"


def test_ctrl_c_ends_waiting_with_130(cli: Cli, project: Path) -> None:
    """Ctrl-C on add-job --wait ends it with 130, and the job stays."""
    with cli.start("job-queue", "add-job", "quick", "--job-id", "one", "--wait") as waiting:
        assert waiting.stderr is not None
        assert "Waiting for the job one" in waiting.stderr.readline()
        assert "No worker takes jobs from default; start one" in waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        _, errors = waiting.communicate(timeout=WAIT_LIMIT)
    assert (waiting.returncode, errors) == (130, "Interrupted.\n")
    assert show(cli, "one")["status"] == "queued"


def test_a_running_job_is_cancelled(cli: Cli, project: Path) -> None:
    """cancel-job ends a running job; wait ends with 6; cancelling again is no error."""
    add(cli, "gate", "--job-id", "one")
    with working(cli):
        eventually((project / "begun").exists)
        ended = cli.run("job-queue", "cancel-job", "one", code=0)
        assert ended.stdout == "one  is being ended\n"
        cli.run("job-queue", "wait", "one", code=6)
    again = cli.run("job-queue", "cancel-job", "one", code=0)
    assert again.stdout == "one  cancelled\n"
    assert "Nothing to do: cancelled already." in again.stderr
    assert cli.run("job-queue", "cancel-job", "one", "--json", code=0).json[0]["changed"] is False


def test_a_failed_job_is_tried_again_when_asked(cli: Cli, project: Path) -> None:
    """retry-job queues a failed job again, and refuses one that has finished."""
    job = add(cli, "second", "--max-retries", "0")
    burst(cli)
    cli.run("job-queue", "wait", job, code=6)
    assert "second  queued" in cli.run("job-queue", "retry-job", job, code=0).stdout
    burst(cli)
    assert show(cli, job)["attempt"] == 2
    assert "second  2" in cli.run("job-queue", "wait", job, code=0).stdout
    cli.run("job-queue", "retry-job", job, code=8)


def test_a_delayed_job_runs_when_it_is_due(cli: Cli, project: Path) -> None:
    """A worker that is there takes a job of --run-in once its time has come."""
    with working(cli):
        job = add(cli, "quick", "--run-in", "400ms")
        cli.run("job-queue", "wait", job, "--timeout", "20s", code=0)
    body = show(cli, job)
    assert body["created_at"] < body["run_at"] <= body["started_at"]


def test_add_job_waits_when_told_to(cli: Cli, project: Path) -> None:
    """With --wait, add-job ends as the job does and shows its result; its JSON is that of the job."""
    with working(cli):
        ended = cli.run("job-queue", "add-job", "quick", "-i", "x=4", "--wait", code=0)
        assert "double  8" in ended.stdout
        assert "[1/1] double finished in" in ended.stderr
        assert "quick finished: 1 node in" in ended.stderr
        body = cli.run("job-queue", "add-job", "quick", "--wait", "--json", code=0).json
        assert (body["status"], body["created"]) == ("finished", True)
        assert body["result"]["outputs"] == {"double": 4}
        cli.run("job-queue", "add-job", "broken", "--wait", code=6)


def test_a_terminal_shows_a_bar_while_waiting(cli: Cli, project: Path) -> None:
    """On a terminal wait shows a bar that says what the job waits for and how far it is."""
    (project / "open").touch()
    with working(cli):
        ended = cli.run_in_terminal("job-queue", "add-job", "gate", "--wait")
    assert ended.code == 0
    assert "━" in ended.stderr
    assert "through" in ended.stdout


def test_an_edit_counts_from_the_next_job(cli: Cli, project: Path) -> None:
    """A worker runs a pipeline as its file is when the job starts."""
    with working(cli):
        cli.run("job-queue", "add-job", "quick", "--wait", code=0)
        (project / "pipelines" / "quick.py").write_text(
            "def double(x: int) -> int:\n    return 7\n"
        )
        assert "double  7" in cli.run("job-queue", "add-job", "quick", "--wait", code=0).stdout


def test_a_job_is_ended_at_its_timeout(cli: Cli, project: Path) -> None:
    """A job that takes longer than --timeout is ended and has failed, with the node it was in."""
    add(cli, "gate", "--job-id", "one", "--timeout", "300ms")
    burst(cli)
    ended = cli.run("job-queue", "wait", "one", code=6)
    assert "It ran longer than its timeout of 300ms" in ended.stderr
    assert show(cli, "one")["error"]["node"] == "passed"


def test_ctrl_c_lets_running_jobs_finish(cli: Cli, project: Path) -> None:
    """The first Ctrl-C is told at once, the running job finishes, no other begins; exit code 0."""
    add(cli, "gate", "--job-id", "one")
    with working(cli, "-n", "1") as worker:
        eventually((project / "begun").exists)
        add(cli, "quick", "--job-id", "two")
        worker.send_signal(signal.SIGINT)
        assert worker.stderr is not None
        assert worker.stderr.readline()
        assert "finishing 1 running job" in worker.stderr.readline()
        assert show(cli, "one")["status"] == "running"
        (project / "open").touch()
        output, errors = worker.communicate(timeout=WAIT_LIMIT)
    assert worker.returncode == 0
    assert "one  gate  finished" in output
    assert "Stopped after 1 finished." in errors
    assert show(cli, "two")["status"] == "queued"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_puts_jobs_back(number: signal.Signals, cli: Cli, project: Path) -> None:
    """The second Ctrl-C or SIGTERM ends what runs and puts it back; exit code 0."""
    add(cli, "gate", "--job-id", "one")
    with working(cli) as worker:
        eventually((project / "begun").exists)
        worker.send_signal(number)
        assert worker.stderr is not None
        while "finishing 1 running job" not in worker.stderr.readline():
            pass
        worker.send_signal(number)
        _, errors = worker.communicate(timeout=WAIT_LIMIT)
    assert worker.returncode == 0
    assert "1 job put back" in errors
    assert show(cli, "one")["status"] == "queued"


def test_a_worker_that_nobody_listens_to_stops(cli: Cli, project: Path) -> None:
    """A worker piped to `head` ends quietly, with what it has begun done."""
    for number in range(4):
        add(cli, "quick", "--job-id", f"job-{number}")
    line = f"{shlex.join(COMMAND)} job-queue start-worker -n 1 | head -1; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(
        ["bash", "-c", line],
        cwd=cli.folder,
        env=cli.merged_environ(),
        capture_output=True,
        text=True,
        timeout=WAIT_LIMIT,
        check=True,
    )
    job, code = ended.stdout.splitlines()
    assert "job-0  quick  finished" in job
    assert code == "0"
    assert "Traceback" not in ended.stderr
    jobs = cli.run("job-queue", "list-jobs", "--json", code=0).json
    assert {job["status"] for job in jobs} <= {"finished", "queued"}


def test_workers_are_listed(cli: Cli, project: Path) -> None:
    """The list says who works, on which queues, with which jobs."""
    add(cli, "gate", "--job-id", "one")
    with working(cli, "-n", "3") as worker:
        eventually((project / "begun").exists)
        (listed,) = cli.run("job-queue", "workers", "--json", code=0).json
        assert (listed["pid"], listed["slots"]) == (worker.pid, 3)
        assert (listed["queues"], listed["running"]) == (["default"], ["one"])
        text = cli.run("job-queue", "workers", code=0).stdout
        assert re.search(rf"{listed['id']} +default +1 of 3 ", text), text
        (project / "open").touch()


def test_a_worker_takes_jobs_from_the_queues_it_is_told(
    cli: Cli, make_project: MakeProject
) -> None:
    """A worker leaves jobs of other queues alone; without --queues it looks at all."""
    make_project("name: demo\njob_queue: {backend: {queues: [default, big]}}\n", **PIPELINES)
    small, big = add(cli, "quick"), add(cli, "quick", "--queue", "big")
    burst(cli, "--queues", "big")
    assert (show(cli, small)["status"], show(cli, big)["status"]) == ("queued", "finished")
    burst(cli)
    assert show(cli, small)["status"] == "finished"


def test_what_is_deleted_is_gone(cli: Cli, project: Path) -> None:
    """delete-job and prune ask for --yes, do nothing with --dry-run, and then forget jobs."""
    for name in ("one", "two", "three"):
        add(cli, "quick", "--job-id", name)
    burst(cli)
    add(cli, "quick", "--job-id", "four")
    for command in (("delete-job", "one"), ("prune", "--all-ended")):
        cli.run("job-queue", *command, code=8)
        dry = cli.run("job-queue", *command, "--dry-run", "--json", code=0).json
        assert (dry["deleted"], dry["count"]) == (False, len(dry["jobs"]))
    assert set(dry["jobs"]) == {"one", "two", "three"}
    assert cli.run("job-queue", "delete-job", "one", "--yes", "-q", code=0).stdout == "one\n"
    cli.run("job-queue", "show-job", "one", code=3)
    ended = cli.run("job-queue", "prune", "--all-ended", "--yes", code=0)
    assert "2 jobs deleted." in ended.stderr
    assert cli.run("job-queue", "list-jobs", "-q", code=0).stdout == "four\n"


def test_inputs_that_are_named_like_secrets_are_masked(cli: Cli, make_project: MakeProject) -> None:
    """An input whose name says that it is a secret shows in no output."""
    make_project(login=("", "def login(db_password: str) -> int:\n    return 1\n"))
    job = add(cli, "login", "-i", "db_password=hunter2-hunter2")
    burst(cli)
    for command in (("show-job", job), ("show-job", job, "--json"), ("list-jobs", "--json")):
        ended = cli.run("job-queue", *command, code=0)
        assert "hunter2" not in ended.stdout + ended.stderr


def test_secrets_of_the_environment_are_masked(cli: Cli, make_project: MakeProject) -> None:
    """What a pipeline has from a secret variable shows in nothing that its jobs say."""
    make_project(
        leak=(
            "run: {inputs: {db_password: '${DB_PASSWORD}'}}\n",
            "def leak(db_password: str) -> str:\n    print('with', db_password)\n"
            "    return f'it is {db_password}'\n\n\n"
            "def fail(db_password: str) -> str:\n    raise ValueError(f'login with {db_password}')\n",
        )
    )
    cli.environ["DB_PASSWORD"] = "s3cr3t-s3cr3t"
    add(cli, "leak", "--job-id", "bad")
    add(cli, "leak", "--job-id", "good", "--final-vars", "leak")
    ends = [burst(cli)]
    for command in ("show-job", "logs", "wait"):
        for job in ("good", "bad"):
            ends += [cli.run("job-queue", command, job, *more) for more in ((), ("--json",))]
    ends += [cli.run("job-queue", "list-jobs", *more) for more in ((), ("--json",))]
    for ended in ends:
        assert "s3cr3t" not in ended.stdout + ended.stderr, ended


NOT_FOR_ADDING = {
    "flowerpower.config.adapters",
    "flowerpower.config.merge",
    "flowerpower.config.notify",
    "flowerpower.config.pipeline",
    "flowerpower.config.project",
    "flowerpower.config.run",
    "flowerpower.config.run_section",
    "flowerpower.config.types",
    "flowerpower.config.validation",
    "flowerpower.config.yaml_reader",
    "flowerpower.job_queue.apscheduler.attempts",
    "flowerpower.job_queue.apscheduler.chains",
    "flowerpower.job_queue.apscheduler.claiming",
    "flowerpower.job_queue.apscheduler.ending",
    "flowerpower.job_queue.apscheduler.limits",
    "flowerpower.job_queue.apscheduler.outcomes",
    "flowerpower.jobs.run",
    "flowerpower.jobs.schedule",
    "flowerpower.pipeline.execute",
    "flowerpower.pipeline.jobs",
    "flowerpower.pipeline.limit_states",
    "flowerpower.pipeline.schedules",
    "flowerpower.pipeline.waiting",
    "flowerpower.run",
    "flowerpower.triggers.make",
    "flowerpower_cli.lookup",
    "flowerpower_cli.trigger_options",
}
"""What a job without parents, limits and `unique` needs nothing of."""


@pytest.mark.parametrize("command", ["add-job", "list-jobs"])
def test_a_look_at_the_queue_imports_nothing_heavy(command: str, cli: Cli, project: Path) -> None:
    """add-job and list-jobs import neither Hamilton nor pandas nor what only workers need."""
    arguments = ["job-queue", command]
    if command == "add-job":
        arguments += ["quick", "-i", "x=5"]
        # The first of its kind is checked by importing the pipeline, and the check is kept.
        add(cli, "quick", "-i", "x=4")
    done = subprocess.run(
        [COMMAND[0], "-X", "importtime", *COMMAND[1:], *arguments],
        cwd=cli.folder,
        env=cli.merged_environ(),
        capture_output=True,
        text=True,
        check=True,
    )
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    imported = {name.partition(".")[0] for name in modules}
    heavy = {"hamilton", "pandas", "numpy", "rq", "redis", "apscheduler", "psycopg", "rich",
             "croniter"}  # fmt: skip
    assert "flowerpower_cli" in imported
    assert not imported & heavy
    if command == "add-job":
        assert not imported & {"pydantic", "pydantic_core", "yaml", "asyncio", "email", "logging"}
        assert not modules & NOT_FOR_ADDING
        # Each takes its time, and one more is quickly imported somewhere.
        ours = {name for name in modules if name.partition(".")[0].startswith("flowerpower")}
        assert len(ours) <= 70, sorted(ours)


def test_ids_of_jobs_are_completed(cli: Cli, project: Path) -> None:
    """Completion offers ids of jobs from the SQLite file, and nothing where there is none."""
    assert cli.run("--complete-names", "jobs", code=0) == Ended(0, "", "")
    assert not (project / ".flowerpower").exists()
    add(cli, "quick", "--job-id", "one")
    assert cli.run("--complete-names", "jobs", code=0) == Ended(0, "one\n", "")
    elsewhere = "sqlite:////no/such/file.db"
    for url, ids in (
        (elsewhere, ""),
        ("postgresql://h/db", ""),
        ("sqlite:///.flowerpower/jobs.db", "one\n"),
    ):
        assert cli.run("--complete-names", "jobs", FLOWERPOWER_JOB_QUEUE_URL=url).stdout == ids
    (project / ".flowerpower" / "jobs.db").write_bytes(b"garbage" * 1000)
    assert cli.run("--complete-names", "jobs", code=0) == Ended(0, "", "")


def test_a_run_is_ended_at_its_timeout(cli: Cli, project: Path) -> None:
    """A run with --timeout ends what takes longer, with 6 and the node it was in."""
    ended = cli.run("pipeline", "run", "gate", "--timeout", "300ms", code=6)
    assert ended.stdout == ""
    assert "Node passed of gate failed" in ended.stderr
    assert "It ran longer than its timeout of 300ms" in ended.stderr
    assert "begun" in ended.stderr


def test_the_yaml_may_hold_the_timeout(cli: Cli, make_project: MakeProject) -> None:
    """run.timeout in YAML is kept by pipeline run, and --timeout is put over it."""
    root = make_project(gate=("run: {timeout: 300ms}\n", GATE[1]))
    assert "timeout of 300ms" in cli.run("pipeline", "run", "gate", code=6).stderr
    (root / "open").touch()
    ended = cli.run("pipeline", "run", "gate", "--timeout", "1m", "--json", code=0)
    assert ended.json["outputs"] == {"after": "through"}


def test_a_run_with_a_timeout_is_like_one_without(cli: Cli, project: Path) -> None:
    """With --timeout, results, errors, retries and exit codes are those of any run."""
    plain = cli.run("pipeline", "run", "quick", "--json", code=0)
    timed = cli.run("pipeline", "run", "quick", "--json", "--timeout", "1m", code=0)
    assert timed.json["outputs"] == plain.json["outputs"]
    assert set(timed.json) == set(plain.json)
    assert "doubling 2" in timed.stderr
    ended = cli.run("pipeline", "run", "second", "--timeout", "1m", code=0)
    assert "trying again in" in ended.stderr
    for arguments in (("broken",), ("quick", "-i", "y=1")):
        plain = cli.run("pipeline", "run", *arguments)
        timed = cli.run("pipeline", "run", *arguments, "--timeout", "1m")
        assert timed.code == plain.code
        assert timed.stderr.partition("Error: ")[2] == plain.stderr.partition("Error: ")[2] != ""


def test_a_run_that_will_not_end_is_made_to(cli: Cli, make_project: MakeProject) -> None:
    """A run that bears SIGTERM is killed a few seconds after its timeout."""
    make_project(
        deaf=(
            "",
            "import signal, time\n\n\ndef deaf() -> int:\n"
            "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "    print('asleep', flush=True)\n    time.sleep(60)\n    return 1\n",
        )
    )
    began = time.monotonic()
    ended = cli.run("pipeline", "run", "deaf", "--timeout", "1s", code=6)
    assert "asleep" in ended.stderr
    assert "It ran longer than its timeout of 1s" in ended.stderr
    assert time.monotonic() - began < slowed(30)


def test_a_run_whose_process_dies_is_told(cli: Cli, make_project: MakeProject) -> None:
    """A run with --timeout whose process dies has failed, and the message says of what."""
    make_project(dies=("", "import os\n\n\ndef dies() -> int:\n    os.abort()\n"))
    ended = cli.run("pipeline", "run", "dies", "--timeout", "1m", code=6)
    assert "Node dies of dies failed: ProcessDied: The job's process was killed by SIGABRT" in (
        ended.stderr
    )


def test_ctrl_c_ends_a_run_with_a_timeout(cli: Cli, project: Path) -> None:
    """Ctrl-C on a run with --timeout ends it with 130, soon, and its process with it."""
    with cli.start("pipeline", "run", "gate", "--timeout", "1m") as run:
        eventually((project / "begun").exists)
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=WAIT_LIMIT)
    assert run.returncode == 130
    assert "Traceback" not in errors
