"""The one place that reads the time, and how times and durations are read and written.

Inside flowerpower a moment is an aware datetime in UTC and a duration a number of seconds. Text
becomes one of the two here.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from flowerpower.errors import InvalidDuration, InvalidTime, InvalidTimezone
from flowerpower.text import did_you_mean, shortened

if TYPE_CHECKING:
    from flowerpower.triggers.local_zone import LocalZone

_UNITS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_UNIT_WORDS = {
    "week": "w", "day": "d", "hour": "h", "hr": "h",
    "minute": "m", "min": "m", "second": "s", "sec": "s",
}  # fmt: skip
_UNIT_SIZES = _UNITS | {
    word + plural: _UNITS[unit] for word, unit in _UNIT_WORDS.items() for plural in ("", "s")
}
_PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([a-z]+)\s*", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)
_ISO_DURATION = re.compile(
    r"P(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,12}(?:\.[0-9]{1,9})?)S)?)?",
    re.ASCII,
)
_ISO_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)"
    r" ?([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.ASCII,
)
MAX_DURATION = 100 * 366 * 86_400.0
"""Seconds; a longer duration is taken to be a mistake."""
_DURATION_FORMS = "expected seconds, or a form such as 90s, 5m, 2h, 1d, 1h30m or PT1H30M"


_source: Callable[[], float] = time.time


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.fromtimestamp(_source(), UTC)


def monotonic() -> float:
    """Seconds on a clock that nobody can set; only differences have a meaning."""
    return time.monotonic()


def set_source(source: Callable[[], float] | None) -> None:
    """Read the time from `source` (seconds since 1970) instead of the machine; None undoes it."""
    global _source
    _source = source or time.time


def parse_duration(text: str | int | float | timedelta) -> float:
    """Seconds in `text`: a number of them, `1h30m`, ISO 8601 (`PT1H30M`), or a timedelta.

    Raises:
        InvalidDuration: for anything else, a negative length, or more than a hundred years.
    """
    seconds = _number_of_seconds(text)
    if seconds is None:
        raise InvalidDuration(f"{_quoted(text)} is not a duration: {_DURATION_FORMS}.")
    if not 0 <= seconds <= MAX_DURATION:
        raise InvalidDuration(f"{_quoted(text)} is out of range: expected 0 seconds to 100 years.")
    return seconds


def _number_of_seconds(text: str | int | float | timedelta) -> float | None:
    if isinstance(text, bool):
        return None
    if isinstance(text, timedelta):
        return text.total_seconds()
    if isinstance(text, int):
        # Bounded first: an int may be too large for a float.
        return float(max(-1, min(text, int(MAX_DURATION) + 1)))
    if isinstance(text, float):
        return text if math.isfinite(text) else None
    if not isinstance(text, str) or len(text) > 100:
        return None
    plain = text.strip()
    if _NUMBER.fullmatch(plain):
        return float(plain)
    iso = _ISO_DURATION.fullmatch(plain)
    if iso and any(iso.groups()) and not plain.endswith("T"):
        parts = zip(iso.groups(), "wdhms", strict=True)
        return sum(float(part) * _UNITS[unit] for part, unit in parts if part)
    return _sum_of_parts(plain.lower())


def _sum_of_parts(plain: str) -> float | None:
    total, position, used = 0.0, 0, set()
    while position < len(plain):
        part = _PART.match(plain, position)
        if part is None:
            return None
        size = _UNIT_SIZES.get(part[2])
        if size is None or size in used:
            return None
        used.add(size)
        total += float(part[1]) * size
        position = part.end()
    return total if used else None


def format_duration(seconds: float) -> str:
    """A duration as people write it: `1h30m`, `90s` as `1m30s`, `250ms`, `<1ms`."""
    if 0 < seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms" if seconds >= 0.001 else "<1ms"
    whole = round(seconds, 1) if seconds < 60 else round(seconds)
    parts: list[str] = []
    for unit in ("d", "h", "m"):
        count, whole = divmod(whole, _UNITS[unit])
        if count:
            parts.append(f"{int(count)}{unit}")
    if whole or not parts:
        parts.append(f"{whole:g}s")
    return "".join(parts)


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def timezone(name: str) -> ZoneInfo:
    """The time zone called `name` (`Europe/Berlin`).

    Raises:
        InvalidTimezone: with the nearest known name.
    """
    if isinstance(name, str) and len(name) <= 100 and name.isascii() and name.isprintable():
        try:
            return _zone(name)
        except (LookupError, OSError, ValueError):
            raise InvalidTimezone(
                f"There is no time zone {name!r}.{did_you_mean(name, _zone_names())}",
                hint="Use a name of the IANA database, such as Europe/Berlin or UTC.",
            ) from None
    raise InvalidTimezone(f"{_quoted(name)} is not the name of a time zone.")


def local_zone() -> LocalZone:
    """The machine's time zone, or why it has no name."""
    # Imported here: most commands need no zone of the machine.
    from flowerpower.triggers.local_zone import find_local_zone

    return find_local_zone(os.environ.get("TZ"))


def local_timezone_name() -> str:
    """The machine's time zone by name; `UTC`, with a warning in the log, where it has none."""
    zone = local_zone()
    if zone.name is None:
        _warn_of(zone.problem)
    return zone.name or "UTC"


@lru_cache(maxsize=1)
def _warn_of(problem: str) -> None:
    import logging

    logging.getLogger("flowerpower").warning(
        "Warning: %s UTC is used; set timezone in conf/project.yml.", problem
    )


def parse_time(text: str) -> datetime:
    """The time in an ISO 8601 `text`: aware if it has an offset, else naive.

    A date alone is its midnight. Digits below the microsecond are cut off.

    Raises:
        InvalidTime: when it is not such a time, or there is no such date.
    """
    match = _ISO_TIME.fullmatch(text.strip()) if isinstance(text, str) and len(text) < 60 else None
    if match is None:
        raise InvalidTime(
            f"{_quoted(text)} is not a time: expected ISO 8601, such as 2026-12-25T09:00:00 "
            "or 2026-12-25T09:00:00+01:00."
        )
    day, clock_time, offset = match.groups()
    iso = f"{day}T{clock_time or '00:00'}{'+00:00' if offset in ('Z', 'z') else offset or ''}"
    try:
        parsed = datetime.fromisoformat(iso.replace(",", "."))
        if parsed.tzinfo is not None:
            # Raises now, not where it is used, if it overflows in UTC (year 1 or 9999).
            parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidTime(f"{_quoted(text)} is not a time: {error}.") from None
    return parsed


def format_time(moment: datetime, zone: ZoneInfo | None = None) -> str:
    """RFC 3339 with offset, to the second or the microsecond; in UTC unless `zone` is given."""
    zone_of_text = zone or UTC
    return (
        moment if moment.tzinfo is zone_of_text else moment.astimezone(zone_of_text)
    ).isoformat()


def after(moment: datetime, seconds: float) -> datetime:
    """The moment `seconds` of real time after an aware `moment`, in UTC."""
    return moment.astimezone(UTC) + timedelta(seconds=seconds)


def _quoted(value: object) -> str:
    return shortened(repr(value))
