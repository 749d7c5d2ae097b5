"""The terminal while `watch` has it: its mode, its keys, its size; put back whatever happens."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
from collections.abc import Iterator
from types import FrameType
from typing import Any, Self

from flowerpower_cli.watch.keys import KeyReader

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The other screen, no cursor, no new line at the end of one."""
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
ESCAPE_WAIT = 0.05
"""Seconds in which the rest of a sequence follows an Escape."""
_LETHAL = (signal.SIGHUP, signal.SIGQUIT)
"""What ends the process, beside SIGINT and SIGTERM, which are raised as KeyboardInterrupt."""


class Terminal:
    """Has the screen and the keys of stdout's terminal while it is entered.

    Without a terminal on stdin there are no keys. `wake` may be called from any thread.

    Attributes:
        was_changed: whether what the terminal shows is not known any more; the caller resets it.
    """

    def __init__(self) -> None:
        self.has_keys = sys.stdin.isatty()
        self.was_changed = False
        self._keys = KeyReader()
        self._saved: list[Any] | None = None
        self._is_entered = False
        self._handlers: dict[int, Any] = {}
        self._wakeup, self._wakeup_end = os.pipe()
        for end in (self._wakeup, self._wakeup_end):
            os.set_blocking(end, False)

    def __enter__(self) -> Self:
        for number, handler in self._signals().items():
            self._handlers[number] = signal.signal(number, handler)
        # A signal without a handler that raises must end a wait, too.
        signal.set_wakeup_fd(self._wakeup_end, warn_on_full_buffer=False)
        self._enter()
        return self

    def __exit__(self, *_: object) -> None:
        with _undisturbed():
            self._leave()
            signal.set_wakeup_fd(-1)
            for number, handler in self._handlers.items():
                signal.signal(number, handler)

    def _signals(self) -> dict[int, Any]:
        return {
            signal.SIGWINCH: self._on_change,
            # After a SIGSTOP, which nobody hears of, others may have written on the screen.
            signal.SIGCONT: self._on_change,
            signal.SIGTSTP: self._on_suspend,
            **dict.fromkeys(_LETHAL, self._on_end),
        }

    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        try:
            columns, lines = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            columns, lines = 0, 0
        # Some terminals do not know theirs.
        return columns or 80, lines or 24

    def write(self, text: str) -> None:
        """Send a text."""
        content = text.encode(sys.stdout.encoding, "backslashreplace")
        # Not by a buffer of Python's: a signal's handler may write while one is being written.
        while content:
            content = content[os.write(sys.stdout.fileno(), content) :]

    def wake(self) -> None:
        """End the wait for keys."""
        # A full pipe ends it just as well.
        with contextlib.suppress(BlockingIOError):
            os.write(self._wakeup_end, b"\0")

    def wait(self, seconds: float) -> list[str]:
        """The keys that come within that time; earlier if there are some, or `wake` is called."""
        sources = [self._wakeup, *([sys.stdin.fileno()] if self.has_keys else [])]
        ready, _, _ = select.select(sources, [], [], max(0.0, seconds))
        if self._wakeup in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakeup, 4096)
        return self._read_keys() if len(sources) > 1 and sources[1] in ready else []

    def _read_keys(self) -> list[str]:
        keys: list[str] = []
        stdin = sys.stdin.fileno()
        while True:
            content = _read(stdin)
            if not content:
                # The terminal has gone: without this the wait would never wait again.
                self.has_keys = False
                return [*keys, *self._keys.flush()]
            keys += self._keys.feed(content)
            if not self._keys.is_waiting:
                return keys
            if not select.select([stdin], [], [], ESCAPE_WAIT)[0]:
                return [*keys, *self._keys.flush()]

    def _enter(self) -> None:
        if self.has_keys:
            stdin = sys.stdin.fileno()
            self._saved = termios.tcgetattr(stdin)
            mode = termios.tcgetattr(stdin)
            # Keys come one by one and are not shown. Ctrl-C and Ctrl-Z are signals as ever.
            mode[3] &= ~(termios.ICANON | termios.ECHO)
            mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
            termios.tcsetattr(stdin, termios.TCSADRAIN, mode)
        self._is_entered = True
        self.was_changed = True
        self.write(_ENTER)

    def _leave(self) -> None:
        if not self._is_entered:
            return
        self._is_entered = False
        # A terminal that has gone needs nothing.
        with contextlib.suppress(OSError, ValueError):
            self.write(_LEAVE)
        if self._saved is not None:
            with contextlib.suppress(OSError, termios.error):
                # What was typed and not read would go to the shell as a command.
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSAFLUSH, self._saved)

    def _on_change(self, _number: int, _frame: FrameType | None) -> None:
        self.was_changed = True

    def _on_suspend(self, number: int, _frame: FrameType | None) -> None:
        self._leave()
        self._stop(number)
        # It goes on here.
        self._enter()

    def _stop(self, number: int) -> None:
        handler = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, handler)

    def _on_end(self, number: int, _frame: FrameType | None) -> None:
        self._leave()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1024)
    except OSError:
        return b""


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals wait that would end the process half-way."""
    waiting = {signal.SIGINT, signal.SIGTERM, *_LETHAL}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
