import json
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowerpower.errors import InvalidDuration, InvalidTime, InvalidTrigger
from flowerpower.triggers.base import LATEST, Trigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.date import Date
from flowerpower.triggers.interval import Interval
from flowerpower.triggers.make import make_trigger, trigger_from_json
from tests.conditions import slowed
from tests.unit.triggers import HOUR, START, TRIGGERS, interval

MOMENTS = st.datetimes(
    datetime(1990, 1, 1),
    datetime(2060, 1, 1),
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("length", "seconds"),
    [("90s", 90), ("1h30m", 5400), ("1d", 86400), (60, 60), ("1.5", 1.5), ("PT1H30M", 5400)],
)
def test_interval_lengths(length: str | float, seconds: float) -> None:
    """An interval is given as text, as ISO 8601 or in seconds."""
    trigger = make_trigger(interval=length, timezone="UTC")
    assert trigger == interval(seconds)
    assert trigger == interval(length)


@pytest.mark.parametrize("length", [0, 0.5, "999ms", "0s"])
def test_interval_too_short(length: object) -> None:
    """An interval under a second is refused."""
    with pytest.raises(InvalidTrigger, match="at least 1 second"):
        interval(length)


@pytest.mark.parametrize("length", ["1y", "", "-1h", -5, "101000d", float("nan"), True, b"1h"])
def test_interval_not_a_duration(length: object) -> None:
    """What is no duration is an InvalidDuration."""
    with pytest.raises(InvalidDuration):
        make_trigger(interval=length, timezone="UTC")  # type: ignore[arg-type]


def test_interval_counts_from_its_start() -> None:
    """The first fire of an interval is one interval after its start, the next one more."""
    trigger = interval("1h", start=START)
    assert trigger.next_after(START - timedelta(days=9)) == START + HOUR
    assert trigger.next_after(START) == START + HOUR
    assert trigger.next_after(START + HOUR) == START + 2 * HOUR
    assert trigger.next_after(START + HOUR - timedelta(microseconds=1)) == START + HOUR
    assert trigger.previous(START + HOUR) is None
    assert trigger.previous(START + HOUR, inclusive=True) == START + HOUR


def test_interval_without_start() -> None:
    """An interval without a start counts from the moment of the call, until it is anchored."""
    trigger = interval("1h")
    moment = START.replace(minute=7, second=5, microsecond=9)
    assert trigger.next_after(moment) == moment + HOUR
    assert trigger.previous(moment) is None
    assert trigger.count(moment, moment + 3 * HOUR) == 3
    assert list(trigger.fires(START, START + 2 * HOUR)) == [START + HOUR, START + 2 * HOUR]
    anchored = trigger.anchored(moment)
    assert anchored.start == moment.replace(microsecond=0)
    assert anchored.anchored(START) is anchored
    assert Cron("@daily").anchored(START) == Cron("@daily")


def test_interval_counts_real_time() -> None:
    """An interval of a day fires every 24 hours, whatever clocks do, from any zone."""
    berlin = ZoneInfo("Europe/Berlin")
    noon = datetime(2026, 3, 28, 12, tzinfo=berlin)
    for trigger in (Interval(86400, "Europe/Berlin"), Interval(86400, "UTC", start=noon)):
        fire = trigger.next_after(noon)
        assert fire == noon.astimezone(UTC) + timedelta(days=1)
        assert fire.astimezone(berlin).hour == 13
        assert fire.tzinfo is UTC


def test_interval_after_a_million_missed_fires() -> None:
    """After 10^6 missed fires the latest, their number and the next take no longer than one."""
    trigger = interval(1, start=START)
    now = START + timedelta(seconds=1_000_000, microseconds=500)
    begin = time.perf_counter()
    assert trigger.previous(now, inclusive=True) == START + timedelta(seconds=1_000_000)
    assert trigger.count(START, now) == 1_000_000
    assert trigger.next_after(now) == START + timedelta(seconds=1_000_001)
    assert time.perf_counter() - begin < slowed(0.05)


def test_cron_after_a_million_missed_fires() -> None:
    """A minutely cron down for two years counts its missed fires without walking them."""
    trigger = Cron("* * * * *", "Europe/Berlin")
    later = START + timedelta(minutes=1_000_000, seconds=30)
    trigger.count(START, later)
    begin = time.perf_counter()
    assert trigger.count(START, later) == 1_000_000
    assert trigger.previous(later, inclusive=True) == later - timedelta(seconds=30)
    assert time.perf_counter() - begin < slowed(0.05)


@given(MOMENTS, st.integers(1, 10**5), st.integers(0, 10**6), st.integers(0, 999_999))
def test_interval_arithmetic(start: datetime, seconds: int, steps: int, micro: int) -> None:
    """Next, previous and count of an interval agree with multiplication."""
    trigger = interval(seconds, start=start)
    start = trigger.start or start
    fire = start + timedelta(seconds=seconds * (steps + 1))
    moment = fire - timedelta(microseconds=micro or 1)
    assert trigger.next_after(moment) == fire
    assert trigger.previous(fire, inclusive=True) == fire
    assert trigger.previous(fire) == (fire - timedelta(seconds=seconds) if steps else None)
    assert trigger.count(start, fire) == steps + 1
    assert trigger.count(moment, fire) == 1


