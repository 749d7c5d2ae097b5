"""The interface of a job queue; its docstrings are the law, the contract suite their proof.

Law, for every method: what is acknowledged (the call returned) is durable. Times are aware
datetimes. A store writes down what it is told and decides nothing: whether an attempt is
retried is decided by `flowerpower.job_queue.worker.slots`, whether a worker is dead by `reaping`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from flowerpower.job_queue.schedule_store import Fired, ScheduleStore
from flowerpower.jobs.claim import AttemptResult, Claim, Heartbeat, WorkerInfo
from flowerpower.jobs.job import Job, JobFilter, JobSpec, LogChunk

if TYPE_CHECKING:
    from flowerpower.jobs.schedule import Fire, Schedule, ScheduleSpec

LEASE = 10.0
"""Seconds; a worker whose beat stood still for so long, as seen by another, is dead."""
DISCONNECT_GRACE = 600.0
"""Seconds that running jobs go on while their worker cannot reach the backend."""
LOG_LIMIT = 1_000_000
"""Bytes of log kept of one attempt, the end of it."""


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker works.

    Attributes:
        num_workers: attempts at once.
        queues: the queues it takes jobs from, in no particular order.
        burst: end when nothing is due and nothing runs.
        max_jobs: end after so many attempts; None for no limit.
        jobs_per_child: attempts that one child process makes before it is replaced.
        lease: see LEASE; the same for all workers of a queue, each judges the others by its own.
        with_scheduler: fire schedules too; on apscheduler every worker does.
        disconnect_grace: see DISCONNECT_GRACE; then they are ended, and given back when it can be
            told.
    """

    num_workers: int = 2
    queues: tuple[str, ...] = ("default",)
    burst: bool = False
    max_jobs: int | None = None
    jobs_per_child: int = 1
    lease: float = LEASE
    disconnect_grace: float = DISCONNECT_GRACE
    with_scheduler: bool = False


@dataclass(frozen=True)
class FinishRequest:
    """What `finish` is told of one attempt."""

    claim: Claim
    end: AttemptResult
    log: str = ""
    progress: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class WorkerEvent:
    """Something that a worker did, for those who watch it; `facts` are JSON.

    Kinds: start, job (an attempt ended), fire (a schedule's), lost, worker_died, unreachable,
    reachable, trouble (the worker itself is in it, and goes on), stopping, forced, stop. They are
    told one after another, in a thread of their own: a watcher that blocks or fails stops no work.
    """

    kind: str
    facts: dict[str, Any]


