"""What the triggers have in common that fire at wall times: a cron expression, a calendar step."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta

from flowerpower.triggers.base import Trigger
from flowerpower.triggers.calendar_times import AnyWallTimes
from flowerpower.triggers.instants import (
    count_fires,
    first_fire_after,
    first_fire_after_minute,
    last_fire_until,
)
from flowerpower.triggers.transitions import to_datetime, to_second


@dataclass(frozen=True)
class WallClockTrigger(Trigger):
    """Fires at its wall times in its zone; see `instants` for what transitions do to them."""

    @property
    @abstractmethod
    def wall_times(self) -> AnyWallTimes:
        """The wall times that it fires at."""

    def _next(self, moment: datetime) -> datetime | None:
        second = self._floor(to_second(moment))
        # By whole minutes, so that schedules that share wall times find the fire in the cache.
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
