"""fire_due: due schedules become jobs, each nominal time once, with a ledger."""

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.schedule_store import FIRE_BATCH, FIRES_KEPT
from flowerpower.job_queue.scheduling import COALESCED, OVERLAP, TOO_LATE
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.jobs.job_spec import overrides_of
from flowerpower.jobs.schedule import Fire, Outcome, ScheduleSpec, ScheduleState
from flowerpower.triggers import clock
from flowerpower.triggers.make import make_trigger
from tests.acceptance.fault_records import compared
from tests.conditions import eventually, slowed
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker, retry_at, with_inputs
from tests.contract.in_processes import in_processes, in_threads
from tests.contract.test_schedules import daily, every

O = Outcome  # noqa: E741 - short in tables


def fire_all(backend: JobQueueBackend) -> list[Fire]:
    """Fire until nothing is due."""
    fires: list[Fire] = []
    while (step := backend.schedules.fire_due()).schedules:
        fires += step.fires
    return fires


def jobs_of(backend: JobQueueBackend, schedule_id: str) -> list[str]:
    found = backend.list_jobs(JobFilter(schedule_id=schedule_id, limit=1000))
    return sorted(job.id for job in found)


def test_nothing_fires_before_its_time(backend: JobQueueBackend) -> None:
    """A schedule that is not due makes no job and no row."""
    schedule = backend.schedules.add(daily())
    assert fire_all(backend) == []
    assert backend.list_jobs(JobFilter()) == []
    assert backend.schedules.fires(schedule.id) == []


