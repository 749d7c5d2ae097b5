"""Schedulers as users start them: of their own and inside workers, on SQLite and on Redis."""

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
from tests.jobs_database import jobs_database
from tests.servers import PASSWORD, RedisServer, free_port
from tests.terminal import COMMAND, Cli, StartedCommand

TIMED = (
    "",
    "import datetime\n\n\n"
    "def fired_for(scheduled_for: datetime.datetime) -> str:\n"
    "    return scheduled_for.isoformat()\n",
)
QUICK = ("run: {inputs: {x: 2}}\n", "def double(x: int) -> int:\n    return 2 * x\n")
PROJECT = "name: demo\ntimezone: Europe/Berlin\njob_queue: {result_ttl: -1}\n"


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(PROJECT, timed=TIMED, quick=QUICK)


@pytest.fixture
def on_redis(cli: Cli, project: Path, redis_server: RedisServer, request: Any) -> Cli:
    """The command line of a project of its own name, whose queue is a real Redis."""
    name = re.sub(r"\W", "-", f"{request.node.name}{time.time_ns()}").strip("-")
    (project / "conf" / "project.yml").write_text(
        PROJECT.replace("demo", name)
        .replace("{result_ttl", f"{{type: rq, backend: {{url: '{redis_server.url()}'}}, result_ttl")
    )  # fmt: skip
    return cli


@contextlib.contextmanager
def running(cli: Cli, command: str, *arguments: str) -> Iterator[StartedCommand]:
    """A scheduler or a worker, ended at the latest when this ends."""
    with cli.start("job-queue", command, *arguments) as process:
        try:
            yield process
        finally:
            eventually(lambda: _is_told_to_stop(process))


def _is_told_to_stop(process: StartedCommand) -> bool:
    process.send_signal(signal.SIGTERM)
    return process.poll() is not None


def lines_of(process: StartedCommand, count: int) -> list[str]:
    """The next lines of its stdout."""
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


def lines_until(process: StartedCommand, pattern: str) -> list[str]:
    """The next lines of its stdout, up to one that matches the pattern."""
    lines = lines_of(process, 1)
    while not re.search(pattern, lines[-1]):
        assert lines[-1], lines
        lines += lines_of(process, 1)
    return lines


def enqueued_line(lines: list[str]) -> str:
    """The one line that tells of a job that was made."""
    # On a slow machine the first fires may have been missed.
    (line,) = [line for line in lines if "  enqueued  " in line]
    return line


def ended(process: StartedCommand) -> tuple[str, str]:
    """What is left of stdout and stderr once SIGTERM has ended it, with 0."""
    process.send_signal(signal.SIGTERM)
    code = process.wait(WAIT_LIMIT)
    assert process.stdout is not None
    assert process.stderr is not None
    # Not communicate(), which passes over what readline() has read ahead of its line.
    output, errors = process.stdout.read(), process.stderr.read()
    assert code == 0, errors
    return output, errors


def add(cli: Cli, *arguments: str) -> None:
    cli.run("schedule", "add", *arguments, code=0)


def jobs_of(cli: Cli, schedule: str, status: str = "") -> list[dict[str, Any]]:
    narrowed = ("--status", status) if status else ()
    jobs: list[dict[str, Any]] = cli.run(
        "job-queue", "list-jobs", "--schedule", schedule, "--json", *narrowed, code=0
    ).json
    return jobs


def assert_fired_for_its_time(cli: Cli, job: str) -> None:
    """The job was given its nominal time, and every command tells the same one."""
    body = cli.run("job-queue", "show-job", job, "--json", code=0).json
    assert body["status"] == "finished", body
    assert body["schedule_id"] == "tick"
    assert body["result"]["outputs"] == {"fired_for": body["scheduled_for"]}
    stamp = re.sub(r"[-:]|\+.*", "", body["scheduled_for"]) + "Z"
    assert job == f"tick-{stamp}"
    text = cli.run("job-queue", "show-job", job, code=0).stdout
    assert re.search(r"schedule +tick\n +scheduled for +\w{3} \d{4}-\d\d-\d\d \S+ CES?T\n", text)
    fires = cli.run("schedule", "history", "tick", "--json", code=0).json
    assert [fire["fire_time"] for fire in fires if fire["job_id"] == job] == [body["scheduled_for"]]


