"""Hashes in Redis to records and back: RQ's hash of a job with our fields in it, schedules."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flowerpower.errors import InvalidTime
from flowerpower.job_queue.records import Row, moment_of, seconds_of
from flowerpower.job_queue.rq.results import error_of, result_of
from flowerpower.jobs.claim import ExpiredJob
from flowerpower.jobs.job import ENDED, JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.text import one_line
from flowerpower.triggers import clock

RQ_KEY_PREFIX = os.environ.get("RQ_KEY_PREFIX", "rq")
"""As RQ reads it."""
ENTRY_POINT = "flowerpower.job_queue.rq.entry_point.run_pipeline"
STATUSES = {
    "scheduled": JobStatus.SCHEDULED,
    "queued": JobStatus.QUEUED,
    "started": JobStatus.RUNNING,
    "finished": JobStatus.FINISHED,
    "failed": JobStatus.FAILED,
    "canceled": JobStatus.CANCELLED,
}
"""Our statuses by RQ's words."""
RQ_STATUSES = {status: word for word, status in STATUSES.items()}
# A user has ended it in RQ's own worker; for our workers that is a cancelled job.
STATUSES["stopped"] = JobStatus.CANCELLED
DEFERRED = "deferred"
"""RQ's word for a job that waits for others, whether blocked or waiting for its parents."""
STATUSES[DEFERRED] = JobStatus.WAITING
_EMPTY = ("success_callback_name", "failure_callback_name", "stopped_callback_name", "started_at",
          "ended_at", "last_heartbeat", "worker_name", "group_id")  # fmt: skip
"""RQ's fields that are empty in a new job."""
CONSTANT_FIELDS = {
    "timeout": -1,
    "result_ttl": -1,
    "failure_ttl": -1,
    **dict.fromkeys(_EMPTY, ""),
    **dict.fromkeys(("fp_attempt", "fp_retries", "fp_worker_losses", "fp_cancel"), "0"),
}
"""The fields that are the same in every new job; they stand in the scripts themselves."""
_TEXTS = ("pipeline", "queue", "payload", "owner", "schedule_id", "error", "attempts",
          "concurrency_key", "after_parents", "unique_key")  # fmt: skip
_NUMBERS = ("run_at", "created_at", "result_ttl", "scheduled_for", "started_at", "ended_at",
            "result_expires_at", "expires_after", "start_by")  # fmt: skip
_COUNTS = ("attempt", "attempts_left", "worker_losses", "retries", "priority", "max_parallel")
_COLUMN_OF: dict[str, tuple[str, type[str] | type[float] | type[int]]] = {
    f"fp_{name}": (name, kind)
    for names, kind in ((_TEXTS, str), (_NUMBERS, float), (_COUNTS, int))
    for name in names
}
FIELDS = (b"status", b"worker_name", b"started_at", b"ended_at", b"fp_worker", b"fp_cancel",
          b"fp_losses",
          *(f"fp_{name}".encode() for name in (*_TEXTS, *_NUMBERS, *_COUNTS)))  # fmt: skip
"""The fields that `row_of` reads."""


def rq_id(namespace: str, job_id: str) -> str:
    """A job's id in RQ, where all projects share one space; a namespace contains no `--`."""
    return f"{namespace}--{job_id}"


def record_of(spec: JobSpec, namespace: str, result_ttl: float) -> dict[str, Any]:
    """The fields of a new job that are the same in all of its kind, besides CONSTANT_FIELDS.

    RQ's part is what RQ's own Job writes, for RQ's own tools; of the job it has the pipeline's name
    alone. The scripts add the others: payload, status and times, and what a job has that is unique
    or becomes too old.
    """
    # Written here, because importing RQ takes a tenth of the start-up time of `add-job`.
    record = {
        "data": _label(spec.pipeline),
        "origin": f"{namespace}.{spec.queue}",
        "description": one_line(spec.pipeline),
        "fp_pipeline": spec.pipeline,
        "fp_queue": spec.queue,
        "fp_result_ttl": repr(float(result_ttl)),
        "fp_schedule_id": spec.schedule_id or "",
        "fp_scheduled_for": stamp_of(seconds_of(spec.scheduled_for)),
        "fp_priority": spec.priority,
    }
    if spec.concurrency_key is not None:
        record["fp_concurrency_key"] = spec.concurrency_key
    if spec.max_parallel is not None:
        record["fp_max_parallel"] = spec.max_parallel
    if spec.expires is not None:
        record["fp_expires_after"] = repr(float(spec.expires))
    return record


