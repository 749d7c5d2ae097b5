"""PostgreSQL through psycopg and its pool; the server's clock is the clock.

Nothing depends on the session, so that PgBouncer may give each transaction another one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
import psycopg_pool
from psycopg.conninfo import conninfo_to_dict, timeout_from_conninfo
from psycopg.rows import dict_row

from flowerpower.errors import BackendUnreachable, ConfigError
from flowerpower.job_queue.apscheduler.database import Database, Scope, Texts, Transaction
from flowerpower.job_queue.apscheduler.schema import (
    SCHEMA_VERSION,
    schema_fault,
    schema_statements,
)
from flowerpower.job_queue.records import Row
from flowerpower.jobs.problem import Problem
from flowerpower.text import did_you_mean, mask, remember_password, remember_secret

CONNECT_TIMEOUT = 5
"""Seconds, unless the URL or PGCONNECT_TIMEOUT says otherwise."""
_SCHEMA_LOCK = 0x666C6F77
"""The advisory lock under which the tables are made."""
_LIMITS_LOCK = 0x666C6F78
"""With a namespace: the advisory lock under which its jobs are claimed while there are limits."""
_PASSING = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.UniqueViolation,
)
"""What others do to a step at the same time; the next time it sees what they have done."""
_TRIES = 10
"""How often a step is begun."""
_Answer = TypeVar("_Answer")
_PARAMETER = re.compile(r"(?<!:):([a-z_0-9]+)")
_UNKNOWN_PARAMETER = re.compile(r'invalid URI query parameter: "([^"]*)"')
_LIMITS = ("lock_timeout", "idle_in_transaction_session_timeout")
# A worker that freezes in a transaction must not block the others for ever. Set in the transaction,
# in the round trip that BEGIN needs anyway: PgBouncer refuses settings at a connection's start. A
# limit that the URL, the role or the server sets is kept.
_FIRST_BEGIN = "BEGIN; SELECT " + ", ".join(
    f"CASE current_setting('{name}') WHEN '0' THEN set_config('{name}', '5s', true) END"
    for name in _LIMITS
)
_HINTS = {
    "unsupported startup parameter": (
        "PgBouncer before 1.20 takes no `options` and no PGOPTIONS: use ALTER ROLE … SET instead, "
        "or ignore_startup_parameters in pgbouncer.ini."
    ),
    "statement pooling mode": (
        "PgBouncer must pool transactions or sessions here: pool_mode = transaction."
    ),
    "permission denied": (
        "The role needs SELECT, INSERT, UPDATE and DELETE on the tables flowerpower_…, USAGE on "
        "their schema, and CREATE on it until they are made."
    ),
    "no schema has been selected": "None of the schemas in the search_path exists.",
}
"""What to do about an error, by words in it."""


class Postgres(Database):
    """The database at `url`; missing tables are made."""

    def __init__(self, url: str, scope: Scope) -> None:
        self._scope = scope
        # Libpq's errors quote parts of a URL that it cannot read; `mask` must find them.
        remember_password(url)
        self.url = mask(url)
        options, timeout = self._connection_options(url)
        # The pool logs each failed try; the exception at the end is enough.
        logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
        # The pool would try again until it has no more time: a wrong password is told at once.
        try:
            psycopg.connect(url, **options).close()
        except psycopg.Error as error:
            raise self._unreachable(error) from None
        self._begin = _FIRST_BEGIN
        self._failures: list[psycopg.Error] = []
        self._pool = psycopg_pool.ConnectionPool(
            url,
            min_size=0,
            max_size=8,
            timeout=timeout,
            reconnect_timeout=timeout,
            connection_class=_connection_class(self._failures),
            kwargs={
                **options,
                # `write` begins transactions itself.
                "autocommit": True,
                # A prepared plan is kept, even one that was made while the tables were empty; and
                # PgBouncer gives the next transaction a session that has not prepared it.
                "prepare_threshold": None,
            },
            check=psycopg_pool.ConnectionPool.check_connection,
            open=True,
        )
        try:
            self._make_schema()
        except BaseException:
            self._pool.close()
            raise

    def _connection_options(self, url: str) -> tuple[dict[str, Any], float]:
        """What libpq is told beside the URL, and the seconds in which it must have connected.

        What the URL or the environment of libpq says is never replaced.
        """
        try:
            parameters = conninfo_to_dict(url)
            options: dict[str, Any] = {}
            if "fallback_application_name" not in parameters:
                options["fallback_application_name"] = "flowerpower"
            if "connect_timeout" not in parameters and "PGCONNECT_TIMEOUT" not in os.environ:
                options["connect_timeout"] = CONNECT_TIMEOUT
            seconds = timeout_from_conninfo({**parameters, **options})
        except psycopg.ProgrammingError as error:
            reason = " ".join(str(error).split())
            unknown = _UNKNOWN_PARAMETER.search(reason)
            known = [option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()]
            advice = did_you_mean(unknown[1], known) if unknown else ""
            raise ConfigError(
                f"The PostgreSQL URL {self.url} cannot be used: {mask(reason)}.{advice}",
                hint="It takes the parameters of libpq: postgresql://USER@HOST:PORT/DATABASE?…",
            ) from None
        if password := parameters.get("password"):
            remember_secret(str(password))
        hosts = str(parameters.get("host") or os.environ.get("PGHOST", "")).count(",") + 1
        return options, float(seconds * hosts)

    def _unreachable(self, error: Exception | str) -> BackendUnreachable:
        if isinstance(error, psycopg_pool.PoolTimeout) and self._failures:
            # It only says that it got no connection in time, not why.
            error = self._failures[-1]
        reason = mask(" ".join(str(error).split())) or type(error).__name__
        hint = next((hint for words, hint in _HINTS.items() if words in reason), None)
        return BackendUnreachable(
            f"The job database {self.url} cannot be used: {reason}.", hint=hint
        )

    def _make_schema(self) -> None:
        with self.write() as transaction:
            # Several processes may open a new database at once.
            transaction.execute("SELECT pg_advisory_xact_lock(:key)", {"key": _SCHEMA_LOCK})
            # A role without CREATE may use tables that exist, so no CREATE TABLE IF NOT EXISTS.
            tables, _ = transaction.execute(
                "SELECT to_regclass('flowerpower_schema') IS NOT NULL AS exist", {}
            )
            version = 0
            if tables[0]["exist"]:
                rows, _ = transaction.execute("SELECT version FROM flowerpower_schema", {})
                version = rows[0]["version"]
                if fault := schema_fault(version):
                    raise self._unreachable(fault)
            statements = schema_statements(version) if version < SCHEMA_VERSION else []
            if version == 0:
                statements.append("CREATE TABLE flowerpower_schema (version INTEGER NOT NULL)")
                statements.append("INSERT INTO flowerpower_schema VALUES (0)")
            for statement in statements:
                transaction.execute(statement, {})
            if statements:
                update = "UPDATE flowerpower_schema SET version = :version"
                transaction.execute(update, {"version": SCHEMA_VERSION})

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        with self._errors(), self._transaction() as transaction:
            yield transaction

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed) as error:
            raise self._unreachable(error) from None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        with self._pool.connection() as connection:
            self._begin_on(connection)
            yield _PostgresTransaction(connection, self._scope)

    def run(self, step: Callable[[Transaction], _Answer]) -> _Answer:
        with self._errors():
            for _ in range(_TRIES - 1):
                with contextlib.suppress(*_PASSING), self._transaction() as transaction:
                    return step(transaction)
            with self._transaction() as transaction:
                return step(transaction)

    def _begin_on(self, connection: psycopg.Connection[Any]) -> None:
        cursor = connection.execute(self._begin.encode())
        if self._begin is _FIRST_BEGIN:
            # To ask each time which limits are set takes three times as long as to set them.
            cursor.nextset()
            unset = [name for name, value in zip(_LIMITS, cursor.fetchone() or (), strict=True)
                     if value is not None]  # fmt: skip
            self._begin = "".join(("BEGIN", *(f"; SET LOCAL {name} = '5s'" for name in unset)))

    def read(self) -> contextlib.AbstractContextManager[Transaction]:
        return self.write()

    def version(self) -> str:
        with self.read() as transaction:
            rows, _ = transaction.execute("SHOW server_version", {})
        return f"PostgreSQL {rows[0]['server_version']}"

    def setup_problems(self) -> Iterator[Problem]:
        from flowerpower.job_queue.apscheduler import postgres_setup

        with self.read() as transaction:
            ((facts,), _) = transaction.execute(postgres_setup.query(), {})
        yield from postgres_setup.problems(facts)

    def close(self) -> None:
        self._pool.close()


def _connection_class(failures: list[psycopg.Error]) -> type[psycopg.Connection[Any]]:
    """A class of connections that leaves in `failures` why the last one could not be made."""

    class PoolConnection(psycopg.Connection[Any]):
        @classmethod
        def connect(cls, *args: Any, **kwargs: Any) -> Any:
            try:
                connection = super().connect(*args, **kwargs)
            except psycopg.Error as error:
                failures[:] = [error]
                raise
            failures.clear()
            return connection

    return PoolConnection


def _percent_style(sql: str) -> str:
    """The statement with its `:name` parameters as psycopg writes them."""
    return _PARAMETER.sub(r"%(\1)s", sql)


class _PostgresTransaction(Transaction):
    texts = {
        "for_update": "FOR UPDATE",
        "for_share": "FOR SHARE",
        "skip_locked": "FOR UPDATE SKIP LOCKED",
        "lock_jobs": "LOCK TABLE flowerpower_jobs IN SHARE MODE",
    }
    shards = 16

    def execute(self, sql: str, parameters: Mapping[str, Any] | None) -> tuple[list[Row], int]:
        return super().execute(_percent_style(sql), parameters or None)

    def run_many(
        self, name: str, many: Sequence[Mapping[str, Any]], texts: Texts | None = None
    ) -> list[int]:
        if not many:
            return []
        # One round trip for all of them.
        text, shared = self._query(name, texts)
        with self._connection.cursor() as cursor:
            every = [{**shared, **parameters} for parameters in many]
            cursor.executemany(_percent_style(text), every, returning=True)
            counts = [cursor.rowcount]
            while cursor.nextset():
                counts.append(cursor.rowcount)
        return counts

    def rows_of_many(self, name: str, many: Sequence[Mapping[str, Any]]) -> list[list[Row]]:
        if not many:
            return []
        # As in `run_many`.
        text, shared = self._query(name)
        with self._connection.cursor(row_factory=dict_row) as cursor:
            every = [{**shared, **parameters} for parameters in many]
            cursor.executemany(_percent_style(text), every, returning=True)
            rows = [cursor.fetchall()]
            while cursor.nextset():
                rows.append(cursor.fetchall())
        return rows

    def clock(self) -> float:
        # Not now(), which stands still within a transaction.
        rows, _ = self.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp()) AS now", {})
        return float(rows[0]["now"])

    def lock_limits(self) -> None:
        # No row: each claim would leave a dead one behind. With the time, which is read once the
        # lock is there, it costs no round trip of its own.
        rows, _ = self.execute(
            "SELECT EXTRACT(EPOCH FROM clock_timestamp()) AS now "
            "FROM (SELECT pg_advisory_xact_lock(:key, hashtext(:namespace))) AS locked",
            {"key": _LIMITS_LOCK, "namespace": self.scope.namespace},
        )
        self.now = float(rows[0]["now"])
