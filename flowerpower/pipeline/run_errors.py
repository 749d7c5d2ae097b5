"""From an exception of a run to a RunError, what its author must know as data, and back."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowerpower.errors import FlowerpowerError, RunFailed
from flowerpower.files.project_code import is_inside
from flowerpower.jobs.chain import NOT_MET
from flowerpower.jobs.claim import EXPIRED
from flowerpower.jobs.job import Job
from flowerpower.jobs.run import (
    ORIGINAL_FRAMES,
    ORIGINAL_TYPE_NAMES,
    RunError,
    RunOutcome,
    names_of,
)
from flowerpower.text import shortened

TRACEBACK_LIMIT = 20_000
MESSAGE_LIMIT = 2_000
_FLOWERPOWER = str(Path(__file__).parents[1]) + os.sep
_STANDARD_LIBRARY = sysconfig.get_path("stdlib") + os.sep
_POOLS = os.path.join(_STANDARD_LIBRARY, "concurrent", "")


def run_error(error: BaseException, root: Path, node: str | None = None) -> RunError:
    """The exception as data, with the innermost file and line of the user's own code.

    Files are relative to `root` where they are below it.
    """
    if isinstance(error, RunFailed) and error.__cause__ is not None:
        # The author's own exception is the error; what flowerpower was doing is a detail.
        cause = run_error(error.__cause__, root, node)
        cause.details, cause.hint = [error.message], error.hint
        return cause
    error_class = type(error)
    module = "" if error_class.__module__ == "builtins" else f"{error_class.__module__}."
    description = RunError(
        type=module + error_class.__qualname__,
        message=_safe_message(error),
        node=node,
        type_names=getattr(error, ORIGINAL_TYPE_NAMES, None) or names_of(error_class),
    )
    if isinstance(error, FlowerpowerError):
        # These are complete sentences; the line of flowerpower that raised them helps nobody.
        description.message, description.code = error.message, error.code
        description.exit_code = error.exit_code
        description.hint, description.details = error.hint, error.details
    else:
        description.file, description.line = _user_location(error, root)
        description.traceback = _user_traceback(error)
    return description


def _safe_message(error: BaseException) -> str:
    try:
        message = error.msg if isinstance(error, SyntaxError) and error.msg else str(error)
    except BaseException as second:  # noqa: BLE001 - a user's __str__ may raise anything
        return f"<no message: str() raised {type(second).__name__}>"
    return shortened(_writable(message), MESSAGE_LIMIT)


def _writable(text: str) -> str:
    # A lone surrogate, of a file's name say, cannot be written as JSON or to a terminal.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_library(file: str) -> bool:
    # Of the standard library only the pools: a run adds their frames, the author's code does not.
    parts = Path(file).parts
    return (
        file.startswith((_FLOWERPOWER, _POOLS, "<frozen"))
        or "site-packages" in parts
        or "hamilton" in parts
    )


def _user_location(error: BaseException, root: Path) -> tuple[str | None, int | None]:
    """File and line of the innermost frame of the project's code, or else of any user code."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return _relative(error.filename, root), error.lineno
    frames = [
        frame
        for frame in _frames(error)
        if not _is_library(frame.filename) and not frame.filename.startswith(_STANDARD_LIBRARY)
    ]
    if not frames:
        return None, None
    in_project = [frame for frame in frames if is_inside(frame.filename, str(root))]
    innermost = (in_project or frames)[-1]
    return _relative(innermost.filename, root), innermost.lineno


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of its traceback, outermost first, and then those of another process, if any."""
    elsewhere = [
        traceback.FrameSummary(file, number, name, line=text)
        for file, number, name, text in getattr(error, ORIGINAL_FRAMES, [])
    ]
    return [*traceback.extract_tb(error.__traceback__), *elsewhere]


def _relative(file: str, root: Path) -> str:
    return os.path.relpath(file, root) if is_inside(file, str(root)) else file


def _user_traceback(error: BaseException) -> str:
    """The traceback without the frames of Hamilton and of flowerpower, cut to its end."""
    try:
        # A limit, because a RecursionError has a thousand frames and causes have their own.
        formatted: Any = traceback.TracebackException.from_exception(error, limit=200)
        formatted.stack = traceback.StackSummary.from_list(
            [frame for frame in _frames(error) if not _is_library(frame.filename)]
        )
        text = "".join(formatted.format())
    except BaseException as second:  # noqa: BLE001 - formatting runs code of the exception
        return f"<no traceback: formatting raised {type(second).__name__}>"
    text = _writable(text)
    return text if len(text) <= TRACEBACK_LIMIT else "…" + text[-TRACEBACK_LIMIT:]


def raise_for_error(outcome: RunOutcome) -> None:
    """Raise the error that made the attempt fail, if it failed.

    Raises:
        FlowerpowerError: what stopped the run; RunFailed for an exception of the pipeline.
    """
    if outcome.error is None:
        return
    cause = outcome.exception
    if isinstance(cause, FlowerpowerError) and cause.__cause__ is None:
        raise cause
    if isinstance(cause, RunFailed):
        cause = cause.__cause__
    # An exception is only there if this process ran the attempt; a child sends its code alone.
    error_class = RunFailed if cause is not None else _error_class(outcome.error.code)
    raise as_error(error_class, outcome.pipeline, outcome.error) from cause


def job_error(pipeline: str, stored: Mapping[str, Any]) -> FlowerpowerError:
    """The error that a failed job ended with, from the `error` of its record."""
    # A stored error may lack fields, or have some of a later version.
    fields = {name: stored[name] for name in RunError.__dataclass_fields__ if name in stored}
    error = RunError(**{"type": "error", "message": "", **fields})
    return as_error(_error_class(error.code), pipeline, error)


def cancelled_error(job: Job) -> RunFailed:
    """The error of waiting for a cancelled job: that it was, and why if nobody asked for it."""
    code, reason = (job.error or {}).get("code"), (job.error or {}).get("message") or ""
    if code == EXPIRED:
        return RunFailed(f"The job {job.id} of {job.pipeline} has expired. {reason}".strip())
    if code == NOT_MET:
        parent = (job.error or {}).get("after")
        can_retry = job.after.get(str(parent)) in ("failed", "cancelled")
        hint = (
            f"`flowerpower job-queue retry-job {parent}` brings both back." if can_retry else None
        )
        message = f"The job {job.id} of {job.pipeline} was cancelled. {reason}".strip()
        return RunFailed(message, hint=hint)
    return RunFailed(f"The job {job.id} of {job.pipeline} was cancelled.")


def as_error(
    error_class: type[FlowerpowerError], pipeline: str, error: RunError
) -> FlowerpowerError:
    """An error that says why an attempt at `pipeline` failed, and where."""
    sentence = error.message
    # Our own errors are complete sentences.
    if error.code == RunFailed.code:
        place = f" ({error.file}, line {error.line})" if error.file else ""
        subject = f"Node {error.node} of {pipeline}" if error.node else pipeline
        message = f": {error.message}" if error.message else ""
        sentence = f"{subject} failed{place}: {error.type}{message}"
    return error_class(sentence, hint=error.hint, details=error.details)


def _error_class(code: str) -> type[FlowerpowerError]:
    """The class of flowerpower's error with that code.

    A child process and a stored job name it by its code, never as a class to be imported.
    """
    classes: list[type[FlowerpowerError]] = [FlowerpowerError]
    for error_class in classes:
        if error_class.code == code:
            return error_class
        classes += error_class.__subclasses__()
    return RunFailed
