"""A worker's slots: from a claim to a child, and from what the child does to what is recorded.

One thread attends to the children and never waits for a backend; another records (see
`flowerpower.job_queue.worker`). What they share is each attempt's unrecorded log, progress and
end, under one lock.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flowerpower import attempt_ends, clock
from flowerpower.children import Child, ChildEnded, ChildNotStarted, ForkServer, ForkServerDied
from flowerpower.config import RetryConfig
from flowerpower.errors import FlowerpowerError
from flowerpower.jobs import AttemptEnd, Claim, overrides_of
from flowerpower.runs import RunRequest

ENTRY = "flowerpower.execute:run_in_child"
GRACE = 3.0
"""Seconds between asking a child to end and making it."""
LOG_KEPT = 1_000_000
"""Bytes of log that are held until they can be recorded, the end of it."""
PING_EVERY = 1.0
"""Seconds."""


@dataclass
class Attempt:
    """One attempt in a slot.

    `end` is how it changed its job; `given_back` says that it is to be released, or lost with
    the reason given, instead. `stopping` is why its child is being ended.
    """

    claim: Claim
    began: float = field(default_factory=clock.monotonic)
    child: Child | None = None
    policy: RetryConfig | None = None
    timeout: float | None = None
    stopping: str | None = None
    kill_at: float | None = None
    end: AttemptEnd | None = None
    given_back: str | None = None
    log: bytearray = field(default_factory=bytearray)
    cut: int = 0
    progress: dict[str, Any] = field(default_factory=dict)
    is_dirty: bool = False
    recorded_at: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left but to record how it ended."""
        return self.end is not None or self.given_back is not None

    @property
    def node(self) -> str | None:
        """The node that ran last, as far as is known."""
        return self.progress.get("current")


