"""What cron expressions, intervals and dates have in common as triggers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo

from flowerpower.errors import InvalidTimezone, InvalidTrigger
from flowerpower.triggers import clock
from flowerpower.triggers.wall_times import FIRST_YEAR, LAST_YEAR, WallTimes

MAX_JITTER = 86_400.0
"""Seconds."""
EARLIEST = datetime(FIRST_YEAR, 1, 2, tzinfo=UTC)
LATEST = datetime(LAST_YEAR, 12, 30, tzinfo=UTC)
"""No fire lies before EARLIEST or after LATEST."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = EARLIEST - _EPOCH, LATEST - _EPOCH
_TICK = timedelta(microseconds=1)


class _InZone(ABC):
    """Declared apart, so that each kind has `timezone` as its second field."""

    timezone: str


@dataclass(frozen=True, kw_only=True)
class Trigger(_InZone):
    """What the three kinds have in common.

    Attributes:
        start: no fire is earlier; an interval counts from it. None for no bound.
        end: no fire is later. None for no bound.
        jitter: a fire may be up to so many seconds late.
        notes: what was odd about a reading (skipped or repeated by a clock change), in sentences.
    """

    start: datetime | None = None
    end: datetime | None = None
    jitter: float = 0.0
    notes: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        set_once(self, "start", _in_utc("start", self.start))
        set_once(self, "end", _in_utc("end", self.end))
        set_once(self, "jitter", clock.parse_duration(self.jitter))
        zone_called(self.timezone)
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
        return zone_called(self.timezone)

    def __getstate__(self) -> dict[str, object]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def next_after(self, moment: datetime) -> datetime | None:
        """The first fire later than the aware `moment`, in UTC; None when there are no more."""
        since = moment - _EPOCH
        if since > _LATEST:
            return None
        # In UTC: sums within another zone are sums on its wall clock.
        fire = self._next(_EPOCH + max(since, _EARLIEST))
        return None if fire is None or (self.end and fire > self.end) else fire

    def previous(self, moment: datetime, *, inclusive: bool = False) -> datetime | None:
        """The last fire before the aware `moment`, or at it if `inclusive`; computed, not walked.

        The latest missed fire of a scheduler that was away is `previous(now, inclusive=True)`.
        """
        if moment <= EARLIEST:
            return None
        limit = moment.astimezone(UTC) - (timedelta() if inclusive else _TICK)
        return self._last(min(limit, self.end or LATEST, LATEST))

    def count(self, after: datetime, until: datetime) -> int:
        """How many fires f have `after < f <= until`, exactly; computed, not walked."""
        first = max(after, EARLIEST).astimezone(UTC)
        last = min(until, self.end or LATEST, LATEST).astimezone(UTC)
        return self._count(first, last) if first < last else 0

    def fires(self, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
        """The fires f with `after < f <= until` in order, each computed when it is asked for."""
        fire = self.next_after(after)
        while fire is not None and (until is None or fire <= until):
            yield fire
            fire = self.next_after(fire)

    def jittered(self, nominal: datetime, seed: str) -> datetime:
        """When the fire of `nominal` is to happen: 0 to `jitter` seconds late, evenly spread.

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

    def anchored(self, moment: datetime) -> Self:  # noqa: ARG002 - an interval's alone
        """Itself; an interval without a start: one that starts at `moment`, to the second."""
        return self

    @property
    def wall_times(self) -> WallTimes | None:
        """The wall-clock readings it follows, None if it follows none."""
        return None

    def to_json(self) -> dict[str, object]:
        """Plain JSON that `trigger_from_json` reads, and keywords that `make_trigger` takes."""
        body: dict[str, object] = {**self._own_json(), "timezone": self.timezone}
        for key, bound in (("start", self.start), ("end", self.end)):
            if bound is not None:
                body[key] = clock.format_time(bound)
        if self.jitter:
            body["jitter"] = plain_number(self.jitter)
        return body

    @abstractmethod
    def in_words(self) -> str:
        """The trigger in a line of plain English, with its zone, bounds and jitter."""

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


def zone_called(name: object) -> ZoneInfo:
    """The zone of that name; InvalidTimezone whatever else is given."""
    if isinstance(name, str):
        return clock.timezone(name)
    raise InvalidTimezone(f"{name!a:.60} is not the name of a time zone.")


def plain_number(number: float) -> float | int:
    """The number as JSON shows it best: without a fraction if it has none."""
    return int(number) if number.is_integer() else number


def set_once(trigger: Trigger, name: str, value: object) -> None:
    """Let a frozen trigger, while it is made, hold the checked form of a field."""
    object.__setattr__(trigger, name, value)
