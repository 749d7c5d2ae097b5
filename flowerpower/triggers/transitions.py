"""When and how the clocks of a zone are changed, and what a wall-clock reading means there.

Instants are whole seconds since 1970 in UTC; a local second is an instant plus its offset.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

CORRECTION = 3 * 3600
"""Seconds; a change as large is a correction of the clock, not a daylight-saving change."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
# Since 1900 no zone has changed its clocks twice within three days (Debian 2025b: 3.99 at least).
_SAMPLE = 3 * 86_400
_WEEK = 7 * 86_400
_YEAR = 31_556_952
# Nearer to the ends of the calendar there are no zones to speak of, and datetime has no room.
_FIRST_YEAR, _LAST_YEAR = -170, 8_028


class Transition(NamedTuple):
    """At the instant `at` the offset from UTC goes from `before` to `after`, all in seconds."""

    at: int
    before: int
    after: int

    @property
    def is_correction(self) -> bool:
        """Whether the change is so large that nothing is made up or held back for it."""
        return abs(self.after - self.before) >= CORRECTION

    @property
    def skips(self) -> bool:
        """Whether wall-clock readings are skipped; otherwise some are repeated."""
        return self.after > self.before

    @property
    def first_local(self) -> int:
        """First local second that is skipped, or shown again."""
        return self.at + min(self.before, self.after)

    @property
    def stop_local(self) -> int:
        """First local second that is not any more."""
        return self.at + max(self.before, self.after)


class _Year(NamedTuple):
    """A mean Gregorian year: all are as long, so its number is a division away."""

    first_offset: int
    changes: tuple[Transition, ...]


def to_second(moment: datetime) -> int:
    """The whole second an aware `moment` lies in."""
    since = moment - _EPOCH
    return since.days * 86_400 + since.seconds


def to_moment(second: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + timedelta(seconds=second)


def to_wall_time(local: int) -> datetime:
    """The naive wall-clock datetime of a local second."""
    return _NAIVE_EPOCH + timedelta(seconds=local)


def offset_at(zone: ZoneInfo, second: int) -> int:
    """Seconds that clocks in `zone` are ahead of UTC at an instant."""
    return offset_and_last_transition(zone, second)[0]


def last_transition(zone: ZoneInfo, second: int) -> Transition | None:
    """The last change at or before an instant; None if it is more than a week to a year ago."""
    return offset_and_last_transition(zone, second)[1]


def offset_and_last_transition(zone: ZoneInfo, second: int) -> tuple[int, Transition | None]:
    """Both `offset_at` and `last_transition`, at the price of one."""
    offset, changes = _year(zone, second // _YEAR)
    found = None
    for change in changes:
        if change.at > second:
            break
        found = change
        offset = change.after
    return offset, found


def next_transition(zone: ZoneInfo, after: int, until: int) -> Transition | None:
    """The first change with `after < at <= until`."""
    if until <= after:
        return None
    for number in range(after // _YEAR, until // _YEAR + 1):
        for change in _year(zone, number).changes:
            if change.at > until:
                return None
            if change.at > after:
                return change
    return None


def previous_transition(zone: ZoneInfo, until: int, after: int) -> Transition | None:
    """The last change with `after < at <= until`."""
    if until <= after:
        return None
    for number in range(until // _YEAR, after // _YEAR - 1, -1):
        for change in reversed(_year(zone, number).changes):
            if change.at <= after:
                return None
            if change.at <= until:
                return change
    return None


def instant_of(reading: datetime, zone: ZoneInfo) -> tuple[int, str | None]:
    """The instant a naive `reading` means in `zone`, and a note where that needs one.

    A reading that is skipped means the first instant after the gap; one that shows twice, the
    first time.
    """
    local = _local_second(reading)
    early, late = (
        reading.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1)
    )
    first, second = (local - round(offset.total_seconds()) for offset in (early, late))
    if first == second:
        return first, None
    shown = reading.isoformat(sep=" ")
    if first < second:
        return first, f"{shown} exists twice in {zone.key}: the first is meant."
    change = next_transition(zone, second, first)
    at = change.at if change else first
    after_gap = to_wall_time(at + offset_at(zone, at)).isoformat(sep=" ")
    return at, f"{shown} does not exist in {zone.key}, where clocks skip it: {after_gap} is meant."


def _local_second(reading: datetime) -> int:
    since = reading - _NAIVE_EPOCH
    return since.days * 86_400 + since.seconds


def _offset(zone: ZoneInfo, second: int) -> int:
    shift = datetime.fromtimestamp(second, zone).utcoffset() or timedelta()
    return shift.days * 86_400 + shift.seconds


@lru_cache(maxsize=16_384)
def _year(zone: ZoneInfo, number: int) -> _Year:
    """The changes of the mean year of that number since 1970, and of the week before it."""
    if not _FIRST_YEAR <= number <= _LAST_YEAR:
        return _Year(0, ())
    begin, end = number * _YEAR - _WEEK, (number + 1) * _YEAR
    first_offset = before = _offset(zone, begin)
    changes: list[Transition] = []
    for sample in range(begin + _SAMPLE, end + _SAMPLE, _SAMPLE):
        late = min(sample, end - 1)
        after = _offset(zone, late)
        if after != before:
            changes.append(Transition(_instant_of_change(zone, late, before), before, after))
            before = after
    return _Year(first_offset, tuple(changes))


def _instant_of_change(zone: ZoneInfo, late: int, before: int) -> int:
    """The first instant, in the sample that ends at `late`, with another offset than `before`."""
    early = late - _SAMPLE
    while late - early > 1:
        middle = (early + late) // 2
        if _offset(zone, middle) == before:
            early = middle
        else:
            late = middle
    return late
