"""An attempt while its child makes it, wherever that is: its log, its progress, its end."""

from __future__ import annotations

import select
import signal
from collections.abc import Collection
from typing import Protocol

from flowerpower.job_queue.worker.attempt import Attempt, StopReason
from flowerpower.job_queue.worker.child_pipes import Child
from flowerpower.job_queue.worker.fork_server_client import ChildEnded
from flowerpower.job_queue.worker.json_lines import (
    Message,
    is_outcome,
    parse_lines,
    without_early_events,
)
from flowerpower.triggers import clock

GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""
PROGRESS_EVERY = 0.2
"""Seconds between two looks at what a child says of its progress."""
AHEAD_LOOK_EVERY = 0.02
"""The same while its child has further requests: it tells of an outcome only after the last one."""


class FollowedChild(Protocol):
    """A child, and what whoever has started it says of it."""

    child: Child

    def fileno(self) -> int:
        """The descriptor that is readable when there is news of it, or for its attempts."""

    def end(self) -> ChildEnded | None:
        """Its end, once that is known; takes the news."""

    def signal(self, number: int) -> None:
        """Send a signal to it and what it has started."""

    @property
    def is_ahead(self) -> bool:
        """Whether it has further requests."""

    def hold_back(self, attempt: Attempt) -> bool:
        """Take back its further requests if they must not wait; `attempt` is followed now."""


def follow(attempt: Attempt, followed: FollowedChild) -> Message | ChildEnded:
    """Read log and messages of a child that has its request, and stop it if need be.

    Returns its last message, of type `outcome` or (it has not begun) `stale`, or how it ended.
    """
    child = followed.child
    # Of a request that was sent ahead, all may have been read with what came before it.
    if (last := _take_messages(attempt, child)) is not None:
        return last
    watch = _Watch(followed)
    while True:
        has_taken_back = followed.hold_back(attempt)
        # What was in the pipes before that says which attempt runs: only that one is stopped.
        ready = set() if has_taken_back else watch.wait(_enforce_stop(attempt, followed))
        # First of all: what it has sent before its end is in the pipes by then.
        ended = followed.end() if followed.fileno() in ready else None
        has_news = ended is not None or has_taken_back or child.control in ready
        # Then the messages: what was printed before an outcome is in the pipe once that has come.
        # What has printed its mark has an outcome, or will have one very soon.
        has_news = has_news or child.log_is_complete
        if has_news:
            child.read_urgent()
        if watch.is_due(ready) or has_news or child.log in ready:
            # Before the log, which must not show the secrets that the settings name.
            child.read_progress()
        if (last := _take_messages(attempt, child)) is not None:
            return last
        if ended is not None or child.log in ready or watch.is_looking:
            _read_log(attempt, child, to_end=ended is not None)
        if ended is not None:
            return ended
        watch.forget_closed(ready)


