"""What RQ's own tools do to jobs of ours: queued again, deleted, stopped; nothing is lost or left."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import rq
from rq.job import JobStatus as RqStatus

from flowerpower.errors import JobNotFound
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter, JobStatus
from tests.conditions import eventually
from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker, in_seconds, retry_at, spec
from tests.contract.on_redis import OnRedis
from tests.contract.stock import Stock


@pytest.fixture
def backend(redis_place: OnRedis) -> Iterator[JobQueueBackend]:
    with redis_place.open() as opened:
        yield opened


def job_key(stock: Stock) -> str:
    return f"rq:job:{stock.id('subject')}"


def test_a_job_that_rq_queues_again_has_its_retries_again(
    backend: JobQueueBackend, stock: Stock
) -> None:
    """As after retry-job: its counts begin anew, its attempts are numbered on and kept."""
    fake_worker = FakeWorker(backend)
    backend.add_job(spec("subject"))
    assert fake_worker.finish(fake_worker.take(), retry_at(in_seconds(0), retries=1, left=0))
    (claim,) = eventually(fake_worker.claim)
    assert claim.retries == 1
    assert fake_worker.finish(claim, replace(FAILED, retries=1))
    stock.queue.failed_job_registry.requeue(stock.id("subject"))
    again = fake_worker.take()
    assert (again.attempt, again.retries, list(again.attempts)) == (3, 0, ["1", "2"])
    job = backend.get_job("subject")
    assert (job.attempts_left, job.worker_losses, job.error) == (None, 0, None)


def test_a_cancelled_job_that_rq_queues_again_runs(backend: JobQueueBackend, stock: Stock) -> None:
    """The request to cancel it is over."""
    backend.add_job(spec("subject"))
    backend.cancel_job("subject")
    stock.registry("canceled").requeue(stock.id("subject"))
    fake_worker = FakeWorker(backend)
    claim = fake_worker.take()
    assert backend.heartbeat(fake_worker.name).held == {"subject": (1, False)}
    assert fake_worker.finish(claim)


def test_a_job_that_rq_queues_again_does_not_expire_in_its_queue(
    redis_place: OnRedis, stock: Stock
) -> None:
    """RQ leaves it the time to live of the failed job; a worker's next tidying takes that away."""
    with redis_place.open(history_ttl=300.0) as backend:
        fake_worker = FakeWorker(backend)
        fake_worker.make(JobStatus.FAILED)
        stock.queue.failed_job_registry.requeue(stock.id("subject"))
        assert 0 < stock.client.ttl(job_key(stock)) <= 300
        backend.prune()
        assert stock.client.ttl(job_key(stock)) == -1
        # And one whose time was over already: it is queued, so it is not pruned.
        expiry = f"flowerpower:{stock.namespace}:expiry"
        stock.client.zadd(expiry, {"subject": 1})
        assert backend.prune() == 0
        assert fake_worker.take().job_id == "subject"


@pytest.mark.parametrize("how", ["delete", "empty"])
def test_a_job_that_rq_deletes_leaves_nothing(
    backend: JobQueueBackend, stock: Stock, how: str
) -> None:
    """It is not found, nor in a list, and once a worker has tidied up none of its keys is left."""
    fake_worker = FakeWorker(backend)
    backend.add_job(spec("subject"))
    claim = fake_worker.take()
    assert backend.record(claim, "words\n", {"done": 1})
    assert backend.release(claim)
    if how == "empty":
        stock.queue.empty()
    else:
        stock.fetch("subject").delete()
    with pytest.raises(JobNotFound):
        backend.get_job("subject")
    assert backend.list_jobs(JobFilter()) == []
    backend.unregister_worker(fake_worker.name)
    backend.prune()
    left = {key.decode() for key in stock.client.scan_iter(f"*{stock.namespace}*")}
    assert left == {f"flowerpower:{stock.namespace}:counts"}


def test_a_job_that_a_killed_worker_of_rq_had_taken_is_queued_again(
    backend: JobQueueBackend, stock: Stock
) -> None:
    """Killed between the queue and the begin of the job, RQ's worker leaves it in a list of its own."""
    backend.add_job(spec("subject"))
    rq.Queue.lmove(stock.client, stock.queue.key, None)
    assert stock.queue.job_ids == []
    backend.prune()
    taken = f"flowerpower:{stock.namespace}:taken"
    assert FakeWorker(backend).claim() == []
    stock.client.hset(taken, stock.id("subject"), time.time() - 61)
    backend.prune()
    assert stock.where("subject") == {"queue"}
    assert FakeWorker(backend).take().job_id == "subject"
    assert stock.client.lrange(stock.queue.intermediate_queue_key, 0, -1) == []
    backend.prune()
    assert not stock.client.exists(taken)


