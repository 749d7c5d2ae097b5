"""limits: counted in the claim, over all workers; what is held back keeps its order."""

import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.limits import Limit, Limits
from tests.conditions import eventually, slowed
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FAILED, FakeWorker, in_seconds, retry_at, spec
from tests.contract.in_processes import in_threads

ONE = Limits({"warehouse": Limit(1)}, {"report": ("warehouse",), "load": ("warehouse",)})
TWO = Limits({"warehouse": Limit(2)}, ONE.of_pipeline)


def _take(worker: FakeWorker, limits: Limits, count: int = 10, *queues: str) -> list[Claim]:
    return worker.backend.claim(worker.name, count, queues or ("default",), limits=limits)


def _ids(claims: list[Claim]) -> list[str]:
    return [claim.job_id for claim in claims]


@pytest.mark.in_memory
def test_only_so_many_run_at_once(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Over pipelines and workers; those behind them that are not limited go first."""
    for number in range(4):
        pipeline = "load" if number % 2 else "report"
        backend.add_job(spec(f"limited-{number}", pipeline=pipeline))
    backend.add_job(spec("free", pipeline="other"))
    first = _take(fake_worker, TWO)
    assert _ids(first) == ["limited-0", "limited-1", "free"]
    other = FakeWorker(backend, "worker-2")
    assert _take(other, TWO) == []
    held = backend.get_job("limited-2")
    assert held.status is JobStatus.QUEUED
    assert backend.next_due_in(["default"], TWO) is None
    fake_worker.finish(first[1])
    assert backend.next_due_in(["default"], TWO) == 0
    assert _ids(_take(other, TWO)) == ["limited-2"]
    assert _take(fake_worker, TWO) == []


@pytest.mark.parametrize("end", ["failed", "retried", "released", "lost", "dead", "cancelled"])
def test_every_end_of_an_attempt_frees_its_places(backend: JobQueueBackend, end: str) -> None:
    """Whatever became of the job, and of its worker."""
    worker, other = FakeWorker(backend, "worker-1"), FakeWorker(backend, "worker-2")
    backend.add_job(spec("first"))
    (claim,) = _take(worker, ONE)
    backend.add_job(spec("second"))
    assert _take(other, ONE) == []
    if end == "failed":
        worker.finish(claim, FAILED)
    elif end == "retried":
        worker.finish(claim, retry_at(in_seconds(3600)))
    elif end == "released":
        backend.release(claim)
    elif end == "lost":
        backend.requeue_lost(claim, "The worker died")
    elif end == "dead":
        assert backend.requeue_lost_jobs_of("worker-1", backend.beats()["worker-1"]).count == 1
    else:
        backend.cancel_job("first")
        backend.release(claim)
    # One that is queued again comes first: it is the older one.
    expected = "first" if end in ("released", "lost", "dead") else "second"
    assert _ids(_take(other, ONE)) == [expected]
    assert _take(other, ONE) == []


def test_what_is_held_back_keeps_its_order(
    backend: JobQueueBackend, fake_worker: FakeWorker, dice: random.Random
) -> None:
    """By queue, priority and due time, as without limits."""
    expected = []
    for queue in ("default", "slow"):
        for priority in (5, 0):
            expected += [f"{queue}-{priority}-{number}" for number in range(3)]
    shuffled = dice.sample(expected, len(expected))
    first = in_seconds(-100)
    for job_id in shuffled:
        queue, priority, number = job_id.split("-")
        run_at = first + timedelta(seconds=int(number))
        backend.add_job(spec(job_id, queue=queue, priority=int(priority), run_at=run_at))
    taken = []
    while claims := _take(fake_worker, ONE, 5, "default", "slow"):
        assert len(claims) == 1
        taken += _ids(claims)
        fake_worker.finish(claims[0])
    assert taken == expected


def test_a_lower_limit_lets_running_jobs_finish(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """None starts until there is room; a higher one, or none, counts at once."""
    for number in range(6):
        backend.add_job(spec(f"job-{number}"))
    one, two = _take(fake_worker, TWO)
    assert _take(fake_worker, ONE) == []
    fake_worker.finish(one)
    assert _take(fake_worker, ONE) == []
    fake_worker.finish(two)
    assert len(_take(fake_worker, ONE)) == 1
    assert len(_take(fake_worker, TWO)) == 1
    assert backend.next_due_in(["default"]) == 0
    assert _ids(fake_worker.claim(10)) == ["job-4", "job-5"]


def test_jobs_that_ran_before_there_was_a_limit_count(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """What runs is counted, not what was claimed under the limit."""
    backend.add_job(spec("first"))
    (claim,) = fake_worker.claim()
    backend.add_job(spec("second"))
    assert _take(fake_worker, ONE) == []
    fake_worker.finish(claim)
    assert _ids(_take(fake_worker, ONE)) == ["second"]


def test_a_job_needs_room_in_all_of_its_limits(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """And is not kept waiting for ever by those that need fewer."""
    limits = Limits(
        {"a": Limit(1), "b": Limit(1)}, {"both": ("a", "b"), "only-a": ("a",), "only-b": ("b",)}
    )
    for number in range(5):
        backend.add_job(spec(f"a-{number}", pipeline="only-a"))
        backend.add_job(spec(f"b-{number}", pipeline="only-b"))
        if number == 1:
            backend.add_job(spec("both", pipeline="both"))
    claims = {claim.pipeline: claim for claim in _take(fake_worker, limits)}
    order = [claim.job_id for claim in claims.values()]
    while claims:
        # One of the two ends at a time, so that never both are free by chance.
        pipeline = sorted(claims)[len(order) % len(claims)]
        fake_worker.finish(claims.pop(pipeline))
        new = _take(fake_worker, limits)
        claims.update({claim.pipeline: claim for claim in new})
        order += _ids(new)
        running = Counter(name for pipeline in claims for name in limits.of_pipeline[pipeline])
        assert max(running.values(), default=0) <= 1
    assert len(order) == 11
    assert order.index("both") <= 5, order


def test_a_paused_queue_holds_no_places(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Nor does one that this worker takes no jobs from."""
    backend.add_job(spec("elsewhere", queue="slow", run_at=in_seconds(-100)))
    backend.add_job(spec("here"))
    backend.pause_queue("slow")
    (claim,) = _take(fake_worker, ONE, 5, "slow", "default")
    assert claim.job_id == "here"
    fake_worker.finish(claim)
    assert _take(fake_worker, ONE, 5, "slow", "default") == []
    assert backend.next_due_in(["slow", "default"], ONE) is None
    backend.resume_queue("slow")
    backend.add_job(spec("here-too"))
    assert _ids(_take(fake_worker, ONE)) == ["here-too"]


def test_a_job_that_is_held_back_can_be_cancelled_deleted_and_expires(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """As any other job that is queued; what is left behind it comes."""
    backend.add_job(spec("running"))
    (claim,) = _take(fake_worker, ONE)
    for name in ("cancelled", "deleted", "left"):
        backend.add_job(spec(name))
    backend.add_job(spec("expires", run_at=in_seconds(-5), expires=5.3))
    assert _take(fake_worker, ONE) == []
    assert backend.cancel_job("cancelled").status is JobStatus.CANCELLED
    backend.delete_job("deleted")
    eventually(lambda: backend.expire_jobs() or backend.get_job("expires").status.is_ended)
    assert backend.get_job("expires").status is JobStatus.CANCELLED
    backend.retry_job("cancelled")
    fake_worker.finish(claim)
    (claim,) = _take(fake_worker, ONE)
    assert claim.job_id == "left"
    fake_worker.finish(claim)
    assert _ids(_take(fake_worker, ONE)) == ["cancelled"]


def test_so_many_start_in_a_time(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Whether or not they still run; the next may start when the first one is so long ago."""
    limits = Limits({"api": Limit(starts=2, seconds=1.5)}, {"report": ("api",)})
    began = time.monotonic()
    for number in range(3):
        backend.add_job(spec(f"job-{number}"))
    claims = _take(fake_worker, limits)
    assert _ids(claims) == ["job-0", "job-1"]
    for claim in claims:
        fake_worker.finish(claim)
    wait = backend.next_due_in(["default"], limits)
    assert wait is not None
    assert 0 < wait <= 1.5
    use = backend.limit_use(limits)["api"]
    assert (use.starts, use.parked, use.running) == (2, 1, ())
    assert 0 < use.next_start_in <= 1.5
    eventually(lambda: _ids(_take(fake_worker, limits)) == ["job-2"])
    assert time.monotonic() - began >= 1.5


def test_a_rate_and_places_together(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Both must have room."""
    limits = Limits({"api": Limit(at_once=1, starts=3, seconds=3600)}, {"report": ("api",)})
    for number in range(5):
        backend.add_job(spec(f"job-{number}"))
    for number in range(3):
        (claim,) = _take(fake_worker, limits)
        assert claim.job_id == f"job-{number}"
        assert _take(fake_worker, limits) == []
        fake_worker.finish(claim)
    assert _take(fake_worker, limits) == []
    wait = backend.next_due_in(["default"], limits)
    assert wait is not None
    assert 3500 < wait <= 3600


def test_use_tells_who_runs_and_how_many_are_held_back(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Of each limit, whichever pipelines share it."""
    limits = Limits(
        {**TWO.by_name, "pipeline:other": Limit(1)},
        {**TWO.of_pipeline, "other": ("pipeline:other",)},
    )
    for number in range(4):
        backend.add_job(spec(f"job-{number}", pipeline=("report", "load")[number % 2]))
    backend.add_job(spec("other", pipeline="other"))
    _take(fake_worker, limits)
    use = backend.limit_use(limits)
    assert set(use) == {"warehouse", "pipeline:other"}
    assert set(use["warehouse"].running) == {"job-0", "job-1"}
    assert use["warehouse"].parked == 2
    assert (use["pipeline:other"].running, use["pipeline:other"].parked) == (("other",), 0)


def test_no_limit_is_exceeded_by_workers_at_once(
    backend: JobQueueBackend, dice: random.Random
) -> None:
    """Of many workers that claim at the same moment."""
    limits = Limits({"w": Limit(3)}, {"report": ("w",), "load": ("w",)})
    for number in range(60):
        backend.add_job(spec(f"job-{number}", pipeline=dice.choice(("report", "load"))))
    workers = [FakeWorker(backend, f"worker-{number}") for number in range(6)]
    most: list[int] = []

    def work(ready: Callable[[], object], number: int) -> int:
        ready()
        done, worker = 0, workers[number]
        for _ in range(400):
            for claim in _take(worker, limits, 2):
                most.append(len(backend.limit_use(limits)["w"].running))
                worker.finish(claim)
                done += 1
        return done

    assert sum(in_threads(6, work)) == 60
    assert 1 <= max(most) <= 3


def test_many_that_are_held_back_slow_nobody_down(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """With 10,000 of a full limit in front, a claim of what is behind them takes milliseconds."""
    backend.add_job(spec("running", priority=9))
    _take(fake_worker, ONE)
    first = backend.add_job(spec("held", priority=5))
    setup.fill(backend, first.id, 9_999)
    for number in range(40):
        backend.add_job(spec(f"free-{number}", pipeline="other"))
    # However many claims it takes to park them all.
    eventually(lambda: _ids(_take(fake_worker, ONE, 1)) == ["free-0"])
    times = []
    for number in range(1, 40):
        began = time.perf_counter()
        claims = _take(fake_worker, ONE, 1)
        times.append(time.perf_counter() - began)
        assert _ids(claims) == [f"free-{number}"]
    median = sorted(times)[20]
    print(f"median claim: {median * 1000:.2f} ms")
    assert median < slowed(0.05)
    assert backend.limit_use(ONE)["warehouse"].parked == 10_000
