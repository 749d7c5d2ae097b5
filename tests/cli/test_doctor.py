"""`flowerpower doctor` as users, cron and health probes call it."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.cli.test_scheduler import running
from tests.conditions import eventually, slowed
from tests.conftest import MakeProject
from tests.servers import RedisServer
from tests.terminal import Cli

PIPELINE = "def total(number: int = 1) -> int:\n    return number\n"


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(report=("", PIPELINE))


def test_each_check_is_a_line(cli: Cli, project: Path) -> None:
    """Each with what is so; a problem with its level and a hint below."""
    lines = cli.run("doctor", code=0).stdout.splitlines()
    assert [line.split()[0] for line in lines].count("ok") == 6
    assert lines[0] == "ok       configuration  conf/project.yml and 1 pipeline are right."
    cli.run("job-queue", "add-job", "report", code=0)
    (project / ".flowerpower" / "jobs.db").chmod(0o644)
    lines = cli.run("doctor", "--check", "backend,status", code=1).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["warning", "Hint:", "error", "Hint:"]
    assert "chmod 600" in lines[1]


def test_quiet_shows_only_problems(cli: Cli, project: Path) -> None:
    """Nothing at all if there are none, so that cron sends no mail."""
    assert cli.run("doctor", "-q", code=0).stdout == ""
    cli.run("job-queue", "add-job", "report", code=0)
    (line,) = cli.run("doctor", "-q", code=1).stdout.splitlines()
    assert line.startswith("error: status: No worker takes jobs from the queue default; 1 job")
    assert line.endswith("start-worker --queues default")


def test_json_has_every_check(cli: Cli, project: Path) -> None:
    """On stdout also if the exit code is not 0, and nothing on stderr."""
    (project / "pipelines" / "report.py").write_text("print('noise')\nimport nothing_of_this\n")
    ended = cli.run("doctor", "--json", code=4)
    assert ended.stderr == ""
    checks = {check["name"]: check for check in ended.json}
    assert set(checks["pipelines"]) == {
        "name", "status", "fact", "skipped", "seconds", "problems",
    }  # fmt: skip
    (problem,) = checks["pipelines"]["problems"]
    assert set(problem) == {"code", "level", "message", "hint"}
    assert (problem["code"], problem["level"]) == ("pipeline_not_valid", "error")
    assert "nothing_of_this" in problem["message"]


def test_strict_fails_for_a_warning(cli: Cli, project: Path) -> None:
    """Without it a warning is no failure."""
    cli.run("job-queue", "list-jobs", code=0)
    (project / ".flowerpower" / "jobs.db").chmod(0o644)
    cli.run("doctor", "--check", "backend", code=0)
    cli.run("doctor", "--check", "backend", "--strict", code=1)


def test_an_unreachable_redis_is_5_and_a_wrong_file_4(cli: Cli, project: Path) -> None:
    """The rest is said all the same, and no password."""
    url = "redis://:tulip-in-winter@127.0.0.1:1/0"
    cli.environ |= {"FLOWERPOWER_JOB_QUEUE_TYPE": "rq", "FLOWERPOWER_JOB_QUEUE_URL": url}
    ended = cli.run("doctor", code=5)
    assert "ok       pipelines" in ended.stdout
    assert "cannot be used" in ended.stdout
    assert "tulip" not in ended.stdout + ended.stderr
    with (project / "conf" / "project.yml").open("a") as file:
        file.write("tiem: 1\n")
    ended = cli.run("doctor", code=4)
    assert "line 2: tiem" in ended.stdout
    assert "ok       versions" in ended.stdout


@pytest.mark.fault("text-in-names")
def test_names_of_users_act_on_no_terminal(cli: Cli, project: Path) -> None:
    """Control characters in a fault are shown as escapes."""
    (project / "conf" / "pipelines" / "report.yml").write_text('"\\e[31m[/]": 1\n')
    shown = cli.run("doctor", "--check", "configuration", code=4).stdout
    assert "\x1b" not in shown
    assert "[/]" in shown


@pytest.mark.parametrize("backend", ["sqlite", "redis"])
def test_a_probe_asks_for_the_worker_of_this_machine(
    backend: str, cli: Cli, project: Path, redis_server: RedisServer
) -> None:
    """It fails before, while it hangs and after; it takes little time, most of it to start."""
    if backend == "redis":
        cli.environ["FLOWERPOWER_JOB_QUEUE_TYPE"] = "rq"
        cli.environ["FLOWERPOWER_JOB_QUEUE_URL"] = redis_server.url(13)
    probe = ("doctor", "--check", "worker", "--quiet")
    assert "no worker of this machine" in cli.run(*probe, code=1).stdout
    with running(cli, "start-worker") as worker:
        eventually(lambda: cli.run(*probe).code == 0)
        (row,) = cli.run("job-queue", "workers", "--json", code=0).json
        cli.run("doctor", "--check", "worker", "--worker-id", row["id"], code=0)
        cli.run("doctor", "--check", "worker", "--worker-id", "another", code=1)
        worker.send_signal(signal.SIGSTOP)
        try:
            ended = eventually(lambda: (done := cli.run(*probe)).code == 1 and done)
            assert "sent its last heartbeat" in ended.stdout
        finally:
            worker.send_signal(signal.SIGCONT)
        eventually(lambda: cli.run(*probe).code == 0)
    cli.run(*probe, code=1)


@pytest.mark.fault("redis-hung")
def test_a_probe_never_hangs(cli: Cli, project: Path) -> None:
    """A Redis that takes the connection and says nothing is unreachable, well within its limit."""
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(10)
        url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        cli.environ |= {"FLOWERPOWER_JOB_QUEUE_TYPE": "rq", "FLOWERPOWER_JOB_QUEUE_URL": url}
        began = time.monotonic()
        cli.run("doctor", "--check", "worker", "--quiet", code=5)
        assert time.monotonic() - began < slowed(15)
