"""The job store over two SQL dialects: it stores and claims, and decides nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flowerpower.errors import JobNotFound, Refused
from flowerpower.job_queue.apscheduler.database import Database, Transaction, in_list
from flowerpower.job_queue.base import LOG_LIMIT, FinishRequest, JobQueueBackend
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
from flowerpower.jobs.claim import AttemptResult, Claim, Heartbeat, WorkerInfo
from flowerpower.jobs.job import (
    MAX_WORKER_LOSSES,
    Job,
    JobFilter,
    JobSpec,
    JobStatus,
    LogChunk,
    check_retry,
    check_transition,
)
from flowerpower.text import JOB_ID_LIMIT, is_job_id, is_name


class SqlStore(JobQueueBackend):
    """Jobs, logs and workers of one namespace in a database.

    `result_ttl` and `history_ttl` are the project's, in seconds. See `JobQueueBackend` for what
    each method promises.
    """

    def __init__(
        self, database: Database, namespace: str, result_ttl: float, history_ttl: float
    ) -> None:
        self.database = database
        self._namespace = namespace
        self._result_ttl = result_ttl
        self._history_ttl = history_ttl

    def scoped(self, **parameters: Any) -> dict[str, Any]:
        """Parameters of a query, with the namespace."""
        return {"namespace": self._namespace, **parameters}

    # Jobs

    def add_job(self, spec: JobSpec) -> Job:
        return self.add_jobs([spec])[0]

    def add_jobs(self, specs: Sequence[JobSpec]) -> list[Job]:
        with self.database.write() as tx:
            now = tx.now()
            # A record whose history has ended no longer holds its id.
            tx.run("delete_expired", self.scoped(now=now))
            created = tx.run_many("add_job", [self.job_row(spec, now) for spec in specs])
            return [
                self._get(tx, spec.id, now, created=bool(is_new))
                for spec, is_new in zip(specs, created, strict=True)
            ]

    def job_row(self, spec: JobSpec, now: float) -> dict[str, Any]:
        """The parameters of `add_job` for a new job."""
        run_at = now if spec.run_at is None else spec.run_at.timestamp()
        return self.scoped(
            id=spec.id,
            pipeline=spec.pipeline,
            queue=spec.queue,
            payload=json.dumps(spec.payload()),
            status=JobStatus.SCHEDULED if run_at > now else JobStatus.QUEUED,
            run_at=run_at,
            now=now,
            result_ttl=self._result_ttl if spec.result_ttl is None else spec.result_ttl,
            schedule_id=spec.schedule_id,
            scheduled_for=_seconds(spec.scheduled_for),
        )

    def get_job(self, job_id: str) -> Job:
        with self.database.read() as tx:
            return self._get(tx, job_id, tx.now())

    def _get(self, tx: Transaction, job_id: str, now: float, *, created: bool = True) -> Job:
        return job_of(self._row(tx, "get_job", job_id, now), now, created=created)

    def _row(self, tx: Transaction, query: str, job_id: str, now: float) -> Row:
        # What is no name is no id: drivers choke on some of it.
        named = is_job_id(job_id)
        rows = tx.rows(query, self.scoped(id=job_id, now=now)) if named else []
        if not rows:
            raise self._not_found(tx, job_id, now)
        return rows[0]

    def _not_found(self, tx: Transaction, job_id: str, now: float) -> JobNotFound:
        listed = tx.rows("list_jobs", self.scoped(now=now, limit=1000), conditions="")
        return job_not_found(job_id, [str(row["id"]) for row in listed])

    def list_jobs(self, wanted: JobFilter) -> list[Job]:
        conditions: list[str] = []
        parameters: dict[str, Any] = {"limit": max(0, wanted.limit)}
        if wanted.statuses:
            # A damaged status counts as failed.
            with_damaged = JobStatus.FAILED in wanted.statuses
            named = set(JobStatus) - wanted.statuses if with_damaged else wanted.statuses
            text, values = in_list("status", sorted(named))
            if values:
                conditions.append(f"status {'NOT ' if with_damaged else ''}IN ({text})")
                parameters.update(values)
        for column in ("pipeline", "queue", "schedule_id"):
            if (value := getattr(wanted, column)) is not None:
                if not is_name(value, JOB_ID_LIMIT):
                    return []
                conditions.append(f"{column} = :{column}")
                parameters[column] = value
        if wanted.since is not None:
            conditions.append("created_at >= :since")
            parameters["since"] = wanted.since.timestamp()
        text = "".join(f" AND {condition}" for condition in conditions)
        with self.database.read() as tx:
            now = tx.now()
            rows = tx.rows("list_jobs", self.scoped(now=now, **parameters), conditions=text)
        return [job_of(row, now) for row in rows]

    def cancel_job(self, job_id: str) -> Job:
        with self.database.write() as tx:
            now = tx.now()
            status = status_of(self._row(tx, "lock_job", job_id, now))
            if status is not JobStatus.CANCELLED:
                check_transition(job_id, status, JobStatus.CANCELLED)
                query = "cancel_running" if status is JobStatus.RUNNING else "cancel_waiting"
                tx.run(query, self.scoped(id=job_id, **self._ended(now)))
            return self._get(tx, job_id, now)

    def retry_job(self, job_id: str) -> Job:
        with self.database.write() as tx:
            now = tx.now()
            status = status_of(self._row(tx, "lock_job", job_id, now))
            check_retry(job_id, status)
            tx.run("retry_job", self.scoped(id=job_id, now=now))
            return self._get(tx, job_id, now)

    def delete_job(self, job_id: str) -> None:
        with self.database.write() as tx:
            status = status_of(self._row(tx, "lock_job", job_id, tx.now()))
            if status is JobStatus.RUNNING:
                raise Refused(
                    f"The job {job_id} is running.",
                    hint=f"Cancel it first: flowerpower job-queue cancel-job {job_id}",
                )
            tx.run("delete_job", self.scoped(id=job_id))

    def prune(self, *, everything_ended: bool = False, dry_run: bool = False) -> int:
        if dry_run:
            with self.database.read() as tx:
                given = self.scoped(now=tx.now(), everything=int(everything_ended))
                return int(tx.rows("count_prunable", given)[0]["count"])
        with self.database.write() as tx:
            now = tx.now()
            tx.run("forget_results", self.scoped(now=now))
            tx.run("old_fires", self.scoped(before=now - self._history_ttl))
            gone = tx.run("delete_expired", self.scoped(now=now))
            if everything_ended:
                gone += tx.run("delete_ended", self.scoped())
            return gone

    def _ended(self, now: float) -> dict[str, float]:
        return {"now": now, "expires_at": now + self._history_ttl}

    # Logs

    def read_log(self, job_id: str, attempt: int, after: int = 0) -> list[LogChunk]:
        with self.database.read() as tx:
            self._row(tx, "has_job", job_id, tx.now())
            rows = tx.rows("read_log", self.scoped(id=job_id, attempt=attempt, after=after))
        return [LogChunk(row["attempt"], row["seq"], row["text"]) for row in rows]

    def _append_log(self, tx: Transaction, claim: Claim, text: str) -> None:
        if not text:
            return
        where = self.scoped(id=claim.job_id, attempt=claim.attempt)
        (last,) = tx.rows("last_log", where)
        size = last["size"]
        for number, piece in enumerate(log_pieces(text), start=last["seq"] + 1):
            chunk = {"seq": number, "text": piece, "size": len(piece.encode())}
            tx.run("append_log", {**where, **chunk})
            size += chunk["size"]
        if size > LOG_LIMIT:
            kept = 0
            for row in tx.rows("log_sizes", where):
                kept += row["size"]
                if kept > LOG_LIMIT:
                    tx.run("cut_log", {**where, "seq": row["seq"]})
                    break

    # Workers

    def register_worker(self, worker: WorkerInfo) -> None:
        with self.database.write() as tx:
            tx.run(
                "register_worker",
                self.scoped(
                    worker=worker.id,
                    host=worker.host,
                    pid=worker.pid,
                    queues=json.dumps(worker.queues),
                    slots=worker.slots,
                    now=tx.now(),
                ),
            )

    def unregister_worker(self, worker_id: str) -> None:
        with self.database.write() as tx:
            tx.run("unregister_worker", self.scoped(worker=worker_id))
            self._lose(tx, self.scoped(worker=worker_id, id="", attempt=0), WORKER_WENT)

    def list_workers(self) -> list[WorkerInfo]:
        with self.database.read() as tx:
            rows = tx.rows("list_workers", self.scoped())
            held = tx.rows("all_held", self.scoped())
        running: dict[str, list[str]] = {}
        for row in held:
            running.setdefault(row["owner"], []).append(row["id"])
        return [worker_of(row, running) for row in rows]

    def claim(self, worker_id: str, count: int, queues: Iterable[str]) -> list[Claim]:
        text, named = in_list("queue", list(queues))
        if not named or count < 1:
            return []
        with self.database.write() as tx:
            if not tx.rows("is_worker_known", self.scoped(worker=worker_id)):
                return []
            now = tx.now()
            tx.run("promote", self.scoped(now=now))
            parameters = self.scoped(worker=worker_id, count=count, now=now, **named)
            rows = tx.rows("claim", parameters, queues=text)
        return [claim_of(row, worker_id) for row in sorted(rows, key=lambda row: row["run_at"])]

    def next_due_in(self, queues: Iterable[str]) -> float | None:
        text, named = in_list("queue", list(queues))
        if not named:
            return None
        due: list[float] = []
        with self.database.read() as tx:
            for status in (JobStatus.QUEUED, JobStatus.SCHEDULED):
                parameters = self.scoped(status=status, **named)
                due += [row["run_at"] for row in tx.rows("next_due", parameters, queues=text)
                        if isinstance(row["run_at"], int | float)]  # fmt: skip
            now = tx.now()
        return max(0.0, min(due) - now) if due else None

    def heartbeat(self, worker_id: str) -> Heartbeat:
        with self.database.write() as tx:
            held = tx.rows("held_jobs", self.scoped(worker=worker_id))
            known = tx.run("beat", self.scoped(worker=worker_id, now=tx.now()))
        return Heartbeat(
            bool(known), {row["id"]: (row["attempt"], bool(row["cancel"])) for row in held}
        )

    def _fence(self, claim: Claim) -> dict[str, Any]:
        return self.scoped(id=claim.job_id, worker=claim.owner, attempt=claim.attempt)

    def record(self, claim: Claim, log: str, progress: Mapping[str, Any] | None) -> bool:
        with self.database.write() as tx:
            held = tx.run("record_progress", {**self._fence(claim), "progress": _text(progress)})
            if held:
                self._append_log(tx, claim, log)
            return bool(held)

    def finish(
        self, claim: Claim, end: AttemptResult, log: str, progress: Mapping[str, Any] | None
    ) -> bool:
        return self.finish_many([FinishRequest(claim, end, log, progress)])[0]

    def finish_many(self, ended: Sequence[FinishRequest]) -> list[bool]:
        for each in ended:
            check_transition(each.claim.job_id, JobStatus.RUNNING, each.end.status)
        with self.database.write() as tx:
            now = tx.now()
            return [self._finish(tx, each, now) for each in ended]

    def _finish(self, tx: Transaction, ended: FinishRequest, now: float) -> bool:
        claim, end = ended.claim, ended.end
        finished = end.status is JobStatus.FINISHED
        parameters = {
            **self._fence(claim),
            **self._ended(now),
            "status": end.status,
            "result": _text(end.result) if finished and claim.result_ttl else None,
            "result_expires_at": now + claim.result_ttl
            if finished and claim.result_ttl >= 0
            else None,
            "error": _text(end.error),
            "progress": _text(ended.progress),
            "retries": end.retries,
            "attempts_left": end.attempts_left,
            "run_at": _seconds(end.run_at),
        }
        held = tx.run("finish", parameters)
        if held:
            self._append_log(tx, claim, ended.log)
        return bool(held)

    def release(self, claim: Claim) -> bool:
        with self.database.write() as tx:
            return bool(tx.run("release", {**self._fence(claim), **self._ended(tx.now())}))

    def requeue_lost(self, claim: Claim, reason: str) -> bool:
        with self.database.write() as tx:
            return bool(self._lose(tx, self._fence(claim), reason))

    def _lose(self, tx: Transaction, fence: Mapping[str, Any], reason: str) -> int:
        error = lost_error(reason)
        lost = {"max_worker_losses": MAX_WORKER_LOSSES, "error": error, **self._ended(tx.now())}
        return tx.run("requeue_lost", {**fence, **lost})

    def beats(self) -> dict[str, int]:
        with self.database.read() as tx:
            return {row["id"]: row["beat"] for row in tx.rows("beats", self.scoped())}

    def requeue_lost_jobs_of(self, worker_id: str, beat: int) -> int:
        with self.database.write() as tx:
            if not tx.run("remove_silent_worker", self.scoped(worker=worker_id, beat=beat)):
                return 0
            return self._lose(tx, self.scoped(worker=worker_id, id="", attempt=0), WORKER_DIED)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _text(data: Mapping[str, Any] | None) -> str | None:
    return None if data is None else json.dumps(data)
