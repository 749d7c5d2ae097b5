import random
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from croniter import croniter

from flowerpower.errors import (
    InvalidDuration,
    InvalidTime,
    InvalidTimezone,
    InvalidTrigger,
)
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.cron_fields import LAST, parse
from flowerpower.triggers.cron_grammar import MACROS, normalise
from flowerpower.triggers.make import make_trigger, trigger_from_json
from flowerpower.triggers.wall_times import wall_times_of
from tests.conditions import slowed
from tests.unit.cron_oracle import DAYS, MONTHS, random_expressions

ALL_DAYS = set(range(1, 32))


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("minutes", "*/20 * * * *", {0, 20, 40}),
        ("minutes", "5/20 * * * *", {5, 25, 45}),
        ("minutes", "*/60 * * * *", {0}),
        ("minutes", "5-5 * * * *", {5}),
        ("minutes", "5-9/9 * * * *", {5}),
        ("minutes", "1,1,2-4 * * * *", {1, 2, 3, 4}),
        ("minutes", "059 * * * *", {59}),
        ("hours", "0 9-17/4 * * *", {9, 13, 17}),
        ("days", "0 0 */10 * *", {1, 11, 21, 31}),
        ("days", "0 0 L,15 * *", {15}),
        ("months", "0 0 * jan,MAR-5 *", {1, 3, 4, 5}),
        ("months", "0 0 * NOV/1 *", {11, 12}),
        ("weekdays", "0 0 * * 0", {0}),
        ("weekdays", "0 0 * * 7", {0}),
        ("weekdays", "0 0 * * 5-7", {0, 5, 6}),
        ("weekdays", "0 0 * * FRI-SUN", {0, 5, 6}),
        ("weekdays", "0 0 * * SUN-TUE", {0, 1, 2}),
        ("weekdays", "0 0 * * SUN-SUN", {0}),
        ("weekdays", "0 0 * * 0-7", set(range(7))),
        ("weekdays", "0 0 * * */2", {0, 2, 4, 6}),
        ("weekdays", "0 0 * * */7", {0}),
        ("weekdays", "0 0 * * 3/2", {3, 5}),
        ("weekdays", "0 0 * * MON-5", {1, 2, 3, 4, 5}),
        ("nth_weekdays", "0 0 * * 5#2,SUN#1,7L", {(5, 2), (0, 1), (0, LAST)}),
        ("nth_weekdays", "0 0 * * friL", {(5, LAST)}),
    ],
)
def test_fields(field: str, text: str, expected: set[object]) -> None:
    """A field allows the numbers that its lists, ranges, steps and names say."""
    assert getattr(parse(normalise(text)), field) == expected


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("0 0 13 * 5", False),
        ("0 0 13 * *", True),
        ("0 0 * * 5", True),
        ("0 0 */2 * 5", True),
        ("0 0 13 * */2", True),
        ("0 0 1-31/2 * 5", False),
        ("0 0 13,*/7 * 5", False),
    ],
)
def test_day_rule(text: str, both: bool) -> None:
    """A day satisfies both day fields if one begins with `*`, and either of them otherwise."""
    assert parse(text).both_days is both


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* 2 * * *", True),
        ("*/5 2 * * *", True),
        ("0 */2 * * *", True),
        ("0 * * * *", True),
        ("0-59 0-23 * * *", False),
        ("0,*/5 2 * * *", False),
        ("@hourly", True),
        ("@daily", False),
    ],
)
def test_follows_real_time(text: str, expected: bool) -> None:
    """An expression follows real time if its minute or its hour begins with `*`."""
    assert parse(normalise(text)).is_wildcard is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  0\t8  * *   mon-Fri\n", "0 8 * * MON-FRI"),
        ("@HOURLY", "@hourly"),
        ("0 0 l * 5l", "0 0 L * 5L"),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    """Blanks and case make no difference between two expressions."""
    assert normalise(text) == expected
    assert Cron(text) == Cron(expected)


@pytest.mark.parametrize(("macro", "expression"), MACROS.items())
def test_macros(macro: str, expression: str) -> None:
    """An `@` form allows what the five fields it stands for allow."""
    assert parse(macro) == parse(expression)


