"""From a pipeline's name and overrides to a job in the project's queue."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flowerpower.config.files import Project
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.project_source import LocalSource, ProjectSource
from flowerpower.config.queue_settings import BACKEND_TYPES, DEFAULT_URLS, merged_backend, with_type
from flowerpower.errors import FlowerpowerError, UsageError
from flowerpower.job_queue.project_rules import ProjectRules
from flowerpower.jobs.job import Job, JobFilter, JobVerb, LogChunk
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.pipeline.overrides import parse_expires, parse_result_ttl, with_relative_paths
from flowerpower.pipeline.queue_schedules import ScheduleVerbs
from flowerpower.pipeline.queue_workers import WorkerVerbs, queue_or_default
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import did_you_mean

if TYPE_CHECKING:
    from flowerpower.job_queue.base import JobQueueBackend
    from flowerpower.job_queue.migration import MigrationReport, OnProgress
    from flowerpower.jobs.limits import Limits
    from flowerpower.pipeline.parents import Parents
    from flowerpower.pipeline.retry_plan import RetryPlan

_SQLITE = "sqlite:///"


class PipelineJobQueue(ScheduleVerbs, WorkerVerbs):
    """The job queue of one project; its backend is opened at first use and kept.

    `job_queue_type` replaces the project's type; the URL in project.yml is not used then. Besides
    the errors that a method names, each raises BackendUnreachable if the backend does not answer.

    Raises:
        UsageError: if there is no such type.
    """

    def __init__(
        self,
        project: Project,
        registry: PipelineRegistry,
        job_queue_type: str | None = None,
        source: ProjectSource | None = None,
    ) -> None:
        if job_queue_type is not None and job_queue_type not in BACKEND_TYPES:
            raise UsageError(
                f"There is no job queue of type {job_queue_type!r}: expected "
                f"{' or '.join(BACKEND_TYPES)}.{did_you_mean(job_queue_type, BACKEND_TYPES)}"
            )
        self._project = project
        self._registry = registry
        self._config = with_type(project.job_queue, job_queue_type)
        self.type: str = self._config.type
        self._backend: JobQueueBackend | None = None
        self._source = source or LocalSource(project.root)
        self.rules = ProjectRules(project, self._source, registry.environ)

    @property
    def in_memory(self) -> bool:
        """Whether the queue lives in memory, where no other process finds it."""
        return self._config.backend.url == "memory"

    @property
    def is_made(self) -> bool:
        """Whether there may be something in it: a SQLite file is made at the first use."""
        if self._backend is not None or self.in_memory:
            return self._backend is not None
        return self.file is None or os.path.lexists(self.file)

    @property
    def file(self) -> Path | None:
        """The SQLite file that it is in, or will be; None if it is on a server, or in memory."""
        url = self._config.backend.url or DEFAULT_URLS["apscheduler"]
        if self.type != "apscheduler" or not url.startswith(_SQLITE):
            return None
        return self._project.work / url.removeprefix(_SQLITE)

    @property
    def backend(self) -> JobQueueBackend:
        """The backend, open."""
        if self._backend is None:
            from flowerpower.job_queue import open_backend

            options = merged_backend(self._config, self._project.name, {})
            self._backend = open_backend(self.type, self._project.work, options)
            self._backend.source = self._source
            self.rules.attach(self._backend)
        return self._backend

    def limits(self) -> Limits:
        """The limits that the project's files declare, as the files are now."""
        return self.rules.limits()

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
        after: Parents = None,
        on: str = "success",
        unique: bool = False,
    ) -> Job:
        """Add a job that runs the pipeline `name`; returns once the job is stored.

        Raises:
            PipelineNotFound: if there is no such pipeline.
            FlowerpowerError: whatever a run would refuse before it begins, and InvalidInputs for
                an input that JSON cannot hold.
            ConfigError: if the pipeline names a limit, or one to follow, that there is not.
            UsageError: if the project's workers take no jobs from that queue, or the priority or
                `expires` is out of range; if it cannot run `after` these jobs, or `on` is no end.
            JobNotFound: if there is no such job to run after.
            Refused: if there is another job with that id: of other inputs, say; if one to run
                after has ended otherwise.
        """
        # What only some jobs need is imported where it is needed: `add-job` is as fast as it is
        # because it imports little.
        from flowerpower.pipeline.checks import checked_spec

        self._registry.files(name)
        if not self.rules.can_be_kept(name):
            from flowerpower.pipeline.rule_faults import check_rules

            check_rules(self._registry, self.rules, name)
        spec = JobSpec(
            pipeline=name,
            overrides=with_relative_paths(overrides or RunOverrides(), self._project.work),
            id=str(uuid.uuid4()) if job_id is None else job_id,
            queue=queue_or_default(self._project, queue),
            run_at=run_at,
            result_ttl=parse_result_ttl(result_ttl),
            priority=priority,
            expires=parse_expires(expires),
            unique=unique,
            project_version=self._project.version,
        )
        if after is not None or on != "success":
            from flowerpower.pipeline.parents import with_parents, with_time_of_parents

            spec = with_parents(spec, after, on)
            if spec.after:
                spec = with_time_of_parents(self.backend, spec, is_new=job_id is None)
        checked = checked_spec(
            self._project, self._registry, spec,
            is_fire=spec.scheduled_for is not None, is_due=run_at is None and not spec.after,
        )  # fmt: skip
        job = self.backend.add_job(self.rules.with_followers(checked))
        # With another id it is a unique one, which asks for the same.
        if not job.created and job.id == spec.id:
            from flowerpower.pipeline.given_ids import check_same

            check_same(job, checked)
        elif job.created and spec.after:
            from flowerpower.pipeline.parents import check_not_cancelled

            check_not_cancelled(job)
        return job

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

    def children_of(self, job_ids: Sequence[str], limit: int = 100) -> list[Job]:
        """The jobs that wait, or have waited, for one of these, the oldest first."""
        return self.backend.children_of(job_ids, limit)

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
        version = self._project.version
        specs = [
            replace(request, project_version=version)
            for request in requests
            if isinstance(request, JobSpec)
        ]
        if not dry_run:
            specs = [self.rules.with_followers(spec) for spec in specs]
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
        from flowerpower.pipeline.migration import migrate

        return migrate(
            self._project, self._config, self._registry.environ, to, to_url=to_url,
            from_url=from_url, dry_run=dry_run, on_progress=on_progress,
        )  # fmt: skip

    def left_behind(self) -> str | None:
        """What waits in a queue beside this one, which the project used before; None if nothing."""
        from flowerpower.pipeline.migration import left_behind

        return left_behind(self._project, self._config)

    def close(self) -> None:
        """Close the backend, if it was opened."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None
