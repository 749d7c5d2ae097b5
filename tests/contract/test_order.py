"""claim: in which order jobs come, whatever has become of them before."""

import random
import time
from collections.abc import Sequence

import pytest

from flowerpower.errors import UsageError
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.jobs.schedule import ScheduleSpec
from flowerpower.triggers import clock
from tests.conditions import eventually, slowed
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FakeWorker, in_seconds, retry_at, spec
from tests.contract.in_processes import in_threads
from tests.contract.test_schedules import every


def _claimed(fake_worker: FakeWorker, *queues: str, at_once: int = 1000) -> list[str]:
    """All that can be claimed, in the order in which it is given."""
    ids: list[str] = []
    while claims := fake_worker.claim(at_once, *queues):
        ids += [claim.job_id for claim in claims]
    return ids


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_queues_are_taken_in_the_order_in_which_they_are_named(
    backend: JobQueueBackend, fake_worker: FakeWorker, at_once: int
) -> None:
    """Nothing of the second queue while the first has due jobs, however long the second waits."""
    for queue in ("c", "b", "a"):
        for number in range(4):
            backend.add_job(spec(f"{queue}{number}", queue=queue, priority=ord(queue) - 97))
    expected = [f"{queue}{number}" for queue in "acb" for number in range(4)]
    assert _claimed(fake_worker, "a", "c", "b", at_once=at_once) == expected


