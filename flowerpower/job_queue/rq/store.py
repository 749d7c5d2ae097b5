"""The job store on Redis, in RQ's own queues, records and registries."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from flowerpower.errors import JobNotFound, Refused
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.records import (
    Row,
    job_not_found,
    job_of,
    status_of,
)
from flowerpower.job_queue.rq.connection import Connection
from flowerpower.job_queue.rq.fields import RQ_KEY_PREFIX, record_of, row_of, rq_id
from flowerpower.job_queue.rq.scripts import Scripts
from flowerpower.jobs.job import (
    Job,
    JobFilter,
    JobSpec,
    JobStatus,
    LogChunk,
    check_retry,
    check_transition,
)
from flowerpower.text import JOB_ID_LIMIT, is_job_id, is_name
from flowerpower.triggers import clock

PAGE = 500
"""Records read at once for a list."""
_Whole = tuple[dict[bytes, bytes], bytes | None, bytes | None, float]


class RedisStore(JobQueueBackend):
    """Jobs, logs and workers of one namespace in a Redis.

    `result_ttl` and `history_ttl` are the project's, in seconds. See `JobQueueBackend` for what
    each method promises.
    """

    def __init__(
        self, connection: Connection, namespace: str, result_ttl: float, history_ttl: float
    ) -> None:
        self.connection = connection
        self.namespace = namespace
        self._result_ttl = result_ttl
        self.history_ttl = history_ttl
        self._scripts = Scripts(namespace)

    def run(self, script: str, **given: Any) -> Any:
        """A script that may be sent again if its answer is lost."""
        with self.connection.errors():
            return self._scripts.run(self.connection.client, script, given)

    def key(self, *parts: str) -> str:
        """A key of our own in this namespace."""
        return ":".join(("flowerpower", self.namespace, *parts))

    # Jobs

    def add_job(self, spec: JobSpec) -> Job:
        return self.add_jobs([spec])[0]

    def add_jobs(self, specs: Sequence[JobSpec]) -> list[Job]:
        added: list[Job] = []
        for start in range(0, len(specs), PAGE):
            page = specs[start : start + PAGE]
            records = [self.job_record(spec) for spec in page]
            answers = self.run("add", jobs=records, token=uuid.uuid4().hex)
            added += [
                _job(spec.id, _whole(whole), created=bool(created))
                for spec, (created, whole) in zip(page, answers, strict=True)
            ]
        return added

    def job_record(self, spec: JobSpec) -> dict[str, Any]:
        """What the scripts take for a new job."""
        ttl = self._result_ttl if spec.result_ttl is None else spec.result_ttl
        fields = record_of(spec, self.namespace, ttl)
        job = {
            "id": spec.id,
            "queue": spec.queue,
            "run_at": None if spec.run_at is None else spec.run_at.timestamp(),
            "schedule_id": spec.schedule_id,
            "record": [str(each) for pair in fields.items() for each in pair],
        }
        return {name: value for name, value in job.items() if value is not None}

    def get_job(self, job_id: str) -> Job:
        return _job(job_id, self._whole(job_id))

    def _whole(self, job_id: str) -> _Whole:
        found = _whole(self.run("get", id=job_id)) if is_job_id(job_id) else None
        if found is None or not found[0]:
            raise self._not_found(job_id)
        return found

    def _not_found(self, job_id: str) -> JobNotFound:
        with self.connection.errors():
            newest = self.connection.client.zrevrange(self.key("jobs"), 0, 999)
        return job_not_found(job_id, [each.decode("ascii", "replace") for each in newest])

    def list_jobs(self, wanted: JobFilter) -> list[Job]:
        names = (wanted.pipeline, wanted.queue, wanted.schedule_id)
        if any(name is not None and not is_name(name, JOB_ID_LIMIT) for name in names):
            return []
        found: list[Job] = []
        for row, now in self._newest(wanted):
            if len(found) >= wanted.limit:
                break
            is_wanted = not wanted.statuses or status_of(row) in wanted.statuses
            for column in ("pipeline", "queue", "schedule_id"):
                value = getattr(wanted, column)
                is_wanted = is_wanted and value in (None, row[column])
            if is_wanted:
                found.append(job_of(row, now))
        return found

    def _newest(self, wanted: JobFilter) -> Iterator[tuple[Row, float]]:
        """The records of all jobs, the newest first, without results."""
        client = self.connection.client
        since: Any = "-inf" if wanted.since is None else wanted.since.timestamp()
        start, page, seen = 0, min(PAGE, max(1, wanted.limit)), set()
        while True:
            with self.connection.errors():
                found = client.zrevrangebyscore(self.key("jobs"), "+inf", since, start, page)
                # What is added meanwhile moves the others to the next page.
                ids = [each.decode("ascii", "replace") for each in found if each not in seen]
                pipeline = client.pipeline(transaction=False)
                for each in ids:
                    pipeline.hgetall(self._job_key(each))
                    pipeline.get(self.key("progress", each))
                answers = pipeline.execute(raise_on_error=False)
            if not found:
                return
            now = clock.now().timestamp()
            for each, fields, progress in zip(ids, answers[::2], answers[1::2], strict=True):
                if isinstance(fields, dict) and fields:
                    told = progress if isinstance(progress, bytes) else None
                    yield row_of(each, fields, None, told), now
            seen.update(found)
            start, page = start + len(found), PAGE

    def _job_key(self, job_id: str) -> str:
        return f"{RQ_KEY_PREFIX}:job:{rq_id(self.namespace, job_id)}"

    def cancel_job(self, job_id: str) -> Job:
        def check(status: JobStatus) -> bool:
            if status is not JobStatus.CANCELLED:
                check_transition(job_id, status, JobStatus.CANCELLED)
            return status is not JobStatus.CANCELLED

        return _job(job_id, self._change("cancel", job_id, check))

    def retry_job(self, job_id: str) -> Job:
        def check(status: JobStatus) -> bool:
            check_retry(job_id, status)
            return True

        return _job(job_id, self._change("retry", job_id, check))

    def delete_job(self, job_id: str) -> None:
        def check(status: JobStatus) -> bool:
            if status is JobStatus.RUNNING:
                raise Refused(
                    f"The job {job_id} is running.",
                    hint=f"Cancel it first: flowerpower job-queue cancel-job {job_id}",
                )
            return True

        self._change("delete", job_id, check)

    def _change(self, verb: str, job_id: str, check: Any) -> _Whole:
        """Compare and set: `check` says of the status that was seen whether to do it."""
        token = uuid.uuid4().hex
        while True:
            whole = self._whole(job_id)
            fields = whole[0]
            if not check(status_of(row_of(job_id, fields, None, None))):
                return whole
            seen = fields.get(b"status", b"").decode("utf-8", "surrogateescape")
            done = self.run(
                "change",
                verb=verb,
                id=job_id,
                seen=seen,
                token=token if verb == "retry" else None,
                history_ttl=self.history_ttl,
            )
            if done:
                return _whole(done)

    def prune(self, *, everything_ended: bool = False, dry_run: bool = False) -> int:
        client = self.connection.client
        if dry_run and not everything_ended:
            now = clock.now().timestamp()
            with self.connection.errors():
                return int(client.zcount(self.key("expiry"), "-inf", now))
        if dry_run:
            ended = [row for row, _ in self._newest(JobFilter(limit=PAGE))
                     if status_of(row).is_ended]  # fmt: skip
            return len(ended)
        self._cut_ledgers()
        gone = 0
        while count := int(self.run("prune")):
            gone += count
        if everything_ended:
            with self.connection.errors():
                ids = [each.decode("ascii", "replace")
                       for each in client.zrange(self.key("jobs"), 0, -1)]  # fmt: skip
            for start in range(0, len(ids), PAGE):
                gone += int(self.run("prune", ids=ids[start : start + PAGE]))
        return gone

    def _cut_ledgers(self) -> None:
        """Forget fires whose history has ended."""
        client = self.connection.client
        start = 0
        while True:
            with self.connection.errors():
                found = client.zrange(self.key("schedules"), start, start + PAGE - 1)
            if not found:
                return
            before = clock.now().timestamp() - self.history_ttl
            ids = [each.decode("ascii", "replace") for each in found]
            self.run("cut_fires", ids=ids, before=before)
            start += PAGE

    # Logs

    def read_log(self, job_id: str, attempt: int, after: int = 0) -> list[LogChunk]:
        named = is_job_id(job_id)
        found = self.run("log", id=job_id, attempt=attempt, after=after) if named else None
        if found is None:
            raise self._not_found(job_id)
        return [LogChunk(attempt, int(seq), text.decode("utf-8", "replace")) for seq, text in found]


def _whole(answer: Sequence[Any]) -> _Whole:
    fields, result, progress, now = answer
    return dict(zip(fields[::2], fields[1::2], strict=True)), result, progress, float(now)


def _job(job_id: str, whole: _Whole, *, created: bool = True) -> Job:
    fields, result, progress, now = whole
    return job_of(row_of(job_id, fields, result, progress), now, created=created)
