"""The state of the queues at one moment: the numbers that every view shows."""

from datetime import timedelta

import pytest

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.limits import Limit, Limits
from flowerpower.triggers import clock
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker, in_seconds, spec
from tests.contract.test_schedules import every

S = JobStatus


def counts(backend: JobQueueBackend, queue: str = "default") -> dict[str, int]:
    """The statuses that some job of the queue has."""
    state = backend.snapshot().queues[queue]
    return {str(status): count for status, count in state.counts.items() if count}


def test_an_empty_queue_has_no_state(backend: JobQueueBackend) -> None:
    """No queue, no worker."""
    snapshot = backend.snapshot()
    assert (snapshot.queues, snapshot.workers) == ({}, [])
    assert (list(snapshot.running), list(snapshot.failed)) == ([], [])
    assert abs((snapshot.taken_at - clock.now()).total_seconds()) < 5


@pytest.mark.in_memory
def test_jobs_are_counted_by_queue_and_status(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Every status is, and 0 is said too."""
    for status in (S.FINISHED, S.FAILED, S.CANCELLED, S.RUNNING, S.SCHEDULED, S.QUEUED):
        fake_worker.make(status, f"a-{status}")
    backend.add_job(spec("a-waiting", after=("a-running",)))
    backend.add_job(spec("in-another", queue="slow"))
    snapshot = backend.snapshot()
    assert snapshot.queues["default"].counts == dict.fromkeys(S, 1)
    assert snapshot.queues["slow"].counts == {**dict.fromkeys(S, 0), S.QUEUED: 1}
    assert list(snapshot.queues) == ["default", "slow"]
    assert [job.id for job in snapshot.running] == ["a-running"]
    assert [job.id for job in snapshot.failed] == ["a-failed"]
    assert snapshot.failed[0].error == FAILED.error
    assert [worker.running for worker in snapshot.workers] == [("a-running",)]


def test_the_numbers_follow_the_jobs(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Through retries, deletion and pruning."""
    backend.add_job(spec("one"))
    assert counts(backend) == {"queued": 1}
    claim = fake_worker.take()
    assert counts(backend) == {"running": 1}
    backend.release(claim)
    assert counts(backend) == {"queued": 1}
    assert fake_worker.finish(fake_worker.take(), FAILED)
    assert counts(backend) == {"failed": 1}
    backend.retry_job("one")
    assert counts(backend) == {"queued": 1}
    assert fake_worker.finish(fake_worker.take(), FINISHED)
    assert counts(backend) == {"finished": 1}
    backend.prune(everything_ended=True)
    backend.add_job(spec("two"))
    assert counts(backend) == {"queued": 1}


def test_expired_records_are_not_counted(setup: BackendSetup) -> None:
    """Also before anything has pruned them."""
    with setup.open(history_ttl=0.05) as backend:
        worker = FakeWorker(backend)
        backend.add_job(spec("gone"))
        assert worker.finish(worker.take())
        backend.add_job(spec("waits"))
        until = clock.monotonic() + 10
        while counts(backend) != {"queued": 1}:
            assert clock.monotonic() < until


def test_how_long_the_oldest_waits_is_said(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """By when it became due, whatever its priority; those that are not due do not count."""
    before = clock.now()
    backend.add_job(spec("old"))
    between = clock.now()
    backend.add_job(spec("urgent", priority=5))
    backend.add_job(spec("later", run_at=in_seconds(3600)))
    oldest = backend.snapshot().queues["default"].oldest_due
    assert oldest is not None
    assert before - timedelta(seconds=1) < oldest < between + timedelta(seconds=1)
    assert oldest <= backend.get_job("old").run_at + timedelta(milliseconds=1)
    fake_worker.claim(2)
    assert backend.snapshot().queues["default"].oldest_due is None


@pytest.mark.parametrize("is_parked", [False, True])
def test_a_job_does_not_wait_before_it_is_added(backend: JobQueueBackend, is_parked: bool) -> None:
    """However long ago it was to run, also if a limit holds it back."""
    limits = Limits({"one": Limit(at_once=1)}, {"report": ("one",)})
    worker = FakeWorker(backend)
    if is_parked:
        backend.add_job(spec("running"))
        worker.take()
    before = clock.now()
    backend.add_job(spec("long-ago", run_at=in_seconds(-90_000)))
    if is_parked:
        assert backend.claim(worker.name, 1, ("default",), limits=limits) == []
        assert backend.limit_use(limits)["one"].parked == 1
    oldest = backend.snapshot().queues["default"].oldest_due
    assert oldest is not None
    assert abs((oldest - before).total_seconds()) < 5
    assert abs((backend.get_job("long-ago").created_at - oldest).total_seconds()) < 1e-3


def test_lists_are_short_and_in_order(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """What has run the longest first, and what has failed last first."""
    for number in range(6):
        backend.add_job(spec(f"f{number}"))
    claims = [fake_worker.take() for _ in range(6)]
    for claim in (claims[2], claims[0], claims[1]):
        assert fake_worker.finish(claim, FAILED)
    snapshot = backend.snapshot(2)
    assert [job.id for job in snapshot.failed] == ["f1", "f0"]
    assert [job.id for job in snapshot.running] == ["f3", "f4"]
    assert snapshot.queues["default"].counts[S.RUNNING] == 3
    assert list(backend.snapshot(0).failed) == []


def test_blocked_and_paused_are_said(backend: JobQueueBackend) -> None:
    """A blocked job is a scheduled one; a queue that is paused is there without a job."""
    backend.schedules.add(every(3600, "mine"))
    times = [clock.now() - timedelta(days=number) for number in (1, 2)]
    backend.schedules.backfill(backend.schedules.get("mine"), times, 1)
    backend.pause_queue("slow")
    snapshot = backend.snapshot()
    assert snapshot.queues["default"].counts[S.SCHEDULED] == 2
    assert snapshot.queues["default"].blocked == 2
    assert snapshot.queues["slow"].paused_at == backend.paused_queues()["slow"]
    assert snapshot.queues["default"].paused_at is None


def test_a_state_is_json(backend: JobQueueBackend) -> None:
    """With every status and RFC 3339 times."""
    backend.pause_queue("slow")
    body = backend.snapshot().queues["slow"].to_json()
    assert body["counts"] == {str(status): 0 for status in S}
    assert clock.parse_time(body["paused_at"]) == backend.paused_queues()["slow"]


def test_damage_stops_no_snapshot(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A record that cannot be read is counted or left out."""
    fake_worker.make(S.RUNNING, "subject")
    setup.overwrite(backend, "subject", "progress", "{not json")
    backend.add_job(spec("other"))
    setup.overwrite(backend, "other", "payload", "{not json")
    snapshot = backend.snapshot()
    assert [job.id for job in snapshot.running] == ["subject"]
    assert snapshot.queues["default"].counts[S.QUEUED] == 1


def test_the_next_fires_come_in_their_order(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """Of active schedules, however many there are."""
    assert (backend.schedules.upcoming(5), backend.schedules.count()) == ([], 0)
    for number, seconds in enumerate((300, 100, 200)):
        backend.schedules.add(every(seconds, f"s{number}"))
    backend.schedules.add(every(50, "paused"))
    backend.schedules.pause("paused")
    assert [schedule.id for schedule in backend.schedules.upcoming(5)] == ["s1", "s2", "s0"]
    assert [schedule.id for schedule in backend.schedules.upcoming(2)] == ["s1", "s2"]
    assert backend.schedules.upcoming(1)[0] == backend.schedules.get("s1")
    assert backend.schedules.upcoming(0) == []
    assert backend.schedules.count() == 4
