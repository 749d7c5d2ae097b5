"""A paused queue gives no jobs to workers until it is resumed; all else goes on."""

import pytest

from flowerpower.errors import UsageError
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobStatus
from flowerpower.triggers import clock
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FakeWorker, in_seconds, retry_at, spec


def test_a_paused_queue_gives_no_jobs(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Until it is resumed; the other queues do, in their order."""
    backend.add_job(spec("held"))
    backend.add_job(spec("other", queue="slow"))
    assert backend.pause_queue("default")
    queues = ("default", "slow")
    assert [claim.job_id for claim in fake_worker.claim(5, *queues)] == ["other"]
    assert backend.next_due_in(queues) is None
    assert fake_worker.status("held") is JobStatus.QUEUED
    assert backend.resume_queue("default")
    assert backend.next_due_in(queues) == 0
    assert [claim.job_id for claim in fake_worker.claim(5, *queues)] == ["held"]


def test_to_pause_the_paused_changes_nothing(backend: JobQueueBackend) -> None:
    """And says so; the time is that of the first."""
    before = clock.now()
    assert backend.paused_queues() == {}
    assert backend.pause_queue("default") is True
    paused = backend.paused_queues()
    assert backend.pause_queue("default") is False
    assert backend.paused_queues() == paused
    assert abs((paused["default"] - before).total_seconds()) < 5
    assert backend.resume_queue("default") is True
    assert backend.resume_queue("default") is False
    assert backend.paused_queues() == {}


def test_a_pause_is_seen_by_all_and_lasts(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """Another manager sees it, also one that is opened later, but no other project."""
    backend.pause_queue("default")
    with setup.open() as other:
        assert set(other.paused_queues()) == {"default"}
        other.resume_queue("default")
    assert backend.paused_queues() == {}
    backend.pause_queue("default")
    with setup.open(namespace="another") as foreign:
        assert foreign.paused_queues() == {}
        worker = FakeWorker(foreign)
        foreign.add_job(spec("free"))
        assert worker.take().job_id == "free"


def test_jobs_of_a_paused_queue_wait_as_ever(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """They are added, cancelled, become due and too old; one that runs ends, or waits again."""
    backend.add_job(spec("running"))
    claim = fake_worker.take()
    backend.pause_queue("default")
    backend.add_job(spec("later", run_at=in_seconds(3600)))
    assert backend.next_due_in(["default"]) is None
    backend.add_job(spec("cancelled"))
    assert backend.cancel_job("cancelled").status is JobStatus.CANCELLED
    backend.add_job(spec("old", expires=0.01))
    expired: list[str] = []
    while not expired:
        expired = [job.id for job in backend.expire_jobs()]
    assert expired == ["old"]
    assert backend.record(claim, "still here\n", None)
    assert fake_worker.finish(claim, retry_at(in_seconds(0)))
    assert fake_worker.claim() == []
    backend.resume_queue("default")
    assert fake_worker.take().job_id == "running"


def test_a_name_that_is_none_is_refused(backend: JobQueueBackend) -> None:
    """Before anything is written."""
    for act in (backend.pause_queue, backend.resume_queue):
        with pytest.raises(UsageError):
            act("no queue\n")
    assert backend.paused_queues() == {}
