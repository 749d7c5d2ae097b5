"""PostgreSQL when it fails: stopped, cut off, opened by many at once, or opened wrongly."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from flowerpower.errors import BackendUnreachable, ConfigError
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.apscheduler.database import Transaction
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter, JobStatus
from tests.acceptance.fault_records import compared
from tests.conditions import eventually, slowed
from tests.contract.fake_worker import FINISHED, FakeWorker, spec
from tests.contract.in_processes import in_processes, in_threads, open_only
from tests.contract.kills import added_until, assert_outlived
from tests.servers import PASSWORD, PostgresServer, free_port


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of the test's own, which it may stop."""
    own = PostgresServer()
    yield own
    own.close()


def reaches(backend: JobQueueBackend) -> bool:
    try:
        backend.check()
    except BackendUnreachable:
        return False
    return True


def test_statistics_of_an_empty_table_slow_nobody_down(postgres: PostgresServer) -> None:
    """PostgreSQL plans with what it knew before thousands of jobs were added at once."""
    with JobQueueManager(url=postgres.url(), namespace="statistics") as backend:
        worker = FakeWorker(backend)
        backend.add_job(spec("first"))
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("ANALYZE")
            columns = "pipeline, queue, payload, status, run_at, created_at, result_ttl, priority"
            connection.execute(
                f"INSERT INTO flowerpower_jobs (namespace, id, {columns}) "
                f"SELECT namespace, 'copy-' || number, {columns} FROM flowerpower_jobs, "
                "generate_series(1, 8000) AS number WHERE namespace = 'statistics'"
            )
        began = time.monotonic()
        backend.add_job(spec("last"))
        assert len(worker.claim(10)) == 10
        assert worker.finish(worker.take(), FINISHED)
        assert time.monotonic() - began < slowed(2)


def test_a_long_list_is_made_outside_of_its_transaction(postgres: PostgresServer) -> None:
    """PostgreSQL ends a transaction that is idle too long; to make thousands of records takes time."""
    url = postgres.url()
    with JobQueueManager(url=url, namespace="long-list") as backend:
        backend.add_job(spec("first"))
        with psycopg.connect(url, autocommit=True) as connection:
            columns = "pipeline, queue, payload, status, run_at, created_at, result_ttl, priority"
            connection.execute(
                f"INSERT INTO flowerpower_jobs (namespace, id, {columns}) "
                f"SELECT namespace, 'copy-' || number, {columns} FROM flowerpower_jobs, "
                "generate_series(1, 9999) AS number WHERE namespace = 'long-list'"
            )
        wanted = JobFilter(limit=10_000)
        began = time.monotonic()
        backend.list_jobs(wanted)
        limit = round((time.monotonic() - began) / 2 * 1000)
    limited = f"{url}?options=-c%20idle_in_transaction_session_timeout%3D{limit}"
    with JobQueueManager(url=limited, namespace="long-list") as backend:
        assert len(backend.list_jobs(wanted)) == 10_000


@pytest.mark.fault("postgresql-restarted")
def test_a_server_that_was_away_is_used_again(server: PostgresServer) -> None:
    """While it is stopped each call says so in time, without the password; then all goes on."""
    with JobQueueManager(url=server.url()) as backend:
        fake_worker = FakeWorker(backend)
        claim = fake_worker.make(JobStatus.RUNNING)
        assert claim is not None
        server.stop()
        for call in (lambda: fake_worker.finish(claim), backend.check):
            began = time.monotonic()
            with pytest.raises(BackendUnreachable) as unreachable:
                call()
            assert time.monotonic() - began < slowed(8)
            assert "postgresql://flowerpower:***@127.0.0.1" in unreachable.value.message
            assert "refused" in unreachable.value.message, "the reason is lost"
            assert PASSWORD not in unreachable.value.message
            assert "\n" not in unreachable.value.message
        server.start()
        eventually(lambda: reaches(backend))
        assert fake_worker.finish(claim, FINISHED, "at last\n")
        assert fake_worker.status() is JobStatus.FINISHED


@pytest.mark.fault("postgresql-killed")
def test_what_was_acknowledged_outlives_a_kill(server: PostgresServer) -> None:
    """Kill -9 of the server under four that add: what each was told is there, once."""

    def open_queue() -> JobQueueBackend:
        return JobQueueManager(url=server.url())

    open_queue().close()
    expected = added_until(open_queue, server.kill)
    server.start()
    with open_queue() as backend:
        assert_outlived(backend, expected)


@pytest.mark.fault("postgresql-cut")
def test_connections_that_are_cut_are_replaced(postgres: PostgresServer) -> None:
    """Connections that the server terminates between calls are no error, and nothing is lost."""
    with JobQueueManager(url=postgres.new_database()) as backend:
        for number in range(4):
            backend.add_job(spec(f"n-{number}"))
            postgres.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'flowerpower'"
            )
        claimed = [claim.job_id for claim in FakeWorker(backend).claim(100)]
        compared((f"n-{number}" for number in range(4)), claimed)
        assert len(backend.list_jobs(JobFilter())) == len(claimed) == 4


