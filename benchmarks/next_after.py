"""How long the next fire of a cron expression takes, beside croniter and APScheduler.

    python benchmarks/next_after.py

*Fresh*: every call asks about another minute, so nothing is remembered. *Again*: every call asks
about the same minute, as when many schedules of one kind come due together. All three are built
beforehand and are asked with an aware time; each call is timed on its own, the three in turn.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from rich.console import Console
from rich.table import Table

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.cron_fields import _expand
from flowerpower.triggers.instants import first_fire_after_minute
from flowerpower.triggers.interval import Interval
from flowerpower.triggers.transitions import _year
from flowerpower.triggers.wall_times import wall_times_of

ZONE = "Europe/Berlin"
CALLS = 2_000
EXPRESSIONS: dict[str, dict[str, str]] = {
    # expression: the same for APScheduler, whose week begins on Monday and which knows no L or #
    "* * * * *": {},
    "*/5 * * * *": {"minute": "*/5"},
    "0 * * * *": {"minute": "0"},
    "30 2 * * *": {"hour": "2", "minute": "30"},
    "0 8 * * 1-5": {"day_of_week": "mon-fri", "hour": "8", "minute": "0"},
    "*/15 9-17 * * 1-5": {"day_of_week": "mon-fri", "hour": "9-17", "minute": "*/15"},
    "0 0 1 * *": {"day": "1", "hour": "0", "minute": "0"},
    "0 0 L * *": {"day": "last", "hour": "0", "minute": "0"},
    "0 0 * * 5#2": {"day": "2nd fri", "hour": "0", "minute": "0"},
    "0 0 29 2 *": {"month": "2", "day": "29", "hour": "0", "minute": "0"},
}
Ask = Callable[[datetime], object]


def _askers(expression: str) -> dict[str, Ask]:
    zone = ZoneInfo(ZONE)
    ours = Cron(expression, ZONE)
    theirs = croniter(expression, datetime.now(zone), implement_cron_bug=True)
    fields = EXPRESSIONS[expression] or {"minute": "*"}
    trigger = CronTrigger(timezone=zone, **fields)
    return {
        "flowerpower": ours.next_after,
        "croniter": lambda moment: theirs.get_next(datetime, start_time=moment),
        "APScheduler": lambda moment: trigger.get_next_fire_time(None, moment),
    }


def _times(askers: dict[str, Ask], moments: list[datetime]) -> dict[str, list[float]]:
    """Microseconds of each call; libraries take turns, so that a slow spell hits all."""
    taken: dict[str, list[float]] = {name: [] for name in askers}
    for moment in moments:
        for name, ask in askers.items():
            begin = time.perf_counter_ns()
            ask(moment)
            taken[name].append((time.perf_counter_ns() - begin) / 1_000)
    return taken


def _median_and_p99(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def compare(console: Console) -> None:
    """Print median and 99th percentile by expression, and how many times as long others take."""
    dice = random.Random(1)
    begin = datetime(2026, 1, 1, tzinfo=ZoneInfo(ZONE))
    table = Table(title=f"Next fire in {ZONE}, µs (median / p99), {CALLS} calls each")
    for column in (
        "expression",
        "asked",
        "flowerpower",
        "croniter",
        "times",
        "APScheduler",
        "times",
    ):
        table.add_column(column, justify="left" if column in ("expression", "asked") else "right")
    for expression in EXPRESSIONS:
        askers = _askers(expression)
        for year in range(2026, 2033):
            askers["flowerpower"](begin.replace(year=year))
        minutes = dice.sample(range(525_600), CALLS)
        fresh = [begin + timedelta(minutes=minute, seconds=17) for minute in minutes]
        first_fire_after_minute.cache_clear()
        for asked, moments in (("fresh", fresh), ("again", fresh[:1] * CALLS)):
            found = {n: _median_and_p99(t) for n, t in _times(askers, moments).items()}
            ours = found["flowerpower"]
            row = [expression, asked, f"{ours[0]:.1f} / {ours[1]:.1f}"]
            for name in ("croniter", "APScheduler"):
                median, slow = found[name]
                row += [f"{median:.1f} / {slow:.1f}", f"{median / ours[0]:.1f}"]
            table.add_row(*row)
    console.print(table)


def once_only(console: Console) -> None:
    """Print what is paid once (for an expression, for a zone's year) and what catching up costs."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    later = start + timedelta(seconds=100_000)
    months = start + timedelta(minutes=100_000)
    cron = Cron("* * * * *", ZONE)
    interval = Interval(1, start=start)
    texts = [f"{minute} {hour} * * 1-5" for minute in range(60) for hour in range(24)]
    table = Table(title="One by one, µs (median)")
    table.add_column("what")
    table.add_column("µs", justify="right")

    def add(what: str, call: Callable[[], object], prepare: Callable[[], object] | None) -> None:
        taken: list[float] = []
        for _ in range(200):
            if prepare:
                prepare()
            begin = time.perf_counter_ns()
            call()
            taken.append((time.perf_counter_ns() - begin) / 1_000)
        table.add_row(what, f"{statistics.median(taken):.1f}")

    new = iter(texts)
    zone = ZoneInfo(ZONE)
    add("a new expression of fields known before", lambda: Cron(next(new), ZONE), None)
    add("a new expression of new fields", lambda: Cron(next(new), ZONE), _expand.cache_clear)
    add("an expression known before", lambda: Cron("0 8 * * 1-5", ZONE), None)
    add("an expression that never fires", _never, wall_times_of.cache_clear)
    add("the clock changes of a zone's year", lambda: _year(zone, 56), _year.cache_clear)
    cron.count(start, months)
    add("latest of 100,000 missed, cron", lambda: cron.previous(months), None)
    add("number of 100,000 missed, cron", lambda: cron.count(start, months), None)
    add("latest of 100,000 missed, interval", lambda: interval.previous(later), None)
    add("number of 100,000 missed, interval", lambda: interval.count(start, later), None)
    console.print(table)


def _never() -> None:
    with suppress(InvalidTrigger):
        Cron("0 0 30 2 *", ZONE)


if __name__ == "__main__":
    screen = Console(width=120)
    compare(screen)
    once_only(screen)
