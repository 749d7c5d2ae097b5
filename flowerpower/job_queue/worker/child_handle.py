"""A forked child as its worker sees it: messages both ways, its log, how it ended."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from flowerpower.job_queue.worker.json_lines import (
    LineReader,
    LineWriter,
    Message,
    receive,
    to_line,
)

MAX_READ = 1024 * 1024
"""Bytes read in one call; the most that a pipe can hold once its writer has ended."""


@dataclass(frozen=True)
class ChildEnded:
    """The end of a child; `returncode` is negative for a signal, as in `subprocess`.

    `lost` means that its job is not to blame: the worker was silent too long, or the fork server
    died.
    """

    pid: int
    returncode: int
    lost: bool = False


class Child:
    """A forked process that waits for a request, and the worker's ends of its pipes.

    No method waits. A selector can watch `control` and `log`; once `control_is_open` or
    `log_is_open` is False, take that descriptor out of the selector.
    """

    def __init__(self, pid: int, control: socket.socket, log: int) -> None:
        self.pid = pid
        self.control_is_open = True
        self.log_is_open = True
        self._socket = control
        self._log = log
        self._reader = LineReader()
        self._writer = LineWriter(control)

    @property
    def control(self) -> int:
        """The descriptor that is readable when there are messages."""
        return self._socket.fileno()

    @property
    def log(self) -> int:
        """The descriptor that is readable when the child has printed something."""
        return self._log

    @property
    def is_flushed(self) -> bool:
        """Whether all messages have been sent; if not, watch `control` for writing and `flush`."""
        return self._writer.is_flushed

    def send(self, message: Message) -> None:
        """Send a message; the part that does not fit is sent by the next `flush`.

        Raises:
            ValueError: if it is not JSON, or longer than LINE_LIMIT.
        """
        self._writer.put(to_line(message))

    def flush(self) -> bool:
        """Send what is left, as far as it fits; whether nothing is left."""
        return self._writer.flush()

    def messages(self) -> list[Message]:
        """The messages that have arrived; what cannot be read has the type `damaged`.

        After a child's end one call returns all that is left.
        """
        if not self.control_is_open:
            return []
        messages, self.control_is_open = receive(self._socket, self._reader, MAX_READ)
        return messages

    def read_log(self) -> bytes:
        """What the child has printed since; after its end one call returns all that is left."""
        chunks, size = [], 0
        while self.log_is_open and size < MAX_READ:
            try:
                chunk = os.read(self._log, 262_144)
            except BlockingIOError:
                break
            self.log_is_open = bool(chunk)
            chunks.append(chunk)
            size += len(chunk)
        return b"".join(chunks)

    def close(self) -> None:
        """Close the pipes; a child that waits for a request ends."""
        self._socket.close()
        if self._log >= 0:
            os.close(self._log)
        self._log = -1
        self.control_is_open = self.log_is_open = False
