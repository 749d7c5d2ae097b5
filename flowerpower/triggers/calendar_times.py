"""The wall times of every so many days, weeks, months or years, counted from a first one.

They answer the questions that the wall times of a cron expression answer, in the same numbers:
minutes since 1970-01-01 00:00 on the wall clock. Each is computed from the first one and its
number, never from the one before it, so that the 31st comes back after a shorter month.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, TypeAlias

from flowerpower.errors import InvalidTrigger
from flowerpower.text import did_you_mean, shortened
from flowerpower.triggers.transitions import to_second, to_wall_time
from flowerpower.triggers.wall_times import DAY, LAST_YEAR, WallTimes
from flowerpower.triggers.words import MONTHS, WEEKDAYS, time_in_words

MAX_STEP = 10_000
"""Of any unit; a larger step is taken to be a mistake."""
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}
_UNITS = (*_DAYS, *_MONTHS)
_STEP = re.compile(r"(?:([0-9]{1,9})\s*)?([a-z]{1,20})", re.ASCII)


@dataclass(frozen=True)
class CalendarTimes:
    """Every `step` units (day, week, month or year) from `first` on, which is one of them.

    Where a month has no day of that number, its last day stands for it. Nothing lies before
    `first`, or after LAST_YEAR.
    """

    first: int
    step: int
    unit: str

    is_wildcard: ClassVar[bool] = False
    """It names wall times, and does not follow real time."""

    def at_or_after(self, wall_time: int) -> int | None:
        """The first of them not before `wall_time`; None past LAST_YEAR."""
        return self._at(max(self._number(wall_time - 1) + 1, 0))

    def at_or_before(self, wall_time: int) -> int | None:
        """The last of them not after `wall_time`; None before the first."""
        number = self._number(wall_time)
        return None if number < 0 else self._at(number)

    def count(self, first: int, stop: int) -> int:
        """How many wall times t have `first <= t < stop`."""
        if first >= stop:
            return 0
        return max(self._number(stop - 1), -1) - max(self._number(first - 1), -1)

    def any(self, first: int, stop: int) -> bool:
        """Whether any wall time t has `first <= t < stop`."""
        return self.count(first, stop) > 0

    def stands_in(self, wall_time: int) -> bool:
        """Whether this one, of them, is the last day of a month that lacks the day meant."""
        return self.unit in _MONTHS and to_wall_time(wall_time * 60).day != self._start.day

    def in_words(self) -> str:
        """Such as "every 2 weeks on Monday at 09:00"."""
        start = self._start
        which = {
            "day": "",
            "week": f" on {WEEKDAYS[start.isoweekday() % 7]}",
            "month": f" on day {start.day}{' or the last day' if start.day > 28 else ''}",
            "year": f" on {start.day} {MONTHS[start.month - 1]}",
        }
        every = f"every {self.unit}" if self.step == 1 else f"every {self.step} {self.unit}s"
        return f"{every}{which[self.unit]} at {time_in_words(start)}"

    @property
    def _start(self) -> datetime:
        return to_wall_time(self.first * 60)

    def _number(self, wall_time: int) -> int:
        """The number of the last one not after `wall_time`, counted from 0; negative before."""
        if self.unit in _DAYS:
            return (wall_time - self.first) // (self.step * _DAYS[self.unit] * DAY)
        day, start = to_wall_time(wall_time * 60), self._start
        months = 12 * (day.year - start.year) + day.month - start.month
        number = months // (self.step * _MONTHS[self.unit])
        at = self._at(number)
        return number - 1 if at is None or at > wall_time else number

    def _at(self, number: int) -> int | None:
        if self.unit in _DAYS:
            at = self.first + number * self.step * _DAYS[self.unit] * DAY
            return at if at < _END else None
        start = self._start
        months = 12 * start.year + start.month - 1 + number * self.step * _MONTHS[self.unit]
        year, month = divmod(months, 12)
        if not 1 <= year <= LAST_YEAR:
            return None
        day = min(start.day, monthrange(year, month + 1)[1])
        return _minute(start.replace(year=year, month=month + 1, day=day))


AnyWallTimes: TypeAlias = WallTimes | CalendarTimes


def parse_step(text: object) -> tuple[int, str]:
    """The number and the unit (day, week, month or year) of a step such as `2 weeks`.

    Raises:
        InvalidTrigger: if it is none.
    """
    match = _STEP.fullmatch(" ".join(text.lower().split())) if isinstance(text, str) else None
    number, word = (match[1] or "1", match[2].removesuffix("s")) if match else ("", "")
    if word not in _UNITS:
        units = [f"{unit}s" for unit in _UNITS]
        guess = did_you_mean(f"{word}s", units) if word else ""
        raise InvalidTrigger(
            f"{shortened(repr(text))} is no step of the calendar: expected a number of days, "
            f"weeks, months or years, such as 2 weeks.{guess}",
            hint="For hours, minutes and seconds use an interval: it counts elapsed time.",
        )
    if not 1 <= int(number) <= MAX_STEP:
        raise InvalidTrigger(f"A step is 1 to {MAX_STEP} {word}s; this one is {int(number)}.")
    return int(number), word


def _minute(wall_time: datetime) -> int:
    return to_second(wall_time.replace(tzinfo=UTC)) // 60


_END = _minute(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC))
