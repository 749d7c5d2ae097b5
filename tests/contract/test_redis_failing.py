"""Redis when it fails: stopped, killed, hung, full, or made a replica that takes no writes."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter, JobStatus
from tests.acceptance.fault_records import compared, counted
from tests.conditions import eventually, slowed
from tests.contract.fake_worker import FINISHED, FakeWorker, in_seconds, spec
from tests.contract.kills import added_until, assert_outlived
from tests.contract.on_redis import OnRedis
from tests.servers import PASSWORD, RedisServer, free_port

MakeServer = Callable[..., RedisServer]


@pytest.fixture
def make_server() -> Iterator[MakeServer]:
    """Makes servers of the test's own, with settings."""
    made: list[RedisServer] = []

    def make(*options: str) -> RedisServer:
        made.append(RedisServer(*options))
        return made[-1]

    yield make
    for server in made:
        server.close()


def reaches(backend: JobQueueBackend) -> bool:
    try:
        backend.check()
    except BackendUnreachable:
        return False
    return True


def refuses(call: Callable[[], object]) -> str:
    """What is said of a Redis that cannot be used: in time, in a line, without the password."""
    began = time.monotonic()
    with pytest.raises(BackendUnreachable) as unreachable:
        call()
    counted(hung=int(time.monotonic() - began > slowed(8)))
    assert time.monotonic() - began < slowed(8)
    message = unreachable.value.message
    assert "redis://:***@127.0.0.1" in message
    assert PASSWORD not in message
    assert "\n" not in message
    return message


def keys(server: RedisServer) -> set[bytes]:
    with redis.Redis.from_url(server.url()) as client:
        return set(client.keys("*subject*")) | set(client.keys("rq:queue:*"))


@pytest.mark.fault("redis-away", "redis-down-at-start")
def test_a_server_that_was_away_is_used_again(make_server: MakeServer, tmp_path: Path) -> None:
    """While it is stopped each call says so in time, without the password; then all goes on."""
    server = make_server()
    with OnRedis(tmp_path, server.url()).open() as backend:
        fake_worker = FakeWorker(backend)
        claim = fake_worker.make(JobStatus.RUNNING)
        assert claim is not None
        backend.add_job(spec("next"))
        server.stop()
        for call in (
            lambda: fake_worker.finish(claim),
            lambda: backend.add_job(spec()),
            lambda: backend.list_jobs(JobFilter()),
            backend.list_workers,
            backend.beats,
            fake_worker.claim,
            backend.check,
            lambda: OnRedis(tmp_path, server.url()).open(),
        ):
            refuses(call)
        server.start()
        eventually(lambda: reaches(backend))
        assert fake_worker.finish(claim, FINISHED, "at last\n")
        assert fake_worker.status() is JobStatus.FINISHED
        claimed = [claim.job_id for claim in fake_worker.claim(5)]
        compared(["next"], claimed)
        assert claimed == ["next"]


@pytest.mark.fault("redis-killed")
@pytest.mark.parametrize(("fsync", "grace"), [("always", 0.0), ("everysec", 2.0)])
def test_what_was_acknowledged_outlives_a_kill(
    make_server: MakeServer, tmp_path: Path, fsync: str, grace: float
) -> None:
    """Kill -9 under four that add: what each was told is there, as far as fsync promises it."""
    server = make_server("--appendfsync", fsync)
    setup = OnRedis(tmp_path, server.url())
    expected = added_until(setup.open, server.kill, grace)
    server.start()
    with setup.open() as backend:
        assert_outlived(backend, expected)


