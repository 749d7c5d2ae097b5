"""The recording thread of a worker: it beats, buries dead workers, and writes down attempts.

A backend that does not answer stops this thread alone: what is to be written is kept and tried
again. An exception that nobody thought of is told and stops nothing either.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import FinishRequest, JobQueueBackend, WorkerOptions
from flowerpower.job_queue.worker.attempt import LEASE_LOST, RELEASED, Attempt, PendingOutput
from flowerpower.job_queue.worker.dead_workers import Reaper
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.slots import Slots
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import AttemptResult, Claim, Heartbeat, WorkerInfo
from flowerpower.jobs.job import JobStatus
from flowerpower.triggers import clock

RECORD_EVERY = 0.25
"""Seconds between two writes of one attempt's log and progress."""
RETRY_EVERY = 1.0
"""Seconds before a backend that did not answer is asked again."""
PRUNE_EVERY = 60.0
SILENCE_SHARE = 0.7
"""Of a lease; after so long without a sign of life nobody relies on what a worker holds."""


class Recorder:
    """Records the attempts of one worker; `done` counts those that ended.

    `claiming` is held while a claim is under way; `on_recorded` is told of each attempt whose end
    is recorded, `on_free` when slots are free again; `gather` says for how many seconds ends are
    gathered, to be written together.
    """

    def __init__(
        self,
        backend: JobQueueBackend,
        options: WorkerOptions,
        events: Events,
        claiming: threading.Lock,
        on_recorded: Callable[[Attempt], None],
        on_free: Callable[[], None],
        gather: Callable[[], float],
    ) -> None:
        self.worker_id = _new_id()
        self.done = 0
        self.changed = threading.Event()
        self._backend = backend
        self._options = options
        self._beat_every, self._reap_every = options.lease / 5, options.lease / 10
        self._events = events
        self._claiming = claiming
        self._on_recorded = on_recorded
        self._on_free = on_free
        self._gather = gather
        self._reaper = Reaper(options.lease)
        self._held_until = 0.0
        self._unreachable_since: float | None = None
        self._next: dict[str, float] = {}
        self._finish_by: float | None = None
        self._has_freed = False

    @property
    def holds_lease(self) -> bool:
        """Whether nobody can have taken this worker for dead, as far as is known."""
        return clock.monotonic() < self._held_until

    @property
    def is_reached(self) -> bool:
        """Whether the backend answered when it was asked last."""
        return self._unreachable_since is None

    def register(self) -> None:
        """Make the worker known to the backend."""
        began = clock.monotonic()
        self._backend.register_worker(
            WorkerInfo(
                self.worker_id,
                socket.gethostname(),
                os.getpid(),
                tuple(self._options.queues),
                self._options.num_workers,
                clock.now(),
            )
        )
        self._held_until = began + SILENCE_SHARE * self._options.lease

    def start(self, attempts: Slots) -> None:
        """Begin to record these."""
        self._attempts = attempts
        self._thread = threading.Thread(target=self._run, name="recorder")
        self._thread.start()

    def finish(self, seconds: float) -> None:
        """Record what is left, for so long at most, and say goodbye to the backend."""
        self._finish_by = clock.monotonic() + seconds
        self.changed.set()
        self._thread.join()

    # The thread

    def _run(self) -> None:
        while self._finish_by is None or (
            self._attempts.all() and clock.monotonic() < self._finish_by
        ):
            self.changed.wait(RECORD_EVERY if self._attempts.all() else self._reap_every)
            if pause := self._gather():
                time.sleep(pause)
            self.changed.clear()
            try:
                self._beat_and_reap()
                self._record_ends()
                # One that is refused again and again is not in the way of the others.
                for attempt in sorted(self._attempts.all(), key=lambda each: each.refusals):
                    if attempt.end is None or attempt.refusals:
                        self._record(attempt)
                self._reached()
            except BackendUnreachable as error:
                self._not_reached(error)
                self._rest()
            except Exception as error:  # noqa: BLE001 - a worker that goes on beats one that hangs
                self._events.trouble(f"Something unexpected: {error!r}")
                self._rest()
            if self._has_freed:
                self._has_freed = False
                self._on_free()
        self._unregister()

    def _rest(self) -> None:
        until = clock.monotonic() + RETRY_EVERY
        while self._finish_by is None and clock.monotonic() < until:
            self.changed.wait(0.1)
            self.changed.clear()
        if self._finish_by is not None:
            threading.Event().wait(0.2)

    def _is_time(self, what: str, every: float) -> bool:
        now = clock.monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every
        return True

    def _beat_and_reap(self) -> None:
        if self._is_time("beat", self._beat_every):
            self._beat()
        if self._is_time("reap", self._reap_every):
            beats = self._backend.beats()
            beats.pop(self.worker_id, None)
            for worker, beat in self._reaper.dead(beats, clock.monotonic()).items():
                jobs = self._backend.requeue_lost_jobs_of(worker, beat)
                self._events.tell("worker_died", worker=worker, jobs=jobs)
        if self._is_time("prune", PRUNE_EVERY):
            self._backend.prune()

    def _beat(self) -> None:
        # With a claim under way, a job may be held that is in no slot yet.
        is_quiet = self._claiming.acquire(blocking=False)
        try:
            # Taken before the beat: what is claimed meanwhile is not judged by it.
            snapshot = self._attempts.all()
            began = clock.monotonic()
            heartbeat = self._backend.heartbeat(self.worker_id)
        finally:
            if is_quiet:
                self._claiming.release()
        self._judge(snapshot, heartbeat)
        if not heartbeat.is_known:
            self._held_until = 0.0
            self.worker_id = _new_id()
            self.register()
            return
        self._held_until = began + SILENCE_SHARE * self._options.lease
        if is_quiet:
            self._lose_strays(snapshot, heartbeat)

    def _judge(self, snapshot: list[Attempt], heartbeat: Heartbeat) -> None:
        for attempt in snapshot:
            held = heartbeat.held.get(attempt.claim.job_id) if heartbeat.is_known else None
            if held is None or held[0] != attempt.claim.attempt:
                self._lost(attempt)
            elif held[1]:
                self._attempts.stop(attempt, "cancel")

    def _lose_strays(self, snapshot: list[Attempt], heartbeat: Heartbeat) -> None:
        """Give back what was claimed without our knowing: the answer to a claim was lost."""
        known = {attempt.claim.job_id for attempt in snapshot}
        for job_id, (number, _) in heartbeat.held.items():
            if job_id not in known:
                stray = Claim(job_id, self.worker_id, number, "", None)
                self._backend.requeue_lost(stray, attempt_result.LOST_ORPHANED_CLAIM)
                self._events.tell("lost", job=job_id, reason=attempt_result.LOST_ORPHANED_CLAIM)

    def _record(self, attempt: Attempt) -> None:
        now = clock.monotonic()
        with self._attempts.lock:
            over = attempt.is_over
            # Nor in its first moments: most short jobs are recorded once, at their end.
            since = now - max(attempt.recorded_at, attempt.began)
            if not over and (not attempt.is_dirty or since < RECORD_EVERY):
                return
            told = attempt.take()
        attempt.recorded_at = now
        try:
            if over:
                self._record_end(attempt, told)
            elif not self._backend.record(attempt.claim, told.log, told.progress):
                self._lost(attempt)
        except Exception:
            attempt.refusals += 1
            with self._attempts.lock:
                attempt.put_back(told)
            raise

    def _record_ends(self) -> None:
        """Write all ends together; if that is refused, each is tried by itself from then on."""
        together = [
            each for each in self._attempts.all() if each.end is not None and not each.refusals
        ]
        if not together:
            return
        with self._attempts.lock:
            told = [each.take() for each in together]
        ends = [
            FinishRequest(each.claim, each.end, what.log, what.progress)
            for each, what in zip(together, told, strict=True)
            if each.end is not None
        ]
        try:
            held = self._backend.finish_many(ends)
        except Exception as error:
            with self._attempts.lock:
                for each, what in zip(together, told, strict=True):
                    each.put_back(what)
            if isinstance(error, BackendUnreachable):
                raise
            for each in together:
                each.refusals += 1
            return
        for each, is_held in zip(together, held, strict=True):
            self._ended(each, held=is_held)

    def _ended(self, attempt: Attempt, *, held: bool) -> None:
        self.done += 1
        self._tell_end(attempt, held=held)
        self._free(attempt)

    def _record_end(self, attempt: Attempt, told: PendingOutput) -> None:
        claim, end = attempt.claim, attempt.end
        if end is not None:
            self._ended(attempt, held=self._finish(attempt, end, told))
            return
        if attempt.given_back == RELEASED:
            self._backend.release(claim)
        elif attempt.given_back != LEASE_LOST:
            self._backend.requeue_lost(claim, str(attempt.given_back))
            self._events.tell("lost", job=claim.job_id, reason=attempt.given_back)
        self._free(attempt)

    def _finish(self, attempt: Attempt, end: AttemptResult, told: PendingOutput) -> bool:
        try:
            return self._backend.finish(attempt.claim, end, told.log, told.progress)
        except BackendUnreachable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the backend cannot take of it
            message = f"Its outcome cannot be recorded: {error!r}"
            self._events.trouble(f"{attempt.claim.job_id}: {message}")
            attempt.end = AttemptResult(
                JobStatus.FAILED,
                error=attempt_result.failure("NotRecorded", message),
                retries=attempt.claim.retries,
            )
            return self._backend.finish(attempt.claim, attempt.end, "", None)

    def _tell_end(self, attempt: Attempt, *, held: bool) -> None:
        end = attempt.end or attempt_result.cancelled(attempt.claim)
        is_retry = end.status is JobStatus.SCHEDULED and end.run_at is not None
        self._events.tell(
            "job",
            job=attempt.claim.job_id,
            pipeline=attempt.claim.pipeline,
            attempt=attempt.claim.attempt,
            status=end.status if held else "refused",
            seconds=round((attempt.ended or clock.monotonic()) - attempt.began, 3),
            error=end.error,
            retry_at=clock.format_time(end.run_at) if is_retry and end.run_at else None,
        )

    def _lost(self, attempt: Attempt) -> None:
        """Others may run the job by now: end the child, and write nothing."""
        self._events.tell("lost", job=attempt.claim.job_id, reason="its lease was lost")
        if attempt.is_over:
            self._free(attempt)
        else:
            self._attempts.stop(attempt, LEASE_LOST)

    def _free(self, attempt: Attempt) -> None:
        self._attempts.forget(attempt)
        self._has_freed = True
        self._on_recorded(attempt)

    def _not_reached(self, error: BackendUnreachable) -> None:
        self._reaper.forget()
        now = clock.monotonic()
        if self._unreachable_since is None:
            self._unreachable_since = now
            self._events.tell("unreachable", reason=error.message)
        elif now - self._unreachable_since > self._options.disconnect_grace:
            for attempt in self._attempts.all():
                self._attempts.stop(attempt, RELEASED)

    def _reached(self) -> None:
        if self._unreachable_since is not None:
            seconds = round(clock.monotonic() - self._unreachable_since, 1)
            self._unreachable_since = None
            self._events.tell("reachable", after_seconds=seconds)

    def _unregister(self) -> None:
        """Go; a backend that is away buries the worker by itself, and loses what it holds."""
        if not self.is_reached:
            return
        try:
            self._backend.unregister_worker(self.worker_id)
        except BackendUnreachable:
            return
        except Exception as error:  # noqa: BLE001 - it is buried then
            self._events.trouble(f"The worker could not say goodbye: {error!r}")


def _new_id() -> str:
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
