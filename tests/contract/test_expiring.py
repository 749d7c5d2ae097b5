"""A job that waits longer than its `expires` is cancelled, and never runs."""

from collections.abc import Callable
from typing import Any

import pytest

from flowerpower.errors import UsageError
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import Claim, ExpiredJob
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.jobs.schedule import ScheduleSpec
from flowerpower.triggers import clock
from tests.conditions import eventually
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FAILED, FakeWorker, in_seconds, retry_at, spec
from tests.contract.in_processes import in_threads
from tests.contract.test_schedules import every

OLD: dict[str, Any] = {"run_at": clock.parse_time("2026-01-01T00:00:00Z"), "expires": 600.0}
"""Of a job that is due for more than ten minutes when it is added."""
REASON = "It waited longer than 10m, so it was cancelled."
ERROR = {"type": "Expired", "message": REASON, "code": "expired"}


def _assert_expired(job: Job) -> None:
    assert (job.status, job.error, job.attempt) == (JobStatus.CANCELLED, ERROR, 0)
    assert (job.started_at, job.worker, job.start_by) == (None, None, None)
    assert job.ended_at is not None
    assert not job.cancel_requested


def test_a_job_in_time_is_run_as_any_other(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """It says by when it must start, and that is over once it has."""
    added = backend.add_job(spec("a", expires=600.0))
    job = backend.get_job("a")
    assert (job, job.expires) == (added, 600.0)
    assert job.start_by == clock.after(job.run_at, 600)
    assert backend.list_jobs(JobFilter()) == [job]
    assert backend.expire_jobs() == []
    claim = fake_worker.take()
    assert backend.get_job("a").start_by is None
    assert fake_worker.finish(claim)
    assert fake_worker.status("a") is JobStatus.FINISHED
    assert backend.expire_jobs() == []


def test_the_claim_cancels_what_is_too_old(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """It is not given to the worker, which hears of it; the next job is."""
    for name in ("old-1", "old-2"):
        backend.add_job(spec(name, **OLD, priority=100))
    backend.add_job(spec("good"))
    heard: list[ExpiredJob] = []
    claims = backend.claim(fake_worker.name, 1, ["default"], heard.append)
    assert [claim.job_id for claim in claims] == ["good"]
    # SQL cancels all at once, Redis as it meets them.
    assert heard == [ExpiredJob(name, "report", 600.0) for name in ("old-1", "old-2")]
    for name in ("old-1", "old-2"):
        _assert_expired(backend.get_job(name))
    assert fake_worker.claim() == []
    assert backend.next_due_in(["default"]) is None


def test_without_a_claim_it_is_cancelled_too(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """In any queue, wherever it stands; the others stay."""
    backend.add_jobs([spec(f"n-{number}") for number in range(3)])
    backend.add_job(spec("old", **OLD, priority=-1))
    backend.add_job(spec("elsewhere", **OLD, queue="slow"))
    assert {job.id for job in backend.expire_jobs()} == {"old", "elsewhere"}
    for name in ("old", "elsewhere"):
        _assert_expired(backend.get_job(name))
    assert backend.expire_jobs() == []
    assert [claim.job_id for claim in fake_worker.claim(9, "slow", "default")] == [
        "n-0", "n-1", "n-2",
    ]  # fmt: skip


def test_a_job_that_waits_for_its_time_does_not_age(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Its time begins when it is due; then it ends, though no worker has looked at the queue."""
    backend.add_job(spec("tomorrow", run_at=in_seconds(86_400), expires=0.2))
    due = in_seconds(0.3)
    backend.add_job(spec("later", run_at=due, expires=0.2))
    (expired,) = eventually(backend.expire_jobs)
    assert (expired.id, expired.reason) == (
        "later", "It waited longer than 200ms, so it was cancelled.",
    )  # fmt: skip
    job = backend.get_job("later")
    assert job.status is JobStatus.CANCELLED
    assert job.ended_at is not None
    assert job.ended_at >= clock.after(due, 0.19)
    assert fake_worker.claim() == []
    assert fake_worker.status("tomorrow") is JobStatus.SCHEDULED


def _claimed_in_time(worker: FakeWorker, job_id: str) -> tuple[Claim, float]:
    """The claim on a new job, and its limit: one that this machine can meet."""
    limit = 0.2
    while True:
        worker.backend.add_job(spec(job_id, expires=limit))
        if claims := worker.claim():
            return claims[0], limit
        worker.backend.delete_job(job_id)
        limit *= 2


def _given_back(fake_worker: FakeWorker, back: str) -> float:
    """Run a job and let it come back, when its first time to start is over; its limit."""
    backend = fake_worker.backend
    dying = FakeWorker(backend, "dying")
    claim, limit = _claimed_in_time(dying, "subject")
    start_by = clock.after(backend.get_job("subject").run_at, limit + 0.05)
    eventually(lambda: clock.now() > start_by)
    assert backend.expire_jobs() == []
    if back == "release":
        assert backend.release(claim)
    elif back == "retry":
        assert dying.finish(claim, retry_at(in_seconds(0)))
    elif back == "retry_job":
        assert dying.finish(claim, FAILED)
        backend.retry_job("subject")
    elif back == "requeue_lost":
        assert backend.requeue_lost(claim, "gone")
    else:
        backend.unregister_worker("dying")
    return limit


BACK = ["release", "retry", "retry_job", "requeue_lost", "worker goes"]


@pytest.mark.parametrize("back", BACK)
def test_waiting_is_counted_anew_after_an_attempt(
    backend: JobQueueBackend, fake_worker: FakeWorker, back: str
) -> None:
    """The time that it ran is no waiting: by then it has all its time to start again, and no more."""
    limit = _given_back(fake_worker, back)
    job = backend.get_job("subject")
    assert job.start_by is not None
    assert job.start_by >= clock.after(job.run_at, limit)
    assert [job.id for job in eventually(backend.expire_jobs)] == ["subject"]
    job = backend.get_job("subject")
    assert (job.status, job.attempt, (job.error or {})["code"]) == (
        JobStatus.CANCELLED, 1, "expired",
    )  # fmt: skip
    assert fake_worker.claim() == []


def test_a_cancelled_job_has_no_time_left_to_start(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """One that a user cancelled, or that was cancelled while it ran, is not cancelled once more."""
    backend.add_job(spec("waiting", expires=0.1))
    backend.cancel_job("waiting")
    claim, limit = _claimed_in_time(fake_worker, "running")
    backend.cancel_job("running")
    assert backend.release(claim)
    start_by = in_seconds(limit)
    eventually(lambda: clock.now() > start_by)
    assert backend.expire_jobs() == []
    for name in ("waiting", "running"):
        job = backend.get_job(name)
        assert (job.status, job.error, job.start_by) == (JobStatus.CANCELLED, None, None)


def test_an_expired_job_can_be_tried_again(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """retry_job queues it with all its time, without its error; then it runs."""
    backend.add_job(spec("old", **OLD))
    backend.expire_jobs()
    job = backend.retry_job("old")
    assert (job.status, job.error, job.expires) == (JobStatus.QUEUED, None, 600.0)
    assert job.start_by == clock.after(job.run_at, 600)
    assert backend.expire_jobs() == []
    assert fake_worker.finish(fake_worker.take())
    assert fake_worker.status("old") is JobStatus.FINISHED


def test_an_expired_job_can_be_deleted_and_pruned(backend: JobQueueBackend) -> None:
    """As any cancelled one; its id is free then."""
    backend.add_jobs([spec("a", **OLD), spec("b", **OLD)])
    assert len(backend.expire_jobs()) == 2
    backend.delete_job("a")
    assert backend.prune(everything_ended=True) == 1
    assert backend.add_job(spec("a", expires=600.0)).created
    assert backend.expire_jobs() == []


def test_a_deleted_job_expires_no_more(backend: JobQueueBackend) -> None:
    """Nothing of it is left, and a new job of its id has its own limit, or none."""
    backend.add_job(spec("a", **OLD))
    backend.delete_job("a")
    backend.add_job(spec("a"))
    assert backend.expire_jobs() == []
    assert backend.get_job("a").start_by is None


def test_more_than_a_step_holds_are_all_cancelled(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Seven hundred are too many for one step; none of them runs meanwhile."""
    backend.add_jobs([spec(f"old-{number}", **OLD) for number in range(700)])
    backend.add_job(spec("good", priority=-1))
    heard: list[ExpiredJob] = []

    def claim() -> list[str]:
        claims = backend.claim(fake_worker.name, 5, ["default"], heard.append)
        return [claim.job_id for claim in claims]

    claimed = claim()
    assert 0 < len(heard) < 700
    # Redis meets them before it meets the good one; SQL passes over them.
    assert (claimed or eventually(claim)) == ["good"]
    ids = [job.id for job in heard]
    while expired := backend.expire_jobs():
        ids += [job.id for job in expired]
    assert sorted(ids) == sorted(f"old-{number}" for number in range(700))


def test_a_job_expires_once_or_is_claimed_once(backend: JobQueueBackend) -> None:
    """Of eight threads that claim and expire at once, each old job is given to one, as expired."""
    backend.add_jobs([spec(f"n-{number}", **(OLD if number % 2 else {})) for number in range(80)])
    hands = [FakeWorker(backend, f"thread-{number}") for number in range(8)]

    def work(ready: Callable[[], object], number: int) -> list[str]:
        ready()
        mine: list[str] = []
        heard: list[ExpiredJob] = []
        while backend.next_due_in(["default"]) == 0:
            claims = backend.claim(hands[number].name, 3, ["default"], heard.append)
            mine += [f"run {claim.job_id}" for claim in claims]
            heard += backend.expire_jobs()
        return mine + [f"expired {job.id}" for job in heard]

    done = sorted(act for share in in_threads(8, work) for act in share)
    assert done == sorted(
        f"{'expired' if number % 2 else 'run'} n-{number}" for number in range(80)
    )


def test_jobs_of_fires_have_their_schedules_limit(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """And its priority; the time begins when the job is added, also for a fire that was missed."""
    backend.schedules.add(every(10, "tick", priority=7, expires=30.0))
    setup.age(backend, "tick", 35)
    (*_, fire) = backend.schedules.fire_due().fires
    job = backend.get_job(str(fire.job_id))
    assert (job.priority, job.expires, job.start_by) == (7, 30.0, clock.after(job.run_at, 30))
    assert backend.expire_jobs() == []
    schedule = backend.schedules.get("tick")
    assert schedule.spec is not None
    assert (schedule.spec.priority, schedule.spec.expires) == (7, 30.0)


def test_a_schedule_without_them_is_the_one_of_earlier_versions(backend: JobQueueBackend) -> None:
    """Its definition names neither, so that adding it again finds it; with them it is another."""
    plain = backend.schedules.add(every(60))
    assert "priority" not in every(60).definition()
    assert backend.schedules.add(every(60, priority=0)).id == plain.id
    assert backend.schedules.add(every(60, priority=1)).id != plain.id
    assert backend.schedules.add(every(60, expires=60.0)).id != plain.id


@pytest.mark.parametrize("expires", [0.0, -1.0, float("nan"), float("inf"), 1e12])
def test_other_limits_are_refused(expires: float) -> None:
    """More than 0 seconds, and the message says so."""
    with pytest.raises(UsageError, match=r"^expires is .*: expected more than 0 seconds, up to"):
        spec(expires=expires)
    with pytest.raises(UsageError, match=r"^expires is "):
        ScheduleSpec("report", every(60).trigger, expires=expires)
