"""Which workers are dead: those whose beat stood still for one lease, by our own clock."""

from __future__ import annotations

from collections.abc import Mapping


class Reaper:
    """Watches the beats of workers; no wall clock is asked, so none that jumps is believed.

    Only what was watched counts: after a gap of half a lease between two looks, because the
    backend was away, locked or we were frozen, everyone has a full lease again. The others could
    not beat either, or may not have had their turn.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._seen: dict[str, tuple[int, float]] = {}
        self._looked = 0.0

    def dead(self, beats: Mapping[str, int], now: float) -> dict[str, int]:
        """Of the `beats` seen at the monotonic time `now`, those unchanged for a lease."""
        if now - self._looked > self._lease / 2:
            self.forget()
        self._looked = now
        self._seen = {
            worker: self._seen[worker]
            if worker in self._seen and self._seen[worker][0] == beat
            else (beat, now)
            for worker, beat in beats.items()
        }
        return {
            worker: beat
            for worker, (beat, since) in self._seen.items()
            if now - since >= self._lease
        }

    def forget(self) -> None:
        """The backend was away, and workers could not beat: everyone has a full lease again."""
        self._seen.clear()
