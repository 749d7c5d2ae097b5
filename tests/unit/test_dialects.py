"""What expressions of other schedulers mean here, beside what their programs did."""

import contextlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.dialects.table import DIALECTS
from flowerpower.triggers.dialects.translate import Verdict, day_row, translate
from flowerpower.triggers.transitions import to_datetime, to_second
from tests.tools.record_schedulers import compact, questions

RECORDED = json.loads(Path(__file__).with_name("scheduler_fires.json").read_text())["dialects"]
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 29, tzinfo=UTC)
# Where our reading is not that of the program; docs/decisions/importing.md names them.
DEVIATIONS = {
    ("airflow", "half", "17 * * * *"),
    ("airflow", "half-back", "17 * * * *"),
    *(("bcron", "midnight", f"{times} * * *") for times in ("0 */2", "0 0", "30 0")),
    *(("bcron", "half", f"{times} * * *") for times in ("0 2", "0 2,3", "17 *", "0 */2")),
    ("debian", "day", "1-2-3 12 * * *"),
    *(("kubernetes", "half", f"{times} * * *") for times in ("0 3", "45 1")),
    *(
        ("kubernetes", "half-back", f"{times} * * *")
        for times in ("0 2", "0 3", "0,30 2", "0 2,3", "*/30 2", "0 */2")
    ),
    *(("mcron", "year", f"0 12 {days}") for days in ("0 * 1", "* 13 *", "* * 8")),
    *(("mcron", "day", f"{times} * * *") for times in ("0 24", "60 12")),
    ("quartz", "year", "0 0 12 31W * ?"),
    ("quartz", "year", "0 0 12 L-3W * ?"),
    ("systemd", "day", "12:00:00.5"),
    ("systemd", "midnight", "0/2:00"),
}


def _answer(dialect: str, expression: str, zone: str, start: int, stop: int) -> str:
    try:
        meaning = DIALECTS[dialect].read(expression)
    except InvalidTrigger:
        return ""
    if meaning.interval is not None:
        return "interval"
    return compact(meaning.fires(ZoneInfo(meaning.timezone or zone), start, stop)) or ""


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_is_read_as_its_program_reads_it(dialect: str) -> None:
    """Fires are those that the real program had, but for the deviations that are named."""
    recorded = RECORDED[dialect]["fires"]
    different = {
        (dialect, span, question.expression)
        for span, question in questions(dialect)
        # What is not taken never fires: daemons say so in their log alone.
        if _answer(dialect, *question) != (recorded[span][question.expression] or "")
    }
    assert different == {row for row in DEVIATIONS if row[0] == dialect}
    assert len(recorded["year"]) > 30


@pytest.mark.parametrize(
    ("dialect", "expression", "here", "verdict"),
    [
        ("debian", "30 2 * * *", "30 2 * * *", Verdict.SAME),
        ("debian", "0 12 */2 * 1", "0 12 */2 * 1", Verdict.SAME),
        ("debian", "0 8 * * 5#2", "0 8 * * 5", Verdict.SAME),
        ("busybox", "0 8 * * 7", "0 8 * * *", Verdict.SAME),
        ("busybox", "0 8 */10 * *", "0 8 10,20,30 * *", Verdict.SAME),
        ("busybox", "0 8 * * fri-mon", "0 8 * * 0,1,5,6", Verdict.SAME),
        ("busybox", "30 2 * * *", "30 2 * * *", Verdict.CHANGES),
        ("bcron", "0 12 1-7 * mon", "0 12 * * 1#1", Verdict.SAME),
        ("bcron", "0 12 13 * 5", "0 12 13 * *", Verdict.NEAREST),
        ("mcron", "0 12 1 3 *", "0 12 1 4 *", Verdict.SAME),
        ("mcron", "0 12 1 12 *", "0 12 1 1 *", Verdict.SAME),
        ("mcron", "0 12 1 MAR *", "0 12 1 MAR *", Verdict.SAME),
        ("systemd-cron", "0 12 1 DEC *", "0 12 1 11 *", Verdict.SAME),
        ("systemd-cron", "@weekly", "0 0 * * 1", Verdict.SAME),
        ("systemd", "Mon..Fri 08:00", "0 8 * * 1-5", Verdict.SAME),
        ("systemd", "*-*~1 18:00", "0 18 L * *", Verdict.SAME),
        ("systemd", "hourly", "0 0-23 * * *", Verdict.SAME),
        ("systemd", "Mon *-*-1..7 12:00", "0 12 * * 1#1", Verdict.SAME),
        ("systemd", "12:00:30", "0 12 * * *", Verdict.NEAREST),
        ("quartz", "0 0 8 ? * 2-6", "0 8 * * 1-5", Verdict.SAME),
        ("quartz", "0 0 8 ? * 6#3", "0 8 * * 5#3", Verdict.SAME),
        ("quartz", "0 0 8 ? * 6L", "0 8 * * 5L", Verdict.SAME),
        ("quartz", "0 30 2 * * ?", "30 2 * * *", Verdict.CHANGES),
        ("kubernetes", "0 12 */2 * 1", "0 12 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 * 1",
         Verdict.SAME),
        ("kubernetes", "TZ=Etc/UTC 0 8 * * 0", "0 8 * * 0", Verdict.SAME),
        ("apscheduler", "0 8 * * 0-4", "0 8 * * 1-5", Verdict.SAME),
        ("apscheduler", "0 0 * * *", "0 0 * * *", Verdict.CHANGES),
        ("airflow", "5-5 2 * * *", "0-59 2 * * *", Verdict.SAME),
        ("airflow", "0 8 * * 5#2", "0 8 * * 5#2", Verdict.SAME),
    ],
)  # fmt: skip
def test_an_expression_becomes_ours(
    dialect: str, expression: str, here: str, verdict: Verdict
) -> None:
    """The trigger is the one that keeps the meaning, and what it does not keep is known."""
    meaning = DIALECTS[dialect].read(expression)
    made = translate(meaning, expression, ZoneInfo(meaning.timezone or "Europe/Berlin"), NOW)
    assert isinstance(made.trigger, Cron)
    assert (made.trigger.expression, made.verdict) == (here, verdict)
    assert bool(made.reasons) == (verdict is not Verdict.SAME)


