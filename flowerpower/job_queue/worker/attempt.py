"""One attempt: its claim, its child, its end, and its output that is not recorded yet."""

from __future__ import annotations

import codecs
import contextlib
import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from flowerpower.config.run_section import RetryConfig
from flowerpower.job_queue.worker.retry_policies import POLICIES
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import AttemptResult, Claim
from flowerpower.text import mask, partial_secret_length, remember_secret
from flowerpower.triggers import clock

MAX_PENDING_LOG = 1_000_000
"""Bytes of log that are held until they can be recorded; the end of the log is kept."""


RECORD_EVERY = 0.25
"""Seconds between two writes of one attempt's log and progress."""
RECORD_BAR_EVERY = 2.0
"""The same while it prints nothing but a progress bar: a log of hours would hold little else."""
# Not what has an escape: it may move to another line.
_OVERWRITTEN = re.compile(rb"\r[^\r\n\x1b]*(?=\r(?!\n))")


class StopReason(StrEnum):
    """Why a worker ends an attempt that has not ended by itself."""

    CANCEL = "cancel"
    TIMEOUT = "timeout"
    RELEASE = "release"
    """It is given back as if it had never been claimed."""
    LEASE_LOST = "lease_lost"
    """Others may run the job by now, so nothing more is written."""


@dataclass(frozen=True)
class PendingOutput:
    """Output of an attempt since it was last recorded; `cut` bytes before `text` are gone."""

    text: bytes
    cut: int
    progress: dict[str, Any] | None

    @property
    def log(self) -> str:
        """The text with known secrets masked, and a note on how much of it was cut."""
        return self._masked if self.text or self.cut else ""

    # Once: what is sent again must be the same, also if more secrets are known by then.
    @cached_property
    def _masked(self) -> str:
        text = mask(self.text.decode("utf-8", "backslashreplace"), named=False)
        return f"[… {self.cut} bytes left out …]\n{text}" if self.cut else text


def _nothing() -> None:
    pass


