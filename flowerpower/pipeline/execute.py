"""One attempt at a pipeline: a RunRequest in, a RunOutcome out.

A run in the foreground and the children of a worker go through here alike.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flowerpower.config.files import (
    Pipeline,
    Project,
    load_project,
    project_root,
    validated,
)
from flowerpower.config.project import PipelineConfig, ProjectConfig
from flowerpower.config.run import RunConfig
from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.errors import FlowerpowerError, RunFailed
from flowerpower.jobs.encoding import encode_outputs
from flowerpower.jobs.retries import is_retryable, names_of
from flowerpower.jobs.run import (
    ORIGINAL_FRAMES,
    ORIGINAL_TYPE_NAMES,
    NodeEvent,
    RunError,
    RunOutcome,
    RunRequest,
)
from flowerpower.pipeline.registry import PipelineRegistry
from flowerpower.text import known_secrets, mask_values
from flowerpower.triggers import clock

TRACEBACK_LIMIT = 20_000
MESSAGE_LIMIT = 2_000
_OWN_FOLDER = str(Path(__file__).parents[1]) + os.sep
_PYTHONS_OWN = sysconfig.get_path("stdlib") + os.sep
_POOLS = os.path.join(_PYTHONS_OWN, "concurrent", "")


def execute(
    request: RunRequest,
    on_event: Callable[[NodeEvent], None] | None = None,
    *,
    loaded: tuple[Project, Pipeline] | None = None,
    environ: Mapping[str, str] = os.environ,
    on_settings: Callable[[RunConfig], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
    interruptible: bool = True,
) -> RunOutcome:
    """Make one attempt and tell what came of it; nothing a pipeline raises gets out of here.

    The configuration is read from the project's files unless the caller has `loaded` it;
    `on_settings` is told it before any module is imported; `on_warning` is told what stops no run,
    by default through logging. KeyboardInterrupt alone passes
    through, if `interruptible`: it ends a run in the foreground.
    """
    from flowerpower.run.adapters.factory import log_warning
    from flowerpower.run.node_events import NodeEventHook
    from flowerpower.run.runner import PipelineRunner

    recorder = NodeEventHook(on_event)
    started, since = clock.now(), clock.monotonic()
    root = Path(request.base_dir)
    outcome = RunOutcome(request.pipeline, "failed", clock.format_time(started), "", 0.0)
    policy = None
    try:
        if loaded is None:
            project = load_project(project_root(root), environ)
            loaded = project, PipelineRegistry(project).get(request.pipeline)
        scheduled_for = clock.parse_time(request.scheduled_for) if request.scheduled_for else None
        runner = PipelineRunner(*loaded, request.overrides, scheduled_for)
        policy = runner.run_config.retry
        if on_settings is not None:
            on_settings(runner.run_config)
        outcome.values, outcome.files = runner.run(recorder, on_warning or log_warning)
        outcome.outputs, outcome.notes = encode_outputs(outcome.values)
        outcome.status = "finished"
    except BaseException as error:
        if interruptible and isinstance(error, KeyboardInterrupt):
            raise
        outcome.exception = error
        outcome.error = described_error(error, root, recorder.failed_node)
        outcome.retryable = (
            policy is not None
            and not isinstance(error, FlowerpowerError)
            and is_retryable(policy, outcome.error.type_names)
        )
    outcome.nodes = recorder.records
    outcome.seconds = round(clock.monotonic() - since, 6)
    outcome.ended_at = clock.format_time(clock.after(started, outcome.seconds))
    return outcome


def run_in_child(request: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """One attempt in a worker's child: what the RunRequest in `request["run"]` asks for.

    Sends the settings (`retry`, `timeout` in seconds, and the `secrets` that its log must not
    show) once they are known, and every change of a node's state. Whatever goes wrong is the
    outcome, a request that cannot be read too; no known secret is in it.
    """

    def settle(run: RunConfig) -> None:
        told = {"retry": run.retry.model_dump(), "timeout": run.timeout}
        send({"type": "settings", **told, "secrets": known_secrets()})

    def follow(event: NodeEvent) -> None:
        send({"type": "node", **asdict(event)})

    try:
        run = _read_request(request.get("run"))
    except FlowerpowerError as error:
        now = clock.format_time(clock.now())
        told = described_error(error, Path.cwd())
        return RunOutcome("", "failed", now, now, 0.0, error=told).to_json()
    outcome = execute(run, follow, on_settings=settle, interruptible=False).to_json()
    shown = ("outputs", "notes", "nodes", "files", "error")
    return {**outcome, **{part: mask_values(outcome[part]) for part in shown}}


def _read_request(data: object) -> RunRequest:
    """The RunRequest in `data`, whatever that is.

    Raises:
        FlowerpowerError: saying what is wrong with it.
    """
    if not isinstance(data, dict):
        raise FlowerpowerError(f"The request is {type(data).__name__}, not an object.")
    wrong = [key for key in ("base_dir", "pipeline") if not isinstance(data.get(key), str)]
    if not isinstance(data.get("scheduled_for"), str | None):
        wrong.append("scheduled_for")
    try:
        run = RunRequest.from_json({"base_dir": None, "pipeline": None, **data})
    except ValidationError as error:
        wrong += [".".join(map(str, ("overrides", *each["loc"]))) for each in error.errors()]
    if wrong:
        raise FlowerpowerError(
            f"The request cannot be read: {', '.join(wrong)} missing or of a wrong type."
        )
    return run


def warm_up() -> None:
    """What is alike in all attempts, done once: a fork server calls it before its first fork."""
    from flowerpower.run import runner  # noqa: F401 - a child's first need

    for model in (ProjectConfig, PipelineConfig):
        validated(model, parse_yaml(b"{}", "", {}))
    RunRequest.from_json(RunRequest("", "").to_json())
    _warm_hamilton()


def _warm_hamilton() -> None:
    """Run a node that does nothing: Hamilton finds out about itself once, not in every child."""
    from hamilton import ad_hoc_utils, driver

    def nothing() -> None:
        pass

    module = ad_hoc_utils.create_temporary_module(nothing, module_name="flowerpower_warm_up")
    driver.Builder().with_modules(module).build().execute(["nothing"])
    sys.modules.pop("flowerpower_warm_up", None)


def described_error(error: BaseException, root: Path, node: str | None = None) -> RunError:
    """Why a run failed: the exception as data, with the user's own file and line."""
    if isinstance(error, RunFailed) and error.__cause__ is not None:
        told = described_error(error.__cause__, root, node)
        told.details, told.hint = [error.message], error.hint
        return told
    kind = type(error)
    file, line = _users_place(error, root)
    told = RunError(
        type=kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}",
        message=_safe_message(error),
        node=node,
        file=file,
        line=line,
        traceback=_users_traceback(error),
        type_names=getattr(error, ORIGINAL_TYPE_NAMES, None) or names_of(kind),
    )
    if isinstance(error, FlowerpowerError):
        told.message, told.code, told.exit_code = error.message, error.code, error.exit_code
        told.hint, told.details = error.hint, error.details
        told.traceback, told.file, told.line = "", None, None
    return told


