"""A worker: claims by a loop of the backend's, attempts in children, everything recorded.

Three threads: the calling one attends to the children (`slots`), one records and beats
(`recorder`), and the backend's loop claims. None of them waits for another.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Protocol

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import JobQueueBackend, WorkerEvent, WorkerOptions
from flowerpower.job_queue.worker.attempt import RELEASED, Attempt
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.prefetch import HORIZON, Prefetch
from flowerpower.job_queue.worker.recorder import RETRY_EVERY, SILENCE_SHARE, Recorder
from flowerpower.job_queue.worker.scheduler import STOP_SIGNALS, Firing
from flowerpower.job_queue.worker.slots import Slots
from flowerpower.triggers import clock

FORCED_LIMIT = 3.0
"""Seconds a second signal leaves for writing down what became of the jobs."""
LAST_WRITES = 5.0
"""Seconds for the same when the worker itself has failed."""


class ClaimLoop(Protocol):
    """The backend's own loop that claims jobs and begins them."""

    def start(self) -> None:
        """Begin to claim, in a thread of its own."""

    def wake(self) -> None:
        """A slot is free: look at once."""

    def stop(self) -> None:
        """Claim no more; returns once nothing is being claimed."""


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
        self._events = Events(on_event)
        self.firing = Firing(backend, self._events)
        self._claiming = threading.Lock()
        self._ahead = Prefetch(options)
        self._recorder = Recorder(
            backend,
            options,
            self._events,
            self._claiming,
            on_recorded=self._note_pace,
            on_free=self._slots_are_free,
            gather=lambda: self._ahead.gather,
        )
        self.attempts = Slots(
            base_dir,
            options.num_workers,
            options.jobs_per_child,
            SILENCE_SHARE * options.lease,
            on_change=self._recorder.changed.set,
            on_trouble=self._events.trouble,
            may_begin=lambda: self._recorder.holds_lease,
        )
        self._loop = make_loop(self)
        self._begun = 0
        self._may_be_more = False
        self._claim_at = 0.0
        self._is_closed = False
        self._stops = 0
        self._stops_told = 0
        self._forced_at = 0.0

    @property
    def id(self) -> str:
        """As the backend knows it; another one once others have taken the worker for dead."""
        return self._recorder.worker_id

    # For the loop of the backend

    def free_slots(self) -> int:
        """How many jobs may be claimed now."""
        if self._stops or self._is_closed or not self.attempts.can_begin:
            return 0
        slots = self.options.num_workers
        ahead = self._ahead.count(slots - self.attempts.count_older(HORIZON))
        if ahead and self.attempts.count_waiting() > ahead // 2:
            return 0
        free = slots + ahead - len(self.attempts.all())
        if self.options.max_jobs is not None:
            free = min(free, self.options.max_jobs - self._begun)
        return max(0, free)

    def claim_and_begin(self) -> int:
        """Claim what fits into the free slots and begin it; how many that were.

        A backend that does not answer is no error here: nothing is claimed.
        """
        with self._claiming:
            free = self.free_slots()
            if not free or clock.monotonic() < self._claim_at:
                return 0
            try:
                # The cheap look comes first, unless the last claim found more than it took.
                if not self._may_be_more and self.backend.next_due_in(self.options.queues) != 0:
                    return 0
                claims = self.backend.claim(self.id, free, self.options.queues)
                self._may_be_more = len(claims) == free
            except BackendUnreachable:
                self._claim_at = clock.monotonic() + RETRY_EVERY
                return 0
            except Exception as error:  # noqa: BLE001 - the loop of the backend must go on
                self._claim_at = clock.monotonic() + RETRY_EVERY
                self._events.trouble(f"Nothing could be claimed: {error!r}")
                return 0
            self._begun += len(claims)
            self.attempts.begin(claims)
            return len(claims)

    def tell_trouble(self, reason: str) -> None:
        """The loop is in trouble and goes on."""
        self._events.trouble(reason)

    # The calling thread

    def run(self) -> int:
        """Work until told to stop, or as the options say; how many attempts were made.

        In the main thread SIGTERM, SIGINT and SIGHUP stop it: the first lets running jobs finish,
        the second ends them and gives them back.
        """
        undo = self._take_signals()
        try:
            self._recorder.register()
            self._events.start()
            self._events.tell("start", id=self.id, pid=os.getpid(), queues=[*self.options.queues],
                              slots=self.options.num_workers)  # fmt: skip
            self._recorder.start(self.attempts)
            seconds = LAST_WRITES
            try:
                self.attempts.start()
                self._loop.start()
                while not self._is_done():
                    self.attempts.attend(self._poll_interval())
                seconds = 0.0
            finally:
                self._is_closed = True
                self._loop.stop()
                self.attempts.close()
                self._recorder.finish(seconds)
                self._events.tell("stop", attempts=self._recorder.done)
                self._events.close()
        finally:
            undo()
        return self._recorder.done

    def stop(self) -> None:
        """As a signal: the first time running jobs finish, the second time they are given back."""
        self._stops += 1
        self.attempts.wake()

    def _take_signals(self) -> Callable[[], None]:
        if threading.current_thread() is not threading.main_thread():
            return lambda: None

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        before = {each: signal.signal(each, stop) for each in STOP_SIGNALS}

        def undo() -> None:
            for each, old in before.items():
                signal.signal(each, old)

        return undo

    def _poll_interval(self) -> float:
        if self._stops or self.options.burst or self.options.max_jobs is not None:
            return 0.1
        return 0.5 if self.attempts.all() else 1.0

    def _is_done(self) -> bool:
        running = self.attempts.all()
        if self._stops:
            self._tell_stop([each.claim.job_id for each in running])
            self.attempts.release_waiting()
        if self._stops > 1:
            for attempt in running:
                self.attempts.stop(attempt, RELEASED)
            if running and clock.monotonic() > self._forced_at + FORCED_LIMIT:
                return True
        return not running and self._wants_to_end() and self._close()

    def _tell_stop(self, running: list[str]) -> None:
        if self._stops_told == 0:
            self._events.tell("stopping", running=running)
        if self._stops > 1 and self._stops_told < 2:
            self._events.tell("forced", running=running)
            self._forced_at = clock.monotonic()
        self._stops_told = self._stops

    def _wants_to_end(self) -> bool:
        options = self.options
        if self._stops or (options.max_jobs is not None and self._begun >= options.max_jobs):
            return True
        return options.burst and self._nothing_is_due()

    def _nothing_is_due(self) -> bool:
        try:
            due = self.backend.next_due_in(self.options.queues)
        except BackendUnreachable:
            return False
        return due is None or due > 0

    def _close(self) -> bool:
        """Claim nothing more; False if something was claimed or is about to be."""
        if not self._claiming.acquire(timeout=0.1):
            return False
        try:
            self._is_closed = not self.attempts.all()
        finally:
            self._claiming.release()
        return self._is_closed

    def _note_pace(self, attempt: Attempt) -> None:
        if attempt.end is not None and attempt.ended is not None:
            self._ahead.note(attempt.ended - attempt.began)

    def _slots_are_free(self) -> None:
        if self.free_slots():
            self._loop.wake()
        if not self.attempts.all():
            self.attempts.wake()
