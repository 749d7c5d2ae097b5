"""One attempt with a timeout: in a process of its own, because only that can always be ended.

A thread cannot be ended from outside, and a signal's handler waits until C code returns.
"""

from __future__ import annotations

import codecs
import contextlib
import select
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from flowerpower.config.run import RetryConfig
from flowerpower.job_queue.worker.child_pool import ENTRY, PRELOAD
from flowerpower.job_queue.worker.fork_server_client import Child, ForkServer
from flowerpower.job_queue.worker.slots import GRACE
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.run import NodeEvent, NodeRecord, RunError, RunOutcome, RunRequest
from flowerpower.triggers import clock

_NO_CLAIM = Claim("", "", 1, "", {})
"""For functions that judge how a job's attempt ended: this run is no job, and has no retry yet."""


def run_timed(
    request: RunRequest,
    timeout: float,
    policy: RetryConfig,
    on_event: Callable[[NodeEvent], None] | None = None,
    *,
    environ: Mapping[str, str],
) -> RunOutcome:
    """Make one attempt in a child; after `timeout` seconds it gets TERM, and then KILL.

    What the child prints goes to `sys.stderr` as it comes. `values` are the encoded outputs.

    Raises:
        FlowerpowerError: if no process can be started.
    """
    server = ForkServer(ENTRY, PRELOAD, environ=environ)
    server.start()
    try:
        with contextlib.closing(server.new_child()) as child:
            return _TimedAttempt(server, child, on_event).run(request, timeout, policy)
    finally:
        server.close()


class _TimedAttempt:
    """A child that makes one attempt, and what it has sent so far."""

    def __init__(
        self, server: ForkServer, child: Child, on_event: Callable[[NodeEvent], None] | None
    ) -> None:
        self._server = server
        self._child = child
        self._on_event = on_event
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._nodes: dict[str, NodeRecord] = {}
        self._outcome: RunOutcome | None = None
        self._returncode: int | None = None

    def run(self, request: RunRequest, timeout: float, policy: RetryConfig) -> RunOutcome:
        """The outcome: the child's own, or that it died or took too long."""
        started, since = clock.now(), clock.monotonic()
        self._child.send({"run": request.to_json(), "keep": False})
        try:
            self._listen_until(since + timeout)
        except KeyboardInterrupt:
            self._terminate()
            raise
        if self._outcome is not None:
            self._outcome.values = dict(self._outcome.outputs)
            return self._outcome
        returncode = self._returncode
        if returncode is None:
            # An outcome that the child sends while it ends comes too late, and does not count.
            self._terminate()
        running = [node.name for node in self._nodes.values() if node.state == "running"]
        node, now = running[-1] if running else None, clock.now()
        if returncode is None:
            result = attempt_result.from_timeout(_NO_CLAIM, policy, timeout, node, now)
        else:
            result = attempt_result.from_process_death(_NO_CLAIM, policy, returncode, node, now)
        seconds = round(clock.monotonic() - since, 6)
        ended = clock.after(started, seconds)
        outcome = RunOutcome(
            request.pipeline,
            "failed",
            clock.format_time(started),
            clock.format_time(ended),
            seconds,
        )
        for record in self._nodes.values():
            if record.state == "running":
                record.state = "failed" if record.name == node else "interrupted"
        outcome.nodes = list(self._nodes.values())
        outcome.error = RunError(**(result.error or {}))
        outcome.retryable = result.status is JobStatus.SCHEDULED
        return outcome

    def _terminate(self) -> None:
        """Let the pipeline clean up for some seconds; closing the server kills what is left."""
        self._server.kill(self._child, signal.SIGTERM)
        self._listen_until(clock.monotonic() + GRACE)

    def _listen_until(self, deadline: float) -> None:
        """Handle the child's messages and prints until it is over or the deadline has come."""
        child = self._child
        while self._outcome is None and self._returncode is None:
            if (left := deadline - clock.monotonic()) <= 0:
                return
            # A pipe whose other end is closed is always readable: select would not wait any more.
            ends = {child.control: child.control_is_open, child.log: child.log_is_open}
            readable = [self._server.fileno(), *(end for end, is_open in ends.items() if is_open)]
            select.select(readable, [] if child.is_flushed else [child.control], [], left)
            child.flush()
            for ended in self._server.reports():
                self._returncode = ended.returncode
            # Read after the child's end was reported: all that it sent is in the pipes by then.
            messages = child.messages()
            if text := child.read_log():
                sys.stderr.write(self._decoder.decode(text))
                sys.stderr.flush()
            for message in messages:
                self._handle(message)

    def _handle(self, message: Mapping[str, Any]) -> None:
        if message.get("type") == "node":
            event = NodeEvent(**{key: message[key] for key in NodeEvent.__dataclass_fields__})
            started = clock.format_time(clock.now())
            record = self._nodes.setdefault(event.node, NodeRecord(event.node, "running", started))
            record.state, record.seconds = event.state, event.seconds
            if self._on_event is not None:
                self._on_event(event)
        elif message.get("type") == "outcome":
            self._outcome = RunOutcome.from_json(message["outcome"])
