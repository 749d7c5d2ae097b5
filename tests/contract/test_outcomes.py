"""What became of a schedule's fires: in its record, in its ledger, and after its jobs are gone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from flowerpower.job_queue.apscheduler.database import Transaction
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.scheduling import OVERLAP
from flowerpower.jobs.claim import AttemptResult
from flowerpower.jobs.job import JobStatus
from flowerpower.triggers import clock
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import (
    CANCELLED,
    FAILED,
    FINISHED,
    FakeWorker,
    in_seconds,
    retry_at,
    spec,
)
from tests.contract.test_firing import fire_all
from tests.contract.test_schedules import every

S = JobStatus


class Fires:
    """A schedule whose fires come when the test says so."""

    def __init__(self, setup: BackendSetup, backend: JobQueueBackend, **fields: Any) -> None:
        self._setup, self.backend = setup, backend
        backend.schedules.add(every(3600, "mine", **fields))
        self._next = clock.now().replace(microsecond=0) - timedelta(minutes=30)

    def fire(self) -> str | None:
        """The next one; its job."""
        self._setup.set_next_fire(self.backend, "mine", self._next)
        self._next += timedelta(seconds=10)
        (fire,) = fire_all(self.backend)
        return fire.job_id

    def state(self) -> tuple[str | None, int]:
        """What became of the last fire, and how many failed in a row; both readers agree."""
        (listed,) = self.backend.schedules.list()
        read = self.backend.schedules.get("mine")
        state = listed.last_outcome, listed.failures
        assert (read.last_outcome, read.failures) == state
        assert (read.to_json()["last_outcome"], read.to_json()["failures"]) == state
        return state


@pytest.fixture
def fires(setup: BackendSetup, backend: JobQueueBackend) -> Fires:
    return Fires(setup, backend)


def run(fires: Fires, worker: FakeWorker, end: AttemptResult) -> str:
    """Fire, and let the job end so."""
    job_id = fires.fire()
    assert job_id is not None
    claim = worker.take()
    assert claim.job_id == job_id
    assert worker.finish(claim, end)
    return job_id


def test_the_last_fire_is_as_its_job_is(fires: Fires, fake_worker: FakeWorker) -> None:
    """From enqueued to finished, and so it stays when the job is deleted."""
    assert fires.state() == (None, 0)
    job_id = fires.fire()
    assert fires.state() == ("queued", 0)
    claim = fake_worker.take()
    assert fires.state() == ("running", 0)
    assert fake_worker.finish(claim)
    assert fires.state() == ("finished", 0)
    assert job_id is not None
    fires.backend.delete_job(job_id)
    assert fires.state() == ("finished", 0)


def test_failures_in_a_row_are_counted(fires: Fires, fake_worker: FakeWorker) -> None:
    """Until one finishes; a cancelled one changes nothing; deleted jobs are still counted."""
    for number in (1, 2, 3):
        job_id = run(fires, fake_worker, FAILED)
        assert fires.state() == ("failed", number)
        fires.backend.delete_job(job_id)
        assert fires.state() == ("failed", number)
    run(fires, fake_worker, CANCELLED)
    assert fires.state() == ("cancelled", 3)
    run(fires, fake_worker, FINISHED)
    assert fires.state() == ("finished", 0)
    run(fires, fake_worker, FAILED)
    assert fires.state() == ("failed", 1)


def test_an_attempt_that_is_retried_is_no_failure(fires: Fires, fake_worker: FakeWorker) -> None:
    """The job has not ended."""
    fires.fire()
    assert fake_worker.finish(fake_worker.take(), retry_at(in_seconds(3600)))
    assert fires.state() == ("scheduled", 0)


def test_a_job_that_is_lost_for_good_is_a_failure(fires: Fires, fake_worker: FakeWorker) -> None:
    """The third loss fails it."""
    fires.fire()
    for _ in range(3):
        assert fires.backend.requeue_lost(fake_worker.take(), "It died")
    assert fires.state() == ("failed", 1)


def test_a_job_that_succeeds_when_it_is_tried_again_ends_the_row(
    fires: Fires, fake_worker: FakeWorker
) -> None:
    """As if it had finished at once."""
    job_id = run(fires, fake_worker, FAILED)
    fires.backend.retry_job(job_id)
    assert fires.state() == ("queued", 1)
    assert fake_worker.finish(fake_worker.take())
    assert fires.state() == ("finished", 0)
    assert [fire.job_status for fire in fires.backend.schedules.fires("mine")] == ["finished"]


def test_jobs_that_are_no_fires_do_not_count(fires: Fires, fake_worker: FakeWorker) -> None:
    """Neither by `run-now` nor by a backfill."""
    run(fires, fake_worker, FAILED)
    fires.backend.add_job(spec("by-hand", schedule_id="mine"))
    assert fake_worker.finish(fake_worker.take(), FAILED)
    schedule = fires.backend.schedules.get("mine")
    times = [clock.now() - timedelta(days=number) for number in (2, 3)]
    assert len(fires.backend.schedules.backfill(schedule, times, 2)) == 2
    for claim, end in zip(fake_worker.claim(2), (FINISHED, FAILED), strict=True):
        assert fake_worker.finish(claim, end)
    assert fires.state() == ("failed", 1)
    statuses = [fire.job_status for fire in fires.backend.schedules.fires("mine")]
    assert statuses == ["failed", "finished", "failed"]


def test_skipped_and_missed_fires_are_said(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """The outcome of the fire itself, where it has no job."""
    fires = Fires(setup, backend, misfire_grace_time=45 * 60)
    fires.fire()
    claim = fake_worker.take()
    assert fires.fire() is None
    assert fires.state() == ("skipped", 0)
    assert fake_worker.finish(claim, FAILED)
    assert fires.state() == ("skipped", 1)
    schedule = backend.schedules.get("mine")
    backend.schedules.add(every(3600, "mine", misfire_grace_time=60), overwrite=True)
    assert backend.schedules.get("mine").failures == schedule.failures == 1
    assert fires.fire() is None
    assert fires.state() == ("missed", 1)


def test_history_says_how_each_job_ended(fires: Fires, fake_worker: FakeWorker) -> None:
    """With its error while its record lives; how it ended is kept longer."""
    ids = [run(fires, fake_worker, end) for end in (FINISHED, FAILED, CANCELLED)]
    running = fires.fire()
    claim = fake_worker.take()
    assert fires.fire() is None
    history = fires.backend.schedules.fires("mine")
    expected = [None, "running", "cancelled", "failed", "finished"]
    assert [fire.job_status for fire in history] == expected
    assert [fire.job_id for fire in history] == [None, running, *ids[::-1]]
    assert history[0].reason == OVERLAP
    assert history[3].job_error == FAILED.error
    assert history[3].to_json()["job_error"] == FAILED.error
    for job_id in ids:
        fires.backend.delete_job(job_id)
    history = fires.backend.schedules.fires("mine", 4)
    assert [fire.job_status for fire in history] == expected[:4]
    assert history[3].job_error is None
    assert fake_worker.finish(claim)


def test_a_waiting_job_that_is_cancelled_or_expires_is_said(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Also if its record is gone."""
    fires = Fires(setup, backend, expires=0.001)
    for end in ("cancel", "expire"):
        job_id = fires.fire()
        assert job_id is not None
        if end == "cancel":
            backend.cancel_job(job_id)
        else:
            while not backend.expire_jobs():
                pass
        backend.delete_job(job_id)
        assert backend.schedules.fires("mine", 1)[0].job_status == "cancelled"


