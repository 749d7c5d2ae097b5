"""PipelineManager: the front door of the library."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Unpack

from flowerpower.config.files import Project, load_project
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.project_source import find_source
from flowerpower.pipeline.job_queue import PipelineJobQueue
from flowerpower.pipeline.manager_definitions import DefinitionVerbs
from flowerpower.pipeline.other_names import KnowsOtherNames
from flowerpower.pipeline.overrides import JobArguments, RunArguments, due_time, make_overrides
from flowerpower.pipeline.registry import PipelineRegistry

if TYPE_CHECKING:
    from flowerpower.jobs.run import RunOutcome
    from flowerpower.pipeline.doctor.diagnosis import Diagnosis
    from flowerpower.pipeline.execute import OnEvent, OnRetry, OnWarning
    from flowerpower.pipeline.jobs import Job, Jobs
    from flowerpower.pipeline.notices import Notices
    from flowerpower.pipeline.parents import Parents
    from flowerpower.pipeline.schedules import Schedules
    from flowerpower.pipeline.status import ProjectStatus
    from flowerpower.triggers.date import IsoTime


class PipelineManager(DefinitionVerbs, KnowsOtherNames):
    """Runs the pipelines of one project.

    Args:
        base_dir: the project's folder, or a URL that fsspec knows, such as `s3://bucket/project`;
            by default FLOWERPOWER_BASE_DIR, or the first project from the current folder upwards.
            A project at a URL is only read; its newest version is fetched once, and kept.
        job_queue_type: `apscheduler` or `rq`, instead of the project's.
        quiet: do not print what was added; FLOWERPOWER_QUIET=1 does the same.
        environ: where `${NAME}` in YAML and FLOWERPOWER_… variables are looked up; None stands for
            the environment of the process.
        storage_options: for a URL, what fsspec's package for its scheme takes, instead of
            FLOWERPOWER_STORAGE_OPTIONS. Nothing of it is stored or shown.
        fs: a file system of fsspec's, in which `base_dir` is a path then.

    Attributes:
        job_queue: the queue itself, which also runs workers and schedulers.
        registry: the files of the project's pipelines.

    Raises:
        ProjectNotFound, ConfigError: if there is no project, or its conf/project.yml is wrong.
        SourceUnreachable: if its URL does not answer, and no version of it is kept here.
    """

    def __init__(
        self,
        base_dir: str | os.PathLike[str] | None = None,
        job_queue_type: str | None = None,
        *,
        quiet: bool = False,
        environ: Mapping[str, str] | None = None,
        storage_options: Mapping[str, Any] | None = None,
        fs: Any = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        source = find_source(base_dir, environ, storage_options, fs)
        self.project: Project = load_project(source.root(), environ)
        self.registry = PipelineRegistry(self.project, environ)
        self.job_queue = PipelineJobQueue(self.project, self.registry, job_queue_type, source)
        self._environ = environ
        self._quiet = quiet or environ.get("FLOWERPOWER_QUIET", "") not in ("", "0")

    # Imports stand in methods, because a run needs no jobs and adding a job needs no schedules.
    @cached_property
    def jobs(self) -> Jobs:
        """The project's jobs: get, list, cancel, retry, delete, prune."""
        from flowerpower.pipeline.jobs import Jobs

        return Jobs(self.job_queue)

    @cached_property
    def schedules(self) -> Schedules:
        """The project's schedules: get, list, diff, apply, pause, resume, delete, backfill."""
        from flowerpower.pipeline.schedules import Schedules

        return Schedules(self.project, self.registry, self.job_queue)

    @cached_property
    def notices(self) -> Notices:
        """Who is told of what: targets, test, and the notices that wait or were given up."""
        from flowerpower.pipeline.notices import Notices

        return Notices(self.project, self.registry, self.job_queue)

    def run(self, name: str, **overrides: Unpack[RunArguments]) -> dict[str, Any]:
        """Run the pipeline `name` in this process; the values of its final variables by name.

        `overrides` such as inputs= and final_vars= go over the pipeline's YAML: all of them are in
        `flowerpower.pipeline.overrides.RunArguments`.

        Raises:
            PipelineNotFound, ConfigError, UsageError: before anything runs.
            RunFailed: if the pipeline fails; `__cause__` is its own exception.
        """
        from flowerpower.pipeline.run_errors import raise_for_error

        made = make_overrides(overrides, allowed=RunArguments)
        outcome = self.run_outcome(name, made, in_process=True)
        raise_for_error(outcome)
        return outcome.values

    def run_outcome(
        self,
        name: str,
        overrides: RunOverrides | None = None,
        *,
        scheduled_for: datetime | None = None,
        in_process: bool = False,
        on_event: OnEvent | None = None,
        on_retry: OnRetry | None = None,
        on_warning: OnWarning | None = None,
    ) -> RunOutcome:
        """As `run`, but returns the outcome as data; a failing pipeline raises nothing.

        It runs in the project's folder: until it ends, that is this process's current folder. With
        a timeout, of the overrides or the YAML, each attempt is made in a process of its own, and
        ended when it takes longer; `values` are the encoded outputs then. What it prints goes to
        `sys.stderr`. `in_process` ignores timeout and folder; `scheduled_for` is for that input.

        Raises:
            PipelineNotFound, ConfigError: if there is no such pipeline or its file is wrong.
        """
        from flowerpower.pipeline.execute import run_in_foreground

        overrides = overrides or RunOverrides()
        return run_in_foreground(
            self.project, self.registry.get(name, overrides), overrides, environ=self._environ,
            scheduled_for=scheduled_for, in_process=in_process,
            on_event=on_event, on_retry=on_retry, on_warning=on_warning,
        )  # fmt: skip

    def add_job(
        self,
        name: str,
        *,
        run_at: datetime | str | None = None,
        run_in: float | str | timedelta | None = None,
        queue: str | None = None,
        job_id: str | None = None,
        result_ttl: float | str | None = None,
        priority: int = 0,
        expires: float | str | timedelta | None = None,
        after: Parents = None,
        on: str = "success",
        unique: bool = False,
        **overrides: Unpack[JobArguments],
    ) -> Job:
        """Add a job that runs the pipeline `name` to the job queue; returns at once with the job.

        `overrides` are as for `run` and name no classes; timeout= is one more. Values must be what
        JSON can hold, or become the same again by the type that the pipeline declares: dates,
        paths, enums, Decimal, models, dataclasses. Unless a call like it was checked before, the
        pipeline is imported.
        `run_at` without an offset is in the project's time zone. With a `job_id` the submission is
        idempotent: the second time returns the first job, with `created` False. Of the due jobs in
        a queue those with a higher `priority` (-100 to 100) run first. A job that has waited for
        longer than `expires`, in seconds or as `10m`, since it was due is cancelled.
        It waits for the jobs `after`, handles or ids, and runs once all of them have ended as `on`
        says: success, failure or end. If one ends otherwise, it is cancelled. Of `unique` jobs that
        ask for the same, only one is added while it has not ended; the second call returns it, with
        `created` False.

        Raises:
            PipelineNotFound, ConfigError, UsageError, JobNotFound: before anything is stored.
            Refused: if one of `after` has ended otherwise, or the id is another job's.
            BackendUnreachable: if the job was not stored.
        """
        from flowerpower.pipeline.jobs import Job

        record = self.job_queue.add_job(
            name, make_overrides(overrides), run_at=due_time(self.project, run_at, run_in),
            queue=queue, job_id=job_id, result_ttl=result_ttl, priority=priority, expires=expires,
            after=after, on=on, unique=unique,
        )  # fmt: skip
        seconds = self.job_queue.result_ttl_of(result_ttl)
        self._announce("added job for", name, record.id, f" and result TTL of {seconds:g} seconds.")
        return Job(record, self.job_queue)

    def schedule(
        self,
        name: str,
        *,
        cron: str | None = None,
        every: str | None = None,
        interval: str | int | float | timedelta | None = None,
        date: datetime | str | None = None,
        timezone: str | None = None,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        jitter: float | str | None = None,
        except_: Iterable[IsoTime] | None = None,
        misfire_grace_time: float | str | None = None,
        coalesce: bool = True,
        max_instances: int = 1,
        overlap: str = "skip",
        schedule_id: str | None = None,
        overwrite: bool = False,
        queue: str | None = None,
        result_ttl: float | str | None = None,
        priority: int = 0,
        expires: float | str | timedelta | None = None,
        **overrides: Unpack[JobArguments],
    ) -> str:
        """Add a schedule for the pipeline `name`; returns its id.

        It takes exactly one of `cron`, `every` (such as `2 weeks`, counted from `start`),
        `interval` and `date`. Without any, it adds or changes the schedule in the pipeline's YAML;
        `schedule_id` says which one of several. Times without an offset are in `timezone`, by
        default the project's. `except_` are dates without fires. Overrides, `priority` and
        `expires` are as for `add_job`; `overlap`: skip, queue or replace. The same call again
        returns the same schedule. If another has the `schedule_id`, `overwrite` replaces it.

        Raises:
            PipelineNotFound, ConfigError, UsageError, Refused: before anything is stored.
            BackendUnreachable: if the schedule was not stored.
        """
        from flowerpower.pipeline.schedules import add_declared, spec_from_arguments
        from flowerpower.triggers.make import make_trigger

        if all(kind is None for kind in (cron, every, interval, date)):
            schedule = add_declared(self.schedules, name, schedule_id, overwrite)
        else:
            trigger = make_trigger(
                cron, interval, date, every=every, timezone=timezone or self.project.timezone,
                start=start, end=end, jitter=jitter, except_=except_,
            )  # fmt: skip
            spec = spec_from_arguments(
                self.project, name, trigger, make_overrides(overrides), schedule_id=schedule_id,
                queue=queue, result_ttl=result_ttl, misfire_grace_time=misfire_grace_time,
                coalesce=coalesce, max_instances=max_instances, overlap=overlap, priority=priority,
                expires=expires,
            )  # fmt: skip
            schedule = self.job_queue.add_schedule(spec, overwrite=overwrite)
        self._announce("scheduled job for", name, schedule.id)
        return schedule.id

    def status(self, limit: int = 10) -> ProjectStatus:
        """What happens in the project's job queue now, with up to `limit` jobs in each list.

        Raises:
            BackendUnreachable: if the queue cannot be read.
        """
        from flowerpower.pipeline.status import read_status

        return read_status(self.project, self.job_queue, limit)

    def doctor(self, *checks: str, worker_id: str | None = None) -> Diagnosis:
        """Examine files, packages, pipelines, job queue and schedules; what is wrong with each.

        `checks` are names in `flowerpower.pipeline.doctor.examine.CHECKS`; without any, all that
        are no health probes. Pipelines are imported in another process, and nothing runs.

        Raises:
            UsageError: if there is no such check.
        """
        from flowerpower.pipeline.doctor.examine import examine

        return examine(
            self.project.root, checks, job_queue_type=self.job_queue.type, worker_id=worker_id,
            environ=self._environ,
        )  # fmt: skip

    def close(self) -> None:
        """Close the job queue's connections, if it was used."""
        self.job_queue.close()

    def _announce(self, action: str, pipeline: str, identifier: str, end: str = "") -> None:
        if not self._quiet:
            from flowerpower.pipeline.jobs import announce

            announce(action, self.project.name, pipeline, identifier, end)
