"""What RQ's own tools show of running jobs and of workers."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from rq import Worker

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.triggers import clock
from tests.contract.fake_worker import (
    CANCELLED,
    FAILED,
    FINISHED,
    FakeWorker,
    in_seconds,
    retry_at,
    spec,
)
from tests.contract.on_redis import OnRedis
from tests.contract.stock import Stock


@pytest.fixture
def backend(redis_place: OnRedis) -> Iterator[JobQueueBackend]:
    with redis_place.open() as opened:
        yield opened


def test_rq_knows_what_a_worker_runs(backend: JobQueueBackend, stock: Stock) -> None:
    """One execution for each attempt, gone with it; a worker with several slots has several."""
    backend.add_jobs([spec("subject"), spec("other")])
    fake_worker = FakeWorker(backend, f"of-{stock.namespace}")
    claims = fake_worker.claim(2)
    worker = Worker([], name=fake_worker.name, connection=stock.client, prepare_for_work=False)
    running_now = {execution.job_id for execution in worker.get_current_executions()}
    assert running_now == {stock.id("subject"), stock.id("other")}
    assert worker.get_current_job_id() in running_now
    (execution,) = stock.fetch("subject").get_executions()
    assert (execution.worker_name, execution.id) == (fake_worker.name, f"{fake_worker.name}-1")
    assert fake_worker.finish(claims[0])
    assert backend.release(claims[1])
    assert worker.get_current_executions(refresh=True) == []
    assert stock.fetch("subject").get_executions() == []
    assert not list(stock.client.scan_iter(f"rq:execution*{stock.namespace}*"))


def test_rq_deletes_a_running_job_whole(backend: JobQueueBackend, stock: Stock) -> None:
    """Job.delete, or a deleted key, leaves no execution once its worker has beaten again."""
    backend.add_job(spec("subject"))
    fake_worker = FakeWorker(backend)
    fake_worker.take()
    stock.fetch("subject").delete()
    assert stock.where("subject") == set()
    backend.add_job(spec("other"))
    fake_worker.take()
    stock.client.delete(f"rq:job:{stock.id('other')}")
    assert backend.heartbeat(fake_worker.name).held == {}
    assert stock.registry("wip").get_job_ids() == []
    assert not list(stock.client.scan_iter(f"rq:execution*{stock.namespace}*"))


def test_a_dead_worker_leaves_no_execution(backend: JobQueueBackend, stock: Stock) -> None:
    """Also not that of a job which RQ's tools deleted before."""
    backend.add_jobs([spec("subject"), spec("other")])
    fake_worker = FakeWorker(backend, f"of-{stock.namespace}")
    fake_worker.claim(2)
    stock.client.delete(f"rq:job:{stock.id('subject')}")
    assert (
        backend.requeue_lost_jobs_of(fake_worker.name, backend.beats()[fake_worker.name]).count == 1
    )
    assert stock.registry("wip").get_job_ids() == []
    assert not list(stock.client.scan_iter(f"rq:execution*{stock.namespace}*"))
    assert not stock.client.exists(f"rq:worker:{fake_worker.name}:executions")


def test_a_worker_is_counted(backend: JobQueueBackend, stock: Stock) -> None:
    """Attempts that succeeded and failed, and their seconds; without RQ's record nothing is left."""
    fake_worker = FakeWorker(backend, f"of-{stock.namespace}")
    key = f"rq:worker:{fake_worker.name}"
    stock.client.hset(key, "birth", "2026-11-28T12:00:00.000000Z")
    try:
        for number, end in enumerate([FINISHED, FAILED, retry_at(in_seconds(3600)), CANCELLED]):
            backend.add_job(spec(f"job-{number}"))
            assert fake_worker.finish(
                fake_worker.take(), replace(end, ended_at=clock.now(), seconds=2.25)
            )
        worker = Worker.find_by_key(key, connection=stock.client)
        assert worker is not None
        assert (worker.successful_job_count, worker.failed_job_count) == (1, 2)
        assert worker.total_working_time == pytest.approx(9.0)
        # Damaged counts stop no job.
        stock.client.hset(key, mapping={"successful_job_count": "x", "total_working_time": "x"})
        backend.add_job(spec("after"))
        assert fake_worker.finish(fake_worker.take())
    finally:
        stock.client.delete(key)
    backend.add_job(spec("last"))
    assert fake_worker.finish(fake_worker.take())
    assert not stock.client.exists(key)