class Attempts:
    """The attempts of one worker and the children that make them.

    `on_change` is called, in the attending thread, whenever there is something new to record.
    """

    def __init__(
        self,
        base_dir: Path,
        jobs_per_child: int,
        silence_limit: float,
        on_change: Callable[[], None],
    ) -> None:
        self.lock = threading.Lock()
        self._base_dir = base_dir
        self._jobs_per_child = jobs_per_child
        self._on_change = on_change
        self._server = ForkServer(
            ENTRY, ("flowerpower.pipeline.runner", "flowerpower.encoding"), silence_limit
        )
        self._selector = selectors.DefaultSelector()
        self._waiting: list[Attempt] = []
        self._attempts: list[Attempt] = []
        self._children: dict[int, tuple[Child, Attempt | None, int]] = {}
        self._pinged = 0.0
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)

    def start(self) -> None:
        """Start the fork server; the calling thread must be the one that attends."""
        self._server.start()
        self._selector.register(self._server.fileno(), selectors.EVENT_READ, "reports")
        self._selector.register(self._wake_reader, selectors.EVENT_READ, "wake")

    def close(self) -> None:
        """End all children and the server."""
        self._server.close()
        self._selector.close()
        for child, _, _ in self._children.values():
            child.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    # From any thread

    def wake(self) -> None:
        """Let `attend` return soon."""
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_writer, b"x")

    def begin(self, claim: Claim) -> None:
        """Put a claim into a slot; its child starts at the next `attend`."""
        with self.lock:
            attempt = Attempt(claim)
            self._attempts.append(attempt)
            self._waiting.append(attempt)
        self.wake()

    def all(self) -> list[Attempt]:
        """Every attempt that is not forgotten yet."""
        with self.lock:
            return list(self._attempts)

    def stop(self, attempt: Attempt, why: str) -> None:
        """End an attempt: `cancel`, `release`, `lost`, or `timeout`; the first reason stands."""
        with self.lock:
            if attempt.stopping is None:
                attempt.stopping = why
        self.wake()

    def forget(self, attempt: Attempt) -> None:
        """Free the slot: the end is recorded, or is not to be."""
        with self.lock:
            self._attempts = [each for each in self._attempts if each is not attempt]

    # In the attending thread

    def attend(self, seconds: float) -> None:
        """Look after the children for about so long, or until something happens."""
        if clock.monotonic() - self._pinged >= PING_EVERY:
            self._server.ping()
            self._pinged = clock.monotonic()
        self._start_waiting()
        for key, _ in self._selector.select(seconds):
            if key.data == "wake":
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_reader, 4096)
            elif key.data != "reports":
                self._hear(key.data)
        for ended in self._server.reports():
            self._child_ended(ended)
        if not self._server.is_alive:
            self._restart_server()
        for attempt in self.all():
            self._keep_time(attempt)

    def _restart_server(self) -> None:
        for child, _, _ in list(self._children.values()):
            self._child_ended(ChildEnded(child.pid, -signal.SIGKILL, lost=True))
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(self._server.fileno())
        self._server.start()
        self._selector.register(self._server.fileno(), selectors.EVENT_READ, "reports")

    def _start_waiting(self) -> None:
        with self.lock:
            waiting, self._waiting = self._waiting, []
        for attempt in waiting:
            try:
                request = self._request(attempt.claim)
            except FlowerpowerError as error:
                end = attempt_ends.end_by_refusal(attempt.claim, error.message)
                self._over(attempt, end=end)
                continue
            self._give(attempt, request)

    def _request(self, claim: Claim) -> dict[str, Any]:
        overrides = overrides_of(claim.payload)
        fire = clock.format_time(claim.scheduled_for) if claim.scheduled_for else None
        run = RunRequest(str(self._base_dir), claim.pipeline, overrides, fire)
        return run.to_json()

    def _give(self, attempt: Attempt, run: dict[str, Any]) -> None:
        idle = next((entry for entry in self._children.values() if entry[1] is None), None)
        try:
            child, made = (idle[0], idle[2]) if idle else (self._server.new_child(), 0)
        except (ForkServerDied, ChildNotStarted) as error:
            self._over(attempt, given_back=error.message)
            return
        attempt.child = child
        self._children[child.pid] = (child, attempt, made + 1)
        if idle is None:
            for number in (child.control, child.log):
                self._selector.register(number, selectors.EVENT_READ, child)
        child.send({"run": run, "keep": made + 1 < self._jobs_per_child})
        if not child.is_flushed:
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(child.control, both, child)

    def _hear(self, child: Child) -> None:
        if child.pid not in self._children:
            return
        attempt = self._children[child.pid][1]
        if not child.is_flushed and child.flush():
            self._selector.modify(child.control, selectors.EVENT_READ, child)
        log = child.read_log()
        if attempt is not None and log:
            self._log(attempt, log)
        for message in child.messages():
            self._take(child, message)
        for number, is_open in (
            (child.control, child.control_is_open),
            (child.log, child.log_is_open),
        ):
            if not is_open:
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(number)

    def _take(self, child: Child, message: Mapping[str, Any]) -> None:
        _, attempt, made = self._children[child.pid]
        if attempt is None:
            return
        kind = message.get("type")
        if kind == "node":
            self._progress(attempt, message)
        elif kind == "settings":
            self._settle(attempt, message)
        elif kind == "stale":
            self._children[child.pid] = (child, None, self._jobs_per_child)
            self._drop(child)
            self._give(attempt, self._request(attempt.claim))
        elif kind == "outcome":
            log = child.read_log()
            if log:
                self._log(attempt, log)
            kept = message.get("kept") is True
            self._children[child.pid] = (child, None, made)
            if not kept:
                self._drop(child)
            self._outcome(attempt, message.get("outcome"))

    def _drop(self, child: Child) -> None:
        """The child has nothing more to do; it ends by itself, or is ended."""
        del self._children[child.pid]
        for number in (child.control, child.log):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(number)
        child.close()
        self._server.kill(child, signal.SIGKILL)

    def _settle(self, attempt: Attempt, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(ValidationError):
            attempt.policy = RetryConfig.model_validate(message.get("retry"))
        timeout = message.get("timeout")
        if isinstance(timeout, int | float) and timeout > 0:
            attempt.timeout = float(timeout)

    def _progress(self, attempt: Attempt, message: Mapping[str, Any]) -> None:
        name, state = str(message.get("node"))[:200], str(message.get("state"))
        with self.lock:
            nodes = attempt.progress.setdefault("nodes", {})
            known = nodes.setdefault(name, {"started_at": clock.format_time(clock.now())})
            known.update(state=state, seconds=message.get("seconds"))
            attempt.progress.update(
                done=message.get("done"), total=message.get("total"), current=name
            )
            attempt.is_dirty = True
        self._on_change()

    def _log(self, attempt: Attempt, text: bytes) -> None:
        with self.lock:
            attempt.log += text
            too_much = len(attempt.log) - LOG_KEPT
            if too_much > 0:
                del attempt.log[:too_much]
                attempt.cut += too_much
            attempt.is_dirty = True
        self._on_change()

    def _outcome(self, attempt: Attempt, outcome: object) -> None:
        if attempt.stopping is not None:
            self._stopped(attempt)
            return
        told = outcome if isinstance(outcome, dict) else {}
        end = attempt_ends.end_by_outcome(attempt.claim, attempt.policy, told, clock.now())
        self._over(attempt, end=end)

    def _child_ended(self, ended: ChildEnded) -> None:
        entry = self._children.get(ended.pid)
        if entry is None:
            return
        child, _, _ = entry
        # Its last words may still be in the pipes.
        self._hear(child)
        if ended.pid not in self._children:
            return
        _, attempt, _ = self._children[ended.pid]
        self._drop(child)
        if attempt is None or attempt.is_over:
            return
        if attempt.stopping is not None:
            self._stopped(attempt)
        elif ended.lost:
            self._over(attempt, given_back="The process that runs the jobs died")
        else:
            claim, policy = attempt.claim, attempt.policy
            end = attempt_ends.end_by_death(
                claim, policy, ended.returncode, attempt.node, clock.now()
            )
            self._over(attempt, end=end)

    def _stopped(self, attempt: Attempt) -> None:
        claim, now = attempt.claim, clock.now()
        if attempt.stopping == "cancel":
            self._over(attempt, end=attempt_ends.cancelled(claim))
        elif attempt.stopping == "timeout":
            end = attempt_ends.end_by_timeout(
                claim, attempt.policy, attempt.timeout or 0.0, attempt.node, now
            )
            self._over(attempt, end=end)
        else:
            self._over(attempt, given_back=attempt.stopping)

    def _over(
        self, attempt: Attempt, *, end: AttemptEnd | None = None, given_back: str | None = None
    ) -> None:
        with self.lock:
            attempt.end, attempt.given_back, attempt.child = end, given_back, None
        self._on_change()

    def _keep_time(self, attempt: Attempt) -> None:
        """End a child whose time is up: TERM first, KILL after the grace."""
        if attempt.is_over or attempt.child is None:
            return
        now = clock.monotonic()
        if attempt.timeout is not None and now - attempt.began > attempt.timeout:
            attempt.stopping = attempt.stopping or "timeout"
        if attempt.stopping is None:
            return
        if attempt.kill_at is None:
            gentle = attempt.stopping in ("cancel", "timeout")
            attempt.kill_at = now + (GRACE if gentle else 0.0)
            if gentle:
                self._server.kill(attempt.child, signal.SIGTERM)
        if now >= attempt.kill_at:
            attempt.kill_at = now + GRACE
            self._server.kill(attempt.child, signal.SIGKILL)
