"""Making a trigger from keywords, or from the JSON that is stored of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from flowerpower.errors import FlowerpowerError, InvalidTrigger
from flowerpower.text import did_you_mean
from flowerpower.triggers import clock
from flowerpower.triggers.base import Trigger, parse_dates
from flowerpower.triggers.calendar_times import parse_step
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.date import Date, IsoTime, iso_text, parse_moment
from flowerpower.triggers.every import Every
from flowerpower.triggers.interval import Interval
from flowerpower.triggers.words import listed

KINDS = ("cron", "every", "interval", "date")
"""The arguments of which a trigger has exactly one."""
_UTC = ZoneInfo("UTC")
_KEYS = (*KINDS, "timezone", "start", "end", "jitter", "except")


def make_trigger(
    cron: str | None = None,
    interval: str | int | float | timedelta | None = None,
    date: IsoTime | None = None,
    *,
    every: str | None = None,
    timezone: str | None = None,
    start: IsoTime | None = None,
    end: IsoTime | None = None,
    jitter: str | int | float | None = None,
    except_: Iterable[IsoTime] | None = None,
) -> Trigger:
    """The trigger that exactly one of `cron`, `every`, `interval` and `date` describes.

    `timezone` defaults to the machine's; times without an offset are in it. Durations are
    seconds or text such as `1h30m`. `every` is a step of the calendar such as `2 weeks`, counted
    from `start`. `except_` are dates without fires.

    Raises:
        InvalidTrigger: when not exactly one of the four is set, or it cannot be a trigger; with
            every part that is wrong if there are several.
        InvalidDuration, InvalidTime, InvalidTimezone: when a part of it cannot be read.
    """
    arguments: dict[str, Any] = {
        "cron": cron, "every": every, "interval": interval, "date": date, "timezone": timezone,
        "start": start, "end": end, "jitter": jitter, "except_": except_,
    }  # fmt: skip
    try:
        return _make_trigger(**arguments)
    except FlowerpowerError:
        faults = part_faults(**arguments)
        if len(faults) < 2:
            raise
    details = [f"{key.rstrip('_')}: {error.message}" for key, error in faults.items()]
    raise InvalidTrigger(f"The trigger has {len(faults)} faults:", details=details)


def part_faults(**arguments: Any) -> dict[str, FlowerpowerError]:
    """What is wrong with each argument of `make_trigger` by itself, by its name."""
    checks: dict[str, Callable[[Any], object]] = {
        "cron": Cron,
        "every": parse_step,
        "interval": lambda value: Interval(clock.parse_duration(value)),
        "date": lambda value: Date(iso_text(value)),
        "timezone": clock.timezone,
        "start": lambda value: parse_moment(value, _UTC),
        "end": lambda value: parse_moment(value, _UTC),
        "jitter": clock.parse_duration,
        "except_": parse_dates,
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
    *, timezone: str | None, start: Any, end: Any, jitter: Any, except_: Any, **values: Any
) -> Trigger:
    kinds = [kind for kind in KINDS if values[kind] is not None]
    if len(kinds) != 1:
        got = f"got {' and '.join(kinds)}" if kinds else "got none"
        raise InvalidTrigger(f"Expected exactly one of {listed(KINDS)}; {got}.")
    zone_name = clock.local_timezone_name() if timezone is None else timezone
    zone = clock.timezone(zone_name)
    first, first_notes = _bound("start", start, zone)
    last, last_notes = _bound("end", end, zone)
    common: dict[str, Any] = {
        "start": first,
        "end": last,
        "jitter": clock.parse_duration(0 if jitter is None else jitter),
        "except_": () if except_ is None else except_,
        "notes": first_notes + last_notes,
    }
    (kind,) = kinds
    value = values[kind]
    if kind == "cron":
        return Cron(value, zone_name, **common)
    if kind == "every":
        return Every(value, zone_name, **common)
    if kind == "interval":
        return Interval(clock.parse_duration(value), zone_name, **common)
    return Date(iso_text(value), zone_name, **common)


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
    arguments = {"except_" if key == "except" else key: value for key, value in body.items()}
    return make_trigger(**cast("dict[str, Any]", arguments))


def _bound(
    name: str, value: IsoTime | None, zone: ZoneInfo
) -> tuple[datetime | None, tuple[str, ...]]:
    if value is None:
        return None, ()
    moment, notes = parse_moment(value, zone)
    return moment, tuple(f"The {name} {note}" for note in notes)
