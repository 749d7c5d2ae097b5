"""Results and failures where RQ's own tools look for them."""

import datetime
import json
import pickle
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import rq.executions
from rq.job import Job as RqJob
from rq.job import JobStatus as RqStatus
from rq.results import Result

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import AttemptResult, Claim
from flowerpower.jobs.job import JobStatus
from tests.conditions import eventually
from tests.contract.fake_worker import (
    CANCELLED,
    FAILED,
    FINISHED,
    RESULT,
    FakeWorker,
    in_seconds,
    retry_at,
    spec,
)
from tests.contract.on_redis import OnRedis
from tests.contract.stock import Stock

ENDED_AT = datetime.datetime(2026, 11, 28, 12, 0, 5, 250_000, datetime.UTC)
TRACEBACK = (
    'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: no such region\n'
)


def timed(end: AttemptResult) -> AttemptResult:
    """The same end, as a worker gives it: with its time and its seconds."""
    return replace(end, ended_at=ENDED_AT, seconds=2.25)


@pytest.fixture
def backend(redis_place: OnRedis) -> Iterator[JobQueueBackend]:
    with redis_place.open() as opened:
        yield opened


def running(backend: JobQueueBackend, **fields: Any) -> tuple[FakeWorker, Claim]:
    """A worker that RQ knows too, and its claim on the job `subject`."""
    backend.add_job(spec("subject", **fields))
    fake_worker = FakeWorker(backend)
    return fake_worker, fake_worker.take()


def exc_info(job: RqJob) -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return job.exc_info


def ttl(stock: Stock, key: str) -> float:
    return stock.client.pttl(key) / 1000


def test_rq_reads_a_result(backend: JobQueueBackend, stock: Stock) -> None:
    """Its return value is the outputs by node; worker, times and type are those of the attempt."""
    fake_worker, claim = running(backend)
    assert fake_worker.finish(claim, timed(FINISHED))
    job = stock.fetch("subject")
    assert job.return_value() == RESULT["outputs"]
    assert job.get_status() is RqStatus.FINISHED
    assert job.ended_at == ENDED_AT
    assert job.started_at == ENDED_AT - datetime.timedelta(seconds=2.25)
    assert job.enqueued_at is not None
    assert job.worker_name == fake_worker.name
    latest = job.latest_result()
    assert latest is not None
    assert (latest.type, latest.worker_name) == (Result.Type.SUCCESSFUL, fake_worker.name)
    assert (latest.execution_started_at, latest.execution_ended_at) == (
        job.started_at,
        job.ended_at,
    )
    assert backend.get_job("subject").result == RESULT


def test_rq_reads_an_error(backend: JobQueueBackend, stock: Stock) -> None:
    """The traceback of the pipeline is `exc_info` and in the latest result, with any serializer."""
    fake_worker, claim = running(backend)
    error = {**(FAILED.error or {}), "traceback": TRACEBACK}
    assert fake_worker.finish(claim, timed(replace(FAILED, error=error)))
    for job in (stock.fetch("subject"), stock.fetch("subject", None)):
        latest = job.latest_result()
        assert latest is not None
        assert (latest.type, latest.exc_string) == (Result.Type.FAILED, TRACEBACK)
        assert exc_info(job) == TRACEBACK
        assert (job.get_status(), job.worker_name) == (RqStatus.FAILED, fake_worker.name)
    assert backend.get_job("subject").error == error


def test_an_error_without_a_traceback_is_a_line(backend: JobQueueBackend, stock: Stock) -> None:
    fake_worker, claim = running(backend)
    assert fake_worker.finish(claim, FAILED)
    assert exc_info(stock.fetch("subject")) == "ValueError: no such region"


def test_what_the_pickle_serializer_sees(backend: JobQueueBackend, stock: Stock) -> None:
    """State, times and errors; a result, which is JSON, is an error of pickle."""
    fake_worker, claim = running(backend)
    assert fake_worker.finish(claim, timed(FINISHED))
    job = stock.fetch("subject", None)
    assert (job.get_status(), job.ended_at) == (RqStatus.FINISHED, ENDED_AT)
    with pytest.raises(pickle.UnpicklingError, match="invalid load key"):
        job.return_value()


