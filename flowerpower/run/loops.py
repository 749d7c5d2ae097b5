"""Whether this code is called from a coroutine."""

from __future__ import annotations

import asyncio


def is_in_event_loop() -> bool:
    """Whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
