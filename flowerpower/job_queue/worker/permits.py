"""Who has a request that was sent ahead: a pipe of permits, one byte for each request.

A child reads a byte before it begins a request. Its worker may read those that are left: what it
has read the child has not begun, and never will. After the child's death they say what it had not
begun.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable

GIVEN = b"g"
"""The child may begin the request."""
VOID = b"v"
"""The worker has taken the request back: the child skips it."""
_MANY = 4096


class Permits:
    """The worker's side; `reader` is for the child, which must not have the other end."""

    # Both ends read through one open file, so that it is without waiting is true of both.

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)

    def give(self, count: int) -> None:
        """Permit the next `count` requests."""
        os.write(self._writer, GIVEN * count)

    def take_back(self, most: int) -> int:
        """Take back the last requests that are not begun, at most so many; how many these are."""
        try:
            left = os.read(self.reader, _MANY)
        except BlockingIOError:
            return 0
        # Requests are begun in their order, so those that are left are the last ones.
        taken = min(most, left.count(GIVEN))
        kept = left.count(GIVEN) - taken
        # Those of earlier times come first, and may not have been skipped yet.
        voids = left.count(VOID)
        os.write(self._writer, VOID * voids + GIVEN * kept + VOID * taken)
        return taken

    def close(self) -> None:
        """Close both ends; nothing is left of what was given."""
        for end in (self.reader, self._writer):
            if end >= 0:
                os.close(end)
        self.reader = self._writer = -1


def may_begin(reader: int, before_wait: Callable[[], None]) -> bool:
    """Whether the next request is the child's; if that is not decided, wait for it.

    False too if the worker is gone.
    """
    while True:
        try:
            return os.read(reader, 1) == GIVEN
        except BlockingIOError:
            # The worker has taken them, and is about to write what has become of them.
            before_wait()
            poller = select.poll()
            poller.register(reader, select.POLLIN)
            poller.poll()
