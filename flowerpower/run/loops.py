"""Whether coroutines run around us."""

from __future__ import annotations

import asyncio


def is_in_loop() -> bool:
    """Whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
