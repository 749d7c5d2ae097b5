"""Schedulers: turning due fires into jobs, in a process of its own or beside a worker's claims."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import LEASE, JobQueueBackend, WorkerEvent
from flowerpower.job_queue.worker.dead_workers import Reaper
from flowerpower.job_queue.worker.events import Events
from flowerpower.triggers import clock

LOOK_EVERY = 0.1
"""Seconds between two looks for what is due; a fire that is nearer is waited for exactly."""
RETRY_EVERY = 1.0
"""Seconds before a backend that did not answer is asked again."""
REAP_EVERY = 1.0
PRUNE_EVERY = 60.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Firing:
    """Fires what is due, a step at a time; tells of each fire and never raises."""

    def __init__(self, backend: JobQueueBackend, events: Events) -> None:
        self._backend = backend
        self._events = events
        self._look_at = 0.0

    def step(self) -> float:
        """Fire what is due, if it is time to look; seconds until the next look."""
        now = clock.monotonic()
        if now < self._look_at:
            return self._look_at - now
        wait = self._wait()
        self._look_at = clock.monotonic() + wait
        return wait

    def _wait(self) -> float:
        try:
            due = self._backend.schedules.next_fire_in()
            if due is None or due > 0:
                return LOOK_EVERY if due is None else min(due, LOOK_EVERY)
            batch = self._backend.schedules.fire_due()
        except BackendUnreachable:
            return RETRY_EVERY
        except Exception as error:  # noqa: BLE001 - a scheduler that goes on beats one that ends
            self._events.trouble(f"Nothing could be fired: {error!r}")
            return RETRY_EVERY
        for fire in batch.fires:
            self._events.tell("fire", **fire.to_json())
        return 0.0 if batch.schedules else LOOK_EVERY


class Scheduler:
    """A process that fires, buries dead workers and forgets old records, and runs no job."""

    def __init__(
        self, backend: JobQueueBackend, on_event: Callable[[WorkerEvent], None] | None = None
    ) -> None:
        self._backend = backend
        self._events = Events(on_event)
        self._firing = Firing(backend, self._events)
        self._reaper = Reaper(LEASE)
        self._stopped = threading.Event()
        self._next: dict[str, float] = {}
        self._unreachable_since: float | None = None

    def run(self) -> None:
        """Schedule until told to stop; in the main thread by SIGTERM, SIGINT or SIGHUP."""
        with self._signals():
            self._events.start()
            self._events.tell("start", pid=os.getpid())
            while not self._stopped.is_set():
                wait = self._firing.step()
                self._clean()
                self._stopped.wait(wait)
            self._events.tell("stop")
            self._events.close()

    def stop(self) -> None:
        """End after the present step."""
        self._stopped.set()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, lambda *_: self.stop()) for each in STOP_SIGNALS}
        try:
            yield
        finally:
            for each, old in before.items():
                signal.signal(each, old)

    def _clean(self) -> None:
        try:
            if self._is_time("reap", REAP_EVERY):
                beats = self._backend.beats()
                for worker, beat in self._reaper.dead(beats, clock.monotonic()).items():
                    jobs = self._backend.requeue_lost_jobs_of(worker, beat)
                    self._events.tell("worker_died", worker=worker, jobs=jobs)
            if self._is_time("prune", PRUNE_EVERY):
                self._backend.prune()
        except BackendUnreachable as error:
            self._reaper.forget()
            if self._unreachable_since is None:
                self._unreachable_since = clock.monotonic()
                self._events.tell("unreachable", reason=error.message)
            return
        except Exception as error:  # noqa: BLE001 - as for a fire
            self._events.trouble(f"Something unexpected: {error!r}")
            return
        if self._unreachable_since is not None:
            seconds = round(clock.monotonic() - self._unreachable_since, 1)
            self._unreachable_since = None
            self._events.tell("reachable", after_seconds=seconds)

    def _is_time(self, what: str, every: float) -> bool:
        now = clock.monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every
        return True
