"""The verbs of a project's job queue on its queues and workers; PipelineJobQueue has them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowerpower.config.files import Project
from flowerpower.config.queue_settings import QueueSettings
from flowerpower.errors import UsageError
from flowerpower.text import did_you_mean

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend
    from flowerpower.job_queue.worker_options import WorkerEvent
    from flowerpower.jobs.claim import WorkerInfo
    from flowerpower.jobs.counter import Counter
    from flowerpower.jobs.limits import Limits
    from flowerpower.jobs.snapshot import ChangedJobs, Snapshot
    from flowerpower.pipeline.limit_states import LimitState

MAX_WORKERS = 1000


def queue_or_default(project: Project, queue: str | None) -> str:
    """`queue`, or the queue of jobs that name none.

    Raises:
        UsageError: if the project's workers take no jobs from that queue.
    """
    backend = project.job_queue.backend
    queues = backend.queues
    if queue is None:
        return backend.default_queue
    if queue not in queues:
        # A job in such a queue would be accepted and then wait for ever.
        raise UsageError(
            f"The project has no queue {queue!r}.{did_you_mean(queue, queues)}",
            hint=f"job_queue.backend.queues in conf/project.yml names: {', '.join(queues)}.",
        )
    return queue


class WorkerVerbs(ABC):
    """Shows and pauses the queues of one project, and runs workers and schedulers."""

    _project: Project
    _config: QueueSettings

    @property
    @abstractmethod
    def backend(self) -> JobQueueBackend:
        """The backend, open."""

    def list_workers(self) -> list[WorkerInfo]:
        """The workers that are alive, with the jobs that they run."""
        return self.backend.list_workers()

    def snapshot(self, limit: int = 20) -> Snapshot:
        """The state of all queues now; those of the project that have no jobs too."""
        from flowerpower.jobs.snapshot import QueueState

        snapshot = self.backend.snapshot(limit)
        queues = {name: QueueState(name) for name in self._config.backend.queues}
        return replace(snapshot, queues={**queues, **snapshot.queues})

    def changed_jobs(self, since: datetime | None = None, limit: int = 1000) -> ChangedJobs:
        """The jobs that run, and those that were added, started or have ended since then.

        At most `limit`, the latest change first, without results.
        """
        return self.backend.changed_jobs(since, limit)

    def counters(self) -> list[Counter]:
        """How many jobs have ended and fires have been made since the queue exists."""
        return self.backend.counters()

    def pause_queue(self, name: str) -> bool:
        """Give no job of that queue to workers until it is resumed; whether that is new.

        Raises:
            UsageError: if the project has no such queue.
        """
        return self.backend.pause_queue(queue_or_default(self._project, name))

    def resume_queue(self, name: str) -> bool:
        """Let workers take jobs of the queue again; whether it was paused.

        Raises:
            UsageError: if the project has no such queue, and it is not paused.
        """
        if name not in self.backend.paused_queues():
            # One that was paused, and then left out of project.yml, can still be resumed.
            queue_or_default(self._project, name)
        return self.backend.resume_queue(name)

    def paused_queues(self) -> dict[str, datetime]:
        """Since when each paused queue is paused."""
        return self.backend.paused_queues()

    @abstractmethod
    def limits(self) -> Limits:
        """The limits that the project's files declare, as the files are now."""

    def limit_states(self) -> list[LimitState]:
        """The limits that some pipeline has, with what their places are taken by."""
        limits = self.limits()
        if not limits:
            return []
        from flowerpower.pipeline.limit_states import limit_states

        return limit_states(limits, self.backend.limit_use(limits))

    def check(self) -> Mapping[str, Any]:
        """What the backend says of itself: `{"backend", "url", "version"}`, passwords masked."""
        return self.backend.check()

    def run_worker(
        self,
        *,
        num_workers: int | None = None,
        queues: Sequence[str] | None = None,
        burst: bool = False,
        max_jobs: int | None = None,
        jobs_per_child: int = 1,
        with_scheduler: bool = False,
        tell_logs: bool = False,
        on_event: Callable[[WorkerEvent], None] | None = None,
    ) -> int:
        """Run jobs until a signal stops it; the number of attempts that were made.

        Up to `num_workers` attempts run at once, by default as many as the project says, from
        `queues`, by default all of the project's. `burst` stops when no job is due, `max_jobs`
        after so many attempts. A child process makes `jobs_per_child` attempts. `with_scheduler`
        fires schedules too (on apscheduler every worker does). `on_event` is called from several
        threads, with `tell_logs` for what jobs print too.

        Raises:
            UsageError: naming the number that is out of range, or the queue that does not exist.
        """
        from flowerpower.job_queue.worker_options import WorkerOptions

        slots = self._config.num_workers if num_workers is None else num_workers
        if not 1 <= slots <= MAX_WORKERS:
            raise UsageError(f"num_workers is {slots}: expected 1 to {MAX_WORKERS}.")
        for name, number in (("max_jobs", max_jobs), ("jobs_per_child", jobs_per_child)):
            if number is not None and number < 1:
                raise UsageError(f"{name} is {number}: expected 1 or more.")
        names = queues or self._config.backend.queues
        unique = tuple(dict.fromkeys(queue_or_default(self._project, name) for name in names))
        options = WorkerOptions(
            slots, unique, burst, max_jobs, jobs_per_child,
            with_scheduler=with_scheduler, tell_logs=tell_logs,
        )  # fmt: skip
        return self.backend.run_worker(options, on_event)

    def add_listener(self, callback: Callable[[Any], object], mask: int | None = None) -> None:
        """Have `callback` called with the events of APScheduler of workers that are run here.

        Call it before `run_worker`; `mask` is made of the constants in `apscheduler.events`, by
        default EVENT_ALL.

        Raises:
            Refused: on rq, which has no listeners.
        """
        from flowerpower.job_queue.worker_options import EVENT_ALL

        self.backend.add_listener(callback, EVENT_ALL if mask is None else mask)

    def run_scheduler(self, on_event: Callable[[WorkerEvent], None] | None = None) -> None:
        """Add jobs for due fires until a signal stops it; several may run at once."""
        self.backend.run_scheduler(on_event)
