"""Workers, claims and outcomes of the store on Redis."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flowerpower.job_queue.base import LOG_LIMIT, FinishRequest
from flowerpower.job_queue.records import (
    WORKER_DIED,
    WORKER_WENT,
    Row,
    claim_of,
    log_pieces,
    lost_error,
    worker_of,
)
from flowerpower.job_queue.rq.fields import row_of
from flowerpower.job_queue.rq.store import RedisStore
from flowerpower.jobs.claim import AttemptResult, Claim, Heartbeat, WorkerInfo
from flowerpower.jobs.job import MAX_WORKER_LOSSES, JobStatus, check_transition


class RedisWorkers(RedisStore):
    """What `RedisStore` is for callers, for workers too; see `JobQueueBackend`."""

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

    def requeue_lost_jobs_of(self, worker_id: str, beat: int) -> int:
        return self._bury(worker_id, beat, WORKER_DIED)

    def _bury(self, worker_id: str, beat: int | None, reason: str) -> int:
        return int(self.run("bury", worker=worker_id, beat=beat, **self._losing(reason)))

    def _losing(self, reason: str) -> dict[str, Any]:
        return {
            "error": lost_error(reason),
            "max_worker_losses": MAX_WORKER_LOSSES,
            "history_ttl": self.history_ttl,
        }

    def list_workers(self) -> list[WorkerInfo]:
        with self.connection.errors():
            pipeline = self.connection.client.pipeline(transaction=True)
            for name in ("workers", "beats", "beat_at"):
                pipeline.hgetall(self.key(name))
            infos, beats, beaten = pipeline.execute()
            pipeline = self.connection.client.pipeline(transaction=False)
            for each in infos:
                pipeline.hkeys(self.key("held", each.decode("utf-8", "replace")))
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
            found = self.connection.client.hgetall(self.key("beats"))
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
        self, claim: Claim, end: AttemptResult, log: str, progress: Mapping[str, Any] | None
    ) -> bool:
        return self.finish_many([FinishRequest(claim, end, log, progress)])[0]

    def finish_many(self, ended: Sequence[FinishRequest]) -> list[bool]:
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

    def requeue_lost(self, claim: Claim, reason: str) -> bool:
        return bool(self.run("give_back", **_fence(claim), **self._losing(reason)))


def _fence(claim: Claim) -> dict[str, Any]:
    return {"id": claim.job_id, "owner": claim.owner, "attempt": claim.attempt}


def _ended(ended: FinishRequest) -> dict[str, Any]:
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