def test_a_worker_frozen_in_a_transaction_holds_up_nobody(postgres: PostgresServer) -> None:
    """What a transaction has locked is free again after five seconds of silence; others go on."""
    url = postgres.new_database()
    with JobQueueManager(url=url) as frozen, JobQueueManager(url=url) as other:
        other.add_job(spec("subject"))
        held = frozen.database.write()  # type: ignore[attr-defined]
        held.__enter__().rows("lock_named_jobs", {"ids": ":id"}, id="subject", now=0.0)
        began = time.monotonic()

        def cancelled() -> bool:
            with contextlib.suppress(BackendUnreachable):
                return other.cancel_job("subject").status is JobStatus.CANCELLED
            return False

        eventually(cancelled)
        assert time.monotonic() - began > 3, "the row was not locked at all"
        with pytest.raises(BackendUnreachable):
            held.__exit__(None, None, None)
        assert frozen.get_job("subject").status is JobStatus.CANCELLED


def test_eight_processes_make_the_tables_once(postgres: PostgresServer, tmp_path: Path) -> None:
    """An empty database that eight processes open at once is whole, and all their jobs are in it."""
    options = {"url": postgres.new_database(), "base_dir": str(tmp_path)}
    assert in_processes(8, open_only, options) == [""] * 8
    with JobQueueManager(**options) as backend:
        assert len(backend.list_jobs(JobFilter())) == 8


@pytest.mark.fault("postgresql-newer")
def test_tables_of_a_newer_version_are_refused(postgres: PostgresServer) -> None:
    """A schema that a newer flowerpower made is left as it is, and named."""
    url = postgres.new_database()
    with JobQueueManager(url=url) as backend:
        database = backend.database  # type: ignore[attr-defined]
        with database.write() as transaction:
            transaction.execute("UPDATE flowerpower_schema SET version = 99", {})
    with pytest.raises(BackendUnreachable, match=r"newer flowerpower .*version 99"):
        JobQueueManager(url=url)


@pytest.mark.fault("postgresql-address")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"password": "wrong-secret"}, "password authentication failed"),
        ({"password": "sec%ret@with:all/of?it"}, "password authentication failed"),
        ({"database": "nothing"}, 'database "nothing" does not exist'),
        ({"port": 0}, "refused"),
    ],
)
def test_a_wrong_address_is_told_in_a_line(
    postgres: PostgresServer, options: dict[str, Any], expected: str
) -> None:
    """A wrong password, database or port: one line, soon, without the secret."""
    if "port" in options:
        options = {"port": free_port()}
    began = time.monotonic()
    with pytest.raises(BackendUnreachable, match=expected) as unreachable:
        JobQueueManager(url=postgres.url(**options))
    assert time.monotonic() - began < slowed(10)
    message = str(unreachable.value)
    assert "\n" not in message
    for secret in (PASSWORD, "wrong-secret", "sec%ret", "all/of"):
        assert secret not in message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:top%ZZsecret@127.0.0.1/x",
        "postgresql://user:topZZsecret@127.0.0.1:notaport/x",
        "postgresql://user:topZZsecret@[::1/x",
        "postgresql://127.0.0.1:1/x?password=topZZsecret&colour=red",
    ],
)
def test_a_url_that_cannot_be_read_shows_no_password(url: str) -> None:
    """What libpq says of a malformed URL is told without the secrets in it."""
    with pytest.raises((BackendUnreachable, ConfigError)) as unreachable:
        JobQueueManager(url=url)
    message = str(unreachable.value)
    assert "secret" not in message
    assert "\n" not in message


def test_a_step_that_a_deadlock_has_ended_is_done_again(postgres: PostgresServer) -> None:
    """Two that change the same jobs in opposite orders, each after the other has begun, both end."""
    lock = "UPDATE flowerpower_jobs SET priority = priority + 1 WHERE id = :id"
    with JobQueueManager(url=postgres.new_database()) as backend:
        backend.add_jobs([spec("a"), spec("b")])
        both_have_one = threading.Barrier(2)
        tries: list[int] = []

        def act(ready: Callable[[], object], number: int) -> None:
            ready()
            names = ("ab", "ba")[number]
            is_first = iter([True])

            def step(tx: Transaction) -> None:
                tries.append(number)
                tx.execute(lock, {"id": names[0]})
                if next(is_first, False):
                    both_have_one.wait(60)
                tx.execute(lock, {"id": names[1]})

            backend.database.run(step)  # type: ignore[attr-defined]

        in_threads(2, act)
        # One that is done again may meet the other once more: then it is ended a second time.
        assert len(tries) >= 3
        assert [backend.get_job(name).priority for name in "ab"] == [2, 2]
