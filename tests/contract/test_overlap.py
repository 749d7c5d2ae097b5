"""A fire that finds jobs of its schedule that have not ended: skip, queue or replace."""

from datetime import timedelta

import pytest

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.scheduling import OVERLAP, QUEUE_IS_FULL, QUEUE_LIMIT
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.jobs.schedule import Fire, Outcome, Overlap
from flowerpower.triggers import clock
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import CANCELLED, FAILED, FINISHED, FakeWorker, retry_at, spec
from tests.contract.in_processes import in_processes, release_all
from tests.contract.test_firing import fire_all
from tests.contract.test_schedules import every

S = JobStatus
BEGIN = clock.now().replace(microsecond=0) - timedelta(minutes=30)


class Fires:
    """A schedule whose fires come when the test says so, a minute after one another."""

    def __init__(
        self, setup: BackendSetup, backend: JobQueueBackend, overlap: Overlap, **fields: object
    ) -> None:
        self._setup, self._backend = setup, backend
        backend.schedules.add(every(3600, "mine", overlap=overlap, **fields))
        self._next = BEGIN

    def fire(self) -> Fire:
        """The next one."""
        self._setup.set_next_fire(self._backend, "mine", self._next)
        self._next += timedelta(minutes=1)
        (fire,) = fire_all(self._backend)
        return fire

    def make(self) -> str:
        """The job of the next one."""
        fire = self.fire()
        assert (fire.outcome, fire.reason) == (Outcome.ENQUEUED, None)
        assert fire.job_id is not None
        return fire.job_id


def claimed(worker: FakeWorker, count: int = 10) -> list[str]:
    return [claim.job_id for claim in worker.claim(count)]


