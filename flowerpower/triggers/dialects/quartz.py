"""What an expression of Quartz 2.3 means: seconds first, 1 is Sunday, one day field is `?`."""

from __future__ import annotations

import re
from dataclasses import replace

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers.cron_fields import LAST, CronFields
from flowerpower.triggers.dialects.fields import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    WEEKDAY_NAMES,
    Field,
    cron_fields,
    refuse,
)
from flowerpower.triggers.dialects.meaning import (
    ALL_DAYS,
    ALL_WEEKDAYS,
    LAST_WORKING_DAY,
    Gap,
    Meaning,
    Repeat,
)

_SECOND = Field("second", 0, 59)
_WEEKDAY = Field("day of week", 1, 7, {name: n for n, name in enumerate(WEEKDAY_NAMES, 1)})
_YEAR = Field("year", 1970, 2199)
_NAMED_DAY = re.compile(r"([1-7]|[A-Z]{3})(L|#([1-5]))", re.ASCII)


def read_quartz(expression: str) -> Meaning:
    """As `org.quartz.CronExpression`; without a year, every year.

    Raises:
        InvalidTrigger: if Quartz does not take it, or it has a day that is not read here.
    """
    texts = expression.upper().split()
    if not 6 <= len(texts) <= 7:
        raise InvalidTrigger(f"it has {len(texts)} fields, expected 6 or 7: seconds come first")
    second, minute, hour, day, month, weekday, *year = texts
    if (day == "?") == (weekday == "?"):
        raise InvalidTrigger("exactly one of day of month and day of week must be '?'")
    fields = cron_fields(
        _numbers(minute, MINUTE),
        _numbers(hour, HOUR),
        ALL_DAYS,
        _numbers(month, MONTH),
        ALL_WEEKDAYS,
        both_days=True,
    )
    meaning = Meaning(
        fields,
        Gap.SKIP,
        Repeat.SECOND,
        seconds=tuple(sorted(_numbers(second, _SECOND))),
        years=_numbers(year[0], _YEAR) if year and year[0] != "*" else None,
    )
    return _with_days(meaning, day) if weekday == "?" else _with_weekdays(meaning, weekday)


def _with_days(meaning: Meaning, text: str) -> Meaning:
    none = replace_fields(meaning.fields, days=frozenset())
    if text == "L":
        return replace(meaning, fields=replace_fields(none, last_day=True))
    if text == "LW":
        return replace(meaning, fields=none, near_days=frozenset({LAST_WORKING_DAY}))
    if match := re.fullmatch(r"L-(\d{1,2})", text):
        return replace(meaning, fields=none, from_end=frozenset({int(match[1])}))
    if match := re.fullmatch(r"(\d{1,2})W", text):
        # In some short months it takes 31W for the last working day, in others for none.
        if not 1 <= int(match[1]) <= 28:
            refuse(text, DAY, "is not 1W to 28W")
        return replace(meaning, fields=none, near_days=frozenset({int(match[1])}))
    if "L" in text or "W" in text:
        refuse(text, DAY, "has L or W in a form that is not read here")
    return replace(meaning, fields=replace_fields(meaning.fields, days=_numbers(text, DAY)))


def _with_weekdays(meaning: Meaning, text: str) -> Meaning:
    if match := _NAMED_DAY.fullmatch(text):
        name = match[1]
        number = int(name) if name.isdigit() else _WEEKDAY.names.get(name.lower(), 0)
        if not number:
            refuse(text, _WEEKDAY, "is not known")
        ordinal = int(match[3]) if match[3] else LAST
        nth = frozenset({(number - 1, ordinal)})
        fields = replace_fields(meaning.fields, weekdays=frozenset(), nth_weekdays=nth)
        return replace(meaning, fields=fields)
    if text == "L":
        # Alone it is no last day of anything: it stands for 7, Saturday.
        text = "7"
    if "L" in text or "#" in text:
        refuse(text, _WEEKDAY, "has L or # in a form that is not read here")
    numbers = frozenset(number - 1 for number in _numbers(text, _WEEKDAY))
    return replace(meaning, fields=replace_fields(meaning.fields, weekdays=numbers))


def replace_fields(fields: CronFields, **changes: object) -> CronFields:
    """The fields with some of them changed."""
    return replace(fields, **changes)  # type: ignore[arg-type]


def _numbers(text: str, field: Field) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = _number(step_text, part, Field("step", 1, field.high)) if slash else 1
        first_text, dash, last_text = span.partition("-")
        if span in ("*", ""):
            first, last = field.low, field.high
        else:
            first = _number(first_text, part, field)
            last = _number(last_text, part, field) if dash else field.high if slash else first
        if last < first and field is _YEAR:
            refuse(part, field, "runs backwards")
        # Elsewhere a range that runs backwards goes on at the field's beginning.
        size = field.high - field.low + 1
        last += size if last < first else 0
        found |= {
            (number - field.low) % size + field.low for number in range(first, last + 1, step)
        }
    return frozenset(found)


def _number(text: str, part: str, field: Field) -> int:
    if text.lower() in field.names:
        return field.names[text.lower()]
    if not (text.isascii() and text.isdigit()) or not field.low <= int(text[:5]) <= field.high:
        refuse(part, field, f"is not {field.low} to {field.high}")
    return int(text)
