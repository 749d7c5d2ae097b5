"""Where croniter reads an expression in another way than cron(8): its own answer beside ours.

Each test fails when croniter changes. Then the gate in `triggers/cron_grammar.py` may have a part
that is no longer needed, or needs one more.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from croniter.croniter import CroniterBadCronError, CroniterBadDateError

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers.cron import Cron

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 1, 1, 0, 0, 30)
"""A Thursday."""


def theirs(expression: str, count: int = 3) -> list[str]:
    """The next fires after BEGIN by croniter: month, day, hour and minute."""
    fires = croniter(expression, BEGIN, ret_type=datetime, implement_cron_bug=True)
    return [f"{fires.get_next():%m-%d %H:%M}" for _ in range(count)]


def ours(expression: str, count: int = 3) -> list[str]:
    """The same by us."""
    fires = islice(Cron(expression).fires(BEGIN.replace(tzinfo=UTC)), count)
    return [f"{fire:%m-%d %H:%M}" for fire in fires]


@pytest.mark.parametrize(
    ("expression", "by_croniter", "by_us"),
    [
        # A range of one is the whole field.
        ("5-5 * * * *", ["01-01 00:01", "01-01 00:02"], ["01-01 00:05", "01-01 01:05"]),
        ("0 0 1-1 * *", ["01-02 00:00", "01-03 00:00"], ["02-01 00:00", "03-01 00:00"]),
        ("0 0 1 11-NOV *", ["02-01 00:00", "03-01 00:00"], ["11-01 00:00", "11-01 00:00"]),
        ("0 0 * * 7-7", ["01-02 00:00", "01-03 00:00"], ["01-04 00:00", "01-11 00:00"]),
        ("0 0 * * SUN-SUN", ["01-02 00:00", "01-03 00:00"], ["01-04 00:00", "01-11 00:00"]),
        ("5-5/20 * * * *", ["01-01 00:20", "01-01 00:40"], ["01-01 00:05", "01-01 01:05"]),
        # From Sunday on, when Sunday is 7: nothing comes after it.
        ("0 0 * * 7/2", ["01-03 00:00", "01-04 00:00"], ["01-04 00:00", "01-11 00:00"]),
        # The nth weekday beside a day of month: the day of month does not count.
        ("0 0 2 * 5#1", ["01-02 00:00", "02-06 00:00"], ["01-02 00:00", "02-02 00:00"]),
        # A weekday that is also named with `#`: only the latter counts.
        ("0 0 * * FRI,5#2", ["01-09 00:00", "02-13 00:00"], ["01-02 00:00", "01-09 00:00"]),
        # Thirty days and L make a list as long as that of all days.
        ("0 0 2-31,L * *", ["01-02 00:00", "01-03 00:00"], ["01-02 00:00", "01-03 00:00"]),
        ("0 0 2-31,L 2 *", ["02-01 00:00", "02-02 00:00"], ["02-02 00:00", "02-03 00:00"]),
    ],
)
def test_what_croniter_reads_otherwise(
    expression: str, by_croniter: list[str], by_us: list[str]
) -> None:
    """A part that croniter accepts and reads in its own way is given to it in another form."""
    assert theirs(expression, 2) == by_croniter
    assert ours(expression, 2) == by_us


def test_a_day_of_month_beside_an_nth_weekday_can_stop_croniter() -> None:
    """The first or the second Friday: croniter finds none, because no second Friday is the 1st."""
    with pytest.raises(CroniterBadDateError):
        theirs("0 0 1 * 5#2")
    assert ours("0 0 1 * 5#2", 2) == ["01-09 00:00", "02-01 00:00"]


@pytest.mark.parametrize(
    ("expression", "by_us"),
    [
        ("0 0 * * MON,5#2", ["01-05 00:00", "01-09 00:00"]),
        ("0 0 * * 5L", ["01-30 00:00", "02-27 00:00"]),
        ("0 0 * * FRIL", ["01-30 00:00", "02-27 00:00"]),
        ("0 0 * * 7L", ["01-25 00:00", "02-22 00:00"]),
    ],
)
def test_what_croniter_refuses(expression: str, by_us: list[str]) -> None:
    """A weekday beside an nth one, and the last weekday, are written as croniter knows them."""
    with pytest.raises(CroniterBadCronError):
        croniter(expression, BEGIN)
    assert ours(expression, 2) == by_us


@pytest.mark.parametrize(
    ("expression", "by_croniter", "sentence"),
    [
        ("0 0 * * FRI-MON", ["01-02 00:00", "01-03 00:00"], "'FRI-MON' runs backwards"),
        ("50-10 * * * *", ["01-01 00:01", "01-01 00:02"], "minute: '50-10' runs backwards"),
        ("0 0 1 DEC-JAN *", ["12-01 00:00", "01-01 00:00"], "'DEC-JAN' runs backwards"),
        ("*/90 * * * *", ["01-01 01:00", "01-01 02:00"], "has a step other than 1 to 60"),
        ("0 0 ? * ?", ["01-02 00:00", "01-03 00:00"], r"'\?' is not supported"),
        ("0 0 15W * *", ["01-15 00:00", "02-16 00:00"], "nearest working day"),
        ("0 0 1-L * *", ["01-02 00:00", "01-03 00:00"], "'1-L' is not supported"),
        ("* * * * * 30", ["01-01 00:01", "01-01 00:02"], "Seconds and years are not part"),
        ("0 0 1 1 * 0 2030", ["01-01 00:00"], "Seconds and years are not part"),
    ],
)
def test_what_only_croniter_accepts(expression: str, by_croniter: list[str], sentence: str) -> None:
    """What is not cron(8)'s, or means something that its author did not want, is refused."""
    assert theirs(expression, len(by_croniter)) == by_croniter
    with pytest.raises(InvalidTrigger, match=sentence):
        Cron(expression)


