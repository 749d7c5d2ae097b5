"""A worker of the RQ backend: RQ's own worker, whose jobs are attempts in our children."""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from typing import Any

import redis
from rq.queue import Queue
from rq.suspension import WORKERS_SUSPENDED
from rq.worker import Worker as StockWorker
from rq.worker import WorkerStatus

from flowerpower.job_queue.base import JobQueueBackend, Watcher, WorkerEvent, WorkerOptions
from flowerpower.job_queue.rq import persistence
from flowerpower.job_queue.rq.store import RedisStore
from flowerpower.job_queue.worker.worker import Worker
from flowerpower.triggers import clock

POLL_EVERY = 0.05
"""Seconds between two polls of Redis."""
BEAT_EVERY = 5.0
"""Seconds between two heartbeats for RQ's own tools; the recorder sends ours."""
_REDIS_ERRORS = (redis.RedisError, OSError)


class RqWorker(StockWorker):
    """RQ's worker as RQ's tools know it: its birth, state, heartbeats and death, and its loop.

    RQ's loop dequeues one job and executes it. Here dequeuing never returns: it claims with one
    script over all queues, and each claim begins in a slot of `Worker`. An unreachable Redis ends
    neither. It takes no commands by pubsub, and obeys `rq suspend`.
    """

    def __init__(self, worker: Worker, store: RedisStore) -> None:
        # RQ's constructor reads it, and would set a longer timeout on the connection.
        self.worker_ttl = 20
        super().__init__(
            [Queue(f"{store.namespace}.{name}", connection=store.connection.once)
             for name in worker.options.queues],
            name=worker.id,
            connection=store.connection.once,
            worker_ttl=20,
            log_job_description=False,
        )  # fmt: skip
        self._worker = worker
        self._thread = threading.Thread(target=self.work, name="rq")
        self._wake = threading.Event()
        self._last_beat = 0.0
        self._last_state = ""

    @property
    def dequeue_timeout(self) -> int:
        """For RQ the seconds that a read may block, to which it adds some; here none blocks."""
        return -10

    def start(self) -> None:
        """Begin to claim, in a thread of its own."""
        self._thread.start()

    def wake(self) -> None:
        """Claim at once, because a slot is free."""
        self._wake.set()

    def stop(self) -> None:
        """Claim no more; return once nothing is being claimed."""
        self._stop_requested = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def bootstrap(self, *_: Any, **__: Any) -> None:
        """Register with RQ, if Redis can be reached; RQ's own writes to stdout and subscribes."""
        with contextlib.suppress(*_REDIS_ERRORS):
            self._register()
            self.set_state(WorkerStatus.STARTED)

    def _register(self) -> None:
        # RQ refuses a name that exists; this one is unique, so it can only be our own.
        self.connection.delete(self.key)
        self.register_birth()  # type: ignore[no-untyped-call] # RQ's own

    def _install_signal_handlers(self) -> None:
        """Nothing: `Worker` handles signals."""

    def procline(self, message: str) -> None:
        """Nothing: the process title is not RQ's."""

    def check_for_suspension(self, burst: bool) -> None:
        """Nothing: it is checked while claiming."""

    def run_maintenance_tasks(self) -> None:
        """Nothing: the recorder does ours; RQ's would use up retries, by the machine's clock."""

    def teardown(self) -> None:
        """Unregister from RQ, if Redis can be reached."""
        with contextlib.suppress(*_REDIS_ERRORS):
            self.register_death()  # type: ignore[no-untyped-call] # RQ's own

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> None:
        """Claim until asked to stop."""
        suspended = False
        while not self._stop_requested:
            try:
                suspended = self._beat(suspended)
            except _REDIS_ERRORS:
                pass
            except Exception as error:  # noqa: BLE001 - only RQ's tools depend on it
                self._worker.events.trouble(f"The worker is not shown to RQ's tools: {error!r}")
            wait = POLL_EVERY
            if self._worker.options.with_scheduler:
                wait = min(wait, self._worker.firing.step())
            if suspended or not self._worker.claim_and_begin():
                self._wake.wait(wait)
            self._wake.clear()

    def _beat(self, suspended: bool) -> bool:
        """Send a heartbeat for RQ's tools; return whether `rq suspend` is in force."""
        if clock.monotonic() < self._last_beat + (1.0 if suspended else BEAT_EVERY):
            return suspended
        self._last_beat = clock.monotonic()
        pipeline = self.connection.pipeline(transaction=False)
        pipeline.exists(self.key)
        self.heartbeat(pipeline=pipeline)
        pipeline.exists(WORKERS_SUSPENDED)
        is_known, *_, is_suspended = pipeline.execute()
        # Redis may have lost it, or its key expired while Redis could not be reached.
        if not is_known:
            self._register()
        busy = WorkerStatus.BUSY if self._worker.slots.attempts() else WorkerStatus.IDLE
        state = WorkerStatus.SUSPENDED if is_suspended else busy
        if state != self._last_state or not is_known:
            self.set_state(state)
            self._last_state = state
        return bool(is_suspended)


def work(
    backend: JobQueueBackend, store: RedisStore, options: WorkerOptions, on_event: Watcher
) -> int:
    """Work as the options say; return how many attempts were made."""
    # RQ's loggers write to stdout where logging is not configured.
    logging.getLogger("rq").setLevel(logging.CRITICAL)
    if on_event is not None:
        for reason in persistence.warnings(store.connection.info()):
            on_event(WorkerEvent("trouble", {"reason": reason}))

    def make_loop(worker: Worker) -> RqWorker:
        with store.connection.errors(), warnings.catch_warnings():
            # RQ warns if the user of Redis may not name connections; it works without.
            warnings.simplefilter("ignore")
            return RqWorker(worker, store)

    return Worker(backend, backend.base_dir, options, make_loop, on_event).run()
