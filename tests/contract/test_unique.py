"""unique: of jobs that ask for the same only one has not ended."""

from collections.abc import Callable

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import JobNotFound, Refused
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobStatus
from tests.contract.fake_worker import (
    CANCELLED,
    FAILED,
    FINISHED,
    FakeWorker,
    in_seconds,
    retry_at,
    spec,
    with_inputs,
)
from tests.contract.in_processes import in_threads

ENDS = {"finished": FINISHED, "failed": FAILED, "cancelled": CANCELLED}


def test_a_second_one_gives_the_first_back(backend: JobQueueBackend) -> None:
    """While it waits, runs, or waits for a retry; with its own id, and not created."""
    worker = FakeWorker(backend)

    def second() -> tuple[str, bool]:
        job = backend.add_job(spec(unique=True))
        return job.id, job.created

    assert backend.add_job(spec("first", unique=True)).created
    assert second() == ("first", False)
    claim = worker.take()
    assert second() == ("first", False)
    worker.finish(claim, retry_at(in_seconds(3600)))
    assert second() == ("first", False)
    backend.cancel_job("first")
    assert second()[1]


@pytest.mark.parametrize("end", list(ENDS))
def test_one_that_has_ended_holds_up_nobody(backend: JobQueueBackend, end: str) -> None:
    """However it has ended."""
    worker = FakeWorker(backend)
    backend.add_job(spec("first", unique=True))
    worker.finish(worker.take(), ENDS[end])
    assert backend.add_job(spec("second", unique=True)).created
    assert worker.take().job_id == "second"


def test_another_request_is_another_job(backend: JobQueueBackend) -> None:
    """Other inputs, another pipeline; and one that does not ask to be unique."""
    first = backend.add_job(spec(unique=True, overrides=with_inputs(day=1)))
    same = backend.add_job(spec(unique=True, overrides=with_inputs(day=1)))
    assert (same.id, same.created) == (first.id, False)
    assert backend.add_job(spec(unique=True, overrides=with_inputs(day=2))).created
    assert backend.add_job(
        spec(unique=True, pipeline="other", overrides=with_inputs(day=1))
    ).created
    assert backend.add_job(spec(overrides=with_inputs(day=1))).created
    written = RunOverrides(inputs={"day": 1}, written={"day": "1"})
    assert backend.add_job(spec(unique=True, overrides=written)).id == first.id


def test_the_same_id_is_found_before_the_same_request(backend: JobQueueBackend) -> None:
    """A job of that id is what is asked for, whatever else is unique."""
    backend.add_job(spec("first", unique=True))
    backend.add_job(spec("other"))
    job = backend.add_job(spec("other", unique=True))
    assert (job.id, job.created) == ("other", False)


def test_many_in_one_call(backend: JobQueueBackend) -> None:
    """The first of them is added, whatever comes between."""
    jobs = backend.add_jobs(
        [spec("a", unique=True), spec("b"), spec("c", unique=True), spec("a", unique=True)]
    )
    assert [(job.id, job.created) for job in jobs] == [
        ("a", True), ("b", True), ("a", False), ("a", False),
    ]  # fmt: skip
    with pytest.raises(JobNotFound):
        backend.get_job("c")


def test_a_retry_beside_another_one_is_refused(backend: JobQueueBackend) -> None:
    """It would be a second one; once the other has ended it is not."""
    worker = FakeWorker(backend)
    backend.add_job(spec("first", unique=True))
    worker.finish(worker.take(), FAILED)
    backend.add_job(spec("second", unique=True))
    with pytest.raises(Refused, match="second"):
        backend.retry_job("first")
    assert worker.status("first") is JobStatus.FAILED
    worker.finish(worker.take())
    assert backend.retry_job("first").status is JobStatus.QUEUED
    assert not backend.add_job(spec(unique=True)).created


def test_a_deleted_one_holds_up_nobody(backend: JobQueueBackend) -> None:
    """Nor does one whose end only its parents have decided."""
    backend.add_job(spec("first", unique=True))
    backend.delete_job("first")
    assert backend.add_job(spec("second", unique=True)).created
    backend.delete_job("second")
    backend.add_job(spec("parent", pipeline="other"))
    backend.add_job(spec("third", unique=True, after=("parent",)))
    assert not backend.add_job(spec(unique=True)).created
    backend.cancel_job("parent")
    assert backend.add_job(spec("fourth", unique=True)).created
    # Its children would run twice: they stay as they are, and say why.
    backend.retry_job("parent")
    assert backend.get_job("third").status is JobStatus.CANCELLED


def test_of_many_at_once_one_is_added(backend: JobQueueBackend) -> None:
    """By whoever comes first; all are given that one."""

    def add(ready: Callable[[], object], number: int) -> tuple[str, bool]:
        ready()
        job = backend.add_job(spec(f"job-{number}", unique=True))
        return job.id, job.created

    for _ in range(5):
        answers = in_threads(6, add)
        assert len({job_id for job_id, _ in answers}) == 1
        assert sum(created for _, created in answers) == 1
        backend.delete_job(answers[0][0])