class JobQueueBackend(ScheduleStore):
    """A job queue of one project, for callers and for workers; a context manager."""

    # For callers

    @abstractmethod
    def add_job(self, spec: JobSpec) -> Job:
        """Store a job, due at `spec.run_at` or at once.

        Idempotent by id: if the id's record still lives, that job comes back unchanged, with
        `created=False`. The job is scheduled if it is due later, else queued.

        A record that is damaged stops nobody: readers give what can be read, name the rest in the
        job's error and take a status that does not exist for failed; a worker fails the job.
        """

    @abstractmethod
    def add_jobs(self, specs: Sequence[JobSpec]) -> list[Job]:
        """As `add_job` for each of them, in that order, in few writes; each write is whole."""

    @abstractmethod
    def get_job(self, job_id: str) -> Job:
        """The job, with its result while that is kept and the time it expired once it is not.

        Raises:
            JobNotFound: if there is no record of that id, or its history has ended.
        """

    @abstractmethod
    def list_jobs(self, wanted: JobFilter) -> list[Job]:
        """Jobs that match, the newest first, without their results."""

    @abstractmethod
    def cancel_job(self, job_id: str) -> Job:
        """A job that waits is cancelled at once; one that runs is asked to end, and ends soon.

        Cancelling a cancelled job changes nothing.

        Raises:
            JobNotFound: if there is none of that id.
            Refused: if it has finished or failed.
        """

    @abstractmethod
    def retry_job(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again, now, with its retries and losses forgotten.

        Raises:
            JobNotFound: if there is none of that id.
            Refused: if it has not ended, or has finished.
        """

    @abstractmethod
    def delete_job(self, job_id: str) -> None:
        """Forget a job and its log.

        Raises:
            JobNotFound: if there is none of that id.
            Refused: if it runs.
        """

    @abstractmethod
    def prune(self, *, everything_ended: bool = False, dry_run: bool = False) -> int:
        """Forget records whose history has ended, or all that have ended; how many went.

        With `dry_run`, how many would go; nothing does.
        """

    @abstractmethod
    def read_log(self, job_id: str, attempt: int, after: int = 0) -> list[LogChunk]:
        """The chunks of an attempt's log with a number larger than `after`, in order.

        Raises:
            JobNotFound: if there is no job of that id.
        """

    @abstractmethod
    def list_workers(self) -> list[WorkerInfo]:
        """Workers that nobody took for dead yet, with the jobs they hold."""

    @abstractmethod
    def check(self) -> Mapping[str, Any]:
        """What the backend says of itself: `{"backend", "url", "version"}`, passwords masked.

        Raises:
            BackendUnreachable: if it does not answer.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of connections; the queue itself stays."""

    # For workers

    @abstractmethod
    def register_worker(self, worker: WorkerInfo) -> None:
        """Make a worker known; from now on it must beat."""

    @abstractmethod
    def unregister_worker(self, worker_id: str) -> None:
        """The worker goes; a job that it still holds is lost as by `requeue_lost`."""

    @abstractmethod
    def claim(self, worker_id: str, count: int, queues: Iterable[str]) -> list[Claim]:
        """Take up to `count` due jobs, the longest due first, in one atomic step.

        Each becomes running with a new attempt, and belongs to the worker alone. A worker that is
        not known (any more) is given none.
        """

    @abstractmethod
    def next_due_in(self, queues: Iterable[str]) -> float | None:
        """Seconds until the first job that waits is due (0 if one is), None without one."""

    @abstractmethod
    def heartbeat(self, worker_id: str) -> Heartbeat:
        """One more beat, and what the worker held before it."""

    @abstractmethod
    def record(self, claim: Claim, log: str, progress: Mapping[str, Any] | None) -> bool:
        """Append to the attempt's log and replace the job's progress, in one write.

        Only the end of a log over LOG_LIMIT is kept. False, and nothing written, if the claim is
        no longer held.
        """

    @abstractmethod
    def finish(
        self, claim: Claim, end: AttemptResult, log: str, progress: Mapping[str, Any] | None
    ) -> bool:
        """The attempt has ended: status, result, error, log and progress in one write.

        False, and nothing written, if the claim is no longer held: a late finish is refused.
        """

    @abstractmethod
    def finish_many(self, ended: Sequence[FinishRequest]) -> list[bool]:
        """As `finish` for each of them, in one write; one that is refused is not in the way."""

    @abstractmethod
    def release(self, claim: Claim) -> bool:
        """Give an attempt back unfinished: the job is queued again.

        Neither a retry nor a loss is counted. A job to be cancelled becomes cancelled. False if the
        claim is no longer held.
        """

    @abstractmethod
    def requeue_lost(self, claim: Claim, reason: str) -> bool:
        """Give an attempt back that died without its own fault: a loss is counted, the job queued.

        At the third loss it is failed with that reason; a job to be cancelled is cancelled. False
        if no longer held.
        """

    @abstractmethod
    def beats(self) -> dict[str, int]:
        """The beat of every worker that is known."""

    @abstractmethod
    def requeue_lost_jobs_of(self, worker_id: str, beat: int) -> int:
        """Take a worker whose beat is still `beat` for dead, its jobs for lost (`requeue_lost`).

        How many jobs that were; 0 if it has beaten since, or was taken for dead before.
        """

    @abstractmethod
    def run_worker(
        self, options: WorkerOptions, on_event: Callable[[WorkerEvent], None] | None = None
    ) -> int:
        """Work until told to stop (or as the options say); how many attempts were made."""

    # Schedules: in a store of their own, loaded with the first of them; adding a job does without

    @abstractmethod
    def _open_schedules(self) -> ScheduleStore:
        """The store of the schedules."""

    @cached_property
    def _schedules(self) -> ScheduleStore:
        return self._open_schedules()

    def add_schedule(self, spec: ScheduleSpec, *, overwrite: bool = False) -> Schedule:
        """As `ScheduleStore` says."""
        return self._schedules.add_schedule(spec, overwrite=overwrite)

    def get_schedule(self, schedule_id: str) -> Schedule:
        """As `ScheduleStore` says."""
        return self._schedules.get_schedule(schedule_id)

    def list_schedules(self) -> list[Schedule]:
        """As `ScheduleStore` says."""
        return self._schedules.list_schedules()

    def pause_schedule(self, schedule_id: str) -> Schedule:
        """As `ScheduleStore` says."""
        return self._schedules.pause_schedule(schedule_id)

    def resume_schedule(self, schedule_id: str) -> Schedule:
        """As `ScheduleStore` says."""
        return self._schedules.resume_schedule(schedule_id)

    def delete_schedule(self, schedule_id: str) -> None:
        """As `ScheduleStore` says."""
        self._schedules.delete_schedule(schedule_id)

    def list_fires(self, schedule_id: str, limit: int = 100) -> list[Fire]:
        """As `ScheduleStore` says."""
        return self._schedules.list_fires(schedule_id, limit)

    def next_fire_in(self) -> float | None:
        """As `ScheduleStore` says."""
        return self._schedules.next_fire_in()

    def has_scheduler(self) -> bool:
        """As `ScheduleStore` says."""
        return self._schedules.has_scheduler()

    def fire_due(self) -> Fired:
        """As `ScheduleStore` says."""
        return self._schedules.fire_due()

    @abstractmethod
    def run_scheduler(self, on_event: Callable[[WorkerEvent], None] | None = None) -> None:
        """Fire what is due until told to stop, run no job; any number may at once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
