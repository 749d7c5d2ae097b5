"""One attempt at a pipeline, a RunRequest in and a RunOutcome out; what it would do.

Runs in the foreground and the children of a worker both go through `execute`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from flowerpower.config.files import Pipeline, Project, load_project, project_of, project_root
from flowerpower.config.merge import merged_run, wants_finished
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.pipeline import PipelineConfig
from flowerpower.config.project import ProjectConfig
from flowerpower.config.run_section import RunConfig
from flowerpower.config.validation import validated
from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.errors import FlowerpowerError, RunFailed
from flowerpower.jobs.encoding import encode_outputs
from flowerpower.jobs.log_context import set_run, set_zone
from flowerpower.jobs.run import (
    NodeEvent,
    RunError,
    RunOutcome,
    RunRequest,
    delay_before_retry,
    is_retryable,
)
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.pipeline.run_errors import as_error, run_error
from flowerpower.text import known_secrets, mask_values
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.pipeline.kept_configurations import KeptConfigurations
    from flowerpower.run.plan import Plan

OnEvent = Callable[[NodeEvent], None]
OnRetry = Callable[[RunError, int, float], None]
"""Called before waiting: the error, how many retries are left, seconds to the next attempt."""
OnWarning = Callable[[str], None]
SHORT_TIMEOUT = 1.0
"""Seconds; a worker that is told of a shorter timeout late would not keep to it."""
WARM_UP_RUNS = 10
"""Python adapts code to what it does in its first eight calls or so (3.11), and writes that down:
done before a fork, children run faster and copy less memory."""


def execute(
    request: RunRequest,
    on_event: OnEvent | None = None,
    *,
    loaded: tuple[Project, Pipeline] | None = None,
    kept: KeptConfigurations | None = None,
    on_settings: Callable[[RunConfig, bool], None] | None = None,
    on_warning: OnWarning | None = None,
    interruptible: bool = True,
) -> RunOutcome:
    """Make one attempt and return its outcome; an exception of the pipeline is part of it.

    The configuration is read from the project's files unless the caller has `loaded` it, or it is
    `kept` from an earlier attempt.
    `on_settings` is called with its `run` before any module is imported, and whether people want to
    be told that the job has finished. `on_warning` is called with
    sentences about what does not stop the run; by default they are logged. KeyboardInterrupt is
    raised if `interruptible`, to end a run in the foreground.
    """
    from flowerpower.run.adapters.factory import log_warning
    from flowerpower.run.node_events import NodeEventHook
    from flowerpower.run.runner import PipelineRunner

    node_events = NodeEventHook(on_event)
    started, since = clock.now(), clock.monotonic()
    outcome = RunOutcome(request.pipeline, "failed", clock.format_time(started), "", 0.0)
    policy = None
    try:
        graphs = read = None
        if loaded is not None:
            project, pipeline = loaded
        elif kept is not None:
            read = kept.get(request.base_dir, request.pipeline, request.overrides)
            project, pipeline, graphs = read.project, read.pipeline, read.graphs
        else:
            project = load_project(project_root(Path(request.base_dir)))
            pipeline = PipelineRegistry(project).get(request.pipeline, request.overrides)
        set_zone(read.timezone if read is not None else project.timezone)
        scheduled_for = clock.parse_time(request.scheduled_for) if request.scheduled_for else None
        runner = PipelineRunner(
            project, pipeline, request.overrides, scheduled_for, request.after, kept_graphs=graphs
        )
        policy = runner.settings.retry
        if on_settings is not None:
            is_fire = scheduled_for is not None
            tell = wants_finished(pipeline.config, project.config, is_fire=is_fire)
            on_settings(runner.settings, tell)
        outcome.values, outcome.files = runner.run(node_events, on_warning or log_warning)
        outcome.outputs, outcome.notes = encode_outputs(outcome.values)
        outcome.status = "finished"
    except BaseException as error:
        # Also SystemExit and the like: a pipeline's sys.exit() is a failed run, not the end of us.
        if interruptible and isinstance(error, KeyboardInterrupt):
            raise
        outcome.exception = error
        outcome.error = run_error(error, Path(request.base_dir), node_events.failed_node)
        # An error of flowerpower, such as a missing input, would come again at each retry.
        if policy is not None and not isinstance(error, FlowerpowerError):
            outcome.retryable = is_retryable(policy, outcome.error.type_names)
    node_events.interrupt_running()
    outcome.nodes = node_events.records
    outcome.seconds = round(clock.monotonic() - since, 6)
    # Not the wall clock's time now: if it was set meanwhile, the end would not fit the duration.
    outcome.ended_at = clock.format_time(clock.after(started, outcome.seconds))
    return outcome


def run_in_foreground(
    project: Project,
    pipeline: Pipeline,
    overrides: RunOverrides,
    *,
    environ: Mapping[str, str],
    scheduled_for: datetime | None = None,
    in_process: bool = False,
    on_event: OnEvent | None = None,
    on_retry: OnRetry | None = None,
    on_warning: OnWarning | None = None,
) -> RunOutcome:
    """As `PipelineManager.run_outcome`: the outcome of the last attempt."""
    config = merged_run(pipeline.config, overrides)
    policy = config.retry
    # Nothing ends a thread that is in C code, so a timeout needs a process. It cannot return the
    # real objects, only their encoded outputs, so a caller that wants those goes without a timeout.
    timeout = None if in_process else config.timeout or None
    time_of_fire = None if scheduled_for is None else clock.format_time(scheduled_for)
    request = RunRequest(str(project.root), pipeline.name, overrides, time_of_fire)
    jitter = random.Random()  # noqa: S311 - it spreads delays, it protects no secret
    retries = 0

    def run_here() -> RunOutcome:
        # Relative paths mean the same here as in a job. With `in_process` the current folder is the
        # caller's, who may have other threads.
        with contextlib.nullcontext() if in_process else working_in(project.work):
            return execute(request, on_event, loaded=(project, pipeline), on_warning=on_warning)

    with contextlib.ExitStack() as resources:
        make_attempt = run_here
        if timeout is not None:
            from flowerpower.pipeline.timed_run import TimedRun

            timed = TimedRun(request, timeout, policy, on_event, environ=environ)
            make_attempt = resources.enter_context(contextlib.closing(timed)).make_attempt
        while True:
            outcome = make_attempt()
            if outcome.error is None or not outcome.retryable or retries >= policy.max_retries:
                return outcome
            retries += 1
            delay = delay_before_retry(policy, retries, jitter)
            if on_retry is not None:
                on_retry(outcome.error, policy.max_retries - retries, delay)
            time.sleep(delay)


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Make `folder` the current one of this process, and then the one before again."""
    try:
        before = os.getcwd()
    except OSError:
        # It has been deleted: there is none to go back to.
        before = None
    os.chdir(folder)
    try:
        yield
    finally:
        if before is not None:
            with contextlib.suppress(OSError):
                os.chdir(before)