@pytest.mark.parametrize("expression", ["0 0 12 LW * ?", "0 0 12 L-3 * ?", "0 0 12 30 2 ?"])
def test_what_cannot_be_said_has_no_trigger(expression: str) -> None:
    """A reason says why."""
    made = translate(DIALECTS["quartz"].read(expression), expression, BERLIN, NOW)
    assert (made.trigger, made.verdict) == (None, Verdict.NONE)
    assert made.reasons


def test_years_become_start_and_end() -> None:
    """A range of years bounds the trigger."""
    meaning = DIALECTS["quartz"].read("0 0 12 1 * ? 2027-2030")
    trigger = translate(meaning, "", BERLIN, NOW).trigger
    assert trigger is not None
    assert trigger.next_after(NOW) == datetime(2027, 1, 1, 11, tzinfo=UTC)
    assert trigger.previous(datetime(2040, 1, 1, tzinfo=UTC)) == datetime(
        2030, 12, 1, 11, tzinfo=UTC
    )


def test_an_interval_stays_one() -> None:
    """@every of Kubernetes counts elapsed time."""
    made = translate(DIALECTS["kubernetes"].read("@every 1h30m"), "", BERLIN, NOW)
    assert made.trigger is not None
    assert made.trigger.to_json()["interval"] == 5400


@pytest.mark.parametrize("dialect", DIALECTS)
@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused(dialect: str, text: str) -> None:
    """Nothing but InvalidTrigger comes of a text that is no expression."""
    with contextlib.suppress(InvalidTrigger):
        assert DIALECTS[dialect].read(text).in_words()


NUMBERS = {"minute": 59, "hour": 23, "day": 28, "month": 12, "weekday": 7}


@st.composite
def _crontab_lines(draw: st.DrawFn) -> str:
    fields = []
    for name, high in NUMBERS.items():
        low = 1 if name in ("day", "month") else 0
        first = draw(st.integers(low, high))
        last = draw(st.integers(first, high))
        step = draw(st.integers(1, 6))
        forms = ["*", f"*/{step}", str(first), f"{first}-{last}", f"{first},{last}"]
        fields.append(draw(st.sampled_from(forms)))
    return " ".join(fields)


@settings(max_examples=40)
@given(expression=_crontab_lines(), change=st.sampled_from(["2027-03-28", "2027-10-31"]))
def test_debian_means_what_we_mean(expression: str, change: str) -> None:
    """Our own cron and the reading of Debian's have the same fires around clock changes."""
    start = to_second(datetime.fromisoformat(f"{change}T00:00+00:00") - timedelta(days=2))
    stop = start + 5 * 86_400
    ours = Cron(expression, "Europe/Berlin").fires(to_datetime(start - 1), to_datetime(stop - 1))
    theirs = DIALECTS["debian"].read(expression).fires(BERLIN, start, stop)
    assert [to_second(fire) for fire in ours] == theirs


@settings(max_examples=40)
@given(
    expression=_crontab_lines(),
    dialect=st.sampled_from(["busybox", "bcron", "kubernetes", "apscheduler", "systemd-cron"]),
    days=st.lists(st.dates(date(2027, 1, 1), date(2028, 12, 31)), min_size=3, max_size=3),
)
def test_what_is_called_the_same_is_the_same(
    expression: str, dialect: str, days: list[date]
) -> None:
    """On any day, a trigger of the verdict SAME fires as the other scheduler does."""
    try:
        meaning = DIALECTS[dialect].read(expression)
    except InvalidTrigger:
        return
    made = translate(meaning, expression, BERLIN, NOW)
    if made.verdict is Verdict.SAME:
        assert made.trigger is not None
        for day in (*days, *(row.day for row in made.days)):
            assert day_row(meaning, made.trigger, BERLIN, day).is_same
