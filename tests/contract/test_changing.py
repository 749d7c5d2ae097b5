"""cancel_job, retry_job, delete_job: what may be done to a job in which state."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from flowerpower.errors import JobNotFound, Refused
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.job import TRANSITIONS, JobFilter, JobStatus
from tests.contract.fake_worker import (
    CANCELLED,
    FAILED,
    FINISHED,
    FakeWorker,
    in_seconds,
    retry_at,
    spec,
)
from tests.contract.in_processes import in_threads

S = JobStatus
REFUSED, GONE = "refused", "gone"

VERBS: list[tuple[str, JobStatus, JobStatus | str]] = [
    ("cancel", S.SCHEDULED, S.CANCELLED),
    ("cancel", S.QUEUED, S.CANCELLED),
    ("cancel", S.RUNNING, S.RUNNING),
    ("cancel", S.FINISHED, REFUSED),
    ("cancel", S.FAILED, REFUSED),
    ("cancel", S.CANCELLED, S.CANCELLED),
    ("retry", S.SCHEDULED, REFUSED),
    ("retry", S.QUEUED, REFUSED),
    ("retry", S.RUNNING, REFUSED),
    ("retry", S.FINISHED, REFUSED),
    ("retry", S.FAILED, S.QUEUED),
    ("retry", S.CANCELLED, S.QUEUED),
    ("delete", S.SCHEDULED, GONE),
    ("delete", S.QUEUED, GONE),
    ("delete", S.RUNNING, REFUSED),
    ("delete", S.FINISHED, GONE),
    ("delete", S.FAILED, GONE),
    ("delete", S.CANCELLED, GONE),
]


@pytest.mark.parametrize(("verb", "status", "expected"), VERBS)
def test_each_verb_does_what_its_state_allows(
    backend: JobQueueBackend, fake_worker: FakeWorker, verb: str, status: JobStatus, expected: str
) -> None:
    """In each state a verb does its deed or is refused, and a refusal changes nothing."""
    fake_worker.make(status)
    before = backend.get_job("subject")
    assert before.status is status
    act = {
        "cancel": backend.cancel_job,
        "retry": backend.retry_job,
        "delete": backend.delete_job,
    }[verb]
    if expected == REFUSED:
        with pytest.raises(Refused, match=f"The job subject is {status}"):
            act("subject")
        assert backend.get_job("subject") == before
    elif expected == GONE:
        act("subject")
        with pytest.raises(JobNotFound):
            backend.get_job("subject")
    else:
        act("subject")
        assert fake_worker.status() == expected


def _acts(fake_worker: FakeWorker, job_id: str, claim: Claim | None) -> list[Callable[[], object]]:
    """All that anybody could do to a job."""
    backend = fake_worker.backend
    held = claim or Claim(job_id, fake_worker.name, 1, "report", None)
    return [
        lambda: backend.cancel_job(job_id),
        lambda: backend.retry_job(job_id),
        lambda: backend.add_job(spec(job_id)),
        lambda: fake_worker.finish(held, FINISHED),
        lambda: fake_worker.finish(held, FAILED),
        lambda: fake_worker.finish(held, CANCELLED),
        lambda: fake_worker.finish(held, retry_at(in_seconds(3600))),
        lambda: backend.record(held, "", None),
        lambda: backend.release(held),
        lambda: backend.requeue_lost(held, "gone"),
        lambda: fake_worker.claim(1),
        lambda: backend.heartbeat(fake_worker.name),
        lambda: backend.prune(),
    ]


@pytest.mark.parametrize("before", list(JobStatus))
def test_a_store_makes_the_transitions_of_the_table_and_no_other(
    backend: JobQueueBackend, fake_worker: FakeWorker, before: JobStatus
) -> None:
    """Whatever anybody does to a job in a state, it goes where the table says, or stays."""
    reached = set()
    for number in range(len(_acts(fake_worker, "", None))):
        job_id = f"subject-{number}"
        act = _acts(fake_worker, job_id, fake_worker.make(before, job_id))[number]
        with contextlib.suppress(Refused):
            act()
        reached.add(fake_worker.status(job_id))
        backend.prune(everything_ended=True)
        for left in backend.list_jobs(JobFilter()):
            if left.status is S.RUNNING:
                assert fake_worker.finish(
                    Claim(left.id, fake_worker.name, left.attempt, "report", None)
                )
            backend.delete_job(left.id)
    # A job for later is made due by time alone; the rest is done by parents: see test_chains.py.
    by_others = {
        S.SCHEDULED: {S.QUEUED, S.RUNNING, S.WAITING},
        S.QUEUED: {S.WAITING},
        S.WAITING: {S.QUEUED, S.SCHEDULED},
        S.CANCELLED: {S.WAITING},
    }
    assert reached - {before} == TRANSITIONS[before] - by_others.get(before, set())


def test_a_waiting_job_is_cancelled_at_once(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A cancelled job has an end, is claimed by nobody, and a second cancel changes nothing."""
    fake_worker.make(S.QUEUED)
    job = backend.cancel_job("subject")
    assert (job.status, job.worker) == (S.CANCELLED, None)
    assert job.ended_at is not None
    assert fake_worker.claim() == []
    assert backend.cancel_job("subject") == job


