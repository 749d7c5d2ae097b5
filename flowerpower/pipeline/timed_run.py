"""Attempts with a timeout, each in a process of its own: only that can always be ended.

A thread cannot be ended from outside, and a signal's handler waits until C code returns.
"""

from __future__ import annotations

import codecs
import contextlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flowerpower.config.run_section import RetryConfig
from flowerpower.job_queue.worker.attempt import Attempt, StopReason
from flowerpower.job_queue.worker.child_pipes import Child
from flowerpower.job_queue.worker.child_pool import ENTRY, PRELOAD
from flowerpower.job_queue.worker.follow import follow
from flowerpower.job_queue.worker.fork_server_client import ChildEnded, ForkServer, ForkServerDied
from flowerpower.job_queue.worker.json_lines import Message
from flowerpower.job_queue.worker.run_attempt import ending_of
from flowerpower.jobs.claim import AttemptResult, Claim
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.run import NodeEvent, NodeRecord, RunError, RunOutcome, RunRequest
from flowerpower.triggers import clock

_NO_CLAIM = Claim("", "", 1, "", {})
"""For functions that judge how a job's attempt ended: this run is no job, and has no retry yet."""


class TimedRun:
    """The attempts at one run, one after another, each in a child of the same fork server.

    An attempt has `timeout` seconds; then its child gets TERM, and then KILL. What a child prints
    goes to `sys.stderr` as it comes. For one thread, which calls `close` at the end.
    """

    def __init__(
        self,
        request: RunRequest,
        timeout: float,
        policy: RetryConfig,
        on_event: Callable[[NodeEvent], None] | None = None,
        *,
        environ: Mapping[str, str],
    ) -> None:
        self._request, self._timeout, self._policy = request, timeout, policy
        self._on_event = on_event
        self._server = ForkServer(ENTRY, PRELOAD, environ=environ)

    def make_attempt(self) -> RunOutcome:
        """Make one attempt; `values` of its outcome are the encoded outputs.

        No process that it has started is left.

        Raises:
            FlowerpowerError: if no process can be started.
        """
        # An attempt may have ended the server: the next one is not to suffer for it.
        if not self._server.is_alive:
            self._server.start()
        with contextlib.closing(self._server.new_child()) as child:
            attempt = _TimedAttempt(self._timeout, self._policy, self._on_event)
            how = self._follow(attempt, _OnlyChild(self._server, child))
        with contextlib.suppress(ForkServerDied):
            self._server.clear()
        return attempt.outcome(self._request.pipeline, how)

    def close(self) -> None:
        """End the fork server, and an attempt that still runs."""
        self._server.close()

    def _follow(self, attempt: _TimedAttempt, followed: _OnlyChild) -> Message | ChildEnded:
        followed.child.send({"run": self._request.to_json(), "keep": False})
        try:
            return follow(attempt, followed)
        except KeyboardInterrupt:
            # The pipeline has some seconds to clean up; a second Ctrl-C ends it at once.
            attempt.stop(StopReason.CANCEL)
            follow(attempt, followed)
            raise


class _OnlyChild:
    """The one child of a fork server, for `follow`."""

    def __init__(self, server: ForkServer, child: Child) -> None:
        self.child = child
        self._server = server

    def fileno(self) -> int:
        return self._server.fileno()

    is_ahead = False

    def hold_back(self, _attempt: Attempt) -> bool:
        return False

    def end(self) -> ChildEnded | None:
        return next(iter(self._server.reports()), None)

    def signal(self, number: int) -> None:
        self._server.kill(self.child, number)


class _TimedAttempt(Attempt):
    """An attempt that shows what it prints and how far it is, where a job's are recorded."""

    def __init__(
        self, timeout: float, policy: RetryConfig, on_event: Callable[[NodeEvent], None] | None
    ) -> None:
        super().__init__(_NO_CLAIM, clock.monotonic(), policy=policy, timeout=timeout)
        # The caller knows the settings, so there is nothing that must come first.
        self.has_begun = True
        self._on_event = on_event
        self._started = clock.now()
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._nodes: dict[str, NodeRecord] = {}

    def apply_settings(self, message: Mapping[str, Any]) -> None:
        """Nothing: the caller's settings hold."""

    def add_log(self, text: bytes) -> None:
        sys.stderr.write(self._decoder.decode(text))
        sys.stderr.flush()

    def add_node_event(self, message: Mapping[str, Any]) -> None:
        event = NodeEvent(**{key: message[key] for key in NodeEvent.__dataclass_fields__})
        started = clock.format_time(clock.now())
        record = self._nodes.setdefault(event.node, NodeRecord(event.node, "running", started))
        record.state, record.seconds = event.state, event.seconds
        if self._on_event is not None:
            self._on_event(event)

    def take_nodes(self, _last: Mapping[str, Any]) -> bool:
        """Nothing: each event is passed on."""
        return False

    @property
    def node(self) -> str | None:
        running = [node.name for node in self._nodes.values() if node.state == "running"]
        return running[-1] if running else None

    def outcome(self, pipeline: str, how: Message | ChildEnded) -> RunOutcome:
        """The outcome that the child has sent, or that it died or took too long."""
        if not isinstance(how, ChildEnded) and self.stop_reason is None:
            outcome = RunOutcome.from_json(how["outcome"])
            outcome.values = dict(outcome.outputs)
            return outcome
        seconds = round(clock.monotonic() - self.began, 6)
        ended = clock.after(self._started, seconds)
        outcome = RunOutcome(
            pipeline, "failed", clock.format_time(self._started), clock.format_time(ended), seconds
        )
        result, node = self._failure(how), self.node
        for record in self._nodes.values():
            if record.state == "running":
                record.state = "failed" if record.name == node else "interrupted"
        outcome.nodes = list(self._nodes.values())
        outcome.error = RunError(**(result.error or {}))
        outcome.retryable = result.status is JobStatus.SCHEDULED
        return outcome

    def _failure(self, how: Message | ChildEnded) -> AttemptResult:
        if isinstance(how, ChildEnded):
            # Nobody requeues this run: that its fork server died is its failure.
            how = replace(how, lost=False)
        ending = ending_of(self, how, is_first=True)
        # There is one, because this attempt has begun, and it is stopped by its timeout alone.
        assert ending is not None
        assert ending.result is not None
        return ending.result
