"""A worker: claims by a loop of the backend's, attempts in children, everything recorded.

Three threads: the calling one attends to the children, one records and beats, and the backend's
loop claims. A backend that does not answer stops the recording alone; outcomes are kept and
tried again.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from flowerpower import clock
from flowerpower.attempts import Attempt, Attempts
from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import (
    HEARTBEAT_EVERY,
    LEASE,
    JobQueueBackend,
    WorkerEvent,
    WorkerOptions,
)
from flowerpower.job_queue.reaping import Reaper
from flowerpower.jobs import AttemptEnd, JobStatus, WorkerInfo

RECORD_EVERY = 0.25
"""Seconds between two writes of one attempt's log and progress."""
RETRY_EVERY = 1.0
"""Seconds before a backend that did not answer is asked again."""
REAP_EVERY = 1.0
PRUNE_EVERY = 60.0
DISCONNECT_GRACE = 600.0
"""Seconds that children run on while the backend cannot be reached."""
SILENCE_LIMIT = 0.7 * LEASE
"""Seconds; the children of a worker that is frozen for so long are ended."""


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
        self.id = _new_id()
        self.options = options
        self.backend = backend
        self._on_event = on_event
        self._changed = threading.Event()
        self.attempts = Attempts(base_dir, options.jobs_per_child, SILENCE_LIMIT, self._changed.set)
        self._loop = make_loop(self)
        self._begun = 0
        self._done = 0
        self._stops = 0
        self._claiming = threading.Lock()
        self._finished = threading.Event()
        self._reaper = Reaper(LEASE)
        self._unreachable_since: float | None = None
        self._next: dict[str, float] = {}

    # For the loop of the backend

    def free_slots(self) -> int:
        """How many jobs may be claimed now."""
        if self._stops:
            return 0
        free = self.options.num_workers - len(self.attempts.all())
        if self.options.max_jobs is not None:
            free = min(free, self.options.max_jobs - self._begun)
        return max(0, free)

    def claim_and_begin(self) -> int:
        """Claim what fits into the free slots and begin it; how many that were.

        A backend that does not answer is no error here: nothing is claimed.
        """
        with self._claiming:
            free = self.free_slots()
            if not free:
                return 0
            try:
                if self.backend.next_due_in(self.options.queues) != 0:
                    return 0
                claims = self.backend.claim(self.id, free, self.options.queues)
            except BackendUnreachable:
                return 0
            self._begun += len(claims)
            for claim in claims:
                self.attempts.begin(claim)
            return len(claims)

    # The calling thread

    def run(self) -> int:
        """Work until told to stop, or as the options say; how many attempts were made.

        In the main thread SIGTERM and SIGINT stop it: the first lets running jobs finish, the
        second ends them and gives them back.
        """
        self._register()
        self._tell("start", id=self.id, pid=os.getpid(), slots=self.options.num_workers,
                   queues=list(self.options.queues))  # fmt: skip
        undo = self._take_signals()
        recorder = threading.Thread(target=self._record_until_finished, name="recorder")
        try:
            self.attempts.start()
            recorder.start()
            self._loop.start()
            while not self._is_done():
                self.attempts.attend(0.5 if self.attempts.all() else 1.0)
        finally:
            self._loop.stop()
            self._finished.set()
            self._changed.set()
            if recorder.ident is not None:
                recorder.join()
            self.attempts.close()
            undo()
        self._tell("stop", attempts=self._done)
        return self._done

    def stop(self) -> None:
        """As a signal: the first time running jobs finish, the second time they are given back."""
        self._stops += 1
        self.attempts.wake()

    def _register(self) -> None:
        self.backend.register_worker(
            WorkerInfo(
                self.id,
                socket.gethostname(),
                os.getpid(),
                tuple(self.options.queues),
                self.options.num_workers,
                clock.now(),
            )
        )

    def _take_signals(self) -> Callable[[], None]:
        if threading.current_thread() is not threading.main_thread():
            return lambda: None

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        before = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}

        def undo() -> None:
            for each, old in before.items():
                signal.signal(each, old)

        return undo

    def _is_done(self) -> bool:
        running = self.attempts.all()
        if self._stops:
            told = "forced" if self._stops > 1 else "stopping"
            if self._next.get("told") != self._stops:
                self._next["told"] = self._stops
                self._tell(told, running=[each.claim.job_id for each in running])
            if self._stops > 1:
                for attempt in running:
                    self.attempts.stop(attempt, "release")
            return not running
        if running:
            return False
        if self.options.max_jobs is not None and self._begun >= self.options.max_jobs:
            return True
        return self.options.burst and self._nothing_is_due()

    def _nothing_is_due(self) -> bool:
        with self._claiming:
            if self.attempts.all():
                return False
            try:
                due = self.backend.next_due_in(self.options.queues)
            except BackendUnreachable:
                return False
            return due is None or due > 0

    # The recording thread

    def _record_until_finished(self) -> None:
        while not self._finished.is_set() or self.attempts.all():
            self._changed.wait(RECORD_EVERY if self.attempts.all() else REAP_EVERY)
            self._changed.clear()
            try:
                self._beat_and_reap()
                for attempt in self.attempts.all():
                    self._record(attempt)
                self._reached()
            except BackendUnreachable as error:
                self._not_reached(error)
                self._finished.wait(RETRY_EVERY)
        self._unregister()

    def _is_time(self, what: str, every: float) -> bool:
        now = clock.monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every
        return True

    def _beat_and_reap(self) -> None:
        if self._is_time("beat", HEARTBEAT_EVERY):
            # Taken before the beat: what is claimed meanwhile is not judged by it.
            snapshot = self.attempts.all()
            heartbeat = self.backend.heartbeat(self.id)
            for attempt in snapshot:
                held = heartbeat.held.get(attempt.claim.job_id)
                if held is None or held[0] != attempt.claim.attempt:
                    self._lost(attempt)
                elif held[1]:
                    self.attempts.stop(attempt, "cancel")
            if not heartbeat.is_known:
                self.id = _new_id()
                self._register()
        if self._is_time("reap", REAP_EVERY):
            beats = self.backend.beats()
            beats.pop(self.id, None)
            for worker, beat in self._reaper.dead(beats, clock.monotonic()).items():
                jobs = self.backend.bury(worker, beat)
                self._tell("buried", worker=worker, jobs=jobs)
        if self._is_time("prune", PRUNE_EVERY):
            self.backend.prune()

    def _record(self, attempt: Attempt) -> None:
        now = clock.monotonic()
        with self.attempts.lock:
            over = attempt.is_over
            if not over and (not attempt.is_dirty or now - attempt.recorded_at < RECORD_EVERY):
                return
            log, progress = _text_of(attempt), {**attempt.progress}
            if "nodes" in progress:
                progress["nodes"] = {name: {**node} for name, node in progress["nodes"].items()}
            length, attempt.is_dirty = len(attempt.log), False
        attempt.recorded_at = now
        if over:
            self._record_end(attempt, log, progress or None)
            return
        try:
            held = self.backend.record(attempt.claim, log, progress or None)
        except BackendUnreachable:
            attempt.is_dirty = True
            raise
        with self.attempts.lock:
            del attempt.log[:length]
            attempt.cut = 0
        if not held:
            self._lost(attempt)

    def _record_end(self, attempt: Attempt, log: str, progress: dict[str, Any] | None) -> None:
        claim, end = attempt.claim, attempt.end
        if end is not None:
            held = self.backend.finish(claim, end, log, progress)
            self._done += 1
            self._tell_end(attempt, end, held=held)
        elif attempt.given_back == "release":
            self.backend.release(claim)
        elif attempt.given_back != "lost":
            self.backend.lose(claim, str(attempt.given_back))
            self._tell("lost", job=claim.job_id, reason=attempt.given_back)
        self._free(attempt)

    def _tell_end(self, attempt: Attempt, end: AttemptEnd, *, held: bool) -> None:
        self._tell(
            "job",
            job=attempt.claim.job_id,
            pipeline=attempt.claim.pipeline,
            attempt=attempt.claim.attempt,
            status=end.status if held else "refused",
            seconds=round(clock.monotonic() - attempt.began, 3),
            error=end.error,
            retry_at=clock.format_time(end.run_at)
            if end.status is JobStatus.SCHEDULED and end.run_at
            else None,
        )

    def _lost(self, attempt: Attempt) -> None:
        """Others may run the job by now: end the child, and write nothing."""
        self._tell("lost", job=attempt.claim.job_id, reason="its lease was lost")
        if attempt.is_over:
            self._free(attempt)
        else:
            self.attempts.stop(attempt, "lost")

    def _free(self, attempt: Attempt) -> None:
        self.attempts.forget(attempt)
        self._loop.wake()
        self.attempts.wake()

    def _not_reached(self, error: BackendUnreachable) -> None:
        self._reaper.forget()
        now = clock.monotonic()
        if self._unreachable_since is None:
            self._unreachable_since = now
            self._tell("unreachable", reason=error.message)
        elif now - self._unreachable_since > DISCONNECT_GRACE:
            for attempt in self.attempts.all():
                self.attempts.stop(attempt, "lost")
                if attempt.is_over:
                    self._free(attempt)

    def _reached(self) -> None:
        if self._unreachable_since is not None:
            seconds = round(clock.monotonic() - self._unreachable_since, 1)
            self._unreachable_since = None
            self._tell("reachable", after_seconds=seconds)

    def _unregister(self) -> None:
        try:
            self.backend.unregister_worker(self.id)
        except BackendUnreachable:
            # It will be buried, and holds nothing.
            return

    def _tell(self, kind: str, **facts: Any) -> None:
        if self._on_event is not None:
            self._on_event(WorkerEvent(kind, facts))


def _new_id() -> str:
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _text_of(attempt: Attempt) -> str:
    text = bytes(attempt.log).decode("utf-8", "backslashreplace")
    return f"[… {attempt.cut} bytes left out …]\n{text}" if attempt.cut else text