@pytest.mark.in_memory
def test_a_fire_makes_its_job(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """With the schedule's overrides, queue and result_ttl, its nominal time, and an id from both."""
    spec = every(10, "mine", overrides=with_inputs(n=3), queue="slow", result_ttl=7.0)
    backend.schedules.add(spec)
    setup.age(backend, "mine", 11)
    due = backend.schedules.get("mine")
    assert due.next_fire is not None
    (fire,) = fire_all(backend)
    job_id = f"mine-{due.next_fire:%Y%m%dT%H%M%SZ}"
    assert (fire.fire_time, fire.outcome, fire.job_id) == (due.next_fire, O.ENQUEUED, job_id)
    job = backend.get_job(job_id)
    assert (job.status, job.queue, job.pipeline) == (JobStatus.QUEUED, "slow", "report")
    assert (job.schedule_id, job.scheduled_for) == ("mine", due.next_fire)
    assert overrides_of(job.payload) == spec.overrides
    claim = FakeWorker(backend).claim(1, "slow")[0]
    assert (claim.job_id, claim.scheduled_for, claim.result_ttl) == (job_id, due.next_fire, 7.0)
    after = backend.schedules.get("mine")
    assert after.last_fire == due.next_fire
    assert after.next_fire == due.next_fire + timedelta(seconds=10)
    assert after.revision > due.revision


def test_the_ledger_tells_every_fire_the_latest_first(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Misses that were taken together are one row with a count; a limit is kept."""
    backend.schedules.add(every(10, "mine"))
    setup.age(backend, "mine", 45)
    fire_all(backend)
    last, missed = backend.schedules.fires("mine")
    assert (last.outcome, last.count) == (O.ENQUEUED, 1)
    assert (missed.outcome, missed.reason, missed.count) == (O.MISSED, COALESCED, 3)
    assert last.fire_time - missed.fire_time == timedelta(seconds=30)
    assert last.recorded_at is not None
    assert abs(last.recorded_at - clock.now()) < timedelta(seconds=10)
    assert last.to_json()["job_id"] == last.job_id
    assert backend.schedules.fires("mine", 1) == [last]
    assert backend.schedules.fires("mine", 0) == []
    assert jobs_of(backend, "mine") == [last.job_id]


def test_without_coalescing_each_missed_fire_is_made(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """In order, each with its own nominal time."""
    backend.schedules.add(every(10, "mine", coalesce=False, max_instances=100))
    setup.age(backend, "mine", 45)
    fires = fire_all(backend)
    assert [fire.outcome for fire in fires] == [O.ENQUEUED] * 4
    assert jobs_of(backend, "mine") == [fire.job_id for fire in fires]


def test_what_is_too_late_is_missed(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """misfire_grace_time drops what is older; the next one fires as ever."""
    backend.schedules.add(every(100, "mine", misfire_grace_time=2.0))
    setup.age(backend, "mine", 150)
    (fire,) = fire_all(backend)
    assert (fire.outcome, fire.reason, fire.job_id) == (O.MISSED, TOO_LATE, None)
    assert jobs_of(backend, "mine") == []
    setup.age(backend, "mine", 50)
    (fire,) = fire_all(backend)
    assert fire.outcome is O.ENQUEUED


ACTIVE: dict[str, Callable[[FakeWorker], object]] = {
    "queued": lambda fake_worker: None,
    "running": lambda fake_worker: fake_worker.take(),
    "waiting for a retry": lambda fake_worker: fake_worker.finish(
        fake_worker.take(), retry_at(clock.after(clock.now(), 3600))
    ),
    "lost": lambda fake_worker: fake_worker.backend.requeue_lost(
        fake_worker.take(), "The worker that ran it died"
    ),
}
ENDED: dict[str, Callable[[FakeWorker], object]] = {
    "finished": lambda fake_worker: fake_worker.finish(fake_worker.take(), FINISHED),
    "failed": lambda fake_worker: fake_worker.finish(fake_worker.take(), FAILED),
    "cancelled": lambda fake_worker: fake_worker.backend.cancel_job(
        fake_worker.backend.list_jobs(JobFilter(schedule_id="mine"))[0].id
    ),
    "deleted": lambda fake_worker: fake_worker.backend.delete_job(
        fake_worker.backend.list_jobs(JobFilter(schedule_id="mine"))[0].id
    ),
}


@pytest.mark.parametrize("state", [*ACTIVE, *ENDED])
def test_while_a_job_is_not_done_the_next_fire_is_skipped(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker, state: str
) -> None:
    """max_instances 1: queued, running or waiting for a retry hold up the next one; ended do not."""
    backend.schedules.add(every(10, "mine"))
    setup.age(backend, "mine", 12)
    assert [fire.outcome for fire in fire_all(backend)] == [O.ENQUEUED]
    {**ACTIVE, **ENDED}[state](fake_worker)
    setup.age(backend, "mine", 9)
    (fire,) = fire_all(backend)
    if state in ACTIVE:
        assert (fire.outcome, fire.reason, fire.job_id) == (O.SKIPPED, OVERLAP, None)
        assert backend.schedules.fires("mine")[0].outcome is O.SKIPPED
    else:
        assert fire.outcome is O.ENQUEUED


def test_a_job_tried_again_holds_up_the_next_fire(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """retry_job makes an ended job active again."""
    backend.schedules.add(every(10, "mine"))
    setup.age(backend, "mine", 12)
    (made,) = fire_all(backend)
    assert made.job_id is not None
    fake_worker.finish(fake_worker.take(), FAILED)
    backend.retry_job(made.job_id)
    setup.age(backend, "mine", 9)
    assert [fire.outcome for fire in fire_all(backend)] == [O.SKIPPED]


def test_it_is_known_whether_somebody_looks(backend: JobQueueBackend) -> None:
    """Nobody at first; a scheduler on Redis once it has looked, elsewhere every worker."""
    assert not backend.schedules.has_scheduler()
    FakeWorker(backend)
    backend.schedules.next_fire_in()
    assert backend.schedules.has_scheduler()


def test_a_date_fires_once_and_is_done(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """Afterwards there is nothing to come."""
    moment = clock.after(clock.now(), 0.3)
    backend.schedules.add(ScheduleSpec("report", make_trigger(date=moment.isoformat()), id="once"))
    (fire,) = eventually(lambda: fire_all(backend))
    assert fire.fire_time == moment
    schedule = backend.schedules.get("once")
    assert (schedule.state, schedule.next_fire) == (ScheduleState.DONE, None)
    assert fire_all(backend) == []


def test_what_lies_behind_an_edit_or_a_resume_never_fires(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Not what was missed before it was edited, nor what fell into the pause."""
    for name in ("edited", "paused"):
        backend.schedules.add(every(10, name))
        setup.age(backend, name, 35)
    edited = backend.schedules.add(every(20, "edited"), overwrite=True)
    backend.schedules.pause("paused")
    assert fire_all(backend) == []
    resumed = backend.schedules.resume("paused")
    assert fire_all(backend) == []
    for schedule in (edited, resumed):
        assert schedule.next_fire is not None
        assert schedule.next_fire > clock.after(clock.now(), -1)


def test_deleting_a_schedule_leaves_its_jobs(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """The ledger goes, and a new schedule of that id has an empty one."""
    backend.schedules.add(every(10, "mine"))
    setup.age(backend, "mine", 15)
    (fire,) = fire_all(backend)
    assert fire.job_id is not None
    backend.schedules.delete("mine")
    assert backend.get_job(fire.job_id).status is JobStatus.QUEUED
    backend.schedules.add(every(10, "mine"))
    assert backend.schedules.fires("mine") == []


def test_a_nominal_time_never_makes_a_second_job(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Whatever sets a schedule back: the same times again make no job, ended or deleted."""
    backend.schedules.add(every(10, "mine", max_instances=9, coalesce=False))
    setup.age(backend, "mine", 25)
    made = {fire.job_id for fire in fire_all(backend)}
    assert len(made) == 2
    before = backend.schedules.fires("mine")
    first = min(job_id for job_id in made if job_id)
    backend.delete_job(first)
    # As if the schedule had been at its beginning: the anchor stays, the next fire goes back.
    schedule = backend.schedules.get("mine")
    assert schedule.next_fire is not None
    setup.set_next_fire(backend, "mine", before[-1].fire_time)
    assert fire_all(backend) == []
    assert jobs_of(backend, "mine") == sorted(
        job_id for job_id in made if job_id and job_id != first
    )
    assert backend.schedules.fires("mine") == before
    assert backend.schedules.get("mine").next_fire == schedule.next_fire


@pytest.mark.fault("clock-back")
def test_a_clock_that_was_set_back_makes_it_go_on_at_once(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """A schedule whose last fire lies ahead fires from now on again."""
    backend.schedules.add(every(10, "mine"))
    setup.age(backend, "mine", -86_400)
    ahead = backend.schedules.get("mine")
    assert ahead.next_fire is not None
    setup.set_last_fire(backend, "mine", ahead.next_fire - timedelta(seconds=10))
    assert backend.schedules.next_fire_in() == 0
    setup.age(backend, "mine", 86_400 + 60)
    setup.set_next_fire(backend, "mine", ahead.next_fire)
    assert fire_all(backend) == []
    schedule = backend.schedules.get("mine")
    assert schedule.next_fire is not None
    assert clock.now() - timedelta(seconds=1) < schedule.next_fire
    assert schedule.next_fire < clock.after(clock.now(), 11)


def test_a_clock_that_was_set_back_is_noticed_before_the_first_fire(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """A schedule that was added at a time which is to come fires from now on, too."""
    backend.schedules.add(every(10, "mine"))
    setup.age(backend, "mine", -3600)
    assert backend.schedules.next_fire_in() == 0
    fire_all(backend)
    schedule = backend.schedules.get("mine")
    assert schedule.next_fire is not None
    assert schedule.next_fire < clock.after(clock.now(), 11)


@pytest.mark.parametrize("state", ["paused", "damaged"])
def test_what_does_not_fire_holds_up_nobody_when_the_clock_was_set_back(
    setup: BackendSetup, backend: JobQueueBackend, state: str
) -> None:
    """Nobody looks at it again and again, and the others fire."""
    for name in ("bad", "good"):
        backend.schedules.add(every(10, name))
    if state == "paused":
        backend.schedules.pause("bad")
    else:
        setup.damage_schedule(backend, "bad", "{")
    setup.set_last_fire(backend, "bad", clock.after(clock.now(), 3600))
    setup.age(backend, "good", 15)
    fired = [fire.schedule_id for _ in range(4) for fire in backend.schedules.fire_due().fires]
    assert fired == ["good"]
    due = backend.schedules.next_fire_in()
    assert due is not None
    assert due > 0


@pytest.mark.fault("schedulers-at-once")
def test_schedulers_in_threads_fire_once(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """Eight that fire at once make one job for each of twenty schedules."""
    for number in range(20):
        backend.schedules.add(every(100, f"s{number}"))
        setup.age(backend, f"s{number}", 101)

    def fire(ready: Any, number: int) -> list[str]:
        ready()
        return [fire.schedule_id for _ in range(5) for fire in backend.schedules.fire_due().fires]

    fired = [schedule_id for share in in_threads(8, fire) for schedule_id in share]
    fired += [fire.schedule_id for fire in fire_all(backend)]
    compared((f"s{number}" for number in range(20)), fired)
    assert sorted(fired) == sorted(f"s{number}" for number in range(20))
    assert len(backend.list_jobs(JobFilter(limit=100))) == 20


def _fire_for(ready: Any, number: int, options: dict[str, Any], seconds: float) -> list[str]:
    fired = []
    with JobQueueManager(**options) as queue:
        ready()
        until = clock.monotonic() + seconds
        while clock.monotonic() < until:
            fired += [str(fire.job_id) for fire in queue.schedules.fire_due().fires]
    return fired


def test_schedulers_in_processes_fire_every_second_once(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Three processes, one schedule a second, three seconds: no second is missing or doubled."""
    schedule = backend.schedules.add(every(1, "tick", coalesce=False, max_instances=1000))
    shares = in_processes(3, _fire_for, setup.options, 3.5)
    fired = Counter(job_id for share in shares for job_id in share)
    assert set(fired.values()) == {1}
    fires = sorted(fire.fire_time for fire in backend.schedules.fires("tick"))
    assert len(fires) >= 2
    assert fires[0] == schedule.next_fire
    assert {b - a for a, b in itertools.pairwise(fires)} == {timedelta(seconds=1)}
    assert jobs_of(backend, "tick") == sorted(fired)


def test_a_thousand_rows_of_a_ledger_are_kept() -> None:
    """It is what the next test and the documentation call so many."""
    assert FIRES_KEPT == 1000


def test_a_ledger_is_cut_to_its_latest_rows(
    setup: BackendSetup, backend: JobQueueBackend, kept: int
) -> None:
    """The last rows are kept, up to a hundred more at times; those of several misses apart."""
    schedule = backend.schedules.add(every(1, "mine"))
    setup.age(backend, "mine", 6000)
    begin = schedule.anchor.replace(microsecond=0) - timedelta(seconds=5000)
    for number in range(kept + 300):
        setup.set_next_fire(backend, "mine", begin + timedelta(seconds=number))
        backend.schedules.fire_due()
    fires = backend.schedules.fires("mine", 5000)
    missed = [fire.fire_time for fire in fires if fire.count > 1]
    assert kept <= len(missed) <= kept + 100
    assert len(fires) - len(missed) <= kept + 100
    assert missed[0] == begin + timedelta(seconds=kept + 299)
    assert missed == [missed[0] - timedelta(seconds=number) for number in range(len(missed))]


@pytest.mark.parametrize("count", [300, pytest.param(1000, marks=pytest.mark.faults)])
def test_many_due_schedules_fire_in_seconds(
    setup: BackendSetup, backend: JobQueueBackend, count: int
) -> None:
    """A burst of more than one step takes is worked off step by step, none is forgotten."""
    assert count > FIRE_BATCH
    for number in range(count):
        backend.schedules.add(every(1000, f"s{number}"))
        setup.age(backend, f"s{number}", 1001)
    began = clock.monotonic()
    fires = fire_all(backend)
    print(f"{len(fires) / (clock.monotonic() - began):.0f} fires a second")
    assert len({fire.schedule_id for fire in fires}) == count
    assert clock.monotonic() - began < slowed(30)
