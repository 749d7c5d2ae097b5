"""PostgreSQL as its user has set it up: schema, role, limits, names and files of libpq."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from flowerpower.errors import BackendUnreachable, ConfigError
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobStatus
from tests.contract.fake_worker import FINISHED, FakeWorker, spec
from tests.servers import PASSWORD, USER, PostgresServer, free_port

TABLES = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'flowerpower_%'"


class Database:
    """An empty database with the schema `own`, and a role that is not its owner."""

    def __init__(self, server: PostgresServer) -> None:
        self.url = server.new_database()
        self.name = self.url.rpartition("/")[2]
        self.role = f"worker_of_{self.name}"
        self.role_url = self.url.replace(f"//{USER}:", f"//{self.role}:")
        self.execute("CREATE SCHEMA own")
        self.execute(f"CREATE ROLE {self.role} LOGIN PASSWORD '{PASSWORD}'")

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """The rows that the last statement gives."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    made = Database(postgres)
    yield made
    made.execute(f"DROP OWNED BY {made.role}", f"DROP ROLE {made.role}")


def transaction(backend: JobQueueBackend, expression: str) -> str:
    """What an expression gives in a transaction of the backend's."""
    with backend.database.write() as opened:  # type: ignore[attr-defined]
        rows, _ = opened.execute(f"SELECT {expression} AS value", {})
    return str(rows[0]["value"])


def test_a_schema_in_the_url_is_kept(database: Database) -> None:
    """The tables are made, and found again, in the search_path that `options` of the URL set."""
    url = f"{database.url}?options={quote('-c search_path=own', safe='')}"
    for _ in range(2):
        with JobQueueManager(url=url) as backend:
            backend.add_job(spec("subject"))
    assert database.execute(TABLES) == [("own",)]


def test_a_schema_in_the_environment_is_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Likewise with the search_path that PGOPTIONS set."""
    monkeypatch.setenv("PGOPTIONS", "-c search_path=own")
    with JobQueueManager(url=database.url) as backend:
        backend.add_job(spec("subject"))
    assert database.execute(TABLES) == [("own",)]


def test_a_schema_of_the_role_is_kept(database: Database) -> None:
    """Likewise with that of ALTER ROLE."""
    database.execute(
        f"ALTER ROLE {database.role} SET search_path = own",
        f"GRANT CREATE, USAGE ON SCHEMA own TO {database.role}",
    )
    with JobQueueManager(url=database.role_url) as backend:
        backend.add_job(spec("subject"))
    assert database.execute(TABLES) == [("own",)]


@pytest.mark.parametrize("schema", ["public", "own"])
def test_a_role_without_create_uses_tables_that_exist(database: Database, schema: str) -> None:
    """It needs to read and write the tables, and to use their schema; adding and working go."""
    options = f"?options={quote(f'-c search_path={schema}', safe='')}"
    JobQueueManager(url=database.url + options).close()
    database.execute(
        f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA {schema} TO {database.role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {database.role}",
    )
    with JobQueueManager(url=database.role_url + options) as backend:
        fake_worker = FakeWorker(backend)
        claim = fake_worker.make(JobStatus.RUNNING)
        assert claim is not None
        assert fake_worker.finish(claim, FINISHED, "words\n")
        assert backend.prune(everything_ended=True) == 1


def test_what_a_role_may_not_do_is_told(database: Database) -> None:
    """A role that may not make the tables, or not use them: PostgreSQL's words, and what it needs."""
    options = f"?options={quote('-c search_path=own', safe='')}"
    for _ in ("without tables", "with tables"):
        with pytest.raises(BackendUnreachable, match=r"permission denied|no schema") as refused:
            JobQueueManager(url=database.role_url + options)
        assert refused.value.hint is not None
        JobQueueManager(url=database.url + options).close()
        database.execute(f"GRANT USAGE ON SCHEMA own TO {database.role}")


