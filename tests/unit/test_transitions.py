import json
import random
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.instants import count_fires, first_fire_after
from flowerpower.triggers.interval import Interval
from flowerpower.triggers.make import make_trigger
from flowerpower.triggers.preview import next_transition_sentence, preview, transition_sentences
from flowerpower.triggers.transitions import (
    CORRECTION,
    Transition,
    last_transition,
    next_transition,
    offset_at,
    previous_transition,
    to_second,
)
from flowerpower.triggers.wall_times import wall_times_of
from tests.unit.cron_oracle import MINUTE, Watch, changes, random_expressions

ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Havana",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Casey",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Volgograd",
    "Pacific/Apia",
]
EXPRESSIONS = [
    "* * * * *",
    "*/15 * * * *",
    "30 * * * *",
    "0 */2 * * *",
    "*/20 1-3 * * *",
    "30 2 * * *",
    "0 2 * * *",
    "0 3 * * *",
    "15,45 1-3 * * *",
    "0-59 2 * * *",
    "7 0-23 * * *",
    "30 23 * * *",
    "0,30 0 * * *",
    "45 0-23 1,15,L * SUN",
    "45 0-23 */2 * SUN",
    "@daily",
]
DEBIAN = json.loads(Path(__file__).with_name("debian_cron_fires.json").read_text())


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _is_refused(expression: str) -> bool:
    try:
        Cron(expression)
    except InvalidTrigger:
        return True
    return False


def _agree(watch: Watch, expression: str, zone: str) -> None:
    """Assert that next_after, previous and count say what the watcher saw."""
    expected = watch.fires(expression)
    begin, end = watch.begin - MINUTE, watch.minutes[-1][0]
    if not expected and _is_refused(expression):
        return
    trigger = Cron(expression, zone)
    found = list(trigger.fires(begin, end))
    assert found == expected, (expression, zone)
    assert trigger.count(begin, end) == len(expected), (expression, zone)
    fire, inclusive = end, True
    for seen in expected[:-500:-1]:
        fire = trigger.previous(fire, inclusive=inclusive) or begin
        assert fire == seen, (expression, zone)
        inclusive = False


def _agree_around(zone: str, transitions: list[datetime], seed: int) -> None:
    """Assert that all EXPRESSIONS, and ten others at each transition, fire as a watcher tells."""
    others = random_expressions(seed)
    for transition in transitions:
        watch = Watch(zone, transition - timedelta(days=1), transition + timedelta(days=1))
        for expression in [*EXPRESSIONS, *islice(others, 10)]:
            _agree(watch, expression, zone)


def _transitions_of(zone: str) -> list[datetime]:
    """Those of 2010 to 2030; a day like any other where there are none."""
    found = changes(zone, 2010, 2030)
    assert found or zone == "Asia/Kathmandu"
    return found or [_utc("2015-06-01T12:00")]


@pytest.mark.fault("dst-forward", "dst-back")
@pytest.mark.parametrize("zone", ZONES)
def test_clock_changes_of_twenty_years(zone: str) -> None:
    """Around changes of 2010 to 2030, drawn by lot, a cron fires at the minutes a watcher tells."""
    seed = random.randrange(2**32)
    print("seed", seed)
    found = _transitions_of(zone)
    drawn = random.Random(seed).sample(found, min(len(found), 3))
    _agree_around(zone, drawn, seed)


@pytest.mark.faults
@pytest.mark.parametrize("zone", ZONES)
def test_every_clock_change_of_twenty_years(zone: str) -> None:
    """So it does around every change of 2010 to 2030."""
    seed = random.randrange(2**32)
    print("seed", seed)
    _agree_around(zone, _transitions_of(zone), seed)


def _agree_at_random_times(parts: int) -> None:
    """Assert that 100 random expressions a part fire as a watcher tells, each part somewhere."""
    for _ in range(parts):
        seed = random.randrange(2**32)
        print("seed", seed)
        dice = random.Random(seed)
        zone = dice.choice(ZONES)
        begin = _utc("2010-01-01") + MINUTE * dice.randrange(20 * 365 * 1440)
        watch = Watch(zone, begin, begin + timedelta(days=31))
        for expression in islice(random_expressions(seed), 100):
            _agree(watch, expression, zone)