def expired_error(job_id: str, pipeline: str, expires: float) -> str:
    """The error that the scripts give a job once it is too old."""
    return json.dumps(ExpiredJob(job_id, pipeline, expires).error)


def record_of_row(row: Row, namespace: str) -> dict[str, Any]:
    """The hash of a waiting job that comes from another queue; `row_of` reads it again.

    Raises:
        LookupError: if the row has a column that no field holds.
    """
    kept = {**dict.fromkeys(("id", "status", "progress", "result", "expires_at")), **row}
    texts = {column: text_in_hash(kept.pop(column)) for column, _ in _COLUMN_OF.values()}
    is_cancelled, is_deferred = kept.pop("cancel"), kept.pop("blocked")
    is_deferred = is_deferred or row["status"] == JobStatus.WAITING
    run_at = moment_of(row["run_at"])
    record = {
        **CONSTANT_FIELDS,
        "data": _label(row["pipeline"]),
        "origin": f"{namespace}.{row['queue']}",
        "description": one_line(row["pipeline"]),
        "status": DEFERRED if is_deferred else RQ_STATUSES[JobStatus(row["status"])],
        "created_at": rq_stamp(moment_of(row["created_at"])),
        "enqueued_at": rq_stamp(run_at) if row["status"] == JobStatus.QUEUED else "",
        **{f"fp_{column}": text for column, text in texts.items()},
        "fp_cancel": int(is_cancelled),
    }
    if row["expires_after"] is not None:
        record["fp_expired_error"] = expired_error(row["id"], row["pipeline"], row["expires_after"])
    # Where it is parked, and that it has children, each store finds out by itself.
    for column in ("id", "status", "progress", "parked", "has_children"):
        kept.pop(column, None)
    if unknown := sorted(column for column, value in kept.items() if value is not None):
        raise LookupError(f"a job in Redis has no field for {', '.join(unknown)}")
    return record


def text_in_hash(value: Any) -> str:
    """A column as a hash holds it: empty for None, a time or duration to the last digit."""
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _label(pipeline: str) -> str:
    """RQ's `data`: (function, instance, args, kwargs), which none of our own code ever reads.

    RQ's default serializer reads it, which `rq worker` and rq-dashboard's workers need. It is a
    pickle that is text, of codes that can build nothing but texts and name no class.
    """
    # ( … t: a tuple of V text, N None, ) no arguments and } a mapping, with s one pair. RQ
    # compresses it, but reads it uncompressed too. A pipeline's name has nothing to escape.
    return f"(V{ENTRY_POINT}\nN)}}Vpipeline\nV{pipeline}\nst."


def row_of(
    job_id: str,
    fields: Mapping[bytes, bytes],
    result: bytes | None = None,
    progress: bytes | None = None,
    entry: Mapping[bytes, bytes] | None = None,
) -> Row:
    """The record of a job; `entry` is that of RQ's stream which belongs to it, if it was read."""
    # fp_losses: what earlier versions called it. They wrote no priority.
    fields = {b"fp_worker_losses": fields.get(b"fp_losses", b""), b"fp_priority": b"0", **fields}
    status = text_of(fields.get(b"status")) or ""
    row = {
        **columns(fields, "fp_", texts=_TEXTS, numbers=_NUMBERS, counts=_COUNTS),
        "id": job_id,
        "status": STATUSES.get(status, f"{status!r}"),
        "blocked": False,
        "raw_status": fields.get(b"status", b"").decode("utf-8", "surrogateescape"),
        "cancel": fields.get(b"fp_cancel") == b"1",
        "result": text_of(result),
        "progress": text_of(progress),
    }
    if status == DEFERRED and isinstance(row["max_parallel"], int):
        row |= {"status": JobStatus.SCHEDULED, "blocked": True}
    if STATUSES.get(status) in ENDED and _is_ended_by_rq(fields):
        return {**row, **_ended_by_rq(fields, row, entry or {})}
    return {**row, "result": result_of(entry)} if entry and not result else row


