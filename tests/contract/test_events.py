"""Events and counters: stored in the step that they tell of, once, and on every backend alike."""

from collections import Counter as Tally
from pathlib import Path
from typing import Any

import pytest

from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import AttemptResult, FinishRequest
from flowerpower.jobs.counter import BOUNDS, NO_BUCKET, CounterKind, bucket_of
from flowerpower.jobs.event import LATE_AFTER, EventKind
from flowerpower.jobs.job import JobStatus
from flowerpower.triggers import clock
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import (
    CANCELLED,
    FAILED,
    FINISHED,
    FakeWorker,
    in_seconds,
    retry_at,
    spec,
)
from tests.contract.test_firing import fire_all
from tests.contract.test_outcomes import Fires, run
from tests.contract.test_schedules import every

K = EventKind


def kinds(backend: JobQueueBackend) -> list[str]:
    """Those of jobs: the fires of these tests are late."""
    return [str(event.kind) for event in backend.events() if event.kind is not K.LATE]


def run_job(worker: FakeWorker, job_id: str, end: AttemptResult = FINISHED) -> None:
    worker.backend.add_job(spec(job_id))
    assert worker.finish(worker.take(), end)


@pytest.mark.in_memory
def test_a_failed_job_is_an_event(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """With its error, but no traceback."""
    before = clock.now()
    error = {**(FAILED.error or {}), "traceback": "x" * 10_000}
    run_job(fake_worker, "bad", AttemptResult(JobStatus.FAILED, error=error, seconds=1.5))
    (event,) = backend.events()
    assert (event.id, event.kind) == ("failed:bad:1", K.FAILED)
    assert abs((event.at - before).total_seconds()) < 5
    assert event.facts == {
        "pipeline": "report",
        "schedule_id": None,
        "scheduled_for": None,
        "job_id": "bad",
        "attempt": 1,
        "seconds": 1.5,
        "error": {"type": "ValueError", "message": "no such region", "node": "total"},
    }


def test_what_is_no_failure_is_none(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Neither what finished, nor a retry, nor a cancel."""
    run_job(fake_worker, "good")
    run_job(fake_worker, "cancelled", CANCELLED)
    run_job(fake_worker, "again", retry_at(in_seconds(3600)))
    backend.add_job(spec("waits"))
    backend.cancel_job("waits")
    assert backend.events() == []


def test_the_end_of_a_finished_job_is_told_on_request(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Only where its end asks for it."""
    for number in range(3):
        backend.add_job(spec(f"j{number}"))
    one, two, three = fake_worker.claim(3)
    assert backend.finish_many([
        FinishRequest(one, FINISHED, tell_finished=True),
        FinishRequest(two, FINISHED),
        FinishRequest(three, FAILED, tell_finished=True),
    ]) == [True, True, True]  # fmt: skip
    assert sorted(event.id for event in backend.events()) == ["failed:j2:1", "finished:j0:1"]


def test_a_pipeline_recovers_once(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """With the first job that finishes after one has failed; other pipelines say nothing."""
    run_job(fake_worker, "bad-1", FAILED)
    run_job(fake_worker, "bad-2", FAILED)
    failed_at = backend.events()[-1].at
    backend.add_job(spec("elsewhere", pipeline="other"))
    assert fake_worker.finish(fake_worker.take())
    assert kinds(backend) == ["failed", "failed"]
    run_job(fake_worker, "good-1")
    run_job(fake_worker, "good-2")
    assert kinds(backend) == ["failed", "failed", "recovered"]
    event = backend.events()[-1]
    assert event.facts["job_id"] == "good-1"
    since = clock.parse_time(event.facts["failing_since"])
    assert abs((since - failed_at).total_seconds()) < 0.01
    run_job(fake_worker, "bad-3", FAILED)
    run_job(fake_worker, "good-3")
    assert kinds(backend)[3:] == ["failed", "recovered"]


def test_a_batch_is_taken_in_its_order(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """A failure and a recovery that are written together."""
    for number in range(4):
        backend.add_job(spec(f"j{number}"))
    claims = fake_worker.claim(4)
    ends = (FINISHED, FAILED, FINISHED, FINISHED)
    requests = [FinishRequest(claim, end) for claim, end in zip(claims, ends, strict=True)]
    assert all(backend.finish_many(requests))
    assert sorted(kinds(backend)) == ["failed", "recovered"]
    assert {event.facts["job_id"] for event in backend.events()} == {"j1", "j2"}


def test_a_schedule_recovers_by_its_own_fires(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Not by another job of its pipeline, and the pipeline not by a fire."""
    fires = Fires(setup, backend)
    run(fires, fake_worker, FAILED)
    run_job(fake_worker, "by-hand")
    assert kinds(backend) == ["failed"]
    run_job(fake_worker, "bad", FAILED)
    run(fires, fake_worker, FINISHED)
    assert kinds(backend) == ["failed", "failed", "recovered"]
    assert backend.events()[-1].facts["schedule_id"] == "mine"
    assert backend.events()[-1].facts["scheduled_for"] is not None
    run_job(fake_worker, "good")
    assert kinds(backend)[3:] == ["recovered"]


def test_a_lost_worker_is_an_event_of_its_jobs(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Each time; the third time the job fails, and a cancelled one says nothing."""
    backend.add_job(spec("one"))
    for _ in range(3):
        assert backend.requeue_lost(fake_worker.take(), "It died")
    assert kinds(backend) == ["lost", "lost", "failed"]
    first = backend.events()[0]
    assert (first.id, first.facts["reason"]) == ("lost:one:1", "It died")
    assert first.facts["error"] is None
    backend.add_job(spec("two"))
    claim = fake_worker.take()
    backend.cancel_job("two")
    assert backend.requeue_lost(claim, "It died")
    backend.add_job(spec("three"))
    fake_worker.take()
    backend.unregister_worker(fake_worker.name)
    assert kinds(backend)[3:] == ["lost"]


def test_fires_that_were_missed_or_late_are_events(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Of several in a row, one that says how many; a fire in time says nothing."""
    backend.schedules.add(every(60, "in-time"))
    setup.age(backend, "in-time", 65)
    assert len(fire_all(backend)) == 1
    assert backend.events() == []
    backend.schedules.add(every(60, "many"))
    setup.age(backend, "many", 605)
    backend.schedules.add(every(3600, "one", misfire_grace_time=60))
    setup.age(backend, "one", 3600 + LATE_AFTER * 2)
    backend.schedules.add(every(3600, "late"))
    setup.age(backend, "late", 3600 + LATE_AFTER * 2)
    fire_all(backend)
    events = {(str(event.kind), event.facts["schedule_id"]): event for event in backend.events()}
    assert set(events) == {("missed", "many"), ("missed", "one"), ("late", "late")}
    assert events["missed", "many"].facts["count"] == 9
    assert events["missed", "one"].facts["count"] == 1
    assert events["missed", "one"].facts["pipeline"] == "report"
    late = events["late", "late"].facts
    assert LATE_AFTER < late["seconds"] < LATE_AFTER * 3
    assert late["job_id"].startswith("late-")


def test_an_event_is_stored_with_its_step(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """What is refused leaves none: a late end of a lost claim, and a fire of an edited schedule."""
    backend.add_job(spec("one"))
    stale = fake_worker.take()
    assert backend.release(stale)
    assert not fake_worker.finish(stale, FAILED)
    assert backend.events() == []
    assert backend.counters() == []


def test_events_come_in_pages(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """The oldest first."""
    for number in range(5):
        run_job(fake_worker, f"j{number}", FAILED)
    assert [event.facts["job_id"] for event in backend.events(3)] == ["j0", "j1", "j2"]
    assert backend.events(0) == []
    assert backend.events()[0].to_json()["kind"] == "failed"


# Counters


def counted(backend: JobQueueBackend, kind: CounterKind = CounterKind.JOB) -> dict[str, int]:
    tally: Tally[str] = Tally()
    for counter in backend.counters():
        if counter.kind is kind:
            tally[f"{counter.pipeline} {counter.outcome}"] += counter.count
    return dict(tally)


def test_ended_jobs_are_counted_for_good(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """By pipeline and status; an attempt that is retried is no end, and no record is needed."""
    for number, end in enumerate((FINISHED, FINISHED, FAILED, CANCELLED)):
        run_job(fake_worker, f"j{number}", end)
    run_job(fake_worker, "again", retry_at(in_seconds(3600)))
    backend.add_job(spec("waits", pipeline="other", run_at=in_seconds(60)))
    backend.cancel_job("waits")
    expected = {
        "report finished": 2,
        "report failed": 1,
        "report cancelled": 1,
        "other cancelled": 1,
    }
    assert counted(backend) == expected
    backend.prune(everything_ended=True)
    assert counted(backend) == expected


def _with_seconds(seconds: float) -> dict[str, Any]:
    return {**vars(FINISHED), "seconds": seconds}


def test_durations_are_counted_in_buckets(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """With their sums; of a job that never ran nothing is known."""
    for number, seconds in enumerate((0.05, 0.1, 0.11, 99_999.0)):
        run_job(fake_worker, f"j{number}", AttemptResult(**_with_seconds(seconds)))
    backend.add_job(spec("waits"))
    backend.cancel_job("waits")
    buckets: Tally[int] = Tally()
    for counter in backend.counters():
        buckets[counter.bucket] += counter.count
    assert buckets == {0: 2, 1: 1, len(BOUNDS): 1, NO_BUCKET: 1}
    assert round(sum(counter.seconds for counter in backend.counters()), 2) == 99_999.26
    ran = [counter for counter in backend.counters() if counter.bucket != NO_BUCKET]
    assert all(counter.waited_bucket == bucket_of(counter.waited) for counter in ran)
    assert 0 <= sum(counter.waited for counter in ran) < 60


def test_fires_are_counted_by_outcome(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """Each time of a row of misses is one; what was enqueued says how late it was."""
    fires = Fires(setup, backend)
    assert fires.fire() is not None
    assert fires.fire() is None
    backend.schedules.add(every(60, "other"))
    setup.age(backend, "other", 605)
    fire_all(backend)
    counts = counted(backend, CounterKind.FIRE)
    assert counts == {"report skipped": 1, "report enqueued": 2, "report missed": 9}
    late = [c.seconds for c in backend.counters() if c.outcome == "enqueued"]
    assert sum(late) > 1700


def test_the_same_end_is_counted_once(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Also if a finished claim is ended again."""
    backend.add_job(spec("one"))
    claim = fake_worker.take()
    assert fake_worker.finish(claim)
    assert not fake_worker.finish(claim)
    assert not fake_worker.finish(claim, FAILED)
    assert counted(backend) == {"report finished": 1}


def test_a_damaged_time_keeps_no_job_from_ending(tmp_path: Path) -> None:
    """SQLite takes any value in any column; the event says what can be read."""
    with JobQueueManager(url=f"sqlite:///{tmp_path}/jobs.db") as backend:
        worker = FakeWorker(backend)
        backend.add_job(spec("bad", schedule_id="mine"))
        claim = worker.take()
        with backend.database.write() as tx:  # type: ignore[attr-defined]
            tx.execute(
                "UPDATE flowerpower_jobs SET scheduled_for = 'x', pipeline = x'ff', run_at = 'y'",
                {},
            )
        assert worker.finish(claim, FAILED)
        assert worker.status("bad") is JobStatus.FAILED
        (event,) = backend.events()
        assert event.facts["job_id"] == "bad"
        assert [counter.count for counter in backend.counters()] == [1]
