"""What an `OnCalendar=` expression of systemd 252 means."""

from __future__ import annotations

import re

from flowerpower.errors import InvalidTimezone, InvalidTrigger
from flowerpower.text import shortened
from flowerpower.triggers import clock
from flowerpower.triggers.cron_fields import CronFields
from flowerpower.triggers.dialects.fields import DAY, HOUR, MINUTE, WEEKDAY_NUMBERS, Field, refuse
from flowerpower.triggers.dialects.meaning import ALL_WEEKDAYS, Gap, Meaning, Repeat

WORDS = {
    "minutely": "*-*-* *:*:00",
    "hourly": "*-*-* *:00:00",
    "daily": "*-*-* 00:00:00",
    "weekly": "Mon *-*-* 00:00:00",
    "monthly": "*-*-01 00:00:00",
    "quarterly": "*-01,04,07,10-01 00:00:00",
    "semiannually": "*-01,07-01 00:00:00",
    "biannually": "*-01,07-01 00:00:00",
    "bi-annually": "*-01,07-01 00:00:00",
    "semi-annually": "*-01,07-01 00:00:00",
    "yearly": "*-01-01 00:00:00",
    "annually": "*-01-01 00:00:00",
    "anually": "*-01-01 00:00:00",
}
_MONTH = Field("month", 1, 12)
_SECOND = Field("second", 0, 59)
_YEAR = Field("year", 1970, 2199)
_WEEKDAY = Field("day of week", 0, 7)
_FROM_END = Field("day from the end", 1, 31)
_WEEKDAYS_FIRST = re.compile(r"[A-Za-z][A-Za-z,.-]*", re.ASCII)


def read_systemd(expression: str) -> Meaning:
    """As `systemd-analyze calendar`: a date must satisfy weekday and date.

    Raises:
        InvalidTrigger: if systemd does not take it, or it has fractions of a second.
    """
    words, zone = _without_zone(expression.split())
    if len(words) == 1:
        words = WORDS.get(words[0].lower(), words[0]).split()
    weekdays = ALL_WEEKDAYS
    if words and _WEEKDAYS_FIRST.fullmatch(words[0]):
        weekdays = _weekdays(words.pop(0))
    time = words.pop() if words and ":" in words[-1] else "00:00:00"
    date = words.pop(0) if words else "*-*-*"
    if words or not expression.strip():
        raise InvalidTrigger(f"{shortened(expression, 60)!r} is no calendar expression of systemd")
    years, months, days, from_end = _date(date)
    hours, minutes, seconds = _time(time)
    fields = CronFields(
        minutes=minutes,
        hours=hours,
        days=days,
        last_day=1 in from_end,
        months=months,
        weekdays=weekdays,
        nth_weekdays=frozenset(),
        both_days=True,
        is_wildcard=False,
    )
    return Meaning(
        fields,
        Gap.SKIP,
        Repeat.FIRST,
        seconds=tuple(sorted(seconds)),
        years=years,
        from_end=frozenset(number - 1 for number in from_end if number > 1),
        timezone=zone,
    )


def _without_zone(words: list[str]) -> tuple[list[str], str | None]:
    if len(words) > 1 and words[-1][:1].isalpha():
        try:
            return words[:-1], clock.timezone(words[-1]).key
        except InvalidTimezone:
            pass
    return words, None


def _weekdays(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.strip(",").split(","):
        first, dots, last = part.replace("..", "-").partition("-")
        numbers = [_weekday(name, part) for name in ([first, last] if dots else [first])]
        # Monday is the first day of systemd's week: Sat..Mon runs backwards.
        if numbers[0] > numbers[-1]:
            refuse(part, _WEEKDAY, "runs backwards")
        found |= {number % 7 for number in range(numbers[0], numbers[-1] + 1)}
    return frozenset(found)


def _weekday(name: str, part: str) -> int:
    short = name.lower()[:3]
    full = (*("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),)
    if short not in WEEKDAY_NUMBERS or name.lower() not in (short, *full):
        refuse(part, _WEEKDAY, "is not known")
    return WEEKDAY_NUMBERS[short] or 7


def _date(
    text: str,
) -> tuple[frozenset[int] | None, frozenset[int], frozenset[int], frozenset[int]]:
    tilde = "~" in text
    parts = text.replace("~", "-", 1).split("-") if tilde else text.split("-")
    if not 2 <= len(parts) <= 3:
        raise InvalidTrigger(f"{shortened(text, 40)!r} is no date of systemd")
    year, month, day = parts if len(parts) == 3 else ("*", *parts)
    years = None if year == "*" else _numbers(year, _YEAR)
    months = _numbers(month, _MONTH)
    if not tilde:
        return years, months, _numbers(day, DAY), frozenset()
    return years, months, frozenset(), _from_end(day)


def _from_end(text: str) -> frozenset[int]:
    """Days counted from the last one, which is 1; `7/1` is the last seven."""
    found: set[int] = set()
    for part in text.split(","):
        first, slash, step = part.partition("/")
        number = _number(first, part, _FROM_END)
        found |= {*range(number, 0, -_number(step, part, _FROM_END))} if slash else {number}
    return frozenset(found)


def _time(text: str) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    parts = text.split(":")
    if not 2 <= len(parts) <= 3:
        raise InvalidTrigger(f"{shortened(text, 40)!r} is no time of systemd")
    hour, minute, second = parts if len(parts) == 3 else (*parts, "0")
    if "." in second.replace("..", ""):
        raise InvalidTrigger("fractions of a second are not read here")
    return _numbers(hour, HOUR), _numbers(minute, MINUTE), _numbers(second, _SECOND)


def _numbers(text: str, field: Field) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = _number(step_text, part, Field("step", 1, 9999)) if slash else 1
        if span == "*":
            found |= {*range(field.low, field.high + 1, step)}
            continue
        first_text, dots, last_text = span.partition("..")
        first = _number(first_text, part, field)
        last = _number(last_text, part, field) if dots else field.high if slash else first
        if last < first:
            refuse(part, field, "runs backwards")
        if slash and not dots and step > last - first:
            refuse(part, field, "has a step that leads out of the field")
        found |= {*range(first, last + 1, step)}
    return frozenset(found)


def _number(text: str, part: str, field: Field) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 4:
        refuse(part, field, "is not a number")
    number = int(text)
    if field is _YEAR and number < 100:
        number += 2000 if number < 70 else 1900
    if not field.low <= number <= field.high:
        refuse(part, field, f"is not {field.low} to {field.high}")
    return number
