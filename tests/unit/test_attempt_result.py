"""How the end of an attempt changes its job, as a table."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowerpower.config.run_section import RetryConfig
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import AttemptResult, Claim
from flowerpower.jobs.job import JobStatus

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
TWICE = RetryConfig(max_retries=2, delay=10, backoff=3, jitter_factor=0)
NEVER = RetryConfig(max_retries=0)
ERROR = {"type": "ValueError", "message": "no", "node": "total"}


def claim(retries: int = 0) -> Claim:
    return Claim("a", "worker", 1 + retries, "report", None, retries)


def failed(
    policy: RetryConfig | None, retries: int = 0, *, retryable: bool = True
) -> AttemptResult:
    outcome = {"status": "failed", "error": ERROR, "retryable": retryable}
    return attempt_result.from_outcome(claim(retries), policy, outcome, NOW)


@pytest.mark.parametrize(("policy", "left"), [(None, None), (NEVER, 0), (TWICE, 2)])
def test_a_finished_outcome_finishes_the_job(policy: RetryConfig | None, left: int | None) -> None:
    """Outputs and notes are the result; the retries that were left are kept."""
    outcome = {"status": "finished", "outputs": {"x": 1}, "notes": [{"output": "x", "note": "n"}]}
    result = attempt_result.from_outcome(claim(), policy, outcome, NOW)
    assert result.status is JobStatus.FINISHED
    assert result.result == {"outputs": {"x": 1}, "notes": [{"output": "x", "note": "n"}]}
    assert (result.error, result.run_at, result.attempts_left) == (None, None, left)


@pytest.mark.parametrize(
    ("policy", "retries", "retryable", "expected"),
    [
        (TWICE, 0, True, (JobStatus.SCHEDULED, 10, 1, 1)),
        (TWICE, 1, True, (JobStatus.SCHEDULED, 30, 2, 0)),
        (TWICE, 2, True, (JobStatus.FAILED, None, 2, 0)),
        (TWICE, 9, True, (JobStatus.FAILED, None, 9, 0)),
        (TWICE, 0, False, (JobStatus.FAILED, None, 0, 0)),
        (NEVER, 0, True, (JobStatus.FAILED, None, 0, 0)),
        (None, 0, True, (JobStatus.FAILED, None, 0, 0)),
    ],
)
def test_a_failed_outcome_is_retried_while_retries_are_left(
    policy: RetryConfig | None, retries: int, retryable: bool, expected: tuple[Any, ...]
) -> None:
    """A retryable failure waits its growing delay; without retries, or a policy, it is final."""
    result = failed(policy, retries, retryable=retryable)
    delay = None if result.run_at is None else (result.run_at - NOW) / timedelta(seconds=1)
    assert (result.status, delay, result.retries, result.attempts_left) == expected
    assert result.error == ERROR
    assert result.result is None


@pytest.mark.parametrize("outcome", [{}, {"status": "failed"}, {"status": 7, "error": "text"}])
def test_an_outcome_that_makes_no_sense_is_a_failure(outcome: dict[str, Any]) -> None:
    """A child that sends nonsense has failed, and the record says so."""
    result = attempt_result.from_outcome(claim(), TWICE, outcome, NOW)
    assert result.status is JobStatus.FAILED
    assert result.error is not None
    assert "cannot be read" in result.error["message"]


@pytest.mark.parametrize(
    ("returncode", "expected"),
    [
        (-signal.SIGSEGV, "was killed by SIGSEGV."),
        (
            -signal.SIGKILL,
            "was killed by SIGKILL. If nobody killed it, the system ran out of memory.",
        ),
        (-250, "was killed by signal 250."),
        (0, "ended with exit code 0 before it sent an outcome."),
        (77, "ended with exit code 77 before it sent an outcome."),
    ],
)
def test_a_death_says_how_the_process_died(returncode: int, expected: str) -> None:
    """The message names the signal or exit code, and the error the node that ran last."""
    result = attempt_result.from_process_death(claim(), None, returncode, "total", NOW)
    assert result.status is JobStatus.FAILED
    assert result.error is not None
    assert result.error["type"] == "ProcessDied"
    assert result.error["message"].endswith(expected)
    assert result.error["node"] == "total"


@pytest.mark.parametrize(
    ("listed", "death", "timeout"),
    [
        (["Exception"], True, True),
        (["ProcessDied"], True, False),
        (["JobTimeout"], False, True),
        (["TimeoutError"], False, True),
        (["OSError"], False, True),
        (["ValueError"], False, False),
        ([], False, False),
    ],
)
def test_deaths_and_timeouts_are_retried_if_they_are_listed(
    listed: list[str], death: bool, timeout: bool
) -> None:
    """Both have names that retry.exceptions may list, as exceptions have."""
    policy = RetryConfig(max_retries=1, exceptions=listed)
    died = attempt_result.from_process_death(claim(), policy, -9, None, NOW)
    timed_out = attempt_result.from_timeout(claim(), policy, 90.0, "total", NOW)
    assert (died.status is JobStatus.SCHEDULED) is death
    assert (timed_out.status is JobStatus.SCHEDULED) is timeout


def test_a_timeout_says_how_long_was_allowed() -> None:
    """The limit is written as people write it."""
    result = attempt_result.from_timeout(claim(), None, 90.0, "total", NOW)
    assert result.error is not None
    assert "its timeout of 1m30s" in result.error["message"]
    assert (result.error["type"], result.error["node"]) == ("JobTimeout", "total")


def test_what_never_began_or_was_cancelled_is_final() -> None:
    """A refused record fails and a cancelled job is cancelled, whatever retries are left."""
    refused = attempt_result.from_refusal(claim(1), "no such version")
    assert (refused.status, refused.retries) == (JobStatus.FAILED, 1)
    assert refused.error is not None
    assert refused.error["message"] == "no such version"
    cancelled = attempt_result.cancelled(claim(1))
    assert (cancelled.status, cancelled.retries, cancelled.error) == (JobStatus.CANCELLED, 1, None)


def test_jitter_spreads_retries() -> None:
    """With jitter, jobs that failed together come back apart, within their bounds."""
    policy = RetryConfig(max_retries=1, delay=10, jitter_factor=0.5)
    due = {failed(policy).run_at for _ in range(50)}
    assert len(due) > 10
    assert all(run_at and 5 <= (run_at - NOW).total_seconds() <= 15 for run_at in due)


@pytest.mark.parametrize(
    ("returncode", "outcome", "expected"),
    [
        (-signal.SIGTERM, None, True),
        (-signal.SIGINT, None, True),
        (-signal.SIGHUP, None, True),
        (-signal.SIGKILL, None, True),
        (-signal.SIGSEGV, None, False),
        (0, None, False),
        (15, None, False),
        (0, {"error": {"type_names": ["KeyboardInterrupt", "BaseException"]}}, True),
        (0, {"error": {"type_names": ["SystemExit", "BaseException"]}}, True),
        (0, {"error": {"type_names": ["ValueError", "Exception"]}}, False),
        (0, {"error": {"type_names": 5}}, False),
        (0, {"error": None, "status": "finished"}, False),
    ],
)
def test_what_a_stopping_service_may_have_ended(
    returncode: int, outcome: dict[str, Any] | None, expected: bool
) -> None:
    """Signals to all processes, and the exceptions that programs make of them."""
    assert attempt_result.may_be_stopped(returncode, outcome) is expected