def test_a_job_that_rqs_clean_up_gave_up_is_a_lost_one(
    backend: JobQueueBackend, stock: Stock
) -> None:
    """`rq info` and RQ's workers fail a job whose worker of RQ's has not moved its mark."""
    backend.add_job(spec("subject"))
    worker = rq.SimpleWorker([stock.queue], connection=stock.client)
    dequeued = rq.Queue.dequeue_any([stock.queue], None, stock.client)
    assert dequeued is not None
    execution = worker.prepare_execution(dequeued[0])
    worker.prepare_job_execution(dequeued[0])
    job = backend.get_job("subject")
    assert (job.status, job.worker) == (JobStatus.RUNNING, None)
    stock.client.zadd(stock.registry("wip").key, {execution.composite_key: 1})
    stock.registry("wip").cleanup()
    job = backend.get_job("subject")
    assert (job.status, (job.error or {})["type"]) == (JobStatus.FAILED, "WorkerLost")
    assert "AbandonedJobError" in (job.error or {})["message"]
    assert backend.retry_job("subject").status is JobStatus.QUEUED


def test_ids_of_deleted_jobs_go_page_by_page(backend: JobQueueBackend, stock: Stock) -> None:
    """However many are left, each tidying takes some, and those that are there stay."""
    backend.add_jobs([spec(f"job-{number}") for number in range(500)])
    for number in range(0, 500, 2):
        stock.client.delete(f"rq:job:{stock.id(f'job-{number}')}")
    jobs = f"flowerpower:{stock.namespace}:jobs"
    for _ in range(4):
        backend.prune()
    assert stock.client.zcard(jobs) == 250
    assert len(backend.list_jobs(JobFilter(limit=1000))) == 250


def test_a_job_that_rq_stopped_is_a_cancelled_one(backend: JobQueueBackend, stock: Stock) -> None:
    """RQ's own worker calls it stopped; it may be tried again."""
    backend.add_job(spec("subject"))
    stock.queue.pop_job_id()
    stock.fetch("subject").set_status(RqStatus.STOPPED)
    job = backend.get_job("subject")
    assert (job.status, job.error) == (JobStatus.CANCELLED, None)
    assert backend.retry_job("subject").status is JobStatus.QUEUED
    assert FakeWorker(backend).take().job_id == "subject"


def test_an_end_that_rq_writes_over_a_running_job_is_undone(
    backend: JobQueueBackend, stock: Stock
) -> None:
    """Only a worker of RQ's that was given the id too can do so; the holder's end is the job's."""
    fake_worker = FakeWorker(backend)
    for status, registry in ((RqStatus.FAILED, "failed"), (RqStatus.FINISHED, "finished")):
        job_id = f"job-{registry}"
        backend.add_job(spec(job_id))
        claim = fake_worker.take()
        job = stock.fetch(job_id)
        job.set_status(status)
        job.worker_name = "other"
        job.save()
        stock.client.zadd(stock.registry(registry).key, {job.id: "+inf"})
        assert backend.record(claim, "words\n", None)
        assert stock.where(job_id) == {"wip"}
        assert backend.get_job(job_id).worker == fake_worker.name
        assert fake_worker.finish(claim, FINISHED)
        assert stock.where(job_id) == {"finished"}
        assert backend.get_job(job_id).error is None


def test_what_rq_cancels_while_it_runs_is_let_go(backend: JobQueueBackend, stock: Stock) -> None:
    """Job.cancel is a user's wish: the worker learns by its next beat that it holds nothing."""
    fake_worker = FakeWorker(backend)
    claim = fake_worker.make(JobStatus.RUNNING)
    assert claim is not None
    stock.fetch("subject").cancel()
    assert backend.heartbeat(fake_worker.name).held == {}
    assert not fake_worker.finish(claim)
    assert backend.get_job("subject").status is JobStatus.CANCELLED
    assert stock.where("subject") == {"canceled"}
