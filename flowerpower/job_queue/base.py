"""The interface of a job queue; its docstrings are the law, the contract suite their proof.

Law, for every method: once the call has returned, its effect is durable. Times are aware
datetimes. A backend stores and decides nothing: `flowerpower.job_queue.worker.run_attempt` decides
how an attempt ends, `flowerpower.job_queue.worker.scheduler` whether a worker is dead.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from flowerpower.config.project_source import LocalSource, ProjectSource
from flowerpower.errors import FlowerpowerError, Refused
from flowerpower.job_queue.worker_options import EVENT_ALL, Watcher, WorkerOptions
from flowerpower.job_queue.worker_store import WorkerStore
from flowerpower.jobs.job import Job, JobFilter, JobVerb, LogChunk
from flowerpower.jobs.job_spec import JobSpec, check_ttl
from flowerpower.jobs.limits import NO_LIMITS, Limits
from flowerpower.text import check_name
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from pathlib import Path

    from flowerpower.job_queue.migration_store import MigrationStore
    from flowerpower.job_queue.notice_store import NoticeStore
    from flowerpower.job_queue.schedule_store import ScheduleStore
    from flowerpower.jobs.claim import WorkerInfo
    from flowerpower.jobs.counter import Counter
    from flowerpower.jobs.event import Event
    from flowerpower.jobs.problem import Problem
    from flowerpower.jobs.snapshot import ChangedJobs, Snapshot


class JobQueueBackend(WorkerStore):
    """A job queue of one project, for callers and for workers; a context manager.

    Methods that take the id of a job raise JobNotFound if no record has it, or that has expired.

    Args:
        base_dir: the project's folder; of a remote project its work folder.
        namespace: separates this project's jobs from others in the same database or Redis.
        result_ttl: seconds that a result is kept, unless the job says otherwise.
        history_ttl: seconds that the record of an ended job is kept.

    Raises:
        UsageError: if the namespace is not a valid name, or a time to live is out of range.
        ConfigError: if the backend cannot use its URL or the namespace.
        BackendUnreachable: if it cannot be opened.
    """

    def __init__(
        self, base_dir: Path, namespace: str, result_ttl: float, history_ttl: float
    ) -> None:
        check_name("namespace", namespace)
        check_ttl("result_ttl", result_ttl)
        clock.parse_duration(history_ttl)
        self.base_dir = base_dir
        self.source: ProjectSource = LocalSource(base_dir)
        """Where workers find the project's files."""
        self.namespace = namespace
        self.with_followers: Callable[[JobSpec], JobSpec] = lambda spec: spec
        """Gives a request the followers that its project declares; fires and backfills call it."""
        self.limits: Callable[[], Limits] = lambda: NO_LIMITS
        """The limits that its project declares; workers whose options have none ask for them."""

    # For callers

    def add_job(self, spec: JobSpec) -> Job:
        """Store a job, due at `spec.run_at` or at once; Refused if the queue was moved elsewhere.

        Idempotent by id: while the id's record lives, that job is returned unchanged, with
        `created=False`. The job is scheduled if it is due later, else queued.

        With `spec.expires` a job that waits longer than that becomes cancelled and is not run, with
        an error of the code `expired`: at the latest when it would be claimed, else by
        `expire_jobs`. Its time begins when it becomes due: at `run_at`, at the due time of a retry,
        when `retry_job` queues it again, and when an attempt that did not end is given back.

        With `spec.max_parallel` it is blocked (see JobSpec): `claim` queues it once there is room,
        of several the oldest first. `retry_job` blocks it again.

        With `spec.after` it waits for its parents: see `flowerpower.jobs.chain`. While it waits it
        does not age. Each parent's end, deletion or retry changes its children in the same step. A
        parent without a record is gone, and one that has vanished behind the queue's back is found
        by `prune`. Once it is due, `spec.run_at` counts as for any job.

        With `spec.unique` a job that asks for the same (`unique_key`) and has not ended is returned
        instead, with `created=False`. The followers of a job that is not new are not added.

        A damaged record stops nobody: readers return what can be read, name the rest in the job's
        error, and show an unknown status as failed; a worker fails the job.
        """
        return self.add_jobs([spec])[0]

    @abstractmethod
    def add_jobs(self, specs: Sequence[JobSpec]) -> list[Job]:
        """Add several jobs as `add_job` does, in that order, in few atomic writes."""

    @abstractmethod
    def get_job(self, job_id: str) -> Job:
        """Return the job, with its result while that is kept, then with the time it expired."""

    @abstractmethod
    def list_jobs(self, wanted: JobFilter) -> list[Job]:
        """Return the jobs that match, the newest first, without their results."""

    @abstractmethod
    def children_of(self, job_ids: Sequence[str], limit: int = 100) -> list[Job]:
        """Return the jobs that wait, or have waited, for one of these, without their results.

        The oldest first, at most `limit`. Those of a job that was deleted need not be found.
        """

    def cancel_job(self, job_id: str) -> Job:
        """Cancel a job that does not run at once; ask a running one to end, which it soon does.

        Cancelling a cancelled job changes nothing.

        Raises:
            Refused: if it has finished or failed.
        """
        return self._change_job("cancel", job_id)

    def retry_job(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again, now, with its counts of retries and losses at 0.

        Its attempts go on being counted, and keep their errors; why it has failed is among them.
        Of its own parents it waits for none. The children that its end had cancelled wait for it
        again, unless another parent has cancelled them too, and so do theirs; and those that were
        due and have not begun.

        Raises:
            Refused: if it has not ended, or has finished; if it is unique, and another job that
                asks for the same has not ended.
        """
        return self._change_job("retry", job_id)

    def delete_job(self, job_id: str) -> None:
        """Delete a job and its log.

        Raises:
            Refused: if it is running.
        """
        self._change_job("delete", job_id)

    @abstractmethod
    def change_jobs(self, verb: JobVerb, job_ids: Sequence[str]) -> list[Job | FlowerpowerError]:
        """Cancel, retry or delete several jobs, as the method for one does, in few atomic writes.

        Returns for each id the job as it is then (a deleted one as it was), without its result, or
        the error that stopped this one and no other. An id that comes twice is changed once.
        """

    def _change_job(self, verb: JobVerb, job_id: str) -> Job:
        (changed,) = self.change_jobs(verb, [job_id])
        if isinstance(changed, FlowerpowerError):
            raise changed
        return changed

    @abstractmethod
    def prune(self, *, everything_ended: bool = False, dry_run: bool = False) -> int:
        """Delete expired records, or those of all ended jobs; return how many.

        With `dry_run`, return how many would be deleted, and delete nothing.
        """

    @abstractmethod
    def read_log(self, job_id: str, attempt: int, after: int = 0) -> list[LogChunk]:
        """Return the chunks of an attempt's log with a number above `after`, in order."""

    @abstractmethod
    def list_workers(self) -> list[WorkerInfo]:
        """Return the workers that nobody has found dead, with the jobs they hold."""

    @abstractmethod
    def snapshot(self, limit: int = 20) -> Snapshot:
        """Return the state of all queues, with up to `limit` running and as many failed jobs."""

    @abstractmethod
    def changed_jobs(self, since: datetime | None = None, limit: int = 1000) -> ChangedJobs:
        """Return the jobs that run, and those that were added, started or have ended since then.

        At most `limit`, those whose change (`Job.changed_at`) is the latest. What that does not
        say is not found: a job that was given back, or that `retry_job` has queued again.
        """

    @abstractmethod
    def counters(self) -> list[Counter]:
        """Return how many jobs have ended and fires have been made since the queue exists.

        They never go down, and are counted in the step that ends the job, or makes the fire.
        """

    @abstractmethod
    def events(self, limit: int = 100) -> list[Event]:
        """Return the oldest stored events.

        Each is stored in the step that it tells of: a failed job, one that recovers its schedule
        (or, if it is no fire, its pipeline) from failures, one that finished if `finish` was asked
        to tell of it, one whose worker was lost, fires that were missed or late.
        """

    @abstractmethod
    def pause_queue(self, name: str) -> bool:
        """Give no job of that queue to workers until it is resumed; return whether it is new.

        What runs goes on, and jobs are still added; they become due and expire as ever.
        """

    @abstractmethod
    def resume_queue(self, name: str) -> bool:
        """Let workers take jobs of the queue again; return whether it was paused."""

    @abstractmethod
    def paused_queues(self) -> dict[str, datetime]:
        """Return since when each paused queue is paused."""

    @abstractmethod
    def check(self) -> Mapping[str, Any]:
        """Return `{"backend", "url", "version"}` as the backend reports them, passwords masked.

        On Redis also `persistence`: how it keeps its data, or that this is unknown.

        Raises:
            BackendUnreachable: if it does not answer.
        """

    @abstractmethod
    def clock(self) -> datetime:
        """Return the time by which jobs become due: the server's, on SQLite this machine's."""

    @abstractmethod
    def setup_problems(self) -> list[Problem]:
        """Return what is wrong with how its server or its file is set up.

        Only what a few cheap requests show, and nothing that its user may not ask for.
        """

    @abstractmethod
    def close(self) -> None:
        """Close all connections; the queue itself stays."""

    # Workers

    @abstractmethod
    def run_worker(self, options: WorkerOptions, on_event: Watcher = None) -> int:
        """Work until stopped (or as the options say); return how many attempts were made."""

    def add_listener(
        self,
        callback: Callable[[Any], object],  # noqa: ARG002 - a backend with listeners uses both
        mask: int = EVENT_ALL,  # noqa: ARG002
    ) -> None:
        """Have `callback` called with the events of APScheduler in the workers started from now on.

        As APScheduler's own method of that name: `mask` is made of the constants in
        `apscheduler.events`. Listeners are called from the thread of the worker's events, so one
        that blocks or fails stops no work. An attempt is a job of APScheduler with the id
        `JOB:ATTEMPT`; a fire of a schedule is an event with the schedule's id.

        Raises:
            Refused: if this is not the job queue that is run by APScheduler.
        """
        raise Refused(
            "This job queue is run by RQ, which has no listeners; they are APScheduler's.",
            hint="run_worker(on_event=…) is called with the events of any worker.",
        )

    # Schedules

    @property
    @abstractmethod
    def schedules(self) -> ScheduleStore:
        """The schedules of the project; loaded at first use, because adding a job needs none."""

    @property
    @abstractmethod
    def notices(self) -> NoticeStore:
        """The notices of `events` that are on their way."""

    @property
    @abstractmethod
    def migration(self) -> MigrationStore:
        """The steps of moving all that waits here to another queue, or from one."""

    @abstractmethod
    def run_scheduler(self, on_event: Watcher = None) -> None:
        """Fire what is due until stopped, and run no job; any number of them may run at once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
