"""`flowerpower job-queue migrate`, and what is said when a project's queue is edited."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import Refused, UsageError
from flowerpower.jobs.job import JobFilter
from flowerpower.pipeline import PipelineManager
from tests.conftest import MakeProject
from tests.servers import RedisServer, free_port
from tests.terminal import Cli

QUICK = ("run: {inputs: {x: 2}}\n", "def double(x: int) -> int:\n    return 2 * x\n")
ON_SQLITE = "name: demo\ntimezone: UTC\njob_queue: {{namespace: {0}}}\n"
ON_REDIS = (
    "name: demo\ntimezone: UTC\njob_queue: {{namespace: {0}, type: rq, backend: {{url: '{1}'}}}}\n"
)
TO_REDIS = ("job-queue", "migrate", "--to", "rq", "--to-url", "${REDIS_URL}")


@pytest.fixture
def namespace() -> str:
    return f"demo-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def project(make_project: MakeProject, cli: Cli, namespace: str, redis_server: RedisServer) -> Path:
    """A project on SQLite with two schedules and a job; a variable says where a Redis is."""
    cli.environ["REDIS_URL"] = redis_server.url()
    root = make_project(ON_SQLITE.format(namespace), quick=QUICK)
    manager = PipelineManager(root, quiet=True, environ={})
    manager.schedule("quick", cron="0 8 1 1 *")
    manager.schedule("quick", interval="300d", schedule_id="slow")
    manager.schedules.pause("slow")
    manager.add_job("quick", job_id="one", priority=7)
    manager.close()
    return root


def edit(root: Path, text: str) -> None:
    (root / "conf" / "project.yml").write_text(text)


def listed(root: Path, **environ: str) -> tuple[list[Any], list[Any]]:
    """All schedules and jobs of the queue that the project's files name, as JSON."""
    manager = PipelineManager(root, quiet=True, environ=environ)
    schedules = [schedule.to_json() for schedule in manager.schedules.list()]
    jobs = [job.to_json() for job in manager.job_queue.list_jobs(JobFilter())]
    manager.close()
    return schedules, jobs


def test_there_and_back(cli: Cli, project: Path, namespace: str, redis_server: RedisServer) -> None:
    """The other queue then shows the same, to the letter; the report says what moved."""
    before = listed(project)
    ended = cli.run(*TO_REDIS, "--json", code=0)
    report = ended.json
    assert (report["schedules"], report["jobs"]) == (["quick-1", "slow"], ["one"])
    assert (report["remaining"], report["resumed"], report["dry_run"]) == ([], 0, False)
    assert report["source"]["backend"] == "apscheduler"
    assert report["source"]["url"].endswith(".flowerpower/jobs.db")
    assert report["target"]["backend"] == "rq"
    assert "tulip" not in ended.stdout + ended.stderr
    assert "Next: set job_queue.type: rq" in ended.stderr
    assert listed(project) == ([], [])
    edit(project, ON_REDIS.format(namespace, redis_server.url()))
    assert listed(project) == before
    ended = cli.run("job-queue", "migrate", "--to", "apscheduler", code=0)
    assert ended.stdout.splitlines()[0] == "2 schedules and 1 job moved"
    edit(project, ON_SQLITE.format(namespace))
    assert listed(project) == before
    assert cli.run("job-queue", "start-worker", "--burst", code=0)
    assert cli.run("job-queue", "show-job", "one", "--json", code=0).json["status"] == "finished"


def test_a_dry_run_moves_nothing(cli: Cli, project: Path) -> None:
    """It reports what would move, and leaves both queues open."""
    before = listed(project)
    planned = cli.run(*TO_REDIS, "--dry-run", "--json", code=0).json
    assert listed(project) == before
    assert cli.run("job-queue", "add-job", "quick", "--job-id", "two", code=0)
    assert cli.run("job-queue", "delete-job", "two", "--yes", code=0)
    moved = cli.run(*TO_REDIS, "--json", code=0).json
    assert moved == {**planned, "dry_run": False}
    ended = cli.run(*TO_REDIS, "--dry-run", code=0)
    assert ended.stdout.startswith("Nothing to move\n")


