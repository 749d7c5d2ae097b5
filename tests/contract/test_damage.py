"""Records that somebody else damaged, or another version wrote: readers and workers live on."""

import json
from typing import Any

import pytest

from flowerpower.errors import FlowerpowerError, Refused
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs import attempt_result
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.jobs.job_spec import overrides_of
from tests.conftest import MakeProject
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FakeWorker, spec

NEWER = json.dumps({"v": 99, "pipeline": "report", "overrides": {}, "priority": 3})
UNKNOWN_FIELD = json.dumps({"v": 1, "pipeline": "report", "overrides": {"colour": "red"}})
DAMAGED_PAYLOADS = ["", "{", "null", "[]", '"x"', "[" * 100_000, "{}", NEWER, UNKNOWN_FIELD,
                    '{"v": 1, "overrides": 7}']  # fmt: skip


def shown(job: Any) -> dict[str, Any]:
    """A job as the command line would print it; the error there, if any."""
    return json.loads(json.dumps(job.to_json()))["error"] or {}


@pytest.mark.parametrize("text", DAMAGED_PAYLOADS, ids=lambda text: text[:12])
def test_a_damaged_payload_is_refused_by_the_worker_alone(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker, text: str
) -> None:
    """Readers show the job; a claim of it carries what the worker will refuse, with a reason."""
    backend.add_job(spec("bad"))
    backend.add_job(spec("good"))
    setup.overwrite(backend, "bad", "payload", text)
    assert {job.id for job in backend.list_jobs(JobFilter())} == {"bad", "good"}
    job = backend.get_job("bad")
    assert job.status is JobStatus.QUEUED
    shown(job)
    bad, good = fake_worker.claim(2)
    with pytest.raises(FlowerpowerError) as refused:
        overrides_of(bad.payload)
    assert "damaged" in refused.value.message or "another version" in refused.value.message
    assert fake_worker.finish(bad, attempt_result.from_refusal(bad, refused.value.message))
    assert backend.get_job("bad").status is JobStatus.FAILED
    assert overrides_of(good.payload).inputs == {}


@pytest.mark.fault("record-part")
@pytest.mark.parametrize("part", ["result", "error", "progress"])
@pytest.mark.parametrize("text", ["{", "[1]", "\x07", "7"])
def test_a_part_that_cannot_be_read_is_named(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker, part: str, text: str
) -> None:
    """What cannot be read of a job is left out, and its error says which part that was."""
    fake_worker.make(JobStatus.FINISHED)
    setup.overwrite(backend, "subject", part, text)
    job = backend.get_job("subject")
    assert job.status is JobStatus.FINISHED
    assert getattr(job, part) is None or part == "error"
    error = shown(job)
    assert error["type"] == "DamagedRecord"
    assert f"its {part} cannot be read" in error["message"]
    assert len(backend.list_jobs(JobFilter())) == 1


@pytest.mark.fault("record-bad-status")
@pytest.mark.parametrize("text", ["banana", "", "FINISHED", "\x1b[31m"])
def test_a_status_that_does_not_exist_counts_as_failed(
    setup: BackendSetup, backend: JobQueueBackend, fake_worker: FakeWorker, text: str
) -> None:
    """Such a job is listed as failed and says why; it can be tried again, deleted and pruned."""
    for job_id in ("bad", "worse"):
        backend.add_job(spec(job_id))
        setup.overwrite(backend, job_id, "status", text)
    backend.add_job(spec("good"))
    job = backend.get_job("bad")
    assert job.status is JobStatus.FAILED
    assert "its status cannot be read" in shown(job)["message"]
    assert len(backend.list_jobs(JobFilter())) == 3
    failed = backend.list_jobs(JobFilter(frozenset({JobStatus.FAILED})))
    assert {job.id for job in failed} == {"bad", "worse"}
    assert not backend.add_job(spec("bad")).created
    with pytest.raises(Refused):
        backend.cancel_job("bad")
    assert fake_worker.take().job_id == "good"
    assert fake_worker.claim() == []
    assert backend.retry_job("bad").status is JobStatus.QUEUED
    assert fake_worker.take().job_id == "bad"
    assert backend.prune(everything_ended=True) == 1
    assert {job.id for job in backend.list_jobs(JobFilter())} == {"bad", "good"}


@pytest.mark.fault(
    "payload-damaged", "payload-newer", "payload-unknown-field", "payload-missing-field"
)
def test_a_worker_fails_damaged_jobs_and_lives(
    setup: BackendSetup, make_project: MakeProject
) -> None:
    """Damaged jobs and one of a pipeline that is not there fail with a reason; the good one runs."""
    make_project(report=("run: {}\n", "def total() -> int:\n    return 42\n"))
    with setup.open() as backend:
        for number, text in enumerate(DAMAGED_PAYLOADS):
            backend.add_job(spec(f"bad-{number}"))
            setup.overwrite(backend, f"bad-{number}", "payload", text)
        backend.add_job(spec("absent", pipeline="nothing"))
        backend.add_job(spec("good"))
        backend.run_worker(WorkerOptions(burst=True))
        bad = [job for job in backend.list_jobs(JobFilter()) if job.id != "good"]
        assert {job.status for job in bad} == {JobStatus.FAILED}
        messages = {job.id: shown(job)["message"] for job in bad}
        assert all(messages.values()), messages
        assert "payload 99" in messages["bad-7"]
        assert "colour" in messages["bad-8"]
        good = backend.get_job("good")
        assert (good.status, good.result and good.result["outputs"]) == (
            JobStatus.FINISHED,
            {"total": 42},
        )
