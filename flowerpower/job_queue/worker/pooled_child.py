"""One child of a worker's pool, and the attempts whose requests it was sent."""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from flowerpower.job_queue.worker.attempt import Attempt
from flowerpower.job_queue.worker.child_pipes import Child
from flowerpower.job_queue.worker.fork_server_client import ChildEnded
from flowerpower.job_queue.worker.json_lines import Message, numbered, to_line
from flowerpower.job_queue.worker.prefetch import MAX_AHEAD
from flowerpower.job_queue.worker.wakeup import WakeUp
from flowerpower.triggers import clock

LONGEST_BEFORE = 0.03
"""Seconds that an attempt may take before those that wait for it in its child are taken back."""


class _Sent(NamedTuple):
    """An attempt whose request was sent, and the mark at the end of its log, b"" without one."""

    number: int
    attempt: Attempt
    mark: bytes


class PooledChild:
    """A child, for the thread that has acquired it; the pool tells that thread of its end.

    That thread sends it the requests of attempts, and turns to one after another. What must not
    wait in it is taken back, and waits for any child.
    """

    def __init__(
        self,
        child: Child,
        wakeup: WakeUp,
        send_signal: Callable[[PooledChild, int], None],
        put_back: Callable[[Sequence[Attempt]], None],
    ) -> None:
        self.child = child
        self.attempts_given = 0
        self.wakeup = wakeup
        self.ended: ChildEnded | None = None
        self.number = 0
        """Which of its requests is followed; 1 is the first."""
        self._lines: list[bytes] = []
        self._ahead: deque[_Sent] = deque()
        self._is_held_back = self._has_mark = False
        self._mark = os.urandom(16)
        self._send_signal, self._put_back = send_signal, put_back
        self._poller = select.poll()
        for number in (child.control, child.progress, child.log):
            self._poller.register(number, select.POLLIN)

    def fileno(self) -> int:
        """The descriptor that is readable after `wake`."""
        return self.wakeup.fileno()

    def end(self) -> ChildEnded | None:
        """Its end, once that is known."""
        self.wakeup.clear()
        ended = self.ended
        if ended is not None:
            # Whoever follows one of its attempts may find the outcome of that first: then the
            # next one's thread must be woken too.
            self.wakeup.wake()
        return ended

    @property
    def room(self) -> int:
        """How many further attempts it may be given now, while it makes those that it has."""
        # It could not tell the log of the next one from that of one without a mark.
        if self._is_held_back or not self._has_mark or len(self._ahead) > MAX_AHEAD // 2:
            return 0
        return MAX_AHEAD - len(self._ahead)

    def prepare(
        self, attempt: Attempt, request: Message, *, has_next: bool, tells: bool = False
    ) -> None:
        """Have an attempt's request ready to be sent; raises ValueError as `to_line`.

        If it may have a next one, its log is to end with a mark. If it `tells`, its end wakes the
        worker though it has a next one.
        """
        number, mark = self.child.last_number + 1, self._mark if has_next else b""
        if mark:
            request = {**request, "mark": mark.hex(), "tells": tells}
        self._has_mark = has_next
        self._lines.append(to_line(numbered(request, number)))
        self._ahead.append(_Sent(number, attempt, mark))
        self.child.last_number = number

    def send(self) -> None:
        """Send what was prepared; the child makes these attempts in their order."""
        self._is_held_back = False
        # First the permits: a child that has a request waits for its permit.
        self.child.permits.give(len(self._lines))
        self.child.send_lines(self._lines)
        self._lines.clear()

    def turn_to_next(self) -> Attempt | None:
        """The next attempt that it was given, to be followed from now on; None after the last."""
        if not self._ahead:
            return None
        sent = self._ahead.popleft()
        self.number = sent.number
        self.child.turn_to(sent.number, sent.mark)
        return sent.attempt

    @property
    def is_ahead(self) -> bool:
        """Whether it has attempts beyond the one that is followed."""
        return bool(self._ahead)

    def hold_back(self, attempt: Attempt) -> bool:
        """Take back what it has beyond `attempt` if that must not wait; whether this was done now.

        Then all that is to be known of which one it makes is in its pipes.
        """
        if not self._ahead or self._is_held_back:
            return False
        limit = min(LONGEST_BEFORE, attempt.timeout) if attempt.timeout else LONGEST_BEFORE
        if (
            clock.monotonic() - attempt.began < limit
            and attempt.stop_reason is None
            and all(sent.attempt.stop_reason is None for sent in self._ahead)
        ):
            return False
        self.take_back()
        return True

    def take_back(self) -> None:
        """Take back all that it has not begun; this waits again."""
        # Once is enough: what is left after that has begun. The pipes may be closed the next time.
        if self._is_held_back or not self._ahead:
            return
        self._is_held_back = True
        count = self.child.permits.take_back(len(self._ahead))
        self.attempts_given -= count
        taken = [self._ahead.pop().attempt for _ in range(count)]
        if taken:
            self._put_back(taken[::-1])

    def let_go(self) -> None:
        """Close its pipes; what it has not begun waits again."""
        self.take_back()
        self.child.close()

    def forget_output(self) -> None:
        """Take out what it has printed or sent since its last attempt: it is of no attempt."""
        # One call that says that there is nothing, in place of three.
        self.child.forget_output(read=bool(self._poller.poll(0)))

    def signal(self, number: int) -> None:
        """Send a signal to the child and what it has started."""
        self._send_signal(self, number)

    def wake(self) -> None:
        """Have its thread look at it, and at its attempts."""
        self.wakeup.wake()
