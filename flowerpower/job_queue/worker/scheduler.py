"""Schedulers: turning due fires into jobs, in a process of its own or beside a worker's claims."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import LEASE, JobQueueBackend, WorkerEvent
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.maintenance import RETRY_EVERY, Maintenance
from flowerpower.triggers import clock

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOOK_EVERY = 0.1
"""Seconds between two looks at what is due; for a nearer fire the wait is exact."""


@contextlib.contextmanager
def stop_signals_call(stop: Callable[[], None]) -> Iterator[None]:
    """Inside the block each of STOP_SIGNALS calls `stop`; afterwards the old handlers are back."""
    # Python lets only the main thread set handlers; in another thread the caller has `stop`.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, lambda *_: stop()) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class Firing:
    """Fires what is due, one step at a time; emits an event for each fire and never raises."""

    def __init__(self, backend: JobQueueBackend, events: Events) -> None:
        self._backend = backend
        self._events = events
        self._look_at = 0.0

    def step(self) -> float:
        """Fire what is due, if it is time to look; seconds until the next look."""
        now = clock.monotonic()
        if now < self._look_at:
            return self._look_at - now
        wait = self._fire_and_wait_time()
        self._look_at = clock.monotonic() + wait
        return wait

    def _fire_and_wait_time(self) -> float:
        try:
            due = self._backend.schedules.next_fire_in()
            if due is None or due > 0:
                # A schedule may be added meanwhile, so no wait is longer than LOOK_EVERY.
                return LOOK_EVERY if due is None else min(due, LOOK_EVERY)
            batch = self._backend.schedules.fire_due()
        except BackendUnreachable:
            return RETRY_EVERY
        except Exception as error:  # noqa: BLE001 - a scheduler that goes on beats one that ends
            self._events.trouble(f"Schedules could not be fired: {error!r}")
            return RETRY_EVERY
        for fire in batch.fires:
            self._events.emit("fire", **fire.to_json())
        # More may be due than one batch holds; without a batch another scheduler was faster.
        return 0.0 if batch.schedules else LOOK_EVERY


class Scheduler:
    """A process that fires schedules and maintains the queue, and runs no job."""

    def __init__(
        self, backend: JobQueueBackend, on_event: Callable[[WorkerEvent], None] | None = None
    ) -> None:
        self._events = Events(on_event)
        self._firing = Firing(backend, self._events)
        self._maintenance = Maintenance(backend, self._events, LEASE)
        self._stopped = threading.Event()

    def run(self) -> None:
        """Schedule until `stop`; in the main thread also until SIGTERM, SIGINT or SIGHUP."""
        with stop_signals_call(self.stop):
            self._events.start()
            self._events.emit("start", pid=os.getpid())
            while not self._stopped.is_set():
                wait = self._firing.step()
                self._maintain()
                self._stopped.wait(wait)
            self._events.emit("stop")
            self._events.close()

    def stop(self) -> None:
        """End after the current step."""
        self._stopped.set()

    def _maintain(self) -> None:
        try:
            self._maintenance.run_due()
        except BackendUnreachable as error:
            self._maintenance.note_unreachable(error)
        except Exception as error:  # noqa: BLE001 - as for a fire
            self._events.trouble(f"Unexpected error: {error!r}")
        else:
            self._maintenance.note_reachable()
