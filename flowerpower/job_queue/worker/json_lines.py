"""Messages between processes: one JSON object per line, whoever is at the other end."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any

LINE_LIMIT = 8 * 1024 * 1024
"""Bytes of one line; a longer one is not read."""
DAMAGED = "damaged"
"""The `type` a reader gives to what it cannot read; `reason` says why."""

Message = dict[str, Any]


def to_line(message: Message) -> bytes:
    """`message` as a line.

    Raises:
        ValueError: if it is not JSON, or longer than LINE_LIMIT.
    """
    try:
        line = json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the message is not JSON: {error}") from None
    if len(line) > LINE_LIMIT:
        raise ValueError(f"the message has {len(line)} bytes; at most {LINE_LIMIT} can be sent")
    return line


class LineReader:
    """Turns bytes, as they come, into messages.

    What is no message becomes one of the type `damaged`, several in a row a single one.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete now that `data` has come."""
        *lines, rest = data.split(b"\n")
        found: list[Message] = []
        for line in lines:
            self._take(line, found)
            if not self._skipping:
                _add(_message(bytes(self._pending)), found)
            self._pending.clear()
            self._skipping = False
        self._take(rest, found)
        return found

    def _take(self, part: bytes, found: list[Message]) -> None:
        if self._skipping:
            return
        self._pending += part
        if len(self._pending) > LINE_LIMIT:
            _add(_damaged(f"a line of more than {LINE_LIMIT} bytes"), found)
            self._pending.clear()
            self._skipping = True


class LineWriter:
    """Sends lines through a socket that must not block; what does not fit is kept for `flush`."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._pending = bytearray()

    @property
    def is_flushed(self) -> bool:
        """Whether all has been handed to the system."""
        return not self._pending

    def put(self, line: bytes) -> None:
        """Send `line`, or the part of it that fits."""
        self._pending += line
        self.flush()

    def flush(self) -> bool:
        """Send what is left, as far as it fits; whether nothing is left.

        What nobody reads any more is dropped.
        """
        while self._pending:
            try:
                sent = self._socket.send(self._pending)
            except BlockingIOError:
                return False
            except OSError:
                self._pending.clear()
                break
            del self._pending[:sent]
        return True


def receive(sock: socket.socket, reader: LineReader, most: int) -> tuple[list[Message], bool]:
    """What waits in a non-blocking `sock`, at most about `most` bytes; whether it goes on."""
    found: list[Message] = []
    taken = 0
    with contextlib.suppress(BlockingIOError):
        while taken < most:
            try:
                data = sock.recv(262_144)
            except ConnectionError:
                data = b""
            if not data:
                return found, False
            taken += len(data)
            found += reader.feed(data)
    return found, True


def _add(message: Message, found: list[Message]) -> None:
    if not (found and message.get("type") == found[-1].get("type") == DAMAGED):
        found.append(message)


def _message(line: bytes) -> Message:
    try:
        message = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return _damaged(f"a line that is not JSON: {type(error).__name__}")
    if not isinstance(message, dict):
        return _damaged("a line that is not a JSON object")
    return message


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _damaged(reason: str) -> Message:
    return {"type": DAMAGED, "reason": reason}
