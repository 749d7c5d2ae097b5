"""The grammar of cron expressions, which every expression passes before croniter expands it.

croniter also accepts what it reads in another way than cron(8). Such a part is refused here, or
written in a form that croniter reads rightly. Every fault of an expression is an InvalidTrigger
that names the field, quotes the part at fault and says what the field may hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from flowerpower.errors import InvalidTrigger
from flowerpower.text import did_you_mean, nearest

MAX_LENGTH = 200
"""Characters of a cron expression."""

MACROS: Mapping[str, str] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)
_BLANKS = re.compile(r"[ \t]+")
_HASHED = re.compile(r"[HR](\(.*\))?(/.*)?", re.ASCII)
_NEAREST_WEEKDAY = re.compile(r"[0-9]*W|LW|W[0-9]*", re.ASCII)
_ZONE_PREFIX = re.compile(r"(?:CRON_)?TZ=(\S*)\s*(.*)", re.ASCII | re.IGNORECASE)
_FIELD_TEXT = re.compile(
    rf"(?!/)(?:[0-9*,/#?()LWHR-]|{'|'.join((*_MONTHS, *_WEEKDAYS))})+", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    holds: str
    names: Mapping[str, int]


_MINUTE = _Field("minute", 0, 59, "0-59", {})
_HOUR = _Field("hour", 0, 23, "0-23", {})
_DAY = _Field("day of month", 1, 31, "1-31 or L", {})
_MONTH = _Field("month", 1, 12, "1-12 or JAN-DEC", {n: i + 1 for i, n in enumerate(_MONTHS)})
_WEEKDAY_FORMS = "0-7 or SUN-SAT (0 and 7 are Sunday), 5#2 or 5L"
_WEEKDAY = _Field("day of week", 0, 7, _WEEKDAY_FORMS, {n: i for i, n in enumerate(_WEEKDAYS)})
_FIELDS = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)


def normalise(expression: object) -> str:
    """The expression with single blanks and capital names; an `@` form stays one, in lower case.

    Raises:
        InvalidTrigger: when it is not text, too long, not ASCII, or no five fields or `@` form.
    """
    if not isinstance(expression, str):
        raise InvalidTrigger(
            "A cron expression is text, such as '0 8 * * 1-5'; "
            f"this is {type(expression).__name__}."
        )
    if len(expression) > MAX_LENGTH:
        raise InvalidTrigger(
            f"The cron expression has {len(expression)} characters; "
            f"at most {MAX_LENGTH} are allowed."
        )
    plain = expression.strip(" \t\r\n")
    if not plain.isascii() or not plain.replace("\t", " ").isprintable():
        raise InvalidTrigger(f"Cron {expression!a}: only printable ASCII is allowed.")
    if plain.startswith("@"):
        return _macro(plain)
    if prefix := _ZONE_PREFIX.fullmatch(plain):
        raise InvalidTrigger(
            f"Cron {plain!r}: the time zone is not part of the expression. "
            f"Write {prefix[2]!r} and use --timezone {prefix[1]} (in YAML: timezone: {prefix[1]})."
        )
    parts = _BLANKS.split(plain) if plain else []
    if len(parts) != len(_FIELDS):
        _refuse_number_of_fields(plain, parts)
    return " ".join(parts).upper()


def _macro(plain: str) -> str:
    name = plain.lower()
    if name in MACROS:
        return name
    known = ", ".join(MACROS)
    if name.startswith("@every"):
        _refuse_for_interval(plain, name.removeprefix("@every").strip() or "90m")
    if name == "@reboot":
        raise InvalidTrigger(f"Cron '@reboot' is no time to fire at; expected one of {known}.")
    raise InvalidTrigger(
        f"Cron {plain!r} is not known; expected five fields or one of {known}."
        f"{did_you_mean(plain, MACROS)}"
    )


def _refuse_for_interval(plain: str, interval: str) -> NoReturn:
    raise InvalidTrigger(f"Cron {plain!r} is an interval, not a cron expression.{_use(interval)}")


def _use(interval: str) -> str:
    return f" Use --interval {interval} (in YAML: interval: {interval})."


def _refuse_number_of_fields(plain: str, parts: list[str]) -> NoReturn:
    count, extra = len(parts), ""
    if count > len(_FIELDS) and not all(_FIELD_TEXT.fullmatch(part) for part in parts):
        extra = " A user or a command, as in a crontab, is not part of it."
    elif count in (6, 7):
        extra = " Seconds and years are not part of this cron."
    fields = ", ".join(field.name for field in _FIELDS)
    raise InvalidTrigger(f"Cron {plain!r} has {count} fields; expected five: {fields}.{extra}")


def check(expression: str) -> tuple[CheckedField, ...]:
    """The five fields of a normalised `expression`, as croniter can read them.

    Raises:
        InvalidTrigger: naming the field at fault and what it may hold.
    """
    texts = MACROS.get(expression, expression).split(" ")
    return tuple(
        CheckedField(expression, field, text) for field, text in zip(_FIELDS, texts, strict=True)
    )


class CheckedField:
    """One field of an expression whose every part was checked.

    Attributes:
        begins_with_star: what Vixie's cron looks at in its rules for days and for clock changes:
            `*/2` counts as unrestricted too.
        numbers: the parts that croniter expands to numbers, as a list with commas.
        special: the parts that depend on the month: `L`, `5#2` and, for `5L`, `L5`.
    """

    # In one list with plain numbers croniter refuses `MON,5#2`, takes `FRI,5#2` for `5#2`, and
    # `2-31,L` for every day. So the two kinds are kept apart.

    def __init__(self, expression: str, field: _Field, text: str) -> None:
        self._expression = expression
        self._field = field
        numbers: list[str] = []
        special: list[str] = []
        for part in text.split(","):
            if form := self._special(part):
                special.append(form)
            else:
                numbers.append(self._range(part))
        self.begins_with_star = text.startswith("*")
        self.numbers = ",".join(numbers)
        self.special = ",".join(special)

    def _special(self, part: str) -> str | None:
        """The part in the form of croniter, if it is a day that depends on the month."""
        if self._field is _DAY and part == "L":
            return part
        if self._field is not _WEEKDAY:
            return None
        if "#" in part:
            day, _, ordinal = part.partition("#")
            if ordinal not in ("1", "2", "3", "4", "5"):
                self._refuse(part, "counts weekdays of the month from #1 to #5")
            return f"{self._number(day, part)}#{ordinal}"
        if len(part) > 1 and part.endswith("L") and "-" not in part:
            # What croniter calls L5; it knows neither 5L nor LFRI.
            return f"L{self._number(part[:-1], part)}"
        return None

    def _range(self, part: str) -> str:
        """The part as croniter reads it rightly: numbers, ranges and steps."""
        if not part:
            self._refuse(part, "is an empty part of a list")
        span, slash, step = part.partition("/")
        first_text, dash, last_text = span.partition("-")
        first = last = 0 if span == "*" else self._number(first_text, part)
        if dash:
            last = self._number(last_text, part)
            # At the end of a range Sunday ends the week: MON-SUN is 1-7, not 1-0.
            if last_text == "SUN" and first > 0:
                last = 7
            if last < first:
                self._refuse(part, "runs backwards")
        if slash:
            self._check_step(step, part)
        # To croniter a range of one, such as 5-5, is the whole field, and 7/2 is 0-6/2.
        is_one = bool(dash) and first == last
        return str(first) if is_one or (first == 7 and self._field is _WEEKDAY) else part

    def _check_step(self, text: str, part: str) -> None:
        field = self._field
        size = 7 if field is _WEEKDAY else field.high - field.low + 1
        step = int(text) if _NUMBER.fullmatch(text) else 0
        if not 1 <= step <= size:
            # Who writes */90 for the minutes wants every 90 minutes, which no cron can say.
            unit = {_MINUTE.name: "m", _HOUR.name: "h", _DAY.name: "d"}.get(field.name)
            advice = _use(f"{step}{unit}") if unit and step > size else ""
            self._refuse(part, f"has a step other than 1 to {size}", advice)

    def _number(self, text: str, part: str) -> int:
        field = self._field
        if text in field.names:
            return field.names[text]
        if not _NUMBER.fullmatch(text):
            self._refuse(part, *_why_not(text, part, field))
        number = int(text)
        if not field.low <= number <= field.high:
            self._refuse(part, "is out of range")
        return number

    def _refuse(self, part: str, why: str, suggestion: str = "") -> NoReturn:
        raise InvalidTrigger(
            f"Cron {self._expression!r}: {self._field.name}: {part!r} {why}; "
            f"expected {self._field.holds}.{suggestion}"
        )


def _why_not(text: str, part: str, field: _Field) -> tuple[str, str]:
    if "?" in part:
        return "is not supported", " Write '*' for any."
    if _HASHED.fullmatch(part):
        return "asks for a random or hashed number, which is not supported", ""
    if field in (_DAY, _WEEKDAY) and _NEAREST_WEEKDAY.fullmatch(part):
        return "asks for the nearest working day, which is not supported", ""
    if field is _WEEKDAY and part in ("L", *(f"L{number}" for number in range(8))):
        return "is not supported", f" Write '{part[1:] or 5}L' for the last such day of the month."
    if field is _DAY and "L" in part:
        return "is not supported", " L stands alone and means the last day of the month."
    known = nearest(text[:3], field.names) or nearest(text, field.names)
    return "is not known", f" Did you mean {known!r}?" if known else ""