def test_a_job_that_is_due_later_keeps_no_queue_busy(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """What the first queue has for later does not count: the second queue's job is claimed."""
    backend.add_job(spec("later", queue="first", run_at=in_seconds(3600), priority=100))
    backend.add_job(spec("now", queue="second", priority=-100))
    assert _claimed(fake_worker, "first", "second") == ["now"]


def test_a_higher_priority_comes_first(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """Of the due jobs of a queue the highest priority; of equals the longest due."""
    for number, priority in enumerate((0, -100, 5, 100, 0, 5)):
        backend.add_job(spec(f"{priority}-{number}", priority=priority))
    backend.add_job(spec("longest-due", run_at=in_seconds(-100)))
    assert _claimed(fake_worker, at_once=2) == [
        "100-3", "5-2", "5-5", "longest-due", "0-0", "0-4", "-100-1",
    ]  # fmt: skip


@pytest.mark.parametrize("in_one_call", [True, False])
def test_any_mixture_comes_in_order(
    backend: JobQueueBackend, fake_worker: FakeWorker, dice: random.Random, *, in_one_call: bool
) -> None:
    """By queue, priority, due time and order of adding, in whatever order they were added."""
    base = clock.now()
    jobs = [
        spec(
            f"n-{number}",
            queue=dice.choice(["default", "slow"]),
            priority=dice.choice([-100, -1, 0, 0, 0, 7, 100]),
            run_at=dice.choice([None, clock.after(base, -dice.randrange(1, 5))]),
        )
        for number in range(150)
    ]
    added = backend.add_jobs(jobs) if in_one_call else [backend.add_job(job) for job in jobs]
    wanted = sorted(added, key=lambda job: (job.queue == "slow", -job.priority, job.run_at))
    assert _claimed(fake_worker, "default", "slow", at_once=7) == [job.id for job in wanted]


def test_jobs_that_become_due_go_to_their_place(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Before those of a lower priority and behind equals that were due before.

    Of those that are due at the same time the first one that was added comes first.
    """
    due = in_seconds(0.2)
    names = ("z", "a", "m")
    for number, name in enumerate(names):
        backend.add_job(spec(name, run_at=due))
        backend.add_job(spec(f"high-{name}", run_at=due, priority=1 + number))
    backend.add_job(spec("queued", run_at=in_seconds(-1)))
    backend.add_job(spec("low", priority=-1))
    eventually(lambda: clock.now() > clock.after(due, 0.05))
    backend.add_job(spec("late"))
    assert _claimed(fake_worker, at_once=4) == [
        "high-m", "high-a", "high-z", "queued", "z", "a", "m", "late", "low",
    ]  # fmt: skip


@pytest.mark.parametrize("back", ["release", "requeue_lost", "retry", "worker dies"])
def test_a_job_that_comes_back_keeps_its_place(
    backend: JobQueueBackend, fake_worker: FakeWorker, back: str
) -> None:
    """Given back or lost, it is where it was; retried, it is where its new due time puts it."""
    for number, priority in enumerate((5, 5, 0)):
        backend.add_job(spec(f"n-{number}", priority=priority))
    dying = FakeWorker(backend, "dying")
    claim = dying.take()
    assert claim.job_id == "n-0"
    if back == "release":
        assert backend.release(claim)
    elif back == "requeue_lost":
        assert backend.requeue_lost(claim, "gone")
    elif back == "retry":
        assert dying.finish(claim, retry_at(in_seconds(0)))
        eventually(lambda: backend.next_due_in(["default"]) == 0)
    else:
        assert backend.requeue_lost_jobs_of("dying", backend.beats()["dying"]).count == 1
    order = ["n-1", "n-0", "n-2"] if back == "retry" else ["n-0", "n-1", "n-2"]
    assert _claimed(fake_worker) == order
    assert backend.get_job("n-0").priority == 5


def test_a_job_tried_again_by_a_user_keeps_its_priority(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """It is due now, and before all that is less urgent."""
    backend.add_job(spec("urgent", priority=9))
    backend.cancel_job("urgent")
    backend.add_job(spec("other"))
    assert backend.retry_job("urgent").priority == 9
    assert _claimed(fake_worker) == ["urgent", "other"]


def test_eight_threads_claim_in_order(backend: JobQueueBackend) -> None:
    """Claims at once give each job once, and no worker gets a lower priority before a higher one."""
    backend.add_jobs([spec(f"{n % 5}-{n}", priority=n % 5) for n in range(80)])
    hands = [FakeWorker(backend, f"thread-{number}") for number in range(8)]

    def claim(ready: object, number: int) -> list[str]:
        ready()  # type: ignore[operator]
        mine: list[str] = []
        while claims := hands[number].claim(3):
            mine += [claim.job_id for claim in claims]
        return mine

    shares: Sequence[list[str]] = in_threads(8, claim)
    assert sorted(job for share in shares for job in share) == sorted(
        f"{n % 5}-{n}" for n in range(80)
    )
    for share in shares:
        priorities = [int(job.split("-")[0]) for job in share]
        assert priorities == sorted(priorities, reverse=True)


def test_priorities_are_read_back(backend: JobQueueBackend) -> None:
    """By get_job and list_jobs; a job that says nothing has 0."""
    backend.add_jobs([spec("plain"), spec("urgent", priority=100)])
    assert backend.get_job("plain").priority == 0
    assert {job.id: job.priority for job in backend.list_jobs(JobFilter())} == {
        "plain": 0, "urgent": 100,
    }  # fmt: skip


@pytest.mark.parametrize("priority", [101, -101, 10**30, True, 1.5, "5", None])
def test_other_priorities_are_refused(priority: object) -> None:
    """A whole number from -100 to 100, and the message says so."""
    with pytest.raises(
        UsageError, match=r"^priority is .*: expected a whole number from -100 to 1"
    ):
        spec(priority=priority)
    with pytest.raises(UsageError, match=r"^priority is "):
        ScheduleSpec("report", every(60).trigger, priority=priority)  # type: ignore[arg-type]


def test_many_of_mixed_priorities_slow_nobody_down(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """With 10,000 jobs queued, more and less urgent ones, an add and a claim take milliseconds."""
    for priority in (5, -5):
        first = backend.add_job(spec(f"of-{priority}", priority=priority))
        setup.fill(backend, first.id, 4_999)
    worker = FakeWorker(backend)
    times: dict[str, list[float]] = {"add": [], "add first": [], "claim": []}
    for number in range(20):
        for name, priority in (("add", 0), ("add first", 50)):
            began = time.perf_counter()
            backend.add_job(spec(f"{priority}-{number}", priority=priority))
            times[name].append(time.perf_counter() - began)
        began = time.perf_counter()
        assert worker.take().job_id == f"50-{number}"
        times["claim"].append(time.perf_counter() - began)
    medians = {name: round(sorted(seconds)[10] * 1000, 2) for name, seconds in times.items()}
    print(f"milliseconds: {medians}")
    assert max(medians.values()) < slowed(50), medians
    urgent = [claim.job_id for claim in worker.claim(200)]
    assert all(job_id.startswith("of-5") for job_id in urgent)
    assert backend.get_job("0-0").status is JobStatus.QUEUED
    assert backend.get_job("of--5").status is JobStatus.QUEUED
