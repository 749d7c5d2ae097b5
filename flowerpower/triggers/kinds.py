"""What sets a schedule off: a cron expression, an interval, or a date.

A trigger is immutable data. Its fires are *nominal times*: aware datetimes in UTC that depend on
the trigger alone, so any number of schedulers compute the same ones. Jitter is laid on top of a
nominal time by `jittered` and never moves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Self, TypeAlias, cast
from zoneinfo import ZoneInfo

from flowerpower.errors import InvalidTime, InvalidTrigger
from flowerpower.text import did_you_mean
from flowerpower.triggers import clock
from flowerpower.triggers.base import (
    EARLIEST,
    LATEST,
    Trigger,
    plain_number,
    set_once,
    zone_called,
)
from flowerpower.triggers.cron_grammar import normalise
from flowerpower.triggers.instants import (
    count_fires,
    first_fire_after,
    first_moment_after_minute,
    last_fire_until,
)
from flowerpower.triggers.transitions import instant_of, to_moment, to_second
from flowerpower.triggers.wall_times import WallTimes, wall_times_of
from flowerpower.triggers.words import cron_in_words, day_and_time

MIN_INTERVAL = 1.0
"""Seconds."""

WallTime: TypeAlias = str | date | datetime
"""ISO 8601 text, or what a YAML file makes of it."""


@dataclass(frozen=True)
class Cron(Trigger):
    """Fires at the wall-clock times that a cron expression names in a time zone.

    `start` bounds the fires and may itself be one.

    Raises:
        InvalidTrigger: when the expression breaks the grammar or never fires.
        InvalidTimezone: when there is no such zone.
    """

    expression: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        super().__post_init__()
        set_once(self, "expression", normalise(self.expression))
        wall_times_of(self.expression)

    @cached_property
    def wall_times(self) -> WallTimes:
        """The wall-clock readings it follows."""
        return wall_times_of(self.expression)

    @property
    def is_wildcard(self) -> bool:
        """Whether minute or hour begins with `*`: repeated readings fire twice, skipped never."""
        return self.wall_times.fields.is_wildcard

    def _next(self, moment: datetime) -> datetime | None:
        second = self._floor(to_second(moment))
        fire = first_moment_after_minute(self.wall_times, self.zone, second // 60)
        if fire is None or fire > max(moment, self.start or moment):
            return fire
        # Offsets of before 1972 had odd seconds, so a fire need not begin a minute of UTC.
        later = first_fire_after(self.wall_times, self.zone, second)
        return None if later is None else to_moment(later)

    def _last(self, limit: datetime) -> datetime | None:
        fire = last_fire_until(self.wall_times, self.zone, to_second(limit))
        if fire is None or (self.start and to_moment(fire) < self.start):
            return None
        return to_moment(fire)

    def _count(self, after: datetime, until: datetime) -> int:
        first = self._floor(to_second(after))
        return count_fires(self.wall_times, self.zone, first, to_second(until))

    def _floor(self, second: int) -> int:
        """The last second that is too early for a fire after `second`."""
        if self.start is None:
            return second
        return max(second, to_second(self.start - timedelta(microseconds=1)))

    def in_words(self) -> str:
        """Such as "at 08:00, Monday to Friday, Europe/Berlin"."""
        return _in_words(self, cron_in_words(self.wall_times.fields))

    def _own_json(self) -> dict[str, object]:
        return {"cron": self.expression}


@dataclass(frozen=True)
class Interval(Trigger):
    """Fires every so many seconds of real time, the first time one interval after its start.

    Without a start it counts from the moment it is asked about: `anchored` gives it one.

    Raises:
        InvalidDuration: when the interval cannot be read.
        InvalidTrigger: when it is shorter than a second, or not longer than its jitter.
    """

    seconds: float
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        super().__post_init__()
        seconds = round(clock.parse_duration(self.seconds), 6)
        set_once(self, "seconds", seconds)
        if seconds < MIN_INTERVAL:
            raise InvalidTrigger(f"An interval is at least 1 second; this one is {seconds:g}.")
        if self.jitter >= seconds:
            raise InvalidTrigger("The jitter must be shorter than the interval.")

    def anchored(self, moment: datetime) -> Self:
        """Itself, or if it has no start, the same interval from `moment` on, to the second."""
        if self.start is not None:
            return self
        return replace(self, start=moment.replace(microsecond=0))

    @property
    def step(self) -> timedelta:
        """The interval as a timedelta."""
        return timedelta(seconds=self.seconds)

    def _next(self, moment: datetime) -> datetime | None:
        start = self.start or moment
        elapsed = max((moment - start) // self.step + 1, 1) * self.step
        return start + elapsed if elapsed <= LATEST - start else None

    def _last(self, limit: datetime) -> datetime | None:
        if self.start is None or limit - self.start < self.step:
            return None
        return self.start + (limit - self.start) // self.step * self.step

    def _count(self, after: datetime, until: datetime) -> int:
        start = self.start or after
        return max((until - start) // self.step, 0) - max((after - start) // self.step, 0)

    def in_words(self) -> str:
        """Such as "every 1h30m, Europe/Berlin, from Thursday 1 January 2026 00:00"."""
        return _in_words(self, f"every {clock.format_duration(self.seconds)}")

    def _own_json(self) -> dict[str, object]:
        return {"interval": plain_number(self.seconds)}


@dataclass(frozen=True)
class Date(Trigger):
    """Fires once, at an ISO 8601 time; one without an offset is a reading in its time zone.

    A reading that clocks skip means the first instant after the gap, one they show twice the
    first; `notes` says so.

    Raises:
        InvalidTime: when `reading` is not an ISO 8601 time.
        InvalidTrigger: when it lies outside its own bounds.
    """

    reading: str
    timezone: str = "UTC"
    moment: datetime = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        moment, notes = _moment(self.reading, self.zone)
        set_once(self, "reading", _text(self.reading))
        set_once(self, "moment", moment)
        set_once(self, "notes", (*notes, *(note for note in self.notes if note not in notes)))
        if (self.start and moment < self.start) or (self.end and moment > self.end):
            raise InvalidTrigger(f"The date {self.reading} lies outside its own start and end.")

    def _next(self, moment: datetime) -> datetime | None:
        return self.moment if self.moment > moment else None

    def _last(self, limit: datetime) -> datetime | None:
        return self.moment if self.moment <= limit else None

    def _count(self, after: datetime, until: datetime) -> int:
        return int(after < self.moment <= until)

    def in_words(self) -> str:
        """Such as "once, on Friday 25 December 2026 09:00, Europe/Berlin"."""
        return _in_words(self, f"once, on {day_and_time(self.moment.astimezone(self.zone))}")

    def _own_json(self) -> dict[str, object]:
        return {"date": self.reading}


def make_trigger(
    cron: str | None = None,
    interval: str | int | float | timedelta | None = None,
    date: WallTime | None = None,
    *,
    timezone: str | None = None,
    start: WallTime | None = None,
    end: WallTime | None = None,
    jitter: str | int | float | None = None,
) -> Trigger:
    """The trigger that exactly one of `cron`, `interval` and `date` describes.

    `timezone` defaults to the machine's; times without an offset are in it. Durations are
    seconds or text such as `1h30m`.

    Raises:
        InvalidTrigger: when not exactly one is given, or it cannot be a trigger.
        InvalidDuration, InvalidTime, InvalidTimezone: when a part of it cannot be read.
    """
    kinds = (("cron", cron), ("interval", interval), ("date", date))
    given = [name for name, value in kinds if value is not None]
    if len(given) != 1:
        what = f"these are {' and '.join(given)}" if given else "there is none"
        raise InvalidTrigger(f"Expected exactly one of cron, interval and date; {what}.")
    zone_name = clock.local_timezone_name() if timezone is None else timezone
    zone = zone_called(zone_name)
    first, first_notes = _bound("start", start, zone)
    last, last_notes = _bound("end", end, zone)
    late = clock.parse_duration(0 if jitter is None else jitter)
    notes = first_notes + last_notes
    if cron is not None:
        return Cron(cron, zone_name, start=first, end=last, jitter=late, notes=notes)
    if interval is not None:
        seconds = clock.parse_duration(interval)
        return Interval(seconds, zone_name, start=first, end=last, jitter=late, notes=notes)
    return Date(_text(date), zone_name, start=first, end=last, jitter=late, notes=notes)


_KEYS = ("cron", "interval", "date", "timezone", "start", "end", "jitter")


def trigger_from_json(body: object) -> Trigger:
    """The trigger that `to_json` gave as `body`.

    Raises:
        InvalidTrigger: when it has unknown keys or not the shape of a trigger.
        InvalidDuration, InvalidTime, InvalidTimezone: when a part of it cannot be read.
    """
    if not isinstance(body, Mapping):
        raise InvalidTrigger(f"A stored trigger is a mapping; this is {type(body).__name__}.")
    for key in body:
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS) if isinstance(key, str) else ""
            raise InvalidTrigger(f"A trigger has no {key!r}.{hint}")
    if body.get("timezone") is None:
        raise InvalidTrigger("A stored trigger names its timezone; this one does not.")
    return make_trigger(**cast("dict[str, Any]", dict(body)))


def _in_words(trigger: Trigger, when: str) -> str:
    parts = [when, trigger.timezone]
    for word, bound in (("from", trigger.start), ("until", trigger.end)):
        if bound is not None:
            parts.append(f"{word} {day_and_time(bound.astimezone(trigger.zone))}")
    if trigger.jitter:
        parts.append(f"up to {clock.format_duration(trigger.jitter)} late")
    return ", ".join(parts)


_OUT_OF_RANGE = "{!r} is out of range: expected the years 1900 to 9998."


def _bound(
    name: str, reading: WallTime | None, zone: ZoneInfo
) -> tuple[datetime | None, tuple[str, ...]]:
    if reading is None:
        return None, ()
    moment, notes = _moment(reading, zone)
    return moment, tuple(f"The {name} {note}" for note in notes)


def _moment(reading: object, zone: ZoneInfo) -> tuple[datetime, tuple[str, ...]]:
    """The instant of a reading, in UTC, and notes about it."""
    parsed = reading if isinstance(reading, datetime) else clock.parse_time(_text(reading))
    if parsed.tzinfo is not None:
        moment, note = parsed.astimezone(UTC), None
    else:
        second, note = instant_of(parsed, zone)
        try:
            moment = to_moment(second)
        except OverflowError:
            raise InvalidTime(_OUT_OF_RANGE.format(_text(reading))) from None
        if note is None:
            moment = moment.replace(microsecond=parsed.microsecond)
    if not EARLIEST <= moment <= LATEST:
        raise InvalidTime(_OUT_OF_RANGE.format(_text(reading)))
    return moment, (note,) if note else ()


def _text(reading: object) -> str:
    if isinstance(reading, datetime):
        return reading.isoformat()
    if isinstance(reading, date):
        return datetime.combine(reading, time()).isoformat()
    return reading.strip() if isinstance(reading, str) else cast(str, reading)
