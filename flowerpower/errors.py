"""Every error that flowerpower raises on purpose, with the exit code of a command it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import ClassVar


class FlowerpowerError(Exception):
    """It did not work: an expected failure, with a message for people.

    A subclass has its base's `code` and `exit_code` unless it names others. The first line of its
    docstring is the message of an error that has none, such as that of a damaged record.

    Attributes:
        message: what happened and why, in sentences.
        hint: what to do next, or None.
        details: further lines, such as one for each fault of a file.
        code: name of the failure for programs.
        exit_code: exit code of the command.
    """

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def __init_subclass__(cls, *, code: str | None = None, exit_code: int | None = None) -> None:
        cls.code = code or cls.code
        cls.exit_code = exit_code or cls.exit_code

    def __init__(
        self, message: str | None = None, *, hint: str | None = None, details: Sequence[str] = ()
    ) -> None:
        self.message = message or (self.__doc__ or self.code).partition("\n")[0]
        self.hint = hint
        self.details = list(details)
        super().__init__(self.message)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {line}" for line in self.details)])

    def to_json(self) -> dict[str, object]:
        """The error as `{"code", "message", "hint"}`, with `details` if there are any."""
        body: dict[str, object] = {"code": self.code, "message": self.message, "hint": self.hint}
        if self.details:
            body["details"] = self.details
        return body


class UsageError(FlowerpowerError, code="usage", exit_code=2):
    """The request itself is not valid."""


class InvalidName(UsageError, code="invalid_name"):
    """A name or an id breaks its rule."""


class InvalidDuration(UsageError, code="invalid_duration"):
    """A duration cannot be read."""


class InvalidTime(UsageError, code="invalid_time"):
    """A time cannot be read."""


class InvalidTimezone(UsageError, code="invalid_timezone"):
    """No time zone has that name."""


class InvalidTrigger(UsageError, code="invalid_trigger"):
    """A cron expression, an interval or a date is not a valid trigger."""


class InvalidInputs(UsageError, code="invalid_inputs"):
    """An input has the wrong shape or type."""


class MissingInputs(UsageError, code="missing_inputs"):
    """The pipeline needs inputs that have no value."""


class UnknownNode(UsageError, code="unknown_node"):
    """The pipeline has no node of that name.

    `node` is the name, or None if it is not known.
    """

    node: str | None = None


class NotFound(FlowerpowerError, code="not_found", exit_code=3):
    """The thing of that name does not exist."""


class PipelineNotFound(NotFound, code="pipeline_not_found"):
    """The project has no pipeline of that name."""


class JobNotFound(NotFound, code="job_not_found"):
    """The queue has no job of that id."""


class ScheduleNotFound(NotFound, code="schedule_not_found"):
    """There is no schedule of that id."""


class ConfigFault:
    """One mistake in a file; lines and columns count from 1."""

    # No dataclass: Python takes as long to make one as for the rest of this module, which every
    # command imports.
    def __init__(
        self,
        file: str,
        message: str,
        key: str = "",
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        self.file = file
        self.message = message
        self.key = key
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ConfigError(FlowerpowerError, code="config", exit_code=4):
    """The configuration is wrong.

    `faults` name file, line, column and key of each mistake.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        details: Sequence[str] = (),
        faults: Sequence[ConfigFault] = (),
    ) -> None:
        self.faults = list(faults)
        if message is None and len(self.faults) == 1:
            message = str(self.faults[0])
        elif message is None and self.faults:
            message = f"The configuration has {len(self.faults)} faults:"
            details = [str(fault) for fault in self.faults]
        super().__init__(message, hint=hint, details=details)

    def to_json(self) -> dict[str, object]:
        """As for every error, with `faults`: objects of file, line, column, key and message."""
        body = super().to_json()
        if self.faults:
            body["faults"] = [dict(vars(fault)) for fault in self.faults]
        return body


class ProjectNotFound(ConfigError, code="project_not_found"):
    """Neither this folder nor one above it is a project."""


class BackendUnreachable(FlowerpowerError, code="backend_unreachable", exit_code=5):
    """The job queue's database or Redis does not answer."""


class SourceUnreachable(FlowerpowerError, code="source_unreachable", exit_code=5):
    """The place that a remote project is read from does not answer, and nothing of it is kept."""


class RunFailed(FlowerpowerError, code="run_failed", exit_code=6):
    """The pipeline failed.

    `__cause__` is its own exception if there is one.
    """


class WaitTimeout(FlowerpowerError, code="wait_timeout", exit_code=7):
    """The wait ended before the job did."""


class Refused(FlowerpowerError, code="refused", exit_code=8):
    """Not done: it needs a confirmation, or conflicts with what exists."""


@contextlib.contextmanager
def os_errors_as(kind: type[FlowerpowerError], failure: str, end: str = "") -> Iterator[None]:
    """Raise an OSError of the block as an error that says FAILURE, the system's reason, and END."""
    try:
        yield
    except OSError as error:
        raise kind(f"{failure}: {error.strerror or error}{end}.") from None