def plan_run(
    project: Project,
    pipeline: Pipeline,
    overrides: RunOverrides | None = None,
    *,
    scheduled_for: datetime | None = None,
    after: Sequence[str] = (),
    complete: bool = True,
    with_forecast: bool = False,
) -> Plan:
    """As `PipelineRunner.plan`; a module that cannot be imported fails with its file and line."""
    from flowerpower.run.runner import PipelineRunner

    runner = PipelineRunner(project, pipeline, overrides, scheduled_for, after)
    try:
        return runner.plan(complete=complete, with_forecast=with_forecast)
    except RunFailed as error:
        if error.__cause__ is None:
            raise
        described = run_error(error, project.root)
        raise as_error(RunFailed, pipeline.name, described) from error.__cause__


def run_in_child(
    request: dict[str, Any],
    send: Callable[..., None],
    loaded: tuple[Project, Pipeline] | None = None,
) -> dict[str, Any]:
    """Make the attempt of the RunRequest in `request["run"]`, in a worker's child.

    With `request["keep"]` the child makes more of them, else this is its last.
    `request["job"]` and `["attempt"]`, if they are there, are what its log says (`log_context`).
    Sends the settings (`retry`, `timeout` in seconds, whether to `tell_finished`, and the `secrets`
    that its log must not show) once they are known, and every change of a node's state. Any failure
    is an outcome, even if the request cannot be read. The outcome contains no known secret. `send`
    is as `flowerpower.job_queue.worker.child.SendEvent`.
    """

    def send_settings(run: RunConfig, tell_finished: bool) -> None:
        # Only the child reads the YAML, and so only it knows what the worker must keep to.
        settings: dict[str, Any] = {"retry": vars(run.retry), "timeout": run.timeout}
        settings["tell_finished"] = tell_finished
        is_urgent = run.timeout is not None and 0 < run.timeout < SHORT_TIMEOUT
        send({"type": "settings", **settings, "secrets": known_secrets()}, may_wait=not is_urgent)

    def send_node(event: NodeEvent) -> None:
        send({"type": "node", **vars(event)}, may_wait=True)

    try:
        run = _read_request(request.get("run"))
    except FlowerpowerError as error:
        now = clock.format_time(clock.now())
        failure = run_error(error, Path.cwd())
        return RunOutcome("", "failed", now, now, 0.0, error=failure).to_json()
    set_run(run.pipeline, request.get("job"), request.get("attempt"))
    kept = _kept_configurations()
    kept.for_last_run = request.get("keep") is not True
    outcome = execute(
        run,
        send_node,
        loaded=loaded,
        kept=kept,
        on_settings=send_settings,
        interruptible=False,
    ).to_json()
    from flowerpower.run.preload import newly_imported

    if modules := newly_imported():
        send({"type": "imported", "modules": modules}, may_wait=True)
    if kept.has_read:
        send({"type": "read"}, may_wait=True)
    # All else of a node is ours.
    for node in outcome["nodes"]:
        node["name"], node["error"] = mask_values(node["name"]), mask_values(node["error"])
    for part in ("outputs", "notes", "files", "error"):
        if outcome[part]:
            outcome[part] = mask_values(outcome[part])
    return outcome


