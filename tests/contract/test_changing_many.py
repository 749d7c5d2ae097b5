"""change_jobs, on many jobs at once; and what a job must know to be run again as a new one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import JobNotFound, Refused
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.counter import CounterKind
from flowerpower.jobs.job import Job, JobFilter, JobStatus, JobVerb
from flowerpower.jobs.job_spec import JobSpec, spec_of_again
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker, in_seconds, spec, with_inputs
from tests.contract.in_processes import in_threads

S = JobStatus
ALLOWED: dict[JobVerb, list[JobStatus]] = {
    "cancel": [S.WAITING, S.SCHEDULED, S.QUEUED, S.RUNNING, S.CANCELLED],
    "retry": [S.FAILED, S.CANCELLED],
    "delete": [S.WAITING, S.SCHEDULED, S.QUEUED, S.FINISHED, S.FAILED, S.CANCELLED],
}
"""As in test_changing.py, which has what becomes of one job."""


@pytest.mark.parametrize("verb", ALLOWED)
def test_jobs_are_changed_together_or_refused_alone(
    backend: JobQueueBackend, fake_worker: FakeWorker, verb: JobVerb
) -> None:
    """Each of many ends as it would by itself; a refused or missing one stops no other."""
    # A queued one would be claimed instead of the next.
    order = sorted(JobStatus, key=lambda status: status is S.QUEUED)
    for status in order:
        fake_worker.make(status, f"the-{status}")
    before = {job.id: job for job in backend.list_jobs(JobFilter())}
    ids = [name for name in before if not name.startswith("parent-of-")]
    ids = ["nothing", *ids, "the-failed", "no/id", "\0"]
    changed = dict(zip(ids, backend.change_jobs(verb, ids), strict=True))
    after = {job.id: job for job in backend.list_jobs(JobFilter())}
    for status in JobStatus:
        job_id = f"the-{status}"
        result = changed[job_id]
        if status not in ALLOWED[verb]:
            assert isinstance(result, Refused)
            assert f"The job {job_id} is {status}" in result.message
            assert after[job_id] == before[job_id]
        elif verb == "delete":
            assert result == before[job_id]
            assert job_id not in after
        else:
            assert result == after[job_id]
            is_running = status is S.RUNNING
            expected = S.QUEUED if verb == "retry" else S.RUNNING if is_running else S.CANCELLED
            assert after[job_id].status is expected
            was_cancelled = status is S.CANCELLED
            assert after[job_id].cancel_requested is (verb == "cancel" and not was_cancelled)
    for missing in ("nothing", "no/id", "\0"):
        assert isinstance(changed[missing], JobNotFound)
    assert backend.change_jobs(verb, []) == []


def test_more_jobs_than_one_write_takes(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """All are cancelled, queued again in their old order, and deleted; each is counted once."""
    backend.add_job(spec("many"))
    setup.fill(backend, "many", 599)
    ids = [job.id for job in backend.list_jobs(JobFilter(limit=1000))]
    assert len(ids) == 600
    for verb, status in (("cancel", S.CANCELLED), ("retry", S.QUEUED)):
        changed = backend.change_jobs(verb, ids)  # type: ignore[arg-type]
        assert [job.id for job in changed if isinstance(job, Job)] == ids
        assert {job.status for job in changed if isinstance(job, Job)} == {status}
    (counter,) = [c for c in backend.counters() if c.kind is CounterKind.JOB]
    assert (counter.outcome, counter.count) == ("cancelled", 600)
    assert len(fake_worker.claim(5)) == 5
    deleted = backend.change_jobs("delete", ids)
    assert sum(isinstance(error, Refused) for error in deleted) == 5
    assert len(backend.list_jobs(JobFilter(limit=1000))) == 5


def test_running_jobs_are_asked_to_end_together(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """The worker hears of each with its next heartbeat."""
    for name in ("one", "two", "three"):
        fake_worker.make(S.RUNNING, name)
    backend.change_jobs("cancel", ["one", "three"])
    held = backend.heartbeat(fake_worker.name).held
    assert held == {"one": (1, True), "two": (1, False), "three": (1, True)}


def test_a_bulk_cancel_and_finishes_at_once_leave_one_outcome_each(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Whoever comes first; neither waits for the other, whatever the order of the ids."""
    names = [f"race-{number}" for number in range(20)]
    claims = [fake_worker.make(S.RUNNING, name) for name in names]

    def race(ready: object, side: int) -> list[object]:
        ready()  # type: ignore[operator]
        if side:
            return list(backend.change_jobs("cancel", names))
        held = [claim for claim in claims if isinstance(claim, Claim)]
        return [fake_worker.finish(claim, FINISHED) for claim in reversed(held)]

    finished, cancelled = in_threads(2, race)
    assert all(finished)
    assert all(isinstance(job, Job | Refused) for job in cancelled)
    assert {job.status for job in backend.list_jobs(JobFilter())} == {S.FINISHED}


