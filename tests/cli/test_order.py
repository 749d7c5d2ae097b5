"""--priority and --expires: what runs first, and what is cancelled because it waited too long."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from flowerpower.errors import ConfigError, RunFailed, UsageError
from flowerpower.pipeline import PipelineManager
from tests.conftest import MakeProject
from tests.terminal import Cli

QUICK = ("run: {inputs: {x: 2}}\n", "def double(x: int) -> int:\n    return 2 * x\n")
TIMED = (
    "run: {inputs: {x: 2}}\nschedule: {id: often, cron: '* * * * *', priority: 5, expires: 10m}\n",
    QUICK[1],
)
PROJECT = (
    "name: demo\ntimezone: UTC\njob_queue: {num_workers: 1, backend: {queues: [first, last]}}\n"
)
LONG_AGO = ("--run-at", "2026-01-01T00:00:00Z", "--expires", "10m")
REASON = "It waited longer than 10m, so it was cancelled."


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(PROJECT, quick=QUICK, timed=TIMED)


def add(cli: Cli, job_id: str, *arguments: str) -> None:
    cli.run("job-queue", "add-job", "quick", "--job-id", job_id, *arguments, code=0)


def test_a_worker_takes_what_is_most_urgent(cli: Cli, project: Path) -> None:
    """The first queue before the last one, and in a queue the highest priority first."""
    add(cli, "elsewhere", "--queue", "last", "--priority", "100")
    add(cli, "plain")
    add(cli, "low", "--priority", "-5")
    add(cli, "high", "--priority", "5")
    ended = cli.run("job-queue", "start-worker", "--burst", "--quiet", code=0)
    assert ended.stdout.split() == ["high", "plain", "low", "elsewhere"]


def test_priority_and_limit_are_shown(cli: Cli, project: Path) -> None:
    """By show-job and as JSON; list-jobs has a column of them only if some job has one."""
    add(cli, "plain")
    assert "priority" not in cli.run("job-queue", "list-jobs", code=0).stdout
    shown = cli.run("job-queue", "show-job", "plain", code=0).stdout
    assert "priority" not in shown
    assert "expires" not in shown
    add(cli, "urgent", "--priority", "7", "--expires", "1h30m", "--run-at", "2199-01-01T00:00:00Z")
    body = cli.run("job-queue", "show-job", "urgent", "--json", code=0).json
    assert (body["priority"], body["expires"]) == (7, 5400.0)
    assert body["start_by"] == "2199-01-01T01:30:00+00:00"
    shown = cli.run("job-queue", "show-job", "urgent", code=0).stdout
    assert "priority  7" in shown
    assert "expires   1h30m after it is due: Tue 2199-01-01 01:30:00 UTC" in shown
    assert "priority" in cli.run("job-queue", "list-jobs", code=0).stdout


def test_a_job_that_waited_too_long_says_why(cli: Cli, project: Path) -> None:
    """To the worker's watcher, in show-job, list-jobs and wait; retry-job runs it after all."""
    add(cli, "old", *LONG_AGO)
    add(cli, "good")
    ended = cli.run("job-queue", "start-worker", "--burst", code=0)
    assert f"The job old of quick has expired. {REASON}" in ended.stderr
    assert "good" in ended.stdout
    assert "old" not in ended.stdout
    body = cli.run("job-queue", "show-job", "old", "--json", code=0).json
    assert (body["status"], body["attempt"], body["start_by"]) == ("cancelled", 0, None)
    assert body["error"] == {"type": "Expired", "message": REASON, "code": "expired"}
    assert REASON in cli.run("job-queue", "show-job", "old", code=0).stdout
    assert REASON in cli.run("job-queue", "list-jobs", code=0).stdout
    waited = cli.run("job-queue", "wait", "old", code=6)
    assert waited.stderr == f"Error: The job old of quick has expired. {REASON}\n"
    cli.run("job-queue", "retry-job", "old", code=0)
    cli.run("job-queue", "start-worker", "--burst", code=0)
    assert cli.run("job-queue", "show-job", "old", "--json", code=0).json["status"] == "finished"


