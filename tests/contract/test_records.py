"""Results, history and lists: how long a job is remembered, and how jobs are found."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from flowerpower.errors import JobNotFound
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import AttemptResult
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.triggers import clock
from tests.conditions import eventually
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FAILED, FINISHED, RESULT, FakeWorker, in_seconds, spec


def run(
    backend: JobQueueBackend, job_id: str, end: AttemptResult = FINISHED, **fields: Any
) -> None:
    backend.add_job(spec(job_id, **fields))
    fake_worker = FakeWorker(backend, f"for-{job_id}")
    assert fake_worker.finish(fake_worker.take(), end, "words\n")
    backend.unregister_worker(fake_worker.name)


@pytest.mark.in_memory
def test_a_result_says_until_when_it_is_kept(backend: JobQueueBackend) -> None:
    """A result is there, with the time at which it will expire."""
    run(backend, "a", result_ttl=60.0)
    job = backend.get_job("a")
    assert job.result == RESULT
    assert job.ended_at is not None
    assert job.result_expires_at is not None
    assert abs(job.result_expires_at - job.ended_at - timedelta(seconds=60)).total_seconds() < 0.01
    assert job.result_expired_at is None


def test_an_expired_result_says_since_when(backend: JobQueueBackend) -> None:
    """After its time the result is gone, the record says when it went, and all else stays."""
    run(backend, "a", result_ttl=0.3)
    kept = backend.get_job("a").result_expires_at
    job = eventually(lambda: (job := backend.get_job("a")).result_expired_at and job)
    assert job
    assert (job.status, job.result, job.result_expires_at) == (JobStatus.FINISHED, None, None)
    assert job.result_expired_at == kept
    assert backend.read_log("a", 1)
    assert backend.prune() == 0
    assert backend.get_job("a") == job


def test_no_result_is_kept_with_a_ttl_of_zero(backend: JobQueueBackend) -> None:
    """result_ttl 0: finished, and the result was gone at once."""
    run(backend, "a", result_ttl=0.0)
    job = backend.get_job("a")
    assert (job.status, job.result) == (JobStatus.FINISHED, None)
    assert job.result_expired_at == job.ended_at


def test_a_result_without_end_lives_with_its_record(backend: JobQueueBackend) -> None:
    """result_ttl -1: the result is kept as long as the record."""
    run(backend, "a", result_ttl=-1.0)
    job = backend.get_job("a")
    assert job.result == RESULT
    assert (job.result_expires_at, job.result_expired_at) == (None, None)


def test_a_job_that_says_nothing_has_the_projects_ttl(setup: BackendSetup) -> None:
    """Without result_ttl the manager's own counts; the job's own goes before it."""
    with setup.open(result_ttl=0.0) as backend:
        run(backend, "plain")
        run(backend, "own", result_ttl=-1.0)
        assert backend.get_job("plain").result is None
        assert backend.get_job("own").result == RESULT


@pytest.mark.parametrize("status", [JobStatus.FINISHED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_an_ended_record_goes_after_its_history_and_frees_the_id(
    setup: BackendSetup, status: JobStatus
) -> None:
    """Once its history has ended, nobody finds a job, and its id makes a new one."""
    with setup.open(history_ttl=0.3, result_ttl=-1.0) as backend:
        fake_worker = FakeWorker(backend)
        fake_worker.make(status)
        assert fake_worker.status() is status

        def is_gone() -> bool:
            try:
                backend.get_job("subject")
            except JobNotFound:
                return True
            return False

        eventually(is_gone)
        assert backend.list_jobs(JobFilter()) == []
        for verb in (backend.cancel_job, backend.retry_job, backend.delete_job):
            with pytest.raises(JobNotFound):
                verb("subject")
        with pytest.raises(JobNotFound):
            backend.read_log("subject", 1)
        again = backend.add_job(spec("subject"))
        assert again.created
        assert again.status is JobStatus.QUEUED
        assert backend.read_log("subject", 1) == []


def test_a_job_that_has_not_ended_has_no_end_of_history(setup: BackendSetup) -> None:
    """Waiting and running jobs outlive any history_ttl; so does a job tried again."""
    with setup.open(history_ttl=0.2) as backend:
        fake_worker = FakeWorker(backend)
        fake_worker.make(JobStatus.FAILED, "again")
        backend.retry_job("again")
        fake_worker.take()
        fake_worker.make(JobStatus.RUNNING, "running")
        fake_worker.make(JobStatus.FAILED, "ended")
        fake_worker.make(JobStatus.SCHEDULED, "later")
        fake_worker.make(JobStatus.QUEUED, "waits")
        eventually(lambda: backend.prune() == 1)
        left = {job.id for job in backend.list_jobs(JobFilter())}
        assert left == {"again", "running", "later", "waits"}


def test_prune_takes_what_has_ended_when_told_to(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Prune alone leaves live records; with everything_ended it leaves only what has not ended."""
    for status in JobStatus:
        if status is not JobStatus.QUEUED:
            fake_worker.make(status, f"is-{status}")
    fake_worker.make(JobStatus.QUEUED, "is-queued")
    assert backend.prune() == 0
    assert backend.prune(everything_ended=True) == 3
    left = {job.id for job in backend.list_jobs(JobFilter())}
    waiting = {"is-waiting", "parent-of-is-waiting"}
    assert left == {"is-scheduled", "is-queued", "is-running", *waiting}


