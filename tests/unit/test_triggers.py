import json
import pickle
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowerpower.errors import InvalidDuration, InvalidTime, InvalidTimezone, InvalidTrigger
from flowerpower.triggers.base import LATEST, Trigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.date import Date
from flowerpower.triggers.interval import Interval
from flowerpower.triggers.make import make_trigger, trigger_from_json
from tests.conditions import slowed

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENTS = st.datetimes(
    datetime(1990, 1, 1),
    datetime(2060, 1, 1),
    timezones=st.just(UTC),
)


def _interval(seconds: object, **bounds: object) -> Interval:
    return Interval(seconds, "UTC", **bounds)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("length", "seconds"),
    [("90s", 90), ("1h30m", 5400), ("1d", 86400), (60, 60), ("1.5", 1.5), ("PT1H30M", 5400)],
)
def test_interval_lengths(length: str | float, seconds: float) -> None:
    """An interval is given as text, as ISO 8601 or in seconds."""
    trigger = make_trigger(interval=length, timezone="UTC")
    assert trigger == _interval(seconds)
    assert trigger == _interval(length)


@pytest.mark.parametrize("length", [0, 0.5, "999ms", "0s"])
def test_interval_too_short(length: object) -> None:
    """An interval under a second is refused."""
    with pytest.raises(InvalidTrigger, match="at least 1 second"):
        _interval(length)


@pytest.mark.parametrize("length", ["1y", "", "-1h", -5, "101000d", float("nan"), True, b"1h"])
def test_interval_not_a_duration(length: object) -> None:
    """What is no duration is an InvalidDuration."""
    with pytest.raises(InvalidDuration):
        make_trigger(interval=length, timezone="UTC")  # type: ignore[arg-type]


def test_interval_counts_from_its_start() -> None:
    """The first fire of an interval is one interval after its start, the next one more."""
    trigger = _interval("1h", start=START)
    assert trigger.next_after(START - timedelta(days=9)) == START + HOUR
    assert trigger.next_after(START) == START + HOUR
    assert trigger.next_after(START + HOUR) == START + 2 * HOUR
    assert trigger.next_after(START + HOUR - timedelta(microseconds=1)) == START + HOUR
    assert trigger.previous(START + HOUR) is None
    assert trigger.previous(START + HOUR, inclusive=True) == START + HOUR


def test_interval_without_start() -> None:
    """An interval without a start counts from the moment of the call, until it is anchored."""
    trigger = _interval("1h")
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
    trigger = _interval(1, start=START)
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
    trigger = _interval(seconds, start=start)
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
        (_interval("1h", start=START, end=START + 3 * HOUR), 1, 3, 3),
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
    trigger = _interval("1h", jitter=60)
    in_new_york = START.astimezone(ZoneInfo("America/New_York"))
    expected = START + timedelta(seconds=40, microseconds=666_588)
    assert trigger.jittered(START, "report-1") == expected
    assert trigger.jittered(in_new_york, "report-1") == expected


TRIGGERS = [
    Cron("0 8 * * 1-5", "Europe/Berlin"),
    Cron("@hourly", "UTC", start=START, end=START + 9 * HOUR, jitter=2.5),
    _interval(90),
    Interval(1.5, "Asia/Kathmandu", start=START, jitter=1),
    Date("2026-12-25T09:00:00", "Europe/Berlin"),
    Date("2026-12-25T09:00:00+01:00", "Europe/Berlin", end=START + timedelta(days=400)),
]


@pytest.mark.parametrize("trigger", TRIGGERS, ids=repr)
def test_json_round_trip(trigger: Trigger) -> None:
    """A trigger comes back from its JSON equal, with equal hash, and so does its pickle."""
    body = json.loads(json.dumps(trigger.to_json()))
    back = trigger_from_json(body)
    assert back == trigger
    assert hash(back) == hash(trigger)
    assert back.to_json() == body
    assert make_trigger(**body) == trigger
    assert pickle.loads(pickle.dumps(trigger)) == trigger
    assert back.next_after(START) == trigger.next_after(START)


