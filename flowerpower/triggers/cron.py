"""Triggers that fire at the wall-clock times a cron expression names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from flowerpower.triggers.base import Trigger, set_field
from flowerpower.triggers.cron_grammar import normalise
from flowerpower.triggers.instants import (
    count_fires,
    first_fire_after,
    first_fire_after_minute,
    last_fire_until,
)
from flowerpower.triggers.transitions import to_datetime, to_second
from flowerpower.triggers.wall_times import WallTimes, wall_times_of
from flowerpower.triggers.words import cron_in_words


@dataclass(frozen=True)
class Cron(Trigger):
    """Fires at the wall-clock times that a cron expression names in a time zone.

    `start` bounds the fires and may itself be one.

    Raises:
        InvalidTrigger: when the expression breaks the grammar or never fires.
        InvalidTimezone: when there is no such zone.
    """

    expression: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        super().__post_init__()
        set_field(self, "expression", normalise(self.expression))
        # Raises here, not at the first fire, if the expression is wrong or never fires.
        wall_times_of(self.expression)

    @cached_property
    def wall_times(self) -> WallTimes:
        """The wall times that the expression names."""
        return wall_times_of(self.expression)

    @property
    def is_wildcard(self) -> bool:
        """Whether minute or hour begins with `*`: repeated wall times fire twice, skipped never."""
        return self.wall_times.fields.is_wildcard

    def _next(self, moment: datetime) -> datetime | None:
        second = self._floor(to_second(moment))
        # By whole minutes, so that schedules that share an expression find the fire in the cache.
        fire = first_fire_after_minute(self.wall_times, self.zone, second // 60)
        if fire is None or fire > max(moment, self.start or moment):
            return fire
        # Before 1972 offsets had odd seconds, so a fire may lie within a minute of UTC.
        later = first_fire_after(self.wall_times, self.zone, second)
        return None if later is None else to_datetime(later)

    def _last(self, limit: datetime) -> datetime | None:
        second = last_fire_until(self.wall_times, self.zone, to_second(limit))
        if second is None:
            return None
        fire = to_datetime(second)
        return None if self.start and fire < self.start else fire

    def _count(self, after: datetime, until: datetime) -> int:
        first = self._floor(to_second(after))
        return count_fires(self.wall_times, self.zone, first, to_second(until))

    def _floor(self, second: int) -> int:
        """The last second that is too early for a fire after `second`."""
        if self.start is None:
            return second
        return max(second, to_second(self.start - timedelta(microseconds=1)))

    def _own_words(self) -> str:
        return cron_in_words(self.wall_times.fields)

    def _own_json(self) -> dict[str, object]:
        return {"cron": self.expression}
