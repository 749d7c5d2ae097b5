"""`job-queue start-worker`: what it says, what it takes, and how it ends."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.background import PIPELINES, PROJECT, add, burst, json_lines, show, working
from tests.conditions import WAIT_LIMIT, eventually
from tests.conftest import MakeProject
from tests.terminal import COMMAND, Cli, Ended


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(PROJECT, **PIPELINES)


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
    start, *jobs, stop = json_lines(output)
    assert (start["event"], stop["event"]) == ("start", "stop")
    assert start["queues"] == ["default"]
    assert start["backend"]["backend"] == "apscheduler"
    status_of = {(job["job"], job["attempt"]): job["status"] for job in jobs}
    assert status_of == {("one", 1): "scheduled", ("one", 2): "finished", ("two", 1): "finished"}
    assert all(re.fullmatch(r"\S+T\S+\+00:00", event["time"]) for event in (start, *jobs, stop))
    add(cli, "quick", "--job-id", "three")
    assert burst(cli, "--quiet") == Ended(0, "three\n", "")


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
