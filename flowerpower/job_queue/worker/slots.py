"""A worker's slots: from a claim to a child, and from what the child does to what is recorded.

One thread attends to the children and never waits for a backend; another records (see
`flowerpower.job_queue.worker.recorder`). What they share is each attempt's unrecorded log, progress
and end, under one lock.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flowerpower.config.run import RetryConfig
from flowerpower.errors import FlowerpowerError
from flowerpower.job_queue.worker.attempt import RELEASED, Attempt
from flowerpower.job_queue.worker.child_pool import ChildPool, PooledChild
from flowerpower.job_queue.worker.fork_server_client import ChildEnded
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import AttemptResult, Claim
from flowerpower.jobs.job import overrides_of
from flowerpower.jobs.run import RunRequest
from flowerpower.text import remember_secret
from flowerpower.triggers import clock

GRACE = 3.0
"""Seconds between asking a child to end and making it."""
WAIT_LIMIT = 0.5
"""Seconds that a claim waits behind others for a child before it is given back."""


class Slots:
    """The attempts of one worker and the children, at most `slots`, that make them.

    `on_change` is called, in the attending thread, when there is something new to record;
    `on_trouble` with a sentence when the worker itself is in trouble. A child begins only while
    `may_begin` says that the lease is known to hold.
    """

    def __init__(
        self,
        base_dir: Path,
        slots: int,
        jobs_per_child: int,
        silence_limit: float,
        *,
        on_change: Callable[[], None],
        on_trouble: Callable[[str], None],
        may_begin: Callable[[], bool],
    ) -> None:
        self.lock = threading.Lock()
        self._base_dir = base_dir
        self._jobs_per_child = jobs_per_child
        self._on_change = on_change
        self._may_begin = may_begin
        self._pool = ChildPool(slots, silence_limit, on_trouble)
        self._waiting: list[Attempt] = []
        self._attempts: list[Attempt] = []

    # From any thread

    @property
    def can_begin(self) -> bool:
        """Whether children can be started, as far as is known."""
        return self._pool.can_start

    def wake(self) -> None:
        """Let `attend` return soon."""
        self._pool.wake()

    def begin(self, claims: Sequence[Claim]) -> None:
        """Put claims into slots; their children start at the next `attend`."""
        attempts = [Attempt(claim, clock.monotonic()) for claim in claims]
        with self.lock:
            self._attempts += attempts
            self._waiting += attempts
        self.wake()

    def all(self) -> list[Attempt]:
        """Every attempt that is not forgotten yet."""
        with self.lock:
            return list(self._attempts)

    def count_waiting(self) -> int:
        """How many have no child yet."""
        with self.lock:
            return len(self._waiting)

    def count_older(self, seconds: float) -> int:
        """How many are in a child for longer than that."""
        since = clock.monotonic() - seconds
        return sum(1 for each in self.all() if each.child is not None and each.began < since)

    def stop(self, attempt: Attempt, why: str) -> None:
        """End an attempt: `cancel`, `timeout`, RELEASED, LEASE_LOST or a reason to lose it.

        The first reason stands.
        """
        with self.lock:
            if attempt.stopping is None:
                attempt.stopping = why
        self.wake()

    def release_waiting(self) -> None:
        """Give back what has no child yet."""
        with self.lock:
            waiting = list(self._waiting)
        for attempt in waiting:
            self.stop(attempt, RELEASED)

    def forget(self, attempt: Attempt) -> None:
        """Free the slot: the end is recorded, or is not to be."""
        with self.lock:
            self._attempts = [each for each in self._attempts if each is not attempt]

    # In the attending thread

    def start(self) -> None:
        """Start the fork server; the calling thread must be the one that attends."""
        self._pool.start()

    def close(self) -> None:
        """End all children and the server; what had not ended is released."""
        self._pool.close()
        for attempt in self.all():
            if not attempt.is_over:
                self._over(attempt, given_back=RELEASED)

    def attend(self, seconds: float) -> None:
        """Look after the children for about so long, or until something happens."""
        self._begin_waiting()
        speaking, ended = self._pool.listen(seconds)
        for seat in speaking:
            self._hear(seat)
        for seat, how in ended:
            self._child_ended(seat, how)
        for attempt in self.all():
            self._keep_time(attempt)

    def _begin_waiting(self) -> None:
        with self.lock:
            waiting, self._waiting = self._waiting, []
        may_begin = self.can_begin and self._may_begin()
        later = []
        for attempt in waiting:
            if attempt.stopping is not None:
                self._stopped(attempt)
            elif not may_begin:
                later.append(attempt)
            elif self._pool.has_room:
                if not self._begin_or_refuse(attempt):
                    later.append(attempt)
            elif clock.monotonic() - attempt.began < WAIT_LIMIT:
                later.append(attempt)
            else:
                # It was claimed ahead, and those before it take long: others may be free.
                self._over(attempt, given_back=RELEASED)
        with self.lock:
            self._waiting[:0] = later

    def _begin_or_refuse(self, attempt: Attempt) -> bool:
        """False if the attempt has to wait."""
        try:
            request = self._request(attempt.claim)
        except FlowerpowerError as error:
            self._refuse(attempt, error.message)
            return True
        except Exception as error:  # noqa: BLE001 - a record may be damaged in any way
            self._refuse(attempt, f"The job's record cannot be read: {error!r}")
            return True
        return self._give(attempt, request)

    def _refuse(self, attempt: Attempt, message: str) -> None:
        self._over(attempt, end=attempt_result.from_refusal(attempt.claim, message))

    def _request(self, claim: Claim) -> dict[str, Any]:
        overrides = overrides_of(claim.payload)
        fire = clock.format_time(claim.scheduled_for) if claim.scheduled_for else None
        run = RunRequest(str(self._base_dir), claim.pipeline, overrides, fire)
        return run.to_json()

    def _give(self, attempt: Attempt, run: dict[str, Any]) -> bool:
        """Hand the attempt to a child; False if there can be none now."""
        seat = self._pool.take()
        if seat is None:
            return False
        try:
            keep = seat.made + 1 < self._jobs_per_child
            self._pool.give(seat, attempt, {"run": run, "keep": keep})
        except ValueError as error:
            self._refuse(attempt, f"The job's record cannot be handed to a process: {error}")
            return True
        attempt.child, attempt.began = seat.child, clock.monotonic()
        return True

    def _wait_again(self, attempt: Attempt) -> None:
        """Its child went before it had begun: another one will do."""
        attempt.child = attempt.kill_at = None
        with self.lock:
            self._waiting.insert(0, attempt)
        self.wake()

    def _hear(self, seat: PooledChild) -> None:
        if not self._pool.has(seat):
            return
        text, messages = self._pool.read(seat)
        self._take_log(seat.attempt, text)
        for message in messages:
            self._take(seat, message)

    def _take_log(self, attempt: Attempt | None, text: bytes) -> None:
        if attempt is None or not text:
            return
        with self.lock:
            was_dirty = attempt.is_dirty
            attempt.add_log(text)
        if not was_dirty:
            self._on_change()

    def _take(self, seat: PooledChild, message: Mapping[str, Any]) -> None:
        attempt = seat.attempt
        # What a job leaves behind may go on to tell things after the outcome.
        if attempt is None:
            return
        kind = message.get("type")
        if kind == "node":
            self._progress(attempt, message)
        elif kind == "settings":
            self._settle(attempt, message)
        elif kind == "stale":
            self._drop(seat)
            self._wait_again(attempt)
        elif kind == "outcome":
            # All that was printed before it is there by now.
            self._take_log(attempt, seat.child.read_log())
            seat.attempt = None
            if message.get("kept") is not True:
                self._drop(seat)
            self._outcome(attempt, message.get("outcome"))

    def _drop(self, seat: PooledChild) -> None:
        seat.attempt = None
        self._pool.drop(seat)

    def _settle(self, attempt: Attempt, message: Mapping[str, Any]) -> None:
        attempt.has_begun = True
        with contextlib.suppress(ValidationError):
            attempt.policy = RetryConfig.model_validate(message.get("retry"))
        for secret in message.get("secrets") or ():
            remember_secret(str(secret))
        timeout = message.get("timeout")
        if isinstance(timeout, int | float) and timeout > 0:
            attempt.timeout = float(timeout)

    def _progress(self, attempt: Attempt, message: Mapping[str, Any]) -> None:
        name, state = str(message.get("node"))[:200], str(message.get("state"))
        with self.lock:
            nodes = attempt.progress.setdefault("nodes", {})
            known = nodes.setdefault(name, {"started_at": clock.format_time(clock.now())})
            known.update(state=state, seconds=message.get("seconds"))
            if message.get("from_cache"):
                known["from_cache"] = True
            attempt.progress.update(
                done=message.get("done"), total=message.get("total"), current=name
            )
            was_dirty, attempt.is_dirty = attempt.is_dirty, True
        if not was_dirty:
            self._on_change()

    def _outcome(self, attempt: Attempt, outcome: object) -> None:
        # A job that has ended is not given back: its outcome is there.
        if attempt.stopping not in (None, RELEASED):
            self._stopped(attempt)
            return
        told = outcome if isinstance(outcome, dict) else {}
        end = attempt_result.from_outcome(attempt.claim, attempt.policy, told, clock.now())
        self._over(attempt, end=end)

    def _child_ended(self, seat: PooledChild, ended: ChildEnded) -> None:
        # Its last words may still be in the pipes.
        self._hear(seat)
        if not self._pool.has(seat):
            return
        attempt = seat.attempt
        self._drop(seat)
        if attempt is None or attempt.is_over:
            return
        if attempt.stopping is not None:
            self._stopped(attempt)
        elif ended.lost:
            self._over(attempt, given_back=attempt_result.LOST_WITH_FORK_SERVER)
        elif attempt.has_begun:
            claim, policy = attempt.claim, attempt.policy
            end = attempt_result.from_process_death(
                claim, policy, ended.returncode, attempt.node, clock.now()
            )
            self._over(attempt, end=end)
        elif seat.made > 1:
            self._wait_again(attempt)
        else:
            self._over(attempt, given_back=attempt_result.LOST_BEFORE_START)

    def _stopped(self, attempt: Attempt) -> None:
        claim, now = attempt.claim, clock.now()
        if attempt.stopping == "cancel":
            self._over(attempt, end=attempt_result.cancelled(claim))
        elif attempt.stopping == "timeout":
            end = attempt_result.from_timeout(
                claim, attempt.policy, attempt.timeout or 0.0, attempt.node, now
            )
            self._over(attempt, end=end)
        else:
            self._over(attempt, given_back=attempt.stopping)

    def _over(
        self, attempt: Attempt, *, end: AttemptResult | None = None, given_back: str | None = None
    ) -> None:
        with self.lock:
            attempt.end, attempt.given_back, attempt.child = end, given_back, None
            attempt.ended = clock.monotonic()
        self._on_change()

    def _keep_time(self, attempt: Attempt) -> None:
        """End a child whose time is up: TERM first, KILL after the grace."""
        if attempt.is_over or attempt.child is None:
            return
        now = clock.monotonic()
        if attempt.timeout is not None and now - attempt.began > attempt.timeout:
            self.stop(attempt, "timeout")
        if attempt.stopping is None:
            return
        if attempt.kill_at is None:
            gentle = attempt.stopping in ("cancel", "timeout")
            attempt.kill_at = now + (GRACE if gentle else 0.0)
            if gentle:
                self._pool.signal(attempt.child, signal.SIGTERM)
        if now >= attempt.kill_at:
            attempt.kill_at = now + GRACE
            self._pool.signal(attempt.child, signal.SIGKILL)
