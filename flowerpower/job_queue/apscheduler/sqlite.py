"""SQLite: one file, many processes; settings as measured (docs/decisions/backends.md)."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.apscheduler.database import (
    SCHEMA_VERSION,
    Database,
    Transaction,
    schema_statements,
)
from flowerpower.job_queue.records import Row
from flowerpower.triggers import clock

BUSY_TIMEOUT = 15.0
"""Seconds to wait for another writer."""


class Sqlite(Database):
    """The database in the file `path`, made if it is not there.

    A file that is there is never made anew: an empty, damaged or foreign one is an error.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._inode: int | None = None
        if not os.path.lexists(path):
            self._create()
        self._connection()

    def _create(self) -> None:
        """Make the whole database beside its place, then link it there: it is whole or absent."""
        import tempfile

        try:
            folder = self.path.parent
            missing = [each for each in (folder, *folder.parents) if not each.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            for each in missing:
                each.chmod(0o700)
            descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}-", dir=folder)
            os.close(descriptor)
            try:
                with contextlib.closing(sqlite3.connect(name, isolation_level=None)) as connection:
                    connection.execute("PRAGMA journal_mode = WAL")
                    connection.execute("BEGIN IMMEDIATE")
                    for statement in schema_statements():
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                    connection.execute("COMMIT")
                with contextlib.suppress(FileExistsError):
                    os.link(name, self.path)
            finally:
                for suffix in ("", "-wal", "-shm"):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(name + suffix)
        except OSError as error:
            raise self._unreachable(error.strerror or str(error)) from None
        except sqlite3.Error as error:
            raise self._unreachable(str(error)) from None

    def _unreachable(self, reason: str) -> BackendUnreachable:
        return BackendUnreachable(
            f"The job database {self.path} cannot be used: {reason}.",
            hint="It was left as it is. Put it right, or move it away to begin a new one.",
        )

    def _connection(self) -> sqlite3.Connection:
        self._check_file()
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connected()
            self._local.connection = connection
            with self._lock:
                self._all.append(connection)
        return connection

    def _check_file(self) -> None:
        try:
            status = self.path.lstat()
        except OSError as error:
            raise self._unreachable(error.strerror or str(error)) from None
        if stat.S_ISLNK(status.st_mode):
            raise self._unreachable("it is a symbolic link")
        if not stat.S_ISREG(status.st_mode):
            raise self._unreachable("it is not a file")
        if status.st_size == 0:
            raise self._unreachable("it is empty")
        if self._inode is None:
            self._inode = status.st_ino
        elif self._inode != status.st_ino:
            raise self._unreachable("another file took its place while it was in use")

    def _connected(self) -> sqlite3.Connection:
        # SQLite would open it for reading, and leave files beside it that stay read-only.
        if not os.access(self.path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise self._unreachable("it may not be written to")
        try:
            connection = sqlite3.connect(
                f"file:{_quoted(self.path)}?mode=rw",
                uri=True,
                timeout=BUSY_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise self._unreachable(str(error)) from None
        try:
            connection.row_factory = sqlite3.Row
            connection.text_factory = _readable
            self._check_version(connection)
            _set_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error as error:
            connection.close()
            raise self._unreachable(str(error)) from None
        except BackendUnreachable:
            connection.close()
            raise
        return connection

    def _check_version(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        ours = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'flowerpower_jobs'")
        if ours.fetchone() is None:
            raise self._unreachable("it is no database of flowerpower")
        if version > SCHEMA_VERSION:
            raise self._unreachable(
                f"a newer flowerpower made it (schema {version}, this one knows {SCHEMA_VERSION})"
            )
        if version < 1:
            raise self._unreachable(f"its schema has the version {version}, which never was")
        if version < SCHEMA_VERSION:
            _migrate(connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield _SqliteTransaction(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._unreachable(str(error)) from None

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        connection = self._connection()
        try:
            yield _SqliteTransaction(connection)
        except sqlite3.Error as error:
            raise self._unreachable(str(error)) from None

    def version(self) -> str:
        with self.read() as transaction:
            transaction.execute("SELECT id FROM flowerpower_workers LIMIT 1", {})
        return f"SQLite {sqlite3.sqlite_version}"

    def close(self) -> None:
        with self._lock:
            for connection in self._all:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
            self._all.clear()
        self._local = threading.local()


class _SqliteTransaction(Transaction):
    texts: Mapping[str, str] = {"for_update": "", "for_share": "", "skip_locked": ""}

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Mapping[str, Any]) -> tuple[list[Row], int]:
        cursor = self._connection.execute(sql, parameters)
        rows: list[Row] = [dict(row) for row in cursor.fetchall()] if cursor.description else []
        return rows, len(rows) if cursor.description else cursor.rowcount

    def now(self) -> float:
        return clock.now().timestamp()


def _readable(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema to our version, once, whoever else is about to."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for statement in schema_statements(version):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {max(version, SCHEMA_VERSION)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(os.fspath(path.absolute()))


def _set_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; several that open at once may disturb each other, whatever their timeout."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
