"""What an expression of another scheduler means, and when it fires: pure, by wall times and a rule.

The rule says what the scheduler does at a transition of its zone. Each was compared with the real
program (docs/decisions/importing.md).
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import product
from zoneinfo import ZoneInfo

from flowerpower.triggers.cron_fields import LAST, CronFields
from flowerpower.triggers.transitions import Transition, next_transition, offset_at
from flowerpower.triggers.words import MONTHS, cron_in_words, listed

_EPOCH = date(1970, 1, 1)
_DAY = 86_400
ALL_MINUTES, ALL_HOURS = frozenset(range(60)), frozenset(range(24))
ALL_DAYS, ALL_MONTHS = frozenset(range(1, 32)), frozenset(range(1, 13))
ALL_WEEKDAYS = frozenset(range(7))
LAST_WORKING_DAY = 0
"""In `Meaning.near_days`: the working day nearest to the end of the month."""


class Gap(StrEnum):
    """What becomes of wall times that clocks skip."""

    SKIP = "skip"
    AFTER = "after"
    """One fire at the first instant after the gap."""
    SHIFT = "shift"
    """One fire for all, as long after the gap as the first of them lies in it."""
    EACH = "each"
    """One fire for each, as long after the gap as it lies in it."""


class Repeat(StrEnum):
    """Which of the two times counts when clocks repeat a wall time."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


@dataclass(frozen=True)
class Meaning:
    """What one expression means.

    Attributes:
        fields: as of our own cron.
        gap, repeat: what it does at a transition; one of three hours or more is one of them too.
        seconds: of the minute.
        years: all, if None.
        from_end: more days of the month, counted from its end: 1 is the last but one.
        near_days: the working days (Monday to Friday) nearest to these days of the month, within
            the month.
        interval: seconds of elapsed time between fires, instead of all else.
        timezone: of the expression itself.
    """

    fields: CronFields
    gap: Gap
    repeat: Repeat
    seconds: tuple[int, ...] = (0,)
    years: frozenset[int] | None = None
    from_end: frozenset[int] = frozenset()
    near_days: frozenset[int] = frozenset()
    interval: float | None = None
    timezone: str | None = None

    def has_day(self, day: date) -> bool:
        """Whether it may fire on that date."""
        fields = self.fields
        if day.month not in fields.months or (
            self.years is not None and day.year not in self.years
        ):
            return False
        length = monthrange(day.year, day.month)[1]
        by_month = (
            day.day in fields.days
            or (fields.last_day and day.day == length)
            or length - day.day in self.from_end
            or any(day.day == _nearest_working_day(day, near, length) for near in self.near_days)
        )
        weekday = day.isoweekday() % 7
        ordinals = {(weekday, (day.day + 6) // 7)}
        if day.day + 7 > length:
            ordinals.add((weekday, LAST))
        by_week = weekday in fields.weekdays or bool(ordinals & fields.nth_weekdays)
        return by_month and by_week if fields.both_days else by_month or by_week

    @cached_property
    def times(self) -> tuple[int, ...]:
        """Seconds of a day, in order."""
        parts = product(sorted(self.fields.hours), sorted(self.fields.minutes), self.seconds)
        return tuple(3600 * hour + 60 * minute + second for hour, minute, second in parts)

    def fires(self, zone: ZoneInfo, start: int, stop: int) -> list[int]:
        """Its fires t with `start <= t < stop`, in order; none of an interval."""
        found: set[int] = set()
        position, offset = start - 4 * _DAY, offset_at(zone, start - 4 * _DAY)
        low, barred = position + offset, position
        while position < stop:
            transition = next_transition(zone, position, stop + _DAY)
            end = transition.at if transition else stop + _DAY
            high = end + offset
            if transition and not transition.skips and self.repeat is Repeat.SECOND:
                high = transition.first_local
            found |= {
                local - offset for local in self.wall_times(low, high) if local - offset >= barred
            }
            if transition is None:
                break
            position, offset, low = end, transition.after, end + transition.after
            if transition.skips:
                caught_up, barred = self._after_gap(transition)
                found |= caught_up
            elif self.repeat is Repeat.FIRST:
                low = transition.stop_local
        return sorted(second for second in found if start <= second < stop)

    def _after_gap(self, transition: Transition) -> tuple[set[int], int]:
        """The fires for skipped wall times, and the instant before which no other one is."""
        skipped = [*self.wall_times(transition.first_local, transition.stop_local)]
        if not skipped or self.gap is Gap.SKIP:
            return set(), transition.at
        if self.gap is Gap.AFTER:
            return {transition.at}, transition.at
        shifted = [local - transition.before for local in skipped]
        return (set(shifted), transition.at) if self.gap is Gap.EACH else ({shifted[0]}, shifted[0])

    def wall_times(self, low: int, high: int) -> Iterator[int]:
        """The local seconds s with `low <= s < high` that it names."""
        for number in range(low // _DAY, -(-high // _DAY)):
            if self.has_day(_EPOCH + timedelta(days=number)):
                first = bisect_left(self.times, low - number * _DAY)
                stop = bisect_left(self.times, high - number * _DAY)
                yield from (number * _DAY + time for time in self.times[first:stop])

    def in_words(self) -> str:
        """Such as "at 08:00, Monday to Friday"."""
        if self.interval is not None:
            from flowerpower.triggers.clock import format_duration

            return f"every {format_duration(self.interval)} of elapsed time"
        parts = [cron_in_words(self.fields)]
        if self.from_end or self.near_days:
            # Where one of these is, croniter's and our own fields name no other day.
            days = [_from_end_in_words(number) for number in sorted(self.from_end)]
            days += [_near_in_words(day) for day in sorted(self.near_days)]
            times = cron_in_words(_every_day(self.fields)).removesuffix(", every day")
            months = [MONTHS[month - 1] for month in sorted(self.fields.months)]
            parts = [times, f"on {listed(days)} of the month"]
            parts += [f"in {listed(months)}"] if len(months) < 12 else []
        if self.seconds != (0,):
            few = listed([str(second) for second in self.seconds[:6]])
            more = len(self.seconds) > 6
            parts.append(f"at second{'s' * (len(self.seconds) > 1)} {few}{' and more' * more}")
        if self.years is not None:
            parts.append(f"in {_years_in_words(self.years)}")
        return ", ".join(parts)


def _every_day(fields: CronFields) -> CronFields:
    return CronFields(
        fields.minutes, fields.hours, ALL_DAYS, False, ALL_MONTHS, ALL_WEEKDAYS, frozenset(), True,
        fields.is_wildcard,
    )  # fmt: skip


def _from_end_in_words(number: int) -> str:
    return "the last day but one" if number == 1 else f"the last day but {number}"


def _near_in_words(day: int) -> str:
    if day == LAST_WORKING_DAY:
        return "the last working day"
    return f"the working day nearest to day {day}"


def _years_in_words(years: frozenset[int]) -> str:
    ordered = sorted(years)
    if len(ordered) > 2 and ordered[-1] - ordered[0] + 1 == len(ordered):
        return f"{ordered[0]} to {ordered[-1]}"
    return listed([str(year) for year in ordered])


def _nearest_working_day(day: date, near: int, length: int) -> int | None:
    """The number of the working day nearest to day `near` of the month of `day`."""
    target = length if near == LAST_WORKING_DAY else near
    if target > length:
        return None
    weekday = day.replace(day=target).isoweekday()
    if weekday == 6:
        return target - 1 if target > 1 else target + 2
    if weekday == 7:
        return target + 1 if target < length else target - 2
    return target
