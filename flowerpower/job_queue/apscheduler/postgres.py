"""PostgreSQL through psycopg and its pool; the server's clock is the clock."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
import psycopg_pool

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.apscheduler.database import (
    SCHEMA_VERSION,
    Database,
    Scope,
    Transaction,
    schema_fault,
    schema_statements,
)
from flowerpower.job_queue.records import Row
from flowerpower.text import mask, remember_password

CONNECT_TIMEOUT = 5
"""Seconds."""
_SCHEMA_LOCK = 0x666C6F77
"""The advisory lock under which the tables are made."""
_PARAMETER = re.compile(r"(?<!:):([a-z_0-9]+)")


class Postgres(Database):
    """The database at `url`; missing tables are made."""

    def __init__(self, url: str, scope: Scope) -> None:
        self._scope = scope
        # Libpq's errors quote parts of a URL that it cannot read; `mask` must find them.
        remember_password(url)
        self.url = mask(url)
        # The pool logs each failed try; the exception at the end is enough.
        logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
        # The pool would only say that it got no connection in time; this says why.
        try:
            psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT).close()
        except psycopg.Error as error:
            raise self._unreachable(error) from None
        self._pool = psycopg_pool.ConnectionPool(
            url,
            min_size=0,
            max_size=8,
            timeout=CONNECT_TIMEOUT,
            reconnect_timeout=CONNECT_TIMEOUT,
            kwargs={
                "connect_timeout": CONNECT_TIMEOUT,
                "application_name": "flowerpower",
                # A prepared plan is kept, even one that was made while the tables were empty.
                "prepare_threshold": None,
                # A worker that freezes in a transaction must not block the others for ever.
                "options": "-c idle_in_transaction_session_timeout=5000 -c lock_timeout=5000",
            },
            check=psycopg_pool.ConnectionPool.check_connection,
            open=True,
        )
        try:
            self._make_schema()
        except BaseException:
            self._pool.close()
            raise

    def _unreachable(self, error: Exception | str) -> BackendUnreachable:
        reason = mask(" ".join(str(error).split())) or type(error).__name__
        return BackendUnreachable(f"The job database {self.url} cannot be used: {reason}.")

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
        try:
            with self._pool.connection() as connection:
                yield _PostgresTransaction(connection, self._scope)
        except (psycopg.Error, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed) as error:
            raise self._unreachable(error) from None

    def read(self) -> contextlib.AbstractContextManager[Transaction]:
        return self.write()

    def version(self) -> str:
        with self.read() as transaction:
            rows, _ = transaction.execute("SHOW server_version", {})
        return f"PostgreSQL {rows[0]['server_version']}"

    def close(self) -> None:
        self._pool.close()


def _percent_style(sql: str) -> str:
    """The statement with its `:name` parameters as psycopg writes them."""
    return _PARAMETER.sub(r"%(\1)s", sql)


class _PostgresTransaction(Transaction):
    texts = {
        "for_update": "FOR UPDATE",
        "for_share": "FOR SHARE",
        "skip_locked": "FOR UPDATE SKIP LOCKED",
    }

    def execute(self, sql: str, parameters: Mapping[str, Any] | None) -> tuple[list[Row], int]:
        return super().execute(_percent_style(sql), parameters or None)

    def run_many(self, name: str, many: Sequence[Mapping[str, Any]]) -> list[int]:
        if not many:
            return []
        # One round trip for all of them.
        text, shared = self._query(name)
        with self._connection.cursor() as cursor:
            every = [{**shared, **parameters} for parameters in many]
            cursor.executemany(_percent_style(text), every, returning=True)
            counts = [cursor.rowcount]
            while cursor.nextset():
                counts.append(cursor.rowcount)
        return counts

    def clock(self) -> float:
        # Not now(), which stands still within a transaction.
        rows, _ = self.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp()) AS now", {})
        return float(rows[0]["now"])
