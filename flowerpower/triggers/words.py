"""Times and cron expressions in plain English: "at 08:00, Monday to Friday"."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from itertools import pairwise

from flowerpower.triggers.cron_fields import LAST, CronFields

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

_ORDINALS = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 5: "5th", LAST: "last"}
_FEW = 6
"""Up to so many wall times are listed one by one."""


def day_and_time(local: datetime) -> str:
    """`Sunday 29 March 2026 03:00`, in English whatever the locale; seconds where there are any."""
    return f"{day_in_words(local)} {time_in_words(local)}"


def day_in_words(local: datetime) -> str:
    """`Sunday 29 March 2026`."""
    weekday = WEEKDAYS[local.isoweekday() % 7]
    return f"{weekday} {local.day} {MONTHS[local.month - 1]} {local.year}"


def time_in_words(local: datetime) -> str:
    """`03:00`, or `03:00:30` where there are seconds."""
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def cron_in_words(fields: CronFields) -> str:
    """When a cron expression fires: "at 08:00, Monday to Friday"."""
    days, months, times = _days(fields), _months(fields), _times(fields)
    if not days and not times.startswith("every"):
        days = "every day"
    return ", ".join(part for part in (times, days, months) if part)


def _times(fields: CronFields) -> str:
    minutes, hours = sorted(fields.minutes), sorted(fields.hours)
    if len(hours) < 24 and len(minutes) * len(hours) <= _FEW:
        return f"at {listed([f'{hour:02}:{minute:02}' for hour in hours for minute in minutes])}"
    every_hour = _stride(hours, 24)
    if len(minutes) == 1 and every_hour:
        stride = "hour" if every_hour == 1 else f"{every_hour} hours"
        at = "on the hour" if minutes == [0] else f"at minute {minutes[0]}"
        return f"every {stride}, {at}"
    every_minute = _stride(minutes, 60) if minutes[0] == 0 else None
    if every_minute:
        phrase = "every minute" if every_minute == 1 else f"every {every_minute} minutes"
    else:
        phrase = f"every hour at minutes {_numbers(minutes)}"
        if len(hours) < 24:
            phrase = f"at minute{'s' * (len(minutes) > 1)} {_numbers(minutes)}"
    if len(hours) == 24:
        return phrase
    return f"{phrase} of the hour{'s' * (len(hours) > 1)} {_numbers(hours)}"


def _stride(numbers: Sequence[int], size: int) -> int | None:
    """The step between numbers that goes on evenly into the next hour or day, if there is one."""
    step = size // len(numbers)
    if len(numbers) < 2 or step * len(numbers) != size or numbers[0] != 0:
        return None
    return step if all(b - a == step for a, b in pairwise(numbers)) else None


def _days(fields: CronFields) -> str:
    of_month = _days_of_month(fields)
    of_week = _days_of_week(fields)
    if fields.both_days:
        if of_month and of_week:
            return f"{of_month} if that is {of_week.removeprefix('on ')}"
        return of_month or of_week
    if not of_month or not of_week:
        return ""
    return f"{of_month} or {of_week if of_week.startswith('on ') else 'on ' + of_week}"


def _days_of_month(fields: CronFields) -> str:
    """Empty if every day matches."""
    days = sorted(fields.days)
    if len(days) == 31:
        return ""
    last = "the last day" if fields.last_day else ""
    if not days:
        return f"on {last} of the month"
    which = f"day{'s' * (len(days) > 1)} {_numbers(days)}"
    return f"on {which}{' and ' + last if last else ''} of the month"


def _days_of_week(fields: CronFields) -> str:
    """Empty if every day matches."""
    if len(fields.weekdays) == 7:
        return ""
    weekdays = sorted((day - 1) % 7 + 1 for day in fields.weekdays)
    names = _runs(weekdays, lambda day: WEEKDAYS[day % 7])
    nth = [
        f"the {_ORDINALS[ordinal]} {WEEKDAYS[day]} of the month"
        for day, ordinal in sorted(fields.nth_weekdays, key=lambda pair: (pair[1] % 7, pair[0]))
        if day not in fields.weekdays
    ]
    if len(names) == 1 and " to " in names[0] and not nth:
        return names[0]
    return f"on {listed(names + nth, 'or')}"


def _months(fields: CronFields) -> str:
    if len(fields.months) == 12:
        return ""
    return f"in {listed(_runs(sorted(fields.months), lambda month: MONTHS[month - 1]))}"


def _numbers(numbers: Collection[int]) -> str:
    return listed(_runs(sorted(numbers), str))


def _runs(numbers: Sequence[int], name: Callable[[int], str]) -> list[str]:
    """The numbers by name; three or more in a row become `first to last`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words: list[str] = []
    for run in runs:
        if len(run) > 2:
            words.append(f"{name(run[0])} to {name(run[-1])}")
        else:
            words += [name(number) for number in run]
    return words
