"""Jobs of one namespace in Redis, in RQ's own queues, records and registries."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowerpower.errors import JobNotFound
from flowerpower.job_queue.records import Row, job_not_found, job_of, json_object, status_of
from flowerpower.job_queue.rq.connection import Connection
from flowerpower.job_queue.rq.fields import (
    RQ_KEY_PREFIX,
    flat_of,
    ids_of,
    pairs_of,
    record_of,
    row_of,
    rq_id,
)
from flowerpower.job_queue.rq.scripts import Scripts
from flowerpower.jobs.job import Job, JobFilter, JobSpec, JobStatus
from flowerpower.text import is_job_id
from flowerpower.triggers import clock

PAGE = 500
"""Records that one call reads or writes."""


@dataclass(frozen=True)
class StoredJob:
    """A job as `read_job` in lua/common.lua gives it; without fields it does not exist."""

    id: str
    fields: Mapping[bytes, bytes]
    result: bytes | None
    progress: bytes | None
    now: float

    @classmethod
    def from_answer(cls, job_id: str, answer: Sequence[Any]) -> StoredJob:
        """From the answer of a script."""
        fields, result, progress, now = answer
        return cls(job_id, pairs_of(fields), result, progress, float(now))

    def job(self, *, created: bool = True) -> Job:
        """The job."""
        row = row_of(self.id, self.fields, self.result, self.progress)
        return job_of(row, self.now, created=created)


class RedisStore:
    """What RQManager, its schedules and its worker read and write in one namespace.

    `result_ttl` and `history_ttl` are the project's, in seconds.
    """

    def __init__(
        self, connection: Connection, namespace: str, result_ttl: float, history_ttl: float
    ) -> None:
        self.connection = connection
        self.namespace = namespace
        self.history_ttl = history_ttl
        self._result_ttl = result_ttl
        self._scripts = Scripts(namespace)

    def run(self, script: str, **args: Any) -> Any:
        """Run a script that may be sent again if its answer is lost."""
        with self.connection.errors():
            return self._scripts.run(self.connection.client, script, args)

    def run_once(self, script: str, **args: Any) -> Any:
        """Run a script that must not run twice."""
        with self.connection.errors():
            return self._scripts.run(self.connection.once, script, args)

    def key(self, *parts: str) -> str:
        """A key of our own in this namespace."""
        return ":".join(("flowerpower", self.namespace, *parts))

    def info(self) -> Mapping[str, Any]:
        """Redis's INFO.

        Raises:
            BackendUnreachable: if it does not answer.
        """
        with self.connection.errors():
            info: Mapping[str, Any] = self.connection.client.info()
        return info

    # Jobs

    def job_record(self, spec: JobSpec) -> dict[str, Any]:
        """A new job as the scripts take it."""
        result_ttl = self._result_ttl if spec.result_ttl is None else spec.result_ttl
        job = {
            "id": spec.id,
            "queue": spec.queue,
            "run_at": None if spec.run_at is None else spec.run_at.timestamp(),
            "schedule_id": spec.schedule_id,
            "record": flat_of(record_of(spec, self.namespace, result_ttl)),
        }
        return {name: value for name, value in job.items() if value is not None}

    def read_job(self, job_id: str) -> StoredJob:
        """The job of that id.

        Raises:
            JobNotFound: if there is none.
        """
        if is_job_id(job_id):
            stored = StoredJob.from_answer(job_id, self.run("read_job", id=job_id))
            if stored.fields:
                return stored
        raise self.job_not_found(job_id)

    def job_not_found(self, job_id: str) -> JobNotFound:
        """The error, with the nearest id."""
        with self.connection.errors():
            newest = self.connection.client.zrevrange(self.key("jobs"), 0, 999)
        return job_not_found(job_id, ids_of(newest))

    def newest_jobs(self, wanted: JobFilter) -> Iterator[tuple[Row, float]]:
        """Records of all jobs since `wanted.since`, the newest first, without results.

        Each comes with the time that it was read at; the rest of the filter is not applied.
        """
        client = self.connection.client
        since: Any = "-inf" if wanted.since is None else wanted.since.timestamp()
        start, page, seen = 0, min(PAGE, max(1, wanted.limit)), set()
        while True:
            with self.connection.errors():
                names = client.zrevrangebyscore(self.key("jobs"), "+inf", since, start, page)
                # New jobs shift the others, so some come again on the next page.
                ids = ids_of(name for name in names if name not in seen)
                pipeline = client.pipeline(transaction=False)
                for job_id in ids:
                    pipeline.hgetall(f"{RQ_KEY_PREFIX}:job:{rq_id(self.namespace, job_id)}")
                    pipeline.get(self.key("progress", job_id))
                answers = pipeline.execute(raise_on_error=False)
            if not names:
                return
            now = clock.now().timestamp()
            # A damaged key of another type gives an error instead of its content.
            for job_id, fields, progress in zip(ids, answers[::2], answers[1::2], strict=True):
                if isinstance(fields, dict) and fields:
                    progress = progress if isinstance(progress, bytes) else None
                    yield row_of(job_id, fields, None, progress), now
            seen.update(names)
            start, page = start + len(names), PAGE

    def change_job(
        self, verb: str, job_id: str, check: Callable[[str, JobStatus], None]
    ) -> StoredJob:
        """Compare and set: check the status, and change the job if it still has that status.

        `check` raises if the job may not be changed. A cancelled job is not cancelled again.
        """
        token = uuid.uuid4().hex
        while True:
            stored = self.read_job(job_id)
            status = status_of(row_of(job_id, stored.fields))
            check(job_id, status)
            if verb == "cancel" and status is JobStatus.CANCELLED:
                return stored
            answer = self.run(
                "change_job",
                verb=verb,
                id=job_id,
                seen=stored.fields.get(b"status", b"").decode("utf-8", "surrogateescape"),
                # Only a retry changes a job each time that it runs.
                token=token if verb == "retry" else None,
                history_ttl=self.history_ttl,
            )
            if answer:
                return StoredJob.from_answer(job_id, answer)

    def prune(self, *, everything_ended: bool) -> int:
        """Delete expired records, or those of all ended jobs; return how many."""
        count = 0
        while deleted := int(self.run("prune_jobs")):
            count += deleted
        if everything_ended:
            for ids in self._pages("jobs"):
                count += int(self.run("prune_jobs", ids=ids))
        return count

    def trim_ledgers(self) -> None:
        """Delete fires whose history has expired."""
        before = clock.now().timestamp() - self.history_ttl
        for ids in self._pages("schedules"):
            self.run("trim_fires", ids=ids, before=before)

    def _pages(self, name: str) -> list[list[str]]:
        with self.connection.errors():
            ids = ids_of(self.connection.client.zrange(self.key(name), 0, -1))
        return [ids[start : start + PAGE] for start in range(0, len(ids), PAGE)]

    # Workers

    def worker_rows(self) -> tuple[list[Row], dict[str, list[str]]]:
        """The records of all workers, and the ids of the jobs that each holds."""
        with self.connection.errors():
            pipeline = self.connection.client.pipeline(transaction=True)
            for name in ("workers", "beats", "beat_at"):
                pipeline.hgetall(self.key(name))
            records, beats, beat_times = pipeline.execute()
            ids = {name: name.decode("utf-8", "replace") for name in records}
            pipeline = self.connection.client.pipeline(transaction=False)
            for worker_id in ids.values():
                pipeline.hkeys(self.key("held", worker_id))
            held = pipeline.execute()
        rows: list[Row] = []
        for name, worker_id in ids.items():
            content = json_object(records[name]) or {}
            columns = ("host", "pid", "queues", "slots", "started_at")
            row: dict[str, Any] = {column: content.get(column) for column in columns}
            row.update(
                id=worker_id,
                beat=int(beats.get(name) or 0),
                beat_at=float(beat_times.get(name) or 0),
            )
            rows.append(row)
        running = zip(ids.values(), held, strict=True)
        return rows, {worker_id: ids_of(jobs) for worker_id, jobs in running}