def test_a_running_job_is_asked_to_end(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """A cancel reaches the worker with its next heartbeat, and no other job of its."""
    fake_worker.make(S.RUNNING)
    fake_worker.make(S.RUNNING, "innocent")
    job = backend.cancel_job("subject")
    assert (job.status, job.cancel_requested) == (S.RUNNING, True)
    assert fake_worker.backend.heartbeat(fake_worker.name).held == {
        "subject": (1, True),
        "innocent": (1, False),
    }


def test_a_cancel_and_a_finish_at_once_leave_one_outcome(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A finish that is acknowledged stands; a cancel then is refused, or came before and was late."""
    for number in range(10):
        job_id = f"race-{number}"
        claim = fake_worker.make(S.RUNNING, job_id)

        def race(
            ready: Any, side: int, job_id: str = job_id, claim: Claim | None = claim
        ) -> str | bool:
            ready()
            if side and claim is not None:
                return fake_worker.finish(claim, FINISHED)
            try:
                return backend.cancel_job(job_id).status
            except Refused:
                return REFUSED

        cancelled, finished = in_threads(2, race)
        assert finished is True
        assert cancelled in (REFUSED, S.RUNNING)
        job = backend.get_job(job_id)
        assert job.status is S.FINISHED
        assert job.result is not None


def test_a_cancel_and_a_claim_at_once_leave_one_outcome(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A job is cancelled and never claimed, or claimed and told to end: nothing in between."""
    for number in range(10):
        job_id = f"race-{number}"
        fake_worker.make(S.QUEUED, job_id)

        def race(ready: Any, side: int, job_id: str = job_id) -> int | str:
            ready()
            return len(fake_worker.claim()) if side else backend.cancel_job(job_id).status

        cancelled, claimed = in_threads(2, race)
        assert (cancelled, claimed) in ((S.CANCELLED, 0), (S.RUNNING, 1))
        job = backend.get_job(job_id)
        assert job.cancel_requested
        assert job.status is cancelled


def test_a_job_tried_again_begins_anew(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """retry_job forgets the error, retries, losses and the cancel; attempts go on being counted."""
    claim = fake_worker.make(S.RUNNING)
    assert claim is not None
    backend.requeue_lost(claim, "The worker that ran it died")
    claim = fake_worker.take()
    assert fake_worker.finish(claim, retry_at(in_seconds(0), retries=2, left=1))
    backend.cancel_job("subject")
    job = backend.retry_job("subject")
    assert (job.status, job.error, job.worker_losses, job.attempt) == (S.QUEUED, None, 0, 2)
    assert (job.ended_at, job.attempts_left, job.cancel_requested) == (None, None, False)
    again = fake_worker.take()
    assert (again.attempt, again.retries) == (3, 0)
    assert fake_worker.finish(again)
    assert fake_worker.status() is S.FINISHED


def test_a_deleted_job_takes_its_log_with_it(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """The id is free again, and the new job's log is empty."""
    claim = fake_worker.make(S.RUNNING)
    assert claim is not None
    assert fake_worker.finish(claim, FINISHED, "old words\n")
    backend.delete_job("subject")
    with pytest.raises(JobNotFound):
        backend.read_log("subject", 1)
    assert backend.add_job(spec("subject")).created
    assert backend.read_log("subject", 1) == []


def test_a_dry_prune_counts_and_deletes_nothing(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """What prune would forget is counted, here all that has ended, and then is forgotten."""
    for number, status in enumerate((S.FINISHED, S.FAILED, S.QUEUED)):
        fake_worker.make(status, f"job-{number}")
    assert backend.prune(dry_run=True) == 0
    assert backend.prune(everything_ended=True, dry_run=True) == 2
    assert len(backend.list_jobs(JobFilter())) == 3
    assert backend.prune(everything_ended=True) == 2
    assert backend.prune(everything_ended=True, dry_run=True) == 0


@pytest.mark.parametrize("status", [S.SCHEDULED, S.QUEUED, S.RUNNING, S.FINISHED])
def test_only_what_failed_or_was_cancelled_is_tried_again(
    backend: JobQueueBackend, fake_worker: FakeWorker, status: JobStatus
) -> None:
    """The refusal says what the job is, and what could be tried again."""
    fake_worker.make(status)
    with pytest.raises(Refused, match="only a failed or cancelled job is tried again") as refused:
        backend.retry_job("subject")
    assert status in refused.value.message
