"""PostgreSQL behind PgBouncer with its default settings, in each of its modes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import psycopg
import pytest

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue import JobQueueManager
from tests.contract.fake_worker import spec
from tests.integrations.contract_suite import run_contract_suite
from tests.integrations.programs import of_debian
from tests.integrations.servers import started
from tests.servers import NOBODY, PASSWORD, USER, PostgresServer, free_port

# It refuses to run as root.
_AS_NOBODY = f"""
import os, sys
if os.geteuid() == 0:
    os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY})
os.execv(sys.argv[1], sys.argv[1:])
"""
StartBouncer = Callable[[str], int]
"""Starts a PgBouncer with a pool_mode; gives its port."""


@pytest.fixture
def bouncer(postgres: PostgresServer) -> Iterator[StartBouncer]:
    """PgBouncers in front of `postgres`; only what they must be told is set."""
    program, environ = of_debian("pgbouncer", "pgbouncer")
    with contextlib.ExitStack() as stack:

        def start(pool_mode: str) -> int:
            port = free_port()
            folder = postgres.folder / f"pgbouncer-{port}"
            folder.mkdir()
            (folder / "users.txt").write_text(f'"{USER}" "{PASSWORD}"\n')
            settings = (
                f"[databases]\n* = host=127.0.0.1 port={postgres.port}\n[pgbouncer]\n"
                f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
                f"auth_type = scram-sha-256\nauth_file = {folder}/users.txt\n"
                f"pool_mode = {pool_mode}\n"
            )
            (folder / "pgbouncer.ini").write_text(settings)

            def answers() -> bool:
                with contextlib.suppress(psycopg.OperationalError):
                    psycopg.connect(postgres.url(port=port), connect_timeout=2).close()
                    return True
                return False

            command = ["-c", _AS_NOBODY, program, str(folder / "pgbouncer.ini")]
            stack.enter_context(started(command, folder, answers, **environ))
            return port

        yield start


@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
def test_the_contract_is_kept_behind_pgbouncer(
    postgres: PostgresServer, bouncer: StartBouncer, pool_mode: str
) -> None:
    """With its default settings, whether it pools transactions or sessions."""
    # Some of its tests expect to be the first in a database.
    database = postgres.new_database().rpartition("/")[2]
    url = postgres.url(database, port=bouncer(pool_mode))
    run_contract_suite("postgresql", FLOWERPOWER_TEST_POSTGRESQL_URL=url)


def test_a_pgbouncer_that_pools_statements_is_refused(
    postgres: PostgresServer, bouncer: StartBouncer
) -> None:
    """It allows no transaction: said at once, with the mode to set, and no table is made."""
    direct = postgres.new_database()
    url = postgres.url(direct.rpartition("/")[2], port=bouncer("statement"))
    with pytest.raises(BackendUnreachable, match="statement pooling mode") as refused:
        JobQueueManager(url=url)
    assert "pool_mode = transaction" in str(refused.value.hint)
    with psycopg.connect(direct) as connection:
        (made,) = connection.execute("SELECT to_regclass('flowerpower_jobs')").fetchone() or ()
    assert made is None


def test_settings_that_an_old_pgbouncer_refuses_are_named(
    postgres: PostgresServer, bouncer: StartBouncer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`options` of the URL are passed on; if PgBouncer takes none, the error says what to do."""
    url = postgres.url(port=bouncer("transaction")) + "?options=-csearch_path%3Dpublic"
    with pytest.raises(BackendUnreachable, match="startup parameter: options") as refused:
        JobQueueManager(url=url)
    assert "ALTER ROLE" in str(refused.value.hint)


def test_a_schema_of_the_role_is_kept_behind_pgbouncer(
    postgres: PostgresServer, bouncer: StartBouncer
) -> None:
    """The tables are made, and found again, in the search_path that ALTER ROLE sets."""
    database = postgres.new_database()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA own")
        connection.execute(
            f"ALTER ROLE {USER} IN DATABASE {database.rpartition('/')[2]} SET search_path = own"
        )
    url = postgres.url(database.rpartition("/")[2], port=bouncer("transaction"))
    for _ in range(2):
        with JobQueueManager(url=url) as backend:
            backend.add_job(spec("subject"))
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT schemaname FROM pg_tables WHERE tablename = 'flowerpower_jobs'"
        ).fetchall()
    assert rows == [("own",)]
