"""Steps of the calendar (every), and dates without fires (except)."""

import pickle
import random
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from flowerpower.errors import FlowerpowerError, InvalidTime, InvalidTrigger
from flowerpower.triggers.base import LATEST, MAX_EXCEPTIONS, Trigger
from flowerpower.triggers.make import make_trigger, trigger_from_json
from flowerpower.triggers.preview import (
    exception_sentences,
    next_transition_sentence,
    preview,
    transition_sentences,
)
from flowerpower.triggers.transitions import spans_of_date

ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
    "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia", "America/Asuncion", "Asia/Gaza",
]  # fmt: skip
BERLIN = ZoneInfo("Europe/Berlin")
TICK = timedelta(microseconds=1)


def every(step: str, start: str, zone: str = "Europe/Berlin", **more: object) -> Trigger:
    return make_trigger(every=step, start=start, timezone=zone, **more)  # type: ignore[arg-type]


def local_times(trigger: Trigger, count: int) -> list[str]:
    """The first fires, by the clock of the trigger's zone."""
    assert trigger.start is not None
    fires = islice(trigger.fires(trigger.start - TICK), count)
    return [f"{fire.astimezone(trigger.zone):%Y-%m-%d %H:%M}" for fire in fires]


@pytest.mark.parametrize("zone", ZONES)
def test_every_day_week_and_month_fire_as_cron_does(zone: str) -> None:
    """At the same local time, and at each clock change too, whatever is asked for."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(15):
        begin = datetime(dice.randrange(1975, 2035), dice.randrange(1, 13), dice.randrange(1, 28))
        begin += timedelta(minutes=dice.randrange(1440))
        at = f"{begin.minute} {begin.hour}"
        weekday = begin.isoweekday() % 7
        for step, cron in (
            ("1 day", f"{at} * * *"),
            ("week", f"{at} * * {weekday}"),
            ("1 month", f"{at} {begin.day} * *"),
            ("1 year", f"{at} {begin.day} {begin.month} *"),
        ):
            counted = every(step, begin.isoformat(), zone)
            if counted.notes:
                # Clocks skip or repeat the start itself, which then counts from another time.
                continue
            start = counted.start
            assert start is not None
            named = make_trigger(cron=cron, timezone=zone, start=start)
            for _ in range(6):
                first = start + timedelta(minutes=dice.randrange(-10_000, 2_000_000))
                last = first + timedelta(minutes=dice.randrange(2_000_000))
                assert counted.next_after(first) == named.next_after(first)
                assert counted.previous(last) == named.previous(last)
                assert counted.count(first, last) == named.count(first, last)


@pytest.mark.parametrize(
    ("step", "start", "times"),
    [
        ("2 weeks", "2026-10-12T09:00",
         ["2026-10-12 09:00", "2026-10-26 09:00", "2026-11-09 09:00"]),
        ("10 days", "2026-02-25", ["2026-02-25 00:00", "2026-03-07 00:00", "2026-03-17 00:00"]),
        # Counted from the start: the 31st comes back.
        ("month", "2027-01-31T12:00",
         ["2027-01-31 12:00", "2027-02-28 12:00", "2027-03-31 12:00", "2027-04-30 12:00"]),
        ("3 months", "2026-11-30T08:15", ["2026-11-30 08:15", "2027-02-28 08:15", "2027-05-30 08:15"]),
        ("1 year", "2024-02-29T00:30", ["2024-02-29 00:30", "2025-02-28 00:30", "2026-02-28 00:30",
         "2027-02-28 00:30", "2028-02-29 00:30"]),
        # 02:30 does not exist on 28 March 2027; the rule is that of cron.
        ("1 week", "2027-03-21T02:30", ["2027-03-21 02:30", "2027-03-28 03:00", "2027-04-04 02:30"]),
    ],
)  # fmt: skip
def test_fires_by_the_clock(step: str, start: str, times: list[str]) -> None:
    """The start is the first fire, and each later one has its time of day."""
    assert local_times(every(step, start), len(times)) == times


def test_two_weeks_of_elapsed_time_drift_and_say_so() -> None:
    """An interval of days says that it counts elapsed time, and each clock change what it does."""
    interval = make_trigger(interval="2w", start="2026-10-12T09:00", timezone="Europe/Berlin")
    assert interval.in_words().startswith("every 14d of elapsed time, Europe/Berlin")
    assert interval.start is not None
    rows = preview(interval, interval.start, 2)
    assert [f"{row.local:%d %H:%M}" for row in rows] == ["26 08:00", "09 08:00"]
    assert rows[0].note == "clocks changed: 1h earlier by the clock than before"
    assert rows[1].note == ""
    (sentence,) = transition_sentences(interval, interval.start, 2)
    assert "from then on fires come 1h earlier by the clock" in sentence
    later = next_transition_sentence(interval, rows[1].fire)
    assert later is not None
    assert "28 March 2027" in later
    assert "1h later by the clock" in later
    calendar = every("2 weeks", "2026-10-12T09:00")
    assert calendar.in_words() == (
        "every 2 weeks on Monday at 09:00, Europe/Berlin, from Monday 12 October 2026 09:00"
    )
    assert calendar.start is not None
    assert transition_sentences(calendar, calendar.start, 2) == []
    assert make_trigger(interval="1h", timezone="UTC").in_words() == "every 1h, UTC"


@pytest.mark.parametrize(
    ("step", "start", "words"),
    [
        ("day", "2026-01-01T09:00", "every day at 09:00"),
        ("WEEK", "2026-01-01T09:00", "every week on Thursday at 09:00"),
        ("2  months", "2026-01-05T09:05", "every 2 months on day 5 at 09:05"),
        ("1 month", "2026-01-29", "every month on day 29 or the last day at 00:00"),
        ("5 years", "2026-01-05", "every 5 years on 5 January at 00:00"),
    ],
)
def test_steps_in_words(step: str, start: str, words: str) -> None:
    """A step reads as plain English, however it was written."""
    assert every(step, start, "UTC").in_words().startswith(f"{words}, UTC, from ")


def test_a_shorter_month_is_called_out() -> None:
    """Where the last day stands for one that the month lacks, the preview says so."""
    monthly = every("month", "2027-01-31", "UTC")
    assert monthly.start is not None
    notes = [row.note for row in preview(monthly, monthly.start - TICK, 3)]
    assert notes == ["", "the last day of its month, which is shorter", ""]


TRIGGERS = [
    every("2 weeks", "2026-10-12T09:00", except_=["2026-12-21", date(2026, 11, 9)]),
    make_trigger(cron="0 8 * * 1-5", timezone="UTC", except_=["2026-12-25"]),
    make_trigger(interval=90, timezone="UTC", except_=["2026-12-25"]),
]


@pytest.mark.parametrize("trigger", TRIGGERS, ids=repr)
def test_what_is_stored_is_read_as_the_same(trigger: Trigger) -> None:
    """As JSON, and as a pickle of APScheduler's stores."""
    assert trigger_from_json(trigger.to_json()) == trigger
    assert pickle.loads(pickle.dumps(trigger)) == trigger
    assert hash(trigger_from_json(trigger.to_json())) == hash(trigger)