@given(MOMENTS, MOMENTS, st.sampled_from(["30 2 * * *", "*/15 * * * *", "0 8 * * 1-5", "@monthly"]))
def test_cron_previous_is_the_converse_of_next(
    first: datetime, second: datetime, expression: str
) -> None:
    """No fire lies between a moment and the one after it, and counts add up."""
    trigger = Cron(expression, "America/New_York")
    fire = trigger.next_after(first)
    assert fire is not None
    assert fire > first
    assert (trigger.previous(fire) or first) <= first
    assert trigger.previous(fire + timedelta(microseconds=1)) == fire
    assert trigger.count(first, fire) == 1
    begin, end = sorted([first, second])
    middle = begin + (end - begin) / 2
    assert trigger.count(begin, end) == trigger.count(begin, middle) + trigger.count(middle, end)


def test_date_fires_once() -> None:
    """A date fires at its moment and never again."""
    trigger = make_trigger(date="2026-12-25T09:00:00", timezone="Europe/Berlin")
    moment = datetime(2026, 12, 25, 8, tzinfo=UTC)
    assert isinstance(trigger, Date)
    assert trigger.moment == moment
    assert list(trigger.fires(START)) == [moment]
    assert trigger.next_after(moment) is None
    assert trigger.previous(moment) is None
    assert trigger.previous(moment, inclusive=True) == moment
    assert trigger.count(START, moment) == 1
    assert trigger.count(moment, moment + HOUR) == 0
    assert trigger.notes == ()


@pytest.mark.parametrize(
    ("wall_time", "moment"),
    [
        ("2026-12-25T09:00:00+05:00", "2026-12-25T04:00"),
        ("2026-12-25T09:00:00Z", "2026-12-25T09:00"),
        ("2026-12-25 09:00", "2026-12-25T08:00"),
        ("2026-12-25", "2026-12-24T23:00"),
        (date(2026, 12, 25), "2026-12-24T23:00"),
        (datetime(2026, 12, 25, 9), "2026-12-25T08:00"),
        (datetime(2026, 12, 25, 9, tzinfo=timezone(5 * HOUR)), "2026-12-25T04:00"),
    ],
)
def test_dates_of_text_and_of_yaml(wall_time: str | date | datetime, moment: str) -> None:
    """A time without an offset is in the trigger's zone, and may be what YAML makes of it."""
    trigger = make_trigger(date=wall_time, timezone="Europe/Berlin")
    assert trigger.next_after(START) == datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert trigger_from_json(json.loads(json.dumps(trigger.to_json()))) == trigger


@pytest.mark.parametrize(
    ("wall_time", "zone", "moment", "note"),
    [
        (
            "2026-03-29T02:30",
            "Europe/Berlin",
            "2026-03-29T01:00",
            "2026-03-29 02:30:00 does not exist in Europe/Berlin, where clocks skip it: "
            "2026-03-29 03:00:00 is meant.",
        ),
        (
            "2011-12-30T12:00",
            "Pacific/Apia",
            "2011-12-30T10:00",
            "2011-12-30 12:00:00 does not exist in Pacific/Apia, where clocks skip it: "
            "2011-12-31 00:00:00 is meant.",
        ),
        (
            "2026-10-25T02:30",
            "Europe/Berlin",
            "2026-10-25T00:30",
            "2026-10-25 02:30:00 exists twice in Europe/Berlin: the first is meant.",
        ),
    ],
)
def test_skipped_and_repeated_wall_times(wall_time: str, zone: str, moment: str, note: str) -> None:
    """A skipped wall time means the first instant after the gap, a repeated one the first, with a note."""
    expected = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    once = make_trigger(date=wall_time, timezone=zone)
    assert once.next_after(datetime(2000, 1, 1, tzinfo=UTC)) == expected
    assert once.notes == (note,)
    assert trigger_from_json(once.to_json()).notes == (note,)
    bounded = make_trigger(cron="@hourly", start=wall_time, timezone=zone)
    assert bounded.start == expected
    assert bounded.notes == (f"The start {note}",)