def test_r_is_a_dice_in_croniter() -> None:
    """For croniter `R` is a number that differs from call to call; here it is refused."""
    minutes = {croniter.expand("R * * * *")[0][0][0] for _ in range(100)}
    assert len(minutes) > 10
    with pytest.raises(InvalidTrigger, match="random or hashed number"):
        Cron("R * * * *")


@pytest.mark.parametrize("expression", ["H * * * *", "@reboot", "0 0 L-3 * *", "60 * * * *"])
def test_no_message_of_croniter_is_shown(expression: str) -> None:
    """What both refuse is refused in our sentence, which says what the field may hold."""
    with pytest.raises(CroniterBadCronError) as of_croniter:
        croniter.expand(expression)
    with pytest.raises(InvalidTrigger, match="expected") as of_us:
        Cron(expression)
    assert str(of_croniter.value) not in str(of_us.value)


def test_croniter_takes_what_never_fires_for_valid() -> None:
    """The 30th of February is valid to croniter; here the expression is refused."""
    assert croniter.is_valid("0 0 30 2 *")
    with pytest.raises(InvalidTrigger, match="never fires"):
        Cron("0 0 30 2 *")


def test_croniter_does_not_say_that_text_is_expected() -> None:
    """What is not text is an AttributeError in croniter, and an InvalidTrigger here."""
    with pytest.raises(AttributeError):
        croniter.expand(5)
    with pytest.raises(InvalidTrigger, match="this is int"):
        Cron(5)  # type: ignore[arg-type]


def test_fixed_times_at_clock_changes() -> None:
    """In the repeated hour croniter fires a fixed time twice; cron(8) and we do once."""
    before = datetime(2026, 10, 25, 0, 0, tzinfo=BERLIN)
    fires = croniter("30 2 * * *", before, ret_type=datetime)
    by_croniter = [fires.get_next().astimezone(UTC) for _ in range(2)]
    assert [f"{fire:%d %H:%M}" for fire in by_croniter] == ["25 00:30", "25 01:30"]
    by_us = islice(Cron("30 2 * * *", "Europe/Berlin").fires(before), 2)
    assert [f"{fire:%d %H:%M}" for fire in by_us] == ["25 00:30", "26 01:30"]


def test_croniter_is_imported_for_a_new_expression_only() -> None:
    """A known expression, its fires and words, and new ones of known fields need no croniter."""
    code = (
        "import sys\n"
        "from datetime import UTC, datetime\n"
        "from flowerpower.triggers.cron import Cron\n"
        "from flowerpower.triggers.make import trigger_from_json\n"
        "first = Cron('0 8 * * 1-5', 'Europe/Berlin')\n"
        "Cron('15 9 * * *')\n"
        "assert 'croniter' in sys.modules\n"
        "for name in [name for name in sys.modules if name.partition('.')[0] == 'croniter']:\n"
        "    del sys.modules[name]\n"
        "again = trigger_from_json(first.to_json())\n"
        "again.next_after(again.next_after(datetime.now(UTC)))\n"
        "again.in_words()\n"
        "Cron('15 8 * * 1-5')\n"
        "print('croniter' in sys.modules)\n"
        "Cron('7 8 * * *')\n"
        "print('croniter' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