def test_each_attempt_is_a_result(backend: JobQueueBackend, stock: Stock) -> None:
    """A failed attempt that is tried again is a retried one; the last is the latest."""
    fake_worker, claim = running(backend)
    assert fake_worker.finish(claim, retry_at(in_seconds(0)))
    job = stock.fetch("subject")
    assert [result.type for result in job.results()] == [Result.Type.RETRIED]
    assert exc_info(job) is None
    assert ttl(stock, f"rq:results:{job.id}") < 0
    second = eventually(fake_worker.claim)[0]
    assert fake_worker.finish(second)
    kinds = [result.type for result in stock.fetch("subject").results()]
    assert kinds == [Result.Type.SUCCESSFUL, Result.Type.RETRIED]


def test_a_cancelled_attempt_is_a_stopped_one(backend: JobQueueBackend, stock: Stock) -> None:
    fake_worker, claim = running(backend)
    assert fake_worker.finish(claim, CANCELLED)
    latest = stock.fetch("subject").latest_result()
    assert latest is not None
    assert latest.type is Result.Type.STOPPED
    assert stock.fetch("subject").get_status() is RqStatus.CANCELED


def test_a_lost_job_says_so_in_rq(backend: JobQueueBackend, stock: Stock) -> None:
    """After its third loss it has failed, and RQ's tools show why."""
    backend.add_job(spec("subject"))
    for number in range(3):
        fake_worker = FakeWorker(backend, f"worker-{number}")
        fake_worker.take()
        backend.unregister_worker(fake_worker.name)
    message = (backend.get_job("subject").error or {})["message"]
    assert exc_info(stock.fetch("subject")) == f"WorkerLost: {message}"


@pytest.mark.parametrize(("result_ttl", "kept"), [(60.0, 60.0), (-1, 3600.0), (7200.0, 3600.0)])
def test_a_result_expires_in_rq_too(
    redis_place: OnRedis, stock: Stock, result_ttl: float, kept: float
) -> None:
    """After its own time to live, and never after the record."""
    with redis_place.open(history_ttl=3600.0) as backend:
        fake_worker, claim = running(backend, result_ttl=result_ttl)
        assert fake_worker.finish(claim)
        job = stock.fetch("subject")
        assert job.return_value() == RESULT["outputs"]
        assert kept - 30 < ttl(stock, f"rq:results:{job.id}") <= kept
        assert 3570 < ttl(stock, f"rq:job:{job.id}") <= 3600
        assert backend.get_job("subject").result == RESULT


def test_without_a_time_to_live_there_is_no_result(backend: JobQueueBackend, stock: Stock) -> None:
    """As in RQ; nor is there what became of earlier attempts."""
    fake_worker, claim = running(backend, result_ttl=0)
    assert fake_worker.finish(claim, retry_at(in_seconds(0)))
    assert fake_worker.finish(eventually(fake_worker.claim)[0])
    job = stock.fetch("subject")
    assert (job.get_status(), job.latest_result()) == (RqStatus.FINISHED, None)
    assert backend.get_job("subject").result is None
    assert not stock.client.exists(f"rq:results:{job.id}")


def test_a_failure_is_kept_as_long_as_the_record(redis_place: OnRedis, stock: Stock) -> None:
    with redis_place.open(history_ttl=3600.0) as backend:
        fake_worker, claim = running(backend)
        assert fake_worker.finish(claim, FAILED)
        assert 3570 < ttl(stock, f"rq:results:{stock.id('subject')}") <= 3600
        assert backend.retry_job("subject").status is JobStatus.QUEUED
        assert ttl(stock, f"rq:results:{stock.id('subject')}") < 0


@pytest.mark.parametrize("end", [FINISHED, FAILED])
def test_a_small_end_takes_little_memory(
    backend: JobQueueBackend, stock: Stock, end: AttemptResult
) -> None:
    """A new stream takes more than 4 KB in Redis; that of a job has not what it does not need."""
    fake_worker, claim = running(backend)
    assert fake_worker.finish(claim, timed(end))
    assert stock.client.memory_usage(f"rq:results:{stock.id('subject')}", samples=0) < 1500


