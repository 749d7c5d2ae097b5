"""The RQ backend beside RQ's own tools: what they see of it, and what they may do."""

import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import rq.job
import rq.registry
import rq.suspension
import rq.worker_registration
from rq import Queue, Worker

from flowerpower.errors import ConfigError
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.rq import store
from flowerpower.job_queue.rq.fields import ENTRY_POINT, STATUSES
from flowerpower.jobs.job import JobStatus
from tests.contract.fake_worker import FINISHED, FakeWorker, in_seconds, retry_at, spec
from tests.contract.on_redis import OnRedis
from tests.contract.stock import REGISTRIES, Stock
from tests.servers import RedisServer

LUA = Path(store.__file__).parent / "lua"


@pytest.fixture
def backend(redis_place: OnRedis) -> Iterator[JobQueueBackend]:
    with redis_place.open() as opened:
        yield opened


@pytest.mark.parametrize(
    ("status", "where", "word"),
    [
        (JobStatus.SCHEDULED, "scheduled", "scheduled"),
        (JobStatus.QUEUED, "queue", "queued"),
        (JobStatus.RUNNING, "wip", "started"),
        (JobStatus.FINISHED, "finished", "finished"),
        (JobStatus.FAILED, "failed", "failed"),
        (JobStatus.CANCELLED, "canceled", "canceled"),
    ],
)
def test_a_job_is_where_rq_looks_for_it(
    backend: JobQueueBackend, stock: Stock, status: JobStatus, where: str, word: str
) -> None:
    """In each state a job is in that one registry of RQ's, and RQ's Job reads its status."""
    FakeWorker(backend).make(status)
    assert stock.where("subject") == {where}
    assert stock.queue.count == (1 if where == "queue" else 0)
    if where != "queue":
        assert stock.registry(where).count == 1
    job = stock.fetch("subject", None)
    assert job.get_status() == word
    assert (job.func_name, job.description) == (ENTRY_POINT, "report")
    assert job.kwargs == {"pipeline": "report"}
    assert job.origin == stock.queue.name
    assert job.is_finished is (status is JobStatus.FINISHED)


def test_a_job_moves_between_rqs_registries(backend: JobQueueBackend, stock: Stock) -> None:
    """Through retry, loss, cancel and deletion a job is in one place at a time, then in none."""
    fake_worker = FakeWorker(backend)
    fake_worker.make(JobStatus.RUNNING)
    backend.unregister_worker(fake_worker.name)
    assert stock.where("subject") == {"queue"}
    backend.register_worker(fake_worker.info)
    assert fake_worker.finish(fake_worker.take(), retry_at(in_seconds(3600)))
    assert stock.where("subject") == {"scheduled"}
    backend.cancel_job("subject")
    assert stock.where("subject") == {"canceled"}
    backend.retry_job("subject")
    assert stock.where("subject") == {"queue"}
    assert fake_worker.finish(fake_worker.take())
    assert stock.where("subject") == {"finished"}
    backend.delete_job("subject")
    assert stock.where("subject") == set()


def test_rqs_clean_up_leaves_a_running_job_alone(backend: JobQueueBackend, stock: Stock) -> None:
    """Counting and cleaning by RQ's tools, even a year later, takes no running job away."""
    fake_worker = FakeWorker(backend)
    claim = fake_worker.make(JobStatus.RUNNING)
    assert claim is not None
    started = stock.registry("wip")
    started.cleanup()
    started.cleanup(timestamp=time.time() + 366 * 86_400)
    assert started.count == 1
    rq.registry.clean_registries(stock.queue)
    assert started.get_job_ids() == [stock.id("subject")]
    assert backend.heartbeat(fake_worker.name).held == {"subject": (1, False)}
    assert fake_worker.finish(claim)


