"""The status of a project from Python: its numbers, and what is wrong."""

import json

import pytest

from flowerpower.pipeline import PipelineManager
from flowerpower.triggers import clock
from tests.conftest import MakeProject
from tests.contract.fake_worker import FAILED, FakeWorker

PIPELINE = "def total(number: int = 1) -> int:\n    return number\n"


@pytest.fixture
def manager(make_project: MakeProject) -> PipelineManager:
    return PipelineManager(make_project(report=("", PIPELINE)), quiet=True)


def codes(manager: PipelineManager) -> list[str]:
    return [problem.code for problem in manager.status().problems]


def test_a_new_project_has_nothing_wrong(manager: PipelineManager) -> None:
    """Its queues are there, with no job."""
    status = manager.status()
    assert [(queue.name, sum(queue.counts.values())) for queue in status.queues] == [("default", 0)]
    assert (status.problems, status.workers, status.schedules) == ([], [], 0)
    assert status.backend["backend"] == "apscheduler"


def test_what_happens_is_shown(manager: PipelineManager) -> None:
    """Running and failed jobs, the next fires, and all of it as JSON."""
    worker = FakeWorker(manager.job_queue.backend)
    for _ in range(3):
        manager.add_job("report")
    failed, running = worker.claim(2)
    assert worker.finish(failed, FAILED)
    manager.schedule("report", interval="1h")
    status = manager.status()
    assert [job.id for job in status.failed] == [failed.job_id]
    assert [job.id for job in status.running] == [running.job_id]
    assert [schedule.id for schedule in status.upcoming] == ["report-1"]
    body = json.loads(json.dumps(status.to_json()))
    assert body["queues"][0]["counts"]["queued"] == 1
    assert body["workers"][0]["alive"] is True
    assert body["schedules"] == 1
    assert clock.parse_time(body["taken_at"]) == status.taken_at


def test_work_that_nobody_does_is_a_problem(manager: PipelineManager) -> None:
    """Without a worker, and without a scheduler; each says what to do."""
    manager.add_job("report")
    manager.schedule("report", interval="1h")
    status = manager.status()
    assert codes(manager) == ["queue_without_worker", "no_scheduler"]
    assert "1 job waits" in status.problems[0].message
    assert all("start-worker" in str(problem.hint) for problem in status.problems)
    worker = FakeWorker(manager.job_queue.backend)
    assert codes(manager) == []
    manager.job_queue.backend.unregister_worker(worker.name)
    assert codes(manager) == ["queue_without_worker", "no_scheduler"]


def test_a_paused_queue_is_a_problem(manager: PipelineManager) -> None:
    """Instead of one that has no worker."""
    manager.add_job("report")
    assert manager.job_queue.pause_queue("default")
    (problem,) = manager.status().problems
    assert (problem.code, problem.level) == ("queue_paused", "warning")
    assert "resume default" in str(problem.hint)
    assert manager.job_queue.resume_queue("default")
    assert codes(manager) == ["queue_without_worker"]
