"""Workers as the queue knows them: registered, beating, buried."""

from datetime import timedelta
from typing import Any

import pytest

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import LostJobs
from flowerpower.jobs.job import MAX_WORKER_LOSSES, JobStatus
from flowerpower.triggers import clock
from tests.contract.fake_worker import FakeWorker, spec
from tests.contract.in_processes import in_threads


@pytest.mark.in_memory
def test_a_registered_worker_is_listed_as_it_is(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Others see a worker's host, process, queues, slots, start and beat."""
    (worker,) = backend.list_workers()
    info = fake_worker.info
    assert (worker.id, worker.host, worker.pid) == (info.id, info.host, info.pid)
    assert (worker.queues, worker.slots, worker.running) == (info.queues, info.slots, ())
    assert abs(worker.started_at - clock.now()) < timedelta(seconds=10)
    assert worker.beat_at is not None
    assert worker.to_json()["queues"] == ["default", "slow"]


def test_a_beat_grows_with_every_heartbeat(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Each heartbeat moves the worker's own beat, and nobody else's."""
    other = FakeWorker(backend, "other")
    before = backend.beats()
    assert set(before) == {fake_worker.name, other.name}
    assert backend.heartbeat(fake_worker.name).is_known
    assert backend.heartbeat(fake_worker.name).is_known
    after = backend.beats()
    assert after[fake_worker.name] > before[fake_worker.name]
    assert after[other.name] == before[other.name]


def test_workers_are_listed_with_what_they_hold(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A list of workers names the jobs that each of them runs."""
    other = FakeWorker(backend, "other")
    for job_id in ("a", "b", "c"):
        backend.add_job(spec(job_id))
    fake_worker.claim(2)
    other.take()
    held = {worker.id: set(worker.running) for worker in backend.list_workers()}
    assert held == {fake_worker.name: {"a", "b"}, "other": {"c"}}


def test_a_heartbeat_says_what_is_held(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Held jobs come with their attempt and whether they are to be cancelled; ended ones do not."""
    fake_worker.make(JobStatus.RUNNING, "a")
    b = fake_worker.make(JobStatus.RUNNING, "b")
    assert b is not None
    fake_worker.make(JobStatus.FINISHED, "c")
    backend.release(b)
    fake_worker.take()
    backend.cancel_job("b")
    assert backend.heartbeat(fake_worker.name).held == {"a": (1, False), "b": (2, True)}


@pytest.mark.in_memory
def test_a_worker_that_went_is_not_known(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Unregistered, a worker is listed no more, and a late heartbeat tells it so."""
    backend.unregister_worker(fake_worker.name)
    assert backend.list_workers() == []
    assert backend.beats() == {}
    heartbeat = backend.heartbeat(fake_worker.name)
    assert (heartbeat.is_known, heartbeat.held) == (False, {})
    assert backend.beats() == {}


def test_what_a_worker_that_went_still_held_is_lost(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A worker that goes with a job leaves it to others."""
    fake_worker.make(JobStatus.RUNNING)
    backend.unregister_worker(fake_worker.name)
    job = backend.get_job("subject")
    assert (job.status, job.worker_losses, job.worker) == (JobStatus.QUEUED, 1, None)


def test_a_worker_that_stood_still_is_buried_and_its_jobs_lost(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A dead worker's jobs, all and only its own, are queued again with a loss counted."""
    other = FakeWorker(backend, "other")
    fake_worker.make(JobStatus.RUNNING, "a")
    fake_worker.make(JobStatus.RUNNING, "b")
    other.make(JobStatus.RUNNING, "c")
    assert backend.requeue_lost_jobs_of(
        fake_worker.name, backend.beats()[fake_worker.name]
    ) == LostJobs(queued=2)
    assert set(backend.beats()) == {"other"}
    for job_id in ("a", "b"):
        job = backend.get_job(job_id)
        assert (job.status, job.worker_losses, job.worker) == (JobStatus.QUEUED, 1, None)
    assert fake_worker.status("c") is JobStatus.RUNNING


def test_a_worker_that_has_beaten_since_is_not_buried(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A burial names the beat that stood still; one more beat and nothing happens."""
    fake_worker.make(JobStatus.RUNNING)
    beat = backend.beats()[fake_worker.name]
    backend.heartbeat(fake_worker.name)
    assert backend.requeue_lost_jobs_of(fake_worker.name, beat) == LostJobs()
    assert fake_worker.status() is JobStatus.RUNNING
    assert backend.heartbeat(fake_worker.name).is_known


def test_a_buried_worker_learns_that_it_is_not_known(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Its heartbeat says so, holds nothing, and does not bring it back."""
    claim = fake_worker.make(JobStatus.RUNNING)
    assert claim is not None
    backend.requeue_lost_jobs_of(fake_worker.name, backend.beats()[fake_worker.name])
    heartbeat = backend.heartbeat(fake_worker.name)
    assert (heartbeat.is_known, heartbeat.held) == (False, {})
    assert backend.list_workers() == []
    assert fake_worker.finish(claim) is False


def test_a_worker_is_buried_once(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Of eight that remove one dead worker at the same moment, one counts its job as lost."""
    fake_worker.make(JobStatus.RUNNING)
    beat = backend.beats()[fake_worker.name]

    def requeue_lost_jobs_of(ready: Any, number: int) -> int:
        ready()
        return backend.requeue_lost_jobs_of(fake_worker.name, beat).count

    assert sorted(in_threads(8, requeue_lost_jobs_of)) == [0] * 7 + [1]
    assert backend.get_job("subject").worker_losses == 1


def test_a_job_that_kills_its_workers_is_failed(backend: JobQueueBackend) -> None:
    """After three buried workers the job is failed, and nobody else dies of it.

    Each burial counts what has become of which job.
    """
    backend.add_job(spec("poison"))
    for number in range(1, MAX_WORKER_LOSSES + 1):
        fake_worker = FakeWorker(backend, f"worker-{number}")
        assert fake_worker.take().job_id == "poison"
        is_last = number == MAX_WORKER_LOSSES
        if is_last:
            for job_id in ("innocent", "unwanted"):
                backend.add_job(spec(job_id))
                assert fake_worker.take().job_id == job_id
            backend.cancel_job("unwanted")
        lost = backend.requeue_lost_jobs_of(fake_worker.name, backend.beats()[fake_worker.name])
        assert lost == (LostJobs(queued=1, failed=1, cancelled=1) if is_last else LostJobs(1))
    assert fake_worker.status("unwanted") is JobStatus.CANCELLED
    job = backend.get_job("poison")
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error["type"] == "WorkerLost"
    (claim,) = FakeWorker(backend, "next").claim(2)
    assert claim.job_id == "innocent"
