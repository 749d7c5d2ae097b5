"""From a failed run or job, described as data, to an error that is raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowerpower.errors import FlowerpowerError, RunFailed
from flowerpower.jobs.run import RunError, RunOutcome


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
    raise _as_error(error_class, outcome.pipeline, outcome.error) from cause


def job_error(pipeline: str, stored: Mapping[str, Any]) -> FlowerpowerError:
    """The error that a failed job ended with, from the `error` of its record."""
    error = run_error_of(stored)
    return _as_error(_error_class(error.code), pipeline, error)


def run_error_of(stored: Mapping[str, Any]) -> RunError:
    """A stored error as an object; missing fields are empty, as a record may be damaged."""
    fields = {name: stored[name] for name in RunError.__dataclass_fields__ if name in stored}
    return RunError(**{"type": "error", "message": "", **fields})


def failure_sentence(pipeline: str, error: RunError) -> str:
    """Why an attempt at `pipeline` failed, and where; our own errors are complete sentences."""
    if error.code != RunFailed.code:
        return error.message
    place = f" ({error.file}, line {error.line})" if error.file else ""
    subject = f"Node {error.node} of {pipeline}" if error.node else pipeline
    message = f": {error.message}" if error.message else ""
    return f"{subject} failed{place}: {error.type}{message}"


def _as_error(
    error_class: type[FlowerpowerError], pipeline: str, error: RunError
) -> FlowerpowerError:
    return error_class(failure_sentence(pipeline, error), hint=error.hint, details=error.details)


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
