"""Riding over a backend that is away for a while, for commands that wait and follow."""

from __future__ import annotations

import time
from collections.abc import Callable

from flowerpower.errors import BackendUnreachable
from flowerpower.triggers import clock
from flowerpower_cli.views.output import Output

AWAY_LIMIT = 60.0
"""Seconds that a backend may be away, once it has been there."""


class Reconnect:
    """Tries again what a backend did not answer, and says so once."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._away_since: float | None = None

    def try_to(self, what: Callable[[], None]) -> bool:
        """Do it; whether the backend answered.

        Raises:
            BackendUnreachable: if it has been away for AWAY_LIMIT.
        """
        try:
            what()
        except BackendUnreachable as error:
            now = clock.monotonic()
            if self._away_since is None:
                self._away_since = now
                self._output.warning(f"{error.message} Trying again.")
            if now - self._away_since > AWAY_LIMIT:
                raise
            time.sleep(1.0)
            return False
        self._away_since = None
        return True
