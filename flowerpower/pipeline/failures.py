"""From what a run or a job says of its failure to an error that is raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowerpower.errors import FlowerpowerError, RunFailed
from flowerpower.jobs.run import RunError, RunOutcome


def raise_for_error(outcome: RunOutcome) -> None:
    """Raise what made the attempt fail, if anything did.

    Raises:
        FlowerpowerError: the one that stopped it; RunFailed for an exception of the pipeline.
    """
    if outcome.error is None:
        return
    cause = outcome.exception
    if isinstance(cause, FlowerpowerError) and cause.__cause__ is None:
        raise cause
    if isinstance(cause, RunFailed):
        cause = cause.__cause__
    error = outcome.error
    error_class = RunFailed if cause is not None else _error_class(error.code)
    raise error_class(
        failure_sentence(outcome.pipeline, error), hint=error.hint, details=error.details
    ) from cause


def job_error(pipeline: str, stored: Mapping[str, Any]) -> FlowerpowerError:
    """The error that a failed job ended with, from the `error` of its record."""
    error = run_error_of(stored)
    return _error_class(error.code)(
        failure_sentence(pipeline, error), hint=error.hint, details=error.details
    )


def run_error_of(stored: Mapping[str, Any]) -> RunError:
    """A stored error as an object; what it lacks is left empty, as a record may be damaged."""
    known = {name: stored[name] for name in RunError.__dataclass_fields__ if name in stored}
    return RunError(**{"type": "error", "message": "", **known})


def failure_sentence(pipeline: str, error: RunError) -> str:
    """Why an attempt at `pipeline` failed, and where; our own errors are complete sentences."""
    if error.code != RunFailed.code:
        return error.message
    place = f" ({error.file}, line {error.line})" if error.file else ""
    subject = f"Node {error.node} of {pipeline}" if error.node else pipeline
    message = f": {error.message}" if error.message else ""
    return f"{subject} failed{place}: {error.type}{message}"


def _error_class(code: str) -> type[FlowerpowerError]:
    """Our error of that code: a child process and a record name it as text, never as a class."""
    classes: list[type[FlowerpowerError]] = [FlowerpowerError]
    for error_class in classes:
        if error_class.code == code:
            return error_class
        classes += error_class.__subclasses__()
    return RunFailed
