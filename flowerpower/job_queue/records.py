"""Records of a store as jobs, claims and workers; what is damaged is told, and stops nobody.

A record is a mapping with the columns of the SQL tables, whatever the store keeps it in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flowerpower.errors import JobNotFound
from flowerpower.job_queue.base import LOG_LIMIT
from flowerpower.jobs.claim import Claim, WorkerInfo
from flowerpower.jobs.job import MAX_WORKER_LOSSES, Job, JobStatus
from flowerpower.text import nearest

Row = Mapping[str, Any]
LOG_PIECE = 50_000
"""Bytes; a log is kept in pieces of at most so many, and cut by whole pieces."""
WORKER_DIED = "The worker that ran it died"
WORKER_WENT = "The worker that ran it went"


class RecordReader:
    """Reads columns of one row and notes those that make no sense."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self.damaged: list[str] = []

    def _bad(self, column: str) -> None:
        self.damaged.append(column)

    def text(self, column: str) -> str:
        """A text; what is none is shown as it is."""
        value = self._row[column]
        if not isinstance(value, str):
            self._bad(column)
        return value if isinstance(value, str) else repr(value)

    def maybe_text(self, column: str) -> str | None:
        """A text, or None where there is none."""
        return None if self._row[column] is None else self.text(column)

    def number(self, column: str, default: float = 0) -> Any:
        """A number, `default` for what is none."""
        value = self._row[column]
        if isinstance(value, int | float):
            return value
        self._bad(column)
        return default

    def maybe_number(self, column: str) -> Any:
        """A number, or None where there is none."""
        return None if self._row[column] is None else self.number(column)

    def moment(self, column: str) -> datetime:
        """A time, 1970 for what is none."""
        try:
            return datetime.fromtimestamp(self._row[column], UTC)
        except (TypeError, ValueError, OverflowError, OSError):
            self._bad(column)
            return datetime.fromtimestamp(0, UTC)

    def maybe_moment(self, column: str) -> datetime | None:
        """A time, or None where there is none."""
        return None if self._row[column] is None else self.moment(column)

    def mapping(self, column: str) -> dict[str, Any] | None:
        """A JSON object, or None where there is none."""
        if self._row[column] is None:
            return None
        try:
            found = json.loads(self._row[column])
        except (TypeError, ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        self._bad(column)
        return None

    def status(self) -> JobStatus:
        """The status of a job."""
        status = status_of(self._row)
        if status != self._row["status"]:
            self._bad("status")
        return status


def status_of(row: Row) -> JobStatus:
    """The status of a job; one that does not exist counts as failed."""
    try:
        return JobStatus(row["status"])
    except ValueError:
        return JobStatus.FAILED


def job_of(row: Row, now: float, *, created: bool = True) -> Job:
    """The job in a row, as it is at `now`; columns that cannot be read are named in its error."""
    read = RecordReader(row)
    status = read.status()
    expires = read.maybe_moment("result_expires_at")
    expired = expires is not None and expires.timestamp() <= now
    result, error = read.mapping("result"), read.mapping("error")
    job = Job(
        id=read.text("id"),
        pipeline=read.text("pipeline"),
        queue=read.text("queue"),
        status=status,
        created_at=read.moment("created_at"),
        run_at=read.moment("run_at"),
        payload=read.mapping("payload"),
        started_at=read.maybe_moment("started_at"),
        ended_at=read.maybe_moment("ended_at"),
        attempt=read.number("attempt"),
        attempts_left=read.maybe_number("attempts_left"),
        worker_losses=read.number("worker_losses"),
        worker=read.maybe_text("owner"),
        schedule_id=read.maybe_text("schedule_id"),
        scheduled_for=read.maybe_moment("scheduled_for"),
        cancel_requested=bool(row["cancel"]),
        progress=read.mapping("progress"),
        result=None if expired else result,
        result_expires_at=None if expired else expires,
        result_expired_at=expires if expired else None,
        error=error,
        created=created,
    )
    return replace(job, error=_damage(read.damaged)) if read.damaged and not error else job


def _damage(columns: list[str]) -> dict[str, Any]:
    return {
        "type": "DamagedRecord",
        "message": f"The job's record is damaged: its {', '.join(columns)} cannot be read.",
        "code": "damaged_record",
        "node": None,
    }


def claim_of(row: Row, worker_id: str) -> Claim:
    """What a worker holds of a row; of a damaged one no payload, which the worker refuses."""
    read = RecordReader(row)
    payload = read.mapping("payload")
    claim = Claim(
        read.text("id"),
        worker_id,
        read.number("attempt"),
        read.text("pipeline"),
        payload,
        read.number("retries"),
        read.number("result_ttl"),
        read.maybe_moment("scheduled_for"),
    )
    return replace(claim, payload=None) if read.damaged else claim


def worker_of(row: Row, running: Mapping[str, list[str]]) -> WorkerInfo:
    """The worker in a row, with what it runs by its id."""
    read = RecordReader(row)
    try:
        queues = tuple(str(name) for name in json.loads(row["queues"]))
    except (TypeError, ValueError, RecursionError):
        queues = ()
    worker_id = read.text("id")
    return WorkerInfo(
        worker_id,
        read.text("host"),
        read.number("pid"),
        queues,
        read.number("slots"),
        read.moment("started_at"),
        read.number("beat"),
        read.moment("beat_at"),
        tuple(running.get(worker_id, ())),
    )


def job_not_found(job_id: str, known: Sequence[str]) -> JobNotFound:
    """The error, with the one of the `known` ids that may have been meant."""
    starts = [each for each in known if len(job_id) >= 4 and each.startswith(job_id)]
    meant = starts[0] if len(starts) == 1 else nearest(job_id, known)
    guess = f" Did you mean {meant!r}?" if meant else ""
    return JobNotFound(
        f"There is no job {job_id[:200]!r}.{guess}",
        hint="See them with `flowerpower job-queue list-jobs`.",
    )


def lost_error(reason: str) -> str:
    """The error of a job that was lost too often, as JSON."""
    return json.dumps(
        {
            "type": "WorkerLost",
            "message": f"{reason}, for the {MAX_WORKER_LOSSES}rd time; it is not tried again.",
            "code": "worker_lost",
        }
    )


def log_pieces(text: str) -> list[str]:
    """What is kept of a text: its end, in pieces of at most LOG_PIECE bytes of UTF-8.

    NUL, which PostgreSQL's text cannot hold, and what is no Unicode are escaped.
    """
    escaped = text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace")
    content = escaped[-LOG_LIMIT:].decode("utf-8", "ignore").encode()
    return [piece.decode() for piece in _cut(content)]


def _cut(content: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(content):
        end = start + LOG_PIECE
        while end < len(content) and content[end] & 0xC0 == 0x80:
            end -= 1
        yield content[start:end]
        start = end