def test_the_json_of_a_step() -> None:
    """These keys and no others."""
    assert TRIGGERS[0].to_json() == {
        "every": "2 weeks", "timezone": "Europe/Berlin", "start": "2026-10-12T07:00:00+00:00",
        "except": ["2026-11-09", "2026-12-21"],
    }  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_exceptions_take_whole_local_dates_away(zone: str) -> None:
    """Next, previous and count are those of the fires without them, for every kind."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(12):
        begin = datetime(dice.randrange(1990, 2030), dice.randrange(1, 13), dice.randrange(1, 28))
        start = f"{begin + timedelta(minutes=dice.randrange(1440)):%Y-%m-%dT%H:%M}"
        days = {(begin + timedelta(days=dice.randrange(60))).date() for _ in range(12)}
        keywords = dice.choice([
            {"cron": f"{dice.randrange(60)} */{dice.randrange(1, 12)} * * *"},
            {"cron": f"{dice.randrange(60)} 0,2,23 * * *"},
            {"every": f"{dice.randrange(1, 4)} days"},
            {"interval": f"{dice.randrange(1, 50)}h"},
        ])  # fmt: skip
        plain = make_trigger(**keywords, start=start, timezone=zone)  # type: ignore[arg-type]
        trigger = make_trigger(**keywords, start=start, timezone=zone, except_=days)  # type: ignore[arg-type]
        first = begin.replace(tzinfo=UTC) - timedelta(days=2)
        last = first + timedelta(days=70)
        expected = [
            fire
            for fire in plain.fires(first, last)
            if fire.astimezone(plain.zone).date() not in days
        ]
        assert list(trigger.fires(first, last)) == expected
        assert trigger.count(first, last) == len(expected)
        assert trigger.previous(last, inclusive=True) == (expected[-1] if expected else None)
        taken = sum(number for _, number in trigger.excepted(first, last))
        assert taken == plain.count(first, last) - len(expected)
        for fire in dice.sample(expected, min(5, len(expected))):
            before = [known for known in expected if known < fire]
            assert trigger.previous(fire) == (before[-1] if before else None)


@pytest.mark.parametrize("zone", ZONES)
def test_a_date_has_the_instants_that_clocks_show_it_at(zone: str) -> None:
    """Found by walking through the hours around: none of a skipped date, all of the others."""
    place = ZoneInfo(zone)
    for day in (date(2011, 12, 30), date(2026, 3, 29), date(2026, 11, 1), date(2006, 10, 29)):
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        quarters = [noon + timedelta(minutes=15 * n) for n in range(-200, 200)]
        shown = {moment for moment in quarters if moment.astimezone(place).date() == day}
        spans = spans_of_date(place, day)
        inside = {
            moment
            for moment in quarters
            if any(first <= moment.timestamp() < stop for first, stop in spans)
        }
        assert inside == shown, (zone, day)


def test_a_date_in_two_pieces_is_excepted_whole() -> None:
    """St. John's went back from 00:01 to 23:01: the date before came back for an hour."""
    zone = "America/St_Johns"
    assert len(spans_of_date(ZoneInfo(zone), date(2006, 10, 28))) == 2
    trigger = make_trigger(cron="*/30 * * * *", timezone=zone, except_=["2006-10-28"])
    begin = datetime(2006, 10, 27, 20, tzinfo=UTC)
    dates = {
        fire.astimezone(trigger.zone).date()
        for fire in trigger.fires(begin, begin + timedelta(days=3))
    }
    assert date(2006, 10, 28) not in dates
    assert {date(2006, 10, 27), date(2006, 10, 29)} <= dates