def test_a_scheduler_tells_fires_on_stdout_and_itself_on_stderr(cli: Cli, project: Path) -> None:
    """A fire is a line: when, whose, for what time, what became of it; SIGTERM ends it with 0."""
    add(cli, "quick", "--interval", "1s", "--schedule-id", "tick")
    with running(cli, "start-scheduler") as scheduler:
        lines = lines_until(scheduler, "skipped")
        output, errors = ended(scheduler)
    first, second = enqueued_line(lines), lines[-1]
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT[\d:.]{12}[+-]\d\d:\d\d  tick  fire of \d\d:\d\d:\d\d  enqueued  tick-\d{8}T\d{6}Z",
        first,
    )
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT[\d:.]{12}[+-]\d\d:\d\d  tick  fire of \d\d:\d\d:\d\d  skipped: max_instances: .*",
        second,
    )
    start, place, stop = errors.splitlines()
    assert "fires the schedules of demo." in start
    assert "jobs.db" in place
    assert re.search(r"Stopped after \d+ fires: .*1 enqueued, \d+ skipped\.", stop)
    assert "\x1b" not in first + second + output + errors
    (job,) = jobs_of(cli, "tick")
    assert job["status"] == "queued"
    assert first.endswith(job["id"])


def test_a_scheduler_tells_json_lines(cli: Cli, project: Path) -> None:
    """With --json every event is a line of JSON; with --quiet fires are the ids of their jobs."""
    add(cli, "quick", "--interval", "1s", "--schedule-id", "tick", "--max-instances", "99")
    with running(cli, "start-scheduler", "--json") as scheduler:
        head = lines_of(scheduler, 2)
        output, errors = ended(scheduler)
    start, *fires, stop = [json.loads(line) for line in [*head, *output.splitlines()]]
    assert errors == ""
    assert (start["event"], stop["event"]) == ("start", "stop")
    assert start["backend"]["backend"] == "apscheduler"
    assert {fire["event"] for fire in fires} == {"fire"}
    assert {
        "time", "schedule_id", "fire_time", "outcome", "reason", "count", "job_id", "recorded_at"
    } <= set(fires[0])  # fmt: skip
    with running(cli, "start-scheduler", "--quiet") as scheduler:
        (job,) = lines_of(scheduler, 1)
        output, errors = ended(scheduler)
    assert errors == ""
    ids = {job["id"] for job in jobs_of(cli, "tick")}
    # A fire that was missed has no job.
    fired = {fire["job_id"] for fire in fires} - {None}
    assert {job, *output.splitlines()} | fired == ids


def test_missed_fires_are_told_with_their_number(cli: Cli, project: Path) -> None:
    """What was missed while nothing ran is one line with a count, here and in the history."""
    add(cli, "quick", "--interval", "1m", "--schedule-id", "tick")
    with jobs_database(project) as database:
        database.execute(
            "UPDATE flowerpower_schedules SET next_fire = next_fire - 600,"
            " due_at = due_at - 600, anchor = anchor - 600"
        )
    database.close()
    overdue = cli.run("schedule", "show", "tick", code=0).stdout
    assert "overdue: no worker or scheduler makes it" in overdue
    with running(cli, "start-scheduler") as scheduler:
        missed, caught_up = lines_of(scheduler, 2)
        ended(scheduler)
    assert "missed 9 times: coalesced into a later fire" in missed
    assert "enqueued  tick-" in caught_up
    text = cli.run("schedule", "history", "tick", code=0).stdout
    assert re.search(r"^fire time +outcome +count +job +status +reason\n", text)
    assert re.search(r" CES?T +missed +9 +coalesced into a later fire\n", text)
    last = cli.run("schedule", "history", "tick", "--limit", "1", code=0)
    assert len(last.stdout.splitlines()) == 2
    assert "These are the latest 1; --limit shows more." in last.stderr
    assert cli.run("schedule", "history", "tick", "-q").stdout == f"{caught_up.split()[-1]}\n"
    coloured = cli.run_in_terminal("schedule", "history", "tick").stdout
    assert "\x1b[1;31mmissed" in coloured
    assert "\x1b[32menqueued" in coloured
    assert "Last fires" in cli.run("schedule", "show", "tick", code=0).stdout


def test_a_worker_on_sqlite_fires_by_itself(cli: Cli, project: Path) -> None:
    """start-worker alone fires a schedule and does the job, which is given its nominal time."""
    add(cli, "timed", "--interval", "1s", "--schedule-id", "tick")
    with running(cli, "start-worker") as worker:
        lines = lines_until(worker, "finished")
        _, errors = ended(worker)
    fire, job = enqueued_line(lines), lines[-1]
    name = fire.split()[-1]
    assert re.search(r"tick  fire of \d\d:\d\d:\d\d  enqueued  tick-", fire)
    assert re.search(rf"{name}  timed  finished in ", job)
    assert "takes jobs from default, 2 at once, and fires schedules." in errors
    assert_fired_for_its_time(cli, name)