def test_a_dry_run_makes_no_file(cli: Cli, project: Path, namespace: str) -> None:
    """Not even the SQLite file that jobs would move to."""
    ended = cli.run(
        *("job-queue", "migrate", "--to", "apscheduler", "--to-url", "sqlite:///new/jobs.db"),
        "--dry-run", "--quiet", code=0,
    )  # fmt: skip
    assert ended.stdout.split() == ["quick-1", "slow", "one"]
    assert not (project / "new").exists()


def test_one_sqlite_file_to_another(cli: Cli, project: Path) -> None:
    """The engine stays, only the place changes."""
    before = listed(project)
    cli.run(
        "job-queue", "migrate", "--to", "apscheduler", "--to-url", "sqlite:///new/jobs.db", code=0
    )
    assert listed(project) == ([], [])
    assert listed(project, FLOWERPOWER_JOB_QUEUE_URL="sqlite:///new/jobs.db") == before


def test_an_edited_type_is_noticed(
    cli: Cli, project: Path, namespace: str, redis_server: RedisServer
) -> None:
    """Workers, schedulers and empty lists say what waits in the file beside, and how to move it."""
    edit(project, ON_REDIS.format(namespace, redis_server.url()))
    warning = (
        "Warning: .flowerpower/jobs.db still holds 2 schedules and 1 waiting job of this project; "
        "nothing here runs them. Move them: flowerpower job-queue migrate --to rq "
        "--from-url sqlite:///.flowerpower/jobs.db\n"
    )
    for command in ("start-worker --burst", "list-jobs"):
        assert warning in cli.run("job-queue", *command.split(), code=0).stderr
    assert warning in cli.run("schedule", "list", code=0).stderr
    assert "Warning" not in cli.run("job-queue", "add-job", "quick", code=0).stderr
    ended = cli.run("job-queue", "migrate", "--to", "rq", code=0)
    assert ended.stdout.startswith("2 schedules and 1 job moved\n")
    assert "Next" not in ended.stderr
    assert len(listed(project)[1]) == 2
    assert "Warning" not in cli.run("job-queue", "start-worker", "--burst", code=0).stderr


def test_the_old_queue_takes_nothing_new(cli: Cli, project: Path) -> None:
    """A program with the old configuration is told, instead of adding what nobody runs."""
    cli.run(*TO_REDIS, code=0)
    error = cli.run("job-queue", "add-job", "quick", "--json", code=8).error
    assert "The job queue was moved to redis://:***@127.0.0.1" in error["message"]
    assert "conf/project.yml" in error["hint"]
    assert cli.run("schedule", "add", "quick", "--cron", "@daily", code=8)