@pytest.mark.fault("hostile-dates")
@pytest.mark.parametrize(
    "wall_time", ["", "tomorrow", "2026-02-30", "2026-13-01", 5, True, "0001-01-01"]
)
def test_date_not_a_time(wall_time: object) -> None:
    """What is no time, or lies outside the years 1900 to 9998, is an InvalidTime."""
    with pytest.raises(InvalidTime):
        make_trigger(date=wall_time, timezone="UTC")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trigger", "first", "last", "number"),
    [
        (Cron("0 * * * *", start=START, end=START + 3 * HOUR), 0, 3, 4),
        (Cron("0 * * * *", start=START + HOUR / 2, end=START + 3.5 * HOUR), 1, 3, 3),
        (interval("1h", start=START, end=START + 3 * HOUR), 1, 3, 3),
        (Date("2026-01-01T02:00Z", start=START, end=START + 3 * HOUR), 2, 2, 1),
    ],
)
def test_bounds(trigger: Trigger, first: int, last: int, number: int) -> None:
    """No fire is before the start or after the end; a fire may be at either."""
    long_before, long_after = START - 1000 * HOUR, START + 1000 * HOUR
    fires = list(trigger.fires(long_before))
    assert [fires[0], fires[-1]] == [START + first * HOUR, START + last * HOUR]
    assert len(fires) == number == trigger.count(long_before, long_after)
    assert trigger.previous(long_after) == fires[-1]
    assert trigger.previous(fires[0]) is None
    assert trigger.next_after(fires[-1]) is None


@pytest.mark.parametrize(
    "keywords",
    [
        {"cron": "@daily", "start": "2026-01-02", "end": "2026-01-01"},
        {"interval": "1h", "start": "2026-01-02", "end": "2026-01-01"},
        {"date": "2026-01-03", "end": "2026-01-02"},
        {"date": "2026-01-03", "start": "2026-01-04"},
        {"interval": "1m", "jitter": "1m"},
        {"cron": "@daily", "jitter": "2d"},
    ],
)
def test_bounds_that_contradict(keywords: dict[str, str]) -> None:
    """Bounds that leave no fire, and too much jitter, are refused."""
    with pytest.raises(InvalidTrigger):
        make_trigger(timezone="UTC", **keywords)  # type: ignore[arg-type]


def test_naive_bounds_are_refused() -> None:
    """A trigger made by hand wants aware bounds."""
    with pytest.raises(InvalidTrigger, match="aware datetime"):
        Cron("@daily", start=datetime(2026, 1, 1))
    with pytest.raises(InvalidTrigger, match="aware datetime"):
        Cron("@daily", end="2026-01-01")  # type: ignore[arg-type]


def test_jitter() -> None:
    """Jitter is the same for a seed and a time, spreads evenly, and never moves nominal times."""
    trigger = Cron("* * * * *", jitter=30)
    fires = list(islice(trigger.fires(START), 1000))
    assert fires == list(islice(Cron("* * * * *").fires(START), 1000))
    late = [(trigger.jittered(fire, "report-1") - fire).total_seconds() for fire in fires]
    again = [(trigger.jittered(fire, "report-1") - fire).total_seconds() for fire in fires]
    other = [(trigger.jittered(fire, "report-2") - fire).total_seconds() for fire in fires]
    assert late == again
    assert late != other
    assert 0 <= min(late) < 1
    assert 29 < max(late) < 30
    assert 14 < sum(late) / len(late) < 16
    assert Cron("* * * * *").jittered(START, "report-1") == START


def test_jitter_is_the_same_on_every_machine() -> None:
    """The jitter of a known seed and time is a known one, whatever process computes it."""
    trigger = interval("1h", jitter=60)
    in_new_york = START.astimezone(ZoneInfo("America/New_York"))
    expected = START + timedelta(seconds=40, microseconds=666_588)
    assert trigger.jittered(START, "report-1") == expected
    assert trigger.jittered(in_new_york, "report-1") == expected


def test_the_machines_zone_is_the_default() -> None:
    """Without a zone a trigger is in that of the machine."""
    from flowerpower.triggers.clock import local_timezone_name

    assert make_trigger(cron="@daily").timezone == local_timezone_name()


@pytest.mark.parametrize("trigger", TRIGGERS, ids=repr)
def test_the_ends_of_time(trigger: Trigger) -> None:
    """Moments at the ends of the calendar are answered, not failed on."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert trigger.next_after(last) is None
    assert trigger.previous(first) is None
    assert (trigger.next_after(first) is None) is False
    assert trigger.previous(last) is None or trigger.previous(last) <= LATEST
    assert trigger.count(first, first) == trigger.count(last, first) == 0
    assert trigger.count(last - HOUR, last) == 0
    assert interval("36500d").next_after(datetime(9990, 1, 1, tzinfo=UTC)) is None


def test_a_naive_moment_is_a_mistake() -> None:
    """A moment without an offset is a TypeError: it would be a different one on each machine."""
    naive = datetime(2026, 1, 1)
    for trigger in TRIGGERS:
        for ask in (trigger.next_after, trigger.previous):
            with pytest.raises(TypeError):
                ask(naive)


def test_imports_are_light() -> None:
    """Importing the triggers loads no cron library, nor anything else that is slow to load."""
    code = (
        "import sys, flowerpower.triggers.make, flowerpower.triggers.preview;"
        "print(sorted({'croniter', 'cron_descriptor', 'apscheduler', 'pydantic', 'hamilton'}"
        " & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"
