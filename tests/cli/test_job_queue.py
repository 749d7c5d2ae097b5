"""Jobs in the background, from add-job to show-job, with real workers on SQLite."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

import flowerpower
from tests.cli.background import PIPELINES, PROJECT, add, burst, json_lines, show, working
from tests.conditions import WAIT_LIMIT, eventually
from tests.conftest import MakeProject
from tests.terminal import COMMAND, Cli, Ended

ROOT = Path(flowerpower.__file__).parents[1]


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(PROJECT, **PIPELINES)


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
    (line,) = json_lines(cli.run("job-queue", "logs", "one", "--json", code=0).stdout)
    assert (line["attempt"], line["seq"], line["text"]) == (2, 1, "well done\n")


@pytest.mark.fault("signal-command")
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


@pytest.mark.fault("signal-command")
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
    assert body["run_at"] <= body["started_at"]


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


def test_jobs_find_their_configuration_read(cli: Cli, project: Path) -> None:
    """Once a child has read it, the fork server does; an edit counts from the next job all the same."""
    (project / "pipelines" / "quick.py").write_text(
        "from flowerpower.pipeline import execute\n\n\ndef seen(x: int) -> str:\n"
        "    return f'{x} {execute._kept_configurations().has_read}'\n"
    )

    def ends_with(text: str) -> bool:
        return text in cli.run("job-queue", "add-job", "quick", "--wait", code=0).stdout

    config = project / "conf" / "pipelines" / "quick.yml"
    config.write_text("run: {inputs: {x: 4}}\n")
    with working(cli):
        assert ends_with("4 True")
        eventually(lambda: ends_with("4 False"))
        config.write_text("run: {inputs: {x: 5}}\n")
        assert ends_with("5 ")


def test_a_job_is_ended_at_its_timeout(cli: Cli, project: Path) -> None:
    """A job that takes longer than --timeout is ended and has failed, with the node it was in."""
    add(cli, "gate", "--job-id", "one", "--timeout", "300ms")
    burst(cli)
    ended = cli.run("job-queue", "wait", "one", code=6)
    assert "It ran longer than its timeout of 300ms" in ended.stderr
    assert show(cli, "one")["error"]["node"] == "passed"


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
             "croniter", "fsspec"}  # fmt: skip
    assert "flowerpower_cli" in imported
    assert not imported & heavy
    if command == "add-job":
        assert not imported & {"pydantic", "pydantic_core", "yaml", "asyncio", "email", "logging"}
        assert not modules & NOT_FOR_ADDING
        # Each takes its time, and one more is quickly imported somewhere.
        ours = {name for name in modules if name.partition(".")[0].startswith("flowerpower")}
        assert len(ours) <= 63, sorted(ours)


CALLED_FILES = """
import inspect, sys
from flowerpower_cli.main import main

files = {}


def note(frame, event, _argument):
    # Not the bodies of modules and classes: imports run these.
    if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
        files.setdefault(frame.f_code.co_filename)


sys.setprofile(note)
try:
    main()
finally:
    sys.setprofile(None)
    print(*files, sep="\\n", file=sys.stderr)
"""


def test_few_files_are_entered_to_add_a_job(cli: Cli) -> None:
    """Who reads how a job is added reads these; docs/architecture.md names the number."""
    cli.run("init", code=0)
    cli.run("pipeline", "new", "hello", code=0)
    # The first of its kind is checked by importing the pipeline, and the check is kept.
    add(cli, "hello")
    done = subprocess.run(
        [COMMAND[0], "-c", CALLED_FILES, "job-queue", "add-job", "hello"],
        cwd=cli.folder,
        env=cli.merged_environ(),
        capture_output=True,
        text=True,
        check=True,
    )
    called = [line for line in done.stderr.splitlines() if "/flowerpower" in line]
    ours = [file for file in called if Path(file).is_relative_to(ROOT)]
    assert "hello  queued" in done.stdout
    assert 20 < len(ours) <= 39, ours


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
