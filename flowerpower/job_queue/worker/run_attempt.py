"""One attempt from its begin to its end, in the thread of one slot.

`follow` is what an attempt with a child is, wherever it is made; `run_attempt` makes one for a
worker. Neither talks to a backend: the recorder writes its end down.
"""

from __future__ import annotations

import select
import signal
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol

from flowerpower.errors import FlowerpowerError
from flowerpower.job_queue.worker.attempt import Attempt, StopReason
from flowerpower.job_queue.worker.child_pool import PooledChild
from flowerpower.job_queue.worker.fork_server_client import Child, ChildEnded
from flowerpower.job_queue.worker.json_lines import Message
from flowerpower.job_queue.worker.slots import Slots
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import AttemptResult
from flowerpower.jobs.job import JobStatus
from flowerpower.triggers import clock

GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""
PROGRESS_EVERY = 0.2
"""Seconds between two looks at what a child says of its progress."""
SIGNAL_LAG = 0.5
"""Seconds by which a signal to all processes may reach a worker later than its children."""


class AttemptFailed(Exception):
    """An attempt that has ended without a result, for whoever asks for it.

    `type`, `message` and `node` are those of its error. `status` is what became of its job: failed,
    scheduled (it is tried again), cancelled, refused (somebody else has the job), or requeued.
    """

    def __init__(self, attempt: Attempt) -> None:
        error = (attempt.result and attempt.result.error) or {}
        self.status = str((attempt.facts or {}).get("status", "requeued"))
        self.type: str | None = error.get("type")
        self.message = str(error.get("message") or attempt.requeue_reason or self.status)
        self.node: str | None = error.get("node")
        super().__init__(f"{self.type}: {self.message}" if self.type else self.message)


class FollowedChild(Protocol):
    """A child, and what whoever has started it says of it."""

    child: Child

    def fileno(self) -> int:
        """The descriptor that is readable when there is news of it, or for its attempt."""

    def end(self) -> ChildEnded | None:
        """Its end, once that is known; takes the news."""

    def signal(self, number: int) -> None:
        """Send a signal to it and what it has started."""


@dataclass(frozen=True)
class Ending:
    """How an attempt at a job ended: with a result, or a reason to requeue it.

    `may_be_stop`: a signal may have ended it, and the same signal may be about to stop the worker.
    """

    result: AttemptResult | None = None
    requeue_reason: str | None = None
    may_be_stop: bool = False


def run_attempt(slots: Slots, attempt: Attempt) -> None:
    """Make an attempt; returns once it has ended, which is not recorded by then."""
    # It does not wait for that: the results of many short jobs are written in one call, and this
    # thread has begun the next ones by then.
    try:
        while attempt.is_waiting and (held := slots.children.acquire(attempt)) is not None:
            _run_in(held, slots, attempt)
    except Exception as error:  # noqa: BLE001 - an attempt without an end would hold its slot for ever
        attempt.end(None, f"The worker had an unexpected error: {error!r}")


def result_of(attempt: Attempt) -> dict[str, Any]:
    """The result of an attempt's job, once that is recorded.

    Raises:
        AttemptFailed: if there is none; it says what else became of the job.
    """
    finished = attempt.facts is not None and attempt.facts["status"] == JobStatus.FINISHED
    if not finished or attempt.result is None:
        raise AttemptFailed(attempt)
    return attempt.result.result or {}


