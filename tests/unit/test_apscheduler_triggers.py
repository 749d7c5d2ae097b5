"""Our triggers in schedulers of a user's own: APScheduler's classes, with its own job stores."""

from __future__ import annotations

import copy
import io
import json
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import timezone as fixed_zone
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.schedulers import base as apscheduler_base
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger

from flowerpower.errors import FlowerpowerError
from flowerpower.job_queue.apscheduler.triggers import (
    CronTrigger,
    DateTrigger,
    EveryTrigger,
    IntervalTrigger,
)
from tests.conditions import eventually
from tests.servers import RedisServer

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
TRIGGERS = [
    CronTrigger("0 8 * * 1-5", timezone="Europe/Berlin"),
    CronTrigger("*/5 * * * *", timezone=BERLIN, start="2026-01-01", end="2027-01-01", jitter=20),
    EveryTrigger("2 weeks", start="2026-03-02T09:00", timezone="Europe/Berlin"),
    IntervalTrigger("1h30m", timezone="Asia/Tokyo"),
    IntervalTrigger(90, timezone="UTC", start="2026-03-29T00:00:00", jitter="30s"),
    DateTrigger("2199-12-25T09:00:00", timezone="America/New_York"),
]
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
ran: list[str] = []


def remember(name: str) -> None:
    """A job: it notes that it ran."""
    ran.append(name)


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


def fires(trigger: BaseTrigger, now: datetime, count: int) -> list[datetime | None]:
    """The next fires, asked for as APScheduler does after each run."""
    found = [trigger.get_next_fire_time(None, now)]
    while len(found) < count and found[-1] is not None:
        found.append(trigger.get_next_fire_time(found[-1], found[-1]))
    return found


def test_cron_is_that_of_schedules() -> None:
    """1-5 is Monday to Friday; APScheduler's own `from_crontab` counts from Monday as 0."""
    trigger = CronTrigger("0 8 * * 1-5", timezone="Europe/Berlin")
    friday = datetime(2026, 3, 6, 9, tzinfo=BERLIN)
    (fire,) = fires(trigger, friday, 1)
    assert fire == datetime(2026, 3, 9, 8, tzinfo=BERLIN)
    assert fire.tzinfo is BERLIN


def test_a_fire_at_this_moment_counts_and_the_previous_one_does_not() -> None:
    """As for APScheduler's triggers: from now on, or later than the previous fire."""
    trigger = CronTrigger("0 8 * * *", timezone="UTC")
    eight = datetime(2026, 3, 6, 8, tzinfo=UTC)
    assert fires(trigger, eight, 2) == [eight, eight + timedelta(days=1)]
    # After a stop of three days APScheduler asks for each missed one.
    assert trigger.get_next_fire_time(eight, eight + timedelta(days=3)) == eight + timedelta(days=1)


def test_a_step_of_the_calendar_and_exceptions() -> None:
    """Every two weeks at the local time of its start, which is the first fire; not on exceptions."""
    trigger = EveryTrigger(
        "2 weeks", start="2026-03-16T09:00", timezone="Europe/Berlin", except_=["2026-04-13"]
    )
    start = datetime(2026, 3, 16, 9, tzinfo=BERLIN)
    later = [datetime(2026, month, day, 9, tzinfo=BERLIN) for month, day in ((3, 30), (4, 27))]
    assert fires(trigger, start, 3) == [start, *later]
    daily = CronTrigger("0 8 * * *", timezone="UTC", except_=["2026-03-02"])
    assert fires(daily, NOW, 1) == [datetime(2026, 3, 3, 8, tzinfo=UTC)]


