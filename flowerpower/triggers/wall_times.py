"""The wall times that a cron expression names, in a calendar without zones.

A wall time is a whole number: minutes since 1970-01-01 00:00 on the wall clock. Days of a month
and minutes of a day are bit masks, so the next, the last and the number of wall times are computed
without walking from one to the next.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers.cron_fields import LAST, CronFields, parse
from flowerpower.triggers.cron_grammar import MACROS

DAY = 1440
"""Minutes of a calendar day."""
FIRST_YEAR, LAST_YEAR = 1900, 9998
"""No wall time lies outside these years."""

_EPOCH = date(1970, 1, 1).toordinal()
_WEEKLY = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28
_LENGTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class WallTimes:
    """The wall times of one set of fields. Immutable but for a cache; one object per expression.

    Attributes:
        fields: what the expression allows.
        times: mask of the minutes of a day.
    """

    def __init__(self, fields: CronFields) -> None:
        self.fields = fields
        minutes = sum(1 << minute for minute in fields.minutes)
        self.times = sum(minutes << 60 * hour for hour in fields.hours)
        self._first_time = (self.times & -self.times).bit_length() - 1
        self._last_time = self.times.bit_length() - 1
        self._times_a_day = self.times.bit_count()
        self._masks: dict[tuple[int, int], int] = {}

    @property
    def is_wildcard(self) -> bool:
        """Whether they follow real time, as `CronFields.is_wildcard` says."""
        return self.fields.is_wildcard

    def at_or_after(self, wall_time: int) -> int | None:
        """The first of them not before `wall_time`; None past LAST_YEAR."""
        day, minute = divmod(wall_time, DAY)
        today = _date(day)
        year, month = today.year, today.month
        days = self._days(year, month) >> today.day
        if days & 1:
            times = self.times >> minute
            if times:
                return wall_time + (times & -times).bit_length() - 1
        days >>= 1
        if days:
            return (day + (days & -days).bit_length()) * DAY + self._first_time
        while year < LAST_YEAR or month < 12:
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
            days = self._days(year, month)
            if days:
                first = (days & -days).bit_length() - 1
                return _day_number(year, month, first) * DAY + self._first_time
        return None

    def at_or_before(self, wall_time: int) -> int | None:
        """The last of them not after `wall_time`; None before FIRST_YEAR."""
        day, minute = divmod(wall_time, DAY)
        today = _date(day)
        year, month = today.year, today.month
        days = self._days(year, month) & ((2 << today.day) - 1)
        if days >> today.day:
            times = self.times & ((2 << minute) - 1)
            if times:
                return day * DAY + times.bit_length() - 1
            days ^= 1 << today.day
        while not days:
            if year < FIRST_YEAR:
                return None
            year, month = (year, month - 1) if month > 1 else (year - 1, 12)
            days = self._days(year, month)
        return _day_number(year, month, days.bit_length() - 1) * DAY + self._last_time

    def count(self, first: int, stop: int) -> int:
        """How many wall times t have `first <= t < stop`."""
        if first >= stop:
            return 0
        begin, end = _date(first // DAY), _date(stop // DAY)
        days, (year, month) = 0, (begin.year, begin.month)
        while (year, month) < (end.year, end.month):
            days += self._days(year, month).bit_count()
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        return days * self._times_a_day + self._in_month(stop) - self._in_month(first)

    def any(self, first: int, stop: int) -> bool:
        """Whether any wall time t has `first <= t < stop`."""
        earliest = self.at_or_after(first)
        return earliest is not None and earliest < stop

    def _in_month(self, wall_time: int) -> int:
        """How many wall times the month of `wall_time` has before it."""
        day, minute = divmod(wall_time, DAY)
        today = _date(day)
        days = self._days(today.year, today.month)
        earlier = (days & ((1 << today.day) - 1)).bit_count() * self._times_a_day
        if not days >> today.day & 1:
            return earlier
        return earlier + (self.times & ((1 << minute) - 1)).bit_count()

    def ever(self) -> bool:
        """Whether there is any wall time at all."""
        # A calendar year is leap or not and begins on one of seven weekdays. 28 years in a row with
        # every leap year kept hold all fourteen.
        return any(self._days(year, month) for year in range(2000, 2028) for month in range(1, 13))

    def _days(self, year: int, month: int) -> int:
        if month not in self.fields.months:
            return 0
        leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        shape = (_day_number(year, month, 1) + 4) % 7, _LENGTHS[month] + leap
        mask = self._masks.get(shape)
        if mask is None:
            mask = self._masks[shape] = _days_of_month(self.fields, *shape)
        return mask


def _date(day: int) -> date:
    return date.fromordinal(day + _EPOCH)


def _day_number(year: int, month: int, day: int) -> int:
    return date(year, month, day).toordinal() - _EPOCH


def _days_of_month(fields: CronFields, first_weekday: int, length: int) -> int:
    """Mask of a month's days (bit 1: the first) when it begins on `first_weekday` (0: Sunday)."""
    month = (2 << length) - 2
    by_day = sum(1 << day for day in fields.days) & month
    if fields.last_day:
        by_day |= 1 << length
    by_weekday = 0
    for weekday in fields.weekdays:
        by_weekday |= _WEEKLY << 1 + (weekday - first_weekday) % 7
    for weekday, ordinal in fields.nth_weekdays:
        days = [*range(1 + (weekday - first_weekday) % 7, length + 1, 7)]
        if ordinal == LAST:
            by_weekday |= 1 << days[-1]
        elif ordinal <= len(days):
            by_weekday |= 1 << days[ordinal - 1]
    by_weekday &= month
    return by_day & by_weekday if fields.both_days else by_day | by_weekday


@lru_cache(maxsize=16_384)
def wall_times_of(expression: str) -> WallTimes:
    """The wall times of a normalised cron expression.

    Raises:
        InvalidTrigger: when it breaks the grammar, or names no day of any year.
    """
    wall_times = WallTimes(parse(expression))
    if not wall_times.ever():
        day, month, weekday = MACROS.get(expression, expression).split(" ")[2:]
        raise InvalidTrigger(
            f"Cron {expression!r} never fires: no date matches day of month {day!r}, "
            f"month {month!r}, day of week {weekday!r}."
        )
    return wall_times
