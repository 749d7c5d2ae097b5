"""The `schedule` of an upstream pipeline (0.11 to 0.21) as ours."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from flowerpower.errors import FlowerpowerError
from flowerpower.pipeline.upstream.old_file import Section
from flowerpower.pipeline.upstream.report import Row
from flowerpower.triggers import clock
from flowerpower.triggers.make import part_faults

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIELDS = ("month", "day", "day_of_week", "hour", "minute")
"""APScheduler's fields that a cron expression has, the least significant last."""
_UNITS = {"weeks": "w", "days": "d", "hours": "h", "minutes": "m", "seconds": "s"}
_PLAIN = re.compile(r"(\*|[0-9]+(-[0-9]+)?)(/[0-9]+)?", re.ASCII)
_APPLY = "it fires once `flowerpower schedule apply` has been called."
_EITHER_DAY = (
    "day and day_of_week are both given: it fires on either, where APScheduler fires on both."
)
_FORMS = "Write it under schedule as cron (five fields), every, interval or date."
_ANOTHER = "a schedule has one trigger: write the second one with an id, in a list."


def convert_schedule(old: Section) -> tuple[dict[str, Any], list[Row]]:
    """Our `schedule` with its one trigger, or an empty mapping, and what became of each setting."""
    data: dict[str, Any] = {}
    for kind, convert in (("cron", _cron), ("interval", _interval), ("date", _date)):
        value = old.take(kind)
        if value is None or value == {}:
            old.say(kind, "not_needed")
            continue
        if data:
            old.say(kind, "left_out", advice=_ANOTHER)
            continue
        try:
            trigger, advice = convert(value)
            _check(trigger)
        except (ValueError, FlowerpowerError) as error:
            text = error.message if isinstance(error, FlowerpowerError) else str(error)
            old.say(kind, "left_out", advice=f"{text} {_FORMS}")
            continue
        data = trigger
        old.say(kind, "converted", f"schedule.{kind}", " ".join([*advice, _APPLY]))
    return data, old.close()


def _check(trigger: Mapping[str, Any]) -> None:
    faults = part_faults(
        **{
            **dict.fromkeys(
                (
                    "cron",
                    "every",
                    "interval",
                    "date",
                    "timezone",
                    "start",
                    "end",
                    "jitter",
                    "except_",
                )
            ),
            **trigger,
        }
    )
    for fault in faults.values():
        raise fault


def _cron(value: Any) -> tuple[dict[str, Any], list[str]]:
    if isinstance(value, str):
        return {"cron": value}, _days_advice(value)
    if not isinstance(value, dict):
        raise ValueError("It is neither text nor a mapping.")
    fields = {key: item for key, item in value.items() if item is not None}
    data: dict[str, Any] = {}
    if crontab := fields.pop("crontab", None):
        data["cron"] = str(crontab)
    else:
        data["cron"] = _expression(fields)
    data |= _bounds(fields)
    if zone := fields.pop("timezone", None):
        data["timezone"] = str(zone)
    if fields:
        raise ValueError(f"There is no {', '.join(fields)} here.")
    return data, _days_advice(data["cron"])


def _expression(fields: dict[str, Any]) -> str:
    """The five fields of cron; what is not given is as in APScheduler."""
    for name in ("year", "week"):
        if str(fields.pop(name, "*")) != "*":
            raise ValueError(f"Cron has no field for the {name}.")
    second = str(fields.pop("second", "0"))
    if second != "0" or not any(name in fields for name in _FIELDS):
        raise ValueError("A schedule fires at whole minutes.")
    texts: dict[str, str] = {}
    is_below = False
    for name in _FIELDS:
        if name in fields:
            texts[name] = _field(name, str(fields.pop(name)))
            is_below = is_below or name != "day_of_week"
        else:
            # Below the last field that is given, each is at its first value.
            is_last = not any(other in fields for other in _FIELDS[_FIELDS.index(name) :])
            first = "1" if name == "day" else "0"
            texts[name] = first if is_last and name != "day_of_week" else "*"
    order = ("minute", "hour", "day", "month", "day_of_week")
    return " ".join(texts[name] for name in order)


def _field(name: str, text: str) -> str:
    parts = text.replace(" ", "").lower().split(",")
    return ",".join(
        _weekdays(part) if name == "day_of_week" else _plain(name, part) for part in parts
    )


def _plain(name: str, part: str) -> str:
    if name == "day" and part == "last":
        return "L"
    if not _PLAIN.fullmatch(part) and name != "month":
        raise ValueError(f"{part!r} in {name} is no cron.")
    return part


def _weekdays(part: str) -> str:
    """Names for numbers: 0 is Monday in APScheduler, and Sunday in cron."""
    if part == "*":
        return part
    begin, dash, end = part.partition("-")
    names = [_WEEKDAYS[int(day)] if day in tuple("0123456") else day for day in (begin, end) if day]
    if any(name not in _WEEKDAYS for name in names) or bool(dash) != (len(names) == 2):
        raise ValueError(f"{part!r} in day_of_week is no cron.")
    return "-".join(names)


def _days_advice(cron: str) -> list[str]:
    parts = cron.split()
    both = len(parts) == 5 and not parts[2].startswith("*") and not parts[4].startswith("*")
    return [_EITHER_DAY] if both else []


def _interval(value: Any) -> tuple[dict[str, Any], list[str]]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"interval": clock.format_duration(float(value))}, []
    if isinstance(value, str):
        return {"interval": value}, []
    if not isinstance(value, dict):
        raise ValueError("It is neither a number of seconds nor a mapping.")
    fields = {key: item for key, item in value.items() if item}
    texts = [f"{fields.pop(unit):g}{letter}" for unit, letter in _UNITS.items() if unit in fields]
    data = {"interval": "".join(texts), **_bounds(fields)}
    if fields:
        raise ValueError(f"There is no {', '.join(fields)} here.")
    return data, []


def _date(value: Any) -> tuple[dict[str, Any], list[str]]:
    return {"date": _time(value)}, []


def _bounds(fields: dict[str, Any]) -> dict[str, Any]:
    names = {"start_time": "start", "end_time": "end"}
    return {ours: _time(fields.pop(old)) for old, ours in names.items() if old in fields}


def _time(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00"
    return clock.parse_time(str(value)).isoformat()
