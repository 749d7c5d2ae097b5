"""The recording thread of a worker, which alone writes to the backend: heartbeats and attempts.

A backend that does not answer stops only this thread; what is to be written is kept and tried
again. An unexpected exception is reported and stops nothing either.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from operator import attrgetter

from flowerpower.errors import BackendUnreachable, JobNotFound
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.records import log_pieces
from flowerpower.job_queue.worker.attempt import RECORD_EVERY, Attempt, PendingOutput, StopReason
from flowerpower.job_queue.worker.events import Events
from flowerpower.job_queue.worker.paused_queues import PausedQueues
from flowerpower.job_queue.worker.scheduler import RETRY_EVERY, Every, Maintenance
from flowerpower.job_queue.worker.slots import SILENCE_SHARE, Slots
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import AttemptResult, Claim, FinishRequest, Heartbeat, WorkerInfo
from flowerpower.jobs.job import json_value
from flowerpower.triggers import clock


class Recorder:
    """Records the attempts in a worker's slots; `done` counts those whose result was written.

    Hold `claiming` while jobs are being claimed. `on_free` is called when slots become free.
    """

    def __init__(
        self,
        backend: JobQueueBackend,
        options: WorkerOptions,
        events: Events,
        slots: Slots,
        on_free: Callable[[], None],
    ) -> None:
        self.worker_id = _new_id()
        self.done = 0
        self.claiming = threading.Lock()
        self.paused_queues = PausedQueues(backend, options.queues, events)
        self._backend = backend
        self._options = options
        self._events = events
        self._slots = slots
        self._on_free = on_free
        self._maintenance = Maintenance(backend, events, options.lease)
        self._beating = Every(options.lease / 5)
        self._finish_by: float | None = None
        self._has_freed = False
        self._thread = threading.Thread(target=self._run, name="recorder")

    def register(self) -> None:
        """Make the worker known to the backend."""
        began = clock.monotonic()
        queues, slots = tuple(self._options.queues), self._options.num_workers
        host, pid = socket.gethostname(), os.getpid()
        worker = WorkerInfo(self.worker_id, host, pid, queues, slots, clock.now())
        self._backend.register_worker(worker)
        self._extend_lease(began)

    def start(self) -> None:
        """Begin to record."""
        self._thread.start()

    def finish(self, seconds: float) -> None:
        """Record what is left, for at most that long, and unregister the worker."""
        self._finish_by = clock.monotonic() + seconds
        self._slots.changed.set()
        self._thread.join()

    # The thread

    def _run(self) -> None:
        while self._finish_by is None or (
            self._slots.attempts() and clock.monotonic() < self._finish_by
        ):
            wait = RECORD_EVERY if self._slots.attempts() else self._options.lease / 10
            self._slots.changed.wait(wait)
            if delay := self._slots.prefetch.batch_delay:
                time.sleep(delay)
            # Before the writes, not after: what changes during them must not be missed.
            self._slots.changed.clear()
            try:
                if self._beating.is_due():
                    self._heartbeat()
                self._maintenance.run_due(self.worker_id)
                self.paused_queues.look_if_due()
                self._record_results()
                # An attempt whose writes fail again and again must not block the others.
                for attempt in sorted(self._slots.attempts(), key=attrgetter("failed_writes")):
                    # Most wait for a child: there is nothing to write of them.
                    is_news = attempt.result is None and (attempt.is_dirty or attempt.has_ended)
                    if is_news or attempt.failed_writes:
                        self._record(attempt)
                self._maintenance.note_reachable()
            except BackendUnreachable as error:
                if self._maintenance.note_unreachable(error) > self._options.disconnect_grace:
                    for attempt in self._slots.attempts():
                        self._slots.stop(attempt, StopReason.RELEASE)
                self._pause()
            except Exception as error:  # noqa: BLE001 - a worker that goes on beats one that hangs
                self._events.trouble(f"Unexpected error: {error!r}")
                self._pause()
            if self._has_freed:
                self._has_freed = False
                self._on_free()
        self._unregister()

    def _pause(self) -> None:
        until = clock.monotonic() + RETRY_EVERY
        while self._finish_by is None and clock.monotonic() < until:
            self._slots.changed.wait(0.1)
            self._slots.changed.clear()
        if self._finish_by is not None:
            time.sleep(0.2)

    # Heartbeats

    def _heartbeat(self) -> None:
        # While a claim is under way, the backend may hold a job for us that is in no slot yet.
        is_quiet = self.claiming.acquire(blocking=False)
        try:
            # Before the heartbeat: a job claimed after its answer was made is not in that answer,
            # and would look as if its lease were lost.
            snapshot = self._slots.attempts()
            began = clock.monotonic()
            heartbeat = self._backend.heartbeat(self.worker_id)
        finally:
            if is_quiet:
                self.claiming.release()
        self._apply(heartbeat, snapshot)
        if not heartbeat.is_known:
            # Others have declared this worker dead and requeued its jobs: begin as a new one.
            self._slots.lease_until = 0.0
            self.worker_id = _new_id()
            # Those too that came since the snapshot. A claim whose answer is still under way
            # sees the new id: `Worker.claim`.
            self.lose([one for one in self._slots.attempts() if one not in snapshot])
            self.register()
            return
        self._extend_lease(began)
        if is_quiet:
            self._requeue_orphaned_claims(heartbeat, snapshot)

    def _extend_lease(self, began: float) -> None:
        # Counted from before the call: the backend may have stored it any time since.
        self._slots.lease_until = began + SILENCE_SHARE * self._options.lease

    def _apply(self, heartbeat: Heartbeat, snapshot: list[Attempt]) -> None:
        for attempt in snapshot:
            held = heartbeat.held.get(attempt.claim.job_id) if heartbeat.is_known else None
            if held is None or held[0] != attempt.claim.attempt:
                self._lease_lost(attempt)
            elif held[1]:
                self._slots.stop(attempt, StopReason.CANCEL)

    def _requeue_orphaned_claims(self, heartbeat: Heartbeat, snapshot: list[Attempt]) -> None:
        """Give back jobs that were claimed for us in a call whose answer was lost."""
        known = {attempt.claim.job_id for attempt in snapshot}
        for job_id, (number, _) in heartbeat.held.items():
            if job_id not in known:
                claim = Claim(job_id, self.worker_id, number, "", None)
                self._requeue_lost(claim, attempt_result.LOST_ORPHANED_CLAIM)

    def _requeue_lost(self, claim: Claim, reason: str) -> None:
        """Requeue a job whose attempt was lost, and say what became of the job."""
        self._backend.requeue_lost(claim, reason)
        status: str | None = None
        # Read, not told by the requeue: that may have been done before, and its answer lost.
        with contextlib.suppress(JobNotFound):
            status = self._backend.get_job(claim.job_id).status
        self._events.emit("lost", job=claim.job_id, reason=reason, status=status)

    def lose(self, attempts: Sequence[Attempt]) -> None:
        """Drop attempts of claims that are no longer held."""
        for attempt in attempts:
            self._lease_lost(attempt)

    def _lease_lost(self, attempt: Attempt) -> None:
        """Others may run the job by now: end the child, and write nothing."""
        reason = attempt_result.LOST_LEASE
        self._events.emit("lost", job=attempt.claim.job_id, reason=reason, status=None)
        if attempt.has_ended:
            self._free_slot(attempt)
        else:
            self._slots.stop(attempt, StopReason.LEASE_LOST)

    # What attempts leave behind

    def _record_results(self) -> None:
        """Write all results in one call; if that fails, each is written alone from then on."""
        attempts = [one for one in self._slots.attempts() if one.result and not one.failed_writes]
        if not attempts:
            return
        outputs = [_take_output(attempt) for attempt in attempts]
        requests = [
            _request(attempt, attempt.result, output)
            for attempt, output in zip(attempts, outputs, strict=True)
            if attempt.result is not None
        ]
        try:
            held = self._backend.finish_many(requests)
        except Exception as error:
            for attempt, output in zip(attempts, outputs, strict=True):
                with attempt.lock:
                    attempt.put_back_output(output)
            if isinstance(error, BackendUnreachable):
                raise
            for attempt in attempts:
                attempt.failed_writes += 1
            return
        for attempt, output, is_held in zip(attempts, outputs, held, strict=True):
            self._result_recorded(attempt, output, held=is_held)

    def _record(self, attempt: Attempt) -> None:
        now = clock.monotonic()
        with attempt.lock:
            has_ended = attempt.has_ended
            # Not in its first moments either: most short jobs are written once, at their end.
            since = now - max(attempt.recorded_at, attempt.began)
            if not has_ended and (not attempt.is_dirty or since < attempt.record_every):
                return
            output = attempt.take_output()
        attempt.recorded_at = now
        try:
            if attempt.unconfirmed is not None:
                self._write(attempt, attempt.unconfirmed)
            if has_ended:
                self._record_end(attempt, output)
            elif not self._write(attempt, output):
                self._lease_lost(attempt)
        except Exception as error:
            is_answered = not isinstance(error, BackendUnreachable)
            attempt.note_failed_write(output, is_answered=is_answered)
            raise

    def _write(self, attempt: Attempt, output: PendingOutput) -> bool:
        """Write output of an attempt that goes on; False if its claim is no longer held.

        If no answer comes, the same is written again later, and is not stored twice then.
        """
        attempt.unconfirmed = output
        claim, log = attempt.claim, output.log
        is_held = self._backend.record(claim, log, output.progress, attempt.pieces)
        attempt.unconfirmed = None
        if is_held:
            attempt.pieces += len(log_pieces(log))
            self._tell_log(attempt, output)
        return is_held

    def _record_end(self, attempt: Attempt, output: PendingOutput) -> None:
        claim, reason = attempt.claim, attempt.requeue_reason
        if attempt.result is not None:
            is_held = self._finish(attempt, attempt.result, output)
            self._result_recorded(attempt, output, held=is_held)
            return
        if reason == StopReason.RELEASE:
            self._backend.release(claim)
        elif reason is not None and reason != StopReason.LEASE_LOST:
            self._requeue_lost(claim, reason)
        self._free_slot(attempt)

    def _finish(self, attempt: Attempt, result: AttemptResult, output: PendingOutput) -> bool:
        try:
            return self._backend.finish_many([_request(attempt, result, output)])[0]
        except BackendUnreachable:
            raise
        except Exception as error:  # noqa: BLE001 - the backend may refuse the data in any way
            message = f"The outcome cannot be recorded: {error!r}"
            self._events.trouble(f"{attempt.claim.job_id}: {message}")
            refusal = attempt_result.from_refusal(attempt.claim, message, "NotRecorded")
            attempt.result = refusal.with_times(result.ended_at, result.seconds)
            return self._backend.finish(attempt.claim, attempt.result, "", None)

    def _tell_log(self, attempt: Attempt, output: PendingOutput) -> None:
        if self._options.tell_logs and (text := output.log):
            claim = attempt.claim
            names = {"job": claim.job_id, "pipeline": claim.pipeline, "attempt": claim.attempt}
            self._events.emit("log", **names, text=text)

    def _result_recorded(self, attempt: Attempt, output: PendingOutput, *, held: bool) -> None:
        if held:
            self._tell_log(attempt, output)
        result = attempt.result or attempt_result.cancelled(attempt.claim)
        self.done += 1
        attempt.facts = {
            "job": attempt.claim.job_id,
            "pipeline": attempt.claim.pipeline,
            "attempt": attempt.claim.attempt,
            "status": result.status if held else "refused",
            "seconds": attempt.seconds,
            "error": result.error,
            "retry_at": json_value(result.run_at),
        }
        self._free_slot(attempt)

    def _free_slot(self, attempt: Attempt) -> None:
        self._slots.remove(attempt)
        self._has_freed = True

    def _unregister(self) -> None:
        # While the backend is away nothing is said: the others find the worker dead in time.
        if not self._maintenance.is_reachable:
            return
        try:
            self._backend.unregister_worker(self.worker_id)
        except BackendUnreachable:
            return
        except Exception as error:  # noqa: BLE001 - the others find the worker dead then
            self._events.trouble(f"The worker could not unregister: {error!r}")


def _request(attempt: Attempt, result: AttemptResult, output: PendingOutput) -> FinishRequest:
    tell = attempt.tell_finished
    return FinishRequest(attempt.claim, result, output.log, output.progress, tell)


def _take_output(attempt: Attempt) -> PendingOutput:
    with attempt.lock:
        return attempt.take_output()


def _new_id() -> str:
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
