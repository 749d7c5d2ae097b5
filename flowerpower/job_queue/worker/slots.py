"""A worker's slots: each takes a claim, gives it to a child, and ends with a result.

One thread polls the children and never waits for a backend; another one, the `recorder`, does.
They share the log, progress and end of each attempt, under one lock.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flowerpower.errors import FlowerpowerError
from flowerpower.job_queue.base import WorkerOptions
from flowerpower.job_queue.worker.attempt import Attempt, StopReason
from flowerpower.job_queue.worker.child_pool import ChildPool
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.fork_server_client import Child, ChildEnded
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import AttemptResult, Claim
from flowerpower.jobs.job import overrides_of
from flowerpower.jobs.run import RunRequest
from flowerpower.triggers import clock

GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""
SIGNAL_LAG = 0.5
"""Seconds by which a signal to all processes may reach a worker later than its children."""
SILENCE_SHARE = 0.7
"""Of a lease; after that long without a heartbeat a worker must not rely on its claims."""
MAX_WAIT = 0.5
"""Seconds that a claim waits for a child behind others before it is given back."""

HORIZON = 0.1
"""Seconds of work that may be claimed ahead; a job never waits longer behind another one."""
MAX_PREFETCH = 64
BATCH_DELAY = 0.01
"""Seconds to wait for more results, so that they are written in one call."""


class Prefetch:
    """Decides from the duration of past attempts how many jobs may wait in a worker.

    Only a worker that reuses its children prefetches, and only while its jobs are much shorter
    than HORIZON: no other worker can run what waits here.
    """

    def __init__(self, options: WorkerOptions) -> None:
        self._is_enabled = options.jobs_per_child > 1 and options.max_jobs is None
        self._average = HORIZON

    def limit(self, quick_slots: int) -> int:
        """How many jobs may wait, if `quick_slots` slots hold no long attempt."""
        if not self._is_enabled or self._average >= HORIZON:
            return 0
        return min(MAX_PREFETCH, int(quick_slots * (HORIZON / max(self._average, 0.001) - 1)))

    @property
    def batch_delay(self) -> float:
        """Seconds to wait for more results before writing."""
        return BATCH_DELAY if self.limit(1) else 0.0

    def observe(self, seconds: float) -> None:
        """Take the duration of an attempt into account."""
        # One long job counts fully at once, because others may wait behind the next one like it;
        # short jobs win the trust back slowly.
        weight = 1.0 if seconds > self._average else 0.2
        self._average += weight * (seconds - self._average)


class Slots:
    """The attempts of one worker and the children that run them, as many as it has slots.

    `changed` is set when there is something new to record. `is_stopping` is set when the worker has
    been asked to stop. Until `lease_until`, a monotonic time, no other worker can have declared
    this one dead, as far as is known; later no child begins.
    """

    def __init__(self, base_dir: Path, options: WorkerOptions, events: Events) -> None:
        self.lock = threading.Lock()
        self.changed = threading.Event()
        self.lease_until = 0.0
        self.is_stopping = False
        self.prefetch = Prefetch(options)
        self._base_dir = base_dir
        self._options = options
        # A frozen worker sends no heartbeat, and another one takes its jobs: its children must
        # have ended by then, so the fork server ends them earlier than the lease.
        silence_limit = SILENCE_SHARE * options.lease
        self._pool = ChildPool(options.num_workers, silence_limit, events.trouble)
        self._attempts: list[Attempt] = []

    # From any thread

    def wake(self) -> None:
        """Let `poll` return soon."""
        self._pool.wake()

    def begin(self, claims: Sequence[Claim]) -> None:
        """Put claims into slots; their children start at the next `poll`."""
        with self.lock:
            self._attempts += [Attempt(claim, clock.monotonic()) for claim in claims]
        self.wake()

    def attempts(self) -> list[Attempt]:
        """Every attempt whose end is not recorded yet."""
        with self.lock:
            return list(self._attempts)

    def count_free(self) -> int:
        """How many claims can be begun now, with those that may wait for a child."""
        if not self._pool.can_start:
            return 0
        slots, since = self._options.num_workers, clock.monotonic() - HORIZON
        with self.lock:
            long_ones = [one for one in self._attempts if one.pid is not None and one.began < since]
            prefetch = self.prefetch.limit(slots - len(long_ones))
            # One claim for many jobs, not one for each that ends.
            if prefetch and sum(one.is_waiting for one in self._attempts) > prefetch // 2:
                return 0
            return slots + prefetch - len(self._attempts)

    def stop(self, attempt: Attempt, reason: StopReason) -> None:
        """End an attempt; if it is being ended already, the first reason stands."""
        with self.lock:
            if attempt.stop_reason is None:
                attempt.stop_reason = reason
        self.wake()

    def remove(self, attempt: Attempt) -> None:
        """Free the slot: the end is recorded, or must not be."""
        with self.lock:
            self._attempts = [other for other in self._attempts if other is not attempt]
        if attempt.result is not None and attempt.ended is not None:
            self.prefetch.observe(attempt.ended - attempt.began)

    # In the polling thread

    def start(self) -> None:
        """Start the fork server."""
        self._pool.start()

    def close(self, is_urgent: Callable[[], bool]) -> None:
        """End all children and the server; what had not ended is released.

        Unless it `is_urgent`, children that wait for a job have time to call exit handlers.
        """
        self._pool.end_idle(is_urgent)
        self._pool.close()
        for attempt in self.attempts():
            if not attempt.has_ended:
                self._end(attempt, None, StopReason.RELEASE)

    def poll(self, seconds: float) -> None:
        """Handle what the children do, for about that long or until something happens."""
        self._start_waiting()
        if any(attempt.undecided for attempt in self.attempts()):
            seconds = min(seconds, SIGNAL_LAG / 5)
        readable, ended = self._pool.poll(seconds)
        for child in readable:
            self._read(child)
        for child, how in ended:
            self._child_ended(child, how)
        for attempt in self.attempts():
            self._decide(attempt)
            self._enforce_stop(attempt)

    def _start_waiting(self) -> None:
        now = clock.monotonic()
        may_begin = self._pool.can_start and now < self.lease_until
        for attempt in [one for one in self.attempts() if one.is_waiting]:
            if attempt.stop_reason is not None:
                self._end_stopped(attempt)
                continue
            child = self._pool.acquire() if may_begin else None
            if child is not None:
                self._start_or_refuse(attempt, child)
            elif may_begin and self._pool.can_start and now - attempt.began >= MAX_WAIT:
                # It was prefetched, and those before it take long: another worker may be free.
                self._end(attempt, None, StopReason.RELEASE)

    def _start_or_refuse(self, attempt: Attempt, child: Child) -> None:
        """Give the attempt to a child, or fail it."""
        claim, folder = attempt.claim, str(self._base_dir)
        keep = child.attempts_given + 1 < self._options.jobs_per_child
        try:
            fire_time = clock.format_time(claim.scheduled_for) if claim.scheduled_for else None
            run = RunRequest(folder, claim.pipeline, overrides_of(claim.payload), fire_time)
            self._pool.assign(child, attempt, {"run": run.to_json(), "keep": keep})
        except Exception as error:  # noqa: BLE001 - a record may be damaged in any way
            message = f"The job's record cannot be read: {error!r}"
            if isinstance(error, FlowerpowerError):
                message = error.message
            self._end(attempt, attempt_result.from_refusal(claim, message))
        else:
            attempt.pid, attempt.began = child.pid, clock.monotonic()

    def _wait_again(self, attempt: Attempt) -> None:
        """The child ended before the attempt began, so another child can run it."""
        attempt.pid = attempt.kill_at = None
        self.wake()

    def _read(self, child: Child) -> None:
        # A child may have been dropped since `poll` listed it as readable.
        if child not in self._pool:
            return
        attempt = child.attempt
        text, messages = self._pool.read(child)
        if attempt is not None and text:
            self._change(attempt, lambda: attempt.add_log(text))
        for message in messages:
            self._handle(child, message)

    def _change(self, attempt: Attempt, add: Callable[[], None]) -> None:
        """Add to what is to be recorded; only the first change since then wakes the recorder."""
        with self.lock:
            was_dirty = attempt.is_dirty
            add()
        if not was_dirty:
            self.changed.set()

    def _handle(self, child: Child, message: Mapping[str, Any]) -> None:
        attempt = child.attempt
        # A thread that the job left behind may send events after the outcome.
        if attempt is None:
            return
        match message.get("type"):
            case "node":
                self._change(attempt, lambda: attempt.add_node_event(message))
            case "settings":
                attempt.apply_settings(message)
            case "stale":
                self._pool.drop(child)
                self._wait_again(attempt)
            case "outcome":
                # The child flushed its streams before the outcome: the whole log is in the pipe.
                if text := child.read_log():
                    self._change(attempt, lambda: attempt.add_log(text))
                child.attempt = None
                if message.get("kept") is not True:
                    self._pool.drop(child)
                self._handle_outcome(attempt, message.get("outcome"))

    def _handle_outcome(self, attempt: Attempt, outcome: object) -> None:
        if attempt.stop_reason not in (None, StopReason.RELEASE):
            self._end_stopped(attempt)
            return
        # An attempt that was to be released but has finished keeps its outcome: running it again
        # would repeat the work.
        fields = outcome if isinstance(outcome, dict) else {}
        result = attempt_result.from_outcome(attempt.claim, attempt.policy, fields, clock.now())
        self._end_or_wait(attempt, result, attempt_result.may_be_stopped(outcome=fields))

    def _child_ended(self, child: Child, ended: ChildEnded) -> None:
        # Its last messages, even the outcome, may still be in the pipes.
        self._read(child)
        if child not in self._pool:
            return
        attempt = child.attempt
        self._pool.drop(child)
        if attempt is None or attempt.has_ended:
            return
        if attempt.stop_reason is not None:
            self._end_stopped(attempt)
        elif ended.lost:
            self._end(attempt, None, attempt_result.LOST_WITH_FORK_SERVER)
        elif attempt.has_begun:
            result = attempt_result.from_process_death(
                attempt.claim, attempt.policy, ended.returncode, attempt.node, clock.now()
            )
            may_be_stopped = attempt_result.may_be_stopped(ended.returncode)
            self._end_or_wait(attempt, result, may_be_stopped)
        elif child.attempts_given > 1:
            # An earlier job may be what killed this child, so the attempt is not to blame.
            self._wait_again(attempt)
        else:
            self._end(attempt, None, attempt_result.LOST_BEFORE_START)

    def _end_or_wait(self, attempt: Attempt, result: AttemptResult, may_be_stopped: bool) -> None:
        """End an attempt; if a signal may have, first wait whether it stops the worker too."""
        if not may_be_stopped:
            self._end(attempt, result)
            return
        with self.lock:
            attempt.undecided, attempt.pid, attempt.ended = result, None, clock.monotonic()

    def _decide(self, attempt: Attempt) -> None:
        if attempt.undecided is None or attempt.has_ended or attempt.ended is None:
            return
        if attempt.stop_reason is not None:
            self._end_stopped(attempt)
        elif self.is_stopping:
            self._end(attempt, None, attempt_result.LOST_WITH_STOP)
        elif clock.monotonic() - attempt.ended >= SIGNAL_LAG:
            self._end(attempt, attempt.undecided)

    def _end_stopped(self, attempt: Attempt) -> None:
        result = attempt.stopped_result()
        self._end(attempt, result, None if result else attempt.stop_reason)

    def _end(
        self, attempt: Attempt, result: AttemptResult | None, requeue_reason: str | None = None
    ) -> None:
        with self.lock:
            attempt.end(result, requeue_reason)
        self.changed.set()

    def _enforce_stop(self, attempt: Attempt) -> None:
        """End a child that is to be stopped or whose time is up."""
        if attempt.has_ended or attempt.pid is None:
            return
        now = clock.monotonic()
        if attempt.timeout is not None and now - attempt.began > attempt.timeout:
            self.stop(attempt, StopReason.TIMEOUT)
        if attempt.stop_reason is None:
            return
        if attempt.kill_at is None:
            # With a lost lease another worker may run the job by now: no time to tidy up.
            is_gentle = attempt.stop_reason in (StopReason.CANCEL, StopReason.TIMEOUT)
            attempt.kill_at = now + (GRACE if is_gentle else 0.0)
            if is_gentle:
                self._pool.signal(attempt.pid, signal.SIGTERM)
        if now >= attempt.kill_at:
            # Again after another grace: a command to a fork server that is busy may be lost.
            attempt.kill_at = now + GRACE
            self._pool.signal(attempt.pid, signal.SIGKILL)
