"""add_job and get_job: what goes in comes out, once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.config.run import RetryOverrides
from flowerpower.errors import InvalidInputs, InvalidName, InvalidTime, JobNotFound, UsageError
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.jobs.job_spec import JobSpec, overrides_of
from flowerpower.triggers import clock
from tests.conditions import eventually
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FakeWorker, in_seconds, spec, with_inputs
from tests.contract.in_processes import add_one, in_processes, in_threads


@pytest.mark.in_memory
def test_every_field_of_a_job_comes_back(backend: JobQueueBackend) -> None:
    """A job that was added is read with all that it was given."""
    overrides = RunOverrides(
        inputs={
            "name": "Zoë \x00 \ud800 🌷",
            "rows": [1, 2.5, None, True],
            "deep": {"a": {"b": []}},
        },
        final_vars=["total"],
        config={"mode": "fast"},
        timeout=90.0,
        retry=RetryOverrides(max_retries=3),
    )
    run_at = datetime(2200, 1, 2, 3, 4, 5, 678901, UTC)
    fire = datetime(2026, 11, 1, 8, tzinfo=UTC)
    before = clock.now()
    added = backend.add_job(
        JobSpec("report", overrides, "job_1-A", "slow", run_at, 30.0, "report-1", fire)
    )
    job = backend.get_job("job_1-A")
    assert job == added
    assert (job.id, job.pipeline, job.queue) == ("job_1-A", "report", "slow")
    assert (job.status, job.run_at, job.scheduled_for) == (JobStatus.SCHEDULED, run_at, fire)
    assert job.schedule_id == "report-1"
    assert overrides_of(job.payload) == overrides
    assert abs(job.created_at - before) < timedelta(seconds=10)
    assert (job.attempt, job.attempts_left, job.worker_losses, job.worker) == (0, None, 0, None)
    assert (job.started_at, job.ended_at, job.progress, job.result, job.error) == (None,) * 5
    assert not job.cancel_requested
    assert job.to_json()["overrides"]["inputs"] == overrides.inputs


def test_a_job_without_a_time_is_queued_and_due_at_once(backend: JobQueueBackend) -> None:
    """Without run_at a job waits for nothing but a worker."""
    job = backend.add_job(spec())
    assert job.status is JobStatus.QUEUED
    assert job.created
    assert backend.next_due_in(["default"]) == 0


def test_times_of_any_offset_are_the_same_instant(backend: JobQueueBackend) -> None:
    """A run_at with an offset is kept as the instant that it is."""
    zone = clock.timezone("Asia/Kathmandu")
    job = backend.add_job(spec(run_at=datetime(2200, 5, 1, 12, tzinfo=zone)))
    assert job.run_at == datetime(2200, 5, 1, 6, 15, tzinfo=UTC)
    assert job.run_at.utcoffset() == timedelta(0)


def test_the_same_id_gives_the_first_job_back_unchanged(backend: JobQueueBackend) -> None:
    """A second submission of an id changes nothing and says so."""
    first = backend.add_job(spec("once", overrides=with_inputs(n=1)))
    second = backend.add_job(spec("once", pipeline="other", queue="slow", run_at=in_seconds(60)))
    assert (first.created, second.created) == (True, False)
    assert second == first
    assert len(backend.list_jobs(JobFilter())) == 1


def test_an_id_stays_taken_while_its_record_lives(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A finished job's id gives that job back, with its result."""
    fake_worker.make(JobStatus.FINISHED)
    again = backend.add_job(spec("subject"))
    assert not again.created
    assert again.status is JobStatus.FINISHED
    assert again.result is not None


