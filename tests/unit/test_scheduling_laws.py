"""What `decide` keeps to over many decisions: each nominal time once; jitter; speed."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowerpower.job_queue.scheduling import CATCH_UP, Decision, decide
from flowerpower.jobs.schedule import (
    Fire,
    Outcome,
    Schedule,
    ScheduleSpec,
    ScheduleState,
    fire_job_id,
)
from flowerpower.triggers.base import Trigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.date import Date
from flowerpower.triggers.interval import Interval
from tests.conditions import slowed

START = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def a_schedule(spec: ScheduleSpec, since: datetime = START, name: str = "mine") -> Schedule:
    """An active schedule, added at `since`."""
    spec = replace(spec, id=name)
    schedule = Schedule(name, spec.pipeline, spec, ScheduleState.ACTIVE, since, since)
    return schedule.with_next_fire(since)


def decided(schedule: Schedule, now: datetime, active: int = 0) -> Decision:
    decision = decide(schedule, now, active)
    assert decision is not None
    return decision


def times_of(fire: Fire, trigger: Trigger) -> list[datetime]:
    """The nominal times of a row, found by walking."""
    return list(islice(trigger.fires(fire.fire_time - TICK), fire.count))


# A random time near enough to a clock change of its zone that decisions go over it, or anywhere.
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]
CHANGES = ["2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-04", "2011-12-29"]
BEGINNINGS = st.one_of(
    st.sampled_from(CHANGES).map(lambda day: datetime.fromisoformat(day).replace(tzinfo=UTC)),
    st.datetimes(datetime(1995, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC)),
)
FREQUENT = ["* * * * *", "*/7 * * * *", "30 * * * *", "*/5 1-3 * * *", "0,30 2 * * *"]
RARE = ["30 2 * * *", "0 8 * * 1-5", "@daily", "15 1,2,3 * * *"]
STEPS = st.one_of(
    st.just(timedelta()),
    st.timedeltas(TICK, timedelta(minutes=3)),
    st.timedeltas(timedelta(minutes=3), timedelta(hours=5)),
    st.timedeltas(timedelta(hours=5), timedelta(days=2)),
)


@st.composite
def triggers(draw: st.DrawFn, since: datetime) -> Trigger:
    """Any trigger, with or without bounds and jitter, that may fire within days of `since`."""
    zone = draw(st.sampled_from(ZONES))
    offsets = st.timedeltas(timedelta(hours=-9), timedelta(days=4))
    start = draw(st.none() | offsets.map(lambda offset: since + offset))
    end = draw(st.none() | offsets.map(lambda offset: (start or since) + abs(offset)))
    kind = draw(st.sampled_from(["cron", "cron", "interval", "interval", "date"]))
    if kind == "cron":
        jitter = draw(st.sampled_from([0, 0, 20, 59.5, 600]))
        expression = draw(st.sampled_from(FREQUENT + RARE))
        return Cron(expression, zone, start=start, end=end, jitter=jitter)
    if kind == "interval":
        seconds = draw(st.sampled_from([60, 61.5, 600, 3600, 5400.25, 86_400]))
        jitter = draw(st.sampled_from([0, 0, 0.5, 30, 59]))
        return Interval(seconds, zone, start=start, end=end, jitter=jitter)
    moment = since + draw(offsets)
    return Date(moment.isoformat(), zone, jitter=draw(st.sampled_from([0, 600])))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    since = draw(BEGINNINGS)
    spec = ScheduleSpec(
        pipeline="report",
        trigger=draw(triggers(since)),
        coalesce=draw(st.booleans()),
        max_instances=draw(st.sampled_from([1, 2, 5, 1000])),
        misfire_grace_time=draw(st.sampled_from([None, None, 0, 30, 3600])),
    )
    return a_schedule(spec, since)


@settings(max_examples=300)
@given(schedules(), st.lists(st.tuples(STEPS, st.integers(0, 6)), min_size=1, max_size=12))
def test_every_nominal_time_is_accounted_for_once(
    schedule: Schedule, looks: list[tuple[timedelta, int]]
) -> None:
    """However time goes on, all times until the last decision are made, skipped or missed once."""
    spec, trigger, since = schedule.spec, schedule.trigger, schedule.anchor
    assert spec is not None
    assert trigger is not None
    now, seen, ids = since, list[datetime](), list[str]()
    for step, active in looks:
        now += step
        decision = decide(schedule, now, active)
        if decision is not None:
            assert decision.fires
            outcomes = Counter(fire.outcome for fire in decision.fires)
            for fire in decision.fires:
                times = times_of(fire, trigger)
                assert len(times) == fire.count
                assert fire.count == 1 or fire.outcome is Outcome.MISSED
                assert (fire.job_id is None) is (fire.outcome is not Outcome.ENQUEUED)
                assert (fire.reason is None) is (fire.outcome is Outcome.ENQUEUED)
                seen += times
            made = [fire for fire in decision.fires if fire.outcome is Outcome.ENQUEUED]
            assert [job.id for job in decision.jobs] == [fire.job_id for fire in made]
            assert [job.scheduled_for for job in decision.jobs] == [f.fire_time for f in made]
            assert len(made) <= max(0, spec.max_instances - active)
            assert len(made) + outcomes[Outcome.SKIPPED] <= (1 if spec.coalesce else CATCH_UP)
            assert not made or active < spec.max_instances
            ids += [job.id for job in decision.jobs]
            assert decision.schedule.last_fire == seen[-1]
            schedule = decision.schedule
        assert all(trigger.jittered(fire, schedule.id) <= now for fire in seen[-100:])
        assert schedule.due_at is None or schedule.due_at > now
        assert decide(schedule, now, active) is None
    until = seen[-1] if seen else since
    assert seen == list(trigger.fires(since, until))
    assert schedule.next_fire == trigger.next_after(until)
    assert (schedule.state is ScheduleState.DONE) is (schedule.next_fire is None)
    assert len(set(ids)) == len(ids)


@pytest.mark.fault("clocks-apart", on="any")
def test_two_schedulers_whose_clocks_differ_by_five_seconds() -> None:
    """Each time is made once and in order; the one that is behind finds nothing and undoes nothing."""
    schedule = a_schedule(ScheduleSpec("report", Interval(1)))
    made: list[datetime] = []
    for second in range(60):
        for behind in (0, 5):
            decision = decide(schedule, START + timedelta(seconds=second - behind), 0)
            if decision is not None:
                assert behind == 0
                schedule = decision.schedule
                made += [fire.fire_time for fire in decision.fires]
    assert made == [START + timedelta(seconds=second) for second in range(1, 60)]


@pytest.mark.fault("clock-forward", "clock-back", on="any")
def test_a_clock_an_hour_ahead_for_a_while() -> None:
    """One catch-up; back again it goes on at once; the time that was made has one job id."""
    schedule = a_schedule(ScheduleSpec("report", Cron("* * * * *")))
    ahead = decided(schedule, START + timedelta(hours=1))
    assert len(ahead.jobs) == 1
    back = decided(ahead.schedule, START + timedelta(seconds=30))
    assert (back.fires, back.jobs) == ((), ())
    schedule, ids = back.schedule, []
    for minute in range(1, 61):
        decision = decided(schedule, START + timedelta(minutes=minute))
        ids += [job.id for job in decision.jobs]
        schedule = decision.schedule
    assert len(set(ids)) == len(ids) == 60
    assert ids[-1] == ahead.jobs[0].id


JITTERED = [
    Cron("0 * * * *", jitter=600),
    Interval(3600, start=START, jitter=600),
    Date("2026-01-01T01:00Z", jitter=600),
]


@pytest.mark.parametrize("trigger", JITTERED, ids=["cron", "interval", "date"])
@pytest.mark.parametrize("grace", [None, 0], ids=["no limit", "no grace"])
def test_a_jittered_fire_is_due_when_its_jittered_time_has_come(
    trigger: Trigger, grace: float | None
) -> None:
    """Not a moment before, and then with its nominal time; lateness counts from the jittered one."""
    schedule = a_schedule(ScheduleSpec("report", trigger, misfire_grace_time=grace))
    nominal = START + timedelta(hours=1)
    due = trigger.jittered(nominal, "mine")
    assert nominal < due < nominal + timedelta(minutes=10)
    assert (schedule.next_fire, schedule.due_at) == (nominal, due)
    assert decide(schedule, nominal, 0) is None
    assert decide(schedule, due - TICK, 0) is None
    decision = decided(schedule, due)
    assert [(fire.fire_time, fire.job_id) for fire in decision.fires] == [
        (nominal, "mine-20260101T010000Z")
    ]
    assert decision.jobs[0].scheduled_for == nominal
    later = trigger.next_after(nominal)
    assert decision.schedule.next_fire == later
    assert decision.schedule.due_at == (later and trigger.jittered(later, "mine"))
    (fire,) = decided(schedule, due + TICK).fires
    assert fire.outcome is (Outcome.ENQUEUED if grace is None else Outcome.MISSED)


def test_jitter_is_of_the_schedules_id() -> None:
    """The same for the same id, wherever it is asked; schedules of other ids spread."""
    spec = ScheduleSpec("report", Cron("0 * * * *", jitter=600))
    dues = [a_schedule(spec, name=f"report-{number}").due_at for number in range(50)]
    again = [a_schedule(spec, name=f"report-{number}").due_at for number in range(50)]
    assert dues == again
    assert len(set(dues)) == 50


@pytest.mark.parametrize("minutes", [0, 3, 59, 61, 5000])
def test_missed_jittered_fires_are_counted_to_the_last_that_is_due(minutes: int) -> None:
    """However many there are, and with jitter longer than the time between two of them."""
    trigger = Cron("* * * * *", jitter=3600)
    schedule = a_schedule(ScheduleSpec("report", trigger))
    now = START + timedelta(minutes=minutes)
    due = []
    for fire in trigger.fires(START):
        if trigger.jittered(fire, "mine") > now:
            break
        due.append(fire)
    decision = decide(schedule, now, 0)
    assert (decision is None) is (not due)
    if decision is not None:
        assert sum(fire.count for fire in decision.fires) == len(due)
        assert decision.fires[-1].fire_time == due[-1] == decision.schedule.last_fire


def test_the_longest_id_makes_valid_jobs() -> None:
    """A schedule's id may be 180 characters; its jobs' ids are still within the limit of jobs."""
    schedule = a_schedule(ScheduleSpec("report", Interval(60)), name="x" * 180)
    (job,) = decided(schedule, START + timedelta(seconds=60)).jobs
    assert job.id == f"{'x' * 180}-20260101T000100Z"


def test_the_job_id_is_of_the_instant() -> None:
    """The two times of a repeated hour have two ids, and a time in any zone has that of UTC."""
    cron = Cron("30 * * * *", "Europe/Berlin")
    since = datetime(2026, 10, 25, tzinfo=UTC)
    spec = ScheduleSpec("report", cron, coalesce=False, max_instances=9)
    decision = decided(a_schedule(spec, since), since + timedelta(hours=2))
    local = [job.scheduled_for.astimezone(cron.zone) for job in decision.jobs if job.scheduled_for]
    assert [f"{moment:%H:%M}" for moment in local] == ["02:30", "02:30"]
    ids = ["mine-20261025T003000Z", "mine-20261025T013000Z"]
    assert [job.id for job in decision.jobs] == [fire_job_id("mine", at) for at in local] == ids


CALLS: Counter[str] = Counter()


class CountedInterval(Interval):
    """An interval that counts how often it is asked."""

    def next_after(self, moment: datetime) -> datetime | None:
        CALLS["next_after"] += 1
        return super().next_after(moment)

    def previous(self, moment: datetime, *, inclusive: bool = False) -> datetime | None:
        CALLS["previous"] += 1
        return super().previous(moment, inclusive=inclusive)

    def jittered(self, nominal: datetime, seed: str) -> datetime:
        CALLS["jittered"] += 1
        return super().jittered(nominal, seed)


@pytest.mark.fault("fires-missed")
@pytest.mark.parametrize("missed", [1, 3, 100_000, 10_000_000])
@pytest.mark.parametrize(("coalesce", "limit"), [(True, 10), (False, 3 * CATCH_UP)])
def test_what_was_missed_is_not_walked(missed: int, coalesce: bool, limit: int) -> None:
    """After any number of missed one-second fires a decision asks its trigger a few times."""
    trigger = CountedInterval(1, start=START)
    spec = ScheduleSpec("report", trigger, coalesce=coalesce, max_instances=1000)
    schedule = a_schedule(spec)
    CALLS.clear()
    begin = time.perf_counter()
    decision = decided(schedule, START + timedelta(seconds=missed + 0.5))
    assert time.perf_counter() - begin < slowed(0.5)
    assert CALLS.total() <= limit
    assert sum(fire.count for fire in decision.fires) == missed
    assert len(decision.jobs) == (1 if coalesce else min(missed, CATCH_UP))


def test_a_minutely_cron_with_a_day_of_jitter_is_decided_within_a_second() -> None:
    """The worst that may be asked for: after years only the fires within the jitter are walked."""
    spec = ScheduleSpec("report", Cron("* * * * *", "Europe/Berlin", jitter=86_400))
    schedule = a_schedule(spec)
    begin = time.perf_counter()
    decision = decided(schedule, START + timedelta(days=1000))
    assert time.perf_counter() - begin < slowed(1)
    assert sum(fire.count for fire in decision.fires) > 1_430_000
