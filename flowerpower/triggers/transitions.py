"""The transitions of time zones (clocks go forward or back), and what a wall time means in one.

Instants are whole seconds since 1970 in UTC; a local second is an instant plus its offset.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

CORRECTION = 3 * 3600
"""Seconds; a transition as large corrects the clock (Apia, 2011) and is not daylight saving."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
# Transitions are found by sampling offsets, because zoneinfo does not list them. Since 1900 no zone
# has had two within three days (Debian 2025b: 3.99 days at least), so no sample hides one.
_SAMPLE = 3 * 86_400
_WEEK = 7 * 86_400
_YEAR = 31_556_952
# Nearer to the ends of the calendar no zone has transitions, and datetime would overflow.
_FIRST_YEAR, _LAST_YEAR = -170, 8_028


class Transition(NamedTuple):
    """At the instant `at` the offset from UTC goes from `before` to `after`, all in seconds."""

    at: int
    before: int
    after: int

    @property
    def is_correction(self) -> bool:
        """Whether it is so large that no fire is caught up or left out because of it."""
        return abs(self.after - self.before) >= CORRECTION

    @property
    def skips(self) -> bool:
        """Whether wall times are skipped; otherwise some are repeated."""
        return self.after > self.before

    @property
    def first_local(self) -> int:
        """The first local second that is skipped or repeated."""
        return self.at + min(self.before, self.after)

    @property
    def stop_local(self) -> int:
        """The first local second after those that are skipped or repeated."""
        return self.at + max(self.before, self.after)

    @property
    def minutes(self) -> tuple[int, int]:
        """The wall times that are skipped or repeated, in minutes: the first, and where they stop.

        Rounded up: a wall time is the start of a minute.
        """
        return -(-self.first_local // 60), -(-self.stop_local // 60)


class _Year(NamedTuple):
    """A mean Gregorian year: all have the same length, so a division gives its number."""

    first_offset: int
    transitions: tuple[Transition, ...]


def to_second(moment: datetime) -> int:
    """The whole second an aware `moment` lies in."""
    since = moment - _EPOCH
    return since.days * 86_400 + since.seconds


def to_datetime(second: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + timedelta(seconds=second)


def to_wall_time(local: int) -> datetime:
    """The naive wall-clock datetime of a local second."""
    return _NAIVE_EPOCH + timedelta(seconds=local)


def offset_at(zone: ZoneInfo, second: int) -> int:
    """Seconds that clocks in `zone` are ahead of UTC at an instant."""
    return offset_and_last_transition(zone, second)[0]


def last_transition(zone: ZoneInfo, second: int) -> Transition | None:
    """The last transition at or before an instant; None if it is over a week to a year ago."""
    return offset_and_last_transition(zone, second)[1]


def offset_and_last_transition(zone: ZoneInfo, second: int) -> tuple[int, Transition | None]:
    """Both `offset_at` and `last_transition`, from one search."""
    offset, transitions = _year(zone, second // _YEAR)
    last = None
    for transition in transitions:
        if transition.at > second:
            break
        last, offset = transition, transition.after
    return offset, last


def next_transition(zone: ZoneInfo, after: int, until: int) -> Transition | None:
    """The first transition with `after < at <= until`."""
    if until <= after:
        return None
    for number in range(after // _YEAR, until // _YEAR + 1):
        for transition in _year(zone, number).transitions:
            if transition.at > until:
                return None
            if transition.at > after:
                return transition
    return None


def previous_transition(zone: ZoneInfo, until: int, after: int) -> Transition | None:
    """The last transition with `after < at <= until`."""
    if until <= after:
        return None
    for number in range(until // _YEAR, after // _YEAR - 1, -1):
        for transition in reversed(_year(zone, number).transitions):
            if transition.at <= after:
                return None
            if transition.at <= until:
                return transition
    return None


@lru_cache(maxsize=16_384)
def spans_of_date(zone: ZoneInfo, day: date) -> tuple[tuple[int, int], ...]:
    """The instants at which clocks in `zone` show that date, as spans from first to before stop.

    Mostly one; none for a date that was skipped; more if clocks went back across midnight.
    """
    local = (day.toordinal() - _EPOCH.toordinal()) * 86_400
    # Offsets are shorter than a day, and so are transitions since 1900 but for the date line's.
    position, end = local - 3 * 86_400, local + 4 * 86_400
    offset = offset_at(zone, position)
    spans: list[tuple[int, int]] = []
    while position < end:
        transition = next_transition(zone, position, end)
        stop = transition.at if transition else end
        first, last = max(local - offset, position), min(local + 86_400 - offset, stop)
        if first < last and spans and spans[-1][1] == first:
            spans[-1] = (spans[-1][0], last)
        elif first < last:
            spans.append((first, last))
        position, offset = stop, transition.after if transition else offset
    return tuple(spans)


def instant_of(wall_time: datetime, zone: ZoneInfo) -> tuple[int, str | None]:
    """The instant a naive `wall_time` means in `zone`, and a note if it is skipped or repeated.

    A skipped wall time means the first instant after the gap, a repeated one the first time.
    """
    local = to_second(wall_time.replace(tzinfo=UTC))
    early, late = (
        wall_time.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1)
    )
    first, second = (local - round(offset.total_seconds()) for offset in (early, late))
    if first == second:
        return first, None
    text = wall_time.isoformat(sep=" ")
    if first < second:
        return first, f"{text} exists twice in {zone.key}: the first is meant."
    transition = next_transition(zone, second, first)
    at = transition.at if transition else first
    after_gap = to_wall_time(at + offset_at(zone, at)).isoformat(sep=" ")
    return at, f"{text} does not exist in {zone.key}, where clocks skip it: {after_gap} is meant."


def _offset(zone: ZoneInfo, second: int) -> int:
    shift = datetime.fromtimestamp(second, zone).utcoffset() or timedelta()
    return shift.days * 86_400 + shift.seconds


@lru_cache(maxsize=16_384)
def _year(zone: ZoneInfo, number: int) -> _Year:
    """The transitions of a mean year, counted from 1970, and of the week before it.

    With the week, what happened shortly before an instant is found in its own year.
    """
    if not _FIRST_YEAR <= number <= _LAST_YEAR:
        return _Year(0, ())
    begin, end = number * _YEAR - _WEEK, (number + 1) * _YEAR
    first_offset = before = _offset(zone, begin)
    transitions: list[Transition] = []
    for sample in range(begin + _SAMPLE, end + _SAMPLE, _SAMPLE):
        late = min(sample, end - 1)
        after = _offset(zone, late)
        if after != before:
            transitions.append(
                Transition(_instant_of_transition(zone, late, before), before, after)
            )
            before = after
    return _Year(first_offset, tuple(transitions))


def _instant_of_transition(zone: ZoneInfo, late: int, before: int) -> int:
    """The first instant, in the sample that ends at `late`, with another offset than `before`."""
    early = late - _SAMPLE
    while late - early > 1:
        middle = (early + late) // 2
        if _offset(zone, middle) == before:
            early = middle
        else:
            late = middle
    return late
