"""How an attempt ends, by what its child sent or how that ended; no process is needed for it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from flowerpower.config.run_section import RetryConfig
from flowerpower.job_queue.worker.attempt import Attempt, StopReason
from flowerpower.job_queue.worker.child_pool import ChildPool
from flowerpower.job_queue.worker.fork_server_client import ChildEnded
from flowerpower.job_queue.worker.run_attempt import AttemptFailed, Ending, ending_of
from flowerpower.job_queue.worker.wakeup import WakeUp
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.job import JobStatus
from flowerpower.triggers import clock

FINISHED = {"type": "outcome", "outcome": {"status": "finished", "outputs": {"a": 1}}}
FAILED = {"type": "outcome", "outcome": {"status": "failed", "error": {"type": "ValueError"}}}
EXITED = {
    "type": "outcome",
    "outcome": {"status": "failed", "error": {"type": "X", "type_names": ["SystemExit"]}},
}
STALE = {"type": "stale"}
CRASHED = ChildEnded(7, -signal.SIGSEGV)
TERMINATED = ChildEnded(7, -signal.SIGTERM)
LOST = ChildEnded(7, -signal.SIGKILL, lost=True)


def attempt(**fields: Any) -> Attempt:
    return Attempt(Claim("job", "worker", 1, "report", {}), 0.0, **fields)


def begun(**fields: Any) -> Attempt:
    return attempt(has_begun=True, policy=RetryConfig(max_retries=0), timeout=1.0, **fields)


@pytest.mark.parametrize(
    ("made", "how", "status", "may_be_stop"),
    [
        (begun(), FINISHED, JobStatus.FINISHED, False),
        (begun(), FAILED, JobStatus.FAILED, False),
        (begun(), EXITED, JobStatus.FAILED, True),
        (begun(), CRASHED, JobStatus.FAILED, False),
        (begun(), TERMINATED, JobStatus.FAILED, True),
        (begun(stop_reason=StopReason.RELEASE), FINISHED, JobStatus.FINISHED, False),
        (begun(stop_reason=StopReason.TIMEOUT), FINISHED, JobStatus.FAILED, False),
        (begun(stop_reason=StopReason.TIMEOUT), TERMINATED, JobStatus.FAILED, False),
        (begun(stop_reason=StopReason.CANCEL), FINISHED, JobStatus.CANCELLED, False),
        (begun(stop_reason=StopReason.CANCEL), CRASHED, JobStatus.CANCELLED, False),
    ],
)
def test_an_attempt_ends_with_a_result(
    made: Attempt, how: Any, status: JobStatus, may_be_stop: bool
) -> None:
    """Its outcome counts unless it was stopped; a crash is a failure; a signal may be a stop."""
    ending = ending_of(made, how, is_first=True)
    assert ending is not None
    assert ending.result is not None
    assert (ending.result.status, ending.requeue_reason) == (status, None)
    assert ending.may_be_stop is may_be_stop


@pytest.mark.parametrize(
    ("made", "how", "reason"),
    [
        (begun(), LOST, attempt_result.LOST_WITH_FORK_SERVER),
        (attempt(), CRASHED, attempt_result.LOST_BEFORE_START),
        (begun(stop_reason=StopReason.RELEASE), TERMINATED, StopReason.RELEASE),
        (begun(stop_reason=StopReason.LEASE_LOST), TERMINATED, StopReason.LEASE_LOST),
        (begun(stop_reason=StopReason.LEASE_LOST), FINISHED, StopReason.LEASE_LOST),
    ],
)
def test_an_attempt_ends_without_a_result(made: Attempt, how: Any, reason: str) -> None:
    """What is not the job's fault requeues it, and says why."""
    assert ending_of(made, how, is_first=True) == Ending(requeue_reason=reason)


