"""Triggers that fire once, and the instant that an ISO 8601 time means in a zone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import ClassVar, TypeAlias, cast
from zoneinfo import ZoneInfo

from flowerpower.errors import InvalidTime, InvalidTrigger
from flowerpower.triggers import clock
from flowerpower.triggers.base import EARLIEST, LATEST, Trigger, set_field
from flowerpower.triggers.transitions import instant_of, to_datetime
from flowerpower.triggers.words import day_and_time

IsoTime: TypeAlias = str | date | datetime
"""ISO 8601 text, or a date or time of Python's; without an offset it is a wall time."""


@dataclass(frozen=True)
class Date(Trigger):
    """Fires once, at an ISO 8601 time; one without an offset is a wall time in its time zone.

    A wall time that clocks skip means the first instant after the gap; one they show twice means
    the first. `notes` says so.

    Raises:
        InvalidTime: when `text` is not an ISO 8601 time.
        InvalidTrigger: when it lies outside its own bounds.
    """

    text: str
    timezone: str = "UTC"
    kind: ClassVar[str] = "date"
    moment: datetime = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.except_:
            raise InvalidTrigger("A date fires once: it has no exceptions.")
        moment, notes = parse_moment(self.text, self.zone)
        set_field(self, "text", iso_text(self.text))
        set_field(self, "moment", moment)
        # Without repeats: `dataclasses.replace` passes the notes of the original.
        set_field(self, "notes", tuple(dict.fromkeys((*notes, *self.notes))))
        if (self.start and moment < self.start) or (self.end and moment > self.end):
            raise InvalidTrigger(f"The date {self.text} lies outside its own start and end.")

    def _next(self, moment: datetime) -> datetime | None:
        return self.moment if self.moment > moment else None

    def _last(self, limit: datetime) -> datetime | None:
        return self.moment if self.moment <= limit else None

    def _count(self, after: datetime, until: datetime) -> int:
        return int(after < self.moment <= until)

    def _own_words(self) -> str:
        return f"once, on {day_and_time(self.moment.astimezone(self.zone))}"

    def _own_json(self) -> dict[str, object]:
        return {"date": self.text}


def parse_moment(value: object, zone: ZoneInfo) -> tuple[datetime, tuple[str, ...]]:
    """The moment that an ISO 8601 time means in `zone`, in UTC, and notes about it.

    Raises:
        InvalidTime: when it is not such a time, or lies outside the years that have fires.
    """
    parsed = value if isinstance(value, datetime) else clock.parse_time(iso_text(value))
    note = None
    try:
        if parsed.tzinfo is not None:
            moment = parsed.astimezone(UTC)
        else:
            second, note = instant_of(parsed, zone)
            moment = to_datetime(second)
            if note is None:
                moment = moment.replace(microsecond=parsed.microsecond)
        in_range = EARLIEST <= moment <= LATEST
    except OverflowError:
        in_range = False
    if not in_range:
        raise InvalidTime(f"{iso_text(value)!r} is out of range: expected the years 1900 to 9998.")
    return moment, (note,) if note else ()


def iso_text(value: object) -> str:
    """An ISO 8601 time as text; what is neither text nor a date is left for others to refuse."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return datetime.combine(value, time()).isoformat()
    return value.strip() if isinstance(value, str) else cast(str, value)
