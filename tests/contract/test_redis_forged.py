"""What others put into Redis: forged jobs are never run, damaged records stop nobody."""

import contextlib
import itertools
import pickle
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Callback, Queue
from rq.job import Job as StockJob
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer, PickleSerializer

from flowerpower.errors import FlowerpowerError
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs.job import JobFilter, JobStatus
from tests.conftest import MakeProject
from tests.contract.fake_worker import FAILED, FakeWorker, in_seconds, spec
from tests.contract.on_redis import OnRedis

BOMB = zlib.compress(b"\0" * 100_000_000)


class Forger:
    """Somebody who may write to our Redis, and wants `touched` to be there."""

    def __init__(self, setup: OnRedis, backend: JobQueueBackend, touched: Path) -> None:
        self.namespace = setup.options["namespace"]
        self.client: redis.Redis = backend.connection.client  # type: ignore[attr-defined]
        self.backend = backend
        self.touched = touched
        self.jobs: list[str] = []
        """RQ's ids of jobs that RQ can read."""

    @property
    def command(self) -> str:
        return f"touch {self.touched}"

    def queue(self, serializer: Any = PickleSerializer) -> Queue:
        return Queue(f"{self.namespace}.default", connection=self.client, serializer=serializer)

    def enqueue(self, serializer: Any = PickleSerializer, **options: Any) -> StockJob:
        job = self.queue(serializer).enqueue("os.system", self.command, **options)
        self.jobs.append(job.id)
        return job

    def key(self, job_id: str) -> str:
        return f"rq:job:{self.namespace}--{job_id}"

    def put(self, job_id: str, **fields: Any) -> None:
        """A hash of a job, and its id in the queue."""
        self.client.hset(self.key(job_id), mapping=fields)
        self.list(f"{self.namespace}--{job_id}")

    def list(self, entry: str | bytes) -> None:
        self.client.lpush(f"rq:queue:{self.namespace}.default", entry)


def callback(forger: Forger) -> Callback:
    return Callback("os.system")


def string_key(forger: Forger) -> None:
    forger.client.set(forger.key("string"), pickle.dumps(forger.command))
    forger.list(f"{forger.namespace}--string")


def list_key(forger: Forger) -> None:
    forger.client.rpush(forger.key("list"), "x", "y")
    forger.list(f"{forger.namespace}--list")


def reused(forger: Forger) -> None:
    """A record of ours, with another function and callbacks written into it."""
    forger.backend.add_job(spec("reused"))
    forged = StockJob.create("os.system", (forger.command,), connection=forger.client)
    forger.client.hset(
        forger.key("reused"),
        mapping={"data": forged.data, "success_callback_name": "os.system",
                 "failure_callback_name": "os.system"},
    )  # fmt: skip


FORGERIES: dict[str, Callable[[Forger], object]] = {
    "pickled": lambda forger: forger.enqueue(),
    "json": lambda forger: forger.enqueue(JSONSerializer),
    "under an id like ours": lambda forger: forger.enqueue(job_id=f"{forger.namespace}--evil"),
    "callbacks": lambda forger: forger.enqueue(
        on_success=callback(forger), on_failure=callback(forger), on_stopped=callback(forger)
    ),
    "for later": lambda forger: forger.jobs.append(
        forger.queue().enqueue_at(in_seconds(-5), "os.system", forger.command).id
    ),
    "our record": reused,
    "bomb": lambda forger: forger.put("bomb", status="queued", data=BOMB),
    "garbage": lambda forger: forger.put("garbage", status="queued", data=b"\x80\x05garbage\xff"),
    "bad status": lambda forger: forger.put("status", status=b"\xff\xfe", data=b"x"),
    "no fields": lambda forger: forger.put("bare", colour="red"),
    "string": string_key,
    "list": list_key,
    "absent": lambda forger: forger.list(f"{forger.namespace}--absent"),
    "absent elsewhere": lambda forger: forger.list(b"\xff\x00 no id of ours"),
    "empty": lambda forger: forger.list(b""),
}  # fmt: skip


def read_all(backend: JobQueueBackend) -> None:
    """What every reader does; our own errors alone are allowed."""
    backend.list_jobs(JobFilter())
    for job_id in (
        "evil",
        "reused",
        "bomb",
        "garbage",
        "status",
        "bare",
        "string",
        "list",
        "absent",
    ):
        with contextlib.suppress(FlowerpowerError):
            backend.get_job(job_id).to_json()
        with contextlib.suppress(FlowerpowerError):
            backend.read_log(job_id, 1)
    backend.list_workers()
    backend.next_due_in(["default"])
    backend.prune(dry_run=True, everything_ended=True)


def failed_for_rq(forger: Forger) -> None:
    for job_id in forger.jobs:
        assert forger.client.hget(f"rq:job:{job_id}", "status") == b"failed", job_id
        registry = FailedJobRegistry(queue=forger.queue())
        assert job_id in registry.get_job_ids()
        assert forger.client.ttl(f"rq:job:{job_id}") > 0


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_in_nobodys_way(redis_place: OnRedis, tmp_path: Path, name: str) -> None:
    """Readers live with it, a claim gives the good job alone, and RQ's tools show it as failed."""
    with redis_place.open() as backend:
        forger = Forger(redis_place, backend, tmp_path / "touched")
        FORGERIES[name](forger)
        backend.add_job(spec("good"))
        read_all(backend)
        claims = FakeWorker(backend).claim(5)
        assert {claim.job_id for claim in claims} - {"reused"} == {"good"}
        failed_for_rq(forger)
        read_all(backend)
        assert backend.next_due_in(["default"]) is None
        assert FakeWorker(backend, "other").claim(5) == []


