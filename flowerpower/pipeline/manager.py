"""PipelineManager: the front door of the library."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

from flowerpower.config.files import (
    Project,
    find_project_root,
    load_project,
    project_root,
    schedule_faults,
)
from flowerpower.config.merge import merged_run
from flowerpower.config.run import RunOverrides
from flowerpower.errors import ConfigError, FlowerpowerError, RunFailed, UsageError
from flowerpower.jobs.run import NodeEvent, RunOutcome
from flowerpower.pipeline.failures import failure_sentence, raise_for_error
from flowerpower.pipeline.foreground import OnRetry, run_in_foreground
from flowerpower.pipeline.job_queue import PipelineJobQueue
from flowerpower.pipeline.overrides import (
    JobArguments,
    RunArguments,
    make_overrides,
    parse_result_ttl,
)
from flowerpower.pipeline.registry import PipelineFiles, PipelineRegistry
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.pipeline.bundles.bundle import Bundle
    from flowerpower.pipeline.bundles.importing import ImportPlan
    from flowerpower.pipeline.jobs import Job, Jobs
    from flowerpower.pipeline.schedules import Schedules
    from flowerpower.run.draw.graph import Graph
    from flowerpower.run.runner import Plan

# In a class that has a method `list`, annotations need other names for the type.
Names: TypeAlias = list[str]
Paths: TypeAlias = list[Path]


class PipelineManager:
    """Runs the pipelines of one project.

    Args:
        base_dir: the project's folder; by default it is found from the current folder upwards,
            or named by FLOWERPOWER_BASE_DIR.
        job_queue_type: `apscheduler` or `rq`, instead of the project's.
        quiet: do not print what was added; FLOWERPOWER_QUIET=1 does the same.
        environ: where `${NAME}` in YAML and FLOWERPOWER_… variables are looked up; None stands for
            the environment of the process.

    Attributes:
        job_queue: the queue itself, which also runs workers and schedulers.
        registry: the files of the project's pipelines.

    Raises:
        ProjectNotFound: if there is no project.
        ConfigError: if conf/project.yml is wrong.
    """

    def __init__(
        self,
        base_dir: str | os.PathLike[str] | None = None,
        job_queue_type: str | None = None,
        *,
        quiet: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        root = (
            find_project_root(Path(), environ) if base_dir is None else project_root(Path(base_dir))
        )
        self.project: Project = load_project(root, environ)
        self.registry = PipelineRegistry(self.project)
        self.job_queue = PipelineJobQueue(self.project, self.registry, job_queue_type)
        self._environ = environ
        self._quiet = quiet or environ.get("FLOWERPOWER_QUIET", "") not in ("", "0")

    # Each with an import of its own: a run needs none of them, adding a job no schedules.

    @cached_property
    def jobs(self) -> Jobs:
        """The project's jobs: get, list, cancel, retry, delete, prune."""
        from flowerpower.pipeline.jobs import Jobs

        return Jobs(self.job_queue)

    @cached_property
    def schedules(self) -> Schedules:
        """The project's schedules: get, list, pause, resume, run_now, delete, history."""
        from flowerpower.pipeline.schedules import Schedules

        return Schedules(self.job_queue)

    def run(self, name: str, **overrides: Unpack[RunArguments]) -> dict[str, Any]:
        """Run the pipeline `name` here and now; the values of its final variables by name.

        `overrides` go over the pipeline's YAML: inputs=, overrides=, final_vars=, config=, load=,
        save=, executor=, max_workers=, cache=, recompute=, adapters=, max_retries=, retry_delay=
        and jitter_factor=; see `flowerpower.pipeline.overrides.RunArguments`.

        Raises:
            PipelineNotFound, ConfigError, UsageError: before anything runs.
            RunFailed: if the pipeline fails; `__cause__` is its own exception.
        """
        outcome = run_in_foreground(
            self.project,
            self.registry.get(name),
            make_overrides(overrides, known=RunArguments),
            timeout=None,
            environ=self._environ,
        )
        raise_for_error(outcome)
        return outcome.values

    def add_job(
        self,
        name: str,
        *,
        run_at: datetime | str | None = None,
        run_in: float | str | timedelta | None = None,
        queue: str | None = None,
        job_id: str | None = None,
        result_ttl: float | str | None = None,
        **overrides: Unpack[JobArguments],
    ) -> Job:
        """Hand a run of the pipeline `name` to the job queue; returns at once with the job.

        `overrides` are as for `run`, must be JSON and name no classes; timeout= is one more.
        `run_at` without an offset is in the project's time zone. With a `job_id` the submission is
        idempotent: the second time gives the first job, with `created` False.

        Raises:
            PipelineNotFound, UsageError: before anything is stored.
            BackendUnreachable: if the job was not taken.
        """
        from flowerpower.pipeline.jobs import Job

        ttl = None if result_ttl is None else parse_result_ttl(result_ttl)
        record = self.job_queue.add_job(
            name,
            make_overrides(overrides),
            run_at=self.due_time(run_at, run_in),
            queue=queue,
            job_id=job_id,
            result_ttl=ttl,
        )
        if not self._quiet:
            seconds = self.job_queue.result_ttl_of(ttl)
            _announce(
                "added job for",
                self.project.name,
                name,
                record.id,
                f" and result TTL of {seconds:g} seconds.",
            )
        return Job(record, self.job_queue)

    def schedule(
        self,
        name: str,
        *,
        cron: str | None = None,
        interval: str | int | float | timedelta | None = None,
        date: datetime | str | None = None,
        timezone: str | None = None,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        jitter: float | str | None = None,
        misfire_grace_time: float | str | None = None,
        coalesce: bool = True,
        max_instances: int = 1,
        schedule_id: str | None = None,
        overwrite: bool = False,
        queue: str | None = None,
        result_ttl: float | str | None = None,
        **overrides: Unpack[JobArguments],
    ) -> str:
        """Put the pipeline `name` on the calendar; the id of its schedule.

        Exactly one of `cron`, `interval` and `date`; without any, the schedule in the pipeline's
        YAML (`schedule_id` says which, where there are several), which takes nothing else from
        here. Times without an offset are in `timezone`, by default the project's. Overrides are
        as for `add_job`.

        The same again gives the same schedule. With a `schedule_id` that another schedule has,
        `overwrite` replaces it.

        Raises:
            PipelineNotFound, ConfigError, UsageError: before anything is stored.
            Refused: if the id is another schedule's.
            BackendUnreachable: if the schedule was not taken.
        """
        from flowerpower.pipeline.scheduling import select, spec_from_arguments
        from flowerpower.triggers.make import make_trigger

        if cron is None and interval is None and date is None:
            specs = self.job_queue.declared_schedules(name)
            spec = select(name, specs, schedule_id)
        else:
            trigger = make_trigger(
                cron, interval, date, timezone=timezone or self.project.timezone,
                start=start, end=end, jitter=jitter,
            )  # fmt: skip
            grace = None if misfire_grace_time is None else clock.parse_duration(misfire_grace_time)
            spec = spec_from_arguments(
                self.project,
                name,
                trigger,
                make_overrides(overrides),
                schedule_id=schedule_id,
                queue=queue,
                result_ttl=None if result_ttl is None else parse_result_ttl(result_ttl),
                misfire_grace_time=grace,
                coalesce=coalesce,
                max_instances=max_instances,
            )
        schedule = self.job_queue.add_schedule(spec, overwrite=overwrite)
        if not self._quiet:
            _announce("scheduled job for", self.project.name, name, schedule.id)
        return schedule.id

    def due_time(
        self, run_at: datetime | str | None = None, run_in: float | str | timedelta | None = None
    ) -> datetime | None:
        """When a job is due that is given one of the two; None for at once.

        Raises:
            UsageError: if both are given, or one cannot be read.
        """
        if run_at is not None and run_in is not None:
            raise UsageError("run_at and run_in are both given; expected one of them.")
        if run_in is not None:
            return clock.after(clock.now(), clock.parse_duration(run_in))
        if run_at is None:
            return None
        reading = clock.parse_time(run_at) if isinstance(run_at, str) else run_at
        if reading.tzinfo is None:
            reading = reading.replace(tzinfo=clock.timezone(self.project.timezone))
        return clock.after(reading, 0)

    def close(self) -> None:
        """Let go of the job queue's connections, if it was used."""
        self.job_queue.close()

    def run_outcome(
        self,
        name: str,
        overrides: RunOverrides | None = None,
        *,
        on_event: Callable[[NodeEvent], None] | None = None,
        on_retry: OnRetry | None = None,
        on_warning: Callable[[str], None] | None = None,
    ) -> RunOutcome:
        """As `run`, but what came of it as data; a failing pipeline raises nothing.

        With a timeout, of the overrides or the YAML, each attempt is made in a process of its own
        in the project's folder, and ended when it takes longer; `values` are the encoded outputs
        then. What it prints goes to `sys.stderr`.

        Raises:
            PipelineNotFound, ConfigError: if there is no such pipeline or its file is wrong.
        """
        overrides = overrides or RunOverrides()
        pipeline = self.registry.get(name)
        return run_in_foreground(
            self.project,
            pipeline,
            overrides,
            timeout=merged_run(pipeline.config, overrides).timeout or None,
            environ=self._environ,
            on_event=on_event,
            on_retry=on_retry,
            on_warning=on_warning,
        )

    def plan(
        self,
        name: str,
        overrides: RunOverrides | None = None,
        *,
        complete: bool = True,
        with_forecast: bool = False,
    ) -> Plan:
        """What a run would do: nodes in order, inputs and where they go; nothing runs.

        With a forecast, and the cache on, it says which nodes would come from there.

        Raises:
            FlowerpowerError: as `run`; missing inputs are no error if `complete` is False.
        """
        from flowerpower.pipeline.run_errors import run_error
        from flowerpower.run.runner import PipelineRunner

        runner = PipelineRunner(self.project, self.registry.get(name), overrides)
        try:
            return runner.plan(complete=complete, with_forecast=with_forecast)
        except RunFailed as error:
            if error.__cause__ is None:
                raise
            cause = run_error(error, self.project.root)
            raise RunFailed(
                failure_sentence(name, cause), details=cause.details, hint=cause.hint
            ) from error.__cause__

    def graph(self, name: str, overrides: RunOverrides | None = None) -> Graph:
        """The pipeline's whole DAG, with its final variables marked; nothing runs.

        Raises:
            FlowerpowerError: as `plan`; missing inputs are no error.
        """
        from flowerpower.run import dag

        plan = self.plan(name, overrides, complete=False)
        return dag.graph(plan.dag.driver, name, plan.final_vars)

    def validate(self, name: str) -> Names:
        """All that is wrong with a pipeline, found without running it, one sentence each.

        Raises:
            PipelineNotFound: if there is no such pipeline.
        """
        try:
            pipeline = self.registry.get(name)
        except ConfigError as error:
            return error.details or [error.message]
        faults = [str(fault) for fault in schedule_faults(pipeline, self.project.timezone)]
        runs = {"": RunOverrides()}
        for entry in pipeline.config.schedule:
            if entry.run != RunOverrides():
                prefix = f"schedule {entry.id}: " if entry.id else "schedule: "
                runs[prefix] = RunOverrides(declared=entry.id or "")
        for prefix, overrides in runs.items():
            try:
                self.plan(name, overrides, complete=False)
            except FlowerpowerError as error:
                details = [] if isinstance(error, RunFailed) else error.details
                sentences = [error.message, *details]
                faults += [f"{prefix}{text}" for text in sentences if text not in faults]
        return faults

    def new(self, name: str) -> PipelineFiles:
        """Make a pipeline of one node: conf/pipelines/NAME.yml and pipelines/NAME.py.

        Raises:
            InvalidName: if a pipeline cannot have that name.
            Refused: if one of the files exists; nothing is written then.
        """
        return self.registry.create(name)

    def delete(self, name: str, *, dry_run: bool = False) -> Paths:
        """Delete a pipeline's YAML and module; their paths, relative to the project.

        With `dry_run` nothing is deleted.

        Raises:
            PipelineNotFound: with the nearest name.
            Refused: if another pipeline uses the module.
        """
        return self.registry.delete(name, dry_run=dry_run)

    def export(self, name: str, path: str | os.PathLike[str], *, overwrite: bool = False) -> Bundle:
        """Write a pipeline's YAML and modules to `path`: a zip if it ends in .zip, else a folder.

        Raises:
            PipelineNotFound: with the nearest name.
            ConfigError: if its file or a module is wrong, is missing, or lies outside the project.
            Refused: if `path` exists, and `overwrite` is False.
        """
        from flowerpower.pipeline.bundles.writing import pack_pipeline, write_bundle

        bundle = pack_pipeline(self.project, name).bundle
        write_bundle(bundle, Path(path), overwrite=overwrite)
        return bundle

    def import_pipeline(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        overwrite: bool = False,
        dry_run: bool = False,
    ) -> ImportPlan:
        """Take a pipeline from a folder or zip that `export` wrote; nothing of it is run.

        `name` gives it another name. All files are written or none; with `dry_run`, none. The plan
        that is returned lists them: new, replaced, unchanged.

        Raises:
            ConfigError: if `path` is not a bundle.
            Refused: if files of another content exist, and `overwrite` is False.
        """
        from flowerpower.pipeline.bundles.bundle import renamed
        from flowerpower.pipeline.bundles.importing import plan_import
        from flowerpower.pipeline.bundles.reading import read_bundle

        bundle = read_bundle(Path(path))
        if name is not None:
            bundle = renamed(bundle, name)
        plan = plan_import(self.project.root, bundle, overwrite=overwrite)
        if not dry_run:
            plan.carry_out()
        return plan

    def list(self) -> Names:
        """The names of the project's pipelines, sorted."""
        return self.registry.names()


def _announce(what: str, project: str, pipeline: str, identifier: str, end: str = "") -> None:
    from rich.console import Console
    from rich.text import Text

    sentence = Text(f"✅ Successfully {what} ")
    sentence.append(f"{project}.{pipeline}", style="blue").append(" with ID ")
    sentence.append(identifier, style="green").append(end)
    # Soft wrap: an id that a terminal breaks in the middle cannot be copied.
    Console(highlight=False).print(sentence, soft_wrap=True)