def test_what_rqs_tools_do_to_a_job_is_noticed(backend: JobQueueBackend, stock: Stock) -> None:
    """Requeued by RQ a failed job runs again; cancelled by RQ it is; emptied away it is not found."""
    fake_worker = FakeWorker(backend)
    fake_worker.make(JobStatus.FAILED)
    stock.registry("failed").requeue(stock.fetch("subject"))
    assert fake_worker.status() is JobStatus.QUEUED
    claim = fake_worker.take()
    assert (claim.job_id, claim.attempt) == ("subject", 2)
    assert stock.where("subject") == {"wip"}
    assert stock.client.ttl(f"rq:job:{stock.id('subject')}") == -1
    assert not stock.client.exists(f"flowerpower:{stock.namespace}:expiry")
    assert fake_worker.finish(claim, FINISHED, "words\n")
    assert stock.where("subject") == {"finished"}

    backend.add_job(spec("cancelled"))
    stock.fetch("cancelled").cancel()
    assert fake_worker.status("cancelled") is JobStatus.CANCELLED
    backend.add_job(spec("emptied"))
    stock.queue.empty()
    assert fake_worker.claim() == []
    assert backend.add_job(spec("emptied")).created
    assert fake_worker.take().job_id == "emptied"


def test_what_rq_requeues_is_in_nobodys_way(backend: JobQueueBackend, stock: Stock) -> None:
    """Jobs that RQ's own tools put into a queue run where they stand, and the others in order."""
    fake_worker = FakeWorker(backend)
    for name in ("first", "last"):
        fake_worker.make(JobStatus.FAILED, name)
    backend.add_job(spec("low", priority=-1))
    stock.registry("failed").requeue(stock.fetch("last"))
    stock.registry("failed").requeue(stock.fetch("first"), at_front=True)
    for number in range(3):
        backend.add_job(spec(f"plain-{number}"))
        backend.add_job(spec(f"high-{number}", priority=number))
    ids = [claim.job_id for claim in fake_worker.claim(20)]
    assert [job_id for job_id in ids if job_id not in ("first", "last")] == [
        "high-2", "high-1", "plain-0", "high-0", "plain-1", "plain-2", "low",
    ]  # fmt: skip
    assert {"first", "last"} < set(ids)


def test_a_job_that_rq_deletes_while_it_runs_is_let_go(
    backend: JobQueueBackend, stock: Stock
) -> None:
    """The worker is told by its next beat that it holds nothing; its finish is refused."""
    fake_worker = FakeWorker(backend)
    claim = fake_worker.make(JobStatus.RUNNING)
    assert claim is not None
    stock.client.delete(f"rq:job:{stock.id('subject')}")
    assert backend.heartbeat(fake_worker.name).held == {}
    assert not fake_worker.finish(claim)
    assert not backend.record(claim, "words\n", None)


@pytest.mark.parametrize("namespace", ["a--b", "a-", "_--", "_-", "a---b"])
def test_a_namespace_that_cannot_be_parted_from_ids_is_refused(
    redis_server: RedisServer, namespace: str
) -> None:
    """`a--b` and `a-` would let two projects mean the same job."""
    with pytest.raises(ConfigError, match="'--' or ends with '-'"):
        JobQueueManager(type="rq", url=redis_server.url(), namespace=namespace)


def test_rq_is_the_one_whose_keys_are_known() -> None:
    """RQ 3, with the names of keys that the scripts build by themselves."""
    assert version("rq").startswith("3.")
    common = (LUA / "common.lua").read_text()
    assert Queue.redis_queue_namespace_prefix == "rq:queue:"
    assert Queue.redis_queues_keys == "rq:queues"
    assert rq.job.Job.redis_job_namespace_prefix == "rq:job:"
    assert "rq .. ':queue:'" in common
    assert "rq .. ':queues'" in (LUA / "queue_order.lua").read_text()
    assert "rq .. ':job:'" in common
    assert "rq .. ':' .. kind .. ':'" in common
    for word, registry in REGISTRIES.items():
        assert registry.key_template == f"rq:{word}:{{0}}"
    assert Worker.redis_worker_namespace_prefix == "rq:worker:"
    assert rq.worker_registration.REDIS_WORKER_KEYS == "rq:workers"
    assert rq.suspension.WORKERS_SUSPENDED == "rq:suspended"
    entry = rq.registry.StartedJobRegistry.parse_job_id("mine--subject:host-1-a-2")
    assert entry == "mine--subject"
    assert {status.value for status in rq.job.JobStatus} >= set(STATUSES)
