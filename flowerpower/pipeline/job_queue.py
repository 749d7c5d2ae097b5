"""From a pipeline's name and overrides to a job in the project's queue."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from flowerpower.config.files import Project
from flowerpower.config.merge import with_type
from flowerpower.config.project import BackendType
from flowerpower.config.run import RunOverrides
from flowerpower.errors import UsageError
from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.job import Job, JobFilter, JobSpec, LogChunk
from flowerpower.pipeline.overrides import with_relative_paths
from flowerpower.pipeline.queues import check_queue, default_queue
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import did_you_mean

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend, WorkerEvent
    from flowerpower.jobs.schedule import Fire, Schedule, ScheduleSpec

MAX_WORKERS = 1000


class PipelineJobQueue:
    """The job queue of one project; its backend is opened at first use and kept.

    `job_queue_type` is used instead of the project's type; the URL in project.yml belongs to the
    project's type and is left out then.

    Raises:
        UsageError: if there is no such type.
    """

    def __init__(
        self, project: Project, registry: PipelineRegistry, job_queue_type: str | None = None
    ) -> None:
        known = get_args(BackendType)
        if job_queue_type is not None and job_queue_type not in known:
            raise UsageError(
                f"There is no job queue of type {job_queue_type!r}: expected "
                f"{' or '.join(known)}.{did_you_mean(job_queue_type, known)}"
            )
        self._project = project
        self._registry = registry
        self._config = with_type(project.config.job_queue, job_queue_type)
        self.type: str = self._config.type
        self._backend: JobQueueBackend | None = None

    @property
    def url(self) -> str | None:
        """The URL of the project's backend, None for the backend's own default."""
        return self._config.backend.url

    @property
    def in_memory(self) -> bool:
        """Whether the queue lives in memory, where no other process finds it."""
        return self.url == "memory"

    @property
    def backend(self) -> JobQueueBackend:
        """The backend, open.

        Raises:
            BackendUnreachable: if it cannot be opened.
        """
        if self._backend is None:
            from flowerpower.job_queue import open_backend, project_options

            options = project_options(self._project, self._config)
            self._backend = open_backend(self.type, self._project.root, options)
        return self._backend

    def add_job(
        self,
        name: str,
        overrides: RunOverrides | None = None,
        *,
        run_at: datetime | None = None,
        queue: str | None = None,
        job_id: str | None = None,
        result_ttl: float | None = None,
    ) -> Job:
        """Ask for one run of the pipeline `name`; returns once the queue holds it.

        Raises:
            PipelineNotFound: if there is none of that name.
            InvalidInputs: naming the input that is not JSON.
            UsageError: if no worker of the project looks at that queue.
            BackendUnreachable: if the job was not taken.
        """
        self._registry.files(name)
        if queue is not None:
            check_queue(self._project, queue)
        spec = JobSpec(
            pipeline=name,
            overrides=with_relative_paths(overrides or RunOverrides(), self._project.root),
            id=str(uuid.uuid4()) if job_id is None else job_id,
            queue=queue or default_queue(self._project),
            run_at=run_at,
            result_ttl=result_ttl,
        )
        return self.backend.add_job(spec)

    def get_job(self, job_id: str) -> Job:
        """The job, with its result while that is kept.

        Raises:
            JobNotFound: if there is no record of that id.
        """
        return self.backend.get_job(job_id)

    def list_jobs(self, job_filter: JobFilter) -> list[Job]:
        """The jobs that match, the newest first, without their results."""
        return self.backend.list_jobs(job_filter)

    def cancel_job(self, job_id: str) -> Job:
        """Cancel a job: one that waits at once, one that runs within seconds.

        Raises:
            JobNotFound: if there is no job of that id.
            Refused: if it has finished or failed.
        """
        return self.backend.cancel_job(job_id)

    def retry_job(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again, with all of its retries.

        Raises:
            JobNotFound: if there is no job of that id.
            Refused: if it has not ended, or has finished.
        """
        return self.backend.retry_job(job_id)

    def delete_job(self, job_id: str) -> None:
        """Delete a job with its log and result.

        Raises:
            JobNotFound: if there is no job of that id.
            Refused: if it is running.
        """
        self.backend.delete_job(job_id)

    def prune_jobs(self, *, all_ended: bool = False, dry_run: bool = False) -> int:
        """Delete jobs whose history has ended, or all that have ended; how many.

        With `dry_run` nothing is deleted, and the number says how many would be.
        """
        return self.backend.prune(everything_ended=all_ended, dry_run=dry_run)

    def read_log(self, job_id: str, attempt: int, after: int = 0) -> list[LogChunk]:
        """The pieces of an attempt's log with a `seq` above `after`, in order.

        Raises:
            JobNotFound: if there is no job of that id.
        """
        return self.backend.read_log(job_id, attempt, after)

    def declared_schedules(self, name: str) -> list[ScheduleSpec]:
        """The schedules that the pipeline's YAML declares and has enabled.

        Raises:
            PipelineNotFound, ConfigError: if there is no such pipeline or its file is wrong.
            UsageError: if it declares none.
        """
        from flowerpower.pipeline.scheduling import declared

        return declared(self._project, self._registry, name)

    def add_schedule(self, spec: ScheduleSpec, *, overwrite: bool = False) -> Schedule:
        """Put a pipeline on the calendar; returns once the queue holds the schedule.

        Raises:
            PipelineNotFound: if there is no such pipeline.
            Refused: if another schedule has the id, and `overwrite` is False.
            BackendUnreachable: if the schedule was not taken.
        """
        self._registry.files(spec.pipeline)
        return self.backend.schedules.add(spec, overwrite=overwrite)

    def get_schedule(self, schedule_id: str) -> Schedule:
        """The schedule of that id.

        Raises:
            ScheduleNotFound: if there is none.
        """
        return self.backend.schedules.get(schedule_id)

    def list_schedules(self) -> list[Schedule]:
        """All schedules of the project."""
        return self.backend.schedules.list()

    def pause_schedule(self, schedule_id: str) -> Schedule:
        """Stop its fires until it is resumed.

        Raises:
            ScheduleNotFound: if there is none of that id.
            Refused: if it is done.
        """
        return self.backend.schedules.pause(schedule_id)

    def resume_schedule(self, schedule_id: str) -> Schedule:
        """Let a paused schedule fire again, from now on.

        Raises:
            ScheduleNotFound: if there is none of that id.
            Refused: if it is done.
        """
        return self.backend.schedules.resume(schedule_id)

    def delete_schedule(self, schedule_id: str) -> None:
        """Delete a schedule and its history; jobs that it made stay.

        Raises:
            ScheduleNotFound: if there is none of that id.
        """
        self.backend.schedules.delete(schedule_id)

    def list_fires(self, schedule_id: str, limit: int = 100) -> list[Fire]:
        """The latest fires of a schedule and their outcomes, the newest first.

        Raises:
            ScheduleNotFound: if there is none of that id.
        """
        return self.backend.schedules.fires(schedule_id, limit)

    def run_schedule_now(self, schedule_id: str) -> Job:
        """A job as the schedule would make one, at once; its calendar is not shifted by it.

        Raises:
            ScheduleNotFound: if there is none of that id.
            PipelineNotFound: if its pipeline is gone.
        """
        from flowerpower.jobs.schedule import fire_job_spec

        schedule = self.get_schedule(schedule_id)
        self._registry.files(schedule.pipeline)
        # Cut, so that the id of the longest schedule still makes a valid job id.
        job_id = f"{schedule.id[:160]}-now-{uuid.uuid4().hex[:12]}"
        return self.backend.add_job(fire_job_spec(schedule, None, job_id))

    def has_scheduler(self) -> bool:
        """Whether a process is alive that fires the schedules."""
        return self.backend.schedules.has_scheduler()

    def list_workers(self) -> list[WorkerInfo]:
        """The workers that are alive, with the jobs they run."""
        return self.backend.list_workers()

    def check(self) -> Mapping[str, Any]:
        """What the backend says of itself: `{"backend", "url", "version"}`, passwords masked.

        Raises:
            BackendUnreachable: if it does not answer.
        """
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
        on_event: Callable[[WorkerEvent], None] | None = None,
    ) -> int:
        """Work on jobs until told to stop; how many attempts were made.

        `num_workers` attempts at once, by default as many as the project says, from `queues`, by
        default all of the project's. `burst` ends when nothing is due, `max_jobs` after so many
        attempts; a child process makes `jobs_per_child` of them. With `with_scheduler` it fires
        schedules too (on apscheduler every worker does). `on_event` is called from several
        threads.

        Raises:
            UsageError: naming the number that is out of range, or the queue that is not known.
            BackendUnreachable: if it cannot be opened.
        """
        from flowerpower.job_queue.base import WorkerOptions

        slots = self._config.num_workers if num_workers is None else num_workers
        for name, number, most in (
            ("num_workers", slots, MAX_WORKERS),
            ("max_jobs", 1 if max_jobs is None else max_jobs, None),
            ("jobs_per_child", jobs_per_child, None),
        ):
            if number < 1 or (most is not None and number > most):
                expected = f"1 to {most}" if most is not None else "1 or more"
                raise UsageError(f"{name} is {number}: expected {expected}.")
        for queue in queues or ():
            check_queue(self._project, queue)
        taken = tuple(dict.fromkeys(queues or self._config.backend.queues))
        options = WorkerOptions(
            slots, taken, burst, max_jobs, jobs_per_child, with_scheduler=with_scheduler
        )
        return self.backend.run_worker(options, on_event)

    def run_scheduler(self, on_event: Callable[[WorkerEvent], None] | None = None) -> None:
        """Turn due fires into jobs until told to stop; any number may at once.

        Raises:
            BackendUnreachable: if it cannot be opened.
        """
        self.backend.run_scheduler(on_event)

    def result_ttl_of(self, asked: float | None) -> float:
        """Seconds that a job's result is kept, if `asked` is what it was given."""
        return self._config.result_ttl if asked is None else asked

    def close(self) -> None:
        """Let go of the backend, if it was opened."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None