REFUSED = [
    ("", "has 0 fields; expected five: minute, hour, day of month, month, day of week."),
    ("* * * *", "has 4 fields; expected five"),
    ("0 * * * * *", "has 6 fields; expected five: .* Seconds and years are not part"),
    ("0 0 12 * * ? 2026", "has 7 fields; expected five: .* Seconds and years are not part"),
    ("H * * * *", "minute: 'H' asks for a random or hashed number.*expected 0-59"),
    ("0 H(1-5)/2 * * *", "hour: .* asks for a random or hashed number.*expected 0-23"),
    ("0 0 R * *", "day of month: 'R' asks for a random or hashed number.*expected 1-31 or L"),
    ("0 0 ? * 1", "day of month: '\\?' is not supported.*Write '\\*' for any"),
    ("0 0 15W * *", "day of month: '15W' asks for the nearest working day"),
    ("0 0 LW * *", "day of month: 'LW' asks for the nearest working day"),
    ("0 0 L-3 * *", "day of month: 'L-3' .* L stands alone"),
    ("0 0 * * L", "day of week: 'L' is not supported.*Write '5L'"),
    ("0 0 * * L3", "day of week: 'L3' is not supported.*Write '3L'"),
    ("0 0 * * 5#6", "day of week: '5#6' counts weekdays of the month from #1 to #5"),
    ("0 0 * * 5#0", "day of week: '5#0' counts weekdays"),
    ("0 0 * * 1-5#2", "day of week: '1-5#2' is not known"),
    ("0 0 * * 5-1", "day of week: '5-1' runs backwards; expected 0-7 or SUN-SAT"),
    ("0 0 * * FRI-MON", "day of week: 'FRI-MON' runs backwards"),
    ("0 0 * * 7-2", "day of week: '7-2' runs backwards"),
    ("30-10 * * * *", "minute: '30-10' runs backwards; expected 0-59"),
    ("0 0 * DEC-JAN *", "month: 'DEC-JAN' runs backwards; expected 1-12 or JAN-DEC"),
    ("60 * * * *", "minute: '60' is out of range; expected 0-59"),
    ("0 24 * * *", "hour: '24' is out of range; expected 0-23"),
    ("0 0 0 * *", "day of month: '0' is out of range; expected 1-31 or L"),
    ("0 0 32 * *", "day of month: '32' is out of range"),
    ("0 0 * 13 *", "month: '13' is out of range; expected 1-12 or JAN-DEC"),
    ("0 0 * * 8", "day of week: '8' is out of range; expected 0-7 or SUN-SAT"),
    ("0 0 * * MNO", "day of week: 'MNO' is not known.*Did you mean 'MON'"),
    ("0 0 * * monday", "day of week: 'MONDAY' is not known.*Did you mean 'MON'"),
    ("0 0 * JUNE *", "month: 'JUNE' is not known.*Did you mean 'JUN'"),
    ("0 0 * * FOO", "day of week: 'FOO' is not known; expected 0-7 or SUN-SAT .*5L\\.$"),
    ("MON * * * *", "minute: 'MON' is not known; expected 0-59"),
    ("*/0 * * * *", "minute: '\\*/0' has a step other than 1 to 60"),
    (
        "*/90 * * * *",
        "minute: '\\*/90' has a step other than 1 to 60.*Use --interval 90m \\(in YAML: interval: 90m",
    ),
    ("0 */36 * * *", "hour: '\\*/36' has a step other than 1 to 24.* Use --interval 36h "),
    ("0 0 */45 * *", "day of month: '\\*/45' has a step other than 1 to 31.* Use --interval 45d "),
    ("0 0 1 */18 *", "month: '\\*/18' has a step other than 1 to 12; expected 1-12 or JAN-DEC.$"),
    ("@every 5m", "'@every 5m' is an interval.* Use --interval 5m "),
    (
        "CRON_TZ=Asia/Tokyo 0 8 * * *",
        "the time zone is not part .* Write '0 8 \\* \\* \\*' and use --timezone Asia/Tokyo ",
    ),
    ("TZ=UTC @daily", "Write '@daily' and use --timezone UTC "),
    ("0 8 * * 1-5 root /usr/bin/backup", "7 fields; .* A user or a command, as in a crontab"),
    ("0 8 * * 1-5 backup.sh", "6 fields; .* A user or a command, as in a crontab"),
    ("0 0 8 * * MON", "6 fields; .* Seconds and years are not part of this cron"),
    ("0 0 8 ? * MON-FRI 2027/2", "7 fields; .* Seconds and years are not part of this cron"),
    ("*/-1 * * * *", "minute: '\\*/-1' has a step"),
    ("*/ * * * *", "minute: '\\*/' has a step"),
    ("*/5/5 * * * *", "minute: '\\*/5/5' has a step"),
    ("1,,2 * * * *", "minute: '' is an empty part of a list"),
    (", * * * *", "minute: '' is an empty part of a list"),
    ("-1 * * * *", "minute: '-1' is not known"),
    ("1- * * * *", "minute: '1-' is not known"),
    ("1--2 * * * *", "minute: '1--2' is not known"),
    ("*5 * * * *", "minute: '\\*5' is not known"),
    ("1_0 * * * *", "minute: '1_0' is not known"),
    ("1.5 * * * *", "minute: '1.5' is not known"),
    ("+1 * * * *", "minute: '\\+1' is not known"),
    ("0x1 * * * *", "minute: '0X1' is not known"),
    ("99999999999 * * * *", "minute: '99999999999' is not known"),
    ("@reboot", "'@reboot' is no time to fire at; expected one of @hourly"),
    ("@dayly", "'@dayly' is not known.*Did you mean '@daily'"),
    ("@", "'@' is not known; expected five fields or one of @hourly"),
    ("0 0 30 2 *", "never fires: no date matches day of month '30', month '2'"),
    ("0 0 31 2,4,6,9,11 *", "never fires"),
    ("0 0 */5 2 5#5", "never fires"),
    ("\u0665 * * * *", r"'\\u0665 \* \* \* \*': only printable ASCII is allowed"),
    ("0 0 * * *\u00a0", "only printable ASCII"),
    ("0 8\n* * *", r"'0 8\\n\* \* \*': only printable ASCII"),
    ("\x1b[31m * * * *", r"\\x1b\[31m"),
    ("0 0 * * *\x00", r"\\x00"),
    ("*" * 201, "has 201 characters; at most 200 are allowed"),
]


