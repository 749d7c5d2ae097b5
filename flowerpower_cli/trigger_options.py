"""Options that say when a schedule fires."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flowerpower_cli.option_values import iso_time
from flowerpower_cli.options import OptionGroup, Strings, option

Timezone = Annotated[
    str | None,
    option(
        "ZONE",
        "A time zone such as Europe/Berlin; by default the project's, or of a new project the "
        "machine's.",
    ),
]
Start = Annotated[
    datetime | None,
    option(
        "TIME",
        "No fire before this ISO 8601 time; --every and --interval count from it. By default now.",
        iso_time,
    ),
]


class TriggerOptions(OptionGroup):
    """When a schedule fires: exactly one of the first four."""

    cron: Annotated[
        str | None, option("EXPRESSION", "Cron: five fields, or @daily and similar words.")
    ] = None
    every: Annotated[
        str | None,
        option("STEP", "Days, weeks, months or years of the calendar from --start on: 2 weeks."),
    ] = None
    interval: Annotated[
        str | None, option("DURATION", "Elapsed time between fires: 90s, 1h30m.")
    ] = None
    date: Annotated[str | None, option("TIME", "Fire once, at this ISO 8601 time.")] = None
    timezone: Timezone = None
    except_: Annotated[
        Strings, option("DATE[,DATE]", "No fire on these dates. Repeatable.", names="--except")
    ] = None

    @property
    def kinds(self) -> int:
        """How many of --cron, --every, --interval and --date are there."""
        kinds = (self.cron, self.every, self.interval, self.date)
        return sum(value is not None for value in kinds)
