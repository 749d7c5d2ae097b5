"""A worker of the RQ backend: RQ's own worker, whose jobs are attempts in our children."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import redis
from rq.queue import Queue
from rq.suspension import WORKERS_SUSPENDED
from rq.worker import Worker as StockWorker
from rq.worker import WorkerStatus

from flowerpower.job_queue.base import WorkerEvent, WorkerOptions
from flowerpower.job_queue.rq.store import RedisStore
from flowerpower.job_queue.worker.worker import Worker
from flowerpower.triggers import clock

POLL_EVERY = 0.05
"""Seconds between two looks at Redis."""
BEAT_EVERY = 5.0
"""Seconds between two signs of life for RQ's own tools; ours are the recorder's."""
_AWAY = (redis.RedisError, OSError)


class RqWorker(StockWorker):
    """RQ's worker as RQ's tools know it: its birth, state, beats and death, and its loop.

    Its loop asks for a job and executes it; here it claims for as long as it runs, in one script
    over all queues, and what it claims begins in a slot of `Worker`. A Redis that is away ends
    neither. No command is taken by pubsub, and `rq suspend` is heeded.
    """

    def __init__(self, worker: Worker, store: RedisStore, queues: tuple[str, ...]) -> None:
        # RQ would set longer timeouts on a connection than we want to wait for.
        self.worker_ttl = 20
        super().__init__(
            [Queue(f"{store.namespace}.{each}", connection=store.connection.once)
             for each in queues],
            name=worker.id,
            connection=store.connection.once,
            worker_ttl=20,
            log_job_description=False,
        )  # fmt: skip
        self._worker = worker
        self._wake = threading.Event()
        self._beaten = 0.0
        self._state_told = ""

    @property
    def dequeue_timeout(self) -> int:
        """Nothing blocks in Redis here, so its answers need not be waited for long."""
        return -10

    def ask_to_stop(self) -> None:
        """End the loop."""
        self._stop_requested = True
        self._wake.set()

    def look(self) -> None:
        """Claim at once."""
        self._wake.set()

    def bootstrap(self, *_: Any, **__: Any) -> None:
        """Birth, as far as Redis can be reached; RQ's own would write to stdout and subscribe."""
        with contextlib.suppress(*_AWAY):
            self._be_born()
            self.set_state(WorkerStatus.STARTED)

    def _be_born(self) -> None:
        # RQ refuses a name that is there; this one is nobody else's.
        self.connection.delete(self.key)
        self.register_birth()  # type: ignore[no-untyped-call] # RQ's own

    def _install_signal_handlers(self) -> None:
        """`Worker` has them."""

    def procline(self, message: str) -> None:
        """The process is not RQ's alone."""

    def check_for_suspension(self, burst: bool) -> None:
        """It is looked for while claiming."""

    def run_maintenance_tasks(self) -> None:
        """Ours are the recorder's; RQ's would spend retries by the machine's clock."""

    def teardown(self) -> None:
        """Death, as far as Redis can be reached."""
        with contextlib.suppress(*_AWAY):
            self.register_death()  # type: ignore[no-untyped-call] # RQ's own

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> None:
        """Claim until told to stop."""
        suspended = False
        while not self._stop_requested:
            try:
                suspended = self._beat(suspended)
            except _AWAY:
                pass
            except Exception as error:  # noqa: BLE001 - what RQ's tools see is not what we work by
                self._worker.report_trouble(f"RQ's tools cannot be told of the worker: {error!r}")
            wait = POLL_EVERY
            if self._worker.options.with_scheduler:
                wait = min(wait, self._worker.firing.step())
            if suspended or not self._worker.claim_and_begin():
                self._wake.wait(wait)
            self._wake.clear()

    def _beat(self, suspended: bool) -> bool:
        """A sign of life for RQ's tools, and whether `rq suspend` was said."""
        if clock.monotonic() < self._beaten + (1.0 if suspended else BEAT_EVERY):
            return suspended
        self._beaten = clock.monotonic()
        pipeline = self.connection.pipeline(transaction=False)
        pipeline.exists(self.key)
        self.heartbeat(pipeline=pipeline)
        pipeline.exists(WORKERS_SUSPENDED)
        known, *_, is_suspended = pipeline.execute()
        if not known:
            self._be_born()
        busy = WorkerStatus.BUSY if self._worker.slots.attempts() else WorkerStatus.IDLE
        state = WorkerStatus.SUSPENDED if is_suspended else busy
        if state != self._state_told or not known:
            self.set_state(state)
            self._state_told = state
        return bool(is_suspended)


class RqLoop:
    """RQ's worker in a thread of its own, claiming for one worker of ours."""

    def __init__(self, worker: Worker, store: RedisStore) -> None:
        with store.connection.errors():
            self._rq = RqWorker(worker, store, worker.options.queues)
        self._thread = threading.Thread(target=self._rq.work, name="rq")

    def start(self) -> None:
        """Begin to claim."""
        self._thread.start()

    def wake(self) -> None:
        """A slot is free: look at once."""
        self._rq.look()

    def stop(self) -> None:
        """Claim no more; returns once nothing is being claimed."""
        self._rq.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join()


def work(
    store: Any, options: WorkerOptions, on_event: Callable[[WorkerEvent], None] | None = None
) -> int:
    """Work as the options say; how many attempts were made."""
    logging.getLogger("rq").setLevel(logging.CRITICAL)
    if on_event is not None:
        for reason in _dangers(store.info()):
            on_event(WorkerEvent("trouble", {"reason": reason}))
    return Worker(
        store, store.base_dir, options, lambda worker: RqLoop(worker, store), on_event
    ).run()


def _dangers(info: Any) -> Iterator[str]:
    """What may lose acknowledged jobs on this Redis."""
    if not info.get("aof_enabled"):
        yield "Redis has no append-only file: a crash of it loses jobs (set appendonly yes)."
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield f"Redis may evict jobs when it is full: maxmemory-policy is {policy}, not noeviction."