@pytest.mark.fault("hostile-cron")
@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused(text: str, message: str) -> None:
    """What is not this cron is refused in a sentence with the field and what it may hold."""
    with pytest.raises(InvalidTrigger) as caught:
        Cron(text)
    assert re.search(message, str(caught.value)), caught.value
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


@pytest.mark.fault("hostile-cron")
@pytest.mark.parametrize("garbage", [None, 5, 5.0, True, b"* * * * *", [], {}, object(), Cron])
def test_not_text(garbage: object) -> None:
    """Whatever is not text is an InvalidTrigger that says what came."""
    with pytest.raises(InvalidTrigger, match=f"this is {type(garbage).__name__}"):
        Cron(garbage)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("0 0 L * *", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        ("0 0 15,L 2 *", ["2024-02-15", "2024-02-29", "2025-02-15", "2025-02-28"]),
        ("0 0 * * 5#2", ["2024-01-12", "2024-02-09", "2024-03-08", "2024-04-12"]),
        ("0 0 * * 5#5", ["2024-03-29", "2024-05-31", "2024-08-30", "2024-11-29"]),
        ("0 0 * * 5L", ["2024-01-26", "2024-02-23", "2024-03-29", "2024-04-26"]),
        ("0 0 1 * 5#2", ["2024-01-01", "2024-01-12", "2024-02-01", "2024-02-09"]),
        ("0 0 13 * FRI", ["2024-01-05", "2024-01-12", "2024-01-13", "2024-01-19"]),
        ("0 0 */2 * MON", ["2024-01-01", "2024-01-15", "2024-01-29", "2024-02-05"]),
        ("0 0 * * MON,5#2", ["2024-01-01", "2024-01-08", "2024-01-12", "2024-01-15"]),
        ("0 0 29 2 */7", ["2032-02-29", "2060-02-29", "2088-02-29", "2128-02-29"]),
        ("0 0 29 2 *", ["2024-02-29", "2028-02-29", "2032-02-29", "2036-02-29"]),
        ("0 0 31 2-4 *", ["2024-03-31", "2025-03-31", "2026-03-31", "2027-03-31"]),
    ],
)
def test_dates(text: str, dates: list[str]) -> None:
    """Last days, nth weekdays, and both day rules name the dates of the calendar on the wall."""
    fires = islice(Cron(text).fires(datetime(2023, 12, 31, 23, tzinfo=UTC)), 4)
    assert [f"{fire:%Y-%m-%d}" for fire in fires] == dates


def _croniter_reads_alike(expression: str) -> bool:
    """Whether croniter is known to give the expression the meaning of cron(8).

    Where it does not, see test_croniter_traps.py.
    """
    if expression.startswith("@"):
        return True
    for names, first in ((MONTHS, 1), (DAYS, 0)):
        for number, name in enumerate(names, first):
            expression = expression.replace(name, str(number))
    _, _, day, _, weekday = expression.split()
    if re.search(r"\b(\d+)-\1\b", expression):
        return False
    return not ("#" in weekday and (day != "*" or "," in weekday)) and "L" not in weekday


