"""What a worker says of lost jobs: whether they run again."""

from __future__ import annotations

import json

import pytest

from flowerpower.config.files import Project, load_project
from flowerpower.job_queue.worker_options import WorkerEvent
from flowerpower.jobs.claim import LostJobs
from flowerpower_cli.views.events import SchedulerEvents
from flowerpower_cli.views.output import Output
from tests.conftest import MakeProject


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    return load_project(make_project("name: demo\ntimezone: UTC\n"), {})


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("queued", "was lost, and runs again"),
        ("running", "was lost, and runs again"),
        ("failed", "was lost, and is not tried again"),
        ("cancelled", "was lost, and is cancelled"),
        (None, "was lost"),
    ],
)
def test_a_lost_job_is_told_with_what_becomes_of_it(
    project: Project, capsys: pytest.CaptureFixture[str], status: str | None, words: str
) -> None:
    """Nobody takes one that runs again for given up."""
    events = SchedulerEvents(Output(json=True), project, {})
    facts = {"job": "nightly", "reason": "Its worker died", "status": status}
    events.print_event(WorkerEvent("lost", facts))
    line = json.loads(capsys.readouterr().out)
    assert line["message"] == f"The job nightly {words}. Its worker died."
    assert (line["event"], line["level"]) == ("lost", "warning")


@pytest.mark.parametrize(
    ("counts", "level", "words"),
    [
        ((0, 0, 0), "warning", ""),
        ((1, 0, 0), "warning", "; 1 job put back"),
        ((0, 1, 0), "error", "; 1 job failed (lost 3 times)"),
        ((2, 1, 1), "error", "; 2 jobs put back, 1 job failed (lost 3 times), 1 job cancelled"),
    ],
)
def test_a_dead_workers_jobs_are_counted_by_what_they_are_then(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    counts: tuple[int, int, int],
    level: str,
    words: str,
) -> None:
    """A job that fails with its worker is not among those that are put back."""
    events = SchedulerEvents(Output(json=True), project, {})
    lost = LostJobs(*counts)
    facts = {"worker": "host-1", "jobs": lost.count, **vars(lost)}
    events.print_event(WorkerEvent("worker_died", facts))
    line = json.loads(capsys.readouterr().out)
    assert line["message"] == f"The worker host-1 has died{words}."
    assert (line["level"], line["failed"]) == (level, lost.failed)