@pytest.mark.parametrize(("made", "how"), [(attempt(), STALE), (attempt(), CRASHED)])
def test_an_attempt_that_has_not_begun_gets_another_child(made: Attempt, how: Any) -> None:
    """A child that a module was edited under, or that an earlier job killed, is not its fault."""
    assert ending_of(made, how, is_first=False) is None


def test_the_first_reason_to_stop_stands() -> None:
    """A cancel after a timeout changes nothing, and its thread is woken each time."""
    woken: list[None] = []
    one = attempt()
    assert one.begin(7, lambda: woken.append(None))
    one.stop(StopReason.TIMEOUT)
    one.stop(StopReason.CANCEL)
    assert (one.stop_reason, len(woken)) == (StopReason.TIMEOUT, 2)


def test_an_attempt_that_was_stopped_while_it_waited_does_not_begin() -> None:
    """Whoever comes first, the child or the end: it is one of the two."""
    one, other = attempt(), attempt()
    one.stop(StopReason.RELEASE)
    assert not one.begin(7, lambda: None)
    assert one.end_stopped(only_waiting=True)
    assert one.requeue_reason == StopReason.RELEASE
    assert other.begin(7, lambda: None)
    assert not other.end(None, StopReason.RELEASE, only_waiting=True)
    assert not other.has_ended


def test_an_attempt_ends_once() -> None:
    """A second end changes nothing and is not announced."""
    changes: list[None] = []
    one = attempt(on_change=lambda: changes.append(None))
    assert one.end(attempt_result.cancelled(one.claim))
    assert not one.end(None, "lost")
    assert (one.requeue_reason, len(changes)) == (None, 1)


def test_a_failed_attempt_says_why() -> None:
    """An executor's error has type, message and node of the job's, or why there is none."""
    failed, given_back = begun(), attempt()
    failed.end(attempt_result.from_refusal(failed.claim, "no such region"))
    failed.facts = {"status": "failed"}
    error = AttemptFailed(failed)
    assert (error.type, error.message, error.node) == ("InvalidJob", "no such region", None)
    assert (error.status, str(error)) == ("failed", "InvalidJob: no such region")
    given_back.end(None, StopReason.RELEASE)
    assert (AttemptFailed(given_back).status, str(AttemptFailed(given_back))) == (
        "requeued", "release")  # fmt: skip


def test_nobody_waits_for_a_child_in_vain() -> None:
    """An attempt that is stopped, or a pool that is closed, ends the wait at once."""
    options = WorkerOptions()
    pool = ChildPool(options.num_workers, options.lease, lambda: True, print)
    stopped = attempt(stop_reason=StopReason.CANCEL)
    assert pool.acquire(stopped) is None
    pool.end_idle(lambda: True)
    assert pool.acquire(attempt()) is None
    pool.close()
    pool.close_wakeups()


def test_a_wake_up_is_seen_until_it_is_cleared() -> None:
    """Any number of wake-ups are one; after the end one more does nothing."""
    wakeup = WakeUp()
    for _ in range(100_000):
        wakeup.wake()
    assert os.read(wakeup.fileno(), 1) == b"x"
    wakeup.close()
    wakeup.wake()


def test_its_time_is_what_its_child_says_of_it() -> None:
    """It may have waited there, and its outcome be read later; no child can say more than that."""
    waiting = attempt()
    now = clock.monotonic()
    assert waiting.begin(7, lambda: None)
    waiting.note_began(now - 100)
    assert waiting.began >= now
    waiting.note_began(None)
    waiting.note_began(waiting.began + 0.001)
    time.sleep(0.01)
    waiting.note_began(clock.monotonic() - 0.005)
    began = waiting.began
    waiting.child_ended(began + 0.003)
    assert waiting.seconds == 0.003
    for wrong, latest in ((began - 5, began), (clock.monotonic() + 5, None), ("x", None)):
        before = clock.monotonic()
        waiting.child_ended(wrong)
        assert waiting.ended == latest or (waiting.ended or 0) >= before