def test_readings_against_croniter() -> None:
    """Wall times are those of croniter wherever croniter reads cron as cron does."""
    seed = random.randrange(2**32)
    print("seed", seed)
    dice = random.Random(seed)
    compared = 0
    for expression in random_expressions(seed):
        if not _croniter_reads_alike(expression):
            continue
        begin = datetime(2020, 1, 1) + timedelta(minutes=dice.randrange(5_000_000))
        theirs = croniter(expression, begin, ret_type=datetime, implement_cron_bug=True)
        try:
            expected = [theirs.get_next() for _ in range(5)]
        except ValueError:
            with pytest.raises(InvalidTrigger, match="never fires"):
                Cron(expression)
            continue
        fires = list(islice(Cron(expression).fires(begin.replace(tzinfo=UTC)), 5))
        assert [fire.replace(tzinfo=None) for fire in fires] == expected, expression
        backwards = Cron(expression).previous(fires[-1])
        assert backwards == fires[-2], expression
        compared += 1
        if compared == 1_000:
            return


def test_random_expressions_are_accepted() -> None:
    """Of 5,000 expressions made by the rules none is refused, but for those that never fire."""
    seed = random.randrange(2**32)
    print("seed", seed)
    refusals: list[str] = []
    for expression in islice(random_expressions(seed), 5_000):
        try:
            Cron(expression)
        except InvalidTrigger as error:
            refusals.append(str(error))
    assert [text for text in refusals if "never fires" not in text] == []


PIECES = [
    *"0123456789*,-/#LWHR?@ \t\n\r\x00\x1b\x7f.:+PTZ",
    *["JAN", "MON", "SUN", "*/5", "1-5", "0 0 * * ", "* * * * *", "@daily", "5#2", "99", "-1"],
    *[
        "2026-03-29",
        "T02:30",
        "+01:00",
        "PT1H",
        "1h30m",
        "90s",
        "1e9",
        "nan",
        "inf",
        "\u0665",
        "\u202e",
    ],
    *["[/]", "%s", "{}", "'", '"', "\\", "\ud800", "🎉", "None", "9" * 30, "a" * 300],
]
THINGS: list[object] = [
    *[None, True, False, 0, -1, 10**30, 1.5, float("nan"), float("inf"), -0.0, b"* * * * *"],
    *[[], {}, (), object(), datetime(2026, 1, 1, tzinfo=UTC), datetime.max, timedelta(1), 1j],  # noqa: DTZ901
]
DOCUMENTED = (InvalidTrigger, InvalidDuration, InvalidTime, InvalidTimezone)


def _malformed(seed: int) -> Iterator[object]:
    dice = random.Random(seed)
    valid = random_expressions(seed)
    while True:
        kind = dice.random()
        if kind < 0.05:
            yield dice.choice(THINGS)
        elif kind < 0.45:
            text = list(next(valid))
            for _ in range(dice.randint(1, 3)):
                text.insert(dice.randint(0, len(text)), dice.choice(PIECES))
            yield "".join(text)
        elif kind < 0.55:
            yield "".join(chr(dice.randrange(0x250)) for _ in range(dice.randint(0, 40)))
        else:
            yield "".join(dice.choices(PIECES, k=dice.randint(1, 12)))


def _attempt(call: Callable[[], object]) -> tuple[float, bool]:
    """Seconds it took, and whether it was refused."""
    begin = time.perf_counter()
    message = ""
    try:
        call()
    except DOCUMENTED as error:
        message = str(error)
    took = time.perf_counter() - begin
    assert message.isprintable(), message
    return took, message != ""


@pytest.mark.fault("hostile-cron", "hostile-dates", "hostile-zones")
@pytest.mark.parametrize("count", [6_000, pytest.param(24_000, marks=pytest.mark.faults)])
def test_malformed_triggers(count: int) -> None:
    """Thousands of malformed triggers raise the documented errors alone, each within 50 ms."""
    seed = random.randrange(2**32)
    print("seed", seed)
    dice = random.Random(seed)
    moment = datetime(2026, 3, 28, tzinfo=UTC)
    refused = 0
    for thing in islice(_malformed(seed), count):
        key = dice.choice(["cron", "cron", "cron", "interval", "date", "start", "timezone"])
        keywords = {"timezone": "Europe/Berlin", key: thing}
        if key in ("start", "timezone"):
            keywords["interval"] = "1h"
        make = make_trigger if dice.random() < 0.7 else _from_json

        def call(
            make: Callable[..., object] = make, keywords: dict[str, object] = keywords
        ) -> None:
            trigger = make(**keywords)
            trigger.next_after(moment)  # type: ignore[attr-defined]
            trigger.in_words()  # type: ignore[attr-defined]

        took, was_refused = _attempt(call)
        refused += was_refused
        if took > 0.05:
            # A busy machine is no fault of the trigger: measured again, the quickest counts.
            wall_times_of.cache_clear()
            took = min(_attempt(call)[0] for _ in range(3))
        assert took <= slowed(0.05), (keywords, took)
    assert refused > 0.8 * count


def _from_json(**keywords: object) -> object:
    return trigger_from_json(keywords)
