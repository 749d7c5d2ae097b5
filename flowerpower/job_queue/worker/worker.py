"""A worker: the backend's engine claims jobs and fills its slots with them.

Its threads: the calling one keeps the children (`child_pool`), one records and sends heartbeats
(`recorder`), one is the engine's loop, each slot has one (`make_attempts`), and one sends notices.
Only the recorder writes to the backend, except for claims and fires, which the engine's loop makes,
and for notices.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable
from typing import Protocol

from flowerpower.errors import BackendUnreachable, FlowerpowerError
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.notices.sender import NoticeSender
from flowerpower.job_queue.worker.attempt import Attempt, StopReason
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.recorder import Recorder
from flowerpower.job_queue.worker.scheduler import RETRY_EVERY, Firing, stop_signals_call
from flowerpower.job_queue.worker.slots import Slots
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs.limits import Limits
from flowerpower.triggers import clock

POLL_EVERY = 0.05
"""Seconds between two looks for jobs; nothing wakes a worker across machines, or for SQLite."""
POLL_AFTER_JOB = 0.01
"""The same in the first moments after a job has ended, when the next one is often added."""
MOMENTS = 0.3
"""Seconds that these last."""
FORCED_STOP_TIMEOUT = 3.0
"""Seconds that a second stop leaves for writing how the jobs ended."""
LAST_WRITES_TIMEOUT = 5.0
"""Seconds for the same when the worker itself has failed."""


class Engine(Protocol):
    """The loop of a backend's engine, which claims jobs and has its pool of threads make them."""

    def start(self) -> None:
        """Begin to claim, in a thread of its own."""

    def wake(self) -> None:
        """Look at once: a slot is free."""

    def stop(self) -> None:
        """Claim no more, and end once every attempt has; returns at once."""

    @property
    def has_ended(self) -> bool:
        """Whether neither its loop nor a thread of its pool runs any more."""

    @property
    def was_told_to_end(self) -> bool:
        """Whether its own tools have ended it (`rq suspend` with burst)."""

    def join(self) -> None:
        """Wait until it has ended."""


