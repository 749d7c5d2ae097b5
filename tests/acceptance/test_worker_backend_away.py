"""The backend goes away while jobs run: what they come to is kept, and written down afterwards."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.fault_records import counted
from tests.acceptance.traces import overlaps, spans_of
from tests.acceptance.working import MakeSite, Site, value
from tests.conditions import WAIT_LIMIT, eventually, slowed
from tests.servers import PostgresServer, RedisServer

COUNTS = """
import time
from traced import traced
for n in range(40):
    print(n, flush=True)
    traced(name, seconds / 40)
return name
"""
Away = Callable[[], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def _locked(site: Site) -> Iterator[None]:
    """Somebody else is in the middle of a long write."""
    database = sqlite3.connect(
        site.root / ".flowerpower" / "jobs.db", timeout=30, isolation_level=None
    )
    with contextlib.closing(database):
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


@contextlib.contextmanager
def _stopped(server: PostgresServer | RedisServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def _runs_once(site: Site, away: contextlib.AbstractContextManager[None], seconds: float) -> None:
    site.pipeline("counts", COUNTS, parameters="name: str, seconds: float")
    workers = [site.worker(), site.worker()]
    # Two end while it is away, two after it came back.
    ids = [site.add("counts", f"job-{n}", name=f"job-{n}", seconds=2.0 + n % 2 * seconds)
           for n in range(4)]  # fmt: skip
    eventually(lambda: len({name for name, *_ in site.trace()}) == 4)
    with away:
        began = time.monotonic()
        eventually(lambda: time.monotonic() - began > seconds)
    jobs = site.drained(ids)
    spans = spans_of(site.trace())
    # A run calls `traced` forty times: what counts is in how many processes.
    processes = {(name, pid) for name, _, pid, _ in site.trace()}
    counted(
        lost=sum(not job.status.is_ended for job in jobs),
        doubled=len(processes) - len(ids),
        overlapping=sum(overlaps(spans[job_id]) for job_id in ids),
    )
    assert sorted(value(job) for job in jobs) == ids
    assert {(job.attempt, job.worker_losses) for job in jobs} == {(1, 0)}
    for each in ids:
        assert len({pid for name, _, pid, _ in site.trace() if name == each}) == 1
        assert site.log(each) == "".join(f"{n}\n" for n in range(40))
    for worker in workers:
        assert [each["status"] for each in worker.events("job")] == ["finished"] * len(
            worker.events("job")
        )
        assert not worker.events("worker_died")
        assert not worker.events("lost")
        assert worker.stop() == 0
        assert worker.errors.read_text("utf-8") == ""


@pytest.mark.fault("sqlite-locked")
@pytest.mark.parametrize("seconds", [8, pytest.param(30, marks=pytest.mark.faults)])
def test_a_locked_file_costs_no_job(make_site: MakeSite, seconds: float):
    """SQLite locked for much longer than a lease: no job is lost, none runs twice."""
    site = make_site()
    _runs_once(site, _locked(site), seconds)


@pytest.mark.fault("postgresql-restarted")
def test_a_stopped_server_costs_no_job(make_site: MakeSite, postgres: PostgresServer):
    """PostgreSQL stopped for 5 s, longer than a lease: no job is lost, none runs twice."""
    site = make_site(postgres.new_database())
    _runs_once(site, _stopped(postgres), 5)


@pytest.mark.fault("redis-away")
@pytest.mark.parametrize("seconds", [8, pytest.param(30, marks=pytest.mark.faults)])
def test_a_redis_that_is_away_costs_no_job(make_site: MakeSite, seconds: float):
    """Redis stopped for up to ten times a lease: what ran is finished and recorded once."""
    with contextlib.closing(RedisServer("--appendfsync", "always")) as server:
        site = make_site(server.url())
        _runs_once(site, _stopped(server), seconds)


def test_while_the_backend_is_away_a_worker_ends_when_told_twice(
    make_site: MakeSite, postgres: PostgresServer
):
    """With an outcome that cannot be written a second signal ends it; the job runs again later."""
    site = make_site(postgres.new_database())
    site.pipeline("counts", COUNTS, parameters="name: str, seconds: float")
    job = site.add("counts", "job", name="job", seconds=1.0)
    worker = site.worker()
    eventually(site.trace)
    with _stopped(postgres):
        eventually(lambda: worker.events("unreachable"))
        worker.signal(15)
        eventually(lambda: worker.events("stopping"))
        worker.signal(15)
        assert worker.process.wait(WAIT_LIMIT) == 0
        assert site.left() == []
    site.worker()
    assert value(site.ended(job)) == "job"


def test_a_worker_that_waits_for_its_first_connection_ends(site: Site):
    """A worker that cannot begin, because the file is locked, ends within 20 s of a signal."""
    with _locked(site):
        worker = site.worker(wait=False)
        eventually(lambda: worker.process.poll() is not None or _has_handlers(worker.process.pid))
        began = time.monotonic()
        worker.signal(15)
        worker.process.wait(WAIT_LIMIT)
        assert time.monotonic() - began < slowed(20)
    eventually(lambda: not site.left())


def _has_handlers(pid: int) -> bool:
    """Whether the process catches TERM."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        (caught,) = [line.split()[1] for line in file if line.startswith("SigCgt")]
    return bool(int(caught, 16) & 1 << 14)
