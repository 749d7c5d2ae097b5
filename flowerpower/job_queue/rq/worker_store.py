"""What workers and schedulers ask of a Redis; RQManager is one of these."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flowerpower.job_queue import records
from flowerpower.job_queue.rq.store import RedisStore, loss
from flowerpower.job_queue.worker_store import EXPIRE_BATCH, OnExpired, WorkerStore
from flowerpower.jobs.limits import NO_LIMITS, Limits, LimitUse

if TYPE_CHECKING:
    from flowerpower.jobs.claim import (
        Claim,
        ExpiredJob,
        FinishRequest,
        Heartbeat,
        LostJobs,
        WorkerInfo,
    )


class RedisWorkerStore(WorkerStore):
    """See `WorkerStore`. Its imports stand in methods, because whoever adds a job needs none."""

    _store: RedisStore

    def register_worker(self, worker: WorkerInfo) -> None:
        columns = records.worker_columns(worker)
        info = {**columns, "started_at": worker.started_at.timestamp()}
        self._store.run("register_worker", worker=worker.id, info=json.dumps(info))

    def unregister_worker(self, worker_id: str) -> None:
        self._store.run("remove_worker", worker=worker_id, **loss(records.WORKER_WENT))

    def requeue_lost_jobs_of(self, worker_id: str, beat: int) -> LostJobs:
        from flowerpower.jobs.claim import LostJobs

        lost = loss(records.WORKER_DIED)
        return LostJobs(*self._store.run("remove_worker", worker=worker_id, beat=beat, **lost))

    def claim(
        self,
        worker_id: str,
        count: int,
        queues: Iterable[str],
        on_expired: OnExpired = None,
        limits: Limits = NO_LIMITS,
    ) -> list[Claim]:
        from flowerpower.job_queue.rq.claims import claim_of, expired_job, limits_json

        names = list(queues)
        if not names or count < 1:
            return []
        # Once: a repeated script would claim other jobs. Those of a claim whose answer was lost
        # are found by the next heartbeat.
        claimed, expired = self._store.run_once(
            "claim_jobs",
            worker=worker_id,
            count=count,
            queues=names,
            limits=limits_json(limits),
            expire_limit=EXPIRE_BATCH,
        )
        if on_expired is not None:
            for values in expired:
                on_expired(expired_job(values))
        return [
            claim_of(worker_id, job_id.decode(), attempt, values)
            for job_id, attempt, *values in claimed
        ]

    def expire_jobs(self) -> list[ExpiredJob]:
        from flowerpower.job_queue.rq.claims import expired_job

        expired = self._store.run("expire_jobs", expire_limit=EXPIRE_BATCH)
        return [expired_job(values) for values in expired]

    def next_due_in(self, queues: Iterable[str], limits: Limits = NO_LIMITS) -> float | None:
        from flowerpower.job_queue.rq.claims import limits_json

        names = list(queues)
        if not names:
            return None
        seconds = self._store.run("next_due_in", queues=names, limits=limits_json(limits))
        return None if seconds is None else float(seconds)

    def limit_use(self, limits: Limits) -> dict[str, LimitUse]:
        from flowerpower.job_queue.rq.claims import limits_json, use_of

        answers = self._store.run("limit_use", limits=limits_json(limits))
        # One that no pipeline has is not asked for.
        return {name: LimitUse() for name in limits.by_name} | dict(
            use_of(*answer) for answer in answers
        )

    def heartbeat(self, worker_id: str) -> Heartbeat:
        from flowerpower.jobs.claim import Heartbeat

        is_known, *held = self._store.run("heartbeat", worker=worker_id)
        return Heartbeat(
            bool(is_known),
            {job_id.decode(): (int(attempt), cancel == b"1") for job_id, attempt, cancel in held},
        )

    def beats(self) -> dict[str, int]:
        beats = self._store.command("hgetall", self._store.key("beats"))
        return {name.decode("utf-8", "replace"): int(beat) for name, beat in beats.items()}

    def record(
        self,
        claim: Claim,
        log: str,
        progress: Mapping[str, Any] | None,
        pieces: int | None = None,
    ) -> bool:
        from flowerpower.job_queue.rq.claims import fence

        is_held = self._store.run(
            "record_progress",
            **fence(claim),
            progress=records.as_json(progress),
            log=records.log_pieces(log),
            pieces=pieces,
        )
        return bool(is_held)

    def finish_many(self, ended: Sequence[FinishRequest]) -> list[bool]:
        from flowerpower.job_queue.rq.claims import ended_attempt

        if not ended:
            return []
        attempts = [ended_attempt(request) for request in ended]
        return [bool(is_held) for is_held in self._store.run("finish_attempts", ended=attempts)]

    def release(self, claim: Claim) -> bool:
        from flowerpower.job_queue.rq.claims import fence

        return bool(self._store.run("requeue_job", **fence(claim)))

    def requeue_lost(self, claim: Claim, reason: str) -> bool:
        from flowerpower.job_queue.rq.claims import fence

        return bool(self._store.run("requeue_job", **fence(claim), **loss(reason)))
