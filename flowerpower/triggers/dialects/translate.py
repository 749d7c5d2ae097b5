"""From what an expression of another scheduler means to a trigger of ours, and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import groupby, product
from typing import Any
from zoneinfo import ZoneInfo

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers.base import LATEST, Trigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.cron_fields import LAST, CronFields
from flowerpower.triggers.dialects.meaning import Meaning
from flowerpower.triggers.interval import MIN_INTERVAL, Interval
from flowerpower.triggers.transitions import (
    Transition,
    next_transition,
    spans_of_date,
    to_datetime,
    to_second,
    to_wall_time,
)

_YEARS = 8
"""Two leap years and every weekday as the first of a year: what agrees for so long, agrees."""
_HORIZON = 2 * 366 * 86_400
_WEEKS = {range(1, 8): 1, range(8, 15): 2, range(15, 22): 3, range(22, 29): 4, range(29, 32): 5}


class Verdict(StrEnum):
    """How well a trigger keeps what an expression means."""

    SAME = "same"
    CHANGES = "differs at clock changes"
    NEAREST = "differs"
    NONE = "cannot be said here"


@dataclass(frozen=True)
class DayRow:
    """The fires of one date there and here, as local times with their offsets."""

    day: date
    there: tuple[datetime, ...]
    here: tuple[datetime, ...]

    @property
    def is_same(self) -> bool:
        """Whether they are at the same instants."""
        return self.there == self.here


@dataclass(frozen=True)
class Translation:
    """A trigger of ours for an expression of another scheduler.

    Attributes:
        trigger: None if there is none; of the verdict NEAREST it is not to be used unseen.
        verdict: how well it keeps the meaning.
        reasons: sentences of what differs.
        days: the dates of the next clock changes, two at most, and other dates near them that
            differ.
    """

    trigger: Trigger | None
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    days: tuple[DayRow, ...] = field(default=())


def translate(meaning: Meaning, text: str, zone: ZoneInfo, now: datetime) -> Translation:
    """The trigger in `zone` that fires when an expression with this meaning does.

    `text` is the expression: as it stands it is the first to be tried. `now` is aware; the clock
    changes that are looked at are the next two after it.
    """
    if meaning.interval is not None:
        return _interval(meaning.interval, zone)
    if not meaning.times or not any(map(meaning.has_day, _days(now.date()))):
        return Translation(None, Verdict.NONE, ("It never fires.",))
    changes = _changes(zone, now)
    best: tuple[Trigger, list[DayRow], int] | None = None
    for trigger in _candidates(meaning, text, zone):
        if not _is_same(meaning, trigger):
            continue
        rows = _rows(meaning, trigger, zone, changes)
        different = sum(not row.is_same for row in rows)
        if best is None or different < best[2]:
            best = trigger, rows, different
        if not different:
            break
    if best is None:
        return _nearest(meaning, zone)
    trigger, rows, different = best
    reasons = tuple(_change_reason(row) for row in rows if not row.is_same)
    verdict = Verdict.CHANGES if different else Verdict.SAME
    return Translation(trigger, verdict, reasons, tuple(rows))


def _interval(seconds: float, zone: ZoneInfo) -> Translation:
    if seconds < MIN_INTERVAL:
        return Translation(None, Verdict.NONE, ("An interval here is at least a second.",))
    reason = "It counts from when the schedule is added; there from when it was made or restarted."
    return Translation(Interval(seconds, zone.key), Verdict.SAME, (reason,))


def _candidates(meaning: Meaning, text: str, zone: ZoneInfo) -> Iterator[Trigger]:
    """Triggers that may have this meaning, the most natural first."""
    bounds = _bounds(meaning, zone)
    if bounds is None or meaning.seconds != (0,) or meaning.from_end or meaning.near_days:
        return
    fields = meaning.fields
    texts = [text]
    styles = product((True, False), repeat=2)
    times = [
        f"{_numbers(fields.minutes, 0, 59, star=minute)} {_numbers(fields.hours, 0, 23, star=hour)}"
        for minute, hour in styles
    ]
    months = _numbers(fields.months, 1, 12)
    for days, weekdays in _day_fields(fields):
        texts += [f"{time} {days} {months} {weekdays}" for time in times]
    for candidate in dict.fromkeys(texts):
        try:
            yield Cron(candidate, zone.key, **bounds)
        except InvalidTrigger:
            continue


def _day_fields(fields: CronFields) -> Iterator[tuple[str, str]]:
    """Both day fields, in the forms that may mean what `fields` mean."""
    days = _list(fields.days, fields.last_day)
    special = [
        f"{day}#{ordinal}" if ordinal != LAST else f"{day}L"
        for day, ordinal in sorted(fields.nth_weekdays)
    ]
    weekdays = ",".join(filter(None, [_numbers(fields.weekdays, 0, 6), *special]))
    every_day, every_weekday = len(fields.days) == 31, len(fields.weekdays) == 7
    if every_day or every_weekday:
        yield (
            ("*" if every_day else _numbers(fields.days, 1, 31, tail=fields.last_day)),
            ("*" if every_weekday else weekdays),
        )
        yield ("*" if every_day else days), ("*" if every_weekday else weekdays)
    elif not fields.both_days:
        yield days, ",".join(filter(None, [_list(fields.weekdays), *special]))
    else:
        # Monday of days 1 to 7 is the first Monday. Else one of the two must begin with `*`.
        weeks = [n for week, n in _WEEKS.items() if {*week} <= fields.days]
        if {day for week, n in _WEEKS.items() if n in weeks for day in week} == fields.days:
            yield "*", ",".join(f"{day}#{n}" for n in weeks for day in sorted(fields.weekdays))
        for star in _starred(fields.days, 1, 31):
            yield star, weekdays
        for star in _starred(fields.weekdays, 0, 6):
            yield days, star


def _starred(numbers: frozenset[int], low: int, high: int) -> Iterator[str]:
    """A list that begins with `*` and has these numbers, if there is one."""
    text = _numbers(numbers, low, high)
    if text.startswith("*"):
        yield text
    elif low in numbers:
        rest = _list(numbers - {low})
        yield f"*/{high - low + 1}{',' if rest else ''}{rest}"


def _numbers(
    numbers: frozenset[int], low: int, high: int, *, star: bool = True, tail: bool = False
) -> str:
    """Numbers as a field: with `*` and steps if `star` and they are such, else as a list."""
    if not tail and len(numbers) > 1:
        for step in range(1, high - low + 1):
            if numbers == {*range(low, high + 1, step)} and (step == 1 or len(numbers) > 2):
                if star:
                    return "*" if step == 1 else f"*/{step}"
                return f"{low}-{high}" if step == 1 else f"{low}-{high}/{step}"
    return _list(numbers, tail)


def _list(numbers: frozenset[int], last_day: bool = False) -> str:
    runs = []
    for _, group in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        runs += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(number) for number in run]
    return ",".join([*runs, *(["L"] if last_day else [])])


def _bounds(meaning: Meaning, zone: ZoneInfo) -> dict[str, Any] | None:
    """Start and end that stand for its years; None if they are not in a row."""
    if meaning.years is None:
        return {}
    first, last = min(meaning.years), max(meaning.years)
    if last - first + 1 != len(meaning.years):
        return None
    start = datetime(first, 1, 1, tzinfo=zone)
    return {"start": start, "end": datetime(last, 12, 31, 23, 59, 59, tzinfo=zone)}


def _days(first: date, years: int = _YEARS) -> Iterator[date]:
    for number in range(366 * years):
        yield first + timedelta(days=number)


def _is_same(meaning: Meaning, trigger: Trigger) -> bool:
    """Whether both have the same wall times on every date, transitions left aside."""
    assert isinstance(trigger, Cron)
    fields = trigger.wall_times.fields
    if (fields.minutes, fields.hours) != (meaning.fields.minutes, meaning.fields.hours):
        return False
    own = Meaning(fields, meaning.gap, meaning.repeat, years=meaning.years)
    return all(meaning.has_day(day) == own.has_day(day) for day in _days(date(2026, 1, 1)))


def _changes(zone: ZoneInfo, now: datetime) -> list[Transition]:
    """The next two transitions, if there are any in two years."""
    changes: list[Transition] = []
    second = to_second(now)
    while len(changes) < 2 and (
        change := next_transition(zone, second, min(second + _HORIZON, to_second(LATEST)))
    ):
        changes.append(change)
        second = change.at
    return changes


def _rows(
    meaning: Meaning, trigger: Trigger, zone: ZoneInfo, changes: list[Transition]
) -> list[DayRow]:
    """The dates of the changes, and those beside them that differ."""
    rows = []
    for change in changes:
        day = to_wall_time(change.at + change.before).date()
        for near in (day - timedelta(days=1), day, day + timedelta(days=1)):
            row = day_row(meaning, trigger, zone, near)
            if near == day or not row.is_same:
                rows.append(row)
    return rows


def day_row(meaning: Meaning, trigger: Trigger, zone: ZoneInfo, day: date) -> DayRow:
    """The fires of one date in `zone`."""
    there: list[datetime] = []
    here: list[datetime] = []
    for start, stop in spans_of_date(zone, day):
        there += [to_datetime(second) for second in meaning.fires(zone, start, stop)]
        tick = timedelta(microseconds=1)
        here += trigger.fires(to_datetime(start) - tick, to_datetime(stop) - tick)
    local = [tuple(fire.astimezone(zone) for fire in fires) for fires in (there, here)]
    return DayRow(day, *local)


def _change_reason(row: DayRow) -> str:
    def shown(fires: tuple[datetime, ...]) -> str:
        if not fires:
            return "no fire"
        if len(fires) > 6:
            return f"{len(fires)} fires"
        return " ".join(f"{fire:%H:%M %Z}" for fire in fires)

    there = [fire for fire in row.there if fire.astimezone(UTC) not in _instants(row.here)]
    here = [fire for fire in row.here if fire.astimezone(UTC) not in _instants(row.there)]
    return f"{row.day:%a %Y-%m-%d}: there {shown(tuple(there))}, here {shown(tuple(here))}."


def _instants(fires: tuple[datetime, ...]) -> set[datetime]:
    return {fire.astimezone(UTC) for fire in fires}


def _without_seconds(seconds: tuple[int, ...]) -> str:
    if len(seconds) == 1:
        return f"Cron here has no seconds: it fires {seconds[0]} seconds earlier."
    step = 60 // len(seconds)
    is_even = seconds == tuple(range(0, 60, step))
    advice = f" `interval: {step}s` is near." if is_even else ""
    return f"Cron here has no seconds: there it fires {len(seconds)} times a minute.{advice}"


def _nearest(meaning: Meaning, zone: ZoneInfo) -> Translation:
    """A trigger that is near, with what it leaves out."""
    reasons: list[str] = []
    fields = meaning.fields
    seconds = meaning.seconds
    if seconds != (0,):
        reasons.append(_without_seconds(seconds))
    if meaning.from_end or meaning.near_days:
        reasons.append("Days such as L-3 and 15W cannot be said here.")
    if _bounds(meaning, zone) is None:
        reasons.append("Single years cannot be said here: `start` and `end` are bounds.")
    is_and = fields.both_days and 0 < len(fields.days) < 31 and 0 < len(fields.weekdays) < 7
    months = _numbers(fields.months, 1, 12)
    times = f"{_numbers(fields.minutes, 0, 59)} {_numbers(fields.hours, 0, 23)}"
    candidates = [f"{times} {days} {months} {weekdays}" for days, weekdays in _day_fields(fields)]
    if is_and and not (meaning.from_end or meaning.near_days):
        reasons.append(
            "There the date must satisfy both day fields, which is not said here so: "
            "nearest is the day of the month alone."
        )
        candidates.append(f"{times} {_list(fields.days)} {months} *")
    if meaning.from_end or meaning.near_days:
        candidates = []
    for candidate in candidates:
        try:
            return Translation(Cron(candidate, zone.key), Verdict.NEAREST, tuple(reasons))
        except InvalidTrigger:
            continue
    return Translation(None, Verdict.NONE, tuple(reasons) or ("Cron here cannot say it.",))
