"""From a pipeline's name and overrides to a job in the project's queue."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from flowerpower.config.files import Project, pipeline_path
from flowerpower.config.merge import merged_backend, with_type
from flowerpower.config.project import BACKEND_TYPES, DEFAULT_URLS
from flowerpower.config.run import RunOverrides
from flowerpower.errors import FlowerpowerError, InvalidTrigger, ScheduleNotFound, UsageError
from flowerpower.jobs.job import DEFAULT_QUEUE, Job, JobFilter, JobSpec, JobVerb, LogChunk
from flowerpower.pipeline.overrides import parse_expires, parse_result_ttl, with_relative_paths
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import did_you_mean
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend
    from flowerpower.job_queue.migration import MigrationReport, OnProgress
    from flowerpower.job_queue.worker_options import WorkerEvent
    from flowerpower.jobs.claim import WorkerInfo
    from flowerpower.jobs.counter import Counter
    from flowerpower.jobs.schedule import Fire, Schedule, ScheduleSpec
    from flowerpower.jobs.snapshot import ChangedJobs, Snapshot
    from flowerpower.pipeline.backfill import Backfill, BackfillOptions
    from flowerpower.pipeline.retry_plan import RetryPlan

MAX_WORKERS = 1000
_SQLITE = "sqlite:///"
Spec = TypeVar("Spec", bound="JobSpec | ScheduleSpec")


def queue_or_default(project: Project, queue: str | None) -> str:
    """`queue`, or the queue of jobs that name none.

    Raises:
        UsageError: if the project's workers take no jobs from that queue.
    """
    queues = project.config.job_queue.backend.queues
    if queue is None:
        return DEFAULT_QUEUE if DEFAULT_QUEUE in queues else queues[0]
    if queue not in queues:
        # A job in such a queue would be accepted and then wait for ever.
        raise UsageError(
            f"The project has no queue {queue!r}.{did_you_mean(queue, queues)}",
            hint=f"job_queue.backend.queues in conf/project.yml names: {', '.join(queues)}.",
        )
    return queue


class PipelineJobQueue:
    """The job queue of one project; its backend is opened at first use and kept.

    `job_queue_type` replaces the project's type; the URL in project.yml is not used then. Besides
    the errors that a method names, each raises BackendUnreachable if the backend does not answer.

    Raises:
        UsageError: if there is no such type.
    """

    def __init__(
        self, project: Project, registry: PipelineRegistry, job_queue_type: str | None = None
    ) -> None:
        if job_queue_type is not None and job_queue_type not in BACKEND_TYPES:
            raise UsageError(
                f"There is no job queue of type {job_queue_type!r}: expected "
                f"{' or '.join(BACKEND_TYPES)}.{did_you_mean(job_queue_type, BACKEND_TYPES)}"
            )
        self._project = project
        self._registry = registry
        self._config = with_type(project.config.job_queue, job_queue_type)
        self.type: str = self._config.type
        self._backend: JobQueueBackend | None = None

    @property
    def in_memory(self) -> bool:
        """Whether the queue lives in memory, where no other process finds it."""
        return self._config.backend.url == "memory"

    @property
    def is_made(self) -> bool:
        """Whether there may be something in it: a SQLite file is made at the first use."""
        url = self._config.backend.url or DEFAULT_URLS["apscheduler"]
        if self._backend is not None or self.in_memory:
            return self._backend is not None
        if self.type != "apscheduler" or not url.startswith(_SQLITE):
            return True
        return os.path.lexists(self._project.root / url.removeprefix(_SQLITE))

    @property
    def backend(self) -> JobQueueBackend:
        """The backend, open."""
        if self._backend is None:
            from flowerpower.job_queue import open_backend

            options = merged_backend(self._config, self._project.name, {})
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
        result_ttl: float | str | None = None,
        priority: int = 0,
        expires: float | str | timedelta | None = None,
    ) -> Job:
        """Add a job that runs the pipeline `name`; returns once the job is stored.

        Raises:
            PipelineNotFound: if there is no such pipeline.
            FlowerpowerError: whatever a run would refuse before it begins, and InvalidInputs for
                an input that JSON cannot hold.
            UsageError: if the project's workers take no jobs from that queue, or the priority or
                `expires` is out of range.
        """
        self._registry.files(name)
        spec = JobSpec(
            pipeline=name,
            overrides=with_relative_paths(overrides or RunOverrides(), self._project.root),
            id=str(uuid.uuid4()) if job_id is None else job_id,
            queue=queue_or_default(self._project, queue),
            run_at=run_at,
            result_ttl=parse_result_ttl(result_ttl),
            priority=priority,
            expires=parse_expires(expires),
        )
        return self.backend.add_job(self._checked(spec, is_due=run_at is None))

    def result_ttl_of(self, result_ttl: float | str | None) -> float:
        """Seconds that the result of a job with this `result_ttl` is kept."""
        seconds = parse_result_ttl(result_ttl)
        return self._config.result_ttl if seconds is None else seconds

    def get_job(self, job_id: str) -> Job:
        """The job, with its result while that is kept."""
        return self.backend.get_job(job_id)

    def list_jobs(self, job_filter: JobFilter) -> list[Job]:
        """The jobs that match, the newest first, without their results."""
        return self.backend.list_jobs(job_filter)

    def cancel_job(self, job_id: str) -> Job:
        """As `flowerpower.pipeline.jobs.Job.cancel`."""
        return self.backend.cancel_job(job_id)

    def retry_job(self, job_id: str, *, from_failed: bool = False) -> Job:
        """As `flowerpower.pipeline.jobs.Job.retry`."""
        if from_failed:
            (plan,) = self.plan_retries([self.get_job(job_id)])
            if isinstance(plan, FlowerpowerError):
                raise plan
        return self.backend.retry_job(job_id)

    def plan_retries(self, jobs: Iterable[Job]) -> list[RetryPlan | FlowerpowerError]:
        """For each failed or cancelled job what its next attempt would take from the cache.

        Or why there is no such plan, as `flowerpower.pipeline.retry_plan.RetryPlanner.plan` says.
        """
        from flowerpower.pipeline.retry_plan import RetryPlanner

        planner = RetryPlanner(self._project, self._registry, self.list_workers())
        plans: list[RetryPlan | FlowerpowerError] = []
        for job in jobs:
            try:
                plans.append(planner.plan(job))
            except FlowerpowerError as error:
                plans.append(error)
        return plans

    def run_again(
        self, jobs: Sequence[Job], job_id: str | None = None, *, dry_run: bool = False
    ) -> list[Job | FlowerpowerError]:
        """Add for each ended job a new one like it, due at once; or why a run would refuse it.

        It has the same pipeline, overrides, queue, priority, time to live of its result, limits,
        schedule and time of a fire; `job_id` is the id of the only one. All are added in few atomic
        steps, after all were checked. With `dry_run` nothing is added, and the old jobs are given.

        Raises:
            UsageError: if there is a `job_id` for several.
        """
        from flowerpower.pipeline.again import specs_of_again

        if job_id is not None and len(jobs) != 1:
            raise UsageError(f"One job_id is given for {len(jobs)} jobs; each needs its own.")
        requests = specs_of_again(self._project, self._registry, jobs, job_id)
        for position, job in enumerate(jobs):
            try:
                queue_or_default(self._project, job.queue)
            except UsageError as error:
                requests[position] = error
        specs = [request for request in requests if isinstance(request, JobSpec)]
        added = iter([] if dry_run else self.backend.add_jobs(specs))
        return [
            request if isinstance(request, FlowerpowerError) else job if dry_run else next(added)
            for request, job in zip(requests, jobs, strict=True)
        ]

    def change_jobs(self, verb: JobVerb, job_ids: Sequence[str]) -> list[Job | FlowerpowerError]:
        """Cancel, retry or delete jobs in few atomic steps: each as it is then, or its error."""
        return self.backend.change_jobs(verb, job_ids)

    def delete_job(self, job_id: str) -> None:
        """As `flowerpower.pipeline.jobs.Job.delete`."""
        self.backend.delete_job(job_id)

    def prune_jobs(self, *, all_ended: bool = False, dry_run: bool = False) -> int:
        """As `flowerpower.pipeline.jobs.Jobs.prune`."""
        return self.backend.prune(everything_ended=all_ended, dry_run=dry_run)

    def read_log(self, job_id: str, attempt: int, after: int = 0) -> list[LogChunk]:
        """The pieces of an attempt's log with a `seq` above `after`, in order."""
        return self.backend.read_log(job_id, attempt, after)

    def add_schedule(self, spec: ScheduleSpec, *, overwrite: bool = False) -> Schedule:
        """As `flowerpower.job_queue.schedule_store.ScheduleStore.add`.

        Raises:
            PipelineNotFound: if there is no such pipeline.
            InvalidTrigger: if it would never fire, and is not there already.
            FlowerpowerError: whatever a run would refuse before it begins.
        """
        self._registry.files(spec.pipeline)
        if not spec.trigger.fires_after(clock.now()):
            return self._existing_schedule(spec)
        return self.backend.schedules.add(self.check_schedule(spec), overwrite=overwrite)

    def _existing_schedule(self, spec: ScheduleSpec) -> Schedule:
        """The same schedule, whose fires are over: that it is added again changes nothing."""
        from flowerpower.job_queue.schedule_store import is_same

        if spec.id is not None:
            with contextlib.suppress(ScheduleNotFound):
                schedule = self.backend.schedules.get(spec.id)
                if is_same(schedule, spec):
                    return replace(schedule, created=False)
        now = clock.format_time(clock.now().replace(microsecond=0), spec.trigger.zone)
        place = f" in {pipeline_path(spec.pipeline)}" if spec.origin == "config" else ""
        raise InvalidTrigger(
            f"The schedule{place} would never fire: {spec.trigger.in_words()}; now it is {now}.",
            hint="Give a time in the future.",
        )

    def put_schedule(self, spec: ScheduleSpec) -> Schedule:
        """Add a schedule, or replace the one that has its id, by one without fires to come too.

        Raises:
            PipelineNotFound: if there is no such pipeline.
            FlowerpowerError: whatever a run would refuse before it begins.
        """
        return self.backend.schedules.add(self.check_schedule(spec), overwrite=True)

    def check_schedule(self, spec: ScheduleSpec) -> ScheduleSpec:
        """The spec as it is stored; errors as of `put_schedule`."""
        self._registry.files(spec.pipeline)
        return self._checked(spec, is_fire=True)

    def get_schedule(self, schedule_id: str) -> Schedule:
        """The schedule with that id."""
        return self.backend.schedules.get(schedule_id)

    def list_schedules(self) -> list[Schedule]:
        """All schedules of the project."""
        return self.backend.schedules.list()

    def upcoming_schedules(self, limit: int) -> list[Schedule]:
        """The schedules that have a next fire, the soonest first."""
        return self.backend.schedules.upcoming(limit)

    def count_schedules(self) -> int:
        """How many schedules the project's queue has."""
        return self.backend.schedules.count()

    def pause_schedule(self, schedule_id: str) -> Schedule:
        """As `flowerpower.pipeline.schedules.Schedule.pause`."""
        return self.backend.schedules.pause(schedule_id)

    def resume_schedule(self, schedule_id: str) -> Schedule:
        """As `flowerpower.pipeline.schedules.Schedule.resume`."""
        return self.backend.schedules.resume(schedule_id)

    def delete_schedule(self, schedule_id: str) -> None:
        """As `flowerpower.pipeline.schedules.Schedule.delete`."""
        self.backend.schedules.delete(schedule_id)

    def list_fires(self, schedule_id: str, limit: int = 100) -> list[Fire]:
        """As `flowerpower.pipeline.schedules.Schedule.history`."""
        return self.backend.schedules.fires(schedule_id, limit)

    def plan_backfill(self, schedule_id: str, **options: Unpack[BackfillOptions]) -> Backfill:
        """As `flowerpower.pipeline.schedules.Schedule.backfill` with `dry_run`."""
        from flowerpower.pipeline.backfill import plan_backfill

        return plan_backfill(self.backend.schedules, schedule_id, **options)

    def backfill(
        self, plan: Backfill, on_progress: Callable[[int, int], None] | None = None
    ) -> Backfill:
        """Add the jobs of a planned backfill; the same with the ids of those that were added.

        `on_progress` is called now and then with how many fires are done, and of how many.

        Raises:
            PipelineNotFound: if its pipeline is gone.
            Refused: if the schedule was edited meanwhile.
            FlowerpowerError: whatever a run would refuse before it begins.
        """
        from flowerpower.pipeline.backfill import add_pages

        spec = plan.schedule.spec
        self._registry.files(plan.schedule.pipeline)
        if spec is not None and plan.times:
            self._checked(spec, is_fire=True, is_due=True)
        return replace(plan, added=tuple(add_pages(self.backend.schedules, plan, on_progress)))

    def has_scheduler(self) -> bool:
        """Whether a process that fires schedules is alive."""
        return self.backend.schedules.has_scheduler()

    def run_schedule_now(self, schedule_id: str) -> Job:
        """As `flowerpower.pipeline.schedules.Schedule.run_now`."""
        from flowerpower.jobs.schedule import fire_job_spec

        schedule = self.get_schedule(schedule_id)
        self._registry.files(schedule.pipeline)
        # Shortened, because a schedule's id with this suffix may exceed the limit for a job's id.
        job_id = f"{schedule.id[:160]}-now-{uuid.uuid4().hex[:12]}"
        spec = fire_job_spec(schedule, None, job_id)
        return self.backend.add_job(self._checked(spec, is_due=True))

    def _checked(self, spec: Spec, *, is_fire: bool = False, is_due: bool = False) -> Spec:
        """The spec with its overrides as they are stored; a run would not refuse them."""
        from flowerpower.pipeline.checks import checked_overrides

        overrides = checked_overrides(
            self._project, self._registry, spec.pipeline, spec.overrides,
            is_fire=is_fire, is_due=is_due,
        )  # fmt: skip
        return replace(spec, overrides=overrides)

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

    def migrate(
        self,
        to: str,
        *,
        to_url: str | None = None,
        from_url: str | None = None,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
    ) -> MigrationReport:
        """As `flowerpower.pipeline.migration.migrate`."""
        from flowerpower.pipeline import migration

        return migration.migrate(
            self._project, self._config, self._registry.environ, to, to_url=to_url,
            from_url=from_url, dry_run=dry_run, on_progress=on_progress,
        )  # fmt: skip

    def left_behind(self) -> str | None:
        """What waits in a queue beside this one, which the project used before; None if nothing."""
        from flowerpower.pipeline import migration

        return migration.left_behind(self._project, self._config)

    def close(self) -> None:
        """Close the backend, if it was opened."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None