def test_an_interval_counts_from_its_start() -> None:
    """The first fire is one interval after it; without a start, after the trigger was made."""
    trigger = IntervalTrigger(90, timezone="UTC", start="2026-03-01T12:00:00")
    assert fires(trigger, NOW, 2) == [NOW + MINUTE, NOW + MINUTE + timedelta(seconds=90)]
    made = datetime.now(UTC).replace(microsecond=0)
    own = IntervalTrigger("1h").get_next_fire_time(None, datetime.now(UTC))
    assert own is not None
    assert made + timedelta(hours=1) <= own <= made + timedelta(hours=1, seconds=20)


def test_a_date_fires_once_also_when_it_is_past() -> None:
    """As APScheduler's own: whether a missed date still runs is said by `misfire_grace_time`."""
    trigger = DateTrigger("2020-01-01T09:00:00", timezone="Europe/Berlin")
    assert fires(trigger, NOW, 2) == [datetime(2020, 1, 1, 9, tzinfo=BERLIN), None]


def test_bounds() -> None:
    """No fire is before the start or after the end; then there is none, and the job is removed."""
    trigger = CronTrigger("0 8 * * *", timezone="UTC", start="2026-03-05", end="2026-03-06T08:00")
    assert fires(trigger, NOW, 9) == [
        datetime(2026, 3, 5, 8, tzinfo=UTC), datetime(2026, 3, 6, 8, tzinfo=UTC), None,
    ]  # fmt: skip


def test_jitter_is_late_never_twice_and_differs_between_objects() -> None:
    """Each nominal time is one fire, up to `jitter` late; two objects are late by other times."""
    first, second = (CronTrigger("* * * * *", timezone="UTC", jitter=50) for _ in range(2))
    late = fires(first, NOW, 50)
    for number, fire in enumerate(late):
        assert fire is not None
        delay = fire - (NOW.replace(second=0) + (number + 1) * MINUTE)
        assert timedelta() <= delay <= timedelta(seconds=50)
    assert late != fires(second, NOW, 50)
    assert late == fires(first, NOW, 50)


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: type(trigger).__name__)
def test_a_copy_fires_when_the_original_does(trigger: BaseTrigger) -> None:
    """A pickle, a copy, and a copy of a copy have the same fires, delays and texts."""
    for again in (
        pickle.loads(pickle.dumps(trigger, pickle.HIGHEST_PROTOCOL)),
        copy.deepcopy(trigger),
        copy.copy(copy.copy(trigger)),
    ):
        assert type(again) is type(trigger)
        assert fires(again, NOW, 20) == fires(trigger, NOW, 20)
        assert (str(again), repr(again)) == (str(trigger), repr(trigger))


def test_texts() -> None:
    """`str` is the trigger in words, `repr` the call that makes it."""
    trigger = CronTrigger("0 8 * * mon-fri", timezone=BERLIN, jitter="1m")
    assert str(trigger) == "at 08:00, Monday to Friday, Europe/Berlin, up to 1m late"
    assert repr(trigger) == "CronTrigger('0 8 * * MON-FRI', timezone='Europe/Berlin', jitter=60)"
    assert repr(eval(repr(TRIGGERS[3]))) == repr(TRIGGERS[3])
    assert repr(DateTrigger("2026-12-25", timezone=UTC)) == (
        "DateTrigger('2026-12-25', timezone='UTC')"
    )


def test_a_later_state_is_refused() -> None:
    """A state of a version that this one does not know is an error that says so."""
    state = {**TRIGGERS[0].__getstate__(), "version": 2}
    with pytest.raises(ValueError, match="of version 2; this flowerpower reads 1"):
        CronTrigger.__new__(CronTrigger).__setstate__(state)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: CronTrigger("0 8 * * 5-1"), "'5-1' runs backwards"),
        (lambda: CronTrigger("0 8 * * *", timezone="Europe/Berln"), "Did you mean 'Europe/Berlin'"),
        (lambda: CronTrigger("@daily", timezone=fixed_zone(timedelta(hours=1))), "no time zone"),
        (lambda: IntervalTrigger("often"), "not a duration"),
        (lambda: DateTrigger("tomorrow"), "not a time"),
        (lambda: CronTrigger("@daily", start="2026-02-01", end="2026-01-01"), "before the start"),
    ],
)
def test_what_is_not_valid_is_said(make: Any, sentence: str) -> None:
    """Errors are those of schedules, when the trigger is made."""
    with pytest.raises(FlowerpowerError, match=sentence):
        make()