@pytest.mark.fault("forged-job", "forged-callback", "forged-pickle", "zlib-bomb")
def test_a_worker_runs_nothing_that_was_forged(
    redis_place: OnRedis, tmp_path: Path, make_project: MakeProject
) -> None:
    """Among all forgeries a burst runs the pipeline's own jobs; no file is touched, it ends."""
    make_project(report=("run: {}\n", "def total() -> int:\n    return 42\n"))
    with redis_place.open() as backend:
        forger = Forger(redis_place, backend, tmp_path / "touched")
        for forge in FORGERIES.values():
            forge(forger)
        backend.add_job(spec("good"))
        events: list[str] = []
        assert backend.run_worker(
            WorkerOptions(burst=True), lambda event: events.append(event.kind)
        ) == 2  # fmt: skip
        for job_id in ("good", "reused"):
            job = backend.get_job(job_id)
            assert (job.status, job.result and job.result["outputs"]) == (
                JobStatus.FINISHED,
                {"total": 42},
            )
        assert "trouble" not in events
        failed_for_rq(forger)
        read_all(backend)
    assert not forger.touched.exists()


@pytest.mark.parametrize("name", ["string", "list"])
def test_a_key_that_is_no_record_is_no_job(redis_place: OnRedis, tmp_path: Path, name: str) -> None:
    """Where no record can be, there is no job; a job may be added in its place."""
    with redis_place.open() as backend:
        FORGERIES[name](Forger(redis_place, backend, tmp_path / "touched"))
        assert FakeWorker(backend).claim() == []
        with pytest.raises(FlowerpowerError, match=f"There is no job '{name}'"):
            backend.get_job(name)
        assert backend.add_job(spec(name)).created
        assert backend.get_job(name).status is JobStatus.QUEUED


OURS = [
    "pipeline", "queue", "payload", "result_ttl", "schedule_id", "scheduled_for", "attempt",
    "attempts_left", "retries", "worker_losses", "cancel", "token", "run_at", "created_at", "owner",
    "started_at", "ended_at", "error", "result_expires_at", "priority", "expires_after", "start_by",
    "expired_error", "after_parents", "unique_key", "parked", "max_parallel",
]  # fmt: skip
GARBAGE = [None, b"", b"\xff\xfe", "nan", "-inf", "1e400", "1e18", "-1", "1.5", "0x10", "\x1b[31m"]
DAMAGES = list(itertools.product(GARBAGE, ("queued", "running", "failed")))


@pytest.mark.fault("record-damaged", on="redis")
@pytest.mark.parametrize("field", [*(f"fp_{name}" for name in OURS), "status", "data", "origin"])
@pytest.mark.parametrize("drawn", [6, pytest.param(len(DAMAGES), marks=pytest.mark.faults)])
def test_a_damaged_field_stops_nobody(
    redis_place: OnRedis, dice: random.Random, field: str, drawn: int
) -> None:
    """Garbage in one field, before or during a run: every verb answers, and the good job ends.

    The damaged job is left in a state that a user can end: it can be deleted.
    """
    with redis_place.open() as backend:
        client = backend.connection.client  # type: ignore[attr-defined]
        for garbage, status in dice.sample(DAMAGES, drawn):
            job_id = f"bad-{dice.randrange(2**64)}"
            fake_worker = FakeWorker(backend, f"of-{job_id}")
            key = f"rq:job:{redis_place.options['namespace']}--{job_id}"
            claim = fake_worker.make(JobStatus(status), job_id)
            if garbage is None:
                client.hdel(key, field)
            else:
                client.hset(key, field, garbage)
            case = f"{field}={garbage!r} {status}"
            backend.add_job(spec("good"))
            claims = fake_worker.claim(5)
            assert "good" in {other.job_id for other in claims}, case
            for other in claims:
                assert backend.record(other, "words\n", {"done": 1}), case
                assert fake_worker.finish(other), case
            assert backend.get_job("good").status is JobStatus.FINISHED
            if claim is not None and status == "running":
                backend.heartbeat(fake_worker.name)
                assert fake_worker.finish(claim, FAILED) or field == "status", case
            backend.unregister_worker(fake_worker.name)
            assert all(event.facts["job_id"] for event in backend.events(1000)), case
            assert all(counter.count > 0 for counter in backend.counters()), case
            assert backend.snapshot().queues, case
            for act in (backend.get_job, backend.cancel_job, backend.retry_job):
                with contextlib.suppress(FlowerpowerError):
                    act(job_id)
            backend.list_jobs(JobFilter())
            with contextlib.suppress(FlowerpowerError):
                backend.read_log(job_id, 1)
            FakeWorker(backend, "next").claim(5)
            backend.unregister_worker("next")
            backend.delete_job(job_id)
            backend.delete_job("good")
            assert backend.list_jobs(JobFilter()) == [], case