def test_an_upper_bound_of_the_creation(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """Jobs created before a moment, and not at it; together with a lower bound none or some."""
    old = backend.add_job(spec("old"))
    new = backend.add_job(spec("new"))

    def ids(**bounds: object) -> list[str]:
        return [job.id for job in backend.list_jobs(JobFilter(**bounds))]  # type: ignore[arg-type]

    assert ids(until=new.created_at) == ["old"]
    assert ids(until=old.created_at) == []
    assert ids(until=new.created_at + timedelta(seconds=1)) == ["new", "old"]
    assert ids(since=old.created_at, until=new.created_at) == ["old"]
    assert ids(since=new.created_at, until=new.created_at) == []


def test_conditions_say_the_same_of_a_job_as_of_a_list(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """JobFilter.matches selects among jobs that are known what list_jobs finds."""
    for status in (S.FINISHED, S.FAILED, S.SCHEDULED):
        fake_worker.make(status, f"the-{status}")
    backend.add_job(spec("other", queue="slow", schedule_id="report-1"))
    jobs = backend.list_jobs(JobFilter())
    for wanted in (
        JobFilter(),
        JobFilter(frozenset({S.FAILED, S.QUEUED})),
        JobFilter(pipeline="report"),
        JobFilter(pipeline="another"),
        JobFilter(queue="slow"),
        JobFilter(schedule_id="report-1"),
        JobFilter(since=jobs[1].created_at),
        JobFilter(until=jobs[1].created_at),
        JobFilter(frozenset({S.FAILED}), since=jobs[2].created_at, until=jobs[0].created_at),
    ):
        assert backend.list_jobs(wanted) == [job for job in jobs if wanted.matches(job)], wanted


FULL = JobSpec(
    pipeline="report",
    overrides=RunOverrides(inputs={"n": 3}, final_vars=["total"], timeout=5, declared="daily"),
    id="subject",
    queue="slow",
    result_ttl=77,
    schedule_id="report-1",
    scheduled_for=in_seconds(-3600).replace(microsecond=250_000),
    priority=7,
    expires=3600,
)


@pytest.mark.parametrize(
    "request_for", [FULL, JobSpec("report", id="subject")], ids=["all", "default"]
)
def test_a_job_knows_enough_to_be_run_again(
    backend: JobQueueBackend, fake_worker: FakeWorker, request_for: JobSpec
) -> None:
    """Pipeline, overrides, queue, priority, limits and the time of its fire: as first asked for."""
    backend.add_job(request_for)
    (claim,) = fake_worker.claim(1, "slow", "default")
    with pytest.raises(Refused, match="only a job that has ended runs again"):
        spec_of_again(backend.get_job("subject"), "second")
    assert fake_worker.finish(claim, FAILED)
    listed, read = backend.list_jobs(JobFilter())[0], backend.get_job("subject")
    again = spec_of_again(read, "second")
    assert again == spec_of_again(listed, "second")
    first, second = (
        {
            name: value
            for name, value in vars(one).items()
            if name not in ("id", "result_ttl", "after_on")
        }
        for one in (request_for, again)
    )
    assert second == first
    # The project's own time was the job's when it was added.
    assert again.result_ttl == (request_for.result_ttl or 120)
    backend.add_job(again)
    (claim,) = fake_worker.claim(1, "slow", "default")
    assert (claim.job_id, claim.attempt, claim.attempts) == ("second", 1, {})
    assert claim.scheduled_for == request_for.scheduled_for
    assert backend.get_job("subject").status is S.FAILED


def test_a_job_of_a_backfill_waits_for_the_others_again(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """As after retry_job: at most `max_parallel` of them run at once."""
    fields = {"schedule_id": "report-1", "max_parallel": 1, "is_backfill": True}
    for number in range(2):
        backend.add_job(spec(f"past-{number}", overrides=with_inputs(n=number), **fields))
    assert fake_worker.finish(fake_worker.take(), FINISHED)
    held = fake_worker.take()
    again = backend.add_job(spec_of_again(backend.get_job("past-0"), "again"))
    assert (again.blocked, again.concurrency_key, again.max_parallel) == (
        True,
        backend.get_job("past-0").concurrency_key,
        1,
    )
    assert fake_worker.claim() == []
    assert fake_worker.finish(held)
    assert fake_worker.take().job_id == "again"
