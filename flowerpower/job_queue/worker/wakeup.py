"""Wakes a thread that waits for descriptors."""

from __future__ import annotations

import contextlib
import os


class WakeUp:
    """A pipe: `fileno` is readable after a `wake` until `clear`."""

    # Not an Event: a thread that waits for pipes cannot wait for one too, and setting one takes a
    # lock, which a signal handler must not do.

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._reader

    def wake(self) -> None:
        """Let the other thread go on; from any thread, or a signal handler."""
        # BlockingIOError: the pipe is full, so the thread is as good as woken.
        with contextlib.suppress(OSError):
            os.write(self._writer, b"x")

    def clear(self) -> None:
        """Take back all wake-ups; call it before looking at what has changed."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)

    def close(self) -> None:
        """Close the pipe; a later `wake` does nothing."""
        # First forgotten, then closed: another thread's `wake` must not write to a descriptor that
        # by then belongs to somebody else.
        ends = self._reader, self._writer
        self._reader = self._writer = -1
        for end in ends:
            os.close(end)
