"""Triggers in words."""

import pytest

from flowerpower.triggers.base import Trigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.date import Date
from flowerpower.triggers.interval import Interval
from tests.unit.triggers import START, interval

WORDS = [
    ("* * * * *", "every minute"),
    ("*/5 * * * *", "every 5 minutes"),
    ("*/7 * * * *", "every hour at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56"),
    ("0 * * * *", "every hour, on the hour"),
    ("@hourly", "every hour, on the hour"),
    ("5 * * * *", "every hour, at minute 5"),
    ("5,35 * * * *", "every hour at minutes 5 and 35"),
    ("0 */2 * * *", "every 2 hours, on the hour"),
    ("10 */5 * * *", "at 00:10, 05:10, 10:10, 15:10 and 20:10, every day"),
    ("0 8 * * 1-5", "at 08:00, Monday to Friday"),
    ("0 8 * * MON-FRI", "at 08:00, Monday to Friday"),
    ("0 8,20 * * *", "at 08:00 and 20:00, every day"),
    ("5-5 3 * * *", "at 03:05, every day"),
    ("*/15 9-17 * * 1-5", "every 15 minutes of the hours 9 to 17, Monday to Friday"),
    ("* 2 * * *", "every minute of the hour 2"),
    ("1-30 2 * * *", "at minutes 1 to 30 of the hour 2, every day"),
    ("0 0 1 * *", "at 00:00, on day 1 of the month"),
    ("0 0 1,15,L * *", "at 00:00, on days 1 and 15 and the last day of the month"),
    ("0 0 L * *", "at 00:00, on the last day of the month"),
    ("0 0 * * 0", "at 00:00, on Sunday"),
    ("0 0 * * 7", "at 00:00, on Sunday"),
    ("@weekly", "at 00:00, on Sunday"),
    ("0 0 * * SAT-SUN", "at 00:00, on Saturday or Sunday"),
    ("0 0 * * FRI-SUN", "at 00:00, Friday to Sunday"),
    ("0 0 * * 0-7", "at 00:00, every day"),
    ("0 0 * * 5#2", "at 00:00, on the 2nd Friday of the month"),
    ("0 0 * * 1,5L", "at 00:00, on Monday or the last Friday of the month"),
    ("0 0 13 * 5", "at 00:00, on day 13 of the month or on Friday"),
    ("0 0 13 * 1-5", "at 00:00, on day 13 of the month or on Monday to Friday"),
    ("0 0 1 * 5#2", "at 00:00, on day 1 of the month or on the 2nd Friday of the month"),
    ("0 0 */10 * 1", "at 00:00, on days 1, 11, 21 and 31 of the month if that is Monday"),
    ("0 0 1-31 * 1", "at 00:00, every day"),
    ("0 0 1 1 *", "at 00:00, on day 1 of the month, in January"),
    ("0 12 * 1-3,12 *", "at 12:00, every day, in January to March and December"),
]


@pytest.mark.parametrize(("expression", "expected"), WORDS)
def test_cron_in_words(expression: str, expected: str) -> None:
    """A cron expression reads as plain English, with its zone."""
    trigger = Cron(expression, "Europe/Berlin")
    assert trigger.in_words() == f"{expected}, Europe/Berlin"


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        (interval("90s"), "every 1m30s, UTC"),
        (
            Interval(5400, "Europe/Berlin", start=START, jitter=30),
            "every 1h30m, Europe/Berlin, from Thursday 1 January 2026 01:00, up to 30s late",
        ),
        (
            Date("2026-12-25T09:00", "Europe/Berlin"),
            "once, on Friday 25 December 2026 09:00, Europe/Berlin",
        ),
        (
            Cron("@daily", end=START),
            "at 00:00, every day, UTC, until Thursday 1 January 2026 00:00",
        ),
    ],
)
def test_other_triggers_in_words(trigger: Trigger, expected: str) -> None:
    """Intervals, dates, bounds and jitter read as plain English."""
    assert trigger.in_words() == expected
