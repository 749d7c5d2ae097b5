"""What a backend says of its clock and of how its server or file is set up."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest
import redis

from flowerpower.job_queue.apscheduler import postgres_setup
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.problem import Level
from flowerpower.triggers import clock
from tests.contract.backends import BackendSetup
from tests.contract.on_postgresql import OnPostgresql
from tests.contract.on_redis import OnRedis
from tests.contract.on_sqlite import OnSqlite
from tests.contract.stock import Stock
from tests.servers import PostgresServer, RedisServer


def codes(backend: JobQueueBackend) -> list[str]:
    return [problem.code for problem in backend.setup_problems()]


@pytest.mark.in_memory
def test_the_clock_is_that_of_the_queue(backend: JobQueueBackend) -> None:
    """An aware time, which agrees with this machine's here."""
    assert abs((backend.clock() - clock.now()).total_seconds()) < 5


@pytest.mark.in_memory
def test_what_is_set_up_well_is_no_problem(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """The tests' PostgreSQL is the only one that is not: it runs without fsync."""
    expected = {"postgresql": ["postgresql_not_durable"]}
    kind = str(setup.options.get("url", "")).partition(":")[0]
    assert codes(backend) == expected.get(kind, [])
    assert all(problem.hint for problem in backend.setup_problems())


def test_a_redis_that_may_lose_jobs_is_a_problem() -> None:
    """Without its append-only file, with eviction, nearly full, or as a replica."""
    server = RedisServer("--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
    try:
        place = OnRedis(Path(server.folder), server.url())
        with place.open() as backend, redis.Redis.from_url(server.url()) as client:
            assert codes(backend) == ["redis_no_append_only_file", "redis_evicts"]
            assert {problem.level for problem in backend.setup_problems()} == {Level.WARNING}
            client.config_set("appendonly", "yes")
            client.config_set("maxmemory-policy", "noeviction")
            assert codes(backend) == []
            used = client.info("memory")["used_memory"]
            client.config_set("maxmemory", int(used * 1.05))
            assert codes(backend) == ["redis_memory_nearly_full"]
            client.config_set("maxmemory", 0)
            client.replicaof("127.0.0.1", server.port + 1)
            assert codes(backend) == ["redis_is_replica"]
    finally:
        server.close()


def test_a_user_of_redis_without_info_is_no_problem(
    redis_place: OnRedis, stock: Stock, redis_server: RedisServer
) -> None:
    """Nothing is known then, and nothing is claimed; the clock is known."""
    rights = "~rq:* ~flowerpower:* +@all -@dangerous -@admin"
    stock.client.execute_command("ACL", "SETUSER", "few", "on", ">crocus", *rights.split())
    few = OnRedis(Path(redis_server.folder), f"redis://few:crocus@127.0.0.1:{redis_server.port}/0")
    with few.open() as backend:
        assert codes(backend) == []
        assert backend.check()["persistence"].startswith("unknown")
        assert abs((backend.clock() - clock.now()).total_seconds()) < 5


def test_a_file_that_others_may_read_is_a_problem(tmp_path: Path) -> None:
    """And the hint is the command that puts it right."""
    with OnSqlite(tmp_path).open() as backend:
        (path,) = tmp_path.rglob("*.db")
        assert codes(backend) == []
        path.chmod(0o640)
        (problem,) = backend.setup_problems()
        assert (problem.code, problem.level) == ("sqlite_file_mode", Level.WARNING)
        assert "0640" in problem.message
        assert problem.hint is not None
        assert os.system(problem.hint) == 0
        assert codes(backend) == []


@pytest.mark.parametrize("missing", ["INSERT", "DELETE"])
def test_a_role_without_a_right_is_a_problem(postgres: PostgresServer, missing: str) -> None:
    """The table and the right are named; the owner has all of them."""
    url = postgres.new_database()
    with (
        OnPostgresql(Path(postgres.folder), url).open() as backend,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        assert "postgresql_missing_rights" not in codes(backend)
        role = f"few_{missing.lower()}"
        rights = {"SELECT", "INSERT", "UPDATE", "DELETE"} - {missing}
        tables = "ALL TABLES IN SCHEMA public"
        connection.execute(f"CREATE ROLE {role}".encode())
        connection.execute(f"GRANT {', '.join(rights)} ON {tables} TO {role}".encode())
        connection.execute(f"SET ROLE {role}".encode())
        cursor = connection.execute(postgres_setup.query().encode())
        names = [column.name for column in cursor.description or ()]
        facts = dict(zip(names, cursor.fetchone() or (), strict=True))
        (problem,) = (
            problem
            for problem in postgres_setup.problems(facts)
            if problem.code == "postgresql_missing_rights"
        )
        assert f"{missing} on flowerpower_jobs" in problem.message
        assert "flowerpower_schema" not in problem.message
        assert problem.level is Level.ERROR