def test_a_job_whose_schedule_is_gone_ends_well(fires: Fires, fake_worker: FakeWorker) -> None:
    """And leaves nothing behind that a new schedule of that id would show."""
    fires.fire()
    claim = fake_worker.take()
    fires.backend.schedules.delete("mine")
    assert fake_worker.finish(claim, FAILED)
    fires.backend.schedules.add(every(3600, "mine"))
    assert fires.state() == (None, 0)
    assert fires.backend.schedules.fires("mine") == []


@contextmanager
def counted_calls(
    backend: JobQueueBackend, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], int]]:
    """How many statements or commands the backend was sent within the block."""
    count = 0
    if hasattr(backend, "connection"):
        client = backend.connection.client
        pool = client.connection_pool
        real_send = pool.connection_class.send_packed_command

        def send(self: Any, *args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            return real_send(self, *args, **options)

        monkeypatch.setattr(pool.connection_class, "send_packed_command", send)
    else:
        kinds = [Transaction, *Transaction.__subclasses__()]
        for kind in kinds:
            if "execute" in vars(kind):
                real = vars(kind)["execute"]

                def execute(self: Any, *args: Any, real: Any = real) -> Any:
                    nonlocal count
                    count += 1
                    return real(self, *args)

                monkeypatch.setattr(kind, "execute", execute)
    with monkeypatch.context():
        yield lambda: count
    monkeypatch.undo()


def test_reading_outcomes_takes_as_many_calls_for_many_as_for_one(
    setup: BackendSetup, backend: JobQueueBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of a hundred schedules, and a history of a hundred fires."""

    def calls(what: Callable[[], object]) -> int:
        # Once before: a connection that is opened says a few things of itself.
        what()
        with counted_calls(backend, monkeypatch) as count:
            what()
            return count()

    fires = Fires(setup, backend, max_instances=1000)
    fires.fire()
    schedules = backend.schedules
    before = [calls(schedules.list), calls(lambda: schedules.fires("mine", 100))]
    assert min(before) > 0
    for _ in range(99):
        fires.fire()
    for number in range(99):
        schedules.add(every(3600, f"s{number}"))
    assert [calls(schedules.list), calls(lambda: schedules.fires("mine", 100))] == before
    assert (len(schedules.list()), len(schedules.fires("mine", 100))) == (100, 100)
