"""Workers as the queue knows them: registered, beating, buried."""

from datetime import timedelta
from typing import Any

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import MAX_LOSSES, JobStatus
from flowerpower.triggers import clock
from tests.contract.elsewhere import in_threads
from tests.contract.hand import Hand, spec


def test_a_registered_worker_is_listed_as_it_is(backend: JobQueueBackend, hand: Hand) -> None:
    """Others see a worker's host, process, queues, slots, start and beat."""
    (worker,) = backend.list_workers()
    info = hand.info
    assert (worker.id, worker.host, worker.pid) == (info.id, info.host, info.pid)
    assert (worker.queues, worker.slots, worker.running) == (info.queues, info.slots, ())
    assert abs(worker.started_at - clock.now()) < timedelta(seconds=10)
    assert worker.beat_at is not None
    assert worker.to_json()["queues"] == ["default", "slow"]


def test_a_beat_grows_with_every_heartbeat(backend: JobQueueBackend, hand: Hand) -> None:
    """Each heartbeat moves the worker's own beat, and nobody else's."""
    other = Hand(backend, "other")
    before = backend.beats()
    assert set(before) == {hand.name, other.name}
    assert backend.heartbeat(hand.name).is_known
    assert backend.heartbeat(hand.name).is_known
    after = backend.beats()
    assert after[hand.name] > before[hand.name]
    assert after[other.name] == before[other.name]


def test_workers_are_listed_with_what_they_hold(backend: JobQueueBackend, hand: Hand) -> None:
    """A list of workers names the jobs that each of them runs."""
    other = Hand(backend, "other")
    for job_id in ("a", "b", "c"):
        backend.add_job(spec(job_id))
    hand.claim(2)
    other.take()
    held = {worker.id: set(worker.running) for worker in backend.list_workers()}
    assert held == {hand.name: {"a", "b"}, "other": {"c"}}


def test_a_heartbeat_says_what_is_held(backend: JobQueueBackend, hand: Hand) -> None:
    """Held jobs come with their attempt and whether they are to be cancelled; ended ones do not."""
    hand.make(JobStatus.RUNNING, "a")
    b = hand.make(JobStatus.RUNNING, "b")
    assert b is not None
    hand.make(JobStatus.FINISHED, "c")
    backend.release(b)
    hand.take()
    backend.cancel_job("b")
    assert backend.heartbeat(hand.name).held == {"a": (1, False), "b": (2, True)}


def test_a_worker_that_went_is_not_known(backend: JobQueueBackend, hand: Hand) -> None:
    """Unregistered, a worker is listed no more, and a late heartbeat tells it so."""
    backend.unregister_worker(hand.name)
    assert backend.list_workers() == []
    assert backend.beats() == {}
    heartbeat = backend.heartbeat(hand.name)
    assert (heartbeat.is_known, heartbeat.held) == (False, {})
    assert backend.beats() == {}


def test_what_a_worker_that_went_still_held_is_lost(backend: JobQueueBackend, hand: Hand) -> None:
    """A worker that goes with a job leaves it to others."""
    hand.make(JobStatus.RUNNING)
    backend.unregister_worker(hand.name)
    job = backend.get_job("subject")
    assert (job.status, job.losses, job.worker) == (JobStatus.QUEUED, 1, None)


def test_a_worker_that_stood_still_is_buried_and_its_jobs_lost(
    backend: JobQueueBackend, hand: Hand
) -> None:
    """A dead worker's jobs, all and only its own, are queued again with a loss counted."""
    other = Hand(backend, "other")
    hand.make(JobStatus.RUNNING, "a")
    hand.make(JobStatus.RUNNING, "b")
    other.make(JobStatus.RUNNING, "c")
    assert backend.bury(hand.name, backend.beats()[hand.name]) == 2
    assert set(backend.beats()) == {"other"}
    for job_id in ("a", "b"):
        job = backend.get_job(job_id)
        assert (job.status, job.losses, job.worker) == (JobStatus.QUEUED, 1, None)
    assert hand.status("c") is JobStatus.RUNNING


def test_a_worker_that_has_beaten_since_is_not_buried(backend: JobQueueBackend, hand: Hand) -> None:
    """A burial names the beat that stood still; one more beat and nothing happens."""
    hand.make(JobStatus.RUNNING)
    beat = backend.beats()[hand.name]
    backend.heartbeat(hand.name)
    assert backend.bury(hand.name, beat) == 0
    assert hand.status() is JobStatus.RUNNING
    assert backend.heartbeat(hand.name).is_known


def test_a_buried_worker_learns_that_it_is_not_known(backend: JobQueueBackend, hand: Hand) -> None:
    """Its heartbeat says so, holds nothing, and does not bring it back."""
    claim = hand.make(JobStatus.RUNNING)
    assert claim is not None
    backend.bury(hand.name, backend.beats()[hand.name])
    heartbeat = backend.heartbeat(hand.name)
    assert (heartbeat.is_known, heartbeat.held) == (False, {})
    assert backend.list_workers() == []
    assert hand.finish(claim) is False


def test_a_worker_is_buried_once(backend: JobQueueBackend, hand: Hand) -> None:
    """Of eight that bury one worker at the same moment, one counts its job as lost."""
    hand.make(JobStatus.RUNNING)
    beat = backend.beats()[hand.name]

    def bury(ready: Any, number: int) -> int:
        ready()
        return backend.bury(hand.name, beat)

    assert sorted(in_threads(8, bury)) == [0] * 7 + [1]
    assert backend.get_job("subject").losses == 1


def test_a_job_that_kills_its_workers_is_failed(backend: JobQueueBackend) -> None:
    """After three buried workers the job is failed, and nobody else dies of it."""
    backend.add_job(spec("poison"))
    for number in range(MAX_LOSSES):
        hand = Hand(backend, f"hand-{number}")
        assert hand.take().job_id == "poison"
        assert backend.bury(hand.name, backend.beats()[hand.name]) == 1
    job = backend.get_job("poison")
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error["type"] == "WorkerLost"
    assert Hand(backend, "next").claim() == []
