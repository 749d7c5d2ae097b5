"""A worker: the backend's loop claims jobs, children run them, and everything is recorded.

It has three threads: the calling one polls the children (`slots`), one records and sends heartbeats
(`recorder`), and one runs the backend's loop. None of them waits for another.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import JobQueueBackend, WorkerEvent, WorkerOptions
from flowerpower.job_queue.worker.attempt import StopReason
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.recorder import Recorder
from flowerpower.job_queue.worker.scheduler import RETRY_EVERY, Firing, stop_signals_call
from flowerpower.job_queue.worker.slots import Slots
from flowerpower.triggers import clock

FORCED_STOP_TIMEOUT = 3.0
"""Seconds that a second stop leaves for writing how the jobs ended."""
LAST_WRITES_TIMEOUT = 5.0
"""Seconds for the same when the worker itself has failed."""


class ClaimLoop(Protocol):
    """The backend's own loop, which claims jobs and begins them."""

    def start(self) -> None:
        """Begin to claim, in a thread of its own."""

    def wake(self) -> None:
        """Look at once: a slot is free."""

    def stop(self) -> None:
        """Stop claiming; returns once nothing is being claimed."""


class Worker:
    """One worker of a backend; see `JobQueueBackend.run_worker`."""

    def __init__(
        self,
        backend: JobQueueBackend,
        base_dir: Path,
        options: WorkerOptions,
        make_loop: Callable[[Worker], ClaimLoop],
        on_event: Callable[[WorkerEvent], None] | None = None,
    ) -> None:
        self.options = options
        self.backend = backend
        self.events = Events(on_event)
        self.firing = Firing(backend, self.events)
        self.slots = Slots(base_dir, options, self.events)
        self._recorder = Recorder(backend, options, self.events, self.slots, self._slots_are_free)
        self._loop = make_loop(self)
        self._claims_left = math.inf if options.max_jobs is None else options.max_jobs
        self._may_be_more = False
        self._claim_at = 0.0
        self._is_closed = False
        self._stop_requests = 0
        self._stop_requests_reported = 0
        self._forced_at = 0.0

    @property
    def id(self) -> str:
        """The id in the backend; a new one after others have declared the worker dead."""
        return self._recorder.worker_id

    # For the backend's loop

    def free_slots(self) -> int:
        """How many jobs may be claimed now."""
        if self._stop_requests or self._is_closed:
            return 0
        return int(max(0, min(self.slots.count_free(), self._claims_left)))

    def claim_and_begin(self) -> int:
        """Claim jobs for the free slots and begin them; returns how many.

        An unreachable backend is no error here: nothing is claimed.
        """
        with self._recorder.claiming:
            free = self.free_slots()
            if not free or clock.monotonic() < self._claim_at:
                return 0
            try:
                # Reading is much cheaper than an empty claim, which is a write. It is left out
                # while the last claim was full.
                if not self._may_be_more and self.backend.next_due_in(self.options.queues) != 0:
                    return 0
                claims = self.backend.claim(
                    self.id, free, self.options.queues, self.events.job_expired
                )
                self._may_be_more = len(claims) == free
            except Exception as error:  # noqa: BLE001 - the backend's loop must go on
                self._claim_at = clock.monotonic() + RETRY_EVERY
                if not isinstance(error, BackendUnreachable):
                    self.events.trouble(f"Jobs could not be claimed: {error!r}")
                return 0
            self._claims_left -= len(claims)
            self.slots.begin(claims)
            return len(claims)

    # The calling thread

    def run(self) -> int:
        """Work until `stop` is called or the options say so; returns how many attempts were made.

        In the main thread SIGTERM, SIGINT and SIGHUP call `stop`.
        """
        with stop_signals_call(self.stop):
            self._recorder.register()
            self.events.start()
            self.events.emit("start", id=self.id, pid=os.getpid(), queues=[*self.options.queues],
                              slots=self.options.num_workers)  # fmt: skip
            self._recorder.start()
            seconds = LAST_WRITES_TIMEOUT
            try:
                self.slots.start()
                self._loop.start()
                while not self._is_done():
                    self.slots.poll(self._poll_interval())
                seconds = 0.0
            finally:
                # The loop first: what it would claim from here on, nobody would run.
                self._is_closed = True
                self._loop.stop()
                # A second signal asks to end at once; and so does our own failure.
                self.slots.close(lambda: seconds > 0 or self._stop_requests > 1)
                self._recorder.finish(seconds)
                self.events.emit("stop", attempts=self._recorder.done)
                self.events.close()
        return self._recorder.done

    def stop(self) -> None:
        """The first call lets running jobs finish; the second ends them and gives them back."""
        # A signal handler may run in the middle of anything: no lock, no event from here.
        self._stop_requests += 1
        self.slots.is_stopping = True
        self.slots.wake()

    def _poll_interval(self) -> float:
        if self._stop_requests or self.options.burst or self.options.max_jobs is not None:
            return 0.1
        return 0.5 if self.slots.attempts() else 1.0

    def _is_done(self) -> bool:
        # Read once: a signal may come in between.
        requests, running = self._stop_requests, self.slots.attempts()
        if requests:
            self._report_stop(requests, [attempt.claim.job_id for attempt in running])
        for attempt in running:
            if requests > 1 or (requests and attempt.is_waiting):
                self.slots.stop(attempt, StopReason.RELEASE)
        if running:
            return requests > 1 and clock.monotonic() > self._forced_at + FORCED_STOP_TIMEOUT
        return self._wants_to_end() and self._close()

    def _report_stop(self, requests: int, running: list[str]) -> None:
        if self._stop_requests_reported == 0:
            self.events.emit("stopping", running=running)
        if requests > 1 and self._stop_requests_reported < 2:
            self.events.emit("forced", running=running)
            self._forced_at = clock.monotonic()
        self._stop_requests_reported = requests

    def _wants_to_end(self) -> bool:
        if self._stop_requests or self._claims_left <= 0:
            return True
        try:
            return self.options.burst and self.backend.next_due_in(self.options.queues) != 0
        except BackendUnreachable:
            return False

    def _close(self) -> bool:
        """Stop claiming; False if jobs were claimed meanwhile or are being claimed."""
        # Not for long: the loop may wait for the backend with this lock.
        if self._recorder.claiming.acquire(timeout=0.1):
            self._is_closed = not self.slots.attempts()
            self._recorder.claiming.release()
        return self._is_closed

    def _slots_are_free(self) -> None:
        if self.free_slots():
            self._loop.wake()
        if not self.slots.attempts():
            self.slots.wake()
