"""A second opinion on when a cron expression fires: slow, plain, and sharing nothing.

It imports nothing but the standard library. Time is walked minute by minute of UTC with an eye
on the wall clock, the way a person would who sits beside the clock with the crontab in hand.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
CORRECTION = timedelta(hours=3)
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
SHORTHAND = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * SUN",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class Watch:
    """Everything a minute-by-minute watcher notes down in a zone between two instants.

    `minutes` holds for each minute of UTC: the instant, the wall-clock reading, and how far the
    wall clock moved since the minute before beyond that one minute.
    """

    def __init__(self, zone: str, begin: datetime, end: datetime) -> None:
        place = ZoneInfo(zone)
        self.minutes: list[tuple[datetime, datetime, timedelta]] = []
        self._jumps: list[int] = []
        self._at: dict[tuple[int, int], list[int]] = defaultdict(list)
        self.begin = begin
        # From before the beginning: it may lie in an hour that the clock shows again.
        moment = begin - CORRECTION
        before = (moment - MINUTE).astimezone(place).replace(tzinfo=None)
        while moment <= end:
            wall_time = moment.astimezone(place).replace(tzinfo=None)
            jump = wall_time - before - MINUTE
            if jump:
                self._jumps.append(len(self.minutes))
            self._at[wall_time.hour, wall_time.minute].append(len(self.minutes))
            self.minutes.append((moment, wall_time, jump))
            before = wall_time
            moment += MINUTE

    def fires(self, expression: str) -> list[datetime]:
        """The instants at which `expression` fires."""
        minute, hour, *day_fields = SHORTHAND.get(expression, expression).split()
        times = {(h, m) for h in _numbers(hour, 0, 23) for m in _numbers(minute, 0, 59)}
        wild = minute[0] == "*" or hour[0] == "*"
        dates: dict[date, bool] = {}

        def day_matches(wall_time: datetime) -> bool:
            day = wall_time.date()
            if day not in dates:
                dates[day] = _day_matches(day, *day_fields)
            return dates[day]

        def matches(wall_time: datetime) -> bool:
            return (wall_time.hour, wall_time.minute) in times and day_matches(wall_time)

        found: list[datetime] = []
        caught_up = self.minutes[0][1]
        # Nothing happens at any other minute.
        watched = {*self._jumps, *(number for time in times for number in self._at.get(time, ()))}
        for number in sorted(watched):
            moment, wall_time, jump = self.minutes[number]
            due = matches(wall_time)
            if jump and not wild and abs(jump) < CORRECTION:
                if jump > timedelta():
                    missed = (wall_time - MINUTE * n for n in range(1, jump // MINUTE + 1))
                    due = due or any(matches(lost) for lost in missed)
                else:
                    # Held back until the clock shows what it has not shown yet.
                    caught_up = wall_time - jump
            if due and wall_time >= caught_up and moment >= self.begin:
                found.append(moment)
        return found


def changes(zone: str, first_year: int, last_year: int) -> list[datetime]:
    """The hours of UTC in which the clocks of a zone changed, found by looking every hour."""
    place = ZoneInfo(zone)
    moment, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    found: list[datetime] = []
    before = moment.astimezone(place).utcoffset()
    while moment < end:
        moment += timedelta(hours=1)
        offset = moment.astimezone(place).utcoffset()
        if offset != before:
            found.append(moment)
        before = offset
    return found


def _numbers(field: str, low: int, high: int, names: list[str] | None = None) -> set[int]:
    """The plain numbers a field lists; parts with L or # are left out."""
    found: set[int] = set()
    for part in field.split(","):
        if "#" in part or "L" in part.replace("JUL", ""):
            continue
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = _number(first, names)
            end = _number(last, names) if dash else (high if step else begin)
            if last == "SUN" and begin:
                end = 7
        found |= {n for n in range(begin, end + 1) if (n - begin) % int(step or 1) == 0}
    return found


def _number(text: str, names: list[str] | None) -> int:
    if names and text in names:
        return names.index(text) + (names is MONTHS)
    return int(text)


def _day_matches(day: date, of_month: str, month: str, of_week: str) -> bool:
    if day.month not in _numbers(month, 1, 12, MONTHS):
        return False
    tomorrow_is_first = (day + timedelta(days=1)).day == 1
    by_month = day.day in _numbers(of_month, 1, 31) or (
        "L" in of_month.split(",") and tomorrow_is_first
    )
    weekday = (day.weekday() + 1) % 7
    by_week = weekday in {n % 7 for n in _numbers(of_week, 0, 6, DAYS)}
    for part in of_week.split(","):
        if found := re.fullmatch(r"(\w+)#(\d)", part):
            same_so_far = sum((day - timedelta(weeks=n)).month == day.month for n in range(5))
            by_week |= weekday == _number(found[1], DAYS) % 7 and same_so_far == int(found[2])
        elif found := re.fullmatch(r"(\w+)L", part):
            next_week = day + timedelta(weeks=1)
            by_week |= weekday == _number(found[1], DAYS) % 7 and next_week.month != day.month
    if of_month.startswith("*") or of_week.startswith("*"):
        return by_month and by_week
    return by_month or by_week


def random_expressions(seed: int) -> Iterator[str]:
    """Valid expressions without end, of every kind of field, some of which may never fire."""
    dice = random.Random(seed)
    while True:
        if dice.random() < 0.02:
            yield dice.choice(sorted(SHORTHAND))
            continue
        yield " ".join(
            [
                _random_field(dice, 0, 59, star=0.25),
                _random_field(dice, 0, 23, star=0.35),
                _random_days(dice),
                _random_field(dice, 1, 12, star=0.7, names=MONTHS),
                _random_weekdays(dice),
            ]
        )


def _random_days(dice: random.Random) -> str:
    field = _random_field(dice, 1, 31, star=0.55)
    if dice.random() < 0.1:
        return dice.choice(["L", f"L,{dice.randint(1, 28)}", f"{dice.randint(1, 28)},L"])
    return field


def _random_weekdays(dice: random.Random) -> str:
    roll = dice.random()
    day = dice.choice([*DAYS, *map(str, range(8))])
    if roll < 0.1:
        return f"{day}#{dice.randint(1, 5)}"
    if roll < 0.15:
        return f"{day}L"
    if roll < 0.2:
        return f"{dice.choice(DAYS)},{day}#{dice.randint(1, 5)}"
    if roll < 0.25:
        return dice.choice(["FRI-SUN", "SAT-SUN", "MON-SUN", "5-7", "0-7", "6-7", "1-7/2", "7-7"])
    return _random_field(dice, 0, 6, star=0.6, names=DAYS)


def _random_field(
    dice: random.Random, low: int, high: int, *, star: float, names: list[str] | None = None
) -> str:
    if dice.random() < star:
        if dice.random() < 0.4:
            return f"*/{dice.randint(1, high - low + 1)}"
        return "*" if dice.random() < 0.9 else f"*,{dice.randint(low, high)}"

    def show(number: int) -> str:
        return names[number - low] if names and dice.random() < 0.5 else str(number)

    parts: list[str] = []
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        first = dice.randint(low, high)
        last = dice.randint(first, high)
        step = dice.randint(1, high - low + 1)
        # SUN at the end of a range means 7, which the fixed choices above try.
        end = str(last) if last == 0 else show(last)
        forms = [show(first), show(first), f"{show(first)}-{end}", f"{first}-{end}/{step}"]
        parts.append(dice.choice([*forms, f"{first}/{step}"]))
    return ",".join(parts)
