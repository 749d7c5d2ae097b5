"""Records of a store as jobs, claims and workers; damaged columns are named, and stop nobody.

A record is a mapping with the columns of the SQL tables, for every store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from flowerpower.errors import InvalidTime, JobNotFound
from flowerpower.job_queue.attempts import attempts_of, with_last_failure, with_own_times
from flowerpower.jobs.chain import ENDS_MET, AfterCondition
from flowerpower.jobs.job import MAX_WORKER_LOSSES, Job, JobStatus
from flowerpower.text import nearest
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.jobs.claim import Claim, ExpiredJob, WorkerInfo

Row = Mapping[str, Any]
_Value = TypeVar("_Value")
LOG_LIMIT = 1_000_000
"""Bytes of an attempt's log that are kept: its end."""
LOG_PIECE = 50_000
"""Bytes; the size of one stored piece of a log. Logs are trimmed by whole pieces."""
WORKER_DIED = "The worker that ran it died"
WORKER_WENT = "The worker that ran it went"


class RecordReader:
    """Reads columns of one row and collects the names of damaged ones."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self.damaged: list[str] = []

    def text(self, column: str) -> str:
        """A text; the repr of any other value."""
        value = self._row[column]
        if isinstance(value, str):
            return value
        self.damaged.append(column)
        return repr(value)

    def number(self, column: str, default: float = 0) -> Any:
        """A number; `default` for any other value."""
        value = self._row[column]
        if isinstance(value, int | float):
            return value
        self.damaged.append(column)
        return default

    def moment(self, column: str) -> datetime:
        """A time; 1970 for any other value."""
        try:
            return moment_of(self._row[column])
        except (TypeError, ValueError, OverflowError, OSError):
            self.damaged.append(column)
            return moment_of(0)

    def maybe(self, read: Callable[[str], _Value], column: str) -> _Value | None:
        """None, or what `read` gives."""
        return None if self._row[column] is None else read(column)

    def mapping(self, column: str) -> dict[str, Any] | None:
        """A JSON object or None."""
        if self._row[column] is None:
            return None
        content = json_object(self._row[column])
        if content is None:
            self.damaged.append(column)
        return content


def moment_of(seconds: float) -> datetime:
    """The time that is so many seconds after 1970 began."""
    return datetime.fromtimestamp(seconds, UTC)


def seconds_of(moment: datetime | None) -> float | None:
    """A time as a record holds it: in seconds since 1970."""
    return None if moment is None else moment.timestamp()


def json_object(text: Any) -> dict[str, Any] | None:
    """The JSON object in a text, None for any other content."""
    try:
        content = json.loads(text)
    # Deeply nested JSON exhausts the stack.
    except (TypeError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def as_json(content: Mapping[str, Any] | None) -> str | None:
    """The content of a JSON column."""
    return None if content is None else json.dumps(content)


def status_of(row: Row) -> JobStatus:
    """The status of a job; an unknown one counts as failed."""
    try:
        return JobStatus(row["status"])
    except ValueError:
        return JobStatus.FAILED


def job_of(row: Row, now: float, *, created: bool = True) -> Job:
    """The job in a row, as it is at `now`; its error names the damaged columns."""
    read = RecordReader(row)
    status = status_of(row)
    if status != row["status"]:
        read.damaged.append("status")
    expires = read.maybe(read.moment, "result_expires_at")
    expired = expires is not None and expires.timestamp() <= now
    result, error = read.mapping("result"), read.mapping("error")
    stored = read.mapping("attempts")
    attempts = attempts_of(stored) if stored else []
    after, after_on = after_of(read)
    job = Job(
        id=read.text("id"),
        pipeline=read.text("pipeline"),
        queue=read.text("queue"),
        status=status,
        created_at=read.moment("created_at"),
        run_at=read.moment("run_at"),
        payload=read.mapping("payload"),
        started_at=read.maybe(read.moment, "started_at"),
        ended_at=read.maybe(read.moment, "ended_at"),
        attempt=read.number("attempt"),
        attempts_left=read.maybe(read.number, "attempts_left"),
        worker_losses=read.number("worker_losses"),
        worker=read.maybe(read.text, "owner"),
        schedule_id=read.maybe(read.text, "schedule_id"),
        scheduled_for=read.maybe(read.moment, "scheduled_for"),
        priority=read.number("priority"),
        result_ttl=read.maybe(read.number, "result_ttl"),
        expires=read.maybe(read.number, "expires_after"),
        start_by=read.maybe(read.moment, "start_by"),
        concurrency_key=read.maybe(read.text, "concurrency_key"),
        max_parallel=read.maybe(read.number, "max_parallel"),
        blocked=bool(row["blocked"]),
        after=after,
        after_on=after_on,
        unique_key=read.maybe(read.text, "unique_key"),
        cancel_requested=bool(row["cancel"]),
        progress=_settled(read.mapping("progress"), status, error, attempts),
        attempts=attempts,
        result=None if expired else result,
        result_expires_at=None if expired else expires,
        result_expired_at=expires if expired else None,
        error=error,
        created=created,
    )
    if status.is_ended:
        job = with_last_failure(with_own_times(job))
    if error or not read.damaged:
        return job
    message = f"The job's record is damaged: its {', '.join(read.damaged)} cannot be read."
    damage = {"type": "DamagedRecord", "message": message, "code": "damaged_record", "node": None}
    return replace(job, error=damage)


def after_json(condition: AfterCondition, parents: Mapping[str, str | None]) -> str:
    """The column `after_parents` of a job that has parents, by how each has ended."""
    return json.dumps({"on": condition, "parents": dict(parents)})


def after_of(read: RecordReader) -> tuple[dict[str, str | None], AfterCondition | None]:
    """The parents of a job by how each has ended, and the condition; None if there are none.

    None, too, if the column is damaged.
    """
    content = read.mapping("after_parents")
    if content is None:
        return {}, None
    try:
        parents, condition = dict(content["parents"]), AfterCondition(content["on"])
        if not {*parents.values()} <= {None, *ENDS_MET[AfterCondition.END]}:
            raise ValueError("an unknown end")
    except (KeyError, TypeError, ValueError):
        read.damaged.append("after_parents")
        return {}, None
    return parents, condition


def _settled(
    progress: dict[str, Any] | None,
    status: JobStatus,
    error: Mapping[str, Any] | None,
    attempts: Sequence[Mapping[str, Any]],
) -> dict[str, Any] | None:
    """Progress in which no node runs unless the job does.

    A process that is killed, or whose worker dies, does not report the end of its nodes.
    """
    nodes = (progress or {}).get("nodes")
    if status is JobStatus.RUNNING or progress is None or not isinstance(nodes, dict):
        return progress
    failed, ended = (error or {}).get("node"), attempts[-1].get("ended_at") if attempts else None
    settled = {
        name: {
            **node,
            "state": "failed" if name == failed else "interrupted",
            "seconds": _seconds_between(node.get("started_at"), ended),
        }
        if isinstance(node, dict) and node.get("state") == "running"
        else node
        for name, node in nodes.items()
    }
    return {**progress, "nodes": settled}


def _seconds_between(began: Any, ended: Any) -> float | None:
    try:
        return round((clock.parse_time(ended) - clock.parse_time(began)).total_seconds(), 6)
    except (InvalidTime, TypeError):
        return None


def claim_of(row: Row, worker_id: str) -> Claim:
    """The claim on the job in a row; without payload if it is damaged, so that the job fails."""
    # Not at the top: records of jobs are read without claims, by most commands.
    from flowerpower.jobs.claim import Claim

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
        read.maybe(read.moment, "scheduled_for"),
        (json_object(row["attempts"]) or {}) if row["attempts"] else {},
        tuple(after_of(read)[0]),
    )
    return replace(claim, payload=None) if read.damaged else claim


def order_of(row: Row) -> tuple[float, float, float]:
    """By what the jobs of one queue are claimed, the least first."""
    read = RecordReader(row)
    return -read.number("priority"), read.number("run_at"), read.number("created_at")


def expired_job_of(row: Row) -> ExpiredJob:
    """The job in a row, of which the columns id, pipeline and expires_after are enough."""
    from flowerpower.jobs.claim import ExpiredJob

    read = RecordReader(row)
    return ExpiredJob(read.text("id"), read.text("pipeline"), read.number("expires_after"))


def worker_columns(worker: WorkerInfo) -> dict[str, Any]:
    """What a store keeps of a new worker, beside its id and times."""
    columns = {name: getattr(worker, name) for name in ("host", "pid", "slots")}
    return {**columns, "queues": json.dumps(worker.queues)}


def worker_of(row: Row, running: Mapping[str, list[str]]) -> WorkerInfo:
    """The worker in a row, with its jobs from `running`, which has them by worker id."""
    from flowerpower.jobs.claim import WorkerInfo

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
    """The error, with the nearest of the `known` ids."""
    # The first letters of an id are enough, as in Git.
    matches = [known_id for known_id in known if len(job_id) >= 4 and known_id.startswith(job_id)]
    guess = matches[0] if len(matches) == 1 else nearest(job_id, known)
    question = f" Did you mean {guess!r}?" if guess else ""
    return JobNotFound(
        f"There is no job {job_id[:200]!r}.{question}",
        hint="See them with `flowerpower job-queue list-jobs`.",
    )


def lost_error(reason: str) -> str:
    """The error of a job that was lost three times, as JSON."""
    message = f"{reason}, for the {MAX_WORKER_LOSSES}rd time; it is not tried again."
    return json.dumps({"type": "WorkerLost", "message": message, "code": "worker_lost"})


def log_pieces(text: str) -> list[str]:
    """The end of a log text, in pieces of at most LOG_PIECE bytes of UTF-8."""
    # PostgreSQL's text holds no NUL; lone surrogates cannot be encoded.
    escaped = text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace")
    content = escaped[-LOG_LIMIT:].decode("utf-8", "ignore").encode()
    pieces: list[str] = []
    start = 0
    while start < len(content):
        end = start + LOG_PIECE
        # Never between the bytes of one character.
        while end < len(content) and content[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(content[start:end].decode())
        start = end
    return pieces
