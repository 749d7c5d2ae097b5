"""SQLite and PostgreSQL behind one interface: transactions, and the steps that they are made of.

Errors of the drivers become BackendUnreachable, which names the file or the masked URL.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any

from flowerpower.job_queue import records
from flowerpower.job_queue.apscheduler.outcomes import AttemptFacts, ended, ends_of, track_of
from flowerpower.job_queue.attempts import attempts_with
from flowerpower.job_queue.observing import lost_event
from flowerpower.job_queue.records import Row
from flowerpower.jobs.claim import Claim, ExpiredJob, FinishRequest, WorkerInfo
from flowerpower.jobs.counter import Counter
from flowerpower.jobs.job import MAX_WORKER_LOSSES, Job, JobFilter, JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.problem import Problem
from flowerpower.text import JOB_ID_LIMIT, is_job_id, is_name

SCHEMA_VERSION = 8
_UPGRADABLE_VERSION = 2
Texts = Mapping[str, str]
_LIVE = ", ".join(f"'{status}'" for status in JobStatus if not status.is_ended)
_RETURNING_END = """RETURNING id, status, pipeline, schedule_id, scheduled_for, concurrency_key,
    attempt, error, run_at, created_at, started_at"""
NEWEST_FIRST = {"order": "created_at DESC"}
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def _sql(file: str) -> str:
    text = (resources.files(__package__) / "sql" / file).read_text("utf-8")
    return text.replace("{live}", _LIVE).replace("{returning_end}", _RETURNING_END)


@lru_cache(maxsize=1)
def queries() -> dict[str, str]:
    """The text of every named query in the files of sql/ that have some."""
    files = ("queries.sql", "schedules.sql", "observing.sql", "notices.sql", "migration.sql")
    parts = [part for file in files for part in _NAME.split(_sql(file))[1:]]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def schema_statements(version: int = 0) -> list[str]:
    """The statements that make the tables, or upgrade those of an earlier `version`."""
    upgrades = [f"upgrade_{number}.sql" for number in range(version, SCHEMA_VERSION)]
    text = "".join(map(_sql, upgrades if version else ["schema.sql"]))
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
        self._scope = scope

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
        shared: dict[str, Any] = {"namespace": self._scope.namespace}
        # The clock of a server is asked only where it matters.
        if ":now" in text or ":expires_at" in text:
            shared |= {"now": self.now, "expires_at": self.now + self._scope.history_ttl}
        return text, shared

    # Jobs

    def job_parameters(self, spec: JobSpec, position: int = 0) -> dict[str, Any]:
        """The parameters of `add_job` for a new job; `position` is its place among those added."""
        run_at = self.now if spec.run_at is None else spec.run_at.timestamp()
        blocked = spec.max_parallel is not None
        return {
            "id": spec.id,
            "pipeline": spec.pipeline,
            "queue": spec.queue,
            "payload": json.dumps(spec.payload()),
            "status": JobStatus.SCHEDULED if blocked or run_at > self.now else JobStatus.QUEUED,
            "run_at": run_at,
            # Jobs of one transaction are in the order in which they were added, too.
            "created_at": self.now + position * 1e-6,
            "result_ttl": self._scope.result_ttl if spec.result_ttl is None else spec.result_ttl,
            "schedule_id": spec.schedule_id,
            "scheduled_for": records.seconds_of(spec.scheduled_for),
            "priority": spec.priority,
            "expires_after": spec.expires,
            # A blocked job does not age.
            "start_by": None if spec.expires is None or blocked else run_at + spec.expires,
            "concurrency_key": spec.concurrency_key,
            "max_parallel": spec.max_parallel,
            "blocked": int(blocked),
        }

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

    def expire(self, count: int) -> list[ExpiredJob]:
        """Cancel up to `count` waiting jobs that are too old; return them."""
        jobs = [records.expired_job_of(row) for row in self.rows("expired", count=count)]
        errors = [{"id": job.id, "error": records.as_json(job.error)} for job in jobs]
        self.note_ends([row for rows in self.rows_of_many("expire", errors) for row in rows])
        return jobs

    def release_blocked(self) -> None:
        """Queue blocked jobs whose concurrency key has room for them, the oldest first."""
        # Before any row of a job is locked: whoever holds the lock waits for no claim.
        if self.rows("keys_with_room"):
            self.run("lock_blocked")
            for row in self.rows("keys_with_room"):
                self.run("release_blocked", key=row["name"], count=row["room"])

    def note_ends(
        self, rows: Sequence[Row], facts: Mapping[str, AttemptFacts] | None = None
    ) -> None:
        """Keep how jobs have ended, of which `rows` are {returning_end}; once in a transaction.

        `facts` are those of attempts, by the id of the job.
        """
        if not (jobs := ended(rows)):
            return
        text, names = in_list("name", sorted({track_of(row) for row in jobs}))
        failing = {
            row["name"]: row["ended_at"] for row in self.rows("failing", {"names": text}, **names)
        }
        ends = ends_of(jobs, facts or {}, failing, self.now)
        self.count(ends.counters)
        self.run_many("note_fire_end", ends.fires)
        self.run_many("note_outcome", ends.schedules)
        self.run_many("note_pipeline_outcome", ends.pipelines)
        self.run_many("add_event", ends.events)

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

    # Attempts

    def claim(self, worker: str, count: int, queues: Iterable[str]) -> list[Claim]:
        """Claim up to `count` due jobs, from the queues in their order."""
        claims: list[Claim] = []
        # One query for a queue: only so the index gives the order, and nothing is sorted.
        for queue in queues:
            left = count - len(claims)
            if left < 1:
                break
            rows = self.rows("claim", worker=worker, queue=queue, count=left)
            # RETURNING has no order of its own.
            rows.sort(key=records.order_of)
            claims += [records.claim_of(row, worker) for row in rows]
        return claims

    def finish_many(self, requests: Sequence[FinishRequest]) -> list[bool]:
        """End attempts; False, with nothing written, for each whose claim is no longer held."""
        finished: list[list[Row]] = [[]] * len(requests)
        # In the order in which `lock_named_jobs` locks them.
        for position in sorted(range(len(requests)), key=lambda n: requests[n].claim.job_id):
            finished[position] = self._finish(requests[position])
        facts = {
            request.claim.job_id: AttemptFacts(request.end.seconds, request.tell_finished)
            for request in requests
        }
        self.note_ends([row for rows in finished for row in rows], facts)
        return [bool(rows) for rows in finished]

    def _finish(self, request: FinishRequest) -> list[Row]:
        claim, result = request.claim, request.end
        keeps_result = result.status is JobStatus.FINISHED
        expires = keeps_result and claim.result_ttl >= 0
        rows = self.rows(
            "finish",
            **fence(claim),
            status=result.status,
            result=records.as_json(result.result) if keeps_result and claim.result_ttl else None,
            result_expires_at=self.now + claim.result_ttl if expires else None,
            error=records.as_json(result.error),
            progress=records.as_json(request.progress),
            attempts=records.as_json(attempts_with(claim, result)),
            retries=result.retries,
            attempts_left=result.attempts_left,
            run_at=records.seconds_of(result.run_at),
        )
        if rows:
            self.append_log(claim, request.log)
        return rows

    def requeue_lost(self, reason: str, worker: str, id: str = "", attempt: int = 0) -> int:
        """Requeue a lost attempt, or all that a worker held; return how many."""
        claimed = {"worker": worker, "id": id, "attempt": attempt}
        error, limit = records.lost_error(reason), MAX_WORKER_LOSSES
        rows = self.rows("requeue_lost", **claimed, max_worker_losses=limit, error=error)
        self.note_ends(rows)
        self.run_many(
            "add_event",
            [lost_event(row, reason) for row in rows if not records.status_of(row).is_ended],
        )
        return len(rows)

    def append_log(self, claim: Claim, text: str) -> None:
        """Append to the log of an attempt; of more than LOG_LIMIT bytes the end is kept."""
        if not text:
            return
        attempt = {"id": claim.job_id, "attempt": claim.attempt}
        (last,) = self.rows("last_log", **attempt)
        total = last["size"]
        for seq, piece in enumerate(records.log_pieces(text), start=last["seq"] + 1):
            size = len(piece.encode())
            self.run("append_log", **attempt, seq=seq, text=piece, size=size)
            total += size
        if total > records.LOG_LIMIT:
            kept = 0
            for row in self.rows("log_sizes", **attempt):
                kept += row["size"]
                if kept > records.LOG_LIMIT:
                    self.run("trim_log", **attempt, seq=row["seq"])
                    break


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
    def setup_problems(self) -> Iterator[Problem]:
        """What is wrong with how the server or the file is set up."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection, of all threads."""


def in_list(prefix: str, values: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The text of a list of parameters, and the values by parameter name."""
    named = {f"{prefix}{number}": value for number, value in enumerate(values)}
    return ", ".join(f":{name}" for name in named), named


def fence(claim: Claim) -> dict[str, Any]:
    """Parameters that make a write change nothing if the worker no longer holds the claim."""
    return {"id": claim.job_id, "worker": claim.owner, "attempt": claim.attempt}
