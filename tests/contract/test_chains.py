"""after: a job waits for its parents, and what their ends make of it."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from flowerpower.errors import JobNotFound, UsageError
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.chain import DELETED, ENDS_MET, GONE, NOT_MET, AfterCondition
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.triggers import clock
from tests.conditions import eventually
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import (
    CANCELLED,
    FakeWorker,
    end_job,
    in_seconds,
    retry_at,
    spec,
)
from tests.contract.in_processes import in_threads
from tests.contract.test_schedules import daily

SUCCESS, FAILURE, END = AfterCondition


@pytest.mark.in_memory
def test_a_child_waits_until_its_parent_has_finished(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """It is not claimed before, and due at once after."""
    backend.add_job(spec("parent"))
    child = backend.add_job(spec("child", after=("parent",)))
    assert (child.status, child.created) == (JobStatus.WAITING, True)
    assert (child.after, child.after_on) == ({"parent": None}, SUCCESS)
    claim = fake_worker.take()
    assert claim.job_id == "parent"
    assert fake_worker.claim() == []
    assert backend.next_due_in(["default"]) is None
    fake_worker.finish(claim)
    assert backend.next_due_in(["default"]) == 0
    child = backend.get_job("child")
    assert (child.status, child.after) == (JobStatus.QUEUED, {"parent": "finished"})
    assert child.run_at >= backend.get_job("parent").created_at
    assert fake_worker.take().job_id == "child"


@pytest.mark.parametrize("condition", list(AfterCondition))
@pytest.mark.parametrize("end", ["finished", "failed", "cancelled", DELETED])
@pytest.mark.parametrize("added", ["before", "after"])
def test_what_each_end_of_a_parent_makes_of_a_child(
    backend: JobQueueBackend,
    fake_worker: FakeWorker,
    condition: AfterCondition,
    end: str,
    added: str,
) -> None:
    """The same whether the child was added before the end or after it."""
    backend.add_job(spec("parent"))
    child = spec("child", after=("parent",), after_on=condition)
    if added == "before":
        backend.add_job(child)
        end_job(fake_worker, end)
    else:
        end_job(fake_worker, end)
        backend.add_job(child)
    job = backend.get_job("child")
    # Of a job that was deleted before its child came nothing is known.
    known = GONE if (end, added) == (DELETED, "after") else end
    assert job.after == {"parent": known}
    if end in ENDS_MET[condition]:
        assert (job.status, job.error) == (JobStatus.QUEUED, None)
        assert fake_worker.take().job_id == "child"
    else:
        assert job.status is JobStatus.CANCELLED
        assert job.error is not None
        assert (job.error["code"], job.error["after"]) == (NOT_MET, "parent")
        assert "parent" in job.error["message"]
        assert job.ended_at is not None
        assert fake_worker.claim() == []


def test_a_cancelled_running_parent_has_ended_when_its_worker_says_so(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A cancel request alone ends nothing."""
    backend.add_job(spec("parent"))
    claim = fake_worker.take()
    backend.add_job(spec("child", after=("parent",), after_on=END))
    backend.cancel_job("parent")
    assert fake_worker.status("child") is JobStatus.WAITING
    fake_worker.finish(claim, CANCELLED)
    assert fake_worker.status("child") is JobStatus.QUEUED