def test_triggers_can_be_combined() -> None:
    """APScheduler's `AndTrigger` and `OrTrigger` take ours."""
    first, second = (CronTrigger(text, timezone="UTC") for text in ("0 8 * * *", "0 9 * * *"))
    assert OrTrigger([first, second]).get_next_fire_time(None, NOW) == NOW.replace(
        day=2, hour=8, minute=0, second=0
    )
    weekly = CronTrigger("0 8 * * FRI", timezone="UTC")
    assert AndTrigger([first, weekly]).get_next_fire_time(None, NOW) == NOW.replace(
        day=6, hour=8, minute=0, second=0
    )


class Clock(datetime):
    """The time that APScheduler's loop reads, set by a test."""

    moment: datetime

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """The moment, in the zone."""
        return cls.moment.astimezone(tz)


class ClockedScheduler(BackgroundScheduler):
    """A scheduler that says at what time its thread has looked for jobs, and how long it sleeps."""

    looked_at: datetime | None = None
    sleeps: float | None = None

    def _process_jobs(self) -> float | None:
        began_at = Clock.moment
        self.sleeps = super()._process_jobs()
        self.looked_at = began_at
        return self.sleeps


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClockedScheduler]:
    """A running scheduler with the clock of a test, which runs jobs in its own thread."""
    Clock.moment = NOW
    monkeypatch.setattr(apscheduler_base, "datetime", Clock)
    running = ClockedScheduler(
        timezone=BERLIN,
        executors={"default": DebugExecutor()},
        jobstores={"default": MemoryJobStore(), "second": MemoryJobStore()},
        job_defaults={"misfire_grace_time": None},
    )
    running.start()
    yield running
    running.shutdown()


def at(scheduler: ClockedScheduler, moment: datetime) -> None:
    """Set the clock, and wait until the scheduler has looked for jobs at that time."""
    Clock.moment = moment
    scheduler.wakeup()
    eventually(lambda: scheduler.looked_at == moment)


def minutes_that_ran(
    scheduler: ClockedScheduler, begin: datetime, end: datetime, *texts: str
) -> dict[str, list[str]]:
    """When jobs with these cron expressions ran, minute by minute of real time (UTC)."""
    at(scheduler, begin)
    for text in texts:
        scheduler.add_job(remember, CronTrigger(text, timezone="Europe/Berlin"), args=[text])
    found: dict[str, list[str]] = {text: [] for text in texts}
    while (moment := Clock.moment + MINUTE) <= end:
        at(scheduler, moment)
        for text in ran:
            found[text].append(f"{moment:%d %H:%M}")
        ran.clear()
    return found


@pytest.mark.fault("dst-forward")
def test_clocks_go_forward_in_a_running_scheduler(scheduler: ClockedScheduler) -> None:
    """A skipped time fires once, at the first instant after the gap; `*/30` follows real time."""
    begin = datetime(2026, 3, 29, 0, 15, tzinfo=UTC)
    assert minutes_that_ran(
        scheduler, begin, begin + timedelta(hours=3), "30 2 * * *", "0 3 * * *", "*/30 * * * *"
    ) == {
        "30 2 * * *": ["29 01:00"],
        "0 3 * * *": ["29 01:00"],
        "*/30 * * * *": ["29 00:30", "29 01:00", "29 01:30", "29 02:00", "29 02:30", "29 03:00"],
    }


