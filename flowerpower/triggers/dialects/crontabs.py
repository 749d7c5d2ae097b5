"""What the five fields of a crontab mean to the daemons that read one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers.dialects.fields import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    MONTH_NAMES,
    WEEKDAY_NAMES,
    WEEKDAY_TO_7,
    Field,
    Grammar,
    cron_fields,
    five,
)
from flowerpower.triggers.dialects.meaning import ALL_DAYS, ALL_WEEKDAYS, Gap, Meaning, Repeat

MACROS = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}  # fmt: skip
_LIST = re.compile(r"[0-9a-z*,/-]*", re.ASCII)
_CLASSIC = Grammar()
_FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY_TO_7)


def expanded(expression: str, macros: dict[str, str] = MACROS) -> str:
    """The expression with five fields that a word such as `@daily` stands for.

    Raises:
        InvalidTrigger: for a word that the program does not know.
    """
    if not expression.startswith("@"):
        return expression
    if expression not in macros:
        raise InvalidTrigger(f"{expression.split()[0]!r} is no time to fire at")
    return macros[expression]


def read_sets(
    texts: Sequence[str], grammar: Grammar, fields: Sequence[Field] = _FIELDS
) -> list[frozenset[int]]:
    """The numbers of each field."""
    return [grammar.read(text, field) for text, field in zip(texts, fields, strict=True)]


def read_debian(expression: str) -> Meaning:
    """Debian's cron 3.0pl1: a day field that begins with `*` does not count as restricted."""
    # It passes over what follows a list in the same field: 5#2 is every Friday, 0~59 minute 0.
    texts = [_LIST.match(text)[0] for text in five(expanded(expression.lower()))]  # type: ignore[index]
    minutes, hours, days, months, weekdays = read_sets(texts, _CLASSIC)
    both = texts[2].startswith("*") or texts[4].startswith("*")
    wildcard = texts[0].startswith("*") or texts[1].startswith("*")
    fields = cron_fields(
        minutes, hours, days, months, weekdays, both_days=both, is_wildcard=wildcard
    )
    if wildcard:
        return Meaning(fields, Gap.SKIP, Repeat.BOTH)
    return Meaning(fields, Gap.AFTER, Repeat.FIRST)


def read_busybox(expression: str) -> Meaning:
    """Busybox's crond: it fills tables from 0 on, and a number outside of one fills all of it."""
    if "#" in expression:
        raise InvalidTrigger("what follows # is a comment")
    texts = five(expanded(expression))
    sizes = (60, 24, 32, 12, 7)
    minutes, hours, days, months, weekdays = (
        _busybox_field(text, size, -1 if size == 12 else 0, names)
        for text, size, names in zip(
            texts, sizes, ((), (), (), MONTH_NAMES, WEEKDAY_NAMES), strict=True
        )
    )
    # A table of 32 days of which every entry, day 0 too, is set, or one of all weekdays, is no
    # restriction; the other one then decides alone.
    uses_days, uses_weekdays = len(days) < 32, len(weekdays) < 7
    if not (uses_days and uses_weekdays):
        days = days if uses_days else ALL_DAYS
    fields = cron_fields(
        minutes,
        hours,
        days,
        frozenset(month + 1 for month in months),
        weekdays,
        both_days=not (uses_days and uses_weekdays),
    )
    return Meaning(fields, Gap.SKIP, Repeat.BOTH)


