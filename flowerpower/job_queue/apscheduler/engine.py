"""APScheduler as the engine of a worker: its loop, its pool of threads and its events."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from apscheduler import events as aps_events
from apscheduler.executors.base import run_job
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from flowerpower.job_queue.apscheduler.claim_store import EXECUTOR, ClaimJob, ClaimStore
from flowerpower.job_queue.worker.attempt import Attempt
from flowerpower.job_queue.worker.run_attempt import make_attempts
from flowerpower.job_queue.worker.worker import Worker

RECORDED_EVERY = 0.01
"""Seconds between two looks whether all ends are recorded, once the threads have ended."""
Listener = tuple[Callable[[Any], object], int]
"""A callback of a user, and the mask of the events that it wants."""
_ENDED = aps_events.EVENT_JOB_EXECUTED | aps_events.EVENT_JOB_ERROR


class SlotPool(ThreadPoolExecutor):  # type: ignore[misc] # the package ships no types
    """APScheduler's pool, with a thread for each slot; a job has run once its end is recorded."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker.options.num_workers)
        self._slots = worker.slots
        self._slots.use(lambda: self._pool.submit(make_attempts, self._slots))
        self._unrecorded: set[Attempt] = set()

    def _do_submit_job(self, job: ClaimJob, run_times: list[datetime]) -> None:
        """Have a thread make the attempt; then APScheduler's own `run_job` asks for its result."""
        attempt = job.attempt
        self._unrecorded.add(attempt)

        def end() -> None:
            try:
                events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
                self._run_job_success(job.id, events)
            finally:
                # Else the worker would wait for it when it ends.
                self._unrecorded.discard(attempt)

        attempt.when_recorded(end)
        self._slots.make([attempt])

    def shutdown(self, wait: bool = True) -> None:
        """End the threads; waits for the ends of what they make, and for the records of these."""
        super().shutdown(wait)
        while wait and self._unrecorded:
            time.sleep(RECORDED_EVERY)


class ApsEngine:
    """A BackgroundScheduler whose due jobs are the claims of one worker."""

    def __init__(self, worker: Worker, listeners: Sequence[Listener] = ()) -> None:
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        # It would print a traceback of ours for each failed attempt, whose error is recorded.
        logging.getLogger(f"apscheduler.executors.{EXECUTOR}").setLevel(logging.CRITICAL)
        self._worker = worker
        self._listeners = listeners
        self._store = ClaimStore(worker)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            jobstores={"default": self._store},
            executors={EXECUTOR: SlotPool(worker)},
            jobstore_retry_interval=0.5,
        )
        self._scheduler.add_listener(self._on_event)
        # A daemon: if starting fails, it has not begun, and nobody waits for it.
        self._shutdown = threading.Thread(target=self._shut_down, name="shutdown", daemon=True)
        self._has_shut_down = False

    def start(self) -> None:
        """Begin to claim, in a thread of its own."""
        self._scheduler.start()

    def wake(self) -> None:
        """Look for jobs at once, because a slot is free."""
        if self._scheduler.running:
            self._scheduler.wakeup()

    def stop(self) -> None:
        """Claim no more, and end once every attempt has; returns at once."""
        # In a thread of its own: shutting down waits for the attempts, which need the thread that
        # calls this.
        if self._scheduler.running and self._shutdown.ident is None:
            self._shutdown.start()

    def _shut_down(self) -> None:
        self._scheduler.shutdown(wait=True)
        self._has_shut_down = True
        self._worker.slots.children.wake()

    @property
    def has_ended(self) -> bool:
        """Whether neither its loop nor a thread of its pool runs any more."""
        if self._shutdown.ident is not None:
            return self._has_shut_down
        loop = self._scheduler._thread
        return loop is not None and not loop.is_alive()

    @property
    def was_told_to_end(self) -> bool:
        """APScheduler has no tools that end another process's loop."""
        return False

    def join(self) -> None:
        """Wait until it has ended."""
        if self._shutdown.ident is not None:
            self._shutdown.join()

    def _on_event(self, event: Any) -> None:
        """Make the worker's own events of APScheduler's, and pass these on to the user's listeners.

        The listeners are called by the thread of the worker's events: here they would hold up the
        loop, or an attempt's slot.
        """
        if event.code & _ENDED:
            self._worker.emit_end(self._store.taken(event.job_id))
        elif (fire := getattr(event, "fire", None)) is not None:
            self._worker.firing.emit(fire)
        for callback, mask in self._listeners:
            if event.code & mask:
                self._worker.events.send(callback, event)