@pytest.mark.fault("redis-hung")
def test_a_hung_server_holds_up_nobody(make_server: MakeServer, tmp_path: Path) -> None:
    """A Redis that is stopped by a signal is told in time; what it had been asked is not lost."""
    server = make_server()
    with OnRedis(tmp_path, server.url()).open() as backend:
        fake_worker = FakeWorker(backend)
        backend.add_job(spec("first"))
        os.kill(server.pid, signal.SIGSTOP)
        try:
            refuses(lambda: backend.add_job(spec("subject")))
            refuses(fake_worker.claim)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        eventually(lambda: reaches(backend))
        backend.add_job(spec("subject"))
        held = set(backend.heartbeat(fake_worker.name).held)
        claimed = {claim.job_id for claim in fake_worker.claim(5)}
        compared(["first", "subject"], [*held, *claimed])
        assert held | claimed == {"first", "subject"}
        assert not held & claimed


def fill(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url()) as client:
        client.config_set("maxmemory", 1)


def empty(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url()) as client:
        client.config_set("maxmemory", 0)


def make_replica(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url()) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", free_port())


def make_master(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url()) as client:
        client.execute_command("REPLICAOF", "NO", "ONE")


CHANGES = {
    "full": (fill, empty, "it is full"),
    "replica": (make_replica, make_master, "read only replica"),
}


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param("full", marks=pytest.mark.fault("redis-full")),
        pytest.param("replica", marks=pytest.mark.fault("redis-read-only")),
    ],
)
def test_a_redis_that_takes_no_writes_loses_nothing(
    make_server: MakeServer, tmp_path: Path, cause: str
) -> None:
    """Every write is refused whole, reading goes on, and once the cause is gone so does all else."""
    begin, end, expected = CHANGES[cause]
    server = make_server()
    with OnRedis(tmp_path, server.url()).open() as backend:
        fake_worker = FakeWorker(backend)
        running = fake_worker.make(JobStatus.RUNNING, "running")
        assert running is not None
        fake_worker.make(JobStatus.FAILED, "failed")
        backend.add_job(spec("waiting"))
        later = backend.add_job(spec("later", run_at=in_seconds(0.05)))
        eventually(lambda: in_seconds(0) > later.run_at)
        before = keys(server)
        begin(server)
        for call in (
            lambda: backend.add_job(spec("subject")),
            lambda: backend.add_job(spec("subject", run_at=in_seconds(60))),
            fake_worker.claim,
            lambda: fake_worker.finish(running, FINISHED, "words\n"),
            lambda: backend.record(running, "words\n", {"done": 1}),
            lambda: backend.requeue_lost(running, "gone"),
            lambda: backend.heartbeat(fake_worker.name),
            lambda: backend.cancel_job("waiting"),
            lambda: backend.retry_job("failed"),
            lambda: backend.delete_job("failed"),
            lambda: backend.unregister_worker(fake_worker.name),
            lambda: backend.prune(everything_ended=True),
        ):
            assert expected in refuses(call)
        assert keys(server) == before
        assert {job.id: job.status for job in backend.list_jobs(JobFilter())} == {
            "running": JobStatus.RUNNING,
            "failed": JobStatus.FAILED,
            "waiting": JobStatus.QUEUED,
            "later": JobStatus.SCHEDULED,
        }
        end(server)
        assert backend.heartbeat(fake_worker.name).held == {"running": (1, False)}
        assert fake_worker.finish(running, FINISHED, "words\n")
        assert fake_worker.log("running") == "words\n"
        claimed = [claim.job_id for claim in fake_worker.claim(5)]
        compared(["waiting", "later"], claimed)
        assert claimed == ["waiting", "later"]
        assert backend.add_job(spec("subject")).created


@pytest.mark.fault("redis-read-only")
def test_a_replica_that_waits_for_its_master_is_told(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """A Redis that answers nothing while it has no master is one that cannot be used now."""
    server = make_server("--replica-serve-stale-data", "no")
    with OnRedis(tmp_path, server.url()).open() as backend:
        backend.add_job(spec("subject"))
        make_replica(server)
        for call in (
            lambda: backend.get_job("subject"),
            lambda: backend.list_jobs(JobFilter()),
            lambda: backend.add_job(spec()),
        ):
            refuses(call)
        make_master(server)
        claimed = [claim.job_id for claim in FakeWorker(backend).claim(5)]
        compared(["subject"], claimed)
        assert claimed == ["subject"]
