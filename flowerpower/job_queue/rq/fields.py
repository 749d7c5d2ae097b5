"""Between RQ's hash of a job, with our fields in it, and a record as the stores have them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowerpower.job_queue.records import Row
from flowerpower.jobs.job import JobSpec, JobStatus
from flowerpower.text import one_line

RQ_KEY_PREFIX = os.environ.get("RQ_KEY_PREFIX", "rq")
"""As RQ has it."""
ENTRY_POINT = "flowerpower.job_queue.rq.entry_point.run_pipeline"
WORDS = {
    "scheduled": JobStatus.SCHEDULED,
    "queued": JobStatus.QUEUED,
    "started": JobStatus.RUNNING,
    "finished": JobStatus.FINISHED,
    "failed": JobStatus.FAILED,
    "canceled": JobStatus.CANCELLED,
}
"""RQ's words for our statuses."""
_EMPTY = ("success_callback_name", "failure_callback_name", "stopped_callback_name", "started_at",
          "ended_at", "last_heartbeat", "worker_name", "group_id")  # fmt: skip
"""Fields of RQ's that a new job has, with nothing in them."""
_TEXTS = ("pipeline", "queue", "payload", "owner", "schedule_id", "error")
_NUMBERS = ("run_at", "created_at", "result_ttl", "scheduled_for", "started_at", "ended_at",
            "result_expires_at")  # fmt: skip
_WHOLE = ("attempt", "attempts_left", "worker_losses", "retries")


def rq_id(namespace: str, job_id: str) -> str:
    """A job's id in RQ, where all projects share one space; a namespace holds no `--`."""
    return f"{namespace}--{job_id}"


def record_of(spec: JobSpec, namespace: str, result_ttl: float) -> dict[str, Any]:
    """The fields of a new job; the scripts add status and times.

    RQ's part is what RQ's own Job writes, for RQ's own tools; it holds the pipeline's name alone.
    It is written here, because importing RQ is a tenth of the start of `add-job`.
    """
    fields: dict[str, Any] = {
        # [function, instance, args, kwargs]; RQ reads it compressed or not.
        "data": json.dumps([ENTRY_POINT, None, [], {"pipeline": spec.pipeline}]),
        "origin": f"{namespace}.{spec.queue}",
        "description": one_line(spec.pipeline),
        "timeout": -1,
        "result_ttl": -1,
        "failure_ttl": -1,
        **dict.fromkeys(_EMPTY, ""),
    }
    fields.update(
        fp_pipeline=spec.pipeline,
        fp_queue=spec.queue,
        fp_payload=json.dumps(spec.payload()),
        fp_result_ttl=repr(float(result_ttl)),
        fp_schedule_id=spec.schedule_id or "",
        fp_scheduled_for="" if spec.scheduled_for is None else _seconds(spec.scheduled_for),
        fp_attempt="0",
        fp_retries="0",
        fp_worker_losses="0",
        fp_cancel="0",
    )
    return fields


def row_of(
    job_id: str, fields: Mapping[bytes, bytes], result: bytes | None, progress: bytes | None
) -> Row:
    """A record; numbers that are none stay text, which whoever reads it takes for damage."""

    def text(name: str) -> str | None:
        return _text(fields.get(f"fp_{name}".encode())) or None

    status = _text(fields.get(b"status")) or ""
    row: dict[str, Any] = {name: text(name) for name in _TEXTS}
    row.update({name: _number(text(name), float) for name in _NUMBERS})
    row.update({name: _number(text(name), int) for name in _WHOLE})
    row.update(
        id=job_id,
        status=WORDS.get(status, f"{status!r}"),
        cancel=text("cancel") == "1",
        result=_text(result),
        progress=_text(progress),
    )
    return row


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "backslashreplace")


def _number(text: str | None, kind: type[float] | type[int]) -> Any:
    try:
        return None if text is None else kind(text)
    except ValueError:
        return text


def _seconds(moment: datetime) -> str:
    return f"{moment.timestamp():.6f}"