def _is_ended_by_rq(fields: Mapping[bytes, bytes]) -> bool:
    """Whether RQ's own worker or tools have ended it without us; as lua/rq_tools.lua says it."""
    worker = fields.get(b"worker_name", b"")
    return not fields.get(b"fp_ended_at") or worker != fields.get(b"fp_worker", b"")


def _ended_by_rq(
    fields: Mapping[bytes, bytes], row: Row, entry: Mapping[bytes, bytes]
) -> dict[str, Any]:
    """The columns of such a job that only RQ's fields have."""
    # A list has no entries, and Job.cancel leaves none: it gives no reason, and needs none.
    has_error = row["status"] is JobStatus.FAILED or b"exc_string" in entry
    return {
        "started_at": _seconds(fields.get(b"started_at")) or row["started_at"],
        "ended_at": _seconds(fields.get(b"ended_at")),
        "owner": None,
        "error": error_of(entry) if has_error else None,
        "result": None,
    }


def _seconds(stamp: bytes | None) -> float | None:
    """A time as RQ writes it, in seconds since 1970; None if it is none."""
    try:
        return clock.parse_time((stamp or b"").decode()).timestamp()
    except (InvalidTime, UnicodeDecodeError):
        return None


def columns(
    fields: Mapping[bytes, bytes],
    prefix: str,
    *,
    texts: Sequence[str],
    numbers: Sequence[str],
    counts: Sequence[str],
) -> dict[str, Any]:
    """Columns of a record from a hash; an invalid number stays text, for readers to find."""
    row: dict[str, Any] = {}
    for name, key, kind in _columns(prefix, tuple(texts), tuple(numbers), tuple(counts)):
        content = fields.get(key)
        row[name] = _value(content.decode("utf-8", "backslashreplace"), kind) if content else None
    return row


def _value(text: str, kind: type[str] | type[float] | type[int]) -> Any:
    try:
        return kind(text)
    except ValueError:
        return text


@functools.lru_cache
def _columns(
    prefix: str, texts: tuple[str, ...], numbers: tuple[str, ...], counts: tuple[str, ...]
) -> list[tuple[str, bytes, type[str] | type[float] | type[int]]]:
    """Each column with the name of its field and its type."""
    kinds = ((texts, str), (numbers, float), (counts, int))
    return [(name, f"{prefix}{name}".encode(), kind) for names, kind in kinds for name in names]


def text_of(value: bytes | None) -> str | None:
    """A value as text; bytes that are not UTF-8 are escaped."""
    return None if value is None else value.decode("utf-8", "backslashreplace")


def ids_of(values: Iterable[bytes]) -> list[str]:
    """Ids of jobs or schedules, which are ASCII."""
    return [value.decode("ascii", "replace") for value in values]


def pairs_of(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    """A hash as a script gives it: name, value, name, value."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def flat_of(pairs: Mapping[str, Any]) -> list[str]:
    """A hash as a script takes it."""
    return [str(part) for pair in pairs.items() for part in pair]


def stamp_of(seconds: float | None) -> str:
    """A time as a hash holds it; empty for None."""
    return "" if seconds is None else f"{seconds:.6f}"


def rq_stamp(moment: datetime | None) -> str | None:
    """A time as RQ writes it."""
    if moment is None:
        return None
    # Not by strftime, which takes three times as long. The last six are +00:00.
    return f"{moment.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"


def present(args: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a script without those that are None: cjson's null is not false."""
    return {name: value for name, value in args.items() if value is not None}
