"""Records that earlier versions wrote to Redis are read in their words."""

from pathlib import Path
from typing import Any

import pytest

from flowerpower.job_queue.schedule_store import FireBatch
from flowerpower.jobs.job import MAX_WORKER_LOSSES, JobFilter, JobStatus
from flowerpower.jobs.schedule import Outcome
from tests.contract.fake_worker import FakeWorker, spec
from tests.contract.on_redis import OnRedis
from tests.contract.test_schedules import every
from tests.servers import RedisServer


@pytest.fixture
def setup(redis_server: RedisServer, tmp_path: Path) -> OnRedis:
    return OnRedis(tmp_path, redis_server.url())


def test_losses_are_counted_on(setup: OnRedis) -> None:
    """A job whose hash has two `fp_losses` shows two worker losses, and fails at the third."""
    with setup.open() as backend:
        client: Any = backend.connection.client  # type: ignore[attr-defined]
        backend.add_job(spec("old"))
        key = f"rq:job:{setup.options['namespace']}--old"
        client.hdel(key, "fp_worker_losses")
        client.hset(key, "fp_losses", MAX_WORKER_LOSSES - 1)
        assert backend.get_job("old").worker_losses == MAX_WORKER_LOSSES - 1
        claim = FakeWorker(backend).take()
        assert backend.requeue_lost(claim, "The worker that ran it died")
        job = backend.get_job("old")
        assert (job.status, job.worker_losses) == (JobStatus.FAILED, MAX_WORKER_LOSSES)


def test_a_fire_that_was_made_is_enqueued(setup: OnRedis) -> None:
    """A row of the ledger with the outcome `made` reads as enqueued, and gets no second job."""
    with setup.open() as backend:
        client: Any = backend.connection.client  # type: ignore[attr-defined]
        backend.schedules.add(every(10, "tick"))
        setup.age(backend, "tick", 15)
        (fire,) = backend.schedules.fire_due().fires
        ledger = f"flowerpower:{setup.options['namespace']}:fire:tick"
        ((time, row),) = client.hgetall(ledger).items()
        client.hset(ledger, time, row.replace(b'"enqueued"', b'"made"'))
        assert [fire.outcome for fire in backend.schedules.fires("tick")] == [Outcome.ENQUEUED]
        backend.delete_job(str(fire.job_id))
        setup.set_next_fire(backend, "tick", fire.fire_time)
        assert backend.schedules.fire_due() == FireBatch((), 1)
        assert backend.list_jobs(JobFilter()) == []
