"""backfill: jobs for past fires, each once, beside what the schedule itself makes."""

import json
import random
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import Refused, ScheduleNotFound
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.backfill import BACKFILL, PAGE, fill, wanted_times
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.scheduling import COALESCED
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.jobs.job_spec import JobSpec, overrides_of
from flowerpower.jobs.schedule import Fire, Outcome, Overlap, Schedule, fire_job_id
from flowerpower.triggers import clock
from flowerpower.triggers.make import make_trigger
from tests.acceptance.fault_records import compared
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FAILED, FakeWorker, spec, with_inputs
from tests.contract.in_processes import Ready, in_processes
from tests.contract.on_redis import OnRedis
from tests.contract.test_firing import fire_all
from tests.contract.test_schedules import every
from tests.servers import RedisServer

O, S = Outcome, JobStatus  # noqa: E741 - short in tables


def missed(backend: JobQueueBackend, schedule_id: str = "mine") -> list[datetime]:
    """The times that are missed or skipped by the ledger, in order."""
    store = backend.schedules
    schedule = store.get(schedule_id)
    wanted = wanted_times(
        schedule, store.ledger(schedule_id), first=None, until=clock.now(), missed_only=True
    )
    assert wanted.unknown == ()
    return list(wanted.times)


def down_for(
    setup: BackendSetup, backend: JobQueueBackend, fires: int, step: float = 60, **fields: object
) -> tuple[Schedule, list[datetime]]:
    """A schedule that nobody fired so often, and the times that it missed, `step` seconds apart."""
    backend.schedules.add(every(step, "mine", **fields))
    setup.age(backend, "mine", step * (fires + 1) + step / 2)
    last = fire_all(backend)[-1]
    assert last.outcome is O.ENQUEUED
    schedule = backend.schedules.get("mine")
    times = [last.fire_time - number * timedelta(seconds=step) for number in range(fires, 0, -1)]
    assert missed(backend) == times
    return schedule, times


def ledger_of(backend: JobQueueBackend) -> list[tuple[str, int]]:
    return [(str(row.outcome), row.count) for row in backend.schedules.ledger("mine")]