def test_a_worker_tells_fires_as_json(cli: Cli, project: Path) -> None:
    """With --json a worker's fires are events among the others; with --quiet only jobs are told."""
    add(cli, "timed", "--interval", "1s", "--schedule-id", "tick")
    with running(cli, "start-worker", "--json") as worker:
        start, *fires, job = map(json.loads, lines_until(worker, '"event": "job"'))
        ended(worker)
    assert (start["event"], job["event"]) == ("start", "job")
    assert {fire["event"] for fire in fires} == {"fire"}
    assert job["job"] in {fire["job_id"] for fire in fires}
    with running(cli, "start-worker", "--quiet") as worker:
        first, second = lines_of(worker, 2)
        ended(worker)
    assert first != second


def test_a_scheduler_on_redis_fires_for_a_worker(on_redis: Cli) -> None:
    """On Redis start-scheduler makes the jobs, and a worker does them for their nominal time."""
    add(on_redis, "timed", "--interval", "1s", "--schedule-id", "tick")
    with running(on_redis, "start-scheduler") as scheduler, running(on_redis, "start-worker"):
        name = lines_until(scheduler, "enqueued")[-1].split()[-1]
        eventually(lambda: name in {job["id"] for job in jobs_of(on_redis, "tick", "finished")})
        _, errors = ended(scheduler)
    assert "fires the schedules of " in errors
    assert "redis://:***@127.0.0.1" in errors
    assert PASSWORD not in errors
    assert_fired_for_its_time(on_redis, name)


def test_a_worker_on_redis_fires_when_told_to(on_redis: Cli) -> None:
    """On Redis start-worker fires with --with-scheduler, and says which of both it does."""
    add(on_redis, "timed", "--interval", "1s", "--schedule-id", "tick")
    with running(on_redis, "start-worker", "--with-scheduler") as worker:
        lines = lines_until(worker, "finished")
        _, errors = ended(worker)
    name = enqueued_line(lines).split()[-1]
    assert name in lines[-1]
    assert "and fires schedules." in errors
    assert_fired_for_its_time(on_redis, name)
    with running(on_redis, "start-worker") as worker:
        assert worker.stderr is not None
        line = worker.stderr.readline()
        assert "takes jobs from default, 2 at once." in line


def test_schedules_on_redis_are_like_those_on_sqlite(on_redis: Cli) -> None:
    """Every command says on Redis what it says on SQLite."""
    add(on_redis, "quick", "--cron", "0 8 * * *", "--schedule-id", "one")
    assert "Nothing to do: the schedule one exists already." in on_redis.run(
        "schedule", "add", "quick", "--cron", "0 8 * * *", code=0
    ).stderr  # fmt: skip
    listed = on_redis.run("schedule", "list", code=0).stdout
    assert re.search(r"one +quick +active +.* Europe/Berlin +at 08:00, every day", listed)
    on_redis.run("schedule", "pause", "one", code=0)
    assert "Nothing to do: one is paused already." in on_redis.run(
        "schedule", "pause", "one", code=0
    ).stderr  # fmt: skip
    on_redis.run("schedule", "resume", "one", code=0)
    assert "one-now-" in on_redis.run("schedule", "run-now", "one", "-q", code=0).stdout
    assert on_redis.run("schedule", "history", "one", "--json", code=0).json == []
    assert "Did you mean 'one'" in on_redis.run("schedule", "show", "on", code=3).stderr
    on_redis.run("schedule", "delete", "one", "--yes", code=0)
    assert on_redis.run("schedule", "list", "--json", code=0).json == []


@pytest.mark.fault("redis-down-at-start")
@pytest.mark.parametrize(
    "arguments",
    [
        ("schedule", "add", "quick", "--cron", "@daily"),
        ("schedule", "list"),
        ("job-queue", "start-scheduler"),
        ("job-queue", "add-job", "quick"),
    ],
    ids=" ".join,
)
def test_a_redis_that_is_not_there_is_told_soon(
    arguments: tuple[str, ...], cli: Cli, project: Path
) -> None:
    """Where no Redis listens a command ends with 5, soon, and shows no password."""
    cli.environ |= {
        "FLOWERPOWER_JOB_QUEUE_TYPE": "rq",
        "FLOWERPOWER_JOB_QUEUE_URL": f"redis://me:hunter2-hunter2@127.0.0.1:{free_port()}/0",
    }
    began = time.monotonic()
    refused = cli.run(*arguments, code=5)
    assert time.monotonic() - began < slowed(10)
    assert "redis://me:***@127.0.0.1" in refused.stderr
    assert "hunter2" not in refused.stdout + refused.stderr
    assert refused.stdout == ""


