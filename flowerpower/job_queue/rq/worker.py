"""RQ as the engine of a worker: RQ's own worker and its loop, whose jobs our children run."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import warnings
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from rq.exceptions import StopRequested
from rq.job import Job
from rq.queue import Queue
from rq.suspension import WORKERS_SUSPENDED
from rq.worker import Worker as StockWorker
from rq.worker import WorkerStatus

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.rq import setup
from flowerpower.job_queue.rq.fields import rq_id
from flowerpower.job_queue.rq.store import RedisStore
from flowerpower.job_queue.worker.attempt import Attempt
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.run_attempt import make_attempts
from flowerpower.job_queue.worker.worker import Worker
from flowerpower.job_queue.worker_options import Watcher, WorkerEvent, WorkerOptions
from flowerpower.triggers import clock

BEAT_EVERY = 5.0
"""Seconds between two heartbeats for RQ's own tools; the recorder sends ours."""
LOOK_EVERY = 0.25
"""Seconds between two looks whether `rq suspend` is in force."""
RECORDED_EVERY = 0.01
"""Seconds between two looks whether all ends are recorded, once the loop has ended."""
_REDIS_ERRORS = (redis.RedisError, OSError)


class ClaimedJob(Job):
    """RQ's job as its loop passes it on: a claim, of which it knows only the id."""

    def __init__(self, attempt: Attempt, namespace: str, connection: Any) -> None:
        # Not the base's: it sets some fifty attributes, for each job anew.
        self._id = rq_id(namespace, attempt.claim.job_id)
        self.connection = connection
        self.attempt = attempt


class ClaimQueue(Queue):
    """RQ's queue, from which jobs are dequeued by claiming them."""

    worker: RqWorker

    @classmethod
    def dequeue_any(  # type: ignore[override] # RQ's own loop is the only caller
        cls, queues: Sequence[ClaimQueue], *_: Any, **__: Any
    ) -> tuple[ClaimedJob, Queue] | None:
        """Wait for a job that a slot is free for; None once the worker is to stop.

        One script claims from all queues; what it claimed beyond the first is given next time.
        """
        worker = queues[0].worker
        attempt = worker.next_attempt()
        if attempt is None:
            return None
        # The queue matters to RQ's log alone.
        return ClaimedJob(attempt, worker.store.namespace, worker.connection), queues[0]


