"""What a worker says of a job that it has lost: whether it runs again."""

from __future__ import annotations

import json

import pytest

from flowerpower.config.files import Project, load_project
from flowerpower.job_queue.worker_options import WorkerEvent
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
