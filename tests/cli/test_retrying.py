"""retry-job --from-failed and --again; what is still seen of earlier attempts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowerpower.errors import FlowerpowerError, Refused
from flowerpower.pipeline import PipelineManager
from tests.conditions import WAIT_LIMIT
from tests.conftest import MakeProject
from tests.terminal import Cli

CONFIG = "run:\n  inputs: {n: 3, rate: 2}\n  cache: true\n"
MODULE = """\
from pathlib import Path


def clean(n: int) -> int:
    print("clean runs")
    return n


def model(clean: int, rate: int) -> int:
    print("model runs")
    return clean * rate


def total(model: int) -> int:
    print("total runs")
    if not Path("ready").exists():
        raise ValueError("no region\\nand no other")
    return model + 1


def chart(total: int, clean: int) -> int:
    print("chart runs")
    return total
"""

WAITS = """\
import time
from pathlib import Path


def clean(n: int, rate: int) -> int:
    print("clean runs")
    while not Path("ready").exists():
        time.sleep(0.01)
    return n * rate
"""


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    """A project of one pipeline, of which the third of four nodes fails until `ready` exists."""
    return make_project(report=(CONFIG, MODULE))


def burst(cli: Cli) -> str:
    return cli.run("job-queue", "start-worker", "--burst", "-n", "1", code=0).stdout


@pytest.fixture
def failed(cli: Cli, project: Path) -> Path:
    """The project, after the job `one` has failed."""
    cli.run("job-queue", "add-job", "report", "--job-id", "one", code=0)
    burst(cli)
    return project


def log(cli: Cli, *arguments: str) -> str:
    return cli.run("job-queue", "logs", *arguments, code=0).stdout


def test_what_had_finished_is_reused(cli: Cli, failed: Path) -> None:
    """The plan says what is, a dry run changes nothing, and the next attempt does as it said."""
    planned = cli.run("job-queue", "retry-job", "one", "--from-failed", "--dry-run", code=0)
    assert "2 of 4 nodes reused" in planned.stdout
    rows = re.findall(r"^(\w+) +(reused|runs) *(.*)$", planned.stdout, re.MULTILINE)
    assert rows == [
        ("clean", "reused", ""),
        ("model", "reused", ""),
        ("total", "runs", "it failed"),
        ("chart", "runs", "it had not begun"),
    ]
    assert planned.stderr == "1 job would be retried.\n"
    assert cli.run("job-queue", "list-jobs", "--status", "failed", "-q", code=0).stdout == "one\n"
    (failed / "ready").touch()
    (retried,) = cli.run("job-queue", "retry-job", "one", "--from-failed", "--json", code=0).json
    assert retried["from_failed"]["reused"] == ["clean", "model"]
    assert (retried["status"], retried["changed"]) == ("queued", True)
    burst(cli)
    assert log(cli, "one") == "total runs\nchart runs\n"
    body = cli.run("job-queue", "show-job", "one", "--json", code=0).json
    cached = [name for name, node in body["progress"]["nodes"].items() if node.get("from_cache")]
    assert (body["attempt"], body["status"], cached) == (2, "finished", ["clean", "model"])


def _edit_code(root: Path) -> None:
    path = root / "pipelines" / "report.py"
    path.write_text(path.read_text().replace("clean * rate", "rate * clean"))


def _edit_input(root: Path) -> None:
    path = root / "conf" / "pipelines" / "report.yml"
    path.write_text(path.read_text().replace("rate: 2", "rate: 5"))


def _edit_both(root: Path) -> None:
    _edit_code(root)
    _edit_input(root)


def _recompute(root: Path) -> None:
    path = root / "conf" / "pipelines" / "report.yml"
    path.write_text(path.read_text().replace("cache: true", "cache: {recompute: [clean]}"))


def _empty_value(root: Path) -> None:
    for path in (root / ".flowerpower" / "cache").iterdir():
        if path.suffix != ".db" and "metadata" not in path.name:
            path.unlink()


@pytest.mark.parametrize(
    ("change", "node", "why"),
    [
        (_edit_code, "model", "its code has changed"),
        (_edit_input, "model", "its input rate has changed"),
        (_edit_both, "model", "its code and its input rate have changed"),
        (_recompute, "clean", "its cache behavior is recompute"),
        (_recompute, "model", "it takes clean, computed before it; reused after all if that"),
    ],
)
def test_what_has_changed_since_runs_again(
    cli: Cli, failed: Path, change: Callable[[Path], None], node: str, why: str
) -> None:
    """A node runs again, and it is said why: by its code, an input, or the settings."""
    change(failed)
    (failed / "ready").touch()
    retried = cli.run("job-queue", "retry-job", "one", "--from-failed", code=0).stdout
    assert re.search(rf"^{node} +runs +{why}", retried, re.MULTILINE), retried
    burst(cli)
    is_reused_after_all = change is _recompute and node == "model"
    assert (f"{node} runs" in log(cli, "one")) is not is_reused_after_all


def test_without_its_cache_it_is_refused(cli: Cli, failed: Path) -> None:
    """If the cache is off, was off, or is empty, nothing is queued, and a hint says what to do."""
    cli.run("job-queue", "add-job", "report", "--job-id", "off", "--no-cache", code=0)
    burst(cli)
    refused = cli.run("job-queue", "retry-job", "off", "--from-failed", code=8)
    assert "The run of off does not use the cache" in refused.stderr
    assert "added with --no-cache" in refused.stderr
    yaml = failed / "conf" / "pipelines" / "report.yml"
    yaml.write_text(CONFIG.replace("  cache: true\n", ""))
    refused = cli.run("job-queue", "retry-job", "one", "--from-failed", "--dry-run", code=8)
    assert "run.cache: true in conf/pipelines/report.yml" in refused.stderr
    yaml.write_text(CONFIG)
    _empty_value(failed)
    refused = cli.run("job-queue", "retry-job", "one", "--from-failed", code=8)
    assert "has nothing of the last attempt of one" in refused.stderr
    assert cli.run("job-queue", "list-jobs", "--status", "failed", "-q", code=0).stdout.split() == [
        "off",
        "one",
    ]


def test_several_jobs_are_planned_together(cli: Cli, failed: Path) -> None:
    """With conditions each job has a line; one that has no plan stops no other."""
    cli.run("job-queue", "add-job", "report", "--job-id", "two", "-i", "n=9", code=0)
    cli.run("job-queue", "add-job", "report", "--job-id", "off", "--no-cache", code=0)
    burst(cli)
    selected = ("--status", "failed", "--from-failed")
    planned = cli.run("job-queue", "retry-job", *selected, "--dry-run", code=8)
    rows = re.findall(r"^(one|two) +(\d of \d)  (.*)$", planned.stdout, re.MULTILINE)
    runs = "total (it failed), chart (it had not begun)"
    assert rows == [("two", "2 of 4", runs), ("one", "2 of 4", runs)]
    assert "The run of off does not use the cache" in planned.stderr
    cli.run("job-queue", "retry-job", *selected, "--yes", code=8)
    waiting = cli.run("job-queue", "list-jobs", "--status", "queued", "-q", code=0).stdout
    assert waiting.split() == ["two", "one"]


def test_a_job_runs_again_as_a_new_one(cli: Cli, failed: Path) -> None:
    """With the same request and a new id, or the id that is given; the old job stays as it is."""
    (failed / "ready").touch()
    first = ("add-job", "report", "--job-id", "first", "-i", "n=7", "--priority", "5",
             "--result-ttl", "1h", "--expires", "2h")  # fmt: skip
    cli.run("job-queue", *first, code=0)
    burst(cli)
    refused = cli.run("job-queue", "retry-job", "first", code=8)
    assert "retry-job first --again" in refused.stderr
    said = cli.run("job-queue", "retry-job", "first", "--again", "--job-id", "second", code=0)
    assert said.stdout == "first again as second  report  queued\n"
    (again,) = cli.run("job-queue", "retry-job", "first", "--again", "--json", code=0).json
    assert (again["again_of"], again["created"], again["changed"]) == ("first", True, True)
    old = cli.run("job-queue", "show-job", "first", "--json", code=0).json
    for name in ("pipeline", "queue", "priority", "result_ttl", "expires", "overrides"):
        assert again[name] == old[name], name
    assert old["overrides"] == {"inputs": {"n": 7}}
    (twice,) = cli.run(
        "job-queue", "retry-job", "first", "--again", "--job-id", "second", "--json", code=0
    ).json
    assert (twice["created"], twice["changed"]) == (False, False)
    burst(cli)
    ended = cli.run("job-queue", "list-jobs", "--status", "finished", "--json", code=0).json
    assert [job["id"] for job in ended] == [again["id"], "second", "first"]
    result = cli.run("job-queue", "wait", "second", "--json", code=0).json[0]["result"]
    assert result["outputs"] == {"chart": 15}


def test_many_run_again(cli: Cli, failed: Path) -> None:
    """With conditions a new job for each, the oldest first; from a failed one with its plan."""
    cli.run("job-queue", "add-job", "report", "--job-id", "two", "-i", "n=9", code=0)
    burst(cli)
    selected = ("retry-job", "--again", "--pipeline", "report", "--until", "0s")
    assert "2 jobs would be run again under a new id. Nothing was done." in cli.run(
        "job-queue", *selected, code=8
    ).stderr  # fmt: skip
    added = cli.run("job-queue", *selected, "--from-failed", "--yes", "--json", code=0).json
    assert [job["again_of"] for job in added] == ["two", "one"]
    assert [job["from_failed"]["reused"] for job in added] == [["clean", "model"]] * 2
    listed = cli.run("job-queue", "list-jobs", "-q", code=0).stdout.split()
    assert listed == [added[0]["id"], added[1]["id"], "two", "one"]
    asked = cli.run_in_terminal(
        "job-queue", "retry-job", "--status", "failed", "--from-failed", "--no-color", typed="n\n"
    )
    assert (asked.code, asked.stdout) == (8, "")
    assert re.search(r"two +2 of 4 +total \(it failed\)", asked.stderr), asked.stderr


def test_what_cannot_run_again(cli: Cli, failed: Path) -> None:
    """A job that waits, one whose pipeline would refuse it now, and ids that do not fit."""
    cli.run("job-queue", "add-job", "report", "--job-id", "waits", code=0)
    ended = cli.run("job-queue", "retry-job", "waits", "--again", code=8)
    assert "The job waits is queued; only a job that has ended runs again." in ended.stderr
    ended = cli.run("job-queue", "retry-job", "one", "--job-id", "new", code=2)
    assert "--job-id names the new job of --again" in ended.stderr
    both = ("one", "waits", "--again", "--job-id", "new")
    assert "one new job" in cli.run("job-queue", "retry-job", *both, code=2).stderr
    (failed / "conf" / "pipelines" / "report.yml").write_text("run: {cache: true}\n")
    for arguments in (("--again",), ("--again", "--dry-run")):
        ended = cli.run("job-queue", "retry-job", "one", *arguments, code=2)
        assert "report lacks 2 inputs" in ended.stderr


def test_errors_and_logs_of_every_attempt_are_seen(cli: Cli, failed: Path) -> None:
    """Whole, also after the job was queued again; a wrong number says how many there are."""
    (failed / "ready").touch()
    cli.run("job-queue", "retry-job", "one", code=0)
    waiting = cli.run("job-queue", "show-job", "one", "--attempt", "1", code=0).stdout
    assert "one  attempt 1  failed" in waiting
    assert "ValueError: no region\nand no other" in waiting
    assert "in node total, pipelines/report.py, line " in waiting
    burst(cli)
    body = cli.run("job-queue", "show-job", "one", "--attempt", "1", "--json", code=0).json
    assert (body["id"], body["attempt"], body["status"]) == ("one", 1, "failed")
    assert body["error"]["message"] == "no region\nand no other"
    assert "one  attempt 2  finished" in cli.run(
        "job-queue", "show-job", "one", "--attempt", "2", code=0
    ).stdout  # fmt: skip
    for command in ("show-job", "logs"):
        ended = cli.run("job-queue", command, "one", "--attempt", "3", code=2)
        assert ended.stderr == "Error: --attempt 3: the job one has had 2.\n"
    first, second = "clean runs\nmodel runs\ntotal runs\n", "total runs\nchart runs\n"
    headings = (
        "== Attempt 1, failed, total: ValueError: no region ==\n",
        "== Attempt 2, finished ==\n",
    )
    assert log(cli, "one", "--attempt", "1") == first
    assert log(cli, "one", "--all-attempts") == headings[0] + first + headings[1] + second
    assert log(cli, "one", "--all-attempts", "-q") == first + second
    entries = [
        json.loads(line) for line in log(cli, "one", "--all-attempts", "--json").splitlines()
    ]
    texts = {1: "", 2: ""}
    for entry in entries:
        texts[entry["attempt"]] += entry["text"]
    assert texts == {1: first, 2: second}
    both = ("--attempt", "1", "--all-attempts")
    assert "expected one of them" in cli.run("job-queue", "logs", "one", *both, code=2).stderr


def test_all_attempts_are_followed(cli: Cli, project: Path) -> None:
    """Of a job that has not run yet, each attempt has its heading as it comes."""
    (project / "pipelines" / "report.py").write_text(WAITS)
    cli.run("job-queue", "add-job", "report", "--job-id", "one", code=0)
    waiting = cli.run("job-queue", "logs", "one", "--all-attempts", code=0)
    assert waiting.stdout == ""
    assert waiting.stderr.startswith("The job one has not run yet: it waits for a worker")
    follower = cli.start("job-queue", "logs", "one", "--all-attempts", "--follow")
    worker = cli.start("job-queue", "start-worker", "--burst", "-n", "1")
    assert follower.stdout is not None
    # They are read while the attempt runs: it ends only after that.
    assert [follower.stdout.readline() for _ in range(2)] == ["== Attempt 1 ==\n", "clean runs\n"]
    (project / "ready").touch()
    follower.communicate(timeout=WAIT_LIMIT)
    worker.communicate(timeout=WAIT_LIMIT)
    assert (follower.returncode, worker.returncode) == (0, 0)


def test_retrying_from_python(cli: Cli, failed: Path) -> None:
    """Job.plan_retry, retry(from_failed=True) and again do what the commands do."""
    manager = PipelineManager(failed, quiet=True)
    job = manager.jobs.get("one")
    plan = job.plan_retry()
    assert plan.reused == ["clean", "model"]
    assert [(node.name, node.why) for node in plan.runs] == [
        ("total", "it failed"),
        ("chart", "it had not begun"),
    ]
    again = job.again("named")
    assert (again.id, again.status, job.refresh().status) == ("named", "queued", "failed")
    assert job.retry(from_failed=True).status == "queued"
    with pytest.raises(Refused, match="is queued"):
        job.plan_retry()
    with pytest.raises(Refused, match="only a job that has ended runs again"):
        manager.jobs.again("named")
    off = manager.add_job("report", job_id="off", cache=False)
    off.cancel()
    with pytest.raises(Refused, match="does not use the cache"):
        manager.jobs.retry("off", from_failed=True)
    assert off.refresh().status == "cancelled"
    manager.close()


def test_a_fire_that_runs_again_is_given_its_time(cli: Cli, make_project: MakeProject) -> None:
    """The new job's scheduled_for is that of the fire, and it is one of the schedule's jobs."""
    module = "from datetime import datetime\n\n\ndef day(scheduled_for: datetime) -> str:\n"
    root = make_project(daily=("", f"{module}    return scheduled_for.isoformat()\n"))
    manager = PipelineManager(root, quiet=True)
    start = datetime(2026, 1, 5, 8, tzinfo=UTC)
    schedule = manager.schedules.get(manager.schedule("daily", cron="0 8 * * *", timezone="UTC"))
    schedule.backfill(start=start, end=start)
    (fire,) = manager.jobs.list()
    burst(cli)
    again = fire.again()
    burst(cli)
    assert again.result() == fire.result() == {"day": "2026-01-05T08:00:00+00:00"}
    assert {job.id for job in manager.jobs.list(schedule_id=schedule.id)} == {fire.id, again.id}
    assert isinstance(again.record.scheduled_for, datetime)
    manager.close()


def test_a_damaged_record_is_no_request(failed: Path) -> None:
    """What the record has lost is not made up; other jobs are not touched by it."""
    manager = PipelineManager(failed, quiet=True)
    database = manager.job_queue.backend.database  # type: ignore[attr-defined]
    with database.write() as transaction:
        transaction.execute("UPDATE flowerpower_jobs SET payload = 'garbage'", {})
    with pytest.raises(FlowerpowerError, match="record is damaged"):
        manager.jobs.again("one")
    with pytest.raises(FlowerpowerError, match="record is damaged"):
        manager.jobs.get("one").plan_retry()
    assert len(manager.jobs.list()) == 1
    manager.close()
