"""One attempt with a time limit: in a process of its own, which can be ended whatever it does."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from flowerpower.config.run import RetryConfig
from flowerpower.job_queue.worker.child_handle import Child
from flowerpower.job_queue.worker.child_pool import ENTRY, PRELOAD
from flowerpower.job_queue.worker.fork_server_client import ForkServer
from flowerpower.job_queue.worker.slots import GRACE
from flowerpower.jobs import attempt_result
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.run import NodeEvent, NodeRecord, RunError, RunOutcome, RunRequest
from flowerpower.triggers import clock


def run_timed(
    request: RunRequest,
    timeout: float,
    policy: RetryConfig,
    on_event: Callable[[NodeEvent], None] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
) -> RunOutcome:
    """Make one attempt in a child; after `timeout` seconds it is asked to end, then made to.

    What the child prints goes to `sys.stderr` as it comes. `values` are the encoded outputs.

    Raises:
        FlowerpowerError: if no process can be started.
    """
    server = ForkServer(ENTRY, PRELOAD, environ=environ)
    server.start()
    try:
        with contextlib.closing(server.new_child()) as child:
            return _TimedAttempt(server, child, on_event).outcome(request, timeout, policy)
    finally:
        server.close()


class _TimedAttempt:
    """A child that makes one attempt, and what it has told so far."""

    def __init__(
        self, server: ForkServer, child: Child, on_event: Callable[[NodeEvent], None] | None
    ) -> None:
        self._server = server
        self._child = child
        self._on_event = on_event
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._nodes: dict[str, NodeRecord] = {}
        self._told: RunOutcome | None = None
        self._returncode: int | None = None

    def outcome(self, request: RunRequest, timeout: float, policy: RetryConfig) -> RunOutcome:
        started, since = clock.now(), clock.monotonic()
        self._child.send({"run": request.to_json(), "keep": False})
        try:
            self._attend(since + timeout)
        except KeyboardInterrupt:
            self._end()
            raise
        if self._told is not None:
            self._told.values = dict(self._told.outputs)
            return self._told
        if self._returncode is not None:
            node, now = self._node, clock.now()
            why = attempt_result.from_process_death(_CLAIM, policy, self._returncode, node, now)
        else:
            # What it tells from here on comes too late.
            self._end()
            why = attempt_result.from_timeout(_CLAIM, policy, timeout, self._node, clock.now())
        seconds = round(clock.monotonic() - since, 6)
        return RunOutcome(
            request.pipeline,
            "failed",
            clock.format_time(started),
            clock.format_time(clock.after(started, seconds)),
            seconds,
            nodes=list(self._nodes.values()),
            error=RunError(**(why.error or {})),
            retryable=why.status is JobStatus.SCHEDULED,
        )

    @property
    def _is_over(self) -> bool:
        return self._told is not None or self._returncode is not None

    def _end(self) -> None:
        """Let the pipeline tidy up for a while; what is left is ended with the server."""
        self._server.kill(self._child, signal.SIGTERM)
        self._attend(clock.monotonic() + GRACE)

    @property
    def _node(self) -> str | None:
        running = [node.name for node in self._nodes.values() if node.state == "running"]
        return running[-1] if running else None

    def _attend(self, deadline: float) -> None:
        """Take in what the child tells, until it is over or the time is."""
        child = self._child
        while not self._is_over and (left := deadline - clock.monotonic()) > 0:
            ends = {child.control: child.control_is_open, child.log: child.log_is_open}
            watched = [self._server.fileno(), *(end for end, is_open in ends.items() if is_open)]
            unsent = [] if child.is_flushed else [child.control]
            select.select(watched, unsent, [], left)
            child.flush()
            for ended in self._server.reports():
                self._returncode = ended.returncode
            # Asked after its end: its last words are in the pipes then.
            messages = child.messages()
            self._print(child.read_log())
            for message in messages:
                self._take(message)

    def _print(self, text: bytes) -> None:
        if text:
            sys.stderr.write(self._decoder.decode(text))
            sys.stderr.flush()

    def _take(self, message: Mapping[str, Any]) -> None:
        if message.get("type") == "node":
            event = NodeEvent(**{key: message[key] for key in NodeEvent.__dataclass_fields__})
            started = clock.format_time(clock.now())
            record = self._nodes.setdefault(event.node, NodeRecord(event.node, "running", started))
            record.state, record.seconds = event.state, event.seconds
            if self._on_event is not None:
                self._on_event(event)
        elif message.get("type") == "outcome":
            self._told = RunOutcome.from_json(message["outcome"])


_CLAIM = Claim("", "", 1, "", {})
"""What the rules for the ends of jobs are told of a run that is none: nothing was retried yet."""
