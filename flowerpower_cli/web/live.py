"""Pages that change while they are open: one reader of the queue, for however many are looking."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from flowerpower.errors import FlowerpowerError
from flowerpower.jobs.job import LogChunk
from flowerpower.text import mask, visible
from flowerpower_cli.web.ansi import colored
from flowerpower_cli.web.site import Reading

INTERVAL = 1.0
"""Seconds between two readings, at least."""
REST = 9.0
"""How many times as long as a reading took the reader rests: it uses a tenth of a core at most."""
KEEP_ALIVE = 15.0
"""Seconds without news after which something is sent, so that no proxy ends the connection."""
MAX_READERS = 200
MAX_WAITING = 100
"""Messages that wait for a browser which does not read; then it has to begin again."""

InThread = Callable[..., Awaitable[Any]]
"""Calls a function with arguments in a thread of the server."""


@dataclass
class Watch:
    """An address that browsers look at: what they have been sent, and who they are."""

    parts: dict[str, str] = field(default_factory=dict)
    attempt: int = 0
    seq: int = 0
    trouble: str = ""
    readers: set[asyncio.Queue[str | None]] = field(default_factory=set)


@dataclass(frozen=True)
class Found:
    """What a look at a page found: its parts, and if it shows a log the chunks that are new."""

    parts: dict[str, str]
    attempt: int = 0
    chunks: tuple[LogChunk, ...] = ()


Look = Callable[[Reading, str, int, int], Found]
"""Reads a page at an address, with the log of an attempt after a `seq`."""


class Live:
    """Sends to each browser what has changed on its page."""

    def __init__(
        self,
        new_reading: Callable[[], Reading],
        look: Look,
        in_thread: InThread,
        on_unexpected: Callable[[Exception], None],
    ) -> None:
        self._new_reading = new_reading
        self._on_unexpected = on_unexpected
        self._look = look
        self._in_thread = in_thread
        self._watches: dict[str, Watch] = {}
        self._news = asyncio.Event()
        self._closed = False

    def wake(self) -> None:
        """Look again now: something was done."""
        self._news.set()

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        self._news.set()
        for watch in self._watches.values():
            for reader in watch.readers:
                _put(reader, None)

    @property
    def is_full(self) -> bool:
        """Whether nobody else can look."""
        return sum(len(watch.readers) for watch in self._watches.values()) >= MAX_READERS

    async def stream(self, address: str, attempt: int, seq: int) -> AsyncIterator[str]:
        """What is sent to one browser, as server-sent events.

        It has the log of that attempt until the chunk `seq`.
        """
        reader: asyncio.Queue[str | None] = asyncio.Queue(MAX_WAITING)
        watch = self._watches.setdefault(address, Watch(attempt=attempt, seq=seq))
        watch.readers.add(reader)
        # Others are sent a part of the log again then, and leave out what they have.
        watch.attempt, watch.seq = min((watch.attempt, watch.seq), (attempt, seq))
        if watch.parts:
            # It may have been rendered a moment before what the others were sent.
            _put(reader, _event("parts", watch.parts))
        self.wake()
        try:
            yield "retry: 2000\n\n"
            while not self._closed:
                try:
                    message = await asyncio.wait_for(reader.get(), KEEP_ALIVE)
                except TimeoutError:
                    message = ": nothing new\n\n"
                if message is None:
                    return
                yield message
        finally:
            watch.readers.discard(reader)
            if not watch.readers and self._watches.get(address) is watch:
                del self._watches[address]

    async def run(self) -> None:
        """Look at the pages that are open, until it is closed; nothing is read if none is."""
        while not self._closed:
            await self._news.wait()
            self._news.clear()
            while self._watches and not self._closed:
                began = time.monotonic()
                await self._look_at_all()
                pause = max(INTERVAL, REST * (time.monotonic() - began))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), pause)
                self._news.clear()

    async def _look_at_all(self) -> None:
        reading = self._new_reading()
        for address, watch in list(self._watches.items()):
            try:
                found = await self._in_thread(
                    self._look, reading, address, watch.attempt, watch.seq
                )
            except Exception as error:  # noqa: BLE001 - the other pages go on
                self._trouble(watch, error)
                continue
            changed = {
                name: text for name, text in found.parts.items() if watch.parts.get(name) != text
            }
            watch.parts, watch.trouble = dict(found.parts), ""
            if changed:
                _send(watch, _event("parts", changed))
            if found.chunks:
                watch.attempt, watch.seq = found.attempt, found.chunks[-1].seq
                _send(watch, _event("log", _log(found)))

    def _trouble(self, watch: Watch, error: Exception) -> None:
        message = "Something unexpected went wrong."
        if isinstance(error, FlowerpowerError):
            message = visible(mask(error.message))
        elif watch.trouble != message:
            # Once: it comes again with each look.
            self._on_unexpected(error)
        watch.trouble = message
        _send(watch, _event("trouble", {"message": message}))
        # Whoever looks is told all again, once it works.
        watch.parts = {}


def _log(found: Found) -> dict[str, Any]:
    chunks = [{"seq": chunk.seq, "html": colored(chunk.text)} for chunk in found.chunks]
    return {"attempt": found.attempt, "chunks": chunks}


def _event(name: str, data: Any) -> str:
    # One line: JSON escapes line breaks.
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _send(watch: Watch, message: str) -> None:
    for reader in list(watch.readers):
        _put(reader, message)


def _put(reader: asyncio.Queue[str | None], message: str | None) -> None:
    try:
        reader.put_nowait(message)
    except asyncio.QueueFull:
        # It reconnects by itself, and is told all.
        while not reader.empty():
            reader.get_nowait()
        reader.put_nowait(None)
