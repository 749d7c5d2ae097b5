"""SQLite and PostgreSQL behind one small interface: named queries, transactions, a clock.

Errors of the drivers become BackendUnreachable, which names the file or the masked URL.
"""

from __future__ import annotations

import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any

from flowerpower.job_queue.records import Row
from flowerpower.jobs.job import JobStatus

SCHEMA_VERSION = 3
_UPGRADABLE_VERSION = 2
_LIVE = ", ".join(f"'{status}'" for status in JobStatus if not status.is_ended)
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def _sql(file: str) -> str:
    text = (resources.files(__package__) / "sql" / file).read_text("utf-8")
    return text.replace("{live}", _LIVE)


@lru_cache(maxsize=1)
def queries() -> dict[str, str]:
    """The text of every named query in sql/queries.sql and sql/schedules.sql."""
    parts = [
        part for file in ("queries.sql", "schedules.sql") for part in _NAME.split(_sql(file))[1:]
    ]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def schema_statements(version: int = 0) -> list[str]:
    """The statements that make the tables, or upgrade those of an earlier `version`."""
    text = _sql(f"upgrade_{version}.sql" if version else "schema.sql")
    text = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    return [statement.strip() for statement in text.split(";") if statement.strip()]


def schema_fault(version: int) -> str | None:
    """Why tables of that version can be neither used nor upgraded, None if they can."""
    ours = SCHEMA_VERSION
    if version > ours:
        return (
            f"a newer flowerpower made its tables (schema version {version}; this one knows {ours})"
        )
    if version < _UPGRADABLE_VERSION:
        return (
            f"its tables have schema version {version}; this flowerpower uses version "
            f"{ours} and upgrades from {_UPGRADABLE_VERSION}"
        )
    return None


class Transaction(ABC):
    """A transaction, or one read outside of a transaction.

    Every query gets the parameters `namespace` and, if it has it, `now`. `texts` replace the
    `{names}` in a query; they must never come from a user.
    """

    texts: Mapping[str, str]
    """This dialect's `{for_update}`, `{for_share}` and `{skip_locked}`."""

    def __init__(self, connection: Any, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace

    def execute(self, sql: str, parameters: Mapping[str, Any] | None) -> tuple[list[Row], int]:
        """Run a statement; return its rows, and how many rows it changed."""
        cursor = self._connection.execute(sql, parameters)
        if not cursor.description:
            return [], cursor.rowcount
        names = [column[0] for column in cursor.description]
        rows: list[Row] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return rows, len(rows)

    @abstractmethod
    def clock(self) -> float:
        """Seconds since 1970 on the clock that all users of the database share."""

    @cached_property
    def now(self) -> float:
        """The time of the transaction: that at which it was first needed."""
        return self.clock()

    def rows(
        self, name: str, texts: Mapping[str, str] | None = None, /, **parameters: Any
    ) -> list[Row]:
        """Run the named query; return its rows."""
        return self.execute(*self._query(name, parameters, texts))[0]

    def run(self, name: str, /, **parameters: Any) -> int:
        """Run the named query; return how many rows it changed."""
        return self.execute(*self._query(name, parameters))[1]

    def run_many(self, name: str, many: Sequence[Mapping[str, Any]]) -> list[int]:
        """Run the named query with each set of parameters; return how many rows each changed."""
        return [self.run(name, **parameters) for parameters in many]

    def _query(
        self, name: str, parameters: Mapping[str, Any], texts: Mapping[str, str] | None = None
    ) -> tuple[str, dict[str, Any]]:
        text = queries()[name]
        if "{" in text:
            for key, value in {**self.texts, **(texts or {})}.items():
                text = text.replace(f"{{{key}}}", value)
        moment = {"now": self.now} if ":now" in text else {}
        return text, {"namespace": self._namespace, **moment, **parameters}


class Database(ABC):
    """A database that has our tables."""

    url: str
    """For display: without its password."""

    @abstractmethod
    def write(self) -> contextlib.AbstractContextManager[Transaction]:
        """Begin a transaction; commit at the end, or roll back at an exception."""

    @abstractmethod
    def read(self) -> contextlib.AbstractContextManager[Transaction]:
        """For single statements that read."""

    @abstractmethod
    def version(self) -> str:
        """Name and version of the server or library."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection, of all threads."""


def in_list(prefix: str, values: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The text of a list of parameters, and the values by parameter name."""
    named = {f"{prefix}{number}": value for number, value in enumerate(values)}
    return ", ".join(f":{name}" for name in named), named
