"""What a cron expression allows, field by field; croniter expands the fields to numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from flowerpower.triggers.cron_grammar import check

LAST = -1
"""As the ordinal of a weekday: the last of the month."""


@dataclass(frozen=True)
class CronFields:
    """What an expression allows, field by field.

    Attributes:
        minutes, hours, days, months: the numbers allowed.
        last_day: the last day of the month is allowed too (`L`).
        weekdays: 0 (Sunday) to 6 (Saturday).
        nth_weekdays: pairs of weekday and ordinal, 1 to 5 or LAST (`5#2`, `5L`).
        both_days: a day must satisfy both day fields; otherwise either of them.
        is_wildcard: the minute or the hour field begins with `*`.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    last_day: bool
    months: frozenset[int]
    weekdays: frozenset[int]
    nth_weekdays: frozenset[tuple[int, int]]
    both_days: bool
    is_wildcard: bool


def parse(expression: str) -> CronFields:
    """What a normalised `expression` allows.

    Raises:
        InvalidTrigger: naming the field at fault and what it may hold.
    """
    fields = check(expression)
    numbers = [_expand(position, field.numbers) for position, field in enumerate(fields)]
    minute, hour, day, _, weekday = fields
    last_day, nth_weekdays = _expand_special(day.special, weekday.special)
    return CronFields(
        minutes=numbers[0],
        hours=numbers[1],
        days=numbers[2],
        last_day=last_day,
        months=numbers[3],
        weekdays=numbers[4],
        nth_weekdays=nth_weekdays,
        both_days=day.begins_with_star or weekday.begins_with_star,
        is_wildcard=minute.begins_with_star or hour.begins_with_star,
    )


# By field: of a hundred thousand expressions most differ only in the combination.
@lru_cache(maxsize=4096)
def _expand(position: int, text: str) -> frozenset[int]:
    """The numbers that the field at `position` allows by these parts; none by no part."""
    if not text:
        return frozenset()
    # Imported here: it takes some 30 ms, and most commands read no expression.
    from croniter import croniter

    texts = ["*"] * 5
    texts[position] = text
    numbers = croniter.expand(" ".join(texts))[0][position]
    if "*" in numbers:
        low, high = croniter.RANGES[position]
        return frozenset(range(low, high + 1))
    return frozenset(cast("list[int]", numbers))


@lru_cache(maxsize=1024)
def _expand_special(day: str, weekday: str) -> tuple[bool, frozenset[tuple[int, int]]]:
    """Whether the last day is allowed, and pairs of weekday and ordinal."""
    if not day and not weekday:
        return False, frozenset()
    from croniter import croniter

    expanded, nth = croniter.expand(f"0 0 {day or '*'} * {weekday or '*'}")
    pairs = ((number, ordinal) for number, ordinals in nth.items() for ordinal in ordinals)
    return "l" in expanded[2], frozenset((n, LAST if o == "l" else o) for n, o in pairs)