def test_a_large_result_is_in_redis_once(backend: JobQueueBackend, stock: Stock) -> None:
    """1 MB takes 1.4 MB as RQ keeps it; a job that runs again has its old result no more."""
    text = "x" * 1_000_000
    fake_worker, claim = running(backend)
    assert fake_worker.finish(claim, replace(FINISHED, result={"outputs": {"text": text}}))
    job = stock.fetch("subject")
    keys = list(stock.client.scan_iter(f"*{stock.namespace}*"))
    sizes = {key: stock.client.memory_usage(key, samples=0) or 0 for key in keys}
    assert 1_300_000 < sum(sizes.values()) < 1_800_000, sizes
    assert job.return_value() == {"text": text}
    assert (backend.get_job("subject").result or {})["outputs"] == {"text": text}
    stock.queue.enqueue_job(job)
    fake_worker.take()
    assert stock.client.memory_usage(f"rq:results:{job.id}", samples=0) < 10_000


def test_a_result_that_an_earlier_version_wrote_is_read(
    backend: JobQueueBackend, stock: Stock
) -> None:
    """It had a key of its own."""
    fake_worker, claim = running(backend)
    assert fake_worker.finish(claim)
    stock.client.delete(f"rq:results:{stock.id('subject')}")
    assert backend.get_job("subject").result is None
    key = f"flowerpower:{stock.namespace}:result:subject"
    stock.client.set(key, json.dumps(RESULT))
    assert backend.get_job("subject").result == RESULT


@pytest.mark.parametrize("field", ["return_value", "fp_summary"])
@pytest.mark.parametrize("text", ["{", "%%%", "W10=", "\xff", ""])
def test_a_damaged_result_is_named(
    backend: JobQueueBackend, stock: Stock, field: str, text: str
) -> None:
    """What is in RQ's stream is read as data only, and never stops a reader."""
    fake_worker, claim = running(backend)
    assert fake_worker.finish(claim)
    key = f"rq:results:{stock.id('subject')}"
    ((entry_id, entry),) = stock.client.xrange(key)
    stock.client.delete(key)
    stock.client.xadd(key, {**entry, field.encode(): text}, id=entry_id)
    job = backend.get_job("subject")
    assert job.status is JobStatus.FINISHED
    if text != "W10=" or field == "fp_summary":
        assert (job.error or {}).get("type") == "DamagedRecord"
        assert job.result is None


def test_a_key_of_another_type_stops_nobody(backend: JobQueueBackend, stock: Stock) -> None:
    """Where RQ's stream, and what it knows of a running job, should be is a text: the job ends."""
    subject, name = stock.id("subject"), f"of-{stock.namespace}"
    for key in (f"results:{subject}", f"executions:{subject}", f"execution:{subject}:{name}-1",
                f"worker:{name}:executions"):  # fmt: skip
        stock.client.set(f"rq:{key}", "x")
    backend.add_job(spec("subject"))
    stock.client.set(f"rq:results:{subject}", "x")
    fake_worker = FakeWorker(backend, name)
    claim = fake_worker.take()
    assert fake_worker.finish(claim)
    job = backend.get_job("subject")
    assert (job.status, job.result) == (JobStatus.FINISHED, None)


def test_the_names_that_the_scripts_build_are_rqs() -> None:
    assert Result.get_key("a--b") == "rq:results:a--b"
    assert rq.executions.WORKER_EXECUTIONS_KEY_TEMPLATE == "rq:worker:{0}:executions"
    assert rq.executions.ExecutionRegistry.key_template == "rq:executions:{0}"
    execution = rq.executions.Execution.from_composite_key("a--b:w-1", connection=None)  # type: ignore[arg-type]
    assert execution.key == "rq:execution:a--b:w-1"
    kinds = {kind.name: kind.value for kind in Result.Type}
    assert kinds == {
        "SUCCESSFUL": 1,
        "FAILED": 2,
        "STOPPED": 3,
        "RETRIED": 4,
        "MAX_RETRIES_EXCEEDED": 5,
    }
