"""A worker's slots: the attempts that it has claimed, and the children that make them."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence

from flowerpower.config.project_source import ProjectSource
from flowerpower.job_queue.worker.attempt import Attempt, StopReason
from flowerpower.job_queue.worker.child_pool import ChildPool
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.json_lines import Message
from flowerpower.job_queue.worker.prefetch import HORIZON, MAX_AHEAD, Prefetch
from flowerpower.job_queue.worker.turns import Turns
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.job_spec import checked_overrides, overrides_of, version_of
from flowerpower.jobs.run import run_json
from flowerpower.triggers import clock

SILENCE_SHARE = 0.7
"""Of a lease; after that long without a heartbeat a worker must not rely on its claims."""
MAX_NAMES = 1000
"""Characters of the names of a job's inputs: a command to a fork server is short."""
MAX_HELD = 3
"""How many times what may be prefetched may be held with what is only to be recorded."""
MAX_WAIT = 0.5
"""Seconds that a claim waits for a child behind others before it is given back."""


def _no_pool() -> None:
    raise RuntimeError("no pool of threads")


class Slots:
    """The attempts of one worker and the children that make them, as many as it has slots.

    `changed` is set when there is something new to record. `is_stopping` is set when the worker has
    been asked to stop. Until `lease_until`, a monotonic time, no other worker can have declared
    this one dead, as far as is known; later no child begins.
    """

    def __init__(self, source: ProjectSource, options: WorkerOptions, events: Events) -> None:
        self.changed = threading.Event()
        self.lease_until = 0.0
        self.is_stopping = False
        self.prefetch = Prefetch(options)
        self.turns = Turns(options.queues)
        self._source = source
        self._options = options
        # A frozen worker sends no heartbeat, and another one takes its jobs: its children must
        # have ended by then, so the fork server ends them earlier than the lease.
        silence_limit = SILENCE_SHARE * options.lease
        self.children = ChildPool(
            options.num_workers, silence_limit, self._may_begin, events.trouble, str(source.root()),
            self.put_back,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._attempts: dict[Attempt, None] = {}
        # Those that a thread of the engine's pool is to make, and how many threads make some.
        self._queue: deque[Attempt] = deque()
        self._makers = 0
        self._start_maker: Callable[[], object] = _no_pool

    def _may_begin(self) -> bool:
        return clock.monotonic() < self.lease_until

    def add(self, claims: Sequence[Claim]) -> list[Attempt]:
        """Put claims into slots; each of these attempts is then to be given to `make`."""
        now = clock.monotonic()
        attempts = [Attempt(claim, now, self._note_change) for claim in claims]
        with self._lock:
            self._attempts |= dict.fromkeys(attempts)
        return attempts

    def _note_change(self) -> None:
        # Each job has several changes, and to set what is set takes its lock. The recorder clears
        # it before it looks, so what changed before this question is not missed.
        if not self.changed.is_set():
            self.changed.set()

    def attempts(self) -> list[Attempt]:
        """Every attempt whose end is not recorded yet."""
        with self._lock:
            return list(self._attempts)

    def use(self, start_maker: Callable[[], object]) -> None:
        """Have `start_maker` called for a thread that calls `make_attempts`; see there."""
        self._start_maker = start_maker

    def make(self, attempts: Sequence[Attempt], *, first: bool = False) -> None:
        """Have attempts made, after those that wait; before them if they are to come `first`."""
        with self._lock:
            if first:
                self._queue.extendleft(reversed(attempts))
            else:
                self._queue.extend(attempts)
            wanted = min(len(attempts), self._options.num_workers - self._makers)
            self._makers += wanted
        for number in range(wanted):
            try:
                self._start_maker()
            except RuntimeError:
                with self._lock:
                    self._makers -= wanted - number
                raise

    def next_waiting(self) -> Attempt | None:
        """The next attempt for a thread that makes some; None ends that thread's work."""
        with self._lock:
            attempts = self._take_waiting(1)
            if not attempts:
                self._makers -= 1
            return attempts[0] if attempts else None

    def take_ahead(self, first: Attempt, attempts_given: int, room: int) -> list[Attempt]:
        """At most `room` attempts that are to wait in a child for `first`.

        It was given `attempts_given` before, of which `first` may be one.
        """
        # A new child imports the pipeline first: that takes too long to wait for.
        if not attempts_given:
            return []
        version = version_of(first.claim.payload)
        with self._lock:
            # The others are for the other slots.
            share = len(self._queue) // self._options.num_workers
            left = self._options.jobs_per_child - attempts_given - (0 if first.pid else 1)
            count = min(self.prefetch.ahead() - MAX_AHEAD + room, share, left)
            return self._take_waiting(count, lambda one: version_of(one.payload) == version)

    def _take_waiting(
        self, count: int, is_wanted: Callable[[Claim], bool] = lambda _: True
    ) -> list[Attempt]:
        attempts: list[Attempt] = []
        while self._queue and len(attempts) < count and is_wanted(self._queue[0].claim):
            attempt = self._queue.popleft()
            # One that is to be stopped is ended by `end_waiting`.
            if attempt.is_waiting and attempt.stop_reason is None:
                attempts.append(attempt)
        return attempts

    def put_back(self, attempts: Sequence[Attempt]) -> None:
        """Have attempts wait again that their child has not begun."""
        for attempt in attempts:
            attempt.wait_again()
        # One that is to be stopped may have been passed over by `end_waiting`.
        stopped = [one for one in attempts if one.stop_reason is not None]
        for attempt in stopped:
            attempt.end_stopped(only_waiting=True)
        # The engine's pool takes no more once the worker ends: then these are given back.
        with contextlib.suppress(RuntimeError):
            self.make([one for one in attempts if one not in stopped], first=True)

    def request(self, claim: Claim, attempts_given: int) -> Message:
        """The request for a child that was given so many attempts, with this one.

        It may have to fetch the version of the project that the job names. Raises anything if that
        is gone, or the job's record is damaged.
        """
        fire_time = clock.format_time(claim.scheduled_for) if claim.scheduled_for else None
        overrides = checked_overrides(claim.payload)
        root = str(self._source.root_of(version_of(claim.payload)))
        run = run_json(root, claim.pipeline, overrides, fire_time, claim.after)
        keep = attempts_given < self._options.jobs_per_child
        return {"run": run, "keep": keep, "job": claim.job_id, "attempt": claim.attempt}

    def read_ahead(self, claim: Claim) -> None:
        """Let the next children of such jobs find their configuration read."""
        overrides = overrides_of(claim.payload)
        names = sorted(overrides.inputs)
        if overrides.sets_inputs_alone and sum(map(len, names)) < MAX_NAMES:
            root = str(self._source.root_of(version_of(claim.payload)))
            arguments = {"base_dir": root, "pipeline": claim.pipeline, "inputs": names}
            self.children.read_ahead(arguments)

    def count_free(self) -> int:
        """How many claims can be begun now, with those that may wait for a child."""
        if not self.children.can_start:
            return 0
        slots, since = self._options.num_workers, clock.monotonic() - HORIZON
        with self._lock:
            left = waiting = long_ones = 0
            # In one pass: there may be hundreds, and a worker asks a hundred times a second.
            for one in self._attempts:
                if one.result is not None or one.requeue_reason is not None:
                    continue
                left += 1
                if one.pid is None:
                    waiting += one.ended is None
                elif one.began < since:
                    long_ones += 1
            prefetch = self.prefetch.limit(slots - long_ones)
            # One claim for many jobs, not one for each that ends.
            if prefetch and waiting > prefetch // 2:
                return 0
            # What is only to be recorded takes no child's time; where that is slow it must not
            # pile up.
            return min(slots + prefetch - left, slots + MAX_HELD * prefetch - len(self._attempts))

    def stop(self, attempt: Attempt, reason: StopReason) -> None:
        """End an attempt; if it is being ended already, the first reason stands."""
        attempt.stop(reason)
        if attempt.is_waiting:
            self.children.wake()

    def end_waiting(self) -> None:
        """End the attempts that wait for a child and are to be stopped, or have waited too long.

        Not the slots' threads do this: one of these attempts may not have a thread yet.
        """
        has_ended = False
        now = clock.monotonic()
        for attempt in [one for one in self.attempts() if one.is_waiting]:
            if attempt.stop_reason is not None:
                has_ended |= attempt.end_stopped(only_waiting=True)
            elif (
                now - attempt.began >= MAX_WAIT
                and self._may_begin()
                and self.children.can_start
                and self.children.is_full
            ):
                # It was prefetched, and those before it take long: another worker may be free.
                has_ended |= attempt.end(None, StopReason.RELEASE, only_waiting=True)
        if has_ended:
            self.children.look_again()

    def end_all(self, is_urgent: Callable[[], bool]) -> None:
        """End all children and the fork server, and give back what had not ended.

        Unless it `is_urgent`, children that wait for an attempt have time to call exit handlers.
        """
        for attempt in self.attempts():
            attempt.stop(StopReason.RELEASE)
        self.children.end_idle(is_urgent)
        self.children.close()
        self.end_waiting()

    def abandon(self) -> None:
        """Let go of the attempts whose end could not be recorded."""
        for attempt in self.attempts():
            self.remove(attempt)

    def remove(self, attempt: Attempt) -> None:
        """Free the slot: the end is recorded, or must not be."""
        with self._lock:
            self._attempts.pop(attempt, None)
        if attempt.result is not None and attempt.ended is not None:
            self.prefetch.observe(attempt.ended - attempt.began)
        self.turns.note_end(attempt.claim.pipeline, attempt.seconds)
        attempt.set_recorded()