@dataclass(eq=False)
class Attempt:
    """One attempt in a slot. It ends with a `result`, which is how it changes its job.

    Without one there is a `requeue_reason`: StopReason.RELEASE, StopReason.LEASE_LOST, or a
    sentence that says why it was lost. `stop_reason` is set while it is being stopped. `pid` is its
    child's while it has one. `began` (when it was claimed, then when its child began) and `ended`
    (its child) are monotonic times. `has_begun` is set once the pipeline's own code may have run.

    The slot's thread makes the attempt and the recorder writes it down; `lock` guards what both
    change. `on_change` is called when there is something new to record, `wake` when the slot's
    thread is to look at it. `unconfirmed` is output whose write was not answered: it may be stored,
    behind the `pieces` of the log that certainly are. `imported` are modules that the fork server
    might import for the next attempts, and with `has_read` it might read the configuration for
    them. `tell_finished`: people want to be told if it finishes. Once it `is_recorded`, nothing is
    left to be done; `facts` are those of the worker's event "job" then, None if there is no result.
    """

    claim: Claim
    began: float
    on_change: Callable[[], None] = _nothing
    wake: Callable[[], None] = _nothing
    pid: int | None = None
    has_begun: bool = False
    tell_finished: bool = False
    policy: RetryConfig | None = None
    timeout: float | None = None
    stop_reason: StopReason | None = None
    kill_at: float | None = None
    result: AttemptResult | None = None
    requeue_reason: str | None = None
    ended: float | None = None
    recorded_at: float = 0.0
    failed_writes: int = 0
    pieces: int = 0
    unconfirmed: PendingOutput | None = None
    facts: dict[str, Any] | None = None
    is_dirty: bool = False
    imported: tuple[str, ...] = ()
    has_read: bool = False
    progress: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_recorded: bool = False
    _on_recorded: Callable[[], None] = _nothing
    _text: bytearray = field(default_factory=bytearray)
    _cut: int = 0
    _only_bar: bool = True

    @property
    def id(self) -> str:
        """Unique among all attempts of all jobs."""
        return f"{self.claim.job_id}:{self.claim.attempt}"

    @property
    def has_ended(self) -> bool:
        """Whether only its end is left to be recorded."""
        return self.result is not None or self.requeue_reason is not None

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a child."""
        return self.pid is None and self.ended is None and not self.has_ended

    @property
    def node(self) -> str | None:
        """The node that runs, the last one of several; None if none is known to run."""
        nodes = self.progress.get("nodes", {})
        running = [name for name, node in nodes.items() if node["state"] == "running"]
        return running[-1] if running else None

    @property
    def seconds(self) -> float:
        """Its own time, from when its child had it (or else it was claimed) until it ended."""
        return round((self.ended or clock.monotonic()) - self.began, 3)

    def begin(self, pid: int, wake: Callable[[], None]) -> bool:
        """It gets a child; False if meanwhile it has been stopped, or has ended."""
        with self.lock:
            if self.has_ended or self.stop_reason is not None:
                return False
            self.pid, self.wake, self.began = pid, wake, clock.monotonic()
            return True

    def wait_again(self) -> None:
        """Its child ended before it began, so another child can run it."""
        with self.lock:
            self.pid, self.wake, self.kill_at = None, _nothing, None

    # Not a Future, which takes as long to make as all the rest of an attempt.
    def when_recorded(self, call: Callable[[], None]) -> None:
        """Call this once nothing is left to be done; at once if it is so."""
        with self.lock:
            if not self.is_recorded:
                self._on_recorded = call
                return
        call()

    def set_recorded(self) -> None:
        """Nothing is left to be done: call what waits for that."""
        with self.lock:
            self.is_recorded, call = True, self._on_recorded
        try:
            call()
        except Exception:
            # The recorder goes on with the other attempts, whose ends are written already.
            logging.getLogger(__name__).exception("An error at the end of the attempt %s", self.id)

    def stop(self, reason: StopReason) -> None:
        """End it soon; if it is being stopped already, the first reason stands."""
        with self.lock:
            if self.stop_reason is None:
                self.stop_reason = reason
        self.wake()

    def note_began(self, at: object) -> None:
        """Its child says when it began it, which may be later than it was given to it."""
        if isinstance(at, float):
            self.began = max(self.began, min(at, clock.monotonic()))

    def child_ended(self, at: object = None) -> None:
        """It has no child any more; how it ends is not decided yet.

        `at`: when its child had made it, if it has said so. That may be read later.
        """
        now = clock.monotonic()
        self.ended = max(self.began, min(at, now)) if isinstance(at, float) else now
        self.pid, self.wake = None, _nothing

    def end(
        self,
        result: AttemptResult | None,
        requeue_reason: str | None = None,
        *,
        only_waiting: bool = False,
    ) -> bool:
        """End it, with a result or a reason to requeue it; False if it has ended already.

        With `only_waiting` nothing happens if it has a child.
        """
        with self.lock:
            if self.has_ended or (only_waiting and not self.is_waiting):
                return False
            self.ended = self.ended or clock.monotonic()
            if result is not None:
                # It may have ended before it was decided how.
                ended_at = clock.after(clock.now(), self.ended - clock.monotonic())
                result = result.with_times(ended_at, self.seconds)
            self.result, self.requeue_reason, self.pid = result, requeue_reason, None
        self.on_change()
        return True

    def end_stopped(self, *, only_waiting: bool = False) -> bool:
        """End it as its `stop_reason` says; answers as `end`."""
        result = self.stopped_result()
        reason = None if result else self.stop_reason
        return self.end(result, reason, only_waiting=only_waiting)

    def apply_settings(self, message: Mapping[str, Any]) -> None:
        """Take what the child has read from the pipeline's configuration, before it runs it."""
        self.has_begun = True
        with contextlib.suppress(ValidationError):
            self.policy = POLICIES.policy_of(message.get("retry"))
        for secret in message.get("secrets") or ():
            remember_secret(str(secret))
        self.tell_finished = message.get("tell_finished") is True
        timeout = message.get("timeout")
        if isinstance(timeout, int | float) and timeout > 0:
            self.timeout = float(timeout)

    def stopped_result(self) -> AttemptResult | None:
        """The result of an attempt that was stopped; None if it is given back or dropped."""
        if self.stop_reason is StopReason.CANCEL:
            return attempt_result.cancelled(self.claim)
        if self.stop_reason is StopReason.TIMEOUT:
            limit, now = self.timeout or 0.0, clock.now()
            return attempt_result.from_timeout(self.claim, self.policy, limit, self.node, now)
        return None

    # Log and progress

    def add_log(self, text: bytes) -> None:
        """Add what the child printed."""
        with self.lock:
            self._text += text
            self._only_bar &= b"\r" in text and b"\n" not in text
            self._trim()
        self._changed()

    def add_node_event(self, message: Mapping[str, Any]) -> None:
        """Add a node's begin or end to the progress."""
        name = str(message.get("node"))[:200]
        with self.lock:
            self._only_bar = False
            nodes = self.progress.setdefault("nodes", {})
            if (node := nodes.get(name)) is None:
                node = nodes[name] = {"started_at": clock.format_time(clock.now())}
            node.update(state=str(message.get("state")), seconds=message.get("seconds"))
            if message.get("from_cache"):
                node["from_cache"] = True
            self.progress.update(done=message.get("done"), total=message.get("total"), current=name)
        self._changed()

    def take_nodes(self, last: Mapping[str, Any]) -> bool:
        """Take the nodes' progress from a child's last message, if all is in it.

        Then of the events only the last one is needed, for the counts. Else nothing is taken.
        """
        outcome = last.get("outcome")
        if not isinstance(outcome, dict) or outcome.get("status") != "finished":
            return False
        nodes: dict[str, dict[str, Any]] = {}
        for record in outcome.get("nodes") or ():
            name = record.get("name") if isinstance(record, dict) else None
            # One in a Parallelizable block runs once per item: what counts is what came last.
            if not isinstance(name, str) or name[:200] in nodes:
                return False
            node = {key: record.get(key) for key in ("started_at", "state", "seconds")}
            if record.get("from_cache"):
                node["from_cache"] = True
            nodes[name[:200]] = node
        if nodes:
            with self.lock:
                self.progress["nodes"] = nodes
        return bool(nodes)

    @property
    def record_every(self) -> float:
        """Seconds to wait after a write before what is new now is written."""
        return RECORD_BAR_EVERY if self._only_bar else RECORD_EVERY

    def _changed(self) -> None:
        # Only the first change since the last write wakes the recorder.
        with self.lock:
            was_dirty, self.is_dirty = self.is_dirty, True
        if not was_dirty:
            self.on_change()

    def take_output(self) -> PendingOutput:
        """Take out what can be recorded now; hold the lock."""
        end = len(self._text)
        if not self.has_ended:
            # A secret that is cut in two would pass the mask, and half a character is no text:
            # both wait for their rest.
            end = codecs.utf_8_decode(self._text, "replace", False)[1]
            end -= partial_secret_length(bytes(self._text[:end]))
        progress = None
        if self.progress and self.has_ended:
            progress = self.progress
        elif self.progress:
            # A copy: it is written without the lock, while the next events change the original.
            nodes = {name: {**node} for name, node in self.progress.get("nodes", {}).items()}
            progress = {**self.progress, "nodes": nodes}
        text = bytes(self._text[:end])
        if b"\r" in text:
            text = _OVERWRITTEN.sub(b"", text)
        output = PendingOutput(text, self._cut, progress)
        del self._text[:end]
        self._cut, self.is_dirty, self._only_bar = 0, False, True
        return output

    def put_back_output(self, output: PendingOutput) -> None:
        """Put back what could not be recorded, before what was printed since; hold the lock."""
        self._text[:0] = output.text
        self._cut += output.cut
        self._only_bar = False
        self._trim()
        self.is_dirty = True

    def note_failed_write(self, output: PendingOutput, *, is_answered: bool) -> None:
        """What could not be written is to be written again; without an answer it may be stored."""
        with self.lock:
            self.failed_writes += 1
            unconfirmed = self.unconfirmed
            if output is not unconfirmed:
                self.put_back_output(output)
            if unconfirmed is not None and is_answered:
                self.unconfirmed = None
                self.put_back_output(unconfirmed)
            self.is_dirty = True

    def _trim(self) -> None:
        excess = len(self._text) - MAX_PENDING_LOG
        if excess > 0:
            del self._text[:excess]
            self._cut += excess
