"""What all triggers have in common: a zone, bounds, jitter, and the questions they answer.

A trigger is immutable data. Its fires are *nominal times*: aware datetimes in UTC that depend on
the trigger alone, so any number of schedulers compute the same ones. Jitter is added to a nominal
time by `jittered` and never changes it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self
from zoneinfo import ZoneInfo

from flowerpower.errors import InvalidTime, InvalidTrigger
from flowerpower.text import shortened
from flowerpower.triggers import clock
from flowerpower.triggers.transitions import spans_of_date, to_datetime, to_second
from flowerpower.triggers.wall_times import FIRST_YEAR, LAST_YEAR
from flowerpower.triggers.words import day_and_time, listed

if TYPE_CHECKING:
    from flowerpower.triggers.calendar_times import AnyWallTimes

MAX_JITTER = 86_400.0
"""Seconds."""
MAX_EXCEPTIONS = 1000
"""Dates without fires that a trigger may have."""
EARLIEST = datetime(FIRST_YEAR, 1, 2, tzinfo=UTC)
LATEST = datetime(LAST_YEAR, 12, 30, tzinfo=UTC)
"""No fire lies before EARLIEST or after LATEST."""

_TICK = timedelta(microseconds=1)
_FEW = 3
"""Up to so many exceptions are listed one by one."""


class _InZone(ABC):
    # A dataclass keeps the order in which fields are first declared. Declared here and not in
    # Trigger, `timezone` comes second in each kind: Cron("0 8 * * *", "Europe/Berlin").

    timezone: str
    kind: ClassVar[str]


@dataclass(frozen=True, kw_only=True)
class Trigger(_InZone):
    """The base of cron, every, interval and date.

    Attributes:
        start: no fire is earlier; an interval counts from it. None for no bound.
        end: no fire is later. None for no bound.
        jitter: a fire may be up to so many seconds late.
        kind: the argument of `make_trigger` that it is made of.
        except_: dates without fires: those whose local time in its zone has such a date do not
            exist.
        notes: sentences about wall times that its zone skips or repeats.
    """

    start: datetime | None = None
    end: datetime | None = None
    jitter: float = 0.0
    except_: tuple[date, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        set_field(self, "start", _in_utc("start", self.start))
        set_field(self, "end", _in_utc("end", self.end))
        set_field(self, "jitter", clock.parse_duration(self.jitter))
        set_field(self, "except_", parse_dates(self.except_))
        clock.timezone(self.timezone)
        if self.start and self.end and self.end < self.start:
            raise InvalidTrigger(
                f"The end {clock.format_time(self.end, self.zone)} lies before the start "
                f"{clock.format_time(self.start, self.zone)}."
            )
        if self.jitter > MAX_JITTER:
            raise InvalidTrigger("The jitter is longer than a day.")

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone its wall-clock times are in."""
        return clock.timezone(self.timezone)

    def __getstate__(self) -> dict[str, object]:
        # Its fields alone: what cached properties left in it has no place in a pickle.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def next_after(self, moment: datetime) -> datetime | None:
        """The first fire later than the aware `moment`, in UTC; None when there are no more."""
        if moment > LATEST:
            return None
        # An interval that counts from the call must not begin again behind each exception.
        if self.except_ and (trigger := self.anchored(moment)) is not self:
            return trigger.next_after(moment)
        # In UTC, because adding to a datetime of another zone moves its wall clock.
        fire = self._allowed_after(max(moment, EARLIEST).astimezone(UTC))
        return None if fire is None or (self.end and fire > self.end) else fire

    def fires_after(self, moment: datetime) -> bool:
        """Whether there is any fire later than the aware `moment`, if it is added then."""
        if self.end is not None and self.end <= moment:
            return False
        return self.anchored(moment).next_after(moment) is not None

    def previous(self, moment: datetime, *, inclusive: bool = False) -> datetime | None:
        """The last fire before the aware `moment`, or at it if `inclusive`; computed, not walked.

        The latest missed fire of a scheduler that was away is `previous(now, inclusive=True)`.
        """
        if moment <= EARLIEST:
            return None
        limit = moment.astimezone(UTC) - (timedelta() if inclusive else _TICK)
        fire = self._last(min(limit, self.end or LATEST, LATEST))
        while fire is not None and (span := self._exception_at(fire)):
            fire = self._last(to_datetime(span[0]) - _TICK)
        return fire

    def count(self, after: datetime, until: datetime) -> int:
        """How many fires f have `after < f <= until`, exactly; computed, not walked."""
        first = max(after, EARLIEST).astimezone(UTC)
        last = min(until, self.end or LATEST, LATEST).astimezone(UTC)
        if first >= last:
            return 0
        return self._count(first, last) - sum(number for _, number in self.excepted(first, last))

    def excepted(self, after: datetime, until: datetime) -> Iterator[tuple[date, int]]:
        """The dates of `except_` that take fires f with `after < f <= until` away, and how many."""
        for day in self.except_:
            number = 0
            for first, stop in spans_of_date(self.zone, day):
                begin = max(after, to_datetime(first) - _TICK)
                end = min(until, to_datetime(stop) - _TICK, self.end or LATEST)
                number += self._count(begin, end) if begin < end else 0
            if number:
                yield day, number

    def _allowed_after(self, moment: datetime) -> datetime | None:
        """The first fire later than `moment` that no exception takes away, whatever its end."""
        fire = self._next(moment)
        while fire is not None and (span := self._exception_at(fire)):
            fire = self._next(to_datetime(span[1]) - _TICK)
        return fire

    def _exception_at(self, fire: datetime) -> tuple[int, int] | None:
        """The span of instants around `fire` whose date is excepted; None if it is not."""
        if not self.except_:
            return None
        day = fire.astimezone(self.zone).date()
        if day not in self._exceptions:
            return None
        second = to_second(fire)
        return next(span for span in spans_of_date(self.zone, day) if span[0] <= second < span[1])

    @cached_property
    def _exceptions(self) -> frozenset[date]:
        return frozenset(self.except_)

    def fires(self, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
        """The fires f with `after < f <= until` in order, each computed when it is needed."""
        fire = self.next_after(after)
        while fire is not None and (until is None or fire <= until):
            yield fire
            fire = self.next_after(fire)

    def jittered(self, nominal: datetime, seed: str) -> datetime:
        """When the fire of `nominal` happens: 0 to `jitter` seconds late, evenly spread.

        Never as late as the next nominal time, so that no fire overtakes another. The same for the
        same seed (a schedule's id) and nominal time, on every machine.
        """
        if not self.jitter:
            return nominal
        following = self.next_after(nominal)
        gap = self.jitter if following is None else (following - nominal).total_seconds()
        from hashlib import blake2b

        key = f"{seed} {clock.format_time(nominal)}".encode()
        share = int.from_bytes(blake2b(key, digest_size=8).digest(), "big") / 2**64
        return nominal + timedelta(seconds=share * min(self.jitter, gap))

    def anchored(self, moment: datetime) -> Self:  # noqa: ARG002 - only intervals use it
        """Itself; an interval without a start: one that starts at `moment`, to the second."""
        return self

    @property
    def wall_times(self) -> AnyWallTimes | None:
        """The wall times it fires at; None if it does not follow the wall clock."""
        return None

    @property
    def follows_local_time(self) -> bool:
        """Whether people expect its fires at the same local time every day, week or month."""
        return self.wall_times is not None

    def to_json(self) -> dict[str, object]:
        """Plain JSON that `trigger_from_json` reads, with the keywords of `make_trigger`."""
        body: dict[str, object] = {**self._own_json(), "timezone": self.timezone}
        for key, bound in (("start", self.start), ("end", self.end)):
            if bound is not None:
                body[key] = clock.format_time(bound)
        if self.jitter:
            body["jitter"] = plain_number(self.jitter)
        if self.except_:
            body["except"] = [day.isoformat() for day in self.except_]
        return body

    def in_words(self) -> str:
        """Such as "at 08:00, Monday to Friday, Europe/Berlin, up to 5m late"."""
        parts = [self._own_words(), self.timezone]
        for word, bound in (("from", self.start), ("until", self.end)):
            if bound is not None:
                parts.append(f"{word} {day_and_time(bound.astimezone(self.zone))}")
        if self.jitter:
            parts.append(f"up to {clock.format_duration(self.jitter)} late")
        if self.except_:
            few = len(self.except_) <= _FEW
            days = listed([day.isoformat() for day in self.except_])
            parts.append(f"except {days if few else f'on {len(self.except_)} dates'}")
        return ", ".join(parts)

    @abstractmethod
    def _own_words(self) -> str: ...

    @abstractmethod
    def _own_json(self) -> dict[str, object]: ...

    @abstractmethod
    def _next(self, moment: datetime) -> datetime | None: ...

    @abstractmethod
    def _last(self, limit: datetime) -> datetime | None: ...

    @abstractmethod
    def _count(self, after: datetime, until: datetime) -> int: ...


def _in_utc(name: str, bound: object) -> datetime | None:
    if bound is None:
        return None
    if not isinstance(bound, datetime) or bound.tzinfo is None:
        raise InvalidTrigger(
            f"The {name} of a trigger is an aware datetime; this is {bound!r:.60}."
        )
    return bound.astimezone(UTC)


def parse_dates(values: object) -> tuple[date, ...]:
    """Dates, each a date or text such as `2026-12-24`, sorted and without repeats.

    Raises:
        InvalidTime: naming the first that is none.
        InvalidTrigger: if they are no list, or more than MAX_EXCEPTIONS.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidTrigger(f"Expected a list of dates, got {shortened(repr(values))}.")
    days = set()
    for value in values:
        is_day = isinstance(value, date) and not isinstance(value, datetime)
        try:
            if not is_day and (not isinstance(value, str) or len(value.strip()) != 10):
                raise ValueError
            days.add(value if is_day else date.fromisoformat(value.strip()))
        except ValueError:
            raise InvalidTime(
                f"{shortened(repr(value))} is not a date: expected one such as 2026-12-24."
            ) from None
    if len(days) > MAX_EXCEPTIONS:
        raise InvalidTrigger(f"Expected at most {MAX_EXCEPTIONS} dates, got {len(days)}.")
    return tuple(sorted(days))


def plain_number(number: float) -> float | int:
    """The number, as an int if it has no fraction."""
    return int(number) if number.is_integer() else number


def set_field(trigger: Trigger, name: str, value: object) -> None:
    """Set a field of a frozen trigger to its checked form; for `__post_init__` alone."""
    object.__setattr__(trigger, name, value)
