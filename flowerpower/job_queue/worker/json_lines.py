"""Messages between processes: one JSON object per line. The other end is not trusted."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

LINE_LIMIT = 8 * 1024 * 1024
"""Bytes of one line; a longer one is not read."""
READ_SIZE = 256 * 1024
MAX_READ = 4 * READ_SIZE
"""Bytes read in one call; the most that a pipe can hold once its writer has ended."""
DAMAGED = "damaged"
"""The `type` of the message that stands for unreadable data; `reason` says why."""

_NODE_EVENT = b'{"type":"node",'
"""How the line of an event of a node begins (see `flowerpower.pipeline.execute.run_in_child`)."""

Message = dict[str, Any]

# json.dumps and json.loads make a new one at each call that has options.
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def to_line(message: Message) -> bytes:
    """`message` as a line; raises ValueError if it is not JSON, or longer than LINE_LIMIT."""
    try:
        line = _ENCODER.encode(message).encode("ascii") + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the message is not JSON: {error}") from None
    if len(line) > LINE_LIMIT:
        raise ValueError(f"the message has {len(line)} bytes; at most {LINE_LIMIT} can be sent")
    return line


class LineReader:
    """Turns bytes into messages; unreadable lines in a row are one message of type `damaged`."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipping = False
        self._read: list[Message] = []

    def next_from(self, sock: socket.socket) -> Message | None:
        """Wait for the next message of a blocking socket; None if it is closed."""
        while not self._read:
            data = sock.recv(READ_SIZE)
            if not data:
                return None
            self._read = self.feed(data)
        return self._read.pop(0)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes."""
        *lines, rest = data.split(b"\n")
        messages: list[Message] = []
        for line in lines:
            self._append(line, messages)
            if not self._skipping:
                _add(_parse(bytes(self._pending)), messages)
            self._pending.clear()
            self._skipping = False
        self._append(rest, messages)
        return messages

    def _append(self, part: bytes, messages: list[Message]) -> None:
        if self._skipping:
            return
        self._pending += part
        if len(self._pending) > LINE_LIMIT:
            # A job may write to its control socket: endless lines must not fill the memory.
            _add(_damaged(f"a line of more than {LINE_LIMIT} bytes"), messages)
            self._pending.clear()
            self._skipping = True


def read_available(read: Callable[[int], bytes]) -> tuple[bytes, bool]:
    """What can be read without waiting, about MAX_READ bytes at most; whether there may be more."""
    # Not all at once: one busy sender must not hold up the others.
    data = bytearray()
    while len(data) < MAX_READ:
        try:
            part = read(READ_SIZE)
        except BlockingIOError:
            break
        except ConnectionError:
            part = b""
        if not part:
            return bytes(data), False
        data += part
        # Then it is empty: another read would only say so, at the cost of an exception. If the
        # other end is closed, the next call says that.
        if len(part) < READ_SIZE:
            break
    return bytes(data), True


def without_early_events(data: bytes) -> bytes:
    """The lines of `data`, of the events of nodes only the last one: to parse them takes time."""
    lines = data.splitlines(keepends=True)
    events = [line for line in lines if line.startswith(_NODE_EVENT)]
    return b"".join([line for line in lines if not line.startswith(_NODE_EVENT)] + events[-1:])


class LineSocket:
    """A socket for messages both ways; no method waits.

    `is_open` is False once the other end is seen to be closed: a selector must let go of it then.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.is_open = True
        self._socket = sock
        self._reader = LineReader()
        self._unsent = bytearray()

    def fileno(self) -> int:
        """The descriptor that is readable when there are messages."""
        return self._socket.fileno()

    @property
    def is_flushed(self) -> bool:
        """Whether all messages have been sent; if not, watch it for writing, and `flush`."""
        return not self._unsent

    def send(self, message: Message) -> None:
        """Send a message (see `to_line`); what does not fit is sent by the next `flush`."""
        self._unsent += to_line(message)
        self.flush()

    def flush(self) -> bool:
        """Send what is left, as far as it fits (a closed end: drop it); whether nothing is left."""
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except BlockingIOError:
                return False
            except OSError:
                self._unsent.clear()
                break
            del self._unsent[:sent]
        return True

    def messages(self) -> list[Message]:
        """The messages that have arrived; all that are left, after the other process's end."""
        if not self.is_open:
            return []
        data, self.is_open = read_available(self._socket.recv)
        return self._reader.feed(data)

    def close(self) -> None:
        """Close the socket; unread messages are lost."""
        self._socket.close()
        self.is_open = False


def _add(message: Message, messages: list[Message]) -> None:
    if not (messages and message.get("type") == messages[-1].get("type") == DAMAGED):
        messages.append(message)


def _parse(line: bytes) -> Message:
    try:
        message = _DECODER.decode(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        return _damaged(f"a line that is not JSON: {type(error).__name__}")
    if not isinstance(message, dict):
        return _damaged("a line that is not a JSON object")
    return message


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
"""One for all: `json.loads` would make one for each message."""


def _damaged(reason: str) -> Message:
    return {"type": DAMAGED, "reason": reason}
