"""Messages between processes: one JSON object per line. The other end is not trusted."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable
from typing import Any

LINE_LIMIT = 8 * 1024 * 1024
"""Bytes of one line; a longer one is not read."""
READ_SIZE = 256 * 1024
MAX_READ = 4 * READ_SIZE
"""Bytes read in one call; the most that a pipe can hold once its writer has ended."""
DAMAGED = "damaged"
"""The `type` of the message that stands for unreadable data; `reason` says why."""

_NODE_EVENT = b'"type":"node",'
"""Near the begin of the line of an event of a node (see `Channel`, and `run_in_child`)."""
_OUTCOME = b'"type":"outcome",'
_NEAR = 40
"""Bytes: before the type there is the number of a request at most."""

_NUMBER = b'{"request":'
_DIGITS = 15
"""A longer number is no number of a request: a job may write such a line too."""

Message = dict[str, Any]


def _refuse_object(value: object) -> None:
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _make_encode() -> Callable[[Message], str]:
    """A function that gives a message as JSON."""
    if (make := getattr(json.encoder, "c_make_encoder", None)) is None:
        return json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
    # JSONEncoder makes one of these at each call, for which it needs half of the time. The first
    # argument would be for finding circles: those are a RecursionError here.
    texts = json.encoder.encode_basestring_ascii
    parts = make(None, _refuse_object, texts, None, ":", ",", False, False, False)
    return lambda message: "".join(parts(message, 0))


_encode = _make_encode()


def to_line(message: Message) -> bytes:
    """`message` as a line; raises ValueError if it is not JSON, or longer than LINE_LIMIT."""
    try:
        line = _encode(message).encode("ascii") + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the message is not JSON: {error}") from None
    if len(line) > LINE_LIMIT:
        raise ValueError(f"the message has {len(line)} bytes; at most {LINE_LIMIT} can be sent")
    return line


def numbered(message: Message, number: int) -> Message:
    """The message as one of the request of that number; as it is for 0, a request without one."""
    # The first of its fields: there `number_of` looks.
    return {"request": number, **message} if number else message


def prefix_of(number: int) -> bytes:
    """How each line of the request of that number begins, as `numbered` and `to_line` make it."""
    return b"%s%d," % (_NUMBER, number)


def number_of(line: bytes) -> int | None:
    """The number of the request that a line is of, read without parsing it; None if it has none."""
    if not line.startswith(_NUMBER):
        return None
    digits = line[len(_NUMBER) :].partition(b",")[0]
    return int(digits) if digits.isdigit() and len(digits) <= _DIGITS else None


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

    @property
    def has_messages(self) -> bool:
        """Whether `next_from` would return at once."""
        return bool(self._read)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes."""
        return parse_lines(self.lines(data))

    def lines(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, not parsed."""
        *ended, rest = data.split(b"\n")
        lines: list[bytes] = []
        if not self._pending and not self._skipping and len(data) <= LINE_LIMIT:
            # As nearly always: then each part is a whole line.
            lines, ended = ended, lines
        for part in ended:
            self._append(part, lines)
            if not self._skipping:
                lines.append(bytes(self._pending))
            self._pending.clear()
            self._skipping = False
        self._append(rest, lines)
        return lines

    def _append(self, part: bytes, lines: list[bytes]) -> None:
        if self._skipping:
            return
        self._pending += part
        if len(self._pending) > LINE_LIMIT:
            # A job may write to its control socket: endless lines must not fill the memory.
            reason = f"a line of more than {LINE_LIMIT} bytes"
            lines.append(to_line(_damaged(reason)).rstrip())
            self._pending.clear()
            self._skipping = True


def parse_lines(lines: Iterable[bytes]) -> list[Message]:
    """The messages in these lines; unreadable ones in a row are one of type `damaged`."""
    messages: list[Message] = []
    for line in lines:
        message = _parse(line)
        if not (messages and message.get("type") == messages[-1].get("type") == DAMAGED):
            messages.append(message)
    return messages


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


def without_early_events(lines: list[bytes]) -> list[bytes]:
    """The lines, of the events of nodes only the last one: to parse them takes time."""
    events = [line for line in lines if _NODE_EVENT in line[:_NEAR]]
    return [line for line in lines if _NODE_EVENT not in line[:_NEAR]] + events[-1:]


def is_outcome(line: bytes) -> bool:
    """Whether a line is an outcome, as far as can be said without parsing it."""
    return _OUTCOME in line[:_NEAR]


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
        self.send_lines([to_line(message)])

    def send_lines(self, lines: Iterable[bytes]) -> None:
        """Send messages that are lines already, all at once as far as they fit."""
        for line in lines:
            self._unsent += line
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


def _parse(line: bytes) -> Message:
    try:
        message = _decoded(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        return _damaged(f"a line that is not JSON: {type(error).__name__}")
    if not isinstance(message, dict):
        return _damaged("a line that is not a JSON object")
    return message


def _decoded(text: str) -> Any:
    # `decode` looks for blanks around the value too, which takes as long as a short message.
    try:
        value, end = _DECODER.raw_decode(text)
    except ValueError:
        end = -1
    return value if end == len(text) else _DECODER.decode(text)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
"""One for all: `json.loads` would make one for each message."""


def _damaged(reason: str) -> Message:
    return {"type": DAMAGED, "reason": reason}
