"""Rows of a table: a schedule and a moment, and the fires that are decided then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from flowerpower.config.overrides import RunOverrides
from flowerpower.job_queue.scheduling import (
    COALESCED,
    OVERLAP,
    QUEUE_IS_FULL,
    QUEUE_LIMIT,
    REPLACED,
    TOO_LATE,
    TOO_MANY,
)
from flowerpower.jobs.schedule import (
    Fire,
    Outcome,
    Overlap,
    Schedule,
    ScheduleSpec,
    ScheduleState,
)
from flowerpower.triggers.base import Trigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.date import Date
from flowerpower.triggers.interval import Interval

REASONS = {"coalesced": COALESCED, "late": TOO_LATE, "many": TOO_MANY, "full": QUEUE_IS_FULL,
           "replaced": REPLACED}  # fmt: skip
PAUSED, DONE = ScheduleState.PAUSED, ScheduleState.DONE


def at(text: str) -> datetime:
    """A time of UTC: `08:30` of the first of January 2026, `03-29T01:00` of 2026, or in full."""
    if "T" not in text:
        text = f"2026-01-01T{text}"
    return datetime.fromisoformat(text if text[4] == "-" else f"2026-{text}").replace(tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """A schedule as it is, the time and what is active; what the ledger is to say, and then."""

    title: str
    schedule: Schedule
    now: datetime
    active: int
    ledger: str
    then: str
    replaced: int = 0


def a_schedule(
    trigger: Trigger, since: datetime, added: datetime | None = None, **spec: Any
) -> Schedule:
    """An active schedule whose fires up to `since` were dealt with."""
    spec = ScheduleSpec(
        pipeline="report",
        trigger=trigger,
        id="mine",
        overrides=RunOverrides(inputs={"n": 3}),
        queue="slow",
        result_ttl=7.0,
        **spec,
    )
    moment = since if added is None else added
    schedule = Schedule("mine", "report", spec, ScheduleState.ACTIVE, moment, moment)
    return schedule.with_next_fire(since)


def row(
    title: str,
    trigger: Trigger,
    since: str,
    now: str,
    ledger: str,
    then: str,
    *,
    active: int = 0,
    last: str | None = None,
    added: str | None = None,
    known: dict[str, Any] | None = None,
    replaced: int = 0,
    **spec: Any,
) -> Row:
    """`then` is the next fire, "done", or "nothing" if the schedule is left alone."""
    schedule = a_schedule(trigger, at(since), added=at(added) if added else None, **spec)
    schedule = replace(schedule, last_fire=at(last) if last else None, **(known or {}))
    return Row(title, schedule, at(now), active, ledger, then, replaced)


def series(outcome: str, first: str, number: int, minutes: float = 1) -> str:
    """So many rows of the ledger, so many minutes apart."""
    times = (at(first) + timedelta(minutes=minutes * step) for step in range(number))
    return ", ".join(f"{outcome} {time:%Y-%m-%dT%H:%M:%S}" for time in times)


def fires_of(ledger: str, schedule: Schedule, now: datetime) -> list[Fire]:
    """The rows that `enqueued 00:02`, `skipped 00:02` and `missed 00:02 x3 late` stand for."""
    found = []
    for text in filter(None, ledger.split(", ")):
        outcome, time, *more = text.split()
        count = next((int(word[1:]) for word in more if word[0] == "x"), 1)
        reason = REASONS[more[-1]] if more else OVERLAP if outcome == "skipped" else None
        job_id = f"{schedule.id}-{at(time):%Y%m%dT%H%M%SZ}" if outcome == "enqueued" else None
        kind, last = Outcome(outcome), None
        if count > 1 and schedule.trigger is not None:
            times = schedule.trigger.fires(at(time) - timedelta(microseconds=1))
            last = next(islice(times, count - 1, None))
        found.append(Fire(schedule.id, at(time), kind, reason, count, job_id, now, last))
    return found


EVERY_MINUTE, AT_EIGHT = Cron("* * * * *"), Cron("0 8 * * *")
MINUTES, HOURS, HALVES = Interval(60), Interval(3600), Interval(1.5)
XMAS = Date("2026-12-25T09:00Z")

ON_TIME = [
    row("cron not yet due", EVERY_MINUTE, "00:00", "00:00:59.999999", "", "nothing"),
    row("cron exactly due", EVERY_MINUTE, "00:00", "00:01", "enqueued 00:01", "00:02"),
    row("cron a little late", EVERY_MINUTE, "00:00", "00:01:03", "enqueued 00:01", "00:02"),
    row("cron due on the other day", AT_EIGHT, "09:00", "01-02T08:00:01", "enqueued 01-02T08:00",
        "01-03T08:00"),
    row("interval not yet due", HOURS, "00:00", "00:59:59", "", "nothing"),
    row("interval exactly due", HOURS, "00:00", "01:00", "enqueued 01:00", "02:00"),
    row("interval a little late", HOURS, "00:00", "01:00:07", "enqueued 01:00", "02:00"),
    row("interval of parts of seconds", HALVES, "00:00", "00:00:01.6", "enqueued 00:00:01.500000",
        "00:00:03"),
    row("interval counts from when it was added", HOURS, "03:00", "03:20:05", "enqueued 03:20",
        "04:20", added="00:20"),
    row("interval counts from its start", Interval(3600, start=at("00:07")), "03:00", "03:08",
        "enqueued 03:07", "04:07"),
    row("date not yet due", XMAS, "00:00", "12-25T08:59:59.999999", "", "nothing"),
    row("date exactly due", XMAS, "00:00", "12-25T09:00", "enqueued 12-25T09:00", "done"),
    row("date long ago", XMAS, "00:00", "2027-06-01T00:00", "enqueued 12-25T09:00", "done"),
]  # fmt: skip

FEW: dict[str, Any] = {"coalesce": False}
MANY: dict[str, Any] = {"coalesce": False, "max_instances": 1000}
MISSED = [
    row("2 missed", EVERY_MINUTE, "00:00", "00:02:30",
        "missed 00:01 coalesced, enqueued 00:02", "00:03"),
    row("3 missed", EVERY_MINUTE, "00:00", "00:03", "missed 00:01 x2 coalesced, enqueued 00:03",
        "00:04"),
    row("3 missed of an interval", MINUTES, "00:00", "00:03:59",
        "missed 00:01 x2 coalesced, enqueued 00:03", "00:04"),
    row("100 missed", EVERY_MINUTE, "00:00", "01:40", "missed 00:01 x99 coalesced, enqueued 01:40",
        "01:41"),
    row("101 missed", EVERY_MINUTE, "00:00", "01:41", "missed 00:01 x100 coalesced, enqueued 01:41",
        "01:42"),
    row("100,000 missed", EVERY_MINUTE, "00:00", "03-11T10:40:30",
        "missed 00:01 x99999 coalesced, enqueued 03-11T10:40", "03-11T10:41"),
    row("100,000 missed of an interval", MINUTES, "00:00", "03-11T10:40:30",
        "missed 00:01 x99999 coalesced, enqueued 03-11T10:40", "03-11T10:41"),
    row("3 missed, each", EVERY_MINUTE, "00:00", "00:03", series("enqueued", "00:01", 3), "00:04",
        **MANY),
    row("100 missed, each", EVERY_MINUTE, "00:00", "01:40", series("enqueued", "00:01", 100), "01:41",
        **MANY),
    row("101 missed, the latest 100", EVERY_MINUTE, "00:00", "01:41",
        "missed 00:01 many, " + series("enqueued", "00:02", 100), "01:42", **MANY),
    row("100,000 missed, the latest 100", MINUTES, "00:00", "03-11T10:40:30",
        "missed 00:01 x99900 many, " + series("enqueued", "03-11T09:01", 100), "03-11T10:41", **MANY),
    row("100,000 missed of a cron, the latest 100", EVERY_MINUTE, "00:00", "03-11T10:40:30",
        "missed 00:01 x99900 many, " + series("enqueued", "03-11T09:01", 100), "03-11T10:41", **MANY),
]  # fmt: skip

GRACE: dict[str, Any] = {"misfire_grace_time": 60}
LATE = [
    row("grace, on time", HOURS, "00:00", "01:00", "enqueued 01:00", "02:00", misfire_grace_time=0),
    row("no grace, late", HOURS, "00:00", "01:00:00.000001", "missed 01:00 late", "02:00",
        misfire_grace_time=0),
    row("below the grace", HOURS, "00:00", "01:00:59.999999", "enqueued 01:00", "02:00", **GRACE),
    row("at the grace", HOURS, "00:00", "01:01", "enqueued 01:00", "02:00", **GRACE),
    row("above the grace", HOURS, "00:00", "01:01:00.000001", "missed 01:00 late", "02:00",
        **GRACE),
    row("date above the grace", XMAS, "00:00", "12-25T10:00", "missed 12-25T09:00 late", "done",
        **GRACE),
    row("3 missed, the latest in time", HOURS, "00:00", "03:00:30",
        "missed 01:00 x2 coalesced, enqueued 03:00", "04:00", **GRACE),
    row("3 missed, the latest too late", HOURS, "00:00", "03:30",
        "missed 01:00 x3 late", "04:00", **GRACE),
    row("3 missed, each, two in time", MINUTES, "00:00", "00:03",
        "missed 00:01 late, enqueued 00:02, enqueued 00:03", "00:04", **MANY, **GRACE),
    row("3 missed, each, all too late", HOURS, "00:00", "03:30", "missed 01:00 x3 late", "04:00",
        **MANY, **GRACE),
    row("101 missed, two in time", MINUTES, "00:00", "01:41",
        "missed 00:01 many, missed 00:02 x98 late, enqueued 01:40, enqueued 01:41", "01:42",
        **MANY, **GRACE),
    row("too late comes before overlap", HOURS, "00:00", "01:30", "missed 01:00 late", "02:00",
        active=1, **GRACE),
    row("too late, then overlap", MINUTES, "00:00", "00:03",
        "missed 00:01 late, skipped 00:02, skipped 00:03", "00:04", active=1, **FEW, **GRACE),
]  # fmt: skip

OVERLAPS = [
    row("1 of 1 active", HOURS, "00:00", "01:00", "skipped 01:00", "02:00", active=1),
    row("more than 1 active", HOURS, "00:00", "01:00", "skipped 01:00", "02:00", active=7),
    row("date, 1 of 1 active", XMAS, "00:00", "12-25T09:00", "skipped 12-25T09:00", "done",
        active=1),
    row("3 missed, 1 of 1 active", HOURS, "00:00", "03:00",
        "missed 01:00 x2 coalesced, skipped 03:00", "04:00", active=1),
    row("3 missed, each, room for 1", HOURS, "00:00", "03:00",
        "enqueued 01:00, skipped 02:00, skipped 03:00", "04:00", **FEW),
    row("100 missed, each, room for 1", MINUTES, "00:00", "01:40",
        "enqueued 00:01, " + series("skipped", "00:02", 99), "01:41", **FEW),
    row("2 at once, 0 active", HOURS, "00:00", "03:00", "enqueued 01:00, enqueued 02:00, skipped 03:00",
        "04:00", max_instances=2, **FEW),
    row("2 at once, 1 active", HOURS, "00:00", "03:00",
        "enqueued 01:00, skipped 02:00, skipped 03:00", "04:00", active=1, max_instances=2, **FEW),
    row("2 at once, 2 active", HOURS, "00:00", "03:00", series("skipped", "01:00", 3, 60), "04:00",
        active=2, max_instances=2, **FEW),
    row("2 at once, 1 active, one due", HOURS, "00:00", "01:00", "enqueued 01:00", "02:00", active=1,
        max_instances=2),
    row("5 at once, 0 active", HOURS, "00:00", "07:00",
        series("enqueued", "01:00", 5, 60) + ", skipped 06:00, skipped 07:00", "08:00",
        max_instances=5, **FEW),
    row("5 at once, 3 active", HOURS, "00:00", "04:00",
        "enqueued 01:00, enqueued 02:00, skipped 03:00, skipped 04:00", "05:00", active=3,
        max_instances=5, **FEW),
    row("5 at once, 5 active", HOURS, "00:00", "01:00", "skipped 01:00", "02:00", active=5,
        max_instances=5),
]  # fmt: skip

QUEUE: dict[str, Any] = {"overlap": Overlap.QUEUE}
REPLACE: dict[str, Any] = {"overlap": Overlap.REPLACE}
POLICIES = [
    row("queue, 0 active", HOURS, "00:00", "01:00", "enqueued 01:00", "02:00", **QUEUE),
    row("queue, 1 of 1 active", HOURS, "00:00", "01:00", "enqueued 01:00", "02:00", active=1, **QUEUE),
    row("queue, nearly full", HOURS, "00:00", "01:00", "enqueued 01:00", "02:00",
        active=QUEUE_LIMIT, **QUEUE),
    row("queue, full", HOURS, "00:00", "01:00", "skipped 01:00 full", "02:00",
        active=QUEUE_LIMIT + 1, **QUEUE),
    row("queue, 2 at once, full", HOURS, "00:00", "02:00",
        "enqueued 01:00, skipped 02:00 full", "03:00", active=QUEUE_LIMIT + 1, max_instances=2,
        **QUEUE, **FEW),
    row("queue, 100 missed, each", MINUTES, "00:00", "01:40", series("enqueued", "00:01", 100),
        "01:41", active=1, **QUEUE, **FEW),
    row("replace, 0 active", HOURS, "00:00", "01:00", "enqueued 01:00", "02:00", **REPLACE),
    row("replace, 1 of 1 active", HOURS, "00:00", "01:00", "enqueued 01:00", "02:00", active=1,
        replaced=1, **REPLACE),
    row("replace, one ends and one waits", HOURS, "00:00", "01:00", "enqueued 01:00", "02:00",
        active=2, replaced=2, **REPLACE),
    row("replace, 1 of 2 active", HOURS, "00:00", "01:00", "enqueued 01:00", "02:00", active=1,
        max_instances=2, **REPLACE),
    row("replace, 2 of 2 active", HOURS, "00:00", "01:00", "enqueued 01:00", "02:00", active=2,
        max_instances=2, replaced=1, **REPLACE),
    row("replace, 3 missed, each", HOURS, "00:00", "03:00",
        "skipped 01:00 replaced, skipped 02:00 replaced, enqueued 03:00", "04:00", active=1,
        replaced=1, **REPLACE, **FEW),
    row("replace, 3 missed, each, 2 at once", HOURS, "00:00", "03:00",
        "skipped 01:00 replaced, enqueued 02:00, enqueued 03:00", "04:00", active=1,
        max_instances=2, replaced=1, **REPLACE, **FEW),
    row("replace, 2 missed, 5 at once", HOURS, "00:00", "02:00", "enqueued 01:00, enqueued 02:00",
        "03:00", active=1, max_instances=5, **REPLACE, **FEW),
    row("replace, too late to be made", HOURS, "00:00", "01:30", "missed 01:00 late", "02:00",
        active=1, misfire_grace_time=60, **REPLACE),
]  # fmt: skip

BOUNDED = Cron("0 * * * *", start=at("02:00"), end=at("05:00"))
COUNTED = Interval(3600, start=at("02:00"), end=at("05:30"))
BOUNDS = [
    row("cron before its start", BOUNDED, "00:00", "01:59:59", "", "nothing"),
    row("cron at its start", BOUNDED, "00:00", "02:00", "enqueued 02:00", "03:00"),
    row("cron at its end", BOUNDED, "04:00", "05:00", "enqueued 05:00", "done"),
    row("cron after its end", BOUNDED, "00:00", "09:00", "missed 02:00 x3 coalesced, enqueued 05:00",
        "done"),
    row("interval at its start", COUNTED, "00:00", "02:00", "", "nothing"),
    row("interval after its start", COUNTED, "00:00", "03:00", "enqueued 03:00", "04:00"),
    row("interval after its end", COUNTED, "00:00", "05:40", series("enqueued", "03:00", 3, 60), "done",
        **MANY),
    row("after its end, too late", COUNTED, "04:00", "09:00", "missed 05:00 late", "done",
        **GRACE),
]  # fmt: skip

STATES = [
    row("paused", HOURS, "00:00", "05:00", "", "nothing", known={"state": PAUSED}),
    row("paused, without a next fire", HOURS, "00:00", "05:00", "", "nothing",
        known={"state": PAUSED, "next_fire": None, "due_at": None}),
    row("paused, clock set back", HOURS, "05:00", "00:00", "", "nothing", last="05:00",
        known={"state": PAUSED}),
    row("done", HOURS, "00:00", "05:00", "", "nothing", known={"state": DONE}),
    row("date that is done", XMAS, "2027-01-01T00:00", "2027-01-01T00:00", "", "nothing",
        last="12-25T09:00"),
    row("date that is done, clock set back", XMAS, "2027-01-01T00:00", "00:00", "", "nothing",
        last="12-25T09:00"),
    row("cannot be read", HOURS, "00:00", "05:00", "", "nothing",
        known={"spec": None, "fault": "It is damaged."}),
    row("active, without a next fire", HOURS, "00:00", "05:00", "", "nothing",
        known={"next_fire": None, "due_at": None}),
]  # fmt: skip

SECONDS = Interval(1, start=at("00:00"))
JUMPS = [
    row("forward an hour", EVERY_MINUTE, "00:00", "01:00:20",
        "missed 00:01 x59 coalesced, enqueued 01:00", "01:01", last="00:00"),
    row("forward a day", EVERY_MINUTE, "00:00", "01-02T00:00:20",
        "missed 00:01 x1439 coalesced, enqueued 01-02T00:00", "01-02T00:01", last="00:00"),
    row("forward a day, interval", HOURS, "00:00", "01-02T00:59",
        "missed 01:00 x23 coalesced, enqueued 01-02T00:00", "01-02T01:00", last="00:00"),
    row("back an hour", EVERY_MINUTE, "05:00", "04:00:20", "", "04:01", last="05:00"),
    row("back a day", EVERY_MINUTE, "01-02T05:00", "05:00:20", "", "05:01", last="01-02T05:00"),
    row("back a day, daily", AT_EIGHT, "01-03T08:00", "01-02T08:00:05", "", "01-03T08:00",
        last="01-03T08:00"),
    row("back an hour, interval with a start", Interval(600, start=at("00:05")), "05:05",
        "04:06", "", "04:15", last="05:05"),
    row("back an hour, interval from before", Interval(600), "05:00", "04:03", "", "04:10",
        last="05:00", added="00:00"),
    row("back a day, interval from what is ahead", Interval(600), "01-02T05:00",
        "05:00:20.5", "", "05:10:20", last="01-02T05:10"),
    row("back before the start", BOUNDED, "03:00", "01:00", "", "02:00", last="03:00"),
    row("back an hour, all active", HOURS, "05:00", "04:10", "", "05:00", last="05:00",
        added="00:00", active=1),
    row("back 5 s", SECONDS, "00:01", "00:00:55", "", "nothing", last="00:01"),
    row("back 10 s", SECONDS, "00:01", "00:00:50", "", "nothing", last="00:01"),
    row("back more than 10 s", SECONDS, "00:01", "00:00:49.999999", "", "00:00:50", last="00:01"),
    row("back, not below the last fire", HOURS, "05:00", "05:10", "", "nothing", last="05:00"),
    row("ahead 5 s of another scheduler", SECONDS, "00:01", "00:01:05", series("enqueued", "00:01:01", 5, 1 / 60),
        "00:01:06", last="00:01", **MANY),
]  # fmt: skip


def berlin(expression: str) -> Cron:
    return Cron(expression, "Europe/Berlin")


def new_york(expression: str) -> Cron:
    return Cron(expression, "America/New_York")


def apia(expression: str) -> Cron:
    return Cron(expression, "Pacific/Apia")


HALF_PAST_TWO, QUARTERS = "30 2 * * *", "0,15,30,45 2 * * *"
CLOCK_CHANGES = [
    row("Berlin, gap, before it", berlin(HALF_PAST_TWO), "03-28T12:00", "03-29T00:59:59", "",
        "nothing"),
    row("Berlin, gap, made up", berlin(HALF_PAST_TWO), "03-28T12:00", "03-29T01:00",
        "enqueued 03-29T01:00", "03-30T00:30"),
    row("Berlin, gap, many at once", berlin(QUARTERS), "03-28T12:00", "03-29T01:00",
        "enqueued 03-29T01:00", "03-30T00:00", **MANY),
    row("Berlin, gap, every minute", berlin("* * * * *"), "03-29T00:57", "03-29T01:02",
        series("enqueued", "03-29T00:58", 5), "03-29T01:03", **MANY),
    row("Berlin, gap, the minutes of its hour", berlin("* 2 * * *"), "03-28T12:00",
        "03-29T09:00", "", "nothing"),
    row("Berlin, repeat, the first time", berlin(HALF_PAST_TWO), "10-24T12:00", "10-25T00:30",
        "enqueued 10-25T00:30", "10-26T01:30"),
    row("Berlin, repeat, not again", berlin(HALF_PAST_TWO), "10-25T00:30", "10-25T03:00", "",
        "nothing", last="10-25T00:30"),
    row("Berlin, repeat, down over both", berlin(HALF_PAST_TWO), "10-24T12:00", "10-25T03:00",
        "enqueued 10-25T00:30", "10-26T01:30", **MANY),
    row("Berlin, repeat, every hour", berlin("30 * * * *"), "10-25T00:00", "10-25T02:00",
        series("enqueued", "10-25T00:30", 2, 60), "10-25T02:30", **MANY),
    row("Berlin, repeat, every minute", berlin("* * * * *"), "10-25T00:00", "10-25T02:00",
        "missed 10-25T00:01 x119 coalesced, enqueued 10-25T02:00", "10-25T02:01"),
    row("New York, gap, made up", new_york(HALF_PAST_TWO), "03-07T12:00", "03-08T07:00:01",
        "enqueued 03-08T07:00", "03-09T06:30"),
    row("New York, gap, every minute", new_york("* * * * *"), "03-08T06:00", "03-08T08:00",
        "missed 03-08T06:01 x119 coalesced, enqueued 03-08T08:00", "03-08T08:01"),
    row("New York, repeat, the first time", new_york("30 1 * * *"), "10-31T12:00", "11-01T05:30",
        "enqueued 11-01T05:30", "11-02T06:30"),
    row("New York, repeat, not again", new_york("30 1 * * *"), "11-01T05:30", "11-01T08:00", "",
        "nothing", last="11-01T05:30"),
    row("New York, repeat, every minute", new_york("* * * * *"), "11-01T05:58", "11-01T06:02",
        series("enqueued", "11-01T05:59", 4), "11-01T06:03", **MANY),
    row("Apia, the lost day", apia("0 12 * * *"), "2011-12-28T23:00", "2011-12-30T22:00",
        "enqueued 2011-12-29T22:00, enqueued 2011-12-30T22:00", "2011-12-31T22:00", **MANY),
    row("Apia, nothing made up", apia("0 12 * * *"), "2011-12-29T22:00", "2011-12-30T21:59", "",
        "nothing"),
    row("Apia, every minute", apia("* * * * *"), "2011-12-30T09:00", "2011-12-30T11:00",
        "missed 2011-12-30T09:01 x119 coalesced, enqueued 2011-12-30T11:00", "2011-12-30T11:01"),
    row("interval of a day over a gap", Interval(86_400, "Europe/Berlin"), "03-28T12:00",
        "03-29T12:00", "enqueued 03-29T12:00", "03-30T12:00"),
    row("date in a gap", Date("2026-03-29T02:30", "Europe/Berlin"), "00:00", "03-29T01:00",
        "enqueued 03-29T01:00", "done"),
    row("date in a repeat", Date("2026-10-25T02:30", "Europe/Berlin"), "00:00", "10-25T00:30",
        "enqueued 10-25T00:30", "done"),
]  # fmt: skip

ROWS = [*ON_TIME, *MISSED, *LATE, *OVERLAPS, *POLICIES, *BOUNDS, *STATES, *JUMPS, *CLOCK_CHANGES]