def test_the_environment_says_where_the_queue_is(cli: Cli, project: Path) -> None:
    """A URL or a type in the environment stands for host and port in the file."""
    (project / "conf" / "project.yml").write_text(
        f"job_queue: {{type: rq, backend: {{host: 127.0.0.1, port: {free_port()}}}}}\n"
    )
    url = f"redis://127.0.0.1:{free_port()}/0"
    assert url in cli.run("schedule", "list", code=5, FLOWERPOWER_JOB_QUEUE_URL=url).stderr
    cli.run("schedule", "list", code=0, FLOWERPOWER_JOB_QUEUE_TYPE="apscheduler")
    cli.run("schedule", "list", "--type", "apscheduler", code=0)


def test_a_scheduler_that_nobody_listens_to_stops(cli: Cli, project: Path) -> None:
    """A scheduler piped to `head` ends quietly."""
    add(cli, "quick", "--interval", "1s", "--schedule-id", "tick")
    line = f"{shlex.join(COMMAND)} job-queue start-scheduler | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=cli.folder,
        env=cli.merged_environ(),
        capture_output=True,
        text=True,
        timeout=WAIT_LIMIT,
        check=True,
    )
    fire, code = done.stdout.splitlines()
    assert "  tick  fire of " in fire
    assert code == "0"
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_a_scheduler_with_0(cli: Cli, project: Path) -> None:
    """Ctrl-C stops a scheduler as SIGTERM does."""
    with cli.start("job-queue", "start-scheduler") as scheduler:
        assert scheduler.stderr is not None
        assert "Scheduler" in scheduler.stderr.readline()
        scheduler.send_signal(signal.SIGINT)
        output, errors = scheduler.communicate(timeout=WAIT_LIMIT)
    assert (scheduler.returncode, output) == (0, "")
    assert "Stopped." in errors


def test_on_redis_it_is_told_that_nothing_fires(on_redis: Cli) -> None:
    """A worker that fires nothing is no reason for silence; a scheduler is."""
    said = "No scheduler fires schedules; start one"
    with running(on_redis, "start-worker"):
        arguments = ("schedule", "add", "quick", "--schedule-id", "mine", "--cron", "@daily")
        assert said in on_redis.run(*arguments, code=0).stderr
        with running(on_redis, "start-scheduler"):
            eventually(lambda: said not in on_redis.run(*arguments, code=0).stderr)


NAPS = (
    "",
    "import pathlib, time\n\n\ndef bed() -> str:\n    print('made')\n    return 'bed'\n\n\n"
    "def nap(bed: str, until: str) -> str:\n"
    "    while not pathlib.Path(until).exists():\n        time.sleep(0.05)\n    return 'rested'\n",
)


@pytest.mark.fault("redis-killed")
def test_a_redis_that_blinks_ends_no_waiting(
    cli: Cli, make_project: MakeProject, tmp_path: Path
) -> None:
    """`wait` and `logs --follow` go on when Redis was away for a moment, and say so."""
    morning = tmp_path / "morning"
    with contextlib.closing(RedisServer("--appendfsync", "always")) as server:
        queue = f"job_queue: {{type: rq, backend: {{url: '{server.url()}'}}}}\n"
        make_project(f"name: blinks\n{queue}", naps=NAPS)
        cli.run("job-queue", "add-job", "naps", "--job-id", "nap", "-i", f"until={morning}", code=0)
        with running(cli, "start-worker"):
            waits = cli.start("job-queue", "wait", "nap", "--progress")
            follows = cli.start("job-queue", "logs", "nap", "--follow")
            # Only who has seen the job rides over an absence: both show something of it.
            assert waits.stderr is not None
            while "bed" not in (line := waits.stderr.readline()):
                assert line
            assert lines_of(follows, 1) == ["made"]
            server.kill()
            time.sleep(2)
            server.start()
            morning.touch()
            out, err = waits.communicate(timeout=WAIT_LIMIT)
            assert waits.returncode == 0, err
            assert "rested" in out
            assert "Trying again." in err
            follows.communicate(timeout=WAIT_LIMIT)
            assert follows.returncode == 0