class _Watch:
    """Which descriptors to wait for, and when to read what a child says of its progress.

    Progress is read a little later, or else with the outcome: a short job's is read in one go so,
    and nobody is woken for it. What a long one says, hours later, wakes its thread, but no more
    often. While the child has further requests, its log waits for that look too: in it is the end
    of each of its jobs.
    """

    def __init__(self, followed: FollowedChild) -> None:
        self._followed, self._child = followed, followed.child
        self._poller = select.poll()
        for number in (followed.fileno(), self._child.control):
            self._poller.register(number, select.POLLIN)
        self._is_flushed = True
        self._watches_log = self._watches_progress = False
        self.is_looking = False
        self._look_at = clock.monotonic() + self._look_every

    @property
    def _look_every(self) -> float:
        return AHEAD_LOOK_EVERY if self._followed.is_ahead else PROGRESS_EVERY

    def wait(self, left: float | None) -> set[int]:
        """Wait for news, for `left` seconds at most; the descriptors that are readable."""
        child = self._child
        if self._is_flushed != child.is_flushed:
            self._is_flushed = child.is_flushed
            events = select.POLLIN | (0 if self._is_flushed else select.POLLOUT)
            self._poller.modify(child.control, events)
        if not self._watches_log and not self._followed.is_ahead and child.log_is_open:
            self._poller.register(child.log, select.POLLIN)
            self._watches_log = True
        if not self._watches_progress and child.progress_is_open:
            # A little later, so that the time is up when it is looked at.
            look_in = max(0.0, self._look_at - clock.monotonic()) + 0.001
            left = look_in if left is None else min(left, look_in)
        ready = {number for number, _ in self._poller.poll(None if left is None else left * 1000)}
        if not self._is_flushed:
            child.flush()
        return ready

    def is_due(self, ready: Collection[int]) -> bool:
        """Whether progress is to be read now; `ready` are the descriptors that are readable."""
        child, now = self._child, clock.monotonic()
        self.is_looking = self._followed.is_ahead and now >= self._look_at
        if self.is_looking:
            self._look_at = now + self._look_every
            return True
        if self._watches_progress and (child.progress in ready or not child.progress_is_open):
            self._poller.unregister(child.progress)
            self._watches_progress, self._look_at = False, now + self._look_every
            return True
        if child.progress_is_open and not self._watches_progress and now >= self._look_at:
            self._poller.register(child.progress, select.POLLIN)
            self._watches_progress = True
        return False

    def forget_closed(self, ready: Collection[int]) -> None:
        """Let go of pipes whose other end is closed: they are always readable."""
        if self._child.control in ready and not self._child.control_is_open:
            self._poller.unregister(self._child.control)
        if self._child.log in ready and not self._child.log_is_open:
            self._poller.unregister(self._child.log)


def _take_messages(attempt: Attempt, child: Child) -> Message | None:
    """Take what has been read of the attempt; its last message, with its log, if that has come."""
    urgent, lines = child.take_urgent(), child.take_progress()
    last = next((one for one in urgent if one.get("type") in ("outcome", "stale")), None)
    if last is None and lines and is_outcome(lines[-1]):
        last = parse_lines([lines.pop()])[0]
    # Before the log, which must not show the secrets that the settings name.
    if last is not None and attempt.take_nodes(last):
        lines = without_early_events(lines)
    for message in parse_lines(lines):
        _take_message(attempt, message)
    for message in urgent:
        if message is last:
            break
        _take_message(attempt, message)
    if last is not None:
        attempt.note_began(last.get("began"))
        _read_log(attempt, child, to_end=last.get("kept") is not True)
    return last


def _take_message(attempt: Attempt, message: Message) -> None:
    if "began" in message:
        attempt.note_began(message["began"])
    match message.get("type"):
        case "node":
            attempt.add_node_event(message)
        case "imported":
            attempt.imported = tuple(map(str, message["modules"]))
        case "read":
            attempt.has_read = True
        case "settings":
            attempt.apply_settings(message)


def _read_log(attempt: Attempt, child: Child, *, to_end: bool) -> None:
    if text := child.read_log(to_end=to_end):
        attempt.add_log(text)


def _enforce_stop(attempt: Attempt, followed: FollowedChild) -> float | None:
    """End a child that is to be stopped or whose time is up; seconds until the next look."""
    now = clock.monotonic()
    if attempt.timeout is not None and now - attempt.began > attempt.timeout:
        attempt.stop(StopReason.TIMEOUT)
    if attempt.stop_reason is None:
        # A little later, so that the time is up when it is looked at.
        return None if attempt.timeout is None else attempt.began + attempt.timeout - now + 0.001
    if attempt.kill_at is None:
        # With a lost lease another worker may run the job by now: no time to tidy up.
        is_gentle = attempt.stop_reason in (StopReason.CANCEL, StopReason.TIMEOUT)
        attempt.kill_at = now + (GRACE if is_gentle else 0.0)
        if is_gentle:
            followed.signal(signal.SIGTERM)
    if now >= attempt.kill_at:
        # Again after another grace: a command to a fork server that is busy may be lost.
        attempt.kill_at = now + GRACE
        followed.signal(signal.SIGKILL)
    return attempt.kill_at - now + 0.001
