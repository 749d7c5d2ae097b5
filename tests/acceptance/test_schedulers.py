"""Schedulers as real processes: killed, many at once, with clocks that jump."""

import random
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.jobs.schedule import Outcome, ScheduleSpec
from flowerpower.triggers import clock
from flowerpower.triggers.make import make_trigger
from tests.acceptance.calendar_campaign import HEAD, SECOND, CalendarCampaign, Count, every
from tests.acceptance.fault_records import counted, raised
from tests.acceptance.working import MakeSite, Site
from tests.conditions import WAIT_LIMIT, eventually, slowed

CLOCK = """
import time
from pathlib import Path
from flowerpower.triggers import clock
offset = Path("offset")
clock.set_source(lambda: time.time() + float(offset.read_text() or 0))
"""
AHEAD = """
import time
from flowerpower.triggers import clock
clock.set_source(lambda: time.time() + 5)
"""
UNFENCED = """
from flowerpower.job_queue.apscheduler import schedules
real = schedules.decide
def forgetful(schedule, now, active):
    decision = real(schedule, now, active)
    if decision is None or not decision.fires:
        return decision
    import random, dataclasses
    if random.random() < 0.3:
        return dataclasses.replace(decision, fires=(), jobs=())
    return decision
schedules.decide = forgetful
"""


TERM_AT_ANY_CALL = """
import signal, sys
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.worker.scheduler import Scheduler

with JobQueueManager(type="apscheduler", url="memory", base_dir=".") as queue:
    # The first calls are those of a look at what is due; later ones wait for the next look.
    for number in range(120, 180):
        left, scheduler = number, Scheduler(queue)
        step = scheduler._firing.step

        def count(frame, event, argument):
            global left
            left -= event == "call"
            if left == 0:
                sys.setprofile(None)
                signal.raise_signal(signal.SIGTERM)

        def counted():
            sys.setprofile(count)
            return step()

        scheduler._firing.step = counted
        scheduler.run()
        sys.setprofile(None)
print("all have ended")
"""


def _campaign(site: Site, broken: str = "") -> Count:
    count = Count(site.name, random.SystemRandom().randrange(2**32))
    print("seed", count.seed)
    CalendarCampaign(site, count, broken=broken).run(10, kills=8, edits=30, pauses=16)
    print(HEAD, count.row(), *count.reasons, sep="\n")
    return count


@pytest.mark.fault("scheduler-killed")
def test_killed_schedulers_fire_every_second_once(make_site: MakeSite, url: str | None):
    """Three schedulers, killed at random; no second is lost, doubled, stale or within a pause."""
    count = _campaign(make_site(url))
    raised(count.raised)
    counted(**count.counts)
    assert count.is_clean
    assert count.nominal >= 5 * 8


@pytest.mark.fault("signal-scheduler")
def test_a_scheduler_may_be_told_to_end_at_any_moment(tmp_path: Path):
    """A signal in the middle of any of its functions, also one that holds a lock, ends it."""
    done = subprocess.run(
        [sys.executable, "-c", TERM_AT_ANY_CALL], cwd=tmp_path, capture_output=True, text=True,
        timeout=WAIT_LIMIT,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("all have ended\n", "")


@pytest.mark.catches("calendar_campaign", "lost")
def test_the_count_sees_a_scheduler_that_forgets(make_site: MakeSite):
    """A scheduler that is broken on purpose, and drops a third of the fires, is found out."""
    assert _campaign(make_site(), UNFENCED).lost > 0


def _fired(site: Site) -> list[Job]:
    return site.queue.list_jobs(JobFilter(schedule_id="tick", limit=1000))


@pytest.fixture
def jumping(make_site: MakeSite) -> Site:
    """A site with a schedule a second and a scheduler whose clock is ahead by the file `offset`."""
    site = make_site()
    (site.root / "offset").write_text("0")
    site.queue.schedules.add(
        ScheduleSpec("report", make_trigger(interval=1), id="tick", max_instances=1000)
    )
    site.scheduler(broken=CLOCK)
    eventually(lambda: len(_fired(site)) >= 2)
    return site


def _set_clock(site: Site, seconds: float) -> None:
    new = site.root / "offset.new"
    new.write_text(str(seconds))
    Path(new).replace(site.root / "offset")


def _no_time_fired_twice(site: Site) -> None:
    times = Counter(job.scheduled_for for job in _fired(site))
    counted(doubled=times.total() - len(times))
    assert set(times.values()) == {1}


@pytest.mark.fault("clock-forward")
def test_a_clock_set_forward_makes_one_catch_up(jumping: Site):
    """An hour ahead: the seconds between are one row, the latest is made, and it goes on."""
    before = len(_fired(jumping))
    _set_clock(jumping, 3600)
    eventually(
        lambda: any(fire.count > 3000 for fire in jumping.queue.schedules.fires("tick", 1000)), 10
    )
    eventually(lambda: len(_fired(jumping)) >= before + 4)
    missed = [fire for fire in jumping.queue.schedules.fires("tick", 1000)
              if fire.outcome is Outcome.MISSED and fire.count > 3000]  # fmt: skip
    assert len(missed) == 1
    assert len(_fired(jumping)) < before + 30
    _no_time_fired_twice(jumping)


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(3600, marks=pytest.mark.fault("clock-back")),
        pytest.param(86_400, marks=pytest.mark.fault("clock-day-back")),
    ],
)
def test_a_clock_set_back_fires_nothing_twice_and_goes_on(jumping: Site, seconds: float):
    """An hour and a day back after it was as much ahead: new fires come at once, none again."""
    _set_clock(jumping, seconds)
    ahead = clock.after(clock.now(), seconds - 60)
    eventually(lambda: any(job.scheduled_for and job.scheduled_for > ahead
                           for job in _fired(jumping)))  # fmt: skip
    known = {job.id for job in _fired(jumping)}
    _set_clock(jumping, 0)
    began = time.monotonic()
    eventually(lambda: len({job.id for job in _fired(jumping)} - known) >= 3)
    assert time.monotonic() - began < slowed(10)
    fresh = [job for job in _fired(jumping) if job.id not in known]
    assert all(job.scheduled_for and job.scheduled_for < ahead for job in fresh[:3])
    _no_time_fired_twice(jumping)


