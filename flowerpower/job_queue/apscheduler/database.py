"""SQLite and PostgreSQL under one small face: named queries, transactions, a clock.

Errors of the drivers become BackendUnreachable, which names the file or the masked URL.
"""

from __future__ import annotations

import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from flowerpower.job_queue.records import Row

SCHEMA_VERSION = 2
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_PARAMETER = re.compile(r"(?<!:):([a-z_0-9]+)")


@lru_cache(maxsize=8)
def _sql(file: str) -> str:
    return (resources.files(__package__) / "sql" / file).read_text("utf-8")


@lru_cache(maxsize=1)
def queries() -> dict[str, str]:
    """The text of every named query in sql/queries.sql and sql/schedules.sql."""
    parts = [
        part for file in ("queries.sql", "schedules.sql") for part in _NAME.split(_sql(file))[1:]
    ]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def schema_statements(version: int = 0) -> list[str]:
    """The statements that bring a schema of that version, 0 for none, to SCHEMA_VERSION."""
    steps = range(version + 1, SCHEMA_VERSION + 1)
    text = "".join(_sql(f"schema_{step}.sql") for step in steps)
    text = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    return [part.strip() for part in text.split(";") if part.strip()]


class Transaction(ABC):
    """What may be done within a transaction, or for one read outside of one.

    `texts` are put for the `{names}` of a query: never what a user wrote.
    """

    @abstractmethod
    def execute(self, sql: str, parameters: Mapping[str, Any]) -> tuple[list[Row], int]:
        """The rows a statement gives, and how many it changed."""

    @abstractmethod
    def now(self) -> float:
        """Seconds since 1970 on the clock that all users of the database share."""

    @property
    @abstractmethod
    def texts(self) -> Mapping[str, str]:
        """What this dialect puts for `{for_update}`, `{for_share}` and `{skip_locked}`."""

    def rows(self, name: str, parameters: Mapping[str, Any], **texts: str) -> list[Row]:
        """The rows that the named query gives."""
        return self.execute(self._text(name, texts), parameters)[0]

    def run(self, name: str, parameters: Mapping[str, Any], **texts: str) -> int:
        """How many rows the named query changed."""
        return self.execute(self._text(name, texts), parameters)[1]

    def run_many(self, name: str, many: Sequence[Mapping[str, Any]]) -> list[int]:
        """How many rows the named query changed with each of these parameters."""
        text = self._text(name, {})
        return [self.execute(text, parameters)[1] for parameters in many]

    def _text(self, name: str, texts: Mapping[str, str]) -> str:
        text = queries()[name]
        if "{" in text:
            for key, value in {**self.texts, **texts}.items():
                text = text.replace(f"{{{key}}}", value)
        return text


class Database(ABC):
    """A database with our schema in it."""

    url: str
    """As it may be shown: without its password."""

    @abstractmethod
    def write(self) -> contextlib.AbstractContextManager[Transaction]:
        """A transaction that is committed at the end, or rolled back by an exception."""

    @abstractmethod
    def read(self) -> contextlib.AbstractContextManager[Transaction]:
        """For a single reading statement."""

    @abstractmethod
    def version(self) -> str:
        """What the server or library calls itself."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""


def in_list(prefix: str, values: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Parameters for a list of values: the text for the query, and the values by name."""
    named = {f"{prefix}{number}": value for number, value in enumerate(values)}
    return ", ".join(f":{name}" for name in named), named


def as_percent_style(sql: str) -> str:
    """`:name` parameters as psycopg writes them."""
    return _PARAMETER.sub(r"%(\1)s", sql)
