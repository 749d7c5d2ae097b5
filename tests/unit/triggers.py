"""What tests of triggers share."""

from datetime import UTC, datetime, timedelta

from flowerpower.triggers.cron import Cron
from flowerpower.triggers.date import Date
from flowerpower.triggers.interval import Interval

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def interval(seconds: object, **bounds: object) -> Interval:
    """One in UTC."""
    return Interval(seconds, "UTC", **bounds)  # type: ignore[arg-type]


TRIGGERS = [
    Cron("0 8 * * 1-5", "Europe/Berlin"),
    Cron("@hourly", "UTC", start=START, end=START + 9 * HOUR, jitter=2.5),
    interval(90),
    Interval(1.5, "Asia/Kathmandu", start=START, jitter=1),
    Date("2026-12-25T09:00:00", "Europe/Berlin"),
    Date("2026-12-25T09:00:00+01:00", "Europe/Berlin", end=START + timedelta(days=400)),
]