def read_ahead(base_dir: str, pipeline: str, inputs: Sequence[str]) -> None:
    """Read the configuration of a run in a process that is forked from this one.

    `inputs` are the names of the caller's, who changes nothing else. No code of the project runs.

    Raises:
        FlowerpowerError: the files cannot be read; the run will say so.
    """
    overrides = RunOverrides(inputs=dict.fromkeys(inputs))
    _kept_configurations().read_ahead(base_dir, pipeline, overrides)


@functools.cache
def _kept_configurations() -> KeptConfigurations:
    """Those of this process, for its next jobs."""
    from flowerpower.pipeline.kept_configurations import KeptConfigurations

    return KeptConfigurations()


def _read_request(data: object) -> RunRequest:
    """The RunRequest in `data`, which came from a queue and may be anything."""
    if not isinstance(data, dict):
        raise FlowerpowerError(f"The request is {type(data).__name__}, not an object.")
    wrong = [name for name in ("base_dir", "pipeline") if not isinstance(data.get(name), str)]
    if not isinstance(data.get("scheduled_for"), str | None):
        wrong.append("scheduled_for")
    after = data.get("after") or []
    if not isinstance(after, list) or not all(isinstance(parent, str) for parent in after):
        wrong.append("after")
    try:
        run = RunRequest.from_json({"base_dir": None, "pipeline": None, **data})
    except ValidationError as error:
        wrong += [".".join(map(str, ("overrides", *fault["loc"]))) for fault in error.errors()]
    if wrong:
        what = f"{', '.join(wrong)} missing or of a wrong type"
        raise FlowerpowerError(f"The request cannot be read: {what}.")
    return run


def warm_up(folder: str = "", modules: Sequence[str] = ()) -> None:
    """Do once what every attempt needs; a fork server calls this before its first fork.

    Imports packages that pipelines of the project in `folder` import, as far as that is known
    there, and `modules`, those that are among such packages (see `flowerpower.run.preload`).
    """
    # Libraries are imported and hardly used: a child that is forked after real use of polars, torch
    # and some others never returns from its own first use of them.
    from flowerpower.pipeline.signature import modules_of_project
    from flowerpower.run.patches import stay_quiet
    from flowerpower.run.preload import preload
    from flowerpower.run.warm_up import MODULE, small_module

    stay_quiet()
    preload({*modules, *(modules_of_project(Path(folder)) if folder else ())})
    project_file = parse_yaml(b"{}", "", {})
    pipeline_file = parse_yaml(f"run: {{modules: [{MODULE}]}}".encode(), "", {})
    overrides = RunOverrides(inputs={"number": 1})
    request = {"run": RunRequest("", "warm_up", overrides).to_json(), "keep": False}
    with small_module() as root:
        for _ in range(WARM_UP_RUNS):
            project_config = validated(ProjectConfig, project_file)
            project = project_of(root, project_config, project_file, {})
            config = validated(PipelineConfig, pipeline_file)
            loaded = project, Pipeline("warm_up", config, pipeline_file)
            run_in_child(request, lambda *_, **__: None, loaded)