def test_limits_of_the_user_are_kept(database: Database) -> None:
    """Where nothing sets a limit it is five seconds, within transactions alone; else it is kept."""
    lock = "current_setting('lock_timeout')"
    idle = "current_setting('idle_in_transaction_session_timeout')"
    with JobQueueManager(url=database.url) as backend:
        for _ in ("first", "second"):
            assert (transaction(backend, lock), transaction(backend, idle)) == ("5s", "5s")
        # The session itself has none, so PgBouncer may give it to others.
        with backend.database._pool.connection() as connection:  # type: ignore[attr-defined]
            assert connection.execute(f"SELECT {lock}, {idle}").fetchone() == ("0", "0")
    database.execute(f"ALTER DATABASE {database.name} SET lock_timeout = '7s'")
    options = f"?options={quote('-c idle_in_transaction_session_timeout=9s', safe='')}"
    with JobQueueManager(url=database.url + options) as backend:
        assert (transaction(backend, lock), transaction(backend, idle)) == ("7s", "9s")


@pytest.mark.parametrize(
    ("query", "variable", "expected"),
    [
        ("", None, "flowerpower"),
        ("?application_name=nightly", None, "nightly"),
        ("", "nightly", "nightly"),
        ("?fallback_application_name=other", None, "other"),
    ],
)
def test_the_name_of_the_application_is_the_users(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    variable: str | None,
    expected: str,
) -> None:
    """It is flowerpower, unless the URL or PGAPPNAME says another."""
    if variable is not None:
        monkeypatch.setenv("PGAPPNAME", variable)
    with JobQueueManager(url=database.url + query) as backend:
        assert transaction(backend, "current_setting('application_name')") == expected


def test_the_timeout_of_the_user_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes connections and says nothing is given up after `connect_timeout`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"postgresql://ann@127.0.0.1:{listener.getsockname()[1]}/jobs"
        began = time.monotonic()
        with pytest.raises(BackendUnreachable, match="timeout"):
            # Longer than the five seconds that it is by itself.
            JobQueueManager(url=f"{url}?connect_timeout=6")
        assert time.monotonic() - began > 5.9
        monkeypatch.setenv("PGCONNECT_TIMEOUT", "many")
        with pytest.raises(ConfigError, match="bad value for connect_timeout: 'many'"):
            JobQueueManager(url=url)


def test_a_service_of_libpq_is_used(
    database: Database,
    postgres: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Host, database and password may come from the file of services; TLS from the environment."""
    file = tmp_path / "pg_service.conf"
    file.write_text(
        f"[jobs]\nhost=127.0.0.1\nport={postgres.port}\ndbname={database.name}\n"
        f"user={USER}\npassword={PASSWORD}\noptions=-c search_path=own\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    with JobQueueManager(url="postgresql:///?service=jobs") as backend:
        backend.add_job(spec("subject"))
        assert PASSWORD not in str(backend.check())
    assert database.execute(TABLES) == [("own",)]
    monkeypatch.setenv("PGSSLMODE", "require")
    with pytest.raises(BackendUnreachable, match="SSL"):
        JobQueueManager(url="postgresql:///?service=jobs")


def test_the_next_of_several_hosts_is_used(database: Database, postgres: PostgresServer) -> None:
    """A URL may name several; each is given its time."""
    own = f"127.0.0.1:{postgres.port}"
    url = database.url.replace(own, f"127.0.0.1:{free_port()},{own}")
    with JobQueueManager(url=url) as backend:
        assert backend.add_job(spec("subject")).created


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("colour=red", 'invalid URI query parameter: "colour"'),
        ("sslmod=require", "Did you mean 'sslmode'"),
        ("conect_timeout=3", "Did you mean 'connect_timeout'"),
    ],
)
def test_an_unknown_parameter_is_named_with_the_nearest(query: str, expected: str) -> None:
    """Before anything is opened, in libpq's words."""
    with pytest.raises(ConfigError) as refused:
        JobQueueManager(url=f"postgresql://ann:topZZsecret@127.0.0.1:1/jobs?{query}")
    assert expected in refused.value.message
    assert "secret" not in refused.value.message