@pytest.mark.parametrize("part", range(2))
def test_random_expressions_at_random_times(part: int) -> None:
    """200 random expressions fire, over a random month somewhere, as a watcher would tell."""
    _agree_at_random_times(1)


@pytest.mark.faults
def test_many_random_expressions_at_random_times() -> None:
    """So do 2,000."""
    _agree_at_random_times(20)


@cache
def _debian_cases() -> list[tuple[str, str, str]]:
    return [
        (case["zone"], case["change"], expression)
        for case in DEBIAN["cases"]
        for expression in case["fires"]
    ]


def _debian_differences() -> Iterator[tuple[str, str, str]]:
    for case in DEBIAN["cases"]:
        begin, until = datetime.fromisoformat(case["from"]), datetime.fromisoformat(case["until"])
        for expression, expected in case["fires"].items():
            fires = Cron(expression, case["zone"]).fires(begin, until - MINUTE)
            if [f"{fire:%Y-%m-%dT%H:%MZ}" for fire in fires] != expected:
                yield case["zone"], case["change"], expression


@pytest.mark.fault("dst-forward", "dst-back")
def test_debian_cron() -> None:
    """At 29 clock changes 18 expressions fire at the minutes Debian's own cron was recorded at.

    But for one change, of three hours to the second: that is a correction by the rule here, while
    the daemon, which looks a minute after, takes it for daylight saving when it goes back.
    """
    assert len(_debian_cases()) == 29 * 18
    different = list(_debian_differences())
    assert {(zone, change) for zone, change, _ in different} == {
        ("Antarctica/Casey", "2010-03-04T15:00Z")
    }
    assert not any(Cron(text).is_wildcard for _, _, text in different)


def test_changes_are_found_to_the_second() -> None:
    """A change is known by its second and its offsets, those of other than daylight saving too."""
    zone = Cron("0 0 * * *", "Asia/Pyongyang").zone
    change = next_transition(zone, to_second(_utc("2018-01-01")), to_second(_utc("2019-01-01")))
    assert change == Transition(to_second(_utc("2018-05-04T15:00")), 30600, 32400)
    assert offset_at(zone, change.at - 1) == 30600
    assert offset_at(zone, change.at) == 32400
    assert not change.is_correction
    assert Transition(0, 0, CORRECTION).is_correction