class Worker:
    """One worker of a backend; see `JobQueueBackend.run_worker`."""

    def __init__(
        self,
        backend: JobQueueBackend,
        options: WorkerOptions,
        make_engine: Callable[[Worker], Engine],
        events: Events,
    ) -> None:
        self.options = options
        self.backend = backend
        self.events = events
        self.firing = Firing(backend, events)
        self.slots = Slots(backend.source, options, events)
        self._recorder = Recorder(backend, options, events, self.slots, self._slots_are_free)
        self._notices = NoticeSender(backend, events.trouble)
        self._limits = options.limits or backend.limits
        self._engine = make_engine(self)
        self._left_out: tuple[str, ...] = ()
        self._claims_left = math.inf if options.max_jobs is None else options.max_jobs
        self._may_be_more = False
        self._claim_at = 0.0
        self._quick_until = 0.0
        self._is_closed = False
        self._engine_failed = False
        self._stop_requests = 0
        self._stop_requests_reported = 0
        self._forced_at = 0.0

    @property
    def id(self) -> str:
        """The id in the backend; a new one after others have declared the worker dead."""
        return self._recorder.worker_id

    # For the engine

    def free_slots(self) -> int:
        """How many jobs may be claimed now."""
        if self._stop_requests or self._is_closed:
            return 0
        return int(max(0, min(self.slots.count_free(), self._claims_left)))

    def poll_interval(self) -> float:
        """Seconds until the next look for jobs."""
        return POLL_AFTER_JOB if clock.monotonic() < self._quick_until else POLL_EVERY

    def claim(self) -> list[Attempt]:
        """Claim jobs for the free slots; each is then to be given to `Slots.make`.

        An unreachable backend is no error here: nothing is claimed.
        """
        with self._recorder.claiming:
            free = self.free_slots()
            if not free or clock.monotonic() < self._claim_at:
                return []
            try:
                # Reading is much cheaper than an empty claim, which is a write. It is left out
                # while the last claim was full.
                queues, limits = self.options.queues, self._limits()
                self._tell_left_out(limits)
                limits = self._without_others_turn(limits)
                if not self._may_be_more and self.backend.next_due_in(queues, limits) != 0:
                    return []
                owner = self.id
                claims = self.backend.claim(owner, free, queues, self.events.job_expired, limits)
                self._may_be_more = len(claims) == free
            except Exception as error:  # noqa: BLE001 - the engine's loop must go on
                self._claim_at = clock.monotonic() + RETRY_EVERY
                if not isinstance(error, BackendUnreachable):
                    self.events.trouble(f"Jobs could not be claimed: {error!r}")
                return []
            self._claims_left -= len(claims)
            attempts = self.slots.add(claims)
            # The worker may have been frozen before it read the answer, and declared dead: then
            # others have these jobs. In this order: the recorder looks at all slots after it has
            # taken a new id.
            if self.id != owner:
                self._recorder.lose(attempts)
            return attempts

    def _without_others_turn(self, limits: Limits) -> Limits:
        """The limits, without the places that workers of other queues may take first."""
        turns = self.slots.turns
        if limits and turns.looking.is_due():
            turns.look(self.backend.list_workers())
        return turns.without_others_turn(limits)

    def emit_end(self, attempt: Attempt) -> None:
        """Emit the event of an attempt that has been made."""
        if attempt.facts is not None:
            self.events.emit("job", **attempt.facts)

    # The calling thread

    def run(self) -> int:
        """Work until `stop` is called or the options say so; returns how many attempts were made.

        In the main thread SIGTERM, SIGINT and SIGHUP call `stop`.

        Raises:
            FlowerpowerError: if the engine's loop has ended by itself, once what ran has finished.
        """
        source = self.backend.source
        with stop_signals_call(self.stop), source.watched(self.events.trouble):
            self._recorder.register()
            self.events.start()
            self.events.emit("start", id=self.id, pid=os.getpid(), queues=[*self.options.queues],
                              slots=self.options.num_workers)  # fmt: skip
            # Here too, not only now and then: a burst may have nothing to do for this reason alone.
            with contextlib.suppress(BackendUnreachable):
                # The recorder looks again, and says that it is away.
                self._recorder.paused_queues.look()
            self._recorder.start()
            self._notices.start()
            seconds = LAST_WRITES_TIMEOUT
            try:
                self.slots.children.start()
                self._engine.start()
                while not self._is_done():
                    self.slots.children.serve(self._serve_interval())
                    self.slots.end_waiting()
                seconds = 0.0
            finally:
                self._end(seconds)
        if self._engine_failed:
            raise FlowerpowerError("The loop that claims jobs has failed, so the worker has ended.")
        return self._recorder.done

    def _end(self, seconds: float) -> None:
        """End every thread; what has not ended by now is given back, for at most that long."""
        # First nothing more is claimed: nobody would run it.
        self._is_closed = True
        with self._recorder.claiming:
            self._engine.stop()
        # A second signal asks to end at once; and so does our own failure.
        self.slots.end_all(lambda: seconds > 0 or self._stop_requests > 1)
        self._recorder.finish(seconds)
        self.slots.abandon()
        self._engine.join()
        # After the last ends were recorded: these may be what people want a notice of.
        self._notices.stop(lambda: seconds > 0 or self._stop_requests > 1)
        self.slots.children.close_wakeups()
        self.events.emit("stop", attempts=self._recorder.done)
        self.events.close()

    def stop(self) -> None:
        """The first call lets running jobs finish; the second ends them and gives them back."""
        # A signal handler may run in the middle of anything: no lock, no event from here.
        self._stop_requests += 1
        self.slots.is_stopping = True
        self.slots.children.wake()

    def _serve_interval(self) -> float:
        if self._stop_requests or self.options.burst or self.options.max_jobs is not None:
            return 0.1
        running = self.slots.attempts()
        if any(attempt.is_waiting for attempt in running):
            return 0.1
        return 0.5 if running else 1.0

    def _is_done(self) -> bool:
        # Read once: a signal may come in between.
        requests, running = self._stop_requests, self.slots.attempts()
        if requests:
            self._report_stop(requests, [attempt.claim.job_id for attempt in running])
            self._engine.stop()
        has_ended = self._engine.has_ended
        for attempt in running:
            # Without an engine nobody begins what waits.
            if requests > 1 or ((requests or has_ended) and attempt.is_waiting):
                self.slots.stop(attempt, StopReason.RELEASE)
        if running:
            return requests > 1 and clock.monotonic() > self._forced_at + FORCED_STOP_TIMEOUT
        if has_ended:
            self._engine_failed = not (self._is_ending or self._engine.was_told_to_end)
            return True
        if not self._is_ending and self._has_nothing_to_do() and self._close():
            self._engine.stop()
        return False

    @property
    def _is_ending(self) -> bool:
        return self._stop_requests > 0 or self._is_closed

    def _report_stop(self, requests: int, running: list[str]) -> None:
        if self._stop_requests_reported == 0:
            self.events.emit("stopping", running=running)
        if requests > 1 and self._stop_requests_reported < 2:
            self.events.emit("forced", running=running)
            self._forced_at = clock.monotonic()
        self._stop_requests_reported = requests

    def _has_nothing_to_do(self) -> bool:
        if self._claims_left <= 0:
            return True
        try:
            queues, limits = self.options.queues, self._limits()
            return self.options.burst and self.backend.next_due_in(queues, limits) != 0
        except BackendUnreachable:
            return False

    def _tell_left_out(self, limits: Limits) -> None:
        """Say once which rules of the project do not count; again only when that has changed."""
        if limits.left_out == self._left_out:
            return
        for reason in limits.left_out:
            if reason not in self._left_out:
                self.events.trouble(reason)
        self._left_out = limits.left_out

    def _close(self) -> bool:
        """Stop claiming; False if jobs were claimed meanwhile or are being claimed."""
        # Not for long: the loop may wait for the backend with this lock.
        if self._recorder.claiming.acquire(timeout=0.1):
            self._is_closed = not self.slots.attempts()
            self._recorder.claiming.release()
        return self._is_closed

    def _slots_are_free(self) -> None:
        self._quick_until = clock.monotonic() + MOMENTS
        if self.free_slots():
            self._engine.wake()
        if not self.slots.attempts():
            self.slots.children.wake()
