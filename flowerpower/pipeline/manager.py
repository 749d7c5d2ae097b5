"""PipelineManager: the front door of the library."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from flowerpower.config.files import (
    Project,
    find_project_root,
    load_project,
    project_root,
    schedule_faults,
)
from flowerpower.config.project import merged_run
from flowerpower.config.run import RunOverrides
from flowerpower.errors import ConfigError, FlowerpowerError, RunFailed, UsageError
from flowerpower.jobs.job import Job
from flowerpower.jobs.retries import delay_before_retry
from flowerpower.jobs.run import NodeEvent, RunError, RunOutcome, RunRequest
from flowerpower.pipeline.job_queue import PipelineJobQueue
from flowerpower.pipeline.overrides import (
    JobArguments,
    RunArguments,
    make_overrides,
    parse_result_ttl,
)
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.run.draw.graph import Graph
    from flowerpower.run.runner import Plan

OnRetry = Callable[[RunError, int, float], None]
"""Called before waiting: the error, how many retries are left, seconds to the next attempt."""


class PipelineManager:
    """Runs the pipelines of one project.

    Args:
        base_dir: the project's folder; by default it is found from the current folder upwards,
            or named by FLOWERPOWER_BASE_DIR.
        job_queue_type: `apscheduler` or `rq`, instead of the project's.
        quiet: do not print what was added; FLOWERPOWER_QUIET=1 does the same.
        environ: where `${NAME}` in YAML and FLOWERPOWER_… variables are looked up.

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
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        root = (
            find_project_root(Path(), environ) if base_dir is None else project_root(Path(base_dir))
        )
        self.project: Project = load_project(root, environ)
        self.registry = PipelineRegistry(self.project)
        self.job_queue = PipelineJobQueue(self.project, self.registry, job_queue_type)
        self._environ = environ
        self._quiet = quiet or environ.get("FLOWERPOWER_QUIET", "") not in ("", "0")

    def run(self, name: str, **overrides: Unpack[RunArguments]) -> dict[str, Any]:
        """Run the pipeline `name` here and now; the values of its final variables by name.

        `overrides` go over the pipeline's YAML: inputs=, overrides=, final_vars=, config=, load=,
        save=, executor=, max_workers=, cache=, recompute=, adapters=, max_retries=, retry_delay=
        and jitter_factor=; see `flowerpower.pipeline.overrides.RunArguments`.

        Raises:
            PipelineNotFound, ConfigError, UsageError: before anything runs.
            RunFailed: if the pipeline fails; `__cause__` is its own exception.
        """
        outcome = self._outcome(name, make_overrides(overrides, known=RunArguments), timeout=None)
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
        ttl = None if result_ttl is None else parse_result_ttl(result_ttl)
        job = self.job_queue.add_job(
            name,
            make_overrides(overrides),
            run_at=self.due_time(run_at, run_in),
            queue=queue,
            job_id=job_id,
            result_ttl=ttl,
        )
        if not self._quiet:
            kept = self.job_queue.result_ttl_of(ttl)
            _announce(
                "added job for",
                self.project.name,
                name,
                job.id,
                f" and result TTL of {kept:g} seconds.",
            )
        return job

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
        from flowerpower.triggers.kinds import make_trigger

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
        timeout = merged_run(self.registry.get(name).config, overrides).timeout
        return self._outcome(
            name, overrides, on_event, on_retry, on_warning, timeout=timeout or None
        )

    def _outcome(
        self,
        name: str,
        overrides: RunOverrides,
        on_event: Callable[[NodeEvent], None] | None = None,
        on_retry: OnRetry | None = None,
        on_warning: Callable[[str], None] | None = None,
        *,
        timeout: float | None,
    ) -> RunOutcome:
        pipeline = self.registry.get(name)
        policy = merged_run(pipeline.config, overrides).retry
        request = RunRequest(str(self.project.root), name, overrides)
        import random

        dice = random.Random()  # noqa: S311 - it spreads delays, it keeps no secret
        retry = 0
        while True:
            if timeout is None:
                from flowerpower.pipeline.execute import execute

                loaded = self.project, pipeline
                outcome = execute(
                    request, on_event, loaded=loaded, environ=self._environ, on_warning=on_warning
                )
            else:
                from flowerpower.pipeline.timed_run import run_timed

                outcome = run_timed(request, timeout, policy, on_event, environ=self._environ)
            if outcome.error is None or not outcome.retryable or retry >= policy.max_retries:
                return outcome
            retry += 1
            delay = delay_before_retry(policy, retry, dice)
            if on_retry is not None:
                on_retry(outcome.error, policy.max_retries - retry, delay)
            time.sleep(delay)

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
        from flowerpower.pipeline.execute import described_error
        from flowerpower.run.runner import PipelineRunner

        runner = PipelineRunner(self.project, self.registry.get(name), overrides)
        try:
            return runner.plan(complete=complete, with_forecast=with_forecast)
        except RunFailed as error:
            if error.__cause__ is None:
                raise
            told = described_error(error, self.project.root)
            raise RunFailed(
                failure_sentence(name, told), details=told.details, hint=told.hint
            ) from error.__cause__

    def graph(self, name: str, overrides: RunOverrides | None = None) -> Graph:
        """The pipeline's whole DAG, with its final variables marked; nothing runs.

        Raises:
            FlowerpowerError: as `plan`; missing inputs are no error.
        """
        from flowerpower.run import dag

        plan = self.plan(name, overrides, complete=False)
        return dag.graph(plan.driver, name, plan.final_vars)

    def validate(self, name: str) -> list[str]:
        """All that is wrong with a pipeline, found without running it, one sentence each.

        Raises:
            PipelineNotFound: if there is no such pipeline.
        """
        try:
            pipeline = self.registry.get(name)
        except ConfigError as error:
            return error.details or [error.message]
        faults = [str(fault) for fault in schedule_faults(pipeline, self.project.timezone)]
        ways = {"": RunOverrides()}
        for entry in pipeline.config.schedule:
            if entry.run != RunOverrides():
                told = f"schedule {entry.id}: " if entry.id else "schedule: "
                ways[told] = RunOverrides(declared=entry.id or "")
        for told, overrides in ways.items():
            try:
                self.plan(name, overrides, complete=False)
            except FlowerpowerError as error:
                details = [] if isinstance(error, RunFailed) else error.details
                found = [error.message, *details]
                faults += [f"{told}{each}" for each in found if each not in faults]
        return faults


