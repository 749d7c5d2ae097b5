"""Polling a backend that may be away for a while, for commands that wait and follow."""

from __future__ import annotations

import time
from collections.abc import Callable

from flowerpower.errors import BackendUnreachable
from flowerpower.triggers import clock
from flowerpower_cli.views.output import Output

AWAY_LIMIT = 60.0
"""Seconds that a backend may be away, once it has been there."""
RETRY_INTERVAL = 1.0


def poll(
    is_done: Callable[[], bool], output: Output, *, interval: float, deadline: float | None = None
) -> bool:
    """Call `is_done` every `interval` seconds until it is true; False if `deadline` comes first.

    While the backend does not answer it is called again, after one warning. `deadline` is a time
    of `clock.monotonic`.

    Raises:
        BackendUnreachable: if the backend has been away for AWAY_LIMIT.
    """
    away_since: float | None = None
    while True:
        try:
            if is_done():
                return True
            away_since, pause = None, interval
        except BackendUnreachable as error:
            now = clock.monotonic()
            if away_since is None:
                away_since = now
                output.warning(f"{error.message} Trying again.")
            if now - away_since > AWAY_LIMIT:
                raise
            pause = RETRY_INTERVAL
        if deadline is not None and clock.monotonic() >= deadline:
            return False
        time.sleep(pause)
