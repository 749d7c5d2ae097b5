"""What workers and schedulers ask of a SQL database; APSManager is one of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flowerpower.job_queue import records
from flowerpower.job_queue.worker_store import EXPIRE_BATCH, OnExpired, WorkerStore
from flowerpower.jobs.limits import NO_LIMITS, Limits, LimitUse

if TYPE_CHECKING:
    from flowerpower.job_queue.apscheduler.database import Database, Transaction
    from flowerpower.job_queue.apscheduler.limits import FreedPipelines
    from flowerpower.jobs.claim import (
        Claim,
        ExpiredJob,
        FinishRequest,
        Heartbeat,
        LostJobs,
        WorkerInfo,
    )


class SqlWorkerStore(WorkerStore):
    """See `WorkerStore`. Its imports stand in methods, because whoever adds a job needs none."""

    database: Database

    @cached_property
    def _freed(self) -> FreedPipelines:
        from flowerpower.job_queue.apscheduler.limits import FreedPipelines

        return FreedPipelines()

    def register_worker(self, worker: WorkerInfo) -> None:
        with self.database.write() as tx:
            tx.run("register_worker", worker=worker.id, **records.worker_columns(worker))

    def unregister_worker(self, worker_id: str) -> None:
        from flowerpower.job_queue.apscheduler import attempts

        def unregister(tx: Transaction) -> None:
            tx.run("unregister_worker", worker=worker_id)
            attempts.requeue_lost(tx, records.WORKER_WENT, worker_id)

        self.database.run(unregister)

    def claim(
        self,
        worker_id: str,
        count: int,
        queues: Iterable[str],
        on_expired: OnExpired = None,
        limits: Limits = NO_LIMITS,
    ) -> list[Claim]:
        from flowerpower.job_queue.apscheduler import claiming

        names = list(dict.fromkeys(queues))
        if not names or count < 1:
            return []
        claims, expired = self.database.run(
            lambda tx: claiming.claim(tx, worker_id, count, names, limits, self._freed)
        )
        if on_expired is not None:
            for job in expired:
                on_expired(job)
        return claims

    def expire_jobs(self) -> list[ExpiredJob]:
        from flowerpower.job_queue.apscheduler import ending

        with self.database.read() as tx:
            if not tx.rows("expired", {"skip_locked": ""}, count=1):
                return []
        return self.database.run(lambda tx: ending.expire_jobs(tx, EXPIRE_BATCH))

    def next_due_in(self, queues: Iterable[str], limits: Limits = NO_LIMITS) -> float | None:
        from flowerpower.job_queue.apscheduler import claiming

        if not (names := list(queues)):
            return None
        with self.database.read() as tx:
            return claiming.next_due_in(tx, names, limits)

    def limit_use(self, limits: Limits) -> dict[str, LimitUse]:
        from flowerpower.job_queue.apscheduler.limits import limit_use

        with self.database.read() as tx:
            return limit_use(tx, limits)

    def heartbeat(self, worker_id: str) -> Heartbeat:
        from flowerpower.jobs.claim import Heartbeat

        with self.database.write() as tx:
            # Before the beat: a claim that comes after it must not look lost.
            held = tx.rows("held_jobs", worker=worker_id)
            is_known = tx.run("beat", worker=worker_id)
        return Heartbeat(
            bool(is_known), {row["id"]: (row["attempt"], bool(row["cancel"])) for row in held}
        )

    def record(
        self,
        claim: Claim,
        log: str,
        progress: Mapping[str, Any] | None,
        pieces: int | None = None,
    ) -> bool:
        from flowerpower.job_queue.apscheduler import attempts

        with self.database.write() as tx:
            is_held = tx.run(
                "record_progress", **attempts.fence(claim), progress=records.as_json(progress)
            )
            if is_held:
                attempts.append_log(tx, claim, log, pieces)
            return bool(is_held)

    def finish_many(self, ended: Sequence[FinishRequest]) -> list[bool]:
        from flowerpower.job_queue.apscheduler import attempts

        return self.database.run(lambda tx: attempts.finish_many(tx, ended))

    def release(self, claim: Claim) -> bool:
        from flowerpower.job_queue.apscheduler import attempts

        return self.database.run(lambda tx: attempts.release(tx, claim))

    def requeue_lost(self, claim: Claim, reason: str) -> bool:
        from flowerpower.job_queue.apscheduler import attempts

        fence = attempts.fence(claim)
        lost = self.database.run(lambda tx: attempts.requeue_lost(tx, reason, **fence))
        return lost.count > 0

    def beats(self) -> dict[str, int]:
        with self.database.read() as tx:
            return {row["id"]: row["beat"] for row in tx.rows("beats")}

    def requeue_lost_jobs_of(self, worker_id: str, beat: int) -> LostJobs:
        from flowerpower.job_queue.apscheduler import attempts
        from flowerpower.jobs.claim import LostJobs

        def requeue(tx: Transaction) -> LostJobs:
            if not tx.run("remove_silent_worker", worker=worker_id, beat=beat):
                return LostJobs()
            return attempts.requeue_lost(tx, records.WORKER_DIED, worker_id)

        return self.database.run(requeue)
