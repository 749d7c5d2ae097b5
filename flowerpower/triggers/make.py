"""Making a trigger from keywords, or from the JSON that is stored of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from flowerpower.errors import FlowerpowerError, InvalidTrigger
from flowerpower.text import did_you_mean
from flowerpower.triggers import clock
from flowerpower.triggers.base import Trigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.date import Date, IsoTime, iso_text, parse_moment
from flowerpower.triggers.interval import Interval

_KINDS = ("cron", "interval", "date")
_UTC = ZoneInfo("UTC")
_KEYS = (*_KINDS, "timezone", "start", "end", "jitter")


def make_trigger(
    cron: str | None = None,
    interval: str | int | float | timedelta | None = None,
    date: IsoTime | None = None,
    *,
    timezone: str | None = None,
    start: IsoTime | None = None,
    end: IsoTime | None = None,
    jitter: str | int | float | None = None,
) -> Trigger:
    """The trigger that exactly one of `cron`, `interval` and `date` describes.

    `timezone` defaults to the machine's; times without an offset are in it. Durations are
    seconds or text such as `1h30m`.

    Raises:
        InvalidTrigger: when not exactly one of the three is set, or it cannot be a trigger; with
            every part that is wrong if there are several.
        InvalidDuration, InvalidTime, InvalidTimezone: when a part of it cannot be read.
    """
    arguments: dict[str, Any] = {
        "cron": cron, "interval": interval, "date": date, "timezone": timezone,
        "start": start, "end": end, "jitter": jitter,
    }  # fmt: skip
    try:
        return _make_trigger(**arguments)
    except FlowerpowerError:
        faults = part_faults(**arguments)
        if len(faults) < 2:
            raise
    details = [f"{key}: {error.message}" for key, error in faults.items()]
    raise InvalidTrigger(f"The trigger has {len(faults)} faults:", details=details)


def part_faults(**arguments: Any) -> dict[str, FlowerpowerError]:
    """What is wrong with each argument of `make_trigger` by itself, by its name."""
    checks: dict[str, Callable[[Any], object]] = {
        "cron": Cron,
        "interval": lambda value: Interval(clock.parse_duration(value)),
        "date": lambda value: Date(iso_text(value)),
        "timezone": clock.timezone,
        "start": lambda value: parse_moment(value, _UTC),
        "end": lambda value: parse_moment(value, _UTC),
        "jitter": clock.parse_duration,
    }
    faults: dict[str, FlowerpowerError] = {}
    for key, check in checks.items():
        try:
            if arguments[key] is not None:
                check(arguments[key])
        except FlowerpowerError as error:
            faults[key] = error
    return faults


def _make_trigger(
    cron: Any, interval: Any, date: Any, timezone: str | None, start: Any, end: Any, jitter: Any
) -> Trigger:
    values = zip(_KINDS, (cron, interval, date), strict=True)
    kinds = [kind for kind, value in values if value is not None]
    if len(kinds) != 1:
        got = f"got {' and '.join(kinds)}" if kinds else "got none"
        raise InvalidTrigger(f"Expected exactly one of cron, interval and date; {got}.")
    zone_name = clock.local_timezone_name() if timezone is None else timezone
    zone = clock.timezone(zone_name)
    first, first_notes = _bound("start", start, zone)
    last, last_notes = _bound("end", end, zone)
    common: dict[str, Any] = {
        "start": first,
        "end": last,
        "jitter": clock.parse_duration(0 if jitter is None else jitter),
        "notes": first_notes + last_notes,
    }
    if cron is not None:
        return Cron(cron, zone_name, **common)
    if interval is not None:
        return Interval(clock.parse_duration(interval), zone_name, **common)
    return Date(iso_text(date), zone_name, **common)


def trigger_from_json(body: object) -> Trigger:
    """The trigger that `to_json` returned as `body`.

    Raises:
        InvalidTrigger: when it has unknown keys or not the shape of a trigger; as `make_trigger`.
    """
    if not isinstance(body, Mapping):
        raise InvalidTrigger(f"A stored trigger is a mapping; this is {type(body).__name__}.")
    for key in body:
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS) if isinstance(key, str) else ""
            raise InvalidTrigger(f"A trigger has no {key!r}.{hint}")
    # Not the machine's: the same record must give the same fires on every machine.
    if body.get("timezone") is None:
        raise InvalidTrigger("A stored trigger names its timezone; this one does not.")
    return make_trigger(**cast("dict[str, Any]", dict(body)))


def _bound(
    name: str, value: IsoTime | None, zone: ZoneInfo
) -> tuple[datetime | None, tuple[str, ...]]:
    if value is None:
        return None, ()
    moment, notes = parse_moment(value, zone)
    return moment, tuple(f"The {name} {note}" for note in notes)
