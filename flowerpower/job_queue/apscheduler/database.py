"""SQLite and PostgreSQL behind one interface: transactions, and how they run named queries.

Errors of the drivers become BackendUnreachable, which names the file or the masked URL.
"""

from __future__ import annotations

import contextlib
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flowerpower.job_queue import records
from flowerpower.job_queue.records import Row
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.text import JOB_ID_LIMIT, is_job_id, is_name

if TYPE_CHECKING:
    from flowerpower.jobs.claim import WorkerInfo
    from flowerpower.jobs.counter import Counter
    from flowerpower.jobs.problem import Problem

Texts = Mapping[str, str]
_Answer = TypeVar("_Answer")
NEWEST_FIRST = {"order": "created_at DESC"}
_LIVE = ", ".join(f"'{status}'" for status in JobStatus if not status.is_ended)
_RETURNING_END = """RETURNING id, status, pipeline, schedule_id, scheduled_for, concurrency_key,
    attempt, error, run_at, created_at, started_at, has_children"""
# Not `importlib.resources`, whose import takes longer than all that is read.
_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def sql_text(file: str) -> str:
    """The text of a file of sql/, with what several of them share."""
    text = (_FOLDER / file).read_text("utf-8")
    return text.replace("{live}", _LIVE).replace("{returning_end}", _RETURNING_END)


@lru_cache(maxsize=1)
def queries() -> dict[str, str]:
    """The text of every named query in the files of sql/ that have some."""
    files = (
        "queries", "workers", "chains", "limits", "schedules", "observing", "notices", "migration",
    )  # fmt: skip
    parts = [part for file in files for part in _NAME.split(sql_text(f"{file}.sql"))[1:]]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


@dataclass(frozen=True)
class Scope:
    """Whose rows these are, and the seconds that results and records of ended jobs are kept."""

    namespace: str
    result_ttl: float
    history_ttl: float