def _busybox_field(text: str, size: int, offset: int, names: Sequence[str]) -> frozenset[int]:
    """The entries of a table that are set; what follows a part that is wrong does not count."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        first_text, dash, last_text = span.partition("-")
        first, rest = _busybox_number(first_text, offset, names)
        if first is None:
            break
        last = size - 1 if first_text[:1] == "*" else first
        if dash and not rest and first_text != "*":
            number, rest = _busybox_number(last_text, offset, names)
            if number is None:
                break
            last = number
        digits = step_text[: len(step_text) - len(step_text.lstrip("0123456789"))]
        step = (int(digits or 0) if slash and not rest else 1) or size
        if last < 0:
            break
        if last >= size:
            # It goes round for a thousand entries, and gives up.
            found |= {(first + number) % size for number in range(0, 1024, step)}
            break
        length = (last - first) % size
        found |= {(first + number) % size for number in range(0, length + 1, step)}
        if rest or step_text[len(digits) :]:
            break
    return frozenset(found)


def _busybox_number(text: str, offset: int, names: Sequence[str]) -> tuple[int | None, str]:
    """The number that a text begins with, and what follows it."""
    if text.startswith("*"):
        return 0, text[1:]
    digits = text[: len(text) - len(text.lstrip("0123456789"))]
    if digits:
        return int(digits) + offset, text[len(digits) :]
    name = text[:3].lower()
    return (names.index(name), text[3:]) if name in names else (None, text)


def read_bcron(expression: str) -> Meaning:
    """Bcron: a date must satisfy both day fields."""
    grammar = Grammar(open_step=False, skips_empty=True, whole_names=True)
    if expression.startswith("@"):
        raise InvalidTrigger("bcron knows no words such as @daily")
    sets = read_sets(five(expression), grammar)
    fields = cron_fields(*sets, both_days=True)
    # One hour of the day: when clocks repeat it, the second time does not count.
    once = len(fields.hours) == 1
    return Meaning(fields, Gap.SHIFT, Repeat.FIRST if once else Repeat.BOTH)


def read_mcron(expression: str) -> Meaning:
    """GNU mcron 1.0.8: months in numbers are counted from 0, names are right."""
    texts = five(expression)
    # Month 12, one past the last, is the next January; its stars end with 11.
    names = {name: number for number, name in enumerate(MONTH_NAMES)}
    months = Field("month", 0, 11 if "*" in texts[3] else 12, names)
    grammar = Grammar(skips_empty=True, whole_names=True)
    minutes, hours, days, month, weekdays = read_sets(
        texts, grammar, (MINUTE, HOUR, DAY, months, WEEKDAY_TO_7)
    )
    days_any, weekdays_any = texts[2] == "*", texts[4] == "*"
    made = cron_fields(
        minutes,
        hours,
        ALL_DAYS if days_any else days,
        frozenset(number % 12 + 1 for number in month),
        ALL_WEEKDAYS if weekdays_any else weekdays,
        both_days=days_any or weekdays_any,
    )
    return Meaning(made, Gap.SHIFT, Repeat.FIRST)


_MONTHS_OF_SYSTEMD_CRON = (*MONTH_NAMES[:9], *MONTH_NAMES[10:])
"""October is missing in the generator, so DEC is the 11th."""


def read_systemd_cron(expression: str) -> Meaning:
    """The generator of systemd-cron 1.15: as it slices lists; systemd does the rest."""
    macros = {**MACROS, "@weekly": "0 0 * * 1", "@minutely": "* * * * *"}
    macros |= {"@quarterly": "0 0 1 1,4,7,10 *", "@semi-annually": "0 0 1 1,7 *"}
    texts = five(expanded(expression, macros))
    names = {name: number for number, name in enumerate(_MONTHS_OF_SYSTEMD_CRON, 1)}
    bounds: tuple[tuple[int, int, dict[str, int] | None], ...] = (
        (0, 60, {}),
        (0, 24, {}),
        (1, 32, {}),
        (1, 13, names),
        (0, 7, None),
    )
    sets = [_sliced(text, *bound) for text, bound in zip(texts, bounds, strict=True)]
    return Meaning(cron_fields(*sets, both_days=True), Gap.SKIP, Repeat.FIRST)


def _sliced(text: str, low: int, stop: int, names: dict[str, int] | None) -> frozenset[int]:
    def number(part: str) -> int:
        if names is None:
            name = part[:3].lower()
            return WEEKDAY_NAMES.index(name) if name in WEEKDAY_NAMES else int(part) % 7
        return names[part[:3].lower()] if part[:3].lower() in names else int(part)

    def cut(part: str) -> slice:
        span, slash, step = part.partition("/")
        if span == "*":
            return slice(None, None, int(step or 1))
        first, _, last = span.partition("-")
        return slice(
            number(first) - low, number(last or first) + 1 - low, int(step) if slash else 1
        )

    values = range(low, stop)
    try:
        found = reduce(lambda all_, part: all_ | {*values[cut(part)]}, text.split(","), set[int]())
    except ValueError:
        found = set()
    if not found:
        raise InvalidTrigger(f"its generator calls {text!r} garbled")
    return frozenset(found)
