"""What a queue does for workers; its docstrings are law, as those of base.py."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from flowerpower.jobs.limits import NO_LIMITS, Limits, LimitUse

if TYPE_CHECKING:
    from flowerpower.jobs.claim import (
        AttemptResult,
        Claim,
        ExpiredJob,
        FinishRequest,
        Heartbeat,
        LostJobs,
        WorkerInfo,
    )

EXPIRE_BATCH = 500
"""Jobs that have waited too long that one step cancels at most."""
OnExpired: TypeAlias = "Callable[[ExpiredJob], None] | None"


class WorkerStore(ABC):
    """The part of a job queue that workers write to: claims, and how attempts end."""

    @abstractmethod
    def register_worker(self, worker: WorkerInfo) -> None:
        """Register a worker; from now on it must send heartbeats."""

    @abstractmethod
    def unregister_worker(self, worker_id: str) -> None:
        """Remove a worker; a job that it still holds is lost, as by `requeue_lost`."""

    @abstractmethod
    def claim(
        self,
        worker_id: str,
        count: int,
        queues: Iterable[str],
        on_expired: OnExpired = None,
        limits: Limits = NO_LIMITS,
    ) -> list[Claim]:
        """Claim up to `count` due jobs, in one atomic step.

        The queues are taken in the order in which they are named: nothing of the second one while
        the first one has due jobs. Within a queue a higher priority comes first, then the earlier
        due time, then what was added first. A job that is retried or given back keeps its priority,
        and one that is given back its due time.

        Of the jobs for which the `limits` have no room none is claimed, and those behind them are:
        see `flowerpower.jobs.limits`. Among several with room the order is as above.

        A paused queue gives none. Each job becomes running with a new attempt, and belongs to this
        worker alone. A worker that is not registered (any more) gets none. `on_expired` is called
        for each job that had waited too long, and so was cancelled instead (see `expire_jobs`).
        """

    @abstractmethod
    def expire_jobs(self) -> list[ExpiredJob]:
        """Cancel waiting jobs that are too old, in all queues; return them.

        At most EXPIRE_BATCH; if there are more, the next call finds them.
        """

    @abstractmethod
    def next_due_in(self, queues: Iterable[str], limits: Limits = NO_LIMITS) -> float | None:
        """Return the seconds until the next scheduled job is due (0 if one is), None without one.

        Jobs of paused queues do not count, nor parked ones for which the limits have no room; for
        those that wait for a rate it is the time until that has room.
        """

    @abstractmethod
    def limit_use(self, limits: Limits) -> dict[str, LimitUse]:
        """Return what the places of each limit are taken by."""

    @abstractmethod
    def heartbeat(self, worker_id: str) -> Heartbeat:
        """Record one more beat; return what the worker held before it."""

    @abstractmethod
    def record(
        self,
        claim: Claim,
        log: str,
        progress: Mapping[str, Any] | None,
        pieces: int | None = None,
    ) -> bool:
        """Append to the attempt's log and replace the job's progress, in one write.

        Of a log over `records.LOG_LIMIT` only the end is kept. `pieces` is how many pieces (see
        `records.log_pieces`) the caller knows to be there. If there are more, this same call was
        made before and its answer was lost: nothing is written again. Returns False, and writes
        nothing, if the claim is no longer held.
        """

    def finish(
        self, claim: Claim, end: AttemptResult, log: str, progress: Mapping[str, Any] | None
    ) -> bool:
        """End the attempt: status, result, error, log and progress in one write.

        Returns False, and writes nothing, if the claim is no longer held: a late finish is refused.
        """
        from flowerpower.jobs.claim import FinishRequest

        return self.finish_many([FinishRequest(claim, end, log, progress)])[0]

    @abstractmethod
    def finish_many(self, ended: Sequence[FinishRequest]) -> list[bool]:
        """End several attempts as `finish` does, in one write; a refused one stops no other."""

    @abstractmethod
    def release(self, claim: Claim) -> bool:
        """Return an unfinished job to its queue.

        Neither a retry nor a loss is counted. A job with a cancel request becomes cancelled.
        Returns False if the claim is no longer held.
        """

    @abstractmethod
    def requeue_lost(self, claim: Claim, reason: str) -> bool:
        """Queue a job again whose attempt died without its own fault, and count a loss.

        At the third loss the job fails with that reason. A job with a cancel request becomes
        cancelled. Returns False if the claim is no longer held.
        """

    @abstractmethod
    def beats(self) -> dict[str, int]:
        """Return the beat of every registered worker."""

    @abstractmethod
    def requeue_lost_jobs_of(self, worker_id: str, beat: int) -> LostJobs:
        """Remove a dead worker, if its beat is still `beat`; its jobs are lost (`requeue_lost`).

        Returns how many jobs were lost; none if it has beaten since, or was removed before.
        """
