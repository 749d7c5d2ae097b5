"""The signals that stop a worker or a scheduler."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextlib.contextmanager
def stop_signals_call(stop: Callable[[], None]) -> Iterator[None]:
    """Inside the block each of STOP_SIGNALS calls `stop`; afterwards the old handlers are back."""
    # Python lets only the main thread set handlers; in another thread the caller has `stop`.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, lambda *_: stop()) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
