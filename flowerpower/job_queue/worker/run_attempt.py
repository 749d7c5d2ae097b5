"""Attempts from their begin to their end, in the thread of one slot.

Nothing here talks to a backend: the recorder writes their ends down.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from flowerpower.errors import FlowerpowerError
from flowerpower.job_queue.worker.attempt import Attempt, StopReason
from flowerpower.job_queue.worker.follow import follow
from flowerpower.job_queue.worker.fork_server_client import ChildEnded
from flowerpower.job_queue.worker.json_lines import Message
from flowerpower.job_queue.worker.pooled_child import PooledChild
from flowerpower.job_queue.worker.prefetch import MAX_AHEAD
from flowerpower.job_queue.worker.slots import Slots
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import AttemptResult
from flowerpower.jobs.job import JobStatus
from flowerpower.triggers import clock

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


class Ending(NamedTuple):
    """How an attempt at a job ended: with a result, or a reason to requeue it.

    `may_be_stop`: a signal may have ended it, and the same signal may be about to stop the worker.
    """

    result: AttemptResult | None = None
    requeue_reason: str | None = None
    may_be_stop: bool = False


def make_attempts(slots: Slots) -> None:
    """Make the attempts that wait, one after another; returns once there is none.

    They have ended then, which is not recorded yet.
    """
    # It does not wait for that: the results of many short jobs are written in one call, and this
    # thread has begun the next ones by then.
    while (attempt := slots.next_waiting()) is not None:
        try:
            held = slots.children.acquire(attempt)
            if held is not None:
                _run_in(held, slots, attempt)
        except Exception as error:  # noqa: BLE001 - an attempt without an end would hold its slot for ever
            attempt.end(None, _unexpected(error))


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
    """Make the attempt in a child, and others that wait; they have ended then, or wait again."""
    ahead = slots.take_ahead(attempt, held.attempts_given, MAX_AHEAD)
    if not _send(held, slots, [attempt, *ahead], has_next=bool(ahead)):
        slots.children.give_back(held)
        return
    how: Message | ChildEnded | None = None
    previous = attempt
    while (current := held.turn_to_next()) is not None:
        # Until its child says more: it makes one after the other.
        current.note_began(previous.ended)
        previous = current
        room = held.room
        # Before it has made all that it has, so that it need not wait.
        if room and (ahead := slots.take_ahead(current, held.attempts_given, room)):
            _send(held, slots, ahead, has_next=True)
        try:
            # Of a child that has ended, the others were taken back when it was dropped.
            how = how if isinstance(how, ChildEnded) else follow(current, held)
        except Exception as error:  # noqa: BLE001 - as in `make_attempts`
            slots.children.drop(held)
            current.end(None, _unexpected(error))
            continue
        # One that is to be stopped may have a signal under way, which must not reach the next one.
        is_kept = not isinstance(how, ChildEnded) and how.get("kept") is True
        if not is_kept or current.kill_at is not None:
            slots.children.drop(held)
        elif not held.is_ahead:
            slots.children.give_back(held)
        _end(slots, current, how, is_first=held.number == 1)


def _send(held: PooledChild, slots: Slots, attempts: list[Attempt], *, has_next: bool) -> bool:
    """Send a child the requests of attempts, at once; False if none of them can be made.

    `has_next`: further ones may follow before these are made.
    """
    is_any = False
    for position, attempt in enumerate(attempts):
        if not attempt.begin(held.child.pid, held.wake):
            continue
        held.attempts_given += 1
        try:
            request = slots.request(attempt.claim, held.attempts_given)
            tells = position == len(attempts) // 2
            held.prepare(attempt, request, has_next=has_next, tells=tells)
            is_any = True
        except Exception as error:  # noqa: BLE001 - a record may be damaged in any way
            message = f"The job's record cannot be read: {error!r}"
            if isinstance(error, FlowerpowerError):
                message = error.message
            attempt.end(attempt_result.from_refusal(attempt.claim, message))
    held.send()
    return is_any


def _end(slots: Slots, attempt: Attempt, how: Message | ChildEnded, *, is_first: bool) -> None:
    """End an attempt as `follow` says, or have it wait for another child."""
    if attempt.imported:
        slots.children.learn(attempt.imported)
    if attempt.has_read:
        slots.read_ahead(attempt.claim)
    ending = ending_of(attempt, how, is_first=is_first)
    if ending is None:
        slots.put_back([attempt])
        return
    attempt.child_ended(None if isinstance(how, ChildEnded) else how.get("ended"))
    if ending.may_be_stop:
        ending = _after_signal(slots, attempt, ending)
    attempt.end(ending.result, ending.requeue_reason)


def _unexpected(error: Exception) -> str:
    return f"The worker had an unexpected error: {error!r}"


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