def test_the_preview_says_what_an_exception_takes_away() -> None:
    """By name while they are few, else by their number."""
    trigger = make_trigger(
        cron="0 8,20 * * *", timezone="Europe/Berlin", except_=["2026-12-24", "2026-12-25"]
    )
    begin = datetime(2026, 12, 24, 12, tzinfo=UTC)
    assert exception_sentences(trigger, begin, begin + timedelta(days=5)) == [
        "On Thursday 24 December 2026 an exception takes the fire of 20:00 away.",
        "On Friday 25 December 2026 an exception takes the fires of 08:00 and 20:00 away.",
    ]
    often = make_trigger(cron="*/5 * * * *", timezone="UTC", except_=["2026-12-25"])
    assert exception_sentences(often, begin, LATEST) == [
        "On Friday 25 December 2026 an exception takes 288 fires away."
    ]
    # A clock change on such a date touches nothing.
    quiet = make_trigger(cron="30 2 * * *", timezone="Europe/Berlin", except_=["2027-03-28"])
    assert transition_sentences(quiet, datetime(2027, 3, 26, tzinfo=UTC), 5) == []
    later = next_transition_sentence(quiet, datetime(2027, 3, 26, tzinfo=UTC))
    assert later is not None
    assert later.endswith("no fire is affected.")


