"""finish, record, release, lose: what a worker may write, and when it may no more."""

from collections.abc import Callable

import pytest

from flowerpower.errors import JobNotFound, Refused
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import AttemptResult, Claim, FinishRequest
from flowerpower.jobs.job import MAX_WORKER_LOSSES, Job, JobStatus
from tests.acceptance.fault_records import counted
from tests.conditions import eventually
from tests.contract.fake_worker import (
    CANCELLED,
    FAILED,
    FINISHED,
    RESULT,
    FakeWorker,
    in_seconds,
    retry_at,
)

PROGRESS = {"done": 1, "total": 3, "current": "clean", "nodes": {"clean": {"state": "finished"}}}


def claimed(fake_worker: FakeWorker) -> Claim:
    claim = fake_worker.make(JobStatus.RUNNING)
    assert claim is not None
    return claim


def test_a_finished_attempt_ends_its_job(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Status, result, log, progress and the time are written; nobody holds the job any more."""
    claim = claimed(fake_worker)
    end = AttemptResult(JobStatus.FINISHED, result=RESULT, attempts_left=2)
    assert backend.finish(claim, end, "last words\n", PROGRESS)
    job = backend.get_job(claim.job_id)
    assert (job.status, job.result, job.error, job.worker) == (
        JobStatus.FINISHED,
        RESULT,
        None,
        None,
    )
    assert (job.progress, job.attempts_left, job.attempt) == (PROGRESS, 2, 1)
    assert fake_worker.log(claim) == "last words\n"
    assert job.started_at is not None
    assert job.ended_at is not None
    assert job.ended_at >= job.started_at


def test_a_failed_attempt_leaves_its_error(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A failed job has its error, no result, and nothing that would expire."""
    claim = claimed(fake_worker)
    assert fake_worker.finish(claim, FAILED)
    job = backend.get_job(claim.job_id)
    assert (job.status, job.error, job.result) == (JobStatus.FAILED, FAILED.error, None)
    assert (job.result_expires_at, job.result_expired_at) == (None, None)
    assert (job.attempts_left, job.worker_losses) == (0, 0)


def test_a_cancelled_attempt_ends_its_job(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A job whose attempt was ended for a cancel is cancelled."""
    claim = claimed(fake_worker)
    backend.cancel_job(claim.job_id)
    assert fake_worker.finish(claim, CANCELLED)
    job = backend.get_job(claim.job_id)
    assert job.status is JobStatus.CANCELLED
    assert job.ended_at is not None


def test_a_retry_waits_and_then_runs_as_the_next_attempt(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A failed attempt with retries left is scheduled, and its next attempt knows of it."""
    claim, due = claimed(fake_worker), in_seconds(0.5)
    assert fake_worker.finish(claim, retry_at(due, retries=1, left=2))
    job = backend.get_job(claim.job_id)
    assert (job.status, job.error, job.attempts_left) == (JobStatus.SCHEDULED, FAILED.error, 2)
    assert (job.ended_at, job.worker, job.attempt) == (None, None, 1)
    assert abs((job.run_at - due).total_seconds()) < 0.001
    (again,) = eventually(fake_worker.claim)
    assert (again.attempt, again.retries) == (2, 1)
    assert backend.get_job(claim.job_id).error is None


def test_a_retry_of_a_job_to_be_cancelled_is_cancelled(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A cancel that came before the retry was written ends the job."""
    claim = claimed(fake_worker)
    backend.cancel_job(claim.job_id)
    assert fake_worker.finish(claim, retry_at(in_seconds(0)))
    job = backend.get_job(claim.job_id)
    assert job.status is JobStatus.CANCELLED
    assert job.ended_at is not None
    assert fake_worker.claim() == []


def test_an_attempt_cannot_end_as_running(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Running is no way for an attempt to end."""
    with pytest.raises(Refused, match="it cannot become running"):
        fake_worker.finish(claimed(fake_worker), AttemptResult(JobStatus.RUNNING))


def test_a_released_attempt_is_queued_again_at_no_cost(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Given back, a job is due at once; neither a retry nor a loss is counted."""
    claim = claimed(fake_worker)
    assert backend.release(claim)
    job = backend.get_job(claim.job_id)
    assert (job.status, job.worker_losses, job.worker) == (JobStatus.QUEUED, 0, None)
    again = fake_worker.take()
    assert (again.retries, again.attempt) == (0, 2)


def test_releasing_a_job_to_be_cancelled_cancels_it(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A released job that somebody cancelled meanwhile does not run again."""
    claim = claimed(fake_worker)
    backend.cancel_job(claim.job_id)
    assert backend.release(claim)
    job = backend.get_job(claim.job_id)
    assert job.status is JobStatus.CANCELLED
    assert job.ended_at is not None


def test_the_third_loss_fails_the_job_with_its_reason(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A job whose worker dies runs again, twice; then it is failed, and says why."""
    claim = claimed(fake_worker)
    for worker_losses in range(1, MAX_WORKER_LOSSES):
        assert backend.requeue_lost(claim, "The worker that ran it died")
        job = backend.get_job(claim.job_id)
        assert (job.status, job.worker_losses, job.error) == (JobStatus.QUEUED, worker_losses, None)
        claim = fake_worker.take()
        assert claim.retries == 0
    assert backend.requeue_lost(claim, "The worker that ran it died")
    job = backend.get_job(claim.job_id)
    assert (job.status, job.worker_losses, job.worker) == (JobStatus.FAILED, 3, None)
    assert job.error is not None
    assert job.error["type"] == "WorkerLost"
    assert "The worker that ran it died, for the 3rd time" in job.error["message"]
    assert job.ended_at is not None
    assert fake_worker.claim() == []


def test_losing_a_job_to_be_cancelled_cancels_it(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A lost job that somebody cancelled meanwhile does not run again."""
    claim = claimed(fake_worker)
    backend.cancel_job(claim.job_id)
    assert backend.requeue_lost(claim, "The worker that ran it died")
    assert backend.get_job(claim.job_id).status is JobStatus.CANCELLED


LATE_WRITES: dict[str, Callable[[JobQueueBackend, Claim], bool]] = {
    "finish": lambda backend, claim: backend.finish(claim, FINISHED, "late\n", PROGRESS),
    "fail": lambda backend, claim: backend.finish(claim, FAILED, "late\n", PROGRESS),
    "retry": lambda backend, claim: backend.finish(claim, retry_at(in_seconds(0)), "late\n", None),
    "record": lambda backend, claim: backend.record(claim, "late\n", PROGRESS),
    "release": lambda backend, claim: backend.release(claim),
    "requeue_lost": lambda backend, claim: backend.requeue_lost(claim, "late"),
}


def _released(fake_worker: FakeWorker, claim: Claim) -> None:
    fake_worker.backend.release(claim)


def _with_another(fake_worker: FakeWorker, claim: Claim) -> None:
    fake_worker.backend.requeue_lost(claim, "The worker that ran it died")
    FakeWorker(fake_worker.backend, "other").take()


def _with_the_same_again(fake_worker: FakeWorker, claim: Claim) -> None:
    fake_worker.backend.release(claim)
    fake_worker.take()


def _ended(fake_worker: FakeWorker, claim: Claim) -> None:
    fake_worker.finish(claim, FAILED, "in time\n")


def _deleted(fake_worker: FakeWorker, claim: Claim) -> None:
    fake_worker.finish(claim)
    fake_worker.backend.delete_job(claim.job_id)


@pytest.mark.fault("late-finish")
@pytest.mark.parametrize("late", LATE_WRITES)
@pytest.mark.parametrize("lost", [_released, _with_another, _with_the_same_again, _ended, _deleted])
def test_a_lost_lease_writes_nothing(
    backend: JobQueueBackend,
    fake_worker: FakeWorker,
    late: str,
    lost: Callable[[FakeWorker, Claim], None],
) -> None:
    """Whoever holds the job now, or nobody: a late write is refused, and leaves no trace."""
    claim = claimed(fake_worker)
    lost(fake_worker, claim)
    before = _all_of(fake_worker, claim)
    was_taken = LATE_WRITES[late](backend, claim)
    after = _all_of(fake_worker, claim)
    counted(lost=int(before is not None and after is None), doubled=int(was_taken))
    assert was_taken is False
    assert after == before


def _all_of(fake_worker: FakeWorker, claim: Claim) -> tuple[Job, str] | None:
    try:
        return fake_worker.backend.get_job(claim.job_id), fake_worker.log(claim)
    except JobNotFound:
        return None


def test_another_worker_cannot_write_with_its_own_name(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A claim names its owner; the same attempt in another's name is refused."""
    claim = claimed(fake_worker)
    forged = Claim(claim.job_id, "other", claim.attempt, claim.pipeline, claim.payload)
    for write in LATE_WRITES.values():
        assert write(backend, forged) is False
    assert backend.finish(claim, FINISHED, "", None)


def test_finishing_twice_is_refused_the_second_time(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A finish that is repeated writes nothing: the outcome is the first one's."""
    claim = claimed(fake_worker)
    assert fake_worker.finish(claim, FINISHED, "once\n")
    assert fake_worker.finish(claim, FAILED, "twice\n") is False
    assert fake_worker.status() is JobStatus.FINISHED
    assert fake_worker.log(claim) == "once\n"


def test_progress_is_replaced_and_survives_a_write_without(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Progress is the last that was told; a log alone leaves it; the next attempt has none."""
    claim = claimed(fake_worker)
    assert backend.record(claim, "", {"done": 0, "total": 3})
    assert backend.record(claim, "", PROGRESS)
    assert backend.record(claim, "a line\n", None)
    assert backend.get_job(claim.job_id).progress == PROGRESS
    backend.release(claim)
    fake_worker.take()
    assert backend.get_job(claim.job_id).progress is None


def test_several_ends_are_one_write(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Each of several attempts ends as by itself; one that is held no more is refused alone."""
    claims = {name: fake_worker.make(JobStatus.RUNNING, name) for name in ("a", "b", "c")}
    assert all(claims.values())
    a, b, c = (claims[name] for name in ("a", "b", "c"))
    backend.release(b)
    ends = [
        FinishRequest(a, FINISHED, "of a\n", PROGRESS),
        FinishRequest(b, FINISHED, "of b\n"),
        FinishRequest(c, FAILED, "of c\n"),
    ]
    assert backend.finish_many(ends) == [True, False, True]
    jobs = {name: backend.get_job(name) for name in claims}
    assert [job.status for job in jobs.values()] == [
        JobStatus.FINISHED, JobStatus.QUEUED, JobStatus.FAILED,
    ]  # fmt: skip
    assert (jobs["a"].result, jobs["a"].progress) == (RESULT, PROGRESS)
    assert jobs["c"].error == FAILED.error
    assert [fake_worker.log(name) for name in claims] == ["of a\n", "", "of c\n"]
    assert backend.finish_many([]) == []