@pytest.mark.fault("dst-forward", "dst-back")
@pytest.mark.parametrize(
    ("expression", "zone", "start", "expected"),
    [
        # Local time goes from 02:00 to 03:00, an hour before which is 01:00 in UTC.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["29T01:00", "30T00:30"]),
        ("0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["29T01:00", "30T00:00"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00", ["29T01:00", "30T00:00"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["30T00:00", "30T00:30"]),
        # And back from 03:00 to 02:00.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["25T00:30", "26T01:30"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-10-25T00:10", ["25T00:30", "25T01:00", "25T01:30"]),
        # Midnight itself is skipped.
        ("@daily", "America/Havana", "2024-03-09T12:00", ["10T05:00", "11T04:00"]),
        # Half an hour only.
        ("15 2 * * *", "Australia/Lord_Howe", "2025-10-04T00:00", ["04T15:30", "05T15:15"]),
        # A whole day that never was, and nothing made up for it.
        ("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00", ["29T22:00", "30T22:00"]),
        # The standard offset itself changes, by half an hour.
        ("45 23 * * *", "Asia/Pyongyang", "2018-05-03T20:00", ["04T15:00", "05T14:45"]),
    ],
)
def test_known_changes(expression: str, zone: str, start: str, expected: list[str]) -> None:
    """Skipped, repeated, half-hour, midnight and day-long changes fire at the known minutes."""
    fires = islice(Cron(expression, zone).fires(_utc(start)), len(expected))
    assert [f"{fire:%dT%H:%M}" for fire in fires] == expected


def test_offsets_with_odd_seconds() -> None:
    """Where clocks were off by odd seconds, fires fall on the minutes of the wall clock."""
    trigger = Cron("*/30 * * * *", "Africa/Monrovia")
    fires = list(islice(trigger.fires(_utc("1970-01-01")), 3))
    assert [f"{fire:%H:%M:%S}" for fire in fires] == ["00:14:30", "00:44:30", "01:14:30"]
    assert trigger.next_after(fires[0]) == fires[1]
    assert trigger.previous(fires[1]) == fires[0]
    bounded = Cron("*/30 * * * *", "Africa/Monrovia", start=fires[0] + timedelta(seconds=10))
    assert bounded.next_after(_utc("1970-01-01")) == fires[1]
    at_it = Cron("*/30 * * * *", "Africa/Monrovia", start=fires[0])
    assert at_it.next_after(_utc("1970-01-01")) == fires[0]


def test_memory_does_not_change_the_answer() -> None:
    """Every second of a minute is answered alike, whichever of them was asked about first."""
    trigger = Cron("30 2 * * *", "Europe/Berlin")
    begin = _utc("2026-03-29T00:59")
    seconds = list(range(90))
    random.Random(7).shuffle(seconds)
    for second in seconds:
        moment = begin + timedelta(seconds=second, microseconds=999_999)
        direct = first_fire_after(trigger.wall_times, trigger.zone, to_second(moment))
        assert direct is not None
        assert trigger.next_after(moment) == datetime.fromtimestamp(direct, UTC)


SENTENCES = [
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-27",
        "On Sunday 29 March 2026 clocks in Europe/Berlin go forward from 02:00 to 03:00: "
        "the fire of 02:30 moves to 03:00.",
    ),
    (
        "0,30 2 * * *",
        "Europe/Berlin",
        "2026-03-27",
        "On Sunday 29 March 2026 clocks in Europe/Berlin go forward from 02:00 to 03:00: "
        "the fires of 02:00 and 02:30 become one at 03:00.",
    ),
    (
        "0 2,3 * * *",
        "Europe/Berlin",
        "2026-03-27",
        "On Sunday 29 March 2026 clocks in Europe/Berlin go forward from 02:00 to 03:00: "
        "the fire of 02:00 joins that of 03:00.",
    ),
    (
        "*/10 * * * *",
        "Europe/Berlin",
        "2026-03-29",
        "On Sunday 29 March 2026 clocks in Europe/Berlin go forward from 02:00 to 03:00: "
        "the 6 fires from 02:00 to 02:50 are skipped.",
    ),
    (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-23",
        "On Sunday 25 October 2026 clocks in Europe/Berlin go back from 03:00 to 02:00: "
        "the fire of 02:30 comes once, the first time.",
    ),
    (
        "30 * * * *",
        "Europe/Berlin",
        "2026-10-24T22:00",
        "On Sunday 25 October 2026 clocks in Europe/Berlin go back from 03:00 to 02:00: "
        "the fire of 02:30 comes twice.",
    ),
    (
        "30 23 * * *",
        "America/Sao_Paulo",
        "2018-02-15",
        "On Sunday 18 February 2018 clocks in America/Sao_Paulo go back from 00:00 to 23:00 of "
        "Saturday 17 February 2018: the fire of 23:30 comes once, the first time.",
    ),
    (
        "0 */6 * * *",
        "Pacific/Apia",
        "2011-12-29",
        "On Friday 30 December 2011 clocks in Pacific/Apia go forward from 00:00 to 00:00 of "
        "Saturday 31 December 2011: the 4 fires from Friday 30 December 2011 00:00 to "
        "Friday 30 December 2011 18:00 are skipped.",
    ),
    (
        "0 13-15 * * *",
        "Antarctica/Casey",
        "2010-03-04",
        None,
    ),
]


@pytest.mark.parametrize(("expression", "zone", "start", "sentence"), SENTENCES)
def test_sentences(expression: str, zone: str, start: str, sentence: str | None) -> None:
    """A transition that touches one of the next fires is described in a sentence."""
    trigger = Cron(expression, zone)
    assert transition_sentences(trigger, _utc(start), 10) == ([sentence] if sentence else [])
    if sentence:
        assert next_transition_sentence(trigger, _utc(start)) == sentence