def test_by_default_it_is_skipped(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """It is in the ledger with the reason, and the job that runs is left alone."""
    fires = Fires(setup, backend, Overlap.SKIP)
    job_id = fires.make()
    claim = fake_worker.take()
    skipped = fires.fire()
    assert (skipped.outcome, skipped.reason, skipped.job_id) == (Outcome.SKIPPED, OVERLAP, None)
    assert backend.get_job(job_id).status is S.RUNNING
    assert fake_worker.finish(claim)
    assert fires.fire().outcome is Outcome.ENQUEUED


def test_queued_jobs_run_one_after_another(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A blocked job is scheduled and not due; when the one before has ended, it is due at once."""
    fires = Fires(setup, backend, Overlap.QUEUE)
    ids = [fires.make() for _ in range(3)]
    for number, job_id in enumerate(ids):
        assert backend.next_due_in(["default"]) == 0
        (claim,) = fake_worker.claim(10)
        assert claim.job_id == job_id
        waiting = [backend.get_job(later) for later in ids[number + 1 :]]
        assert all((job.status, job.blocked) == (S.SCHEDULED, True) for job in waiting)
        assert backend.next_due_in(["default"]) is None
        assert fake_worker.claim(10) == []
        assert fake_worker.finish(claim, FAILED if number == 0 else FINISHED)
    assert backend.next_due_in(["default"]) is None
    assert not any(job.blocked for job in backend.list_jobs(JobFilter()))


def test_a_job_that_waits_for_a_retry_is_waited_for(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Else its retry and the next job would run at once."""
    fires = Fires(setup, backend, Overlap.QUEUE)
    first, second = fires.make(), fires.make()
    assert fake_worker.finish(fake_worker.take(), retry_at(clock.after(clock.now(), 3600)))
    assert claimed(fake_worker) == []
    backend.cancel_job(first)
    assert claimed(fake_worker) == [second]


def test_as_many_queued_jobs_run_as_max_instances_says(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """And `run-now` counts: a job of the schedule without a fire."""
    fires = Fires(setup, backend, Overlap.QUEUE, max_instances=3)
    backend.add_job(spec("by-hand", schedule_id="mine"))
    ids = [fires.make() for _ in range(4)]
    assert claimed(fake_worker) == ["by-hand", *ids[:2]]


def test_a_queue_has_an_end(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """All that is made up for one by one has a place; what comes then is skipped."""
    backend.schedules.add(every(10, "mine", overlap=Overlap.QUEUE, coalesce=False))
    setup.age(backend, "mine", 10 * (QUEUE_LIMIT + 50))
    made = [fire for fire in fire_all(backend) if fire.outcome is Outcome.ENQUEUED]
    assert len(made) == QUEUE_LIMIT
    outcomes = []
    for _ in range(2):
        # Its times are other ones now, each a second earlier.
        setup.age(backend, "mine", 11)
        outcomes += [(fire.outcome, fire.reason) for fire in fire_all(backend)]
    assert outcomes == [(Outcome.ENQUEUED, None), (Outcome.SKIPPED, QUEUE_IS_FULL)]


def _assert_replaced(job: Job, by: Job) -> None:
    assert job.status is S.CANCELLED
    assert job.error is not None
    assert job.error["code"] == "replaced"
    assert by.scheduled_for is not None
    time = clock.format_time(by.scheduled_for)
    assert f"The fire of {time} replaced it (overlap: replace)" in job.error["message"]


def test_a_waiting_job_is_replaced(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """It is cancelled with that reason in the step that adds the new one, and never runs."""
    fires = Fires(setup, backend, Overlap.REPLACE)
    first, second = fires.make(), fires.make()
    _assert_replaced(backend.get_job(first), backend.get_job(second))
    assert claimed(fake_worker) == [second]


def test_a_running_job_is_replaced(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """It is asked to end; the new one runs once it has, so that there are never two."""
    fires = Fires(setup, backend, Overlap.REPLACE)
    first = fires.make()
    claim = fake_worker.take()
    second, third = fires.make(), fires.make()
    running = backend.get_job(first)
    assert (running.status, running.cancel_requested) == (S.RUNNING, True)
    assert backend.heartbeat(fake_worker.name).held == {first: (1, True)}
    _assert_replaced(backend.get_job(second), backend.get_job(third))
    assert claimed(fake_worker) == []
    assert fake_worker.finish(claim, CANCELLED)
    _assert_replaced(backend.get_job(first), backend.get_job(third))
    assert claimed(fake_worker) == [third]


@pytest.mark.parametrize("how", ["finished", "failed", "retried", "released", "lost"])
def test_however_a_replaced_job_ends_the_new_one_runs(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker, how: str
) -> None:
    """One that has finished or failed before it was ended is so; all else is cancelled."""
    fires = Fires(setup, backend, Overlap.REPLACE)
    first = fires.make()
    claim = fake_worker.take()
    second = fires.make()
    if how in ("finished", "failed"):
        assert fake_worker.finish(claim, FINISHED if how == "finished" else FAILED)
        job = backend.get_job(first)
        assert job.status == how
        assert (job.error or {}).get("code") is None
    else:
        assert {
            "retried": lambda: fake_worker.finish(claim, retry_at(clock.now())),
            "released": lambda: backend.release(claim),
            "lost": lambda: backend.requeue_lost(claim, "It died"),
        }[how]()
        _assert_replaced(backend.get_job(first), backend.get_job(second))
    assert claimed(fake_worker) == [second]


def test_only_as_many_are_replaced_as_there_are_too_many(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """With max_instances 2 the oldest goes, and the one before stays."""
    fires = Fires(setup, backend, Overlap.REPLACE, max_instances=2)
    first, second = fires.make(), fires.make()
    assert claimed(fake_worker) == [first, second]
    third = fires.make()
    requested = [backend.get_job(name).cancel_requested for name in (first, second, third)]
    assert requested == [True, False, False]


def test_of_missed_fires_that_are_made_up_for_the_last_replaces(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """To make each and replace it at once would make no sense: the others are skipped."""
    backend.schedules.add(every(10, "mine", overlap=Overlap.REPLACE, coalesce=False))
    setup.age(backend, "mine", 45)
    fires = fire_all(backend)
    assert [fire.outcome for fire in fires] == [Outcome.SKIPPED] * 3 + [Outcome.ENQUEUED]
    assert "a later fire" in str(fires[0].reason)
    assert claimed(fake_worker) == [fires[-1].job_id]


def test_a_time_that_had_its_job_replaces_nothing(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """As after the clock was set back: there is no new job for the running one to make room for."""
    fires = Fires(setup, backend, Overlap.REPLACE)
    job_id = fires.make()
    claim = fake_worker.take()
    setup.set_next_fire(backend, "mine", BEGIN)
    assert fire_all(backend) == []
    assert not backend.get_job(job_id).cancel_requested
    assert fake_worker.finish(claim)


def test_a_blocked_job_can_be_cancelled_deleted_and_retried(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A cancelled one that is tried again waits again, for its turn by age."""
    fires = Fires(setup, backend, Overlap.QUEUE)
    first, second, third, fourth = (fires.make() for _ in range(4))
    claim = fake_worker.take()
    assert claim.job_id == first
    assert backend.cancel_job(second).status is S.CANCELLED
    backend.delete_job(third)
    retried = backend.retry_job(second)
    assert (retried.status, retried.blocked, retried.error) == (S.SCHEDULED, True, None)
    assert claimed(fake_worker) == []
    assert fake_worker.finish(claim)
    (claim,) = fake_worker.claim(10)
    assert claim.job_id == second
    assert fake_worker.finish(claim)
    assert claimed(fake_worker) == [fourth]


def test_a_blocked_job_does_not_age(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Its `expires` begins when it is due: when it is its turn."""
    fires = Fires(setup, backend, Overlap.QUEUE, expires=60.0)
    fires.make()
    second = fires.make()
    claim = fake_worker.take()
    assert backend.get_job(second).start_by is None
    before = clock.now()
    assert fake_worker.finish(claim)
    assert fake_worker.claim(1, "slow") == []
    job = backend.get_job(second)
    assert (job.status, job.blocked) == (S.QUEUED, False)
    assert job.start_by is not None
    assert before + timedelta(seconds=55) < job.start_by < clock.now() + timedelta(seconds=65)
    assert job.run_at > before - timedelta(seconds=5)


def test_blocked_jobs_are_released_once_by_many_workers(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Four processes that claim at once: never more than two at a time, each job once, in order."""
    fires = Fires(setup, backend, Overlap.QUEUE, max_instances=2)
    ids = [fires.make() for _ in range(30)]
    begun: list[tuple[float, float, str]] = []
    for answer in in_processes(4, release_all, setup.options, len(ids)):
        begun += answer
    begun.sort()
    assert sorted(job_id for _, _, job_id in begun) == sorted(ids)
    for start, _, _ in begun:
        at_once = [job_id for begin, end, job_id in begun if begin <= start < end]
        assert len(at_once) <= 2
