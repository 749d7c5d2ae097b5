"""Every error flowerpower raises on purpose.

FlowerpowerError              1  failed
├── UsageError                2  what the caller asked for cannot be
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
├── ConfigError               4  a file says what it may not say
│   └── ProjectNotFound       4
├── BackendUnreachable        5
├── RunFailed                 6  the pipeline itself failed
├── WaitTimeout               7
└── Refused                   8  needs a yes, or conflicts with what is there
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar


class FlowerpowerError(Exception):
    """An expected failure, told in one message.

    Attributes:
        message: what happened and why, one or more sentences.
        hint: what to do next, or None.
        details: further lines, one fact each (for example one per fault found).
        code: machine-readable name of the failure.
        exit_code: what a command ends with.
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
        """The failure as `{"code", "message", "hint"}`, with `details` where there are any."""
        body: dict[str, object] = {"code": self.code, "message": self.message, "hint": self.hint}
        if self.details:
            body["details"] = self.details
        return body


class UsageError(FlowerpowerError):
    """The request itself is wrong."""

    code = "usage"
    exit_code = 2
    sentence = "The request is not valid."


class InvalidName(UsageError):
    """A name or id breaks the rule for names."""

    code = "invalid_name"
    sentence = "The name is not valid."


class InvalidDuration(UsageError):
    """A length of time cannot be read."""

    code = "invalid_duration"
    sentence = "The duration cannot be read."


class InvalidTime(UsageError):
    """A point in time cannot be read."""

    code = "invalid_time"
    sentence = "The time cannot be read."


class InvalidTimezone(UsageError):
    """No time zone has that name."""

    code = "invalid_timezone"
    sentence = "There is no such time zone."


class InvalidTrigger(UsageError):
    """A cron expression, an interval or a date cannot be a trigger."""

    code = "invalid_trigger"
    sentence = "The trigger is not valid."


class InvalidInputs(UsageError):
    """An input has the wrong shape or type."""

    code = "invalid_inputs"
    sentence = "An input is not valid."


class MissingInputs(UsageError):
    """The pipeline needs inputs that nobody gave."""

    code = "missing_inputs"
    sentence = "Inputs are missing."


class UnknownNode(UsageError):
    """The pipeline has no node of that name; `node` is the name, where it is to be known."""

    node: str | None = None
    code = "unknown_node"
    sentence = "There is no such node."


class NotFound(FlowerpowerError):
    """What was named does not exist."""

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
    """One thing wrong in one place of a file; lines and columns count from 1."""

    file: str
    message: str
    key: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{where}: {self.key + ': ' if self.key else ''}{self.message}"


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
        """As every error, with `faults`: objects of file, line, column, key and message."""
        body = super().to_json()
        if self.faults:
            body["faults"] = [asdict(fault) for fault in self.faults]
        return body


class ProjectNotFound(ConfigError):
    """No folder from here upwards is a project."""

    code = "project_not_found"
    sentence = "There is no project here."


class BackendUnreachable(FlowerpowerError):
    """The job queue's database or Redis does not answer."""

    code = "backend_unreachable"
    exit_code = 5
    sentence = "The job queue's backend cannot be reached."


class RunFailed(FlowerpowerError):
    """The pipeline ran and failed; `__cause__` is its own exception where there is one."""

    code = "run_failed"
    exit_code = 6
    sentence = "The pipeline failed."


class WaitTimeout(FlowerpowerError):
    """Waiting ended before what was waited for."""

    code = "wait_timeout"
    exit_code = 7
    sentence = "Waiting timed out."


class Refused(FlowerpowerError):
    """It was understood and not done: it needs a yes, or conflicts with what is there."""

    code = "refused"
    exit_code = 8
    sentence = "It was refused."