@pytest.mark.fault("dst-back")
def test_clocks_go_back_in_a_running_scheduler(scheduler: ClockedScheduler) -> None:
    """A repeated time fires the first time only; `*/30` follows real time."""
    begin = datetime(2026, 10, 24, 23, 45, tzinfo=UTC)
    assert minutes_that_ran(
        scheduler, begin, begin + timedelta(hours=3), "30 2 * * *", "0 3 * * *", "*/30 2 * * *"
    ) == {
        "30 2 * * *": ["25 00:30"],
        "0 3 * * *": ["25 02:00"],
        "*/30 2 * * *": ["25 00:00", "25 00:30", "25 01:00", "25 01:30"],
    }


def test_two_stores_in_the_repeated_hour(scheduler: ClockedScheduler) -> None:
    """APScheduler orders times of one zone by their wall clock; ours have an order there too."""
    # 02:50 of the first pass comes before 02:10 of the second.
    first = CronTrigger("50 2 * * *", timezone=BERLIN)
    second = CronTrigger("10 * * * *", timezone=BERLIN, start="2026-10-25T01:10:00+00:00")
    at(scheduler, datetime(2026, 10, 25, 0, 40, tzinfo=UTC))
    for trigger, store in ((first, "default"), (second, "second")):
        scheduler.add_job(remember, trigger, args=[str(trigger)], jobstore=store)
    at(scheduler, datetime(2026, 10, 25, 0, 40, 1, tzinfo=UTC))
    assert scheduler.sleeps == 599
    at(scheduler, datetime(2026, 10, 25, 0, 50, tzinfo=UTC))
    assert ran == [str(first)]
    assert scheduler.sleeps == 1200


def test_jobs_in_a_pickling_store_survive(redis_server: RedisServer) -> None:
    """APScheduler's own Redis store keeps a trigger of ours; another scheduler goes on with it."""
    address = urlsplit(redis_server.url(11))
    stores = [
        RedisJobStore(db=11, host=address.hostname, port=address.port, password=address.password)
        for _ in range(2)
    ]
    first = BackgroundScheduler(timezone="UTC", jobstores={"default": stores[0]})
    first.start(paused=True)
    for number, trigger in enumerate(TRIGGERS):
        first.add_job(remember, trigger, args=["stored"], id=f"job-{number}")
    first.add_job(remember, IntervalTrigger(1), args=["soon"], id="soon")
    times = {job.id: job.next_run_time for job in first.get_jobs()}
    first.shutdown()
    second = BackgroundScheduler(timezone="UTC", jobstores={"default": stores[1]})
    second.start(paused=True)
    try:
        assert {job.id: job.next_run_time for job in second.get_jobs()} == times
        for number, trigger in enumerate(TRIGGERS):
            assert repr(second.get_job(f"job-{number}").trigger) == repr(trigger)
        second.modify_job("soon", misfire_grace_time=None)
        second.resume()
        eventually(lambda: ran.count("soon") >= 2)
    finally:
        second.remove_all_jobs()
        second.shutdown()
        for store in stores:
            # The loop makes one more pass, which may connect again.
            store.redis.close()


def test_exported_jobs_hold_no_pickle_of_ours() -> None:
    """APScheduler's `export_jobs` writes our triggers as JSON, and `import_jobs` reads them."""
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start(paused=True)
    try:
        for number, trigger in enumerate(TRIGGERS):
            scheduler.add_job(remember, trigger, args=["x"], id=f"job-{number}")
        exported = io.StringIO()
        scheduler.export_jobs(exported)
        for job in json.loads(exported.getvalue())["jobs"]:
            assert "__apscheduler_pickle__" not in json.dumps(job["trigger"])
        scheduler.remove_all_jobs()
        exported.seek(0)
        scheduler.import_jobs(exported)
        read = {job.id: repr(job.trigger) for job in scheduler.get_jobs()}
        assert read == {f"job-{number}": repr(trigger) for number, trigger in enumerate(TRIGGERS)}
    finally:
        scheduler.shutdown()
