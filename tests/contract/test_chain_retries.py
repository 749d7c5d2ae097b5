"""Chains when a parent is retried, and when users cancel, retry or delete children."""

import pytest

from flowerpower.errors import JobNotFound, Refused
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.chain import AfterCondition
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.jobs.limits import Limit, Limits
from tests.contract.fake_worker import (
    FakeWorker,
    end_job,
    in_seconds,
    spec,
)

_, FAILURE, END = AfterCondition


def test_a_chain_falls_and_rises_as_one(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """A failure cancels children and theirs; a retry of the first gives all of them back."""
    backend.add_job(spec("a"))
    for parent, child in ("ab", "bc", "cd"):
        backend.add_job(spec(child, after=(parent,)))
    backend.add_job(spec("sorry", after=("b",), after_on=END))
    end_job(fake_worker, "failed", "a")
    assert [fake_worker.status(name) for name in "bcd"] == [JobStatus.CANCELLED] * 3
    assert (backend.get_job("c").error or {})["after"] == "b"
    end_job(fake_worker, "finished", "sorry")
    backend.retry_job("a")
    assert [fake_worker.status(name) for name in "bcd"] == [JobStatus.WAITING] * 3
    assert backend.get_job("b").after == {"a": None}
    assert backend.get_job("b").error is None
    # It has run already, because its parent had ended.
    assert fake_worker.status("sorry") is JobStatus.FINISHED
    for name in "abcd":
        end_job(fake_worker, "finished", name)
    assert all(fake_worker.status(name) is JobStatus.FINISHED for name in "abcd")


def test_a_retried_parent_gives_back_no_child_that_another_parent_has_cancelled(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Only the retry of the last one that had failed does."""
    backend.add_job(spec("one"))
    backend.add_job(spec("two"))
    backend.add_job(spec("child", after=("one", "two")))
    end_job(fake_worker, "failed", "one")
    end_job(fake_worker, "failed", "two")
    assert backend.get_job("child").after == {"one": "failed", "two": "failed"}
    backend.retry_job("one")
    assert fake_worker.status("child") is JobStatus.CANCELLED
    backend.retry_job("two")
    assert fake_worker.status("child") is JobStatus.WAITING
    end_job(fake_worker, "finished", "one")
    end_job(fake_worker, "finished", "two")
    assert fake_worker.status("child") is JobStatus.QUEUED


def test_children_that_have_not_begun_wait_again_for_a_retried_parent(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """They were due because it had ended, and it has not any more; what runs goes on."""
    backend.add_job(spec("parent"))
    backend.add_job(spec("begun", after=("parent",), after_on=END, priority=9))
    backend.add_job(spec("sorry", after=("parent",), after_on=FAILURE, expires=3600))
    backend.add_job(spec("end", after=("parent",), after_on=END))
    backend.add_job(spec("later", after=("parent",), after_on=END, run_at=in_seconds(3600)))
    backend.add_job(spec("child", after=("parent",)))
    backend.add_job(spec("of-child", after=("child",), after_on=END))
    end_job(fake_worker, "failed")
    assert fake_worker.take().job_id == "begun"
    backend.retry_job("parent")
    for name in ("sorry", "end", "later", "child"):
        job = backend.get_job(name)
        assert (job.status, job.after, job.start_by) == (JobStatus.WAITING, {"parent": None}, None)
    assert backend.get_job("of-child").after == {"child": None}
    assert fake_worker.status("of-child") is JobStatus.WAITING
    assert fake_worker.status("begun") is JobStatus.RUNNING
    assert [claim.job_id for claim in fake_worker.claim(9)] == ["parent"]
    backend.cancel_job("parent")
    backend.unregister_worker(fake_worker.name)
    expected = {"sorry": JobStatus.CANCELLED, "end": JobStatus.QUEUED, "child": JobStatus.CANCELLED,
                "later": JobStatus.SCHEDULED, "of-child": JobStatus.QUEUED}  # fmt: skip
    assert {name: fake_worker.status(name) for name in expected} == expected


def test_a_parked_child_waits_again(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """It is not claimed from among the parked ones."""
    limits = Limits({"one": Limit(1)}, {"load": ("one",)})
    backend.add_job(spec("busy", pipeline="load"))
    assert len(backend.claim(fake_worker.name, 9, ["default"], limits=limits)) == 1
    backend.add_job(spec("parent"))
    backend.add_job(spec("child", pipeline="load", after=("parent",), after_on=END))
    end_job(fake_worker, "failed")
    assert backend.claim(fake_worker.name, 9, ["default"], limits=limits) == []
    backend.retry_job("parent")
    assert fake_worker.status("child") is JobStatus.WAITING
    assert backend.limit_use(limits)["one"].parked == 0
    assert [claim.job_id for claim in fake_worker.claim(9)] == ["parent"]


def test_the_end_of_a_parent_is_kept_in_a_child_that_a_user_has_cancelled(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """It changes nothing else."""
    backend.add_job(spec("parent"))
    backend.add_job(spec("child", after=("parent",)))
    backend.cancel_job("child")
    backend.cancel_job("parent")
    assert backend.get_job("child").after == {"parent": "cancelled"}
    assert backend.retry_job("child").status is JobStatus.QUEUED
    backend.retry_job("parent")
    assert fake_worker.status("child") is JobStatus.QUEUED


def test_a_child_that_a_user_cancels_stays_so(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Whatever its parent does; retried by the user it waits for nobody."""
    backend.add_job(spec("parent"))
    backend.add_job(spec("child", after=("parent",)))
    assert backend.cancel_job("child").status is JobStatus.CANCELLED
    end_job(fake_worker, "failed")
    backend.retry_job("parent")
    end_job(fake_worker, "finished")
    assert fake_worker.status("child") is JobStatus.CANCELLED
    assert backend.retry_job("child").status is JobStatus.QUEUED
    assert fake_worker.take().job_id == "child"


def test_a_waiting_job_is_not_retried(backend: JobQueueBackend) -> None:
    """It has not ended; deleted it is gone, and its parent's end finds nobody."""
    backend.add_job(spec("parent"))
    backend.add_job(spec("child", after=("parent",)))
    with pytest.raises(Refused):
        backend.retry_job("child")
    backend.delete_job("child")
    with pytest.raises(JobNotFound):
        backend.get_job("child")
    worker = FakeWorker(backend)
    end_job(worker, "finished")
    assert worker.claim() == []


def test_a_child_that_still_waits_waits_for_a_retried_parent_again(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Its first end counts no more, whatever other parents do meanwhile."""
    backend.add_job(spec("one"))
    backend.add_job(spec("two"))
    backend.add_job(spec("child", after=("one", "two"), after_on=END))
    end_job(fake_worker, "failed", "one")
    backend.retry_job("one")
    assert backend.get_job("child").after == {"one": None, "two": None}
    end_job(fake_worker, "finished", "two")
    assert fake_worker.status("child") is JobStatus.WAITING
    end_job(fake_worker, "finished", "one")
    assert fake_worker.status("child") is JobStatus.QUEUED


def test_a_bulk_act_on_parents_and_children(backend: JobQueueBackend) -> None:
    """What is cancelled beside its parent was so by the user, and stays so."""
    for name in ("a", "x"):
        backend.add_job(spec(name))
        backend.add_job(spec(f"{name}-child", after=(name,)))
        backend.add_job(spec(f"{name}-grandchild", after=(f"{name}-child",)))
    backend.change_jobs("cancel", ["a-child", "a"])
    backend.retry_job("a")
    assert backend.get_job("a-child").error is None
    assert backend.get_job("a-child").status is JobStatus.CANCELLED
    assert (backend.get_job("a-grandchild").error or {})["after"] == "a-child"
    backend.change_jobs("delete", ["x", "x-child"])
    assert backend.get_job("x-grandchild").status is JobStatus.CANCELLED
    assert {job.id for job in backend.list_jobs(JobFilter())} == {
        "a", "a-child", "a-grandchild", "x-grandchild",
    }  # fmt: skip