class Transaction(ABC):
    """A transaction, or one read outside of a transaction.

    Every query gets the parameters `namespace`, `now` and `expires_at` (of a record that ends now).
    `texts` replace the `{names}` in a query; they must never come from a user.
    """

    texts: Texts
    """This dialect's `{for_update}`, `{for_share}`, `{skip_locked}` and `{lock_jobs}`."""
    shards: int
    """Rows of a counter, so that as many transactions can add to it at once."""

    def __init__(self, connection: Any, scope: Scope) -> None:
        self._connection = connection
        self.scope = scope

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

    @abstractmethod
    def lock_limits(self) -> None:
        """Let no other claim under limits begin until this transaction ends."""

    @cached_property
    def now(self) -> float:
        """The time of the transaction: that at which it was first needed."""
        return self.clock()

    def rows(self, name: str, texts: Texts | None = None, /, **parameters: Any) -> list[Row]:
        """Run the named query; return its rows."""
        text, shared = self._query(name, texts)
        return self.execute(text, {**shared, **parameters})[0]

    def run(self, name: str, texts: Texts | None = None, /, **parameters: Any) -> int:
        """Run the named query; return how many rows it changed."""
        text, shared = self._query(name, texts)
        return self.execute(text, {**shared, **parameters})[1]

    def run_many(
        self, name: str, many: Sequence[Mapping[str, Any]], texts: Texts | None = None
    ) -> list[int]:
        """Run the named query with each set of parameters; return how many rows each changed."""
        text, shared = self._query(name, texts)
        return [self.execute(text, {**shared, **parameters})[1] for parameters in many]

    def rows_of_many(self, name: str, many: Sequence[Mapping[str, Any]]) -> list[list[Row]]:
        """Run the named query with each set of parameters; return the rows that each gives."""
        text, shared = self._query(name)
        return [self.execute(text, {**shared, **parameters})[0] for parameters in many]

    def _query(self, name: str, texts: Texts | None = None) -> tuple[str, dict[str, Any]]:
        """The text of a query, and the parameters that every query gets."""
        text = queries()[name]
        if "{" in text:
            for key, value in {**self.texts, **(texts or {})}.items():
                text = text.replace(f"{{{key}}}", value)
        shared: dict[str, Any] = {"namespace": self.scope.namespace}
        # The clock of a server is asked only where it matters.
        if ":now" in text or ":expires_at" in text:
            shared |= {"now": self.now, "expires_at": self.now + self.scope.history_ttl}
        return text, shared

    # Jobs

    def job(self, job_id: str, *, created: bool = True) -> Job:
        """The job of that id; JobNotFound if there is none, or its record has expired."""
        return records.job_of(self.row("get_job", job_id), self.now, created=created)

    def row(self, query: str, job_id: str) -> Row:
        """The one row that the query gives for the job; JobNotFound if it gives none."""
        # Drivers refuse some texts that are no names, such as those with NUL.
        rows = self.rows(query, id=job_id) if is_job_id(job_id) else []
        if not rows:
            newest = self.rows("list_jobs", {"conditions": "", **NEWEST_FIRST}, limit=1000)
            raise records.job_not_found(job_id, [str(row["id"]) for row in newest])
        return rows[0]

    def rows_of(self, wanted: JobFilter) -> list[Row]:
        """The rows of the jobs that match, the newest first."""
        conditions: list[str] = []
        parameters: dict[str, Any] = {}
        if wanted.statuses:
            # An unknown status counts as failed, so failed is all but the other statuses.
            with_unknown = JobStatus.FAILED in wanted.statuses
            statuses = set(JobStatus) - wanted.statuses if with_unknown else wanted.statuses
            text, parameters = in_list("status", sorted(statuses))
            if parameters:
                conditions.append(f"status {'NOT ' if with_unknown else ''}IN ({text})")
        for column in ("pipeline", "queue", "schedule_id"):
            if (value := getattr(wanted, column)) is not None:
                if not is_name(value, JOB_ID_LIMIT):
                    return []
                conditions.append(f"{column} = :{column}")
                parameters[column] = value
        if wanted.since is not None:
            conditions.append("created_at >= :since")
            parameters["since"] = wanted.since.timestamp()
        if wanted.until is not None:
            conditions.append("created_at < :until")
            parameters["until"] = wanted.until.timestamp()
        text = "".join(f" AND {condition}" for condition in conditions)
        limit = max(0, wanted.limit)
        return self.rows(
            "list_jobs", {"conditions": text, **NEWEST_FIRST}, limit=limit, **parameters
        )

    def count(self, counters: Sequence[Counter]) -> None:
        """Add to the counters, which are `added_up`."""
        # Whoever adds to a row holds it until its transaction ends.
        shard = random.randrange(self.shards)  # noqa: S311 - it spreads writers
        self.run_many("count", [{**vars(counter), "shard": shard} for counter in counters])

    def workers(self) -> list[WorkerInfo]:
        """The workers that nobody has found dead, with the jobs that they hold."""
        running: dict[str, list[str]] = {}
        for row in self.rows("all_held"):
            running.setdefault(row["owner"], []).append(row["id"])
        return [records.worker_of(row, running) for row in self.rows("list_workers")]

    def paused_queues(self) -> dict[str, datetime]:
        """Since when each paused queue is paused."""
        rows = self.rows("paused_queues")
        return {row["queue"]: records.moment_of(row["paused_at"]) for row in rows}


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

    def run(self, step: Callable[[Transaction], _Answer]) -> _Answer:
        """Do a step in one transaction, and return what it gives.

        Others may have it ended: then it is done again from its beginning, so it must change
        nothing but the database.
        """
        with self.write() as transaction:
            return step(transaction)

    @abstractmethod
    def version(self) -> str:
        """Name and version of the server or library."""

    @abstractmethod
    def setup_problems(self) -> Iterator[Problem]:
        """What is wrong with how the server or the file is set up."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection, of all threads."""


def in_list(prefix: str, values: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The text of a list of parameters, and the values by parameter name."""
    named = {f"{prefix}{number}": value for number, value in enumerate(values)}
    return ", ".join(f":{name}" for name in named), named