def test_lists_are_newest_first_without_results(backend: JobQueueBackend) -> None:
    """A list holds the last jobs, newest first, and no results."""
    for number in range(5):
        run(backend, f"n-{number}")
    jobs = backend.list_jobs(JobFilter(limit=3))
    assert [job.id for job in jobs] == ["n-4", "n-3", "n-2"]
    assert [job.result for job in jobs] == [None] * 3
    assert jobs[0].status is JobStatus.FINISHED
    assert backend.list_jobs(JobFilter(limit=0)) == []


@pytest.mark.parametrize("status", JobStatus)
def test_a_listed_job_is_as_it_is_read_without_its_result(
    backend: JobQueueBackend, fake_worker: FakeWorker, status: JobStatus
) -> None:
    """In every status, with its times, progress, error and attempts."""
    claim = fake_worker.make(status)
    if claim is not None and status is JobStatus.RUNNING:
        progress = {"nodes": {"a": {"state": "running"}}, "done": 0, "total": 2, "current": "a"}
        assert backend.record(claim, "some log", progress)
    job = backend.get_job("subject")
    (listed,) = [job for job in backend.list_jobs(JobFilter()) if job.id == "subject"]
    assert listed == replace(job, result=None)
    assert listed.to_json() == {**job.to_json(), "result": None}


def test_lists_hold_what_matches_all_that_is_given(backend: JobQueueBackend) -> None:
    """Status, pipeline, queue, schedule and time of making each narrow the list."""
    run(backend, "failed", FAILED)
    run(backend, "finished", schedule_id="report-1")
    half = clock.now()
    time.sleep(0.01)
    backend.add_job(spec("later", run_at=in_seconds(60), schedule_id="report-1"))
    backend.add_job(spec("other", pipeline="other"))
    backend.add_job(spec("slow", queue="slow"))

    def ids(**wanted: Any) -> set[str]:
        return {job.id for job in backend.list_jobs(JobFilter(**wanted))}

    everything = {"failed", "finished", "later", "other", "slow"}
    assert ids() == everything
    assert ids(statuses=frozenset(JobStatus)) == everything
    assert ids(statuses=frozenset({JobStatus.FAILED})) == {"failed"}
    ended = frozenset({JobStatus.FAILED, JobStatus.FINISHED})
    assert ids(statuses=ended) == {"failed", "finished"}
    assert ids(statuses=frozenset({JobStatus.QUEUED, JobStatus.SCHEDULED})) == {
        "later", "other", "slow",
    }  # fmt: skip
    assert ids(pipeline="other") == {"other"}
    assert ids(queue="slow") == {"slow"}
    assert ids(schedule_id="report-1") == {"finished", "later"}
    assert ids(schedule_id="report-1", statuses=ended) == {"finished"}
    assert ids(since=half) == {"later", "other", "slow"}
    assert ids(pipeline="nothing") == set()


@pytest.mark.parametrize("text", ["x\x00", "\ud800", "' OR 1=1 --", "", "x" * 9000])
def test_a_filter_that_is_no_name_matches_nothing(backend: JobQueueBackend, text: str) -> None:
    """Odd texts in a filter are no error and match no job."""
    backend.add_job(spec())
    assert backend.list_jobs(JobFilter(pipeline=text)) == []
    assert backend.list_jobs(JobFilter(queue=text)) == []
    assert backend.list_jobs(JobFilter(schedule_id=text)) == []
