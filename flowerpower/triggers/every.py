"""Triggers that fire every so many days, weeks, months or years of the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers import clock
from flowerpower.triggers.base import set_field
from flowerpower.triggers.calendar_times import CalendarTimes, parse_step
from flowerpower.triggers.transitions import instant_of, offset_at, to_datetime, to_second
from flowerpower.triggers.wall_clock import WallClockTrigger


@dataclass(frozen=True)
class Every(WallClockTrigger):
    """Fires at its start, and every so many days, weeks, months or years of the calendar later.

    It keeps the time of day that clocks showed at the start. Fires are counted from the start:
    monthly from 31 January on is on 28 February and on 31 March.

    Raises:
        InvalidTrigger: when `step` is not such as `2 weeks`, or the start is missing or not at a
            whole minute.
        InvalidTimezone: when there is no such zone.
    """

    step: str
    timezone: str = "UTC"
    kind: ClassVar[str] = "every"

    def __post_init__(self) -> None:
        super().__post_init__()
        number, unit = parse_step(self.step)
        set_field(self, "step", f"{number} {unit}{'' if number == 1 else 's'}")
        if self.start is None:
            raise InvalidTrigger(
                f"Every {self.step} needs a start: its first fire, which tells day and time.",
                hint="For example --start 2026-11-30T09:00 (in YAML: start: 2026-11-30T09:00).",
            )
        local = self.start.astimezone(self.zone).replace(tzinfo=None)
        if local.second or local.microsecond:
            raise InvalidTrigger(
                f"Every {self.step} starts at a whole minute; this start is "
                f"{clock.format_time(self.start, self.zone)}."
            )
        # Clocks may show that time twice: the first counts, as for any other of its fires.
        second, note = instant_of(local, self.zone)
        if to_datetime(second) != self.start:
            set_field(self, "start", to_datetime(second))
            set_field(self, "notes", tuple(dict.fromkeys((*self.notes, f"The start {note}"))))

    @cached_property
    def wall_times(self) -> CalendarTimes:
        """The wall times of its fires, from that of its start on."""
        assert self.start is not None
        second = to_second(self.start)
        return CalendarTimes((second + offset_at(self.zone, second)) // 60, *parse_step(self.step))

    def _own_words(self) -> str:
        return self.wall_times.in_words()

    def _own_json(self) -> dict[str, object]:
        return {"every": self.step}
