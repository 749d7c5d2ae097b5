"""Jobs that run after others: when a child may run, and why it does not.

Law: a child waits until every parent has ended. It becomes due at once when each has ended as its
condition says, and is cancelled, with `not_met_error`, by the first one that has not. What a parent
was before it ended does not matter, nor when the child was added. If a user retries a parent, or it
runs again in another way, the children wait again that its end had cancelled, and those that it had
made due and that have not begun; and theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flowerpower.errors import UsageError
from flowerpower.text import check_job_id

MAX_PARENTS = 100
"""Jobs that one job can wait for."""
NOT_MET = "after_not_met"
"""The code of the error of a job that did not run because of how a parent has ended."""
DELETED, GONE = "deleted", "gone"
"""Ends of a parent beside the statuses: deleted before it ended; there is no record of it."""
WAYS: Mapping[str, str] = {
    "finished": "has finished",
    "failed": "has failed",
    "cancelled": "was cancelled",
    DELETED: "was deleted",
    GONE: "is not there: it never was, or its history has ended",
}
"""How a parent has ended, in words."""


class AfterCondition(StrEnum):
    """How a parent must end so that its children run."""

    SUCCESS = "success"
    """It has finished."""
    FAILURE = "failure"
    """It has failed; a cancelled one has not."""
    END = "end"
    """It has ended, whatever became of it: deleted or gone, too."""


ENDS_MET: Mapping[AfterCondition, frozenset[str]] = {
    AfterCondition.SUCCESS: frozenset({"finished"}),
    AfterCondition.FAILURE: frozenset({"failed"}),
    AfterCondition.END: frozenset(WAYS),
}
"""The ends of a parent that meet each condition."""
WANTED: Mapping[AfterCondition, str] = {
    AfterCondition.SUCCESS: "has finished",
    AfterCondition.FAILURE: "has failed",
    AfterCondition.END: "has ended",
}
"""Each condition in words."""


def check_after(job_id: str, parents: tuple[str, ...]) -> None:
    """Raise InvalidName or UsageError if these cannot be the parents of a job."""
    for parent in parents:
        check_job_id(parent)
    if job_id in parents:
        raise UsageError(f"The job {job_id} cannot run after itself.")
    if len(set(parents)) < len(parents):
        raise UsageError("after names a job twice.")
    if len(parents) > MAX_PARENTS:
        raise UsageError(f"after names {len(parents)} jobs: expected at most {MAX_PARENTS}.")


def obstacle(condition: AfterCondition, parents: Mapping[str, str | None]) -> str | None:
    """The first parent whose end does not meet the condition; None while there is none.

    `parents` are the ids of the parents with how each has ended, None for one that has not.
    """
    met = ENDS_MET[condition]
    return next((job_id for job_id, end in parents.items() if end and end not in met), None)


def is_due(condition: AfterCondition, parents: Mapping[str, str | None]) -> bool:
    """Whether every parent has ended as the condition says."""
    return all(parents.values()) and obstacle(condition, parents) is None


def not_met_error(condition: AfterCondition, parent: str, end: str) -> dict[str, Any]:
    """The error of a child that was cancelled because `parent` has ended so."""
    message = f"It was to run once the job {parent} {WANTED[condition]}, but that {WAYS[end]}."
    return {"type": "AfterNotMet", "message": message, "code": NOT_MET, "after": parent}