def test_next_clock_change() -> None:
    """The next transition is described even if no fire is touched; where none will be, there is none."""
    start = _utc("2026-03-01")
    change = "On Sunday 29 March 2026 clocks in Europe/Berlin go forward from 02:00 to 03:00: "
    untouched = change + "no fire is affected."
    assert next_transition_sentence(Cron("0 8 * * *", "Europe/Berlin"), start) == untouched
    assert next_transition_sentence(Interval(3600, "Europe/Berlin"), start) == untouched
    assert next_transition_sentence(Cron("0 8 * * *", "UTC"), start) is None
    over = Cron("0 8 * * *", "Europe/Berlin", end=_utc("2026-03-20"))
    assert next_transition_sentence(over, start) is None
    once = make_trigger(date="2026-03-02", timezone="Europe/Berlin")
    assert next_transition_sentence(once, start) is None
    assert next_transition_sentence(Cron("0 8 * * *", "Europe/Berlin"), _utc("9998-12-31")) is None


@pytest.mark.parametrize(
    ("expression", "start", "notes"),
    [
        ("30 2 * * *", "2026-03-27T12:00", ["", "stands for the fire of 02:30", ""]),
        ("0 2,3 * * *", "2026-03-28T06:00", ["also stands for the fire of 02:00", "", ""]),
        ("*/30 * * * *", "2026-03-29T00:00", ["", "clocks skip the fires of 02:00 and 02:30", ""]),
        ("30 2 * * *", "2026-10-23T12:00", ["", "fires this time only", ""]),
        ("30 * * * *", "2026-10-25T00:00", ["first of two", "second of two", ""]),
        ("0 8 * * *", "2026-03-27T12:00", ["", "", ""]),
    ],
)
def test_preview_notes(expression: str, start: str, notes: list[str]) -> None:
    """A row of a preview says what a clock change does to that fire, and to no other."""
    trigger = Cron(expression, "Europe/Berlin")
    rows = preview(trigger, _utc(start), 3)
    assert [row.fire for row in rows] == list(islice(trigger.fires(_utc(start)), 3))
    for row, note in zip(rows, notes, strict=True):
        assert (note in row.note) if note else row.note == ""
        assert row.local.astimezone(UTC) == row.fire
        assert str(row.local.tzinfo) == "Europe/Berlin"


def test_preview_of_a_date() -> None:
    """A date that the clocks skip is previewed with a note, and once."""
    trigger = make_trigger(date="2026-03-29T02:30", timezone="Europe/Berlin")
    (row,) = preview(trigger, _utc("2026-01-01"))
    assert row.fire == _utc("2026-03-29T01:00")
    assert row.note == (
        "2026-03-29 02:30:00 does not exist in Europe/Berlin, where clocks skip it: "
        "2026-03-29 03:00:00 is meant"
    )
    assert preview(trigger, row.fire) == []


def _zone_that_changes(at: int) -> ZoneInfo:
    """A zone in the compiled form, UTC+1 until the instant `at` and UTC after it."""
    header = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 1, 2, 4)
    body = (
        struct.pack(">lB", at, 1) + struct.pack(">lBB", 3600, 0, 0) + struct.pack(">lBB", 0, 0, 0)
    )
    return ZoneInfo.from_file(BytesIO(header + body + b"ABC\0"), key="Test/Changes")


@pytest.mark.parametrize("before", [1, 600, 3599, 3600])
def test_changes_at_the_turn_of_the_year(before: int) -> None:
    """A change shortly before the turn of a mean year still holds back what it repeats after it."""
    turn = 56 * 31_556_952
    zone = _zone_that_changes(turn - before)
    change = Transition(turn - before, 3600, 0)
    assert last_transition(zone, turn) == change
    assert next_transition(zone, turn - 7200, turn + 7200) == change
    assert previous_transition(zone, turn + 7200, turn - 7200) == change
    assert offset_at(zone, turn - before - 1) == 3600
    every_minute = wall_times_of("0-59 0-23 * * *")
    first = first_fire_after(every_minute, zone, turn)
    assert first == max(-(-(turn - before + 3600) // 60), turn // 60 + 1) * 60
    assert count_fires(every_minute, zone, turn, first) == 1


def test_a_change_after_the_last_fire_is_told_if_it_repeats_it() -> None:
    """A transition that shows the last previewed fire's wall time again is described though it comes later."""
    trigger = Cron("30 2 * * *", "Europe/Berlin")
    start = _utc("2026-10-23T12:00")
    (sentence,) = transition_sentences(trigger, start, 2)
    assert "comes once, the first time" in sentence
    assert transition_sentences(trigger, start, 1) == []
    assert transition_sentences(trigger, start, 0) == []
