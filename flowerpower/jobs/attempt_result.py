"""How an attempt's end changes its job: finished, retried or failed. Pure, for every backend."""

from __future__ import annotations

import random
import signal
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowerpower.config.run_section import RetryConfig
from flowerpower.jobs.claim import AttemptResult, Claim
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.run import delay_before_retry, is_retryable
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration

LOST_WITH_FORK_SERVER = "The job's process was killed because its worker's fork server died"
LOST_BEFORE_START = "The job's process died before the job began"
LOST_WITH_STOP = "A signal ended the job's process while its worker was stopping"
LOST_ORPHANED_CLAIM = "The worker never received the answer to its claim"
LOST_LEASE = "Its lease was lost, so another worker may run it"
EXIT_CHANNEL_CLOSED = 113
"""Exit code of a child that cannot send its outcome (see `flowerpower.job_queue.worker.child`)."""
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
_STOP_EXCEPTIONS = {"KeyboardInterrupt", "SystemExit"}
_TIMED_OUT = ("JobTimeout", "TimeoutError", "OSError", "Exception")


def from_outcome(
    claim: Claim, policy: RetryConfig | None, outcome: Mapping[str, Any], now: datetime
) -> AttemptResult:
    """The result of an attempt whose child sent its outcome (a RunOutcome as JSON)."""
    if outcome.get("status") == "finished":
        result = {"outputs": outcome.get("outputs", {}), "notes": outcome.get("notes", [])}
        result |= node_summary(outcome)
        left = None if policy is None else max(0, policy.max_retries - claim.retries)
        return AttemptResult(JobStatus.FINISHED, result, retries=claim.retries, attempts_left=left)
    error = outcome.get("error")
    if not isinstance(error, dict):
        error = _failure("ProcessDied", "The job's process sent an outcome that cannot be read.")
    return _failed(claim, policy, error, bool(outcome.get("retryable")), now)


def node_summary(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """What a RunOutcome as JSON says beside its values, as far as there is anything.

    `files` written, names of nodes that were `cached`, errors by node that the run `survived`.
    """
    nodes = [node for node in outcome.get("nodes") or [] if isinstance(node, dict)]
    summary = {
        "files": outcome.get("files"),
        "cached": [node.get("name") for node in nodes if node.get("from_cache")],
        "survived": {node.get("name"): node["error"] for node in nodes if node.get("error")},
    }
    return {name: value for name, value in summary.items() if value}


def from_process_death(
    claim: Claim, policy: RetryConfig | None, returncode: int, node: str | None, now: datetime
) -> AttemptResult:
    """The result of an attempt whose process died before it sent an outcome."""
    if returncode < 0:
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = f"signal {-returncode}"
        message = f"The job's process was killed by {name}."
        if returncode == -signal.SIGKILL:
            # The kernel's out-of-memory killer leaves no other trace than this signal.
            message += " If nobody killed it, the system ran out of memory."
    elif returncode == EXIT_CHANNEL_CLOSED:
        message = "The job closed the descriptor through which its process sends the outcome."
    else:
        message = f"The job's process ended with exit code {returncode} before it sent an outcome."
    error = _failure("ProcessDied", message, node)
    return _failed(claim, policy, error, is_retryable(policy, ("ProcessDied", "Exception")), now)


def may_be_stopped(returncode: int = 0, outcome: Mapping[str, Any] | None = None) -> bool:
    """Whether a process ended, or failed, as it does when a service manager stops its worker.

    systemd signals all processes of a service, at last with KILL. A handler may turn a signal into
    an exception that ends programs.
    """
    error = (outcome or {}).get("error")
    names = error.get("type_names") if isinstance(error, dict) else None
    is_exception = isinstance(names, list) and not _STOP_EXCEPTIONS.isdisjoint(map(str, names))
    return is_exception or -returncode in _STOP_SIGNALS


def from_timeout(
    claim: Claim, policy: RetryConfig | None, timeout: float, node: str | None, now: datetime
) -> AttemptResult:
    """The result of an attempt that was ended because it took too long."""
    message = f"It ran longer than its timeout of {format_duration(timeout)} and was ended."
    error = _failure("JobTimeout", message, node)
    return _failed(claim, policy, error, is_retryable(policy, _TIMED_OUT), now)


def from_refusal(claim: Claim, message: str, kind: str = "InvalidJob") -> AttemptResult:
    """The result of an attempt whose record cannot be run, or (NotRecorded) not be written."""
    error = _failure(kind, message)
    return AttemptResult(JobStatus.FAILED, error=error, retries=claim.retries)


def cancelled(claim: Claim) -> AttemptResult:
    """The result of an attempt that was ended because the job was cancelled."""
    return AttemptResult(JobStatus.CANCELLED, retries=claim.retries)


def _failure(kind: str, message: str, node: str | None = None) -> dict[str, Any]:
    """An error that a worker writes into a job's record."""
    return {"type": kind, "message": message, "code": "run_failed", "node": node}


def _failed(
    claim: Claim, policy: RetryConfig | None, error: dict[str, Any], retryable: bool, now: datetime
) -> AttemptResult:
    # No policy: the attempt ended before the child sent the pipeline's retry settings.
    if policy is None or not retryable or claim.retries >= policy.max_retries:
        return AttemptResult(JobStatus.FAILED, error=error, retries=claim.retries, attempts_left=0)
    retry = claim.retries + 1
    delay = delay_before_retry(policy, retry, random.Random())  # noqa: S311 - it spreads delays
    run_at = clock.after(now, delay)
    left = policy.max_retries - retry
    return AttemptResult(JobStatus.SCHEDULED, None, error, run_at, retry, attempts_left=left)