def test_an_attempt_that_is_retried_has_not_ended(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Nor one that is given back or lost; a third loss is a failure."""
    backend.add_job(spec("parent"))
    backend.add_job(spec("child", after=("parent",), after_on=FAILURE))
    assert fake_worker.finish(fake_worker.take(), retry_at(in_seconds(-1)))
    assert backend.release(fake_worker.take())
    for _ in range(3):
        assert fake_worker.status("child") is JobStatus.WAITING
        assert backend.requeue_lost(fake_worker.take(), "The worker died")
    assert backend.get_job("child").after == {"parent": "failed"}
    assert fake_worker.take().job_id == "child"


def test_a_child_of_several_waits_for_all(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """And the first parent that ends otherwise cancels it, while others still run."""
    for name in ("one", "two", "three"):
        backend.add_job(spec(name))
    backend.add_job(spec("all", after=("one", "two", "three")))
    backend.add_job(spec("never", after=("one", "two", "three"), after_on=FAILURE))
    one, two, three = fake_worker.claim(3)
    fake_worker.finish(two)
    never = backend.get_job("never")
    assert never.status is JobStatus.CANCELLED
    assert never.after == {"one": None, "two": "finished", "three": None}
    fake_worker.finish(three)
    assert backend.get_job("all").after == {"one": None, "two": "finished", "three": "finished"}
    assert fake_worker.status("all") is JobStatus.WAITING
    fake_worker.finish(one)
    assert fake_worker.status("all") is JobStatus.QUEUED
    assert [claim.job_id for claim in fake_worker.claim(5)] == ["all"]


def test_a_parent_that_never_was_is_gone(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """A child of it does not wait for ever, and does not pass for one whose parent finished."""
    job = backend.add_job(spec("child", after=("ghost",)))
    assert (job.status, job.after) == (JobStatus.CANCELLED, {"ghost": GONE})
    assert "ghost" in (job.error or {})["message"]
    assert backend.add_job(spec("end", after=("ghost",), after_on=END)).status is JobStatus.QUEUED
    assert [claim.job_id for claim in fake_worker.claim(5)] == ["end"]


def test_a_parent_whose_history_has_ended_is_gone(setup: BackendSetup) -> None:
    """For children that come later; those that waited were told of its end."""
    with setup.open(history_ttl=0.3) as backend:
        worker = FakeWorker(backend)
        backend.add_job(spec("parent"))
        backend.add_job(spec("child", after=("parent",)))
        end_job(worker, "finished")
        assert worker.status("child") is JobStatus.QUEUED

        def late() -> bool:
            job_id = f"late-{random.random():.9f}".replace(".", "")
            return backend.add_job(spec(job_id, after=("parent",))).after == {"parent": GONE}

        eventually(late)


def test_a_job_that_waits_too_long_has_been_cancelled(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Its children are cancelled in the same step. A child ages only when its own wait begins."""
    backend.add_job(spec("parent", run_at=in_seconds(-5), expires=0.01))
    backend.add_job(spec("child", after=("parent",), expires=3600))
    assert backend.get_job("child").start_by is None
    eventually(lambda: not fake_worker.claim() and backend.get_job("parent").status.is_ended)
    assert backend.get_job("child").after == {"parent": "cancelled"}
    backend.add_job(spec("other"))
    backend.add_job(spec("aged", after=("other",), expires=3600))
    end_job(fake_worker, "finished", "other")
    assert backend.get_job("aged").start_by is not None


def test_a_child_is_due_at_its_own_time(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """run_at counts once its parents have ended."""
    later = in_seconds(3600)
    backend.add_job(spec("parent"))
    backend.add_job(spec("child", after=("parent",), run_at=later))
    end_job(fake_worker, "finished")
    child = backend.get_job("child")
    assert child.status is JobStatus.SCHEDULED
    assert abs((child.run_at - later).total_seconds()) < 0.01


def test_followers_are_added_with_their_parent_once(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """And theirs, in the same step; not again, and not for a parent that is there already."""
    grandchild = spec("grandchild", after=("child",))
    child = spec("child", after=("parent",), followers=(grandchild,))
    parent = spec("parent", followers=(child,))
    assert backend.add_job(parent).created
    assert not backend.add_job(parent).created
    assert {job.id for job in backend.list_jobs(JobFilter())} == {"parent", "child", "grandchild"}
    assert fake_worker.status("grandchild") is JobStatus.WAITING
    backend.add_job(spec("alone"))
    backend.add_job(spec("alone", followers=(spec("late", after=("alone",)),)))
    with pytest.raises(JobNotFound):
        backend.get_job("late")
    for name in ("parent", "alone", "child", "grandchild"):
        end_job(fake_worker, "finished", name)


def test_a_second_child_of_the_same_id_is_the_first(backend: JobQueueBackend) -> None:
    """Idempotent by id, as every job."""
    backend.add_job(spec("parent"))
    backend.add_job(spec("child", after=("parent",)))
    again = backend.add_job(spec("child"))
    assert (again.created, again.status) == (False, JobStatus.WAITING)


def test_impossible_parents_are_refused() -> None:
    """Itself, one twice, too many, and a job that is blocked by its schedule."""
    for more in (
        {"after": ("job",)},
        {"after": ("a", "a")},
        {"after": tuple(f"p{number}" for number in range(101))},
        {"after": ("a",), "max_parallel": 1, "schedule_id": "s"},
    ):
        with pytest.raises(UsageError):
            spec("job", **more)


def test_an_end_and_a_child_at_the_same_time(
    backend: JobQueueBackend, fake_worker: FakeWorker, dice: random.Random
) -> None:
    """Whichever comes first, the child is queued: it is never forgotten between the two."""
    for number in range(30):
        backend.add_job(spec(f"parent-{number}"))
    claims = fake_worker.claim(30)
    dice.shuffle(claims)

    def act(ready: Callable[[], object], number: int) -> None:
        ready()
        for claim in claims:
            if number:
                fake_worker.finish(claim)
            else:
                backend.add_job(spec(f"of-{claim.job_id}", after=(claim.job_id,)))

    in_threads(2, act)
    children = {claim.job_id for claim in fake_worker.claim(100)}
    assert children == {f"of-{claim.job_id}" for claim in claims}


def test_waiting_jobs_are_counted(backend: JobQueueBackend) -> None:
    """In the snapshot, apart from those that their schedule blocks, and by the filter."""
    backend.add_job(spec("parent"))
    for number in range(3):
        backend.add_job(spec(f"child-{number}", after=("parent",)))
    state = backend.snapshot().queues["default"]
    assert (state.counts[JobStatus.WAITING], state.counts[JobStatus.QUEUED]) == (3, 1)
    assert (state.counts[JobStatus.SCHEDULED], state.blocked) == (0, 0)
    waiting = backend.list_jobs(JobFilter(statuses=frozenset({JobStatus.WAITING})))
    assert {job.id for job in waiting} == {"child-0", "child-1", "child-2"}


def test_the_children_of_jobs_are_found(backend: JobQueueBackend, fake_worker: FakeWorker) -> None:
    """While they wait and once they have ended; the oldest first, each once, no grandchildren."""
    for name in ("one", "two", "alone"):
        backend.add_job(spec(name))
    for name, parents in (("a", ("one",)), ("b", ("one", "two")), ("c", ("two",)), ("d", ("a",))):
        backend.add_job(spec(name, after=parents))

    def children(*job_ids: str, limit: int = 100) -> list[str]:
        return [job.id for job in backend.children_of(job_ids, limit)]

    assert children("one") == ["a", "b"]
    assert children("one", "two") == ["a", "b", "c"]
    assert children("one", "two", limit=2) == ["a", "b"]
    assert children("alone", "ghost") == children() == []
    assert backend.children_of(["a"])[0].after == {"a": None}
    end_job(fake_worker, "finished", "one")
    end_job(fake_worker, "failed", "two")
    assert children("one") == ["a", "b"]
    assert [job.status for job in backend.children_of(["two"])] == [JobStatus.CANCELLED] * 2
    backend.delete_job("b")
    assert children("one") == ["a"]


def test_a_waiting_job_with_a_damaged_record_ends(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Once a parent ends; it waits for nothing that anybody knows, and stops no other child."""
    backend.add_job(spec("parent"))
    for name in ("bad", "good", "worse"):
        backend.add_job(spec(name, after=("parent",)))
    setup.overwrite(backend, "bad", "after_parents", "[")
    setup.overwrite(backend, "worse", "after_parents", '{"on": "end", "parents": {"parent": 7}}')
    end_job(fake_worker, "finished")
    for name in ("bad", "worse"):
        job = backend.get_job(name)
        assert job.status.is_ended
        assert (job.error or {})["code"] == "damaged_record"
    assert fake_worker.take().job_id == "good"


def test_ends_of_many_parents_at_once_decide_each_child_once(
    backend: JobQueueBackend, dice: random.Random
) -> None:
    """Children of the same parents, while some finish, some are cancelled, and children too."""
    parents = [f"parent-{number}" for number in range(24)]
    backend.add_jobs([spec(name) for name in parents])
    children = {f"child-{number}": tuple(dice.sample(parents, 3)) for number in range(40)}
    specs = [spec(name, after=after, after_on=END) for name, after in children.items()]
    for name in children:
        after = tuple(dice.sample(sorted(children), 2))
        specs.append(spec(f"of-{name}", after=after))
    backend.add_jobs(specs)
    worker = FakeWorker(backend)
    claims = worker.claim(12)
    queued = sorted({*parents} - {claim.job_id for claim in claims})
    cancelled = dice.sample(sorted(children), 6)

    def act(ready: Callable[[], object], number: int) -> None:
        ready()
        if number < 2:
            for claim in claims[number::2]:
                worker.finish(claim)
        elif number == 2:
            for position in range(0, len(queued), 4):
                backend.change_jobs("cancel", queued[position : position + 4][::-1])
        else:
            for name in cancelled:
                backend.change_jobs("cancel", [name])

    in_threads(4, act)
    jobs = {job.id: job for job in backend.list_jobs(JobFilter(limit=1000))}
    for name, after in children.items():
        assert jobs[name].status in (JobStatus.QUEUED, JobStatus.CANCELLED)
        if name not in cancelled:
            assert jobs[name].status is JobStatus.QUEUED
            assert set(jobs[name].after) == {*after}
            assert None not in jobs[name].after.values()
    for name in children:
        job = jobs[f"of-{name}"]
        lost = [parent for parent in job.after if jobs[parent].status is JobStatus.CANCELLED]
        assert job.status is (JobStatus.CANCELLED if lost else JobStatus.WAITING)


def test_a_parent_that_vanishes_behind_the_queues_back_is_found(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """By `prune`, which workers call from time to time."""
    backend.add_job(spec("parent"))
    backend.add_job(spec("child", after=("parent",)))
    backend.add_job(spec("sorry", after=("parent",), after_on=END))
    backend.prune()
    assert backend.get_job("child").status is JobStatus.WAITING
    setup.vanish(backend, "parent")
    backend.prune()
    assert backend.get_job("child").after == {"parent": GONE}
    assert backend.get_job("child").status is JobStatus.CANCELLED
    assert backend.get_job("sorry").status is JobStatus.QUEUED


def test_jobs_of_fires_and_backfills_have_followers(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Each in the step that adds its parent; of a job that was there before none is added."""

    def with_followers(request: JobSpec) -> JobSpec:
        child = spec(f"load-after-{request.id}", pipeline="load", after=(request.id,))
        return replace(request, followers=(child,))

    backend.with_followers = with_followers
    schedule = backend.schedules.add(daily("nightly"))
    due = clock.now().replace(microsecond=0) - timedelta(seconds=30)
    setup.set_next_fire(backend, "nightly", due)
    (fire,) = backend.schedules.fire_due().fires
    child = backend.get_job(f"load-after-{fire.job_id}")
    assert (child.status, child.after) == (JobStatus.WAITING, {fire.job_id: None})
    past = schedule.trigger.previous(due - timedelta(days=3)) if schedule.trigger else None
    assert past is not None
    (job_id,) = backend.schedules.backfill(backend.schedules.get("nightly"), [past], 1)
    assert backend.get_job(f"load-after-{job_id}").status is JobStatus.WAITING
    assert backend.schedules.backfill(backend.schedules.get("nightly"), [past], 1) == []
    assert len(backend.list_jobs(JobFilter(pipeline="load"))) == 2