def test_what_cannot_move_is_listed(
    cli: Cli, project: Path, namespace: str, redis_server: RedisServer
) -> None:
    """With exit code 8, after all else has moved."""
    edit(project, ON_REDIS.format(namespace, redis_server.url()))
    cli.run("job-queue", "add-job", "quick", "--job-id", "one", code=0)
    ended = cli.run("job-queue", "migrate", "--to", "rq", "--json", code=8)
    assert ended.json["remaining"] == [
        {"kind": "job", "id": "one", "reason": "there is a job one already", "is_conflict": True}
    ]
    assert ended.json["schedules"] == ["quick-1", "slow"]
    assert ended.error["details"] == ["job one: there is a job one already"]
    shown = cli.run("job-queue", "migrate", "--to", "rq", "--dry-run", code=8)
    assert "job    one  there is a job one there" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ("--to rq --to-url redis://:tulip@localhost:1/0", ["password", "'${REDIS_URL}'"]),
        ("--to rq --from-url redis://u:tulip@localhost", ["password"]),
        ("--to rq --to-url sqlite:///x.db", ["--to-url", "job_queue.type: apscheduler"]),
        ("--to rq --to-url ${REDIS_UR}", ["is not set", "REDIS_URL"]),
        ("--to rq --from-url mysql://x", ["--from-url", "'mysql'", "redis://"]),
        ("--to rq --from-url sqlite:///none.db", ["none.db does not exist", "--from-url"]),
        ("--to apscheduler --from-url sqlite:///.flowerpower/jobs.db", ["the same"]),
        ("--to rqq", ["rq"]),
        ("", ["--to"]),
    ],
)
def test_wrong_places_are_refused(
    cli: Cli, project: Path, arguments: str, parts: list[str]
) -> None:
    """With exit code 2, one clear sentence, and nothing moved or closed."""
    before = listed(project)
    ended = cli.run("job-queue", "migrate", *arguments.split(), code=2)
    for part in parts:
        assert part in " ".join(ended.stderr.split())
    assert "tulip" not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert listed(project) == before
    assert not (project / "none.db").exists()


def test_a_redis_that_is_away_closes_nothing(cli: Cli, project: Path) -> None:
    """Exit code 5; the queue goes on as it was."""
    cli.environ["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    cli.run(*TO_REDIS, code=5)
    cli.run("job-queue", "add-job", "quick", code=0)
    assert len(listed(project)[0]) == 2


def test_progress_is_shown_on_a_terminal(cli: Cli, project: Path) -> None:
    """A bar on stderr; the result on stdout."""
    ended = cli.run_in_terminal(*TO_REDIS)
    assert ended.code == 0, ended
    assert "moving" in ended.stderr
    assert "3/3" in ended.stderr
    assert "2 schedules and 1 job moved" in ended.stdout


def test_from_python(project: Path, redis_server: RedisServer) -> None:
    """`manager.job_queue.migrate` returns the report, and raises what the command line says."""
    manager = PipelineManager(project, quiet=True)
    calls: list[tuple[int, int]] = []
    report = manager.job_queue.migrate(
        "rq", to_url=redis_server.url(), on_progress=lambda done, total: calls.append((done, total))
    )
    assert (report.schedules, report.jobs) == (["quick-1", "slow"], ["one"])
    assert calls[-1] == (3, 3)
    assert json.loads(json.dumps(report.to_json()))["target"]["backend"] == "rq"
    with pytest.raises(Refused, match="was moved to redis://"):
        manager.add_job("quick")
    with pytest.raises(UsageError, match="no job queue of type 'redis'"):
        manager.job_queue.migrate("redis")
    manager.close()


def test_one_word_moves_a_new_project(cli: Cli, redis_server: RedisServer, namespace: str) -> None:
    """In the project.yml that `init` writes, the type alone says where jobs are kept."""
    for name, backend, other in (
        (namespace, "apscheduler", "rq"), (f"{namespace}-r", "rq", "apscheduler"),
    ):  # fmt: skip
        cli.run("init", name, "--type", backend, "--timezone", "UTC", code=0)
        file = cli.folder / name / "conf" / "project.yml"
        text = file.read_text()
        assert text.count(f"type: {backend}\n") == 1
        for kind in (backend, other):
            file.write_text(text.replace(f"type: {backend}\n", f"type: {kind}\n"))
            manager = PipelineManager(cli.folder / name)
            assert (manager.job_queue.type, manager.job_queue.in_memory) == (kind, False)
            assert manager.project.job_queue.backend.url is None
    url = {"FLOWERPOWER_JOB_QUEUE_URL": redis_server.url()}
    ended = cli.run("job-queue", "list-jobs", "--json", "--base-dir", f"{namespace}-r", code=0)
    assert ended.json == []
    file.write_text(text)
    ended = cli.run(
        "job-queue", "list-jobs", "--json", "--base-dir", f"{namespace}-r", code=0, **url
    )
    assert ended.json == []
