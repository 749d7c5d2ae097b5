"""The job store on Redis, in RQ's own queues, records and registries."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from flowerpower import clock
from flowerpower.errors import JobNotFound, Refused
from flowerpower.job_queue.base import LOG_LIMIT, EndedAttempt, JobQueueBackend
from flowerpower.job_queue.records import (
    WORKER_DIED,
    WORKER_WENT,
    Row,
    claim_of,
    job_not_found,
    job_of,
    log_pieces,
    lost_error,
    status_of,
    worker_of,
)
from flowerpower.job_queue.rq.connection import Connection
from flowerpower.job_queue.rq.fields import RQ_KEY_PREFIX, record_of, row_of, rq_id
from flowerpower.job_queue.rq.scripts import Scripts
from flowerpower.jobs import (
    MAX_LOSSES,
    AttemptEnd,
    Claim,
    Heartbeat,
    Job,
    JobFilter,
    JobSpec,
    JobStatus,
    LogChunk,
    WorkerInfo,
    check_retry,
    check_transition,
)
from flowerpower.names import JOB_ID_LIMIT, is_name

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

    def _key(self, *parts: str) -> str:
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
        found = _whole(self.run("get", id=job_id)) if is_name(job_id, JOB_ID_LIMIT) else None
        if found is None or not found[0]:
            raise self._not_found(job_id)
        return found

    def _not_found(self, job_id: str) -> JobNotFound:
        with self.connection.errors():
            newest = self.connection.client.zrevrange(self._key("jobs"), 0, 999)
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
        page = min(PAGE, max(1, wanted.limit))
        for start in range(0, 1 << 62, page):
            with self.connection.errors():
                ids = client.zrevrangebyscore(self._key("jobs"), "+inf", since, start, page)
                if not ids:
                    return
                pipeline = client.pipeline(transaction=False)
                for each in ids:
                    pipeline.hgetall(self._job_key(each.decode("ascii", "replace")))
                    pipeline.get(self._key("progress", each.decode("ascii", "replace")))
                answers = pipeline.execute(raise_on_error=False)
            now = clock.now().timestamp()
            for each, fields, progress in zip(ids, answers[::2], answers[1::2], strict=True):
                if isinstance(fields, dict) and fields:
                    told = progress if isinstance(progress, bytes) else None
                    yield row_of(each.decode("ascii", "replace"), fields, None, told), now
            page = PAGE if start == 0 and page == PAGE else page

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
                return int(client.zcount(self._key("expiry"), "-inf", now))
        if dry_run:
            ended = [row for row, _ in self._newest(JobFilter(limit=PAGE))
                     if status_of(row).is_ended]  # fmt: skip
            return len(ended)
        gone = 0
        while count := int(self.run("prune")):
            gone += count
        if everything_ended:
            with self.connection.errors():
                ids = [each.decode("ascii", "replace")
                       for each in client.zrange(self._key("jobs"), 0, -1)]  # fmt: skip
            for start in range(0, len(ids), PAGE):
                gone += int(self.run("prune", ids=ids[start : start + PAGE]))
        return gone

    # Logs

    def read_log(self, job_id: str, attempt: int, after: int = 0) -> list[LogChunk]:
        named = is_name(job_id, JOB_ID_LIMIT)
        found = self.run("log", id=job_id, attempt=attempt, after=after) if named else None
        if found is None:
            raise self._not_found(job_id)
        return [LogChunk(attempt, int(seq), text.decode("utf-8", "replace")) for seq, text in found]

    # Workers

    def register_worker(self, worker: WorkerInfo) -> None:
        info = {
            "host": worker.host,
            "pid": worker.pid,
            "queues": json.dumps(worker.queues),
            "slots": worker.slots,
            "started_at": worker.started_at.timestamp(),
        }
        self.run("register", worker=worker.id, info=json.dumps(info))

    def unregister_worker(self, worker_id: str) -> None:
        self._bury(worker_id, None, WORKER_WENT)

    def bury(self, worker_id: str, beat: int) -> int:
        return self._bury(worker_id, beat, WORKER_DIED)

    def _bury(self, worker_id: str, beat: int | None, reason: str) -> int:
        return int(self.run("bury", worker=worker_id, beat=beat, **self._losing(reason)))

    def _losing(self, reason: str) -> dict[str, Any]:
        return {
            "error": lost_error(reason),
            "max_losses": MAX_LOSSES,
            "history_ttl": self.history_ttl,
        }

    def list_workers(self) -> list[WorkerInfo]:
        with self.connection.errors():
            pipeline = self.connection.client.pipeline(transaction=True)
            for name in ("workers", "beats", "beat_at"):
                pipeline.hgetall(self._key(name))
            infos, beats, beaten = pipeline.execute()
            pipeline = self.connection.client.pipeline(transaction=False)
            for each in infos:
                pipeline.hkeys(self._key("held", each.decode("utf-8", "replace")))
            held = pipeline.execute()
        running = {each.decode("utf-8", "replace"): [job.decode("ascii", "replace") for job in jobs]
                   for each, jobs in zip(infos, held, strict=True)}  # fmt: skip
        found = [
            worker_of(_worker_row(each, info, beats.get(each), beaten.get(each)), running)
            for each, info in infos.items()
        ]
        return sorted(found, key=lambda worker: worker.started_at)

    def claim(self, worker_id: str, count: int, queues: Iterable[str]) -> list[Claim]:
        named = list(queues)
        if not named or count < 1:
            return []
        given = {"worker": worker_id, "count": count, "queues": named,
                 "history_ttl": self.history_ttl}  # fmt: skip
        with self.connection.errors():
            taken = self._scripts.run(self.connection.once, "claim", given)
        names = (
            b"fp_pipeline",
            b"fp_payload",
            b"fp_retries",
            b"fp_result_ttl",
            b"fp_scheduled_for",
        )
        claims = []
        for job_id, attempt, *values in taken:
            fields = {name: value for name, value in zip(names, values, strict=True)
                      if value is not None}  # fmt: skip
            row = {**row_of(job_id.decode(), fields, None, None), "attempt": int(attempt)}
            claims.append(claim_of(row, worker_id))
        return claims

    def next_due_in(self, queues: Iterable[str]) -> float | None:
        named = list(queues)
        found = self.run("next_due", queues=named) if named else None
        return None if found is None else float(found)

    def heartbeat(self, worker_id: str) -> Heartbeat:
        known, *held = self.run("heartbeat", worker=worker_id)
        return Heartbeat(
            bool(known),
            {job_id.decode(): (int(attempt), cancel == b"1") for job_id, attempt, cancel in held},
        )

    def beats(self) -> dict[str, int]:
        with self.connection.errors():
            found = self.connection.client.hgetall(self._key("beats"))
        return {each.decode("utf-8", "replace"): int(beat) for each, beat in found.items()}

    def record(self, claim: Claim, log: str, progress: Mapping[str, Any] | None) -> bool:
        return bool(
            self.run(
                "record",
                **_fence(claim),
                token=uuid.uuid4().hex,
                progress=None if progress is None else json.dumps(progress),
                log=log_pieces(log),
                log_limit=LOG_LIMIT,
            )
        )

    def finish(
        self, claim: Claim, end: AttemptEnd, log: str, progress: Mapping[str, Any] | None
    ) -> bool:
        return self.finish_many([EndedAttempt(claim, end, log, progress)])[0]

    def finish_many(self, ended: Sequence[EndedAttempt]) -> list[bool]:
        for each in ended:
            check_transition(each.claim.job_id, JobStatus.RUNNING, each.end.status)
        if not ended:
            return []
        answers = self.run(
            "finish",
            token=uuid.uuid4().hex,
            history_ttl=self.history_ttl,
            log_limit=LOG_LIMIT,
            ended=[_ended(each) for each in ended],
        )
        return [bool(each) for each in answers]

    def release(self, claim: Claim) -> bool:
        return bool(self.run("give_back", **_fence(claim), history_ttl=self.history_ttl))

    def lose(self, claim: Claim, reason: str) -> bool:
        return bool(self.run("give_back", **_fence(claim), **self._losing(reason)))


def _whole(answer: Sequence[Any]) -> _Whole:
    fields, result, progress, now = answer
    return dict(zip(fields[::2], fields[1::2], strict=True)), result, progress, float(now)


def _job(job_id: str, whole: _Whole, *, created: bool = True) -> Job:
    fields, result, progress, now = whole
    return job_of(row_of(job_id, fields, result, progress), now, created=created)


def _fence(claim: Claim) -> dict[str, Any]:
    return {"id": claim.job_id, "owner": claim.owner, "attempt": claim.attempt}


def _ended(ended: EndedAttempt) -> dict[str, Any]:
    claim, end = ended.claim, ended.end
    given = {
        **_fence(claim),
        "status": end.status,
        "result": None if end.result is None else json.dumps(end.result),
        "result_ttl": claim.result_ttl,
        "error": None if end.error is None else json.dumps(end.error),
        "progress": None if ended.progress is None else json.dumps(ended.progress),
        "retries": end.retries,
        "attempts_left": end.attempts_left,
        "run_at": None if end.run_at is None else end.run_at.timestamp(),
        "log": log_pieces(ended.log),
    }
    return {name: value for name, value in given.items() if value is not None}


def _worker_row(worker: bytes, info: bytes, beat: bytes | None, beat_at: bytes | None) -> Row:
    try:
        told = json.loads(info)
    except (ValueError, RecursionError):
        told = None
    told = told if isinstance(told, dict) else {}
    names = ("host", "pid", "queues", "slots", "started_at")
    return {
        **{name: told.get(name) for name in names},
        "id": worker.decode("utf-8", "replace"),
        "beat": int(beat or 0),
        "beat_at": float(beat_at or 0),
    }
