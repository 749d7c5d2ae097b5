"""How the end of an attempt changes its job: finished, retried, failed. Pure, for both backends."""

from __future__ import annotations

import random
import signal
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowerpower.config.run import RetryConfig
from flowerpower.jobs.claim import AttemptResult, Claim
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.retries import delay_before_retry, is_retryable
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration

LOST_WITH_FORK_SERVER = "The process that ran it was ended with its worker's fork server"
LOST_UNBEGUN = "Its process died before the job began"
LOST_UNHEARD = "The worker never heard that it had claimed it"
EXIT_CHANNEL_CLOSED = 113
"""How a child ends that cannot tell its outcome (see `flowerpower.job_queue.worker.child`)."""
_DIED = ("ProcessDied", "Exception")
_TIMED_OUT = ("JobTimeout", "TimeoutError", "OSError", "Exception")


def from_outcome(
    claim: Claim, policy: RetryConfig | None, outcome: Mapping[str, Any], now: datetime
) -> AttemptResult:
    """The end of an attempt whose child told its outcome (a RunOutcome as JSON)."""
    if outcome.get("status") == "finished":
        result = {
            "outputs": outcome.get("outputs", {}),
            "notes": outcome.get("notes", []),
            **node_summary(outcome),
        }
        left = None if policy is None else max(0, policy.max_retries - claim.retries)
        return AttemptResult(
            JobStatus.FINISHED, result=result, retries=claim.retries, attempts_left=left
        )
    error = outcome.get("error")
    if not isinstance(error, dict):
        error = failure("ProcessDied", "The job's process told an outcome that makes no sense.")
    return _failed(claim, policy, error, bool(outcome.get("retryable")), now)


def node_summary(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """What a RunOutcome as JSON says beside its values, where there is something to say.

    `files` that were written, nodes that were `cached`, and the errors by node that a run has
    `survived`.
    """
    nodes = [node for node in outcome.get("nodes") or [] if isinstance(node, Mapping)]
    told = {
        "files": outcome.get("files"),
        "cached": [node.get("name") for node in nodes if node.get("from_cache")],
        "survived": {node.get("name"): node["error"] for node in nodes if node.get("error")},
    }
    return {name: value for name, value in told.items() if value}


def from_process_death(
    claim: Claim, policy: RetryConfig | None, returncode: int, node: str | None, now: datetime
) -> AttemptResult:
    """The end of an attempt whose process died before it told an outcome."""
    if returncode < 0:
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = f"signal {-returncode}"
        message = f"The job's process was killed by {name}."
        if returncode == -signal.SIGKILL:
            message += " If nobody did that, the system ran out of memory."
    elif returncode == EXIT_CHANNEL_CLOSED:
        message = "The job closed the descriptor that its process tells its outcome through."
    else:
        message = f"The job's process ended with exit code {returncode} before it told an outcome."
    error = failure("ProcessDied", message, node)
    return _failed(claim, policy, error, _listed(policy, _DIED), now)


def from_timeout(
    claim: Claim, policy: RetryConfig | None, timeout: float, node: str | None, now: datetime
) -> AttemptResult:
    """The end of an attempt that was ended because it took too long."""
    message = f"It ran longer than its timeout of {format_duration(timeout)} and was ended."
    error = failure("JobTimeout", message, node)
    return _failed(claim, policy, error, _listed(policy, _TIMED_OUT), now)


def from_refusal(claim: Claim, message: str) -> AttemptResult:
    """The end of an attempt that never began, because its record cannot be run."""
    return AttemptResult(
        JobStatus.FAILED, error=failure("InvalidJob", message), retries=claim.retries
    )


def cancelled(claim: Claim) -> AttemptResult:
    """The end of an attempt that was ended because the job is cancelled."""
    return AttemptResult(JobStatus.CANCELLED, retries=claim.retries)


def failure(kind: str, message: str, node: str | None = None) -> dict[str, Any]:
    """An error of our own as a job's record holds it."""
    return {"type": kind, "message": message, "code": "run_failed", "node": node}


def _listed(policy: RetryConfig | None, names: tuple[str, ...]) -> bool:
    return policy is not None and is_retryable(policy, names)


def _failed(
    claim: Claim,
    policy: RetryConfig | None,
    error: dict[str, Any],
    retryable: bool,
    now: datetime,
) -> AttemptResult:
    left = 0 if policy is None else max(0, policy.max_retries - claim.retries)
    if policy is None or not retryable or not left:
        return AttemptResult(JobStatus.FAILED, error=error, retries=claim.retries, attempts_left=0)
    retry = claim.retries + 1
    delay = delay_before_retry(policy, retry, random.Random())  # noqa: S311 - it spreads delays
    return AttemptResult(
        JobStatus.SCHEDULED,
        error=error,
        run_at=clock.after(now, delay),
        retries=retry,
        attempts_left=left - 1,
    )