def test_json_is_this() -> None:
    """The stored form is these keys and no others."""
    assert TRIGGERS[0].to_json() == {"cron": "0 8 * * 1-5", "timezone": "Europe/Berlin"}
    assert TRIGGERS[1].to_json() == {
        "cron": "@hourly",
        "timezone": "UTC",
        "start": "2026-01-01T00:00:00+00:00",
        "end": "2026-01-01T09:00:00+00:00",
        "jitter": 2.5,
    }
    assert TRIGGERS[2].to_json() == {"interval": 90, "timezone": "UTC"}
    assert TRIGGERS[4].to_json() == {"date": "2026-12-25T09:00:00", "timezone": "Europe/Berlin"}


def test_triggers_differ() -> None:
    """Triggers of different kind, value, zone or bounds are different."""
    others = [
        *TRIGGERS,
        Cron("0 9 * * 1-5", "Europe/Berlin"),
        Cron("0 8 * * 1-5", "Europe/Paris"),
        Cron("0 8 * * 1-5", "Europe/Berlin", start=START),
    ]
    assert len(set(others)) == len(others)


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (None, InvalidTrigger, "is a mapping; this is NoneType"),
        ([], InvalidTrigger, "is a mapping; this is list"),
        ({}, InvalidTrigger, "names its timezone"),
        ({"timezone": "UTC"}, InvalidTrigger, "exactly one of .* got none"),
        ({"cron": "@daily"}, InvalidTrigger, "names its timezone"),
        ({"cron": "@daily", "zone": "UTC"}, InvalidTrigger, "has no 'zone'"),
        ({"cron": "@daily", "timezon": "UTC"}, InvalidTrigger, "Did you mean 'timezone'"),
        ({"cron": "@daily", 5: 5, "timezone": "UTC"}, InvalidTrigger, "has no 5"),
        ({"cron": 7, "timezone": "UTC"}, InvalidTrigger, "this is int"),
        ({"cron": "@daily", "timezone": 7}, InvalidTimezone, "7 is not the name"),
        ({"cron": "@daily", "timezone": []}, InvalidTimezone, r"\[\] is not the name"),
        ({"cron": "@daily", "timezone": "Europe/Berln"}, InvalidTimezone, "Europe/Berlin"),
        ({"cron": "@daily", "timezone": "UTC", "start": 5}, InvalidTime, "5 is not a time"),
        ({"cron": "@daily", "timezone": "UTC", "jitter": "x"}, InvalidDuration, "'x' is not"),
        ({"interval": {}, "timezone": "UTC"}, InvalidDuration, "is not a duration"),
    ],
)
def test_damaged_json(body: object, error: type[Exception], message: str) -> None:
    """A damaged record raises the documented error and says what is wrong."""
    with pytest.raises(error, match=message):
        trigger_from_json(body)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({}, "exactly one of cron, every, interval and date; got none"),
        ({"cron": "@daily", "interval": 5}, "got cron and interval"),
        (
            {"cron": "@daily", "interval": 5, "date": "2026-01-01"},
            "got cron and interval and date",
        ),
    ],
)
def test_exactly_one(keywords: dict[str, object], message: str) -> None:
    """A trigger is made of exactly one of cron, every, interval and date."""
    with pytest.raises(InvalidTrigger, match=message):
        make_trigger(timezone="UTC", **keywords)  # type: ignore[arg-type]


def test_all_that_is_wrong_with_a_trigger_is_said_at_once() -> None:
    """Each wrong part has its own sentence; a single one keeps its own error."""
    with pytest.raises(InvalidTrigger, match="3 faults") as caught:
        make_trigger(cron="61 * * * *", timezone="Europe/Berln", end="never")
    assert [detail.partition(":")[0] for detail in caught.value.details] == [
        "cron", "timezone", "end",
    ]  # fmt: skip
    assert "Did you mean 'Europe/Berlin'?" in caught.value.details[1]
    with pytest.raises(InvalidTimezone, match="Did you mean 'Europe/Berlin'"):
        make_trigger(cron="6 * * * *", timezone="Europe/Berln")


def test_the_machines_zone_is_the_default() -> None:
    """Without a zone a trigger is in that of the machine."""
    from flowerpower.triggers.clock import local_timezone_name

    assert make_trigger(cron="@daily").timezone == local_timezone_name()


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
        (_interval("90s"), "every 1m30s, UTC"),
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
    assert _interval("36500d").next_after(datetime(9990, 1, 1, tzinfo=UTC)) is None


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