class RqWorker(StockWorker):
    """RQ's worker as RQ's tools know it: its birth, state, heartbeats and death, and its loop.

    RQ's loop dequeues a job and executes it: dequeuing claims, and executing fills a slot of
    `Worker` and returns. An unreachable Redis ends neither. It takes no commands by pubsub, and
    obeys `rq suspend`.
    """

    queue_class = ClaimQueue

    def __init__(self, worker: Worker, store: RedisStore) -> None:
        # RQ's constructor reads it, and would set a longer timeout on the connection.
        self.worker_ttl = 20
        queues = [ClaimQueue(f"{store.namespace}.{name}", connection=store.connection.once)
                  for name in worker.options.queues]  # fmt: skip
        for queue in queues:
            queue.worker = self
        super().__init__(
            queues,
            name=worker.id,
            connection=store.connection.once,
            worker_ttl=20,
            log_job_description=False,
        )
        self.store = store
        self.was_told_to_end = False
        self._worker = worker
        self._claimed: deque[Attempt] = deque()
        self._unrecorded: set[Attempt] = set()
        self._pool = ThreadPoolExecutor(worker.options.num_workers, thread_name_prefix="slot")
        worker.slots.use(lambda: self._pool.submit(make_attempts, worker.slots))
        self._thread = threading.Thread(target=self._run, name="rq")
        self._wake = threading.Event()
        self._last_look = self._last_beat = -BEAT_EVERY
        self._last_state = ""
        self._is_suspended = False

    # The engine of a worker

    def start(self) -> None:
        """Begin to claim, in a thread of its own."""
        self._thread.start()

    def wake(self) -> None:
        """Claim at once, because a slot is free."""
        self._wake.set()

    def stop(self) -> None:
        """Claim no more, and end once every attempt has; returns at once."""
        self._stop_requested = True
        self._wake.set()

    @property
    def has_ended(self) -> bool:
        """Whether neither its loop nor a thread of its pool runs any more."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def join(self) -> None:
        """Wait until it has ended."""
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self.work()
        finally:
            self._pool.shutdown(wait=True)
            self._worker.slots.children.wake()

    # What RQ's loop calls

    def bootstrap(self, *_: Any, **__: Any) -> None:
        """Register with RQ, if Redis can be reached; RQ's own writes to stdout and subscribes."""
        with contextlib.suppress(*_REDIS_ERRORS):
            self._register()
            super().set_state(WorkerStatus.STARTED)

    def _register(self) -> None:
        # RQ refuses a name that exists; this one is unique, so it can only be our own.
        self.connection.delete(self.key)
        self.register_birth()  # type: ignore[no-untyped-call] # RQ's own

    def _install_signal_handlers(self) -> None:
        """Nothing: `Worker` handles signals."""

    def procline(self, message: str) -> None:
        """Nothing: the process title is not RQ's."""

    def run_maintenance_tasks(self) -> None:
        """Nothing: the recorder does ours; RQ's would use up retries, by the machine's clock."""

    def get_redis_server_version(self) -> tuple[int, int, int]:
        """Of no interest here; RQ's own asks with INFO, which not every user of Redis may call."""
        return (6, 2, 0)

    def dequeue_job_and_maintain_ttl(self, *_: Any, **__: Any) -> tuple[ClaimedJob, Queue] | None:
        """Dequeue a job; RQ's own does so too, between heartbeats and log records for each job."""
        return ClaimQueue.dequeue_any(self.queues)  # type: ignore[arg-type] # they are such

    def set_state(self, state: str, pipeline: Any = None) -> None:
        """Nothing: `_look` writes the state, not once more for each job."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Nothing without a pipeline, as `set_state`."""
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)

    def teardown(self) -> None:
        """Wait for what runs, as RQ's own has done by now; then unregister from RQ."""
        # Claims that fill no slot yet are nobody's business here: `Worker` gives them back.
        while self._unrecorded:
            time.sleep(RECORDED_EVERY)
            self._look()
        with contextlib.suppress(*_REDIS_ERRORS):
            self.register_death()  # type: ignore[no-untyped-call] # RQ's own

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Fill a slot with a claimed job; a thread of the pool makes the attempt."""
        # Not what RQ's own does about a job's end: it is not fenced.
        assert isinstance(job, ClaimedJob)
        attempt = job.attempt
        self._unrecorded.add(attempt)

        def end() -> None:
            try:
                self._worker.emit_end(attempt)
            finally:
                # Else the worker would wait for it when it ends.
                self._unrecorded.discard(attempt)

        attempt.when_recorded(end)
        self._worker.slots.make([attempt])

    def next_attempt(self) -> Attempt | None:
        """Wait for an attempt that a slot is free for; None once the worker is to stop."""
        while not self._stop_requested:
            if self._claimed:
                return self._claimed.popleft()
            # RQ's loop asks between two jobs alone: a worker at rest would take one more.
            self.check_for_suspension(False)
            seconds = self._fire()
            self._claimed.extend(self._worker.claim())
            if not self._claimed:
                self._wake.wait(seconds)
                self._wake.clear()
        return None

    def _fire(self) -> float:
        """Fire schedules, if asked to; seconds until something is to be done."""
        if self._worker.options.with_scheduler:
            return min(self._worker.poll_interval(), self._worker.firing.step())
        return self._worker.poll_interval()

    def check_for_suspension(self, burst: bool) -> None:
        """Wait while `rq suspend` is in force; a burst ends instead, as RQ's own does."""
        # RQ's loop is not told of it: `Worker` says when a burst ends, which waits for retries.
        burst = burst or self._worker.options.burst
        was_suspended = False
        # What was claimed before is run: held back here, it would wait for nobody else either.
        while not self._claimed and self._look() and not self._stop_requested:
            if not was_suspended:
                self._worker.events.emit("suspended", ends=burst)
                was_suspended = True
            if burst:
                self.was_told_to_end = True
                raise StopRequested
            self._wake.wait(self._fire())
            self._wake.clear()
        if was_suspended and not self._is_suspended:
            self._worker.events.emit("resumed")

    def _look(self) -> bool:
        """Now and then see whether `rq suspend` is in force, and show what this worker does."""
        if clock.monotonic() >= self._last_look + LOOK_EVERY:
            self._last_look = clock.monotonic()
            try:
                self._exchange()
            except _REDIS_ERRORS:
                pass
            except Exception as error:  # noqa: BLE001 - only RQ's tools depend on it
                self._worker.events.trouble(f"The worker is not shown to RQ's tools: {error!r}")
        return self._is_suspended

    def _exchange(self) -> None:
        is_beat_due = clock.monotonic() >= self._last_beat + BEAT_EVERY
        pipeline = self.connection.pipeline(transaction=False)
        pipeline.exists(WORKERS_SUSPENDED)
        pipeline.exists(self.key)
        if is_beat_due:
            self.heartbeat(pipeline=pipeline)
        is_suspended, is_known, *_ = pipeline.execute()
        if is_beat_due:
            self._last_beat = clock.monotonic()
        self._is_suspended = bool(is_suspended)
        # Redis may have lost it, or its key expired while Redis could not be reached.
        if not is_known:
            self._register()
        busy = WorkerStatus.BUSY if self._worker.slots.attempts() else WorkerStatus.IDLE
        state = WorkerStatus.SUSPENDED if is_suspended else busy
        if state != self._last_state or not is_known:
            super().set_state(state)
            self._last_state = state


def work(
    backend: JobQueueBackend, store: RedisStore, options: WorkerOptions, on_event: Watcher
) -> int:
    """Work as the options say; return how many attempts were made."""
    # RQ's loggers write to stdout where logging is not configured.
    logging.getLogger("rq").setLevel(logging.CRITICAL)
    # Its worker has a level of its own. Each job would be a record; why its loop failed is wanted.
    logging.getLogger("rq.worker").setLevel(logging.ERROR)
    if on_event is not None:
        for problem in setup.loss_problems(store.connection.info()):
            on_event(WorkerEvent("trouble", {"reason": problem.message}))

    def make_engine(worker: Worker) -> RqWorker:
        with store.connection.errors(), warnings.catch_warnings():
            # RQ warns if the user of Redis may not name connections; it works without.
            warnings.simplefilter("ignore")
            return RqWorker(worker, store)

    return Worker(backend, options, make_engine, Events(on_event)).run()