def test_an_expired_job_is_an_event_of_its_worker(cli: Cli, project: Path) -> None:
    """With --json a line of its own, and --quiet does not print its id: it did not run."""
    add(cli, "old", *LONG_AGO)
    ended = cli.run("job-queue", "start-worker", "--burst", "--json", code=0)
    events = [event for event in map(json.loads, ended.stdout.splitlines())
              if event["event"] == "expired"]  # fmt: skip
    assert [(event["job"], event["expires"], event["reason"]) for event in events] == [
        ("old", 600.0, REASON)
    ]
    add(cli, "older", *LONG_AGO)
    assert cli.run("job-queue", "start-worker", "--burst", "--quiet", code=0).stdout == ""


def test_python_has_the_same(project: Path) -> None:
    """add_job takes them, and the handle of the expired job says why it has no result."""
    with_limit = {"run_at": "2026-01-01T00:00:00Z", "expires": timedelta(minutes=10)}
    manager = PipelineManager(project, quiet=True)
    old = manager.add_job("quick", job_id="old", priority=3, **with_limit)  # type: ignore[arg-type]
    assert (old.record.priority, old.record.expires) == (3, 600.0)
    assert manager.job_queue.run_worker(burst=True) == 0
    assert old.refresh().error == {"type": "Expired", "message": REASON, "code": "expired"}
    with pytest.raises(RunFailed, match=f"^The job old of quick has expired. {REASON}$"):
        old.result()
    with pytest.raises(UsageError, match=r"^priority is 101: expected a whole number from -100"):
        manager.add_job("quick", priority=101)
    with pytest.raises(UsageError, match=r"'max_age'\. Say expires=seconds"):
        manager.add_job("quick", max_age=5)  # type: ignore[call-arg]
    manager.close()


def test_the_history_of_a_schedule_says_what_became_of_each_job(cli: Cli, project: Path) -> None:
    """The status of a fire's job, and why it was cancelled or has failed."""
    cli.run("schedule", "add", "timed", code=0)
    manager = PipelineManager(project, quiet=True)
    job = manager.schedules.run_now("often")
    assert (job.record.priority, job.record.expires) == (5, 600.0)
    job.delete()
    backend = manager.job_queue.backend
    with backend.database.write() as tx:  # type: ignore[attr-defined]
        tx.execute("UPDATE flowerpower_schedules SET next_fire = 60, due_at = 60, anchor = 0", {})
    fired = backend.schedules.fire_due().fires
    with backend.database.write() as tx:  # type: ignore[attr-defined]
        tx.execute("UPDATE flowerpower_jobs SET start_by = 1", {})
    assert len(backend.expire_jobs()) == 1
    manager.close()
    newest, missed = cli.run("schedule", "history", "often", "--json", code=0).json
    assert newest["job_id"] == fired[-1].job_id
    assert (newest["job_status"], newest["job_error"]["message"]) == ("cancelled", REASON)
    assert (missed["outcome"], missed["job_status"], missed["job_error"]) == ("missed", None, None)
    shown = cli.run("schedule", "history", "often", code=0).stdout
    assert "cancelled" in shown
    assert f"Expired: {REASON}" in shown


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("priority: 101", "schedule[0].priority: expected at most 100, got 101."),
        ("priority: high", "schedule[0].priority: expected a whole number, got the text 'high'."),
        ("expires: 0", "schedule[0].expires: expected more than 0 seconds, got 0."),
        ("expires: soon", "'soon' is not a duration"),
        ("priorty: 5", "Did you mean 'priority'?"),
    ],
)
def test_a_wrong_value_in_yaml_is_named(
    make_project: MakeProject, entry: str, expected: str
) -> None:
    """With file, line and key, and what was expected."""
    schedule = f"schedule:\n  - {{id: often, cron: '@daily', {entry}}}\n"
    root = make_project(PROJECT, quick=(schedule, QUICK[1]))
    with pytest.raises(ConfigError) as raised:
        PipelineManager(root, quiet=True).schedule("quick")
    text = "\n".join([raised.value.message, *map(str, raised.value.details)])
    assert "conf/pipelines/quick.yml, line 2: " in text
    assert expected in text, text
