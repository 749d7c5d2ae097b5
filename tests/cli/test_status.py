"""`status`, and `job-queue pause` and `resume`: what they show, and who else says it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobStatus
from flowerpower.pipeline import PipelineManager
from tests.cli.watching import beating
from tests.conftest import MakeProject
from tests.contract.fake_worker import FakeWorker, spec, with_inputs
from tests.terminal import Cli

PROJECT = "name: demo\ntimezone: Europe/Berlin\njob_queue: {backend: {queues: [default, slow]}}\n"
REPORT = ("", "def total(n: int = 1) -> int:\n    return n\n")


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    return make_project(PROJECT, report=REPORT)


@pytest.fixture
def backend(project: Path) -> Iterator[JobQueueBackend]:
    with contextlib.closing(PipelineManager(project, quiet=True)) as manager:
        yield manager.job_queue.backend


@pytest.fixture
def worker(backend: JobQueueBackend) -> Iterator[FakeWorker]:
    with beating(FakeWorker(backend)) as beating_worker:
        yield beating_worker


def busy(cli: Cli, worker: FakeWorker) -> None:
    """A queue with one of everything."""
    backend = worker.backend
    worker.make(JobStatus.FAILED, "a-job-with-a-rather-long-name-that-fails")
    running = worker.make(JobStatus.RUNNING, "3f2b8c1e-1111-4222-8333-444444444444")
    assert running is not None
    progress = {"done": 1, "total": 2, "current": "total", "nodes": {}}
    backend.record(running, "", progress)
    backend.add_job(spec("waits", overrides=with_inputs(db_password="hunter2-hunter2")))
    backend.add_job(spec("held", queue="slow"))
    backend.pause_queue("slow")
    cli.run("schedule", "add", "report", "--cron", "0 8 * * *", "-q", code=0)


def test_one_screen_shows_everything(cli: Cli, worker: FakeWorker) -> None:
    """The numbers, jobs, fires and problems; at 80 columns no line is longer."""
    busy(cli, worker)
    text = cli.run("status", code=0).stdout
    for part in (
        r"^demo  .* CET$", r"^  backend +SQLite .* \(apscheduler\)$", r"^  url +sqlite:///",
        r"^  workers +1 alive, 1 of 3 slots used$", r"^worker-1 +default, slow \(paused\) +1 of 3",
        r"^default +0 +1 +1 ", r"^slow .* paused since ",
        r"^3f2b8c1e-1111-4222-8333-444444444444 +report +\S+ +1/2 +total$",
        r"a-job-with-a-rather-long-name-that-fails +report +\S+ +total: ValueError: no such region$",
        r"^report-1 +.*08:00:00 Europe/Berlin +\S+$",
        r"^  warning  The queue slow is paused; 1 job waits in it.$",
        r"^  hint     Let it go on with `flowerpower job-queue resume slow`.$",
    ):  # fmt: skip
        assert re.search(part, text, re.MULTILINE), (part, text)
    shown = cli.run_in_terminal("status", columns=80).stdout
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r", "")
    assert "━━━━━───── 1/2" in plain
    assert max(map(len, plain.splitlines())) <= 80


def test_status_is_json_and_codes(cli: Cli, worker: FakeWorker) -> None:
    """Inputs with the name of a secret are masked; --quiet has the codes of the problems."""
    busy(cli, worker)
    worker.backend.cancel_job("3f2b8c1e-1111-4222-8333-444444444444")
    ended = cli.run("status", "--json", code=0)
    assert {
        "project", "timezone", "taken_at", "backend", "has_scheduler", "schedules", "queues",
        "workers", "running", "failed", "upcoming", "problems", "limits",
    } == set(ended.json)  # fmt: skip
    assert "hunter2" not in ended.stdout
    assert [queue["name"] for queue in ended.json["queues"]] == ["default", "slow"]
    assert ended.json["running"][0]["cancel_requested"] is True
    assert cli.run("status", "--quiet", code=0).stdout == "queue_paused\n"
    assert len(cli.run("status", "--json", "--limit", "0", code=0).json["failed"]) == 0


def test_a_queue_without_anything_has_no_problem(cli: Cli, project: Path) -> None:
    """With 0, and a sentence."""
    ended = cli.run("status", code=0)
    assert "No problems" in ended.stdout
    assert ended.stderr == ""


def test_a_backend_that_is_away_ends_status(cli: Cli, make_project: MakeProject) -> None:
    """With 5: there is nothing to show."""
    make_project("job_queue: {type: rq, backend: {url: 'redis://127.0.0.1:1/0'}}\n")
    assert cli.run("status", code=5).stdout == ""


def test_queues_are_paused_and_resumed(cli: Cli, backend: JobQueueBackend) -> None:
    """Several at once; those that are so already are said, with 0."""
    ended = cli.run("job-queue", "pause", "default", "slow", "slow", code=0)
    assert (ended.stdout, ended.stderr) == ("default  paused\nslow  paused\n", "")
    assert set(backend.paused_queues()) == {"default", "slow"}
    body = cli.run("job-queue", "pause", "default", "--json", code=0).json
    assert body == [
        {"queue": "default", "paused_at": body[0]["paused_at"], "changed": False},
    ]
    assert body[0]["paused_at"].endswith("+00:00")
    ended = cli.run("job-queue", "resume", "default", code=0)
    assert (ended.stdout, ended.stderr) == ("default  resumed\n", "")
    ended = cli.run("job-queue", "resume", "default", code=0)
    assert ended.stderr == "Nothing to do: default: not paused.\n"
    assert cli.run("job-queue", "resume", "slow", "--quiet", code=0).stdout == "slow\n"
    assert backend.paused_queues() == {}


def test_a_queue_that_there_is_not_is_refused(cli: Cli, backend: JobQueueBackend) -> None:
    """With its nearest name; the others are paused all the same."""
    ended = cli.run("job-queue", "pause", "slwo", "default", code=2)
    assert "The project has no queue 'slwo'. Did you mean 'slow'?" in ended.stderr
    assert ended.stdout == "default  paused\n"
    assert cli.run("job-queue", "resume", "nothing", "--json", code=2).error["code"] == "usage"


def test_a_queue_that_is_no_longer_named_can_be_resumed(
    cli: Cli, backend: JobQueueBackend, make_project: MakeProject
) -> None:
    """It was paused, and then left out of project.yml."""
    backend.pause_queue("slow")
    make_project("name: demo\n", report=REPORT)
    cli.run("job-queue", "resume", "slow", code=0)
    assert backend.paused_queues() == {}


def test_who_waits_in_a_paused_queue_is_told(cli: Cli, worker: FakeWorker) -> None:
    """By add-job, list-jobs and workers; with --json and --quiet nothing is."""
    backend = worker.backend
    backend.pause_queue("default")
    note = "No job is taken from default: paused. Go on with: flowerpower job-queue resume default"
    assert note in cli.run("job-queue", "add-job", "report", "--job-id", "one", code=0).stderr
    assert cli.run("job-queue", "list-jobs", code=0).stderr == f"{note}\n"
    for flag in ("--json", "--quiet"):
        assert cli.run("job-queue", "list-jobs", flag, code=0).stderr == ""
    assert "default (paused), slow" in cli.run("job-queue", "workers", code=0).stdout
    backend.cancel_job("one")
    assert cli.run("job-queue", "list-jobs", code=0).stderr == ""


def test_a_burst_worker_ends_at_a_paused_queue(cli: Cli, backend: JobQueueBackend) -> None:
    """And says why; the job stays."""
    backend.add_job(spec("held"))
    backend.pause_queue("default")
    ended = cli.run("job-queue", "start-worker", "--burst", code=0)
    assert ended.stdout == ""
    assert "The queue default is paused: no job is taken until" in ended.stderr
    assert backend.get_job("held").status is JobStatus.QUEUED


def test_a_worker_says_when_a_queue_is_paused_and_resumed(
    cli: Cli, backend: JobQueueBackend
) -> None:
    """And takes the jobs then."""
    with cli.start("job-queue", "start-worker", "--max-jobs", "1") as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any("takes jobs from default, slow" in line for line in lines)
        backend.pause_queue("default")
        backend.add_job(spec("held"))
        assert any("The queue default is paused" in line for line in lines)
        assert backend.get_job("held").status is JobStatus.QUEUED
        backend.resume_queue("default")
        rest = process.stderr.read()
    assert process.returncode == 0
    assert "Stopped after 1 finished." in rest
    assert backend.get_job("held").status is JobStatus.FINISHED


def test_the_hints_of_problems_are_commands(cli: Cli, backend: JobQueueBackend) -> None:
    """Each that names one can be typed as it stands."""
    backend.add_job(spec("waits"))
    backend.pause_queue("slow")
    cli.run("schedule", "add", "report", "--cron", "0 8 * * *", "-q", code=0)
    hints = [problem["hint"] for problem in cli.run("status", "--json", code=0).json["problems"]]
    commands = [re.search(r"flowerpower ([\w -]+)", hint) for hint in hints]
    assert len(hints) == 3
    for found in commands:
        assert found is not None
        # An option that the command does not have is refused before the help is shown.
        cli.run(*found[1].split(), "--help", code=0)