def test_a_start_that_clocks_show_twice_is_the_first() -> None:
    """Also where the second is written with its offset; a note says so."""
    for start in ("2026-10-25T02:30", "2026-10-25T02:30:00+01:00"):
        trigger = every("1 day", start)
        assert trigger.start == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        assert any("exists twice" in note for note in trigger.notes)
        assert trigger_from_json(trigger.to_json()) == trigger


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"every": "2w", "start": "2026-01-01"}, InvalidTrigger, "'2w' is no step of the calendar"),
        ({"every": "2 hours", "start": "2026-01-01"}, InvalidTrigger, "is no step of the calendar"),
        ({"every": "2 weks", "start": "2026-01-01"}, InvalidTrigger, "Did you mean 'weeks'"),
        ({"every": 2, "start": "2026-01-01"}, InvalidTrigger, "2 is no step"),
        ({"every": "0 days", "start": "2026-01-01"}, InvalidTrigger, "this one is 0"),
        ({"every": "10001 days", "start": "2026-01-01"}, InvalidTrigger, "1 to 10000 days"),
        ({"every": "٢ days", "start": "2026-01-01"}, InvalidTrigger, "is no step"),
        ({"every": "1 day"}, InvalidTrigger, "needs a start"),
        ({"every": "1 day", "start": "2026-01-01T09:00:30"}, InvalidTrigger, "at a whole minute"),
        ({"every": "1 day", "cron": "@daily"}, InvalidTrigger, "got cron and every"),
        ({"cron": "@daily", "except_": ["christmas"]}, InvalidTime, "'christmas' is not a date"),
        ({"cron": "@daily", "except_": ["2026-02-30"]}, InvalidTime, "is not a date"),
        ({"cron": "@daily", "except_": ["20261224"]}, InvalidTime, "is not a date"),
        ({"cron": "@daily", "except_": [datetime(2026, 1, 1)]}, InvalidTime, "is not a date"),
        ({"cron": "@daily", "except_": "2026-12-24"}, InvalidTrigger, "Expected a list of dates"),
        ({"cron": "@daily", "except_": 5}, InvalidTrigger, "Expected a list of dates"),
        ({"date": "2026-12-24", "except_": ["2026-12-24"]}, InvalidTrigger, "no exceptions"),
    ],
)
def test_what_cannot_be_says_why(
    keywords: dict[str, object], error: type[FlowerpowerError], message: str
) -> None:
    """A clear error of the documented class."""
    with pytest.raises(error, match=message):
        make_trigger(timezone="UTC", **keywords)  # type: ignore[arg-type]


def test_there_is_a_limit_to_exceptions() -> None:
    """Each is looked at when fires are counted."""
    days = [date(2000, 1, 1) + timedelta(days=n) for n in range(MAX_EXCEPTIONS + 1)]
    assert make_trigger(cron="@daily", timezone="UTC", except_=days[1:])
    with pytest.raises(InvalidTrigger, match="at most 1000 dates, got 1001"):
        make_trigger(cron="@daily", timezone="UTC", except_=days)


@pytest.mark.parametrize("trigger", TRIGGERS, ids=repr)
def test_the_ends_of_time(trigger: Trigger) -> None:
    """Moments at the ends of the calendar are answered, not failed on."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert trigger.next_after(last) is None
    assert trigger.previous(first) is None
    assert trigger.next_after(first) is not None
    assert trigger.count(last, last) == 0
    assert every("10000 years", "2026-01-01").next_after(last - timedelta(days=9999)) is None


def test_a_trigger_whose_every_fire_is_excepted_never_fires() -> None:
    """It ends; it is not looked for through all years."""
    trigger = make_trigger(
        cron="0 8 * * *", timezone="UTC", start="2026-12-24", end="2026-12-25T12:00",
        except_=["2026-12-24", "2026-12-25"],
    )  # fmt: skip
    assert trigger.fires_after(datetime(2026, 1, 1, tzinfo=UTC)) is False


def test_an_interval_without_a_start_goes_on_behind_an_exception() -> None:
    """It counts from the call, and does not begin again when the date is over."""
    trigger = make_trigger(interval="7h", timezone="UTC", except_=["2026-12-25"])
    asked = datetime(2026, 12, 24, 20, tzinfo=UTC)
    assert trigger.next_after(asked) == datetime(2026, 12, 26, tzinfo=UTC)
