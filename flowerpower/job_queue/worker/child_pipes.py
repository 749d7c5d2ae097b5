"""The worker's ends of a child's pipes, read request by request.

A child may have several requests at once. What it sends and prints of a later one waits here until
the worker turns to that one, so that nothing of one job is ever taken for another's.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from functools import partial

from flowerpower.job_queue.worker.json_lines import (
    LineReader,
    LineSocket,
    Message,
    number_of,
    parse_lines,
    prefix_of,
    read_available,
)
from flowerpower.job_queue.worker.permits import Permits


class Child(LineSocket):
    """A forked process that waits for requests, and the worker's ends of its pipes.

    A selector can watch `control`, `progress` and `log` until `control_is_open`, `progress_is_open`
    or `log_is_open` is False. What the child sends through `progress` need not be read at once.
    `permits` say which of its requests it may begin, and `last_number` is the last one's. A request
    without a number needs no permit; then all that comes is of it.
    """

    def __init__(
        self, pid: int, control: socket.socket, progress: int, log: int, permits: Permits
    ) -> None:
        super().__init__(control)
        for pipe in (progress, log):
            os.set_blocking(pipe, False)
        self.pid = pid
        self.progress, self.log, self.permits = progress, log, permits
        self.progress_is_open = self.log_is_open = True
        self._progress_reader = LineReader()
        self.last_number = self._number = 0
        self._prefix = prefix_of(0)
        self._urgent: list[Message] = []
        self._lines: deque[bytes] = deque()
        self._log = LogPart()

    @property
    def control(self) -> int:
        """The descriptor of the messages."""
        return self.fileno()

    @property
    def control_is_open(self) -> bool:
        """Whether there may be more messages."""
        return self.is_open

    @property
    def log_is_complete(self) -> bool:
        """Whether the mark at the end of the request's log has come."""
        return self._log.is_complete

    def turn_to(self, number: int, mark: bytes = b"") -> None:
        """From now on give what is of the request of that number; its log ends with the `mark`.

        Without a mark no later request is begun before this one's outcome and log are read.
        """
        self._number, self._prefix = number, prefix_of(number)
        self._log.begin(mark)

    def read_urgent(self) -> None:
        """Read what has arrived through `control`."""
        self._urgent += super().messages()

    def read_progress(self) -> None:
        """Read what has arrived through `progress`."""
        if self.progress_is_open:
            data, self.progress_is_open = read_available(partial(os.read, self.progress))
            self._lines.extend(self._progress_reader.lines(data))

    def take_urgent(self) -> list[Message]:
        """Messages of the request that were read from `control`; those of earlier ones are gone."""
        if not self._urgent:
            return []
        numbers = [self._known(message.get("request")) for message in self._urgent]
        pairs = [*zip(numbers, self._urgent, strict=True)]
        self._urgent = [message for number, message in pairs if number > self._number]
        return [message for number, message in pairs if number == self._number]

    def take_progress(self) -> list[bytes]:
        """Lines of the request that were read from `progress`; those of earlier ones are gone."""
        taken = []
        lines, prefix = self._lines, self._prefix
        while lines:
            # Nearly all are of this request; to read the number of each would take longer.
            if not lines[0].startswith(prefix):
                number = self._known(number_of(lines[0]))
                if number > self._number:
                    break
                if number < self._number:
                    lines.popleft()
                    continue
            taken.append(lines.popleft())
        return taken

    def _known(self, number: object) -> int:
        """The number, if a request has it; else the line is of the one that the worker follows."""
        # A job may write into these pipes too, and must not stop what comes after.
        is_known = isinstance(number, int) and 0 < number <= self.last_number
        return number if is_known else self._number  # type: ignore[return-value]

    def messages(self) -> list[Message]:
        """All messages that have arrived; all that are left, after the other process's end."""
        # Read in this order and given in the other one: what an outcome comes after is in the pipe
        # by then.
        self.read_urgent()
        self.read_progress()
        return [*parse_lines(self.take_progress()), *self.take_urgent()]

    def read_log(self, *, to_end: bool = False) -> bytes:
        """What the child has printed since; after its end one call returns all that is left.

        With `to_end` no mark comes any more: the child begins no other request.
        """
        if self.log_is_open and not self._log.is_complete:
            text, self.log_is_open = read_available(partial(os.read, self.log))
            self._log.add(text)
        return self._log.take(to_end=to_end or not self.log_is_open)

    def forget_output(self, *, read: bool) -> None:
        """Drop what it has sent and printed; with `read` also what is still in the pipes."""
        if read:
            self.read_urgent()
            self.read_progress()
            self._log.begin(b"")
            self.read_log()
        self._urgent.clear()
        self._lines.clear()
        self._log = LogPart()

    def close(self) -> None:
        """Close the pipes; a child that waits for a request ends."""
        super().close()
        self.permits.close()
        for pipe in (self.progress, self.log):
            if pipe >= 0:
                os.close(pipe)
        self.progress = self.log = -1
        self.progress_is_open = self.log_is_open = False


class LogPart:
    """What is printed during one request: from where the one before ends up to a mark."""

    def __init__(self) -> None:
        self._mark = b""
        self._text = bytearray()
        self._end = -1
        """Where the mark is in the text, -1 if it has not come."""

    def begin(self, mark: bytes) -> None:
        """Go on with the next request, whose text ends with the mark; b"" if it has none."""
        if self._end >= 0:
            del self._text[: self._end + len(self._mark)]
        self._mark, self._end = mark, -1
        self._find()

    @property
    def is_complete(self) -> bool:
        """Whether the mark has come."""
        return self._end >= 0

    def add(self, text: bytes) -> None:
        """Add what was read."""
        self._text += text
        self._find()

    def _find(self) -> None:
        if self._mark and self._end < 0:
            self._end = self._text.find(self._mark)

    def take(self, *, to_end: bool) -> bytes:
        """Take out the text of this request; what may be a part of its mark stays.

        With `to_end` nothing stays, because no mark comes.
        """
        end = self._end
        if end < 0:
            end = len(self._text) - (0 if to_end else self._begun_mark())
        text = bytes(self._text[:end])
        del self._text[:end]
        self._end = min(self._end, 0)
        return text

    def _begun_mark(self) -> int:
        """How many bytes at the end of the text may be the begin of the mark."""
        longest = min(len(self._mark) - 1, len(self._text))
        for length in range(longest, 0, -1):
            if self._text.endswith(self._mark[:length]):
                return length
        return 0