def _run_in(held: PooledChild, slots: Slots, attempt: Attempt) -> None:
    """Make the attempt in a child; afterwards it has ended, or waits for another one."""
    if not attempt.begin(held.child.pid, held.wake):
        slots.children.give_back(held)
        return
    try:
        held.child.send(slots.request(attempt.claim, held.attempts_given))
    except Exception as error:  # noqa: BLE001 - a record may be damaged in any way
        message = f"The job's record cannot be read: {error!r}"
        if isinstance(error, FlowerpowerError):
            message = error.message
        slots.children.give_back(held)
        attempt.end(attempt_result.from_refusal(attempt.claim, message))
        return
    try:
        how = follow(attempt, held)
    except BaseException:
        slots.children.drop(held)
        raise
    is_kept = not isinstance(how, ChildEnded) and how.get("kept") is True
    # One that is to be stopped may have a signal under way, which must not reach the next attempt.
    if is_kept and attempt.stop_reason is None:
        slots.children.give_back(held)
    else:
        slots.children.drop(held)
    if attempt.imported:
        slots.children.learn(attempt.imported)
    if attempt.has_read:
        slots.read_ahead(attempt.claim)
    ending = ending_of(attempt, how, is_first=held.attempts_given == 1)
    if ending is None:
        attempt.wait_again()
        return
    attempt.child_ended()
    if ending.may_be_stop:
        ending = _after_signal(slots, attempt, ending)
    attempt.end(ending.result, ending.requeue_reason)


def follow(attempt: Attempt, followed: FollowedChild) -> Message | ChildEnded:
    """Read log and messages of a child that has its request, and stop it if need be.

    Returns its last message, of type `outcome` or (it has not begun) `stale`, or how it ended.
    """
    child = followed.child
    poller = select.poll()
    for number in (followed.fileno(), child.control, child.log):
        poller.register(number, select.POLLIN)
    progress = _ProgressWatch(poller, child)
    is_flushed = True
    while True:
        if is_flushed != child.is_flushed:
            is_flushed = child.is_flushed
            poller.modify(child.control, select.POLLIN | (0 if is_flushed else select.POLLOUT))
        left = progress.seconds_until_look(_enforce_stop(attempt, followed))
        ready = {number for number, _ in poller.poll(None if left is None else left * 1000)}
        if not is_flushed:
            child.flush()
        # First of all: what it has sent before its end is in the pipes by then.
        ended = followed.end() if followed.fileno() in ready else None
        # Then the messages: what was printed before an outcome is in the pipe once that has come.
        has_news = ended is not None or child.control in ready
        urgent = child.urgent_messages() if has_news else []
        last = next((one for one in urgent if one.get("type") in ("outcome", "stale")), None)
        if progress.is_due(ready) or has_news or child.log in ready:
            # Before the log, which must not show the secrets that the settings name.
            is_complete = last is not None and attempt.take_nodes(last)
            for message in child.progress_messages(last_event_only=is_complete):
                _take_message(attempt, message)
        for message in urgent:
            if message is last:
                _read_log(attempt, child)
                return message
            _take_message(attempt, message)
        if ended is not None or child.log in ready:
            _read_log(attempt, child)
        if ended is not None:
            return ended
        # A pipe whose other end is closed is always readable.
        if child.control in ready and not child.control_is_open:
            poller.unregister(child.control)
        if child.log in ready and not child.log_is_open:
            poller.unregister(child.log)


class _ProgressWatch:
    """When to read what a child says of its progress: a little later, or else with its outcome.

    A short job's is read in one go so, and nobody is woken for it. What a long one says, hours
    later, wakes its thread, but no more often.
    """

    def __init__(self, poller: select.poll, child: Child) -> None:
        self._poller = poller
        self._child = child
        self._look_at = clock.monotonic() + PROGRESS_EVERY
        self._is_watched = False

    def seconds_until_look(self, left: float | None) -> float | None:
        """The least of `left` and the seconds until the pipe is to be watched."""
        if self._is_watched or not self._child.progress_is_open:
            return left
        # A little later, so that the time is up when it is looked at.
        wait = max(0.0, self._look_at - clock.monotonic()) + 0.001
        return wait if left is None else min(left, wait)

    def is_due(self, ready: Collection[int]) -> bool:
        """Whether it is to be read now; `ready` are the descriptors that are readable."""
        if self._is_watched and (self._child.progress in ready or not self._child.progress_is_open):
            self._poller.unregister(self._child.progress)
            self._is_watched, self._look_at = False, clock.monotonic() + PROGRESS_EVERY
            return True
        is_open = self._child.progress_is_open
        if is_open and not self._is_watched and clock.monotonic() >= self._look_at:
            self._poller.register(self._child.progress, select.POLLIN)
            self._is_watched = True
        return False