@pytest.mark.fault("clock-day-back")
def test_a_clock_set_back_below_what_has_fired_makes_no_second_job(jumping: Site):
    """A day back from the present: what fired is not fired again, and what had not is."""
    eventually(lambda: len(_fired(jumping)) >= 4)
    known = {job.id for job in _fired(jumping)}
    _set_clock(jumping, -86_400)
    eventually(lambda: len({job.id for job in _fired(jumping)} - known) >= 2)
    _set_clock(jumping, 0)
    eventually(lambda: len({job.id for job in _fired(jumping)} - known) >= 5)
    _no_time_fired_twice(jumping)


@pytest.mark.fault("clocks-apart")
def test_two_schedulers_whose_clocks_differ_fire_each_second_once(jumping: Site):
    """One is 5 s ahead: no second is fired twice, none is left out, whoever of them is killed."""
    ahead = jumping.scheduler(broken=AHEAD)
    start = len(_fired(jumping))
    eventually(lambda: len(_fired(jumping)) >= start + 4)
    ahead.kill()
    later = len(_fired(jumping))
    eventually(lambda: len(_fired(jumping)) >= later + 3)
    times = [job.scheduled_for for job in _fired(jumping) if job.scheduled_for]
    # What both were too slow for is a row of the ledger, without a job for each of its seconds.
    rows = jumping.queue.schedules.fires("tick", 1000)
    known = {fire.fire_time + number * SECOND for fire in rows for number in range(fire.count)}
    count = (max(times) - min(times)) // SECOND + 1
    expected = {min(times) + number * SECOND for number in range(count)}
    counted(lost=len(expected - known), doubled=len(times) - len(set(times)))
    assert expected <= known
    assert len(times) == len(set(times))


REPORT = """
def when(scheduled_for: object) -> str:
    return str(scheduled_for)
"""


def test_a_fire_runs_with_its_nominal_time(make_site: MakeSite, url: str | None):
    """A worker that fires too runs the job; a pipeline that declares scheduled_for is given it."""
    site = make_site(url)
    site.module("report", REPORT)
    site.queue.schedules.add(
        ScheduleSpec("report", make_trigger(interval=1), RunOverrides(), id="tick")
    )
    worker = site.worker(with_scheduler=True)
    # Not the very first fire: a busy machine may miss it.
    fire = eventually(
        lambda: next((fire for fire in site.queue.schedules.fires("tick") if fire.job_id), None)
    )
    assert fire.job_id == f"tick-{fire.fire_time:%Y%m%dT%H%M%SZ}"
    job = site.ended(fire.job_id)
    assert job.status is JobStatus.FINISHED
    assert job.result is not None
    assert job.result["outputs"]["when"] == str(fire.fire_time)
    assert job.started_at is not None
    assert job.started_at - fire.fire_time < timedelta(seconds=slowed(2))
    assert fire.job_id in [event["job_id"] for event in worker.events("fire")]
    assert worker.stop() == 0


@pytest.mark.fault("signal-scheduler")
def test_a_scheduler_ends_at_once_when_told(make_site: MakeSite, url: str | None):
    """TERM ends it with 0 within seconds, and another goes on where it was."""
    site = make_site(url)
    site.queue.schedules.add(every(1, "tick"))
    first = site.scheduler()
    eventually(lambda: site.queue.schedules.fires("tick"))
    began = time.monotonic()
    assert first.stop() == 0
    assert time.monotonic() - began < slowed(5)
    assert [event["kind"] for event in first.events() if event["kind"] != "fire"] == [
        "start", "stop",
    ]  # fmt: skip
    known = len(site.queue.schedules.fires("tick"))
    site.scheduler()
    eventually(lambda: len(site.queue.schedules.fires("tick")) >= known + 2)
