"""What has changed since a time: what `watch` reads, again and again."""

from datetime import timedelta

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobStatus
from flowerpower.triggers import clock
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FAILED, FakeWorker, in_seconds, retry_at, spec


def changed(backend: JobQueueBackend, ago: float = 0.0, limit: int = 1000) -> list[str]:
    """The ids of what has changed in the last seconds."""
    since = clock.after(backend.changed_jobs(limit=0).taken_at, -ago)
    return [job.id for job in backend.changed_jobs(since, limit).jobs]


def test_nothing_has_changed_in_an_empty_queue(backend: JobQueueBackend) -> None:
    """The time is that of the backend."""
    changes = backend.changed_jobs()
    assert list(changes.jobs) == []
    assert abs((changes.taken_at - clock.now()).total_seconds()) < 5


def test_what_was_added_started_or_ended_is_found(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """The latest change first, each once, with its error and without its result."""
    for status in (JobStatus.FINISHED, JobStatus.FAILED, JobStatus.RUNNING):
        fake_worker.make(status, str(status))
    backend.add_job(spec("waits"))
    backend.add_job(spec("cancelled", run_at=in_seconds(3600)))
    backend.cancel_job("cancelled")
    jobs = backend.changed_jobs().jobs
    assert [job.id for job in jobs] == ["cancelled", "waits", "running", "failed", "finished"]
    assert jobs[3].error == FAILED.error
    assert jobs[4].result is None
    assert [job.changed_at for job in jobs] == sorted((j.changed_at for j in jobs), reverse=True)


def test_what_has_not_changed_since_is_left_out(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A job that runs is always there; one that ends now is, however old it is."""
    fake_worker.make(JobStatus.FINISHED, "old")
    claim = fake_worker.make(JobStatus.RUNNING, "long")
    assert claim is not None
    backend.add_job(spec("waits"))
    before = backend.changed_jobs().taken_at + timedelta(microseconds=1)
    assert [job.id for job in backend.changed_jobs(before).jobs] == ["long"]
    assert fake_worker.finish(claim)
    backend.add_job(spec("new"))
    assert [job.id for job in backend.changed_jobs(before).jobs] == ["new", "long"]
    assert changed(backend) == []
    assert set(changed(backend, 60)) == {"old", "long", "waits", "new"}


def test_a_retry_is_found_when_it_starts(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """With the attempts that have ended before."""
    backend.add_job(spec("again"))
    assert fake_worker.finish(fake_worker.take(), retry_at(in_seconds(0)))
    before = backend.changed_jobs().taken_at
    fake_worker.take()
    (job,) = backend.changed_jobs(before).jobs
    assert (job.id, job.attempt, [a["status"] for a in job.attempts]) == ("again", 2, ["failed"])


def test_the_latest_are_kept_where_there_are_too_many(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """By their change, not by when they were added."""
    for number in range(5):
        backend.add_job(spec(f"j{number}"))
    fake_worker.finish(fake_worker.take())
    assert changed(backend, 60, 2) == ["j0", "j4"]
    assert changed(backend, 60, 0) == []


def test_expired_and_deleted_jobs_are_not_found(setup: BackendSetup) -> None:
    """Nor those of another namespace, where there is one."""
    with setup.open(history_ttl=0.05) as backend:
        worker = FakeWorker(backend)
        worker.make(JobStatus.FINISHED, "gone")
        backend.add_job(spec("deleted"))
        backend.delete_job("deleted")
        until = clock.monotonic() + 10
        while backend.changed_jobs().jobs:
            assert clock.monotonic() < until


def test_a_damaged_record_hides_no_other(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """It is shown as far as it can be read."""
    fake_worker.make(JobStatus.RUNNING, "subject")
    setup.overwrite(backend, "subject", "progress", "{not json")
    backend.add_job(spec("other"))
    assert {job.id for job in backend.changed_jobs().jobs} == {"subject", "other"}
