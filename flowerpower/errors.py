"""Every error that flowerpower raises on purpose, with the exit code of a command that ends by it.

FlowerpowerError              1  failed
├── UsageError                2  the request is not valid
│   ├── InvalidName           2
│   ├── InvalidDuration       2
│   ├── InvalidTime           2
│   ├── InvalidTimezone       2
│   ├── InvalidTrigger        2
│   ├── InvalidInputs         2
│   ├── MissingInputs         2
│   └── UnknownNode           2
├── NotFound                  3
│   ├── PipelineNotFound      3
│   ├── JobNotFound           3
│   └── ScheduleNotFound      3
├── ConfigError               4  a configuration file is wrong
│   └── ProjectNotFound       4
├── BackendUnreachable        5
├── RunFailed                 6  the pipeline itself failed
├── WaitTimeout               7
└── Refused                   8  needs a confirmation, or conflicts with what exists
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar


class FlowerpowerError(Exception):
    """An expected failure, with a message for people.

    Attributes:
        message: what happened and why, in sentences.
        hint: what to do next, or None.
        details: further lines, such as one for each fault of a file.
        code: name of the failure for programs.
        exit_code: exit code of the command.
        sentence: the message where none is passed.
    """

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1
    sentence: ClassVar[str] = "It did not work."

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        details: Sequence[str] = (),
    ) -> None:
        self.message = message or self.sentence
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


class UsageError(FlowerpowerError):
    """The request itself is not valid."""

    code = "usage"
    exit_code = 2
    sentence = "The request is not valid."


class InvalidName(UsageError):
    """A name or an id breaks its rule."""

    code = "invalid_name"
    sentence = "The name is not valid."


class InvalidDuration(UsageError):
    """A duration cannot be read."""

    code = "invalid_duration"
    sentence = "The duration cannot be read."


class InvalidTime(UsageError):
    """A time cannot be read."""

    code = "invalid_time"
    sentence = "The time cannot be read."


class InvalidTimezone(UsageError):
    """No time zone has that name."""

    code = "invalid_timezone"
    sentence = "There is no such time zone."


class InvalidTrigger(UsageError):
    """A cron expression, an interval or a date is not a valid trigger."""

    code = "invalid_trigger"
    sentence = "The trigger is not valid."


class InvalidInputs(UsageError):
    """An input has the wrong shape or type."""

    code = "invalid_inputs"
    sentence = "An input is not valid."


class MissingInputs(UsageError):
    """The pipeline needs inputs that have no value."""

    code = "missing_inputs"
    sentence = "Inputs are missing."


class UnknownNode(UsageError):
    """The pipeline has no node of that name; `node` is the name, or None if it is not known."""

    node: str | None = None
    code = "unknown_node"
    sentence = "There is no such node."


class NotFound(FlowerpowerError):
    """The thing of that name does not exist."""

    code = "not_found"
    exit_code = 3
    sentence = "It does not exist."


class PipelineNotFound(NotFound):
    """The project has no pipeline of that name."""

    code = "pipeline_not_found"
    sentence = "There is no such pipeline."


class JobNotFound(NotFound):
    """The queue has no job of that id."""

    code = "job_not_found"
    sentence = "There is no such job."


class ScheduleNotFound(NotFound):
    """There is no schedule of that id."""

    code = "schedule_not_found"
    sentence = "There is no such schedule."


@dataclass(frozen=True)
class ConfigFault:
    """One mistake in a file; lines and columns count from 1."""

    file: str
    message: str
    key: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ConfigError(FlowerpowerError):
    """The configuration is wrong; `faults` name file, line, column and key of each mistake."""

    code = "config"
    exit_code = 4
    sentence = "The configuration is wrong."

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
            body["faults"] = [asdict(fault) for fault in self.faults]
        return body


class ProjectNotFound(ConfigError):
    """Neither this folder nor one above it is a project."""

    code = "project_not_found"
    sentence = "There is no project here."


class BackendUnreachable(FlowerpowerError):
    """The job queue's database or Redis does not answer."""

    code = "backend_unreachable"
    exit_code = 5
    sentence = "The job queue's backend cannot be reached."


class RunFailed(FlowerpowerError):
    """The pipeline failed; `__cause__` is its own exception if there is one."""

    code = "run_failed"
    exit_code = 6
    sentence = "The pipeline failed."


class WaitTimeout(FlowerpowerError):
    """The wait ended before the job did."""

    code = "wait_timeout"
    exit_code = 7
    sentence = "Waiting timed out."


class Refused(FlowerpowerError):
    """Not done: it needs a confirmation, or conflicts with what exists."""

    code = "refused"
    exit_code = 8
    sentence = "It was refused."