def _take_message(attempt: Attempt, message: Message) -> None:
    match message.get("type"):
        case "node":
            attempt.add_node_event(message)
        case "imported":
            attempt.imported = tuple(map(str, message["modules"]))
        case "read":
            attempt.has_read = True
        case "settings":
            attempt.apply_settings(message)


def _read_log(attempt: Attempt, child: Child) -> None:
    if text := child.read_log():
        attempt.add_log(text)


def _enforce_stop(attempt: Attempt, followed: FollowedChild) -> float | None:
    """End a child that is to be stopped or whose time is up; seconds until the next look."""
    now = clock.monotonic()
    if attempt.timeout is not None and now - attempt.began > attempt.timeout:
        attempt.stop(StopReason.TIMEOUT)
    if attempt.stop_reason is None:
        # A little later, so that the time is up when it is looked at.
        return None if attempt.timeout is None else attempt.began + attempt.timeout - now + 0.001
    if attempt.kill_at is None:
        # With a lost lease another worker may run the job by now: no time to tidy up.
        is_gentle = attempt.stop_reason in (StopReason.CANCEL, StopReason.TIMEOUT)
        attempt.kill_at = now + (GRACE if is_gentle else 0.0)
        if is_gentle:
            followed.signal(signal.SIGTERM)
    if now >= attempt.kill_at:
        # Again after another grace: a command to a fork server that is busy may be lost.
        attempt.kill_at = now + GRACE
        followed.signal(signal.SIGKILL)
    return attempt.kill_at - now + 0.001


def ending_of(attempt: Attempt, how: Message | ChildEnded, *, is_first: bool) -> Ending | None:
    """How the attempt ended by what `follow` returned; None if another child can make it.

    `is_first`: its child was given no attempt before.
    """
    claim, policy = attempt.claim, attempt.policy
    if not isinstance(how, ChildEnded):
        if how["type"] == "stale":
            return None
        if attempt.stop_reason not in (None, StopReason.RELEASE):
            return _stopped(attempt)
        # An attempt that was to be released but has finished keeps its outcome: running it again
        # would repeat the work.
        outcome = how.get("outcome")
        fields = outcome if isinstance(outcome, dict) else {}
        result = attempt_result.from_outcome(claim, policy, fields, clock.now())
        return Ending(result, may_be_stop=attempt_result.may_be_stopped(outcome=fields))
    if attempt.stop_reason is not None:
        return _stopped(attempt)
    if how.lost:
        return Ending(requeue_reason=attempt_result.LOST_WITH_FORK_SERVER)
    if attempt.has_begun:
        result = attempt_result.from_process_death(
            claim, policy, how.returncode, attempt.node, clock.now()
        )
        return Ending(result, may_be_stop=attempt_result.may_be_stopped(how.returncode))
    # An earlier job may be what killed the child: then the attempt is not to blame.
    return Ending(requeue_reason=attempt_result.LOST_BEFORE_START) if is_first else None


def _stopped(attempt: Attempt) -> Ending:
    result = attempt.stopped_result()
    return Ending(result, None if result else attempt.stop_reason)


def _after_signal(slots: Slots, attempt: Attempt, ending: Ending) -> Ending:
    """The ending, once it is known whether the signal that may have caused it stops the worker."""
    until = clock.monotonic() + SIGNAL_LAG
    while clock.monotonic() < until:
        if attempt.stop_reason is not None:
            return _stopped(attempt)
        if slots.is_stopping:
            return Ending(requeue_reason=attempt_result.LOST_WITH_STOP)
        time.sleep(SIGNAL_LAG / 10)
    return ending
