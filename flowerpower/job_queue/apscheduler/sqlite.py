"""SQLite: one file, many processes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
import time
import weakref
from collections.abc import Iterator
from operator import methodcaller
from pathlib import Path
from urllib.parse import quote

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.apscheduler.database import Database, Scope, Transaction
from flowerpower.job_queue.apscheduler.schema import (
    SCHEMA_VERSION,
    schema_fault,
    schema_statements,
)
from flowerpower.jobs.problem import Problem
from flowerpower.triggers import clock

BUSY_TIMEOUT = 15.0
"""Seconds to wait for another writer."""
NO_ROOM = 65_536
"""Bytes; with fewer the disk is full: the files beside the database need that much."""
_LEFT = "It was left as it is. Put it right, or move it away to begin a new one."
_NOT_MADE = "It does not exist, and cannot be made there: "


class Sqlite(Database):
    """The database in the file `path`, which is made if it does not exist.

    An existing file is never replaced: an empty, damaged or foreign one is an error. Each thread
    has a connection of its own, because a transaction belongs to a connection.
    """

    def __init__(self, path: Path, scope: Scope) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self._scope = scope
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._inode: int | None = None
        # Connections that nobody closed, as of a manager that is dropped or of a thread that comes
        # after close(), must not be left to the collector: it warns of each.
        weakref.finalize(self, _close_all, self._connections)
        if not os.path.lexists(path):
            self._create()
        self._connection()

    def _create(self) -> None:
        # Made beside its place, then linked there: whoever opens it finds it whole or not at all,
        # and of several that make it at once the first wins.
        import tempfile

        try:
            folder = self.path.parent
            missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            for parent in missing:
                parent.chmod(0o700)
            descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}-", dir=folder)
            os.close(descriptor)
            try:
                with (
                    self._errors(),
                    contextlib.closing(sqlite3.connect(name, isolation_level=None)) as connection,
                ):
                    connection.execute("PRAGMA journal_mode = WAL")
                    _make_tables(connection)
                with contextlib.suppress(FileExistsError):
                    os.link(name, self.path)
            finally:
                for suffix in ("", "-wal", "-shm"):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(name + suffix)
        except OSError as error:
            hint = "job_queue.backend.url in conf/project.yml names another place."
            raise self._unreachable(error.strerror or str(error), _NOT_MADE + hint) from None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # SQLite calls it an I/O error if there is no room for the files beside the database.
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) and self._is_disk_full():
                hint = "It works again once there is room on the disk."
                raise self._unreachable("the disk is full", hint) from None
            raise self._unreachable(str(error)) from None

    def _is_disk_full(self) -> bool:
        # Its import takes time that no other use of the database needs.
        import shutil

        try:
            return shutil.disk_usage(self.path.parent).free < NO_ROOM
        except OSError:
            return False

    def _unreachable(self, reason: str, hint: str = _LEFT) -> BackendUnreachable:
        return BackendUnreachable(
            f"The job database {self.path} cannot be used: {reason}.", hint=hint
        )

    def _connection(self) -> sqlite3.Connection:
        self._check_file()
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
            with self._lock:
                self._connections.append(connection)
        return connection

    def _check_file(self) -> None:
        # At every use: SQLite would go on writing to a file that was deleted or replaced, and what
        # it acknowledged would be lost.
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

    def _connect(self) -> sqlite3.Connection:
        # SQLite would open it read-only, and leave -wal and -shm files that stay read-only.
        if not os.access(self.path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise self._unreachable("it may not be written to")
        with self._errors(), contextlib.ExitStack() as opened:
            connection = sqlite3.connect(
                f"file:{quote(os.fspath(self.path.absolute()))}?mode=rw",
                uri=True,
                timeout=BUSY_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            opened.callback(connection.close)
            # A text that is not UTF-8 is shown, instead of stopping every reader.
            connection.text_factory = methodcaller("decode", "utf-8", "backslashreplace")
            self._check_version(connection)
            _set_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            opened.pop_all()
        return connection

    def _check_version(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        ours = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'flowerpower_jobs'")
        if ours.fetchone() is None:
            raise self._unreachable("it is not a database of flowerpower")
        if version == SCHEMA_VERSION:
            return
        if fault := schema_fault(version):
            raise self._unreachable(fault)
        _make_tables(connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        connection = self._connection()
        with self._errors(), _transaction(connection):
            yield _SqliteTransaction(connection, self._scope)

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        connection = self._connection()
        with self._errors():
            yield _SqliteTransaction(connection, self._scope)

    def version(self) -> str:
        with self.read() as transaction:
            transaction.execute("SELECT id FROM flowerpower_workers LIMIT 1", {})
        return f"SQLite {sqlite3.sqlite_version}"

    def setup_problems(self) -> Iterator[Problem]:
        from flowerpower.job_queue.apscheduler import sqlite_setup

        with self.read() as transaction:
            ((mode,), _) = transaction.execute("PRAGMA journal_mode", {})
        yield from sqlite_setup.problems(self.path, str(mode["journal_mode"]))

    def close(self) -> None:
        with self._lock:
            _close_all(self._connections)
        self._local = threading.local()


class _SqliteTransaction(Transaction):
    # A writer has the whole database for itself.
    texts = {"for_update": "", "for_share": "", "skip_locked": "", "lock_jobs": "SELECT 1"}
    shards = 1

    def clock(self) -> float:
        return clock.now().timestamp()

    def lock_limits(self) -> None:
        pass


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        with contextlib.suppress(sqlite3.Error):
            connections.pop().close()


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    # IMMEDIATE: a transaction that reads first and writes later could not wait for others.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite itself has rolled back after some errors, as of a full disk.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables, or upgrade those of an earlier version."""
    with _transaction(connection):
        # Read within: another process may have upgraded them meanwhile.
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version < SCHEMA_VERSION:
            for statement in schema_statements(version):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _set_wal(connection: sqlite3.Connection) -> None:
    # Several that switch to WAL at once get "database is locked" at once, whatever their timeout.
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
