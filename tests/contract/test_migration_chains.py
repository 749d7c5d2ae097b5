"""Chains and unique jobs that move to another queue."""

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.migration import Migration
from flowerpower.jobs.job import JobStatus
from tests.contract.fake_worker import FakeWorker, spec
from tests.contract.migrating import ELSEWHERE, migrate, report_of


def test_chains_move_with_their_links(backend: JobQueueBackend, other: JobQueueBackend) -> None:
    """Parents before their children, which hear of their ends there; a unique job keeps its key."""
    backend.add_job(spec("a", priority=9))
    backend.add_job(spec("b", after=("a",)))
    backend.add_job(spec("c", after=("b", "a"), after_on="end", unique=True))
    backend.add_job(spec("ended", priority=10))
    worker = FakeWorker(backend)
    assert worker.finish(worker.take())
    backend.add_job(spec("d", after=("ended", "c")))
    planned = Migration(backend, other, report_of(backend, other)).plan()
    assert (sorted(planned.jobs), planned.remaining) == (["a", "b", "c", "d"], [])
    report = migrate(backend, other)
    assert (sorted(report.jobs), report.remaining) == (["a", "b", "c", "d"], [])
    assert other.get_job("d").after == {"ended": "finished", "c": None}
    assert other.add_job(spec(unique=True)).id == "c"
    there = FakeWorker(other)
    for name in "abcd":
        claim = there.take()
        assert claim.job_id == name
        assert there.finish(claim)


def test_a_child_of_a_running_job_stays_with_it(
    backend: JobQueueBackend, other: JobQueueBackend
) -> None:
    """And the report says so. What is decided once its parent has ended moves then."""
    backend.add_jobs([spec("runs", priority=9), spec("a")])
    backend.add_job(spec("b", after=("a", "runs")))
    backend.add_job(spec("c", after=("b",)))
    worker = FakeWorker(backend)
    claim = worker.take()
    planned = Migration(backend, other, report_of(backend, other)).plan()
    report = migrate(backend, other)
    for seen in (planned, report):
        assert seen.jobs == ["a"]
        reasons = {entry.id: entry.reason for entry in seen.remaining}
        assert set(reasons) == {"runs", "b", "c"}
        assert "waits for the job runs" in reasons["b"]
        assert "waits for the job b" in reasons["c"]
    # Its other parent ends there, before it comes.
    there = FakeWorker(other)
    assert there.finish(there.take())
    backend.prune()
    assert backend.get_job("b").after == {"a": None, "runs": None}
    assert worker.finish(claim)
    report = migrate(backend, other)
    assert (sorted(report.jobs), report.remaining) == (["b", "c"], [])
    assert other.get_job("b").after == {"a": "finished", "runs": "finished"}
    assert there.finish(there.take())
    assert there.take().job_id == "c"


def test_a_waiting_job_whose_parent_is_here_is_not_taken(backend: JobQueueBackend) -> None:
    """Whatever the migration knew: the parent may have been retried since it looked."""
    backend.add_job(spec("parent"))
    backend.add_job(spec("child", after=("parent",)))
    assert list(backend.migration.take("one", ELSEWHERE, {}, ["child"]).items) == []
    assert len(backend.migration.take("two", ELSEWHERE, {}, ["parent"]).items) == 1
    (item,) = backend.migration.take("three", ELSEWHERE, {}, ["child"]).items
    # Both come back, the child first.
    assert backend.migration.put("first", {0: item}) == {}
    assert backend.get_job("child").status is JobStatus.WAITING
    backend.migration.drop("two", [0])
    worker = FakeWorker(backend)
    assert worker.finish(worker.take())
    assert worker.take().job_id == "child"


def test_a_unique_job_is_not_put_beside_another(
    backend: JobQueueBackend, other: JobQueueBackend
) -> None:
    """It stays, and the report names the other one."""
    backend.add_job(spec("mine", unique=True))
    other.add_job(spec("theirs", unique=True))
    (entry,) = migrate(backend, other).conflicts
    assert entry.id == "mine"
    assert "theirs" in entry.reason
    assert not backend.add_job(spec("mine")).created
