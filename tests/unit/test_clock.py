"""Durations, times and zones as text."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from flowerpower.errors import InvalidDuration, InvalidTime, InvalidTimezone
from flowerpower.triggers import clock


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86400), ("1w", 604800), ("1h30m", 5400),
        ("1h 30m", 5400), ("2 hours", 7200), ("1 hour 1 min", 3660), ("250ms", 0.25), ("0", 0),
        ("7", 7), (7, 7), (0.5, 0.5), ("1.5h", 5400), ("PT1H30M", 5400), ("P1DT1S", 86401),
        ("P1W", 604800), ("PT0.5S", 0.5), (" 5M ", 300),
    ],
)  # fmt: skip
def test_durations_are_read(text: str | float, seconds: float) -> None:
    """Seconds, unit forms and ISO 8601 durations mean seconds."""
    assert clock.parse_duration(text) == seconds


@pytest.mark.fault("hostile-dates")
@pytest.mark.parametrize(
    "text",
    ["", " ", "P", "PT", "P1", "soon", "-1", "1h1h", "1x", "h", "1_0", "٥", "1e3", "PT1H1H",
     "1h30", "1mss", -1, True, float("nan"), float("inf"), 10**400, "9" * 200, "101 years", None, [], b"1s"],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text: object) -> None:
    """Anything else is an InvalidDuration."""
    with pytest.raises(InvalidDuration):
        clock.parse_duration(text)  # type: ignore[arg-type]


def test_written_durations_are_read_as_the_same() -> None:
    """format_duration gives text that parse_duration takes, within what it rounds."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(2000):
        seconds = dice.choice([dice.uniform(0.001, 1), dice.uniform(1, 60), dice.uniform(60, 1e6)])
        text = clock.format_duration(seconds)
        assert clock.parse_duration(text) == pytest.approx(seconds, rel=0.01, abs=0.6), text
    assert clock.format_duration(5400) == "1h30m"
    assert clock.format_duration(0) == "0s"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-25", datetime(2026, 12, 25)),
        ("2026-12-25T09:00", datetime(2026, 12, 25, 9)),
        ("2026-12-25 09:00:01.5", datetime(2026, 12, 25, 9, 0, 1, 500000)),
        ("2026-12-25T09:00:00Z", datetime(2026, 12, 25, 9, tzinfo=UTC)),
        ("2026-12-25T09:00:00+01:00", datetime(2026, 12, 25, 8, tzinfo=UTC)),
        ("2026-12-25T09:00:00.123456789Z", datetime(2026, 12, 25, 9, 0, 0, 123456, UTC)),
    ],
)
def test_times_are_read(text: str, expected: datetime) -> None:
    """ISO 8601 with an offset is aware, without one naive."""
    parsed = clock.parse_time(text)
    assert parsed == expected
    assert (parsed.tzinfo is None) == (expected.tzinfo is None)


@pytest.mark.fault("hostile-dates")
@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026", "2026-13-01", "2026-02-30", "2026-1-1", "25.12.2026", "2026-12-25T25:00",
     "2026-12-25T09:00:00+99:00", "20261225", "2026-12-25T09", "0000-01-01", "0001-01-01T00:00+01:00",
     "٢٠٢٦-12-25", None, 5],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: object) -> None:
    """Anything else is an InvalidTime."""
    with pytest.raises(InvalidTime):
        clock.parse_time(text)  # type: ignore[arg-type]


@pytest.mark.fault("hostile-zones")
@pytest.mark.parametrize(
    ("name", "words"),
    [("Europe/Berln", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"), ("../x", "no time zone"),
     ("Europe", "no time zone"), ("", "no time zone"), ("a" * 200, "not the name"), ("é", "not the name")],
)  # fmt: skip
def test_an_unknown_zone_suggests_the_nearest(name: str, words: str) -> None:
    """No name makes anything but an InvalidTimezone."""
    if name == "europe/berlin" and name.lower() == clock.timezone("Europe/Berlin").key:
        return
    with pytest.raises(InvalidTimezone, match=words):
        clock.timezone(name)


def test_the_clock_can_be_set() -> None:
    """A test's own source tells the time until it is taken away."""
    clock.set_source(lambda: 0.0)
    try:
        assert clock.now() == datetime(1970, 1, 1, tzinfo=UTC)
    finally:
        clock.set_source(None)
    assert clock.now().year >= 2026
