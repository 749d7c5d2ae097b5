"""Which workers are dead: those whose beat did not change for one lease, by our own clock."""

from __future__ import annotations

from collections.abc import Mapping


class Reaper:
    """Watches the beats of workers on the monotonic clock, so that no wall clock can mislead it.

    After half a lease without a look everyone has a full lease again. The backend was away, or this
    process was frozen, and then the others may not have been able to beat either.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._seen: dict[str, tuple[int, float]] = {}
        self._last_look = 0.0

    def dead(self, beats: Mapping[str, int], now: float) -> dict[str, int]:
        """Of the `beats` seen at the monotonic time `now`, those unchanged for a lease."""
        if now - self._last_look > self._lease / 2:
            self.forget()
        self._last_look = now
        seen = {}
        for worker, beat in beats.items():
            old_beat, since = self._seen.get(worker, (None, now))
            seen[worker] = (beat, since if old_beat == beat else now)
        self._seen = seen
        return {
            worker: beat for worker, (beat, since) in seen.items() if now - since >= self._lease
        }

    def forget(self) -> None:
        """Give everyone a full lease again."""
        self._seen = {}
