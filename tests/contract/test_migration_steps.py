"""A migration in its steps: ended in the middle, taken up again, sent twice."""

import pytest

from flowerpower.errors import Refused
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.migration_store import QueueName
from flowerpower.jobs.job import JobFilter, JobStatus
from tests.contract.fake_worker import FINISHED, FakeWorker, spec
from tests.contract.migrating import ELSEWHERE, content, migrate, populate


@pytest.mark.parametrize("steps", ["take", "take put", "take put drop"])
def test_a_migration_that_was_ended_goes_on(
    backend: JobQueueBackend, other: JobQueueBackend, steps: str
) -> None:
    """After each of its steps: the next one brings the rest, and nothing comes twice."""
    populate(backend)
    before = content(backend)
    name = QueueName(other.migration.queue_id(), "there")
    backend.migration.close(name)
    batch = backend.migration.take("batch", name, {"with_job": []}, ["plain", "retried"])
    assert len(batch.items) == 3
    if "put" in steps:
        assert other.migration.put("batch", dict(enumerate(batch.items))) == {}
    if "drop" in steps:
        backend.migration.drop("batch", ())
    report = migrate(backend, other)
    assert report.resumed == (0 if "drop" in steps else 4)
    assert report.remaining == []
    assert content(other) == before
    assert backend.migration.outbox() == []


def test_a_batch_comes_once_even_if_its_jobs_are_gone(backend: JobQueueBackend) -> None:
    """A batch that is sent again after its job has run, ended and been deleted changes nothing."""
    backend.add_job(spec("once"))
    batch = backend.migration.take("away", ELSEWHERE, {}, ["once"])
    items = dict(enumerate(batch.items))
    assert backend.migration.put("back", items) == {}
    worker = FakeWorker(backend)
    assert worker.finish(worker.take(), FINISHED)
    backend.delete_job("once")
    assert backend.migration.put("back", items) == {}
    assert backend.list_jobs(JobFilter()) == []
    assert [entry.id for entry in backend.migration.outbox()] == ["away"]
    backend.migration.drop("away", ())
    backend.migration.drop("away", [0])
    assert (backend.migration.outbox(), backend.list_jobs(JobFilter())) == ([], [])


def test_what_was_refused_is_refused_again(backend: JobQueueBackend) -> None:
    """A batch that comes again gets the first answer, so that both sides agree who has what."""
    backend.add_job(spec("here"))
    batch = backend.migration.take("away", ELSEWHERE, {}, ["here"])
    backend.add_job(spec("here"))
    items = dict(enumerate(batch.items))
    assert backend.migration.put("back", items) == {0: "there is a job here already"}
    backend.delete_job("here")
    assert backend.migration.put("back", items) == {0: "there is a job here already"}
    backend.migration.drop("away", [0])
    assert backend.get_job("here").status is JobStatus.QUEUED
    assert FakeWorker(backend).take().job_id == "here"


def test_what_is_in_the_outbox_goes_to_no_third_queue(
    backend: JobQueueBackend, other: JobQueueBackend
) -> None:
    """It may have arrived where it was sent: first that migration must be finished."""
    backend.add_job(spec("a"))
    backend.migration.take("batch", ELSEWHERE, {}, ["a"])
    for source, target in ((backend, other), (other, backend)):
        with pytest.raises(Refused, match="A migration to redis://elsewhere was ended half-way"):
            migrate(source, target)


def test_back_before_it_is_finished(backend: JobQueueBackend, other: JobQueueBackend) -> None:
    """What was under way arrives first, and then all moves back."""
    populate(backend)
    before = content(backend)
    name = QueueName(other.migration.queue_id(), "there")
    backend.migration.take("batch", name, {"with_job": []}, ["plain"])
    migrate(other, backend)
    assert content(backend) == before
