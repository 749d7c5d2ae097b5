"""Triggers that fire at the wall-clock times a cron expression names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from flowerpower.triggers.base import set_field
from flowerpower.triggers.cron_grammar import normalise
from flowerpower.triggers.wall_clock import WallClockTrigger
from flowerpower.triggers.wall_times import WallTimes, wall_times_of
from flowerpower.triggers.words import cron_in_words


@dataclass(frozen=True)
class Cron(WallClockTrigger):
    """Fires at the wall-clock times that a cron expression names in a time zone.

    `start` bounds the fires and may itself be one.

    Raises:
        InvalidTrigger: when the expression breaks the grammar or never fires.
        InvalidTimezone: when there is no such zone.
    """

    expression: str
    timezone: str = "UTC"
    kind: ClassVar[str] = "cron"

    def __post_init__(self) -> None:
        super().__post_init__()
        set_field(self, "expression", normalise(self.expression))
        # Raises here, not at the first fire, if the expression is wrong or never fires.
        wall_times_of(self.expression)

    @cached_property
    def wall_times(self) -> WallTimes:
        """The wall times that the expression names."""
        return wall_times_of(self.expression)

    @property
    def is_wildcard(self) -> bool:
        """Whether minute or hour begins with `*`: repeated wall times fire twice, skipped never."""
        return self.wall_times.is_wildcard

    def _own_words(self) -> str:
        return cron_in_words(self.wall_times.fields)

    def _own_json(self) -> dict[str, object]:
        return {"cron": self.expression}
