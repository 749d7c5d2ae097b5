"""What the doctor found: a result for each check, and the exit code of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flowerpower.errors import BackendUnreachable, ConfigError, FlowerpowerError
from flowerpower.jobs.problem import Level, Problem

CONFIGURATION = ("config_fault", "pipeline_not_valid", "extra_missing")
"""Codes of problems that are the fault of the configuration."""
UNREACHABLE = (BackendUnreachable.code,)
"""The code of the problem that the job queue cannot be reached."""


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    `fact` is what is so, in a sentence, if there is no problem; `skipped` why it was not made;
    `seconds` how long it took.
    """

    name: str
    problems: tuple[Problem, ...] = ()
    fact: str | None = None
    skipped: str | None = None
    seconds: float = 0.0

    @property
    def status(self) -> str:
        """`ok`, `warning`, `error` or `skipped`."""
        if any(problem.level is Level.ERROR for problem in self.problems):
            return "error"
        if self.problems:
            return "warning"
        return "ok" if self.skipped is None else "skipped"

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object, with the `status`."""
        return {
            "name": self.name,
            "status": self.status,
            "fact": self.fact,
            "skipped": self.skipped,
            "seconds": round(self.seconds, 3),
            "problems": [problem.to_json() for problem in self.problems],
        }


@dataclass(frozen=True)
class Diagnosis:
    """The results of the checks, in the order in which they were made."""

    checks: Sequence[CheckResult]

    @property
    def problems(self) -> list[Problem]:
        """All problems."""
        return [problem for check in self.checks for problem in check.problems]

    def exit_code(self, *, strict: bool = False) -> int:
        """The exit code: the first that applies of 4, 5, 1 and 0.

        4 if the configuration is wrong, 5 if the job queue cannot be reached, 1 for any other
        error and, if `strict`, for a warning.
        """
        errors = {problem.code for problem in self.problems if problem.level is Level.ERROR}
        if errors.intersection(CONFIGURATION):
            return ConfigError.exit_code
        if errors.intersection(UNREACHABLE):
            return BackendUnreachable.exit_code
        return FlowerpowerError.exit_code if errors or (strict and self.problems) else 0

    def to_json(self) -> list[dict[str, Any]]:
        """A JSON object for each check."""
        return [check.to_json() for check in self.checks]


def problems_of(error: FlowerpowerError) -> list[Problem]:
    """An error as problems: each fault of a file is one."""
    if isinstance(error, ConfigError):
        messages = [str(fault) for fault in error.faults]
        messages = messages or [" ".join((error.message, *error.details))]
        hint = error.hint or "Correct the file."
        return [Problem("config_fault", Level.ERROR, message, hint) for message in messages]
    message = " ".join((error.message, *error.details))
    return [Problem(error.code, Level.ERROR, message, error.hint)]
