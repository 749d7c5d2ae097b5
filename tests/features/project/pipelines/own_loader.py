"""A file format that Hamilton does not know, read by a loader of one's own."""

import features.conf_files  # noqa: F401 - it makes load_from.conf
from hamilton.function_modifiers import load_from, source


@load_from.conf(path=source("hours_file"))
def open_hours(hours: dict) -> int:
    """Hours a day that the shop is open."""
    return hours["close"] - hours["open"] - hours["break"]


def weekly_hours(open_hours: int, days: int = 6) -> int:
    """Hours a week."""
    return open_hours * days
