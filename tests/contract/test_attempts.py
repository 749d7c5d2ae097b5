"""What a record keeps of the attempts that have ended: errors, times, and nodes that did not end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flowerpower.job_queue.attempts import MAX_ATTEMPTS, MAX_TRACEBACK
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import AttemptResult, Claim
from flowerpower.jobs.job import MAX_WORKER_LOSSES, Job, JobFilter, JobStatus
from flowerpower.triggers import clock
from tests.conditions import eventually
from tests.contract.fake_worker import CANCELLED, FAILED, FINISHED, FakeWorker, in_seconds, retry_at

RUNNING = {
    "done": 1,
    "total": 3,
    "nodes": {
        "clean": {"state": "finished"},
        "total": {"state": "running"},
        "report": {"state": "running"},
    },
}


def claimed(fake_worker: FakeWorker) -> Claim:
    claim = fake_worker.make(JobStatus.RUNNING)
    assert claim is not None
    return claim


def states(job: Job) -> list[str]:
    """The states of the nodes of RUNNING in a job."""
    nodes: dict[str, Any] = (job.progress or {})["nodes"]
    return [node["state"] for node in nodes.values()]


def timed(end: AttemptResult, seconds: float) -> AttemptResult:
    return replace(end, ended_at=clock.now(), seconds=seconds)


def test_errors_of_earlier_attempts_are_kept(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A job that succeeds at its second attempt still says why the first one failed."""
    claim = claimed(fake_worker)
    assert fake_worker.finish(claim, timed(retry_at(in_seconds(0)), 0.5))
    waiting = backend.get_job(claim.job_id)
    assert [(attempt["attempt"], attempt["error"]) for attempt in waiting.attempts] == [
        (1, FAILED.error)
    ]
    (again,) = eventually(fake_worker.claim)
    assert backend.get_job(claim.job_id).seconds is None
    assert fake_worker.finish(again, timed(FINISHED, 0.25))
    job = backend.get_job(claim.job_id)
    assert job.error is None
    kept = [(one["attempt"], one["status"], one["seconds"], one["error"]) for one in job.attempts]
    assert kept == [(1, "failed", 0.5, FAILED.error), (2, "finished", 0.25, None)]
    assert {attempt["worker"] for attempt in job.attempts} == {"worker-1"}
    (listed,) = backend.list_jobs(JobFilter())
    assert listed.attempts == job.attempts


def test_a_job_has_one_duration(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Its seconds, its times and its last attempt say the same, whenever it was claimed."""
    claim = claimed(fake_worker)
    assert fake_worker.finish(claim, timed(FINISHED, 0.125))
    job = backend.get_job(claim.job_id)
    assert job.seconds == 0.125
    assert job.started_at is not None
    assert job.ended_at is not None
    assert (job.ended_at - job.started_at).total_seconds() == 0.125
    assert job.to_json()["seconds"] == 0.125


def test_attempts_are_kept_when_a_user_retries(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """retry-job clears the error of the job, not its history."""
    claim = claimed(fake_worker)
    assert fake_worker.finish(claim, FAILED)
    retried = backend.retry_job(claim.job_id)
    assert (retried.error, len(retried.attempts)) == (None, 1)


def test_earlier_errors_survive_losses_and_interruptions(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """An attempt whose worker died, and one that was given back, come between; nothing is lost."""
    claim = claimed(fake_worker)
    assert fake_worker.finish(claim, retry_at(in_seconds(0)))
    (lost,) = eventually(fake_worker.claim)
    assert backend.requeue_lost(lost, "it was killed")
    assert backend.release(fake_worker.take())
    assert fake_worker.finish(fake_worker.take(), FAILED)
    retried = backend.retry_job(claim.job_id)
    kept = [(attempt["attempt"], attempt["error"]) for attempt in retried.attempts]
    assert kept == [(1, FAILED.error), (4, FAILED.error)]
    assert fake_worker.finish(fake_worker.take())
    ended = backend.get_job(claim.job_id).attempts
    assert [attempt["attempt"] for attempt in ended] == [1, 4, 5]
    assert [attempt["error"] for attempt in ended] == [FAILED.error, FAILED.error, None]


def test_the_last_loss_is_among_the_attempts(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A job that failed because its workers died says so, also once it is queued again and runs."""
    claim = claimed(fake_worker)
    for _ in range(MAX_WORKER_LOSSES - 1):
        assert backend.requeue_lost(claim, "it was killed")
        claim = fake_worker.take()
    assert backend.requeue_lost(claim, "it was killed")
    failed = backend.get_job(claim.job_id)
    (last,) = failed.attempts
    assert (last["attempt"], last["status"], last["error"]) == (3, "failed", failed.error)
    assert "it was killed" in last["error"]["message"]
    assert backend.list_jobs(JobFilter())[0].attempts == [last]
    assert backend.retry_job(claim.job_id).attempts == [last]
    assert fake_worker.finish(fake_worker.take())
    assert [one["attempt"] for one in backend.get_job(claim.job_id).attempts] == [3, 4]
    assert backend.get_job(claim.job_id).attempts[0] == last


def test_a_lost_attempt_leaves_a_gap(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Attempts that did not end are not recorded; the numbers show that there were some."""
    claim = claimed(fake_worker)
    assert backend.requeue_lost(claim, "it was killed")
    (again,) = eventually(fake_worker.claim)
    assert fake_worker.finish(again)
    assert [attempt["attempt"] for attempt in backend.get_job(claim.job_id).attempts] == [2]


def test_only_the_last_attempts_are_kept(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Of many attempts the last ones are kept, with the end of each traceback."""
    claim = claimed(fake_worker)
    error = {**(FAILED.error or {}), "traceback": "x" * 2 * MAX_TRACEBACK + "end"}
    for _ in range(MAX_ATTEMPTS + 2):
        assert fake_worker.finish(claim, replace(retry_at(in_seconds(0)), error=error))
        (claim,) = eventually(fake_worker.claim)
    job = backend.get_job(claim.job_id)
    assert [one["attempt"] for one in job.attempts] == list(range(3, MAX_ATTEMPTS + 3))
    tracebacks = [one["error"]["traceback"] for one in job.attempts]
    assert all(len(text) == MAX_TRACEBACK and text.endswith("end") for text in tracebacks)


def test_no_node_runs_in_a_job_that_has_failed(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """The node of the error has failed, and others that ran then were interrupted."""
    claim = claimed(fake_worker)
    assert backend.finish(claim, FAILED, "", RUNNING)
    assert states(backend.get_job(claim.job_id)) == ["finished", "failed", "interrupted"]


def test_no_node_runs_in_a_job_that_was_cancelled(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """All that ran then were interrupted."""
    claim = claimed(fake_worker)
    backend.cancel_job(claim.job_id)
    assert backend.finish(claim, CANCELLED, "", RUNNING)
    assert states(backend.get_job(claim.job_id)) == ["finished", "interrupted", "interrupted"]


def test_no_node_runs_in_a_job_whose_worker_died(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Nobody reported the end of its nodes, but the job waits again."""
    claim = claimed(fake_worker)
    assert backend.record(claim, "", RUNNING)
    assert states(backend.get_job(claim.job_id)) == ["finished", "running", "running"]
    assert backend.requeue_lost(claim, "it was killed")
    assert states(backend.get_job(claim.job_id)) == ["finished", "interrupted", "interrupted"]
