"""Triggers that fire every so many seconds of elapsed time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Self

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers import clock
from flowerpower.triggers.base import LATEST, Trigger, plain_number, set_field

_DAY = 86_400

MIN_INTERVAL = 1.0
"""Seconds."""


@dataclass(frozen=True)
class Interval(Trigger):
    """Fires every so many seconds of elapsed time, the first time one interval after its start.

    Without a start it counts from the moment it is called with; `anchored` gives it a start.

    Raises:
        InvalidDuration: when the interval cannot be read.
        InvalidTrigger: when it is shorter than a second, or not longer than its jitter.
    """

    seconds: float
    timezone: str = "UTC"
    kind: ClassVar[str] = "interval"

    def __post_init__(self) -> None:
        super().__post_init__()
        seconds = round(clock.parse_duration(self.seconds), 6)
        set_field(self, "seconds", seconds)
        if seconds < MIN_INTERVAL:
            raise InvalidTrigger(f"An interval is at least 1 second; this one is {seconds:g}.")
        if self.jitter >= seconds:
            raise InvalidTrigger("The jitter must be shorter than the interval.")

    def anchored(self, moment: datetime) -> Self:
        """Itself, or if it has no start, the same interval from `moment` on, to the second."""
        if self.start is not None:
            return self
        return replace(self, start=moment.replace(microsecond=0))

    @property
    def step(self) -> timedelta:
        """The interval as a timedelta."""
        return timedelta(seconds=self.seconds)

    def _next(self, moment: datetime) -> datetime | None:
        start = self.start or moment
        elapsed = max((moment - start) // self.step + 1, 1) * self.step
        # Compared before it is added: the sum may lie outside what a datetime can hold.
        return start + elapsed if elapsed <= LATEST - start else None

    def _last(self, limit: datetime) -> datetime | None:
        if self.start is None or limit - self.start < self.step:
            return None
        return self.start + (limit - self.start) // self.step * self.step

    def _count(self, after: datetime, until: datetime) -> int:
        start = self.start or after
        return max((until - start) // self.step, 0) - max((after - start) // self.step, 0)

    @property
    def follows_local_time(self) -> bool:
        """Whether it is of whole days: at the same local time until clocks change."""
        return self.seconds % _DAY == 0

    def _own_words(self) -> str:
        # Two weeks of elapsed time are not two weeks of the calendar, which `Every` counts.
        elapsed = " of elapsed time" if self.follows_local_time else ""
        return f"every {clock.format_duration(self.seconds)}{elapsed}"

    def _own_json(self) -> dict[str, object]:
        return {"interval": plain_number(self.seconds)}