@pytest.mark.in_memory
def test_eight_threads_with_one_id_make_one_job(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Of eight threads that submit one id at the same moment, one creates it."""

    def add(ready: Any, number: int) -> bool:
        ready()
        return backend.add_job(spec("once")).created

    assert sorted(in_threads(8, add)) == [False] * 7 + [True]


def test_eight_processes_with_one_id_make_one_job(setup: BackendSetup) -> None:
    """Of eight processes that submit one id at the same moment, one creates it."""
    assert sorted(in_processes(8, add_one, setup.options, "once")) == [False] * 7 + [True]


@pytest.mark.fault("hostile-names", on="any")
@pytest.mark.parametrize("job_id", ["", "a b", "a/b", "ä", "x" * 201, "a\n", "a\x00", "../x"])
def test_ids_keep_the_rule_of_names(job_id: str) -> None:
    """An id out of other characters, empty or over 200 long is refused with the rule."""
    with pytest.raises(InvalidName, match="id of a job: expected 1 to 200 characters"):
        spec(job_id)


def test_the_longest_id_is_kept_whole(backend: JobQueueBackend) -> None:
    """200 characters are an id."""
    assert backend.add_job(spec("x" * 200)).id == "x" * 200
    assert backend.get_job("x" * 200).id == "x" * 200


@pytest.mark.fault("hostile-inputs", on="any")
@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"rows": [1, {"at": object()}]}, r"^inputs\.rows\[1\]\.at is a object"),
        ({"x": float("nan")}, r"^inputs\.x is nan"),
        ({"x": {1: 2}}, r"^inputs\.x has the key 1"),
        ({"x": {"y": {1j, 2}}}, r"^inputs\.x\.y\[…\] is a complex"),
        ({"x": b"raw"}, r"^inputs\.x is a bytes"),
        ({"n": 10**5000}, r"^inputs\.n is a whole number of more than"),
    ],
)
def test_inputs_that_are_not_json_are_refused_by_key_path(
    inputs: dict[str, Any], expected: str
) -> None:
    """What cannot be kept as JSON is refused before anything is stored, with where it is."""
    with pytest.raises(InvalidInputs, match=expected):
        spec(overrides=with_inputs(**inputs))


def test_objects_that_json_can_hold_are_kept_as_json(backend: JobQueueBackend) -> None:
    """Times, paths and sets are text and lists in the record, which the pipeline's types read."""
    inputs = {"at": datetime(2026, 1, 2, 3, 4), "file": Path("a/b"), "tags": {"b", "a"}}
    job = backend.add_job(spec("a", overrides=with_inputs(**inputs)))
    kept = {"at": "2026-01-02T03:04:00", "file": "a/b", "tags": ["a", "b"]}
    assert job.to_json()["overrides"]["inputs"] == kept
    assert backend.get_job("a").to_json()["overrides"]["inputs"] == kept


@pytest.mark.fault("hostile-inputs", on="any")
def test_inputs_nested_too_deep_are_refused() -> None:
    """Sixty levels are refused."""
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    with pytest.raises(InvalidInputs, match="nested more than"):
        spec(overrides=with_inputs(deep=deep))


@pytest.mark.parametrize("name", ["run_at", "scheduled_for"])
def test_times_without_an_offset_are_refused(name: str) -> None:
    """A naive time is nobody's instant."""
    with pytest.raises(InvalidTime, match=f"^{name} is .* no UTC offset"):
        spec(**{name: datetime(2026, 1, 1)})


@pytest.mark.parametrize("ttl", [-2.0, float("nan"), float("inf"), 1e300])
def test_impossible_times_to_live_are_refused(ttl: float) -> None:
    """result_ttl is -1, or between 0 and a hundred years."""
    with pytest.raises(UsageError, match=r"^result_ttl is .*: expected -1, or 0 seconds"):
        spec(result_ttl=ttl)


@pytest.mark.parametrize("job_id", ["nothing", "", "a b", "a\x00b", "\ud800", "x" * 5000])
def test_an_id_that_is_not_there_is_told(backend: JobQueueBackend, job_id: str) -> None:
    """Whatever is asked for, a job that is not there is JobNotFound from every verb."""
    for verb in (backend.get_job, backend.cancel_job, backend.retry_job, backend.delete_job):
        with pytest.raises(JobNotFound, match="There is no job"):
            verb(job_id)
    with pytest.raises(JobNotFound):
        backend.read_log(job_id, 1)


def test_the_nearest_id_is_suggested(backend: JobQueueBackend) -> None:
    """A mistyped id, or the beginning of one, names the one that was meant."""
    backend.add_job(spec("daily-report-7"))
    with pytest.raises(JobNotFound, match="Did you mean 'daily-report-7'"):
        backend.get_job("daily-reprot-7")
    with pytest.raises(JobNotFound, match="Did you mean 'daily-report-7'"):
        backend.get_job("daily")


def test_a_job_for_later_is_scheduled_and_promoted_when_due(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """A job with a time to come is claimed by nobody before, and by the first to ask after."""
    due_at = in_seconds(1.0)
    job = backend.add_job(spec(run_at=due_at))
    assert job.status is JobStatus.SCHEDULED
    due_in = backend.next_due_in(["default"])
    assert due_in is not None
    assert 0 < due_in <= 1.0
    assert fake_worker.claim() == []
    (claim,) = eventually(fake_worker.claim)
    assert claim.job_id == job.id
    assert clock.now() >= clock.after(due_at, -0.05)
    assert backend.get_job(job.id).status is JobStatus.RUNNING


def test_due_jobs_are_told_by_their_queue(backend: JobQueueBackend) -> None:
    """next_due_in looks at the queues that it is given, and says None if nothing waits there."""
    backend.add_job(spec(queue="slow"))
    assert backend.next_due_in(["default"]) is None
    assert backend.next_due_in(["default", "slow"]) == 0
    assert backend.next_due_in([]) is None


def test_many_jobs_are_added_as_one_by_one(
    backend: JobQueueBackend, fake_worker: FakeWorker
) -> None:
    """In their order, each with what it was given; ids that are there already say so."""
    assert backend.add_jobs([]) == []
    backend.add_job(spec("n-3", queue="slow"))
    specs = [spec(f"n-{number}", overrides=with_inputs(n=number)) for number in range(1200)]
    jobs = backend.add_jobs([*specs, spec("n-7"), spec("later", run_at=in_seconds(3600))])
    assert [job.id for job in jobs[:1200]] == [job_spec.id for job_spec in specs]
    assert [job.id for job in jobs if not job.created] == ["n-3", "n-7"]
    assert jobs[-1].status is JobStatus.SCHEDULED
    assert len(backend.list_jobs(JobFilter(limit=5000))) == 1201
    assert jobs == [backend.get_job(job.id) for job in jobs]
    claims = fake_worker.claim(5)
    assert [claim.job_id for claim in claims] == ["n-0", "n-1", "n-2", "n-4", "n-5"]
    assert overrides_of(claims[3].payload).inputs == {"n": 4}