def _announce(what: str, project: str, pipeline: str, identifier: str, end: str = "") -> None:
    from rich.console import Console
    from rich.text import Text

    told = Text(f"✅ Successfully {what} ")
    told.append(f"{project}.{pipeline}", style="blue").append(" with ID ")
    told.append(identifier, style="green").append(end)
    Console(highlight=False).print(told, soft_wrap=True)


def raise_for_error(outcome: RunOutcome) -> None:
    """Raise what made the attempt fail, if anything did.

    Raises:
        FlowerpowerError: the one that stopped it; RunFailed for an exception of the pipeline.
    """
    if outcome.error is None:
        return
    if isinstance(outcome.exception, FlowerpowerError) and outcome.exception.__cause__ is None:
        raise outcome.exception
    error = outcome.error
    cause = outcome.exception
    if isinstance(cause, RunFailed):
        cause = cause.__cause__
    kind = _error_classes().get(error.code, RunFailed) if cause is None else RunFailed
    raise kind(
        failure_sentence(outcome.pipeline, error), hint=error.hint, details=error.details
    ) from cause


def _error_classes() -> dict[str, type[FlowerpowerError]]:
    """Every error of ours by its code: what a child process tells is data."""
    found: dict[str, type[FlowerpowerError]] = {}
    classes: list[type[FlowerpowerError]] = [FlowerpowerError]
    for each in classes:
        found.setdefault(each.code, each)
        classes += each.__subclasses__()
    return found


def failure_sentence(pipeline: str, error: RunError) -> str:
    """Why an attempt at `pipeline` failed, and where; an error of ours speaks for itself."""
    if error.code != RunFailed.code:
        return error.message
    where = f" ({error.file}, line {error.line})" if error.file else ""
    what = f"Node {error.node} of {pipeline}" if error.node else pipeline
    message = f": {error.message}" if error.message else ""
    return f"{what} failed{where}: {error.type}{message}"