@pytest.mark.in_memory
def test_each_missed_fire_gets_its_job(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """With the id and the time of the fire, the schedule's overrides and queue; in the ledger too."""
    schedule, times = down_for(setup, backend, 5, overrides=with_inputs(n=3), queue="slow")
    ids = [fire_job_id("mine", moment) for moment in times]
    assert backend.schedules.backfill(schedule, times, 9) == ids
    for moment, job_id in zip(times, ids, strict=True):
        job = backend.get_job(job_id)
        assert (job.schedule_id, job.scheduled_for, job.queue) == ("mine", moment, "slow")
        assert overrides_of(job.payload) == with_inputs(n=3)
        assert (job.is_backfill, job.max_parallel, job.blocked) == (True, 9, True)
    *rows, live = backend.schedules.ledger("mine")
    assert [(row.fire_time, row.job_id, row.reason) for row in rows] == [
        (moment, job_id, BACKFILL) for moment, job_id in zip(times, ids, strict=True)
    ]
    assert live.reason is None
    assert missed(backend) == []
    claims = fake_worker.claim(20, "slow")
    assert {claim.job_id: claim.scheduled_for for claim in claims if claim.job_id in ids} == dict(
        zip(ids, times, strict=True)
    )


def test_a_fire_is_made_once(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """Not again by the same backfill, nor if the schedule made it, nor if its job exists."""
    schedule, times = down_for(setup, backend, 5)
    taken = fire_job_id("mine", times[2])
    backend.add_job(spec(taken))
    live = backend.schedules.ledger("mine")[-1]
    both = [*times, live.fire_time]
    added = backend.schedules.backfill(schedule, both, 1)
    assert added == [fire_job_id("mine", moment) for moment in times if moment != times[2]]
    assert backend.schedules.backfill(schedule, both, 1) == []
    assert backend.schedules.ledger("mine")[-1] == live
    assert not backend.get_job(taken).is_backfill
    backend.cancel_job(added[0])
    backend.delete_job(added[0])
    assert backend.schedules.backfill(schedule, times, 1) == []
    assert backend.schedules.backfill(schedule, [], 1) == []


def test_a_row_of_misses_loses_what_is_made(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """From its begin, its end and its midst; what is left stays missed, in rows with counts."""
    schedule, times = down_for(setup, backend, 10)
    assert ledger_of(backend) == [("missed", 10), ("enqueued", 1)]
    steps = [
        (times[:2], [("enqueued", 1)] * 2 + [("missed", 8)]),
        (times[-1:], [("enqueued", 1)] * 2 + [("missed", 7), ("enqueued", 1)]),
        (
            times[4:6],
            [("enqueued", 1)] * 2
            + [("missed", 2), *[("enqueued", 1)] * 2, ("missed", 3), ("enqueued", 1)],
        ),
        (times, [("enqueued", 1)] * 10),
    ]
    made: set[datetime] = set()
    for some, rows in steps:
        backend.schedules.backfill(schedule, some, 1)
        made |= set(some)
        assert ledger_of(backend) == [*rows, ("enqueued", 1)]
        assert missed(backend) == [moment for moment in times if moment not in made]
    jobs = backend.list_jobs(JobFilter(schedule_id="mine", limit=100))
    assert len(jobs) == len(times) + 1


def test_skipped_fires_are_made_too(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """With `coalesce: false` and one instance, all missed ones but the first are skipped."""
    backend.schedules.add(every(60, "mine", coalesce=False))
    setup.age(backend, "mine", 60 * 5 + 30)
    fire_all(backend)
    times = missed(backend)
    assert len(times) == 4
    schedule = backend.schedules.get("mine")
    assert len(backend.schedules.backfill(schedule, times, 1)) == 4
    assert missed(backend) == []


@pytest.mark.parametrize("order", [1, -1])
def test_jobs_run_in_the_order_of_the_times(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker, order: int
) -> None:
    """Those that are given first run first, at most `max_parallel` at once, however they end."""
    schedule, times = down_for(setup, backend, 6)
    live = fake_worker.take()
    ids = backend.schedules.backfill(schedule, times[::order], 2)
    assert ids == [fire_job_id("mine", moment) for moment in times[::order]]
    ran: list[str] = []
    running = fake_worker.claim(10)
    while running:
        assert len(running) <= 2
        ran.append(running[0].job_id)
        assert fake_worker.finish(running.pop(0), FAILED)
        running += fake_worker.claim(10)
    assert ran == ids
    assert fake_worker.finish(live)


def test_fires_go_on_beside_a_backfill(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Its jobs neither count for max_instances, nor are replaced, nor wait for the fires' jobs."""
    schedule, times = down_for(setup, backend, 3, overlap=Overlap.REPLACE)
    live = fake_worker.take()
    ids = backend.schedules.backfill(schedule, times, 1)
    (claim,) = fake_worker.claim(10)
    assert claim.job_id == ids[0]
    setup.age(backend, "mine", 61)
    (fire,) = fire_all(backend)
    assert fire.outcome is O.ENQUEUED
    assert backend.get_job(live.job_id).cancel_requested
    assert not any(backend.get_job(job_id).cancel_requested for job_id in ids)
    assert fake_worker.finish(live)
    assert [claim.job_id for claim in fake_worker.claim(10)] == [fire.job_id]


def test_two_backfills_share_their_limit(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Two people who each let two jobs run at once do not make four run."""
    schedule, times = down_for(setup, backend, 6)
    live = fake_worker.take()
    backend.schedules.backfill(schedule, times[:3], 2)
    backend.schedules.backfill(schedule, times[3:], 2)
    assert len(fake_worker.claim(10)) == 2
    assert fake_worker.finish(live)


def test_what_may_be_backfilled_is_not_trimmed(
    setup: BackendSetup, backend: JobQueueBackend, kept: int
) -> None:
    """A row of misses, and what a backfill has made, outlast the many fires that come after."""
    schedule, times = down_for(setup, backend, 30, step=36_000, max_instances=1)
    backend.schedules.backfill(schedule, times[-10:], 1)
    # Each is skipped, which is quick: the job of the last one has not ended.
    begin = times[-1] + timedelta(hours=11)
    for number in range(kept + 300):
        moment = begin + timedelta(seconds=number)
        setup.set_next_fire(backend, "mine", moment)
        backend.schedules.fire_due()
    rows = backend.schedules.ledger("mine")
    assert [row.count for row in rows if row.count > 1] == [20]
    assert sum(row.reason == BACKFILL for row in rows) == 10
    assert missed(backend)[:20] == times[:20]


def test_misses_of_long_ago_are_kept_as_long_as_others(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """History goes by when a row was recorded: a month's misses are recorded at its end."""
    trigger = make_trigger(interval=86_400, timezone="UTC")
    backend.schedules.add(every(60, "mine", trigger=trigger))
    setup.age(backend, "mine", 31 * 86_400)
    fire_all(backend)
    times = missed(backend)
    assert len(times) == 30
    backend.prune()
    assert missed(backend) == times
    schedule = backend.schedules.get("mine")
    backend.schedules.backfill(schedule, times[:10], 1)
    backend.prune()
    assert missed(backend) == times[10:]
    assert sum(row.reason == BACKFILL for row in backend.schedules.ledger("mine")) == 10


def test_an_edited_schedule_is_not_backfilled(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """The times were found with another trigger. What the ledger says of them is certain no more."""
    schedule, times = down_for(setup, backend, 5)
    trigger = make_trigger(cron="7 7 7 7 *", timezone="UTC")
    edited = backend.schedules.add(every(60, "mine", trigger=trigger), overwrite=True)
    with pytest.raises(Refused, match="edited meanwhile"):
        backend.schedules.backfill(schedule, times, 1)
    found = wanted_times(
        edited, backend.schedules.ledger("mine"), first=None, until=clock.now(), missed_only=True
    )
    assert found.times == ()
    assert [(row.reason, row.count) for row in found.unknown] == [(COALESCED, 5)]


def test_a_schedule_that_is_gone_or_damaged_is_not_backfilled(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Both are an error, and no job is made."""
    schedule, times = down_for(setup, backend, 2)
    setup.damage_schedule(backend, "mine", "{")
    with pytest.raises(Refused, match="damaged"):
        backend.schedules.backfill(schedule, times, 1)
    backend.schedules.delete("mine")
    with pytest.raises(ScheduleNotFound):
        backend.schedules.backfill(schedule, times, 1)
    with pytest.raises(ScheduleNotFound):
        backend.schedules.ledger("mine")
    assert len(backend.list_jobs(JobFilter(schedule_id="mine"))) == 1


def backfill_pages(
    ready: Ready, number: int, options: dict[str, object], times: list[float]
) -> list[str]:
    """Backfill these times, a few at once, forward or backward; the jobs that were added."""
    moments = [datetime.fromtimestamp(moment, clock.now().tzinfo) for moment in times]
    if number % 2:
        moments.reverse()
    added: list[str] = []
    with JobQueueManager(**options) as backend:
        schedule = backend.schedules.get("mine")
        ready()
        for begin in range(0, len(moments), 7):
            added += backend.schedules.backfill(schedule, moments[begin : begin + 7], 1)
    return added


def test_several_at_once_add_each_job_once(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """Four processes backfill the same misses from both ends; the ledger has each once."""
    _, times = down_for(setup, backend, 200)
    answers = in_processes(
        4, backfill_pages, setup.options, [moment.timestamp() for moment in times]
    )
    added = [job_id for answer in answers for job_id in answer]
    assert sorted(added) == sorted(fire_job_id("mine", moment) for moment in times)
    assert missed(backend) == []
    rows = backend.schedules.ledger("mine")
    assert [row.fire_time for row in rows[:-1]] == times
    assert {row.count for row in rows} == {1}


def test_a_page_of_many_is_one_step(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """As many as a page holds, in reasonable time."""
    schedule, times = down_for(setup, backend, PAGE)
    began = clock.monotonic()
    assert len(backend.schedules.backfill(schedule, times, 3)) == PAGE
    print(f"{clock.monotonic() - began:.2f} s")
    assert ledger_of(backend) == [("enqueued", 1)] * (PAGE + 1)


def test_rows_of_a_ledger(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """The whole ledger in order; a row of several misses has its last time."""
    schedule, times = down_for(setup, backend, 3)
    rows: list[Fire] = backend.schedules.ledger(schedule.id)
    assert (rows[0].fire_time, rows[0].last_time, rows[0].count) == (times[0], times[-1], 3)
    assert rows[1].last_time is None
    assert backend.schedules.fires("mine")[::-1][0].last_time == times[-1]


SCRIPT = """
import json, sys
from flowerpower.job_queue import JobQueueManager
from flowerpower.pipeline import backfill

backfill.PAGE = 5
with JobQueueManager(**json.loads(sys.argv[1])) as queue:
    plan = backfill.plan_backfill(queue.schedules, "mine", missed=True)
    for _ in backfill.add_pages(queue.schedules, plan, lambda *done: print(*done, flush=True)):
        pass
"""


def start_backfill(setup: BackendSetup) -> subprocess.Popen[str]:
    """A process that backfills what is missed, and says so after every few."""
    command = [sys.executable, "-c", SCRIPT, json.dumps(setup.options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.fault("backfill-killed")
def test_killed_half_way_and_started_again_it_adds_what_is_missing(
    setup: BackendSetup, backend: JobQueueBackend, dice: random.Random
) -> None:
    """Two at once, killed (-9) again and again: in the end each fire has its job, and one row."""
    _, times = down_for(setup, backend, 250)
    expected = {fire_job_id("mine", moment) for moment in times}
    for _ in range(4):
        both = [start_backfill(setup) for _ in range(2)]
        for process in both:
            assert process.stdout is not None
            for _ in range(dice.randrange(1, 6)):
                process.stdout.readline()
            process.kill()
        for process in both:
            process.communicate()
        rows = backend.schedules.ledger("mine")
        made = {row.job_id for row in rows if row.reason == BACKFILL}
        jobs = backend.list_jobs(JobFilter(schedule_id="mine", limit=1000))
        # Half of a step would be a row without its job, or a job without its row.
        assert {job.id for job in jobs if job.is_backfill} == made
        assert sum(row.count for row in rows) == len(times) + 1
    last = start_backfill(setup)
    last.communicate()
    assert last.returncode == 0
    jobs = backend.list_jobs(JobFilter(schedule_id="mine", limit=1000))
    ids = [job.id for job in jobs if job.is_backfill]
    compared(expected, ids)
    assert sorted(ids) == sorted(expected)
    assert missed(backend) == []
    assert ledger_of(backend) == [("enqueued", 1)] * (len(times) + 1)


def test_on_redis_a_step_that_another_was_faster_than_is_decided_again(
    tmp_path: Path, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its left-over of the row of misses would still have what the other has made meanwhile."""
    setup = OnRedis(tmp_path, redis_server.url())
    with setup.open() as backend:
        schedule, times = down_for(setup, backend, 6)
        calls = []

        def fill_late(*arguments: Any) -> Any:
            step = fill(*arguments)
            calls.append(step)
            if len(calls) == 1:
                backend.schedules.backfill(schedule, times[4:], 1)
            return step

        monkeypatch.setattr("flowerpower.job_queue.rq.schedules.fill", fill_late)
        assert len(backend.schedules.backfill(schedule, times[:2], 1)) == 2
        assert len(calls) == 3
        assert missed(backend) == times[2:4]
        rows = [("enqueued", 1), ("enqueued", 1), ("missed", 2), *[("enqueued", 1)] * 3]
        assert ledger_of(backend) == rows


def test_jobs_of_fires_and_backfills_have_their_followers(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """They are added in the step that adds the job, and wait for it."""

    def with_followers(job: JobSpec) -> JobSpec:
        follower = JobSpec("load", id=f"load-after-{job.id}", after=(job.id,))
        return replace(job, followers=(follower,))

    backend.with_followers = with_followers
    schedule, times = down_for(setup, backend, 2)
    made = backend.schedules.backfill(schedule, times, 1)
    assert len(made) == 2
    jobs = {job.id: job for job in backend.list_jobs(JobFilter())}
    fired = [job.id for job in jobs.values() if job.pipeline == "report"]
    assert len(fired) == 3
    assert set(made) < set(fired)
    assert jobs.keys() == {*fired, *(f"load-after-{job_id}" for job_id in fired)}
    for job_id in fired:
        follower = jobs[f"load-after-{job_id}"]
        assert (follower.status, follower.after) == (S.WAITING, {job_id: None})