def _safe_message(error: BaseException) -> str:
    try:
        message = error.msg if isinstance(error, SyntaxError) and error.msg else str(error)
    except BaseException as second:  # noqa: BLE001 - a user's __str__ may raise anything
        return f"<its text cannot be told: str() raised {type(second).__name__}>"
    message = message.encode("utf-8", "backslashreplace").decode("utf-8")
    return message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…"


def _is_library(file: str) -> bool:
    parts = Path(file).parts
    return (
        file.startswith((_OWN_FOLDER, _POOLS, "<frozen"))
        or "site-packages" in parts
        or "hamilton" in parts
    )


def _users_place(error: BaseException, root: Path) -> tuple[str | None, int | None]:
    """File (relative to the project if it is in it) and line, the innermost of the user's own."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return _relative(error.filename, root), error.lineno
    frames = [
        (each.filename, each.lineno)
        for each in _frames(error)
        if not _is_library(each.filename) and not each.filename.startswith(_PYTHONS_OWN)
    ]
    within = [place for place in frames if place[0].startswith(str(root) + os.sep)]
    if not (within or frames):
        return None, None
    file, line = (within or frames)[-1]
    return _relative(file, root), line


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Where it was raised, outermost first; of what another process raised, there too."""
    stack = list(traceback.extract_tb(error.__traceback__))
    return stack + [
        traceback.FrameSummary(file, number, name, line=text)
        for file, number, name, text in getattr(error, ORIGINAL_FRAMES, [])
    ]


def _relative(file: str, root: Path) -> str:
    return os.path.relpath(file, root) if file.startswith(str(root) + os.sep) else file


def _users_traceback(error: BaseException) -> str:
    """The traceback without the frames of Hamilton and of flowerpower, cut to its end."""
    try:
        told: Any = traceback.TracebackException.from_exception(error, limit=200)
        told.stack = traceback.StackSummary.from_list(
            [frame for frame in _frames(error) if not _is_library(frame.filename)]
        )
        text = "".join(told.format())
    except BaseException as second:  # noqa: BLE001 - formatting runs code of the exception
        return f"<the traceback cannot be told: {type(second).__name__}>"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= TRACEBACK_LIMIT else "…" + text[-TRACEBACK_LIMIT:]
