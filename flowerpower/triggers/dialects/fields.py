"""Reading one field of a cron expression, as most crons do; what differs is an option."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from flowerpower.errors import InvalidTrigger
from flowerpower.text import shortened
from flowerpower.triggers.cron_fields import CronFields
from flowerpower.triggers.dialects.meaning import (
    ALL_DAYS,
    ALL_HOURS,
    ALL_MINUTES,
    ALL_MONTHS,
    ALL_WEEKDAYS,
)

MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTH_NUMBERS = {name: number for number, name in enumerate(MONTH_NAMES, 1)}
WEEKDAY_NUMBERS = {name: number for number, name in enumerate(WEEKDAY_NAMES)}
_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)


@dataclass(frozen=True)
class Field:
    """One field: the numbers that it may hold, and their names in lower case."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)


MINUTE, HOUR = Field("minute", 0, 59), Field("hour", 0, 23)
DAY = Field("day of month", 1, 31)
MONTH = Field("month", 1, 12, MONTH_NUMBERS)
WEEKDAY = Field("day of week", 0, 6, WEEKDAY_NUMBERS)
WEEKDAY_TO_7 = Field("day of week", 0, 7, WEEKDAY_NUMBERS)


@dataclass(frozen=True)
class Grammar:
    """How a program reads the parts of a field.

    Attributes:
        any_signs: what stands for every value.
        open_step: `5/20` is 5, 25, 45, as if the range had no end; None: it is refused; False: the
            step is ignored.
        widest_step: a step may not be longer than the range.
        skips_empty: an empty part of a list does not count.
        whole_names: names may be written out, such as `monday`.
    """

    any_signs: str = "*"
    open_step: bool | None = None
    widest_step: bool = False
    skips_empty: bool = False
    whole_names: bool = False

    def read(self, text: str, field: Field) -> frozenset[int]:
        """The numbers that a field allows.

        Raises:
            InvalidTrigger: if the program does not take it.
        """
        parts = [part for part in text.split(",") if part or not self.skips_empty]
        return frozenset(number for part in parts for number in self._part(part, field))

    def _part(self, part: str, field: Field) -> range:
        span, slash, step_text = part.partition("/")
        first_text, dash, last_text = span.partition("-")
        step = self._number(step_text, part, Field("step", 1, 9999)) if slash else 1
        if span in self.any_signs and span:
            first, last = field.low, field.high
        else:
            first = self._number(first_text, part, field)
            last = self._number(last_text, part, field) if dash else first
            if slash and not dash:
                if self.open_step is None:
                    refuse(part, field, "has a step without a range")
                last = field.high if self.open_step else first
        if last < first:
            refuse(part, field, "runs backwards")
        if self.widest_step and slash and step > last - first:
            refuse(part, field, "has a step that is longer than its range")
        return range(first, last + 1, step)

    def _number(self, text: str, part: str, field: Field) -> int:
        name = text.lower()
        if self.whole_names and len(name) > 3:
            name = next((full[:3] for full in _WHOLE_NAMES if full == name), name)
        if name in field.names:
            return field.names[name]
        if not _NUMBER.fullmatch(text):
            refuse(part, field, "is not known")
        if not field.low <= int(text) <= field.high:
            refuse(part, field, f"is not {field.low} to {field.high}")
        return int(text)


_WHOLE_NAMES = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december", "sunday", "monday", "tuesday", "wednesday", "thursday"),
    *("friday", "saturday"),
)


def refuse(part: str, field: Field, why: str) -> NoReturn:
    """Raise that a program does not take this part of a field."""
    raise InvalidTrigger(f"{field.name}: {shortened(part, 40)!r} {why}")


def five(expression: str) -> Sequence[str]:
    """The five texts of an expression.

    Raises:
        InvalidTrigger: if there are more or fewer.
    """
    texts = expression.split()
    if len(texts) != 5:
        raise InvalidTrigger(f"it has {len(texts)} fields, expected 5")
    return texts


def cron_fields(
    minutes: frozenset[int],
    hours: frozenset[int],
    days: frozenset[int],
    months: frozenset[int],
    weekdays: frozenset[int],
    *,
    both_days: bool,
    is_wildcard: bool = False,
) -> CronFields:
    """Fields without days that depend on the month; numbers that no clock shows do not count."""
    return CronFields(
        minutes=minutes & ALL_MINUTES,
        hours=hours & ALL_HOURS,
        days=days & ALL_DAYS,
        last_day=False,
        months=months & ALL_MONTHS,
        weekdays=frozenset(weekday % 7 for weekday in weekdays) & ALL_WEEKDAYS,
        nth_weekdays=frozenset(),
        both_days=both_days,
        is_wildcard=is_wildcard,
    )
