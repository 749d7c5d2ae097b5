"""claim: who gets which job."""

import random
import time
from typing import Any

import pytest

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.triggers import clock
from tests.acceptance.fault_records import compared
from tests.conditions import slowed
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FakeWorker, in_seconds, spec
from tests.contract.in_processes import add_many, claim_and_finish, in_processes, in_threads


def test_a_claim_makes_the_job_running_and_says_all_of_it(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A claimed job is running, in its first attempt, with the worker that holds it."""
    fire = in_seconds(-60)
    job = backend.add_job(spec("a", result_ttl=7.0, scheduled_for=fire))
    claim = fake_worker.take()
    assert (claim.job_id, claim.owner, claim.attempt) == ("a", fake_worker.name, 1)
    assert (claim.pipeline, claim.payload) == ("report", job.payload)
    assert (claim.retries, claim.result_ttl, claim.scheduled_for) == (0, 7.0, fire)
    running = backend.get_job("a")
    assert (running.status, running.worker, running.attempt) == (
        JobStatus.RUNNING,
        fake_worker.name,
        1,
    )
    assert running.started_at is not None


def test_the_longest_due_comes_first(
    backend: JobQueueBackend, fake_worker: FakeWorker, dice: random.Random
) -> None:
    """Jobs are claimed in the order of their due times, not of their submission."""
    due = list(range(10))
    dice.shuffle(due)
    for number in due:
        backend.add_job(spec(f"due-{number}", run_at=in_seconds(number - 100)))
    claimed = [claim.job_id for _ in range(4) for claim in fake_worker.claim(3)]
    assert claimed == [f"due-{number}" for number in range(10)]


def test_jobs_without_a_time_run_in_the_order_they_came(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """First in, first out."""
    for number in range(20):
        backend.add_job(spec(f"n-{number}"))
    assert [claim.job_id for claim in fake_worker.claim(100)] == [
        f"n-{number}" for number in range(20)
    ]


def test_only_the_named_queues_are_claimed_from(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A worker of two queues takes from both, and nothing of a third."""
    for queue in ("slow", "other", "default"):
        backend.add_job(spec(f"in-{queue}", queue=queue))
    assert [claim.job_id for claim in fake_worker.claim(9, "default", "slow")] == [
        "in-default",
        "in-slow",
    ]
    assert fake_worker.claim(9, "default", "slow") == []
    assert fake_worker.claim(9, "no' OR '1'='1") == []
    assert [claim.job_id for claim in fake_worker.claim(9, "other")] == ["in-other"]


def test_no_more_than_asked_for_are_claimed(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A claim of two gives two, of none gives none."""
    for number in range(5):
        backend.add_job(spec(f"n-{number}"))
    assert fake_worker.claim(0) == []
    assert backend.claim(fake_worker.name, 5, []) == []
    assert len(fake_worker.claim(2)) == 2
    assert len(backend.list_jobs(JobFilter(frozenset({JobStatus.QUEUED})))) == 3


def test_an_unknown_worker_is_given_nothing(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Who never registered, has gone or was buried gets no job."""
    backend.add_job(spec())
    assert backend.claim("stranger", 1, ["default"]) == []
    backend.unregister_worker(fake_worker.name)
    assert fake_worker.claim() == []
    other = FakeWorker(backend, "worker-2")
    assert backend.requeue_lost_jobs_of(other.name, backend.beats()[other.name]).count == 0
    assert other.claim() == []
    assert FakeWorker(backend, "worker-3").take()


def test_eight_threads_never_claim_a_job_twice(backend: JobQueueBackend) -> None:
    """Eight threads that claim at once share 80 jobs, each job given once."""
    for number in range(80):
        backend.add_job(spec(f"n-{number}"))
    hands = [FakeWorker(backend, f"thread-{number}") for number in range(8)]

    def claim(ready: Any, number: int) -> list[str]:
        ready()
        mine: list[str] = []
        while claims := hands[number].claim(3):
            mine += [claim.job_id for claim in claims]
        return mine

    # One that lost every race may leave early; what is left is claimed here.
    claimed = [job for mine in in_threads(8, claim) for job in mine]
    while claims := hands[0].claim(10):
        claimed += [claim.job_id for claim in claims]
    assert sorted(claimed) == sorted(f"n-{number}" for number in range(80))


def test_eight_processes_never_claim_a_job_twice(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Eight processes run 120 jobs between them, each once, each to its end."""
    for number in range(120):
        backend.add_job(spec(f"n-{number}"))
    shares = in_processes(8, claim_and_finish, setup.options, 120)
    ran = [job_id for share in shares for job_id in share]
    assert sorted(ran) == sorted((f"n-{number}", 1) for number in range(120))
    assert sum(bool(share) for share in shares) > 1


@pytest.mark.fault("many-at-once")
def test_many_writers_and_many_claimers_get_on(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Four processes add while four claim: nobody fails, nothing is lost, nothing doubled."""
    answers = in_processes(8, _add_or_claim, setup.options, 40)
    ran = sorted(job_id for answer in answers if isinstance(answer, list) for job_id, _ in answer)
    expected = sorted(f"job-{number}-{index}" for number in range(4) for index in range(40))
    compared(expected, ran)
    assert ran == expected
    assert [answer for answer in answers if answer == 40] == [40] * 4


def _add_or_claim(ready: Any, number: int, options: dict[str, Any], count: int) -> Any:
    if number < 4:
        return add_many(ready, number, options, count)
    return claim_and_finish(ready, number, options, 4 * count)


def test_ten_thousand_waiting_jobs_slow_nobody_down(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """With 10,000 jobs queued and 10,000 more elsewhere, a claim and a list take milliseconds."""
    for queue in ("default", "other"):
        first = backend.add_job(spec(f"first-of-{queue}", queue=queue))
        setup.fill(backend, first.id, 9_999)
    worker = FakeWorker(backend)
    times: dict[str, list[float]] = {"claim": [], "list": [], "due": [], "add": [], "empty": []}
    for number in range(20):
        began = time.perf_counter()
        assert len(worker.claim(1)) == 1
        times["claim"].append(time.perf_counter() - began)
        began = time.perf_counter()
        assert len(backend.list_jobs(JobFilter(limit=100))) == 100
        times["list"].append(time.perf_counter() - began)
        began = time.perf_counter()
        assert backend.next_due_in(["default"]) == 0
        times["due"].append(time.perf_counter() - began)
        began = time.perf_counter()
        backend.add_job(spec(f"late-{number}"))
        times["add"].append(time.perf_counter() - began)
        began = time.perf_counter()
        assert backend.next_due_in(["slow"]) is None
        times["empty"].append(time.perf_counter() - began)
    medians = {name: round(sorted(seconds)[10] * 1000, 2) for name, seconds in times.items()}
    print(f"milliseconds: {medians}")
    assert max(medians.values()) < slowed(150), medians


def test_a_worker_may_register_while_others_claim(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A second worker shares the queue with the first."""
    backend.add_job(spec("a"))
    backend.add_job(spec("b"))
    backend.register_worker(WorkerInfo("second", "host", 1, ("default",), 1, clock.now()))
    (first,), (second,) = fake_worker.claim(), backend.claim("second", 1, ["default"])
    assert {first.job_id, second.job_id} == {"a", "b"}
    assert (first.owner, second.owner) == (fake_worker.name, "second")
