"""Schedulers: turning due fires into jobs, in a process of its own or beside a worker's claims.

And maintenance, which every worker does too: a queue whose last worker was killed is put right by
whoever comes next.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator, Mapping

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.notices.commands import left_alone
from flowerpower.job_queue.notices.sender import NoticeSender
from flowerpower.job_queue.worker import isolation
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.wakeup import WakeUp
from flowerpower.job_queue.worker_options import LEASE, WorkerEvent
from flowerpower.jobs.schedule import Fire
from flowerpower.triggers import clock

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
RETRY_EVERY = 1.0
"""Seconds before the next call to a backend that did not answer."""
PRUNE_EVERY = 60.0
EXPIRE_EVERY = 1.0
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
    """Fires what is due, one step at a time, and never raises.

    `on_fire` is called with each fire; by default an event is emitted.
    """

    def __init__(self, backend: JobQueueBackend, events: Events) -> None:
        self.on_fire: Callable[[Fire], None] = self.emit
        self._backend = backend
        self._events = events
        self._look_at = 0.0

    def emit(self, fire: Fire) -> None:
        """Emit the event of a fire."""
        facts = fire.to_json()
        # Its job is new.
        del facts["job_status"], facts["job_error"]
        self._events.emit("fire", **facts)

    def step(self) -> float:
        """Fire what is due, if it is time to look; seconds until the next look."""
        if clock.monotonic() >= self._look_at:
            wait = self._fire()
            self._look_at = clock.monotonic() + wait
        return max(0.0, self._look_at - clock.monotonic())

    def _fire(self) -> float:
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
            self.on_fire(fire)
        # More may be due than one batch holds; without a batch another scheduler was faster.
        return 0.0 if batch.schedules else LOOK_EVERY


class Every:
    """Something to do at most once in `seconds`, for the first time at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due_at = 0.0

    def is_due(self) -> bool:
        """Whether it is time; if so, the next time is `seconds` from now."""
        now = clock.monotonic()
        if now < self._due_at:
            return False
        self._due_at = now + self._seconds
        return True


class Reaper:
    """Says which workers are dead: those whose beat did not change for a lease, by our own clock.

    After half a lease without a look everyone has a full lease again. The backend was away, or this
    process was frozen, and then the others may not have been able to beat either.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._seen: dict[str, tuple[int, float]] = {}
        self._last_look = 0.0

    def dead(self, beats: Mapping[str, int], now: float) -> dict[str, int]:
        """Of the `beats` seen at the monotonic time `now`, those unchanged for a lease."""
        if now - self._last_look > self._lease / 2:
            self.forget()
        self._last_look = now
        seen = {}
        for worker, beat in beats.items():
            old_beat, since = self._seen.get(worker, (None, now))
            seen[worker] = (beat, since if old_beat == beat else now)
        self._seen = seen
        return {
            worker: beat for worker, (beat, since) in seen.items() if now - since >= self._lease
        }

    def forget(self) -> None:
        """Give everyone a full lease again."""
        self._seen = {}


class Maintenance:
    """Requeues the jobs of dead workers, cancels what waited too long, prunes old records.

    And it reports a lost backend.
    """

    def __init__(self, backend: JobQueueBackend, events: Events, lease: float) -> None:
        self._backend = backend
        self._events = events
        self._reaper = Reaper(lease)
        self._reaping, self._pruning = Every(lease / 10), Every(PRUNE_EVERY)
        self._expiring = Every(EXPIRE_EVERY)
        self._unreachable_since: float | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether the backend answered the last call."""
        return self._unreachable_since is None

    def run_due(self, own_id: str = "") -> None:
        """Do what is due; `own_id` is the worker that asks, which never judges itself."""
        if self._reaping.is_due():
            beats = self._backend.beats()
            beats.pop(own_id, None)
            for worker, beat in self._reaper.dead(beats, clock.monotonic()).items():
                # The beat goes with it: a worker that has beaten since keeps its jobs.
                lost = self._backend.requeue_lost_jobs_of(worker, beat)
                self._events.emit("worker_died", worker=worker, jobs=lost.count, **vars(lost))
        if self._expiring.is_due():
            for job in self._backend.expire_jobs():
                self._events.job_expired(job)
        if self._pruning.is_due():
            self._backend.prune()

    def note_unreachable(self, error: BackendUnreachable) -> float:
        """The backend did not answer; how many seconds this has lasted."""
        self._reaper.forget()
        now = clock.monotonic()
        if self._unreachable_since is None:
            self._unreachable_since = now
            self._events.emit("unreachable", reason=error.message)
        return now - self._unreachable_since

    def note_reachable(self) -> None:
        """The backend answered."""
        if self._unreachable_since is not None:
            seconds = round(clock.monotonic() - self._unreachable_since, 1)
            self._unreachable_since = None
            self._events.emit("reachable", after_seconds=seconds)


class Scheduler:
    """A process that fires schedules and maintains the queue, and runs no job."""

    def __init__(
        self, backend: JobQueueBackend, on_event: Callable[[WorkerEvent], None] | None = None
    ) -> None:
        self._events = Events(on_event)
        self._source = backend.source
        self._firing = Firing(backend, self._events)
        self._maintenance = Maintenance(backend, self._events, LEASE)
        self._notices = NoticeSender(backend, self._events.trouble)
        self._is_stopping = False
        self._stop_requests = 0
        # Not an Event: a signal may come while its own lock is held, and `set` would wait for ever.
        self._wakeup = WakeUp()

    def run(self) -> None:
        """Schedule until `stop`; in the main thread also until SIGTERM, SIGINT or SIGHUP."""
        poller = select.poll()
        poller.register(self._wakeup, select.POLLIN)
        with (
            contextlib.closing(self._wakeup),
            stop_signals_call(self.stop),
            self._source.watched(self._events.trouble),
        ):
            self._events.start()
            self._events.emit("start", pid=os.getpid())
            self._notices.start()
            while not self._is_stopping:
                wait = self._firing.step()
                self._maintain()
                poller.poll(wait * 1000)
            self._notices.stop(lambda: self._stop_requests > 1)
            self._events.emit("stop")
            self._events.close()

    def stop(self) -> None:
        """End after the current step; from any thread, or a signal handler.

        A second call does not wait for notices either.
        """
        self._stop_requests += 1
        self._is_stopping = True
        self._wakeup.wake()

    def _maintain(self) -> None:
        with left_alone() as commands:
            isolation.reap_orphans(commands)
        try:
            self._maintenance.run_due()
        except BackendUnreachable as error:
            self._maintenance.note_unreachable(error)
        except Exception as error:  # noqa: BLE001 - as for a fire
            self._events.trouble(f"Unexpected error: {error!r}")
        else:
            self._maintenance.note_reachable()
