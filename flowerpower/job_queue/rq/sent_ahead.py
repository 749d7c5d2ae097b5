"""Sending page after page to Redis, and making the next one while it works on one.

Without a thread: one that is to send needs Python's lock, which the thread that makes the next page
keeps until that is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from redis.exceptions import ConnectionError, NoScriptError

Page = TypeVar("Page")
Answer = TypeVar("Answer")


class _Sent(Protocol):
    def forget(self) -> None:
        """Nobody will read the answer, if it was not read."""


Sent = TypeVar("Sent", bound=_Sent)


class SentScript:
    """A script that was sent to Redis, which may be sent again if its answer is lost.

    `script` is one that the package redis has registered.
    """

    def __init__(self, script: Any, args: Sequence[Any]) -> None:
        self._script = script
        self._args = args
        self._pool = script.registered_client.connection_pool
        self._connection: Any = None
        # `answer` sends it again then, as often as that client tries.
        with suppress(ConnectionError):
            self._connection = self._pool.get_connection()
            try:
                self._connection.send_command("EVALSHA", script.sha, 0, *args)
            except BaseException:
                self.forget()
                raise

    def answer(self) -> Any:
        """Wait for the answer."""
        if self._connection is not None:
            # NoScriptError: this Redis has not seen the script yet, which the client tells it.
            with suppress(ConnectionError, NoScriptError):
                try:
                    return self._connection.read_response()
                finally:
                    self._release()
        return self._script(args=self._args)

    def forget(self) -> None:
        """Nobody will read the answer, if it was not read: the next command must not get it."""
        if self._connection is not None:
            self._connection.disconnect()
            self._release()

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        self._pool.release(connection)


def sent_ahead(
    send: Callable[[Page], Sent], answer_of: Callable[[Sent], Answer], pages: Iterator[Page]
) -> Iterator[tuple[Page, Answer]]:
    """Each page with the answer to it, in their order; a page is sent once the last one's is there.

    What the making of a page, `send` or `answer_of` raises ends this.
    """
    last: tuple[Page, Sent] | None = None
    try:
        for page in pages:
            done = None if last is None else (last[0], answer_of(last[1]))
            last = page, send(page)
            # Meanwhile the caller reads this answer, and then the next page is made.
            if done is not None:
                yield done
        if last is not None:
            yield last[0], answer_of(last[1])
    finally:
        if last is not None:
            last[1].forget()
