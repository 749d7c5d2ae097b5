"""Driving a backend as callers and workers would, a step at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flowerpower.config.overrides import RunOverrides
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.chain import DELETED
from flowerpower.jobs.claim import AttemptResult, Claim, WorkerInfo
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.triggers import clock

RESULT = {"outputs": {"total": 42}, "notes": []}
FINISHED = AttemptResult(JobStatus.FINISHED, result=RESULT)
FAILED = AttemptResult(
    JobStatus.FAILED,
    error={"type": "ValueError", "message": "no such region", "node": "total"},
    attempts_left=0,
)
CANCELLED = AttemptResult(JobStatus.CANCELLED)


def spec(job_id: str | None = None, /, **fields: Any) -> JobSpec:
    """A job of the pipeline `report`."""
    given = {"pipeline": "report", **fields}
    return JobSpec(**given) if job_id is None else JobSpec(id=job_id, **given)


def with_inputs(**inputs: Any) -> RunOverrides:
    return RunOverrides(inputs=inputs)


def in_seconds(seconds: float) -> datetime:
    return clock.after(clock.now(), seconds)


def retry_at(moment: datetime, retries: int = 1, left: int = 2) -> AttemptResult:
    """A failed attempt that is tried again."""
    return AttemptResult(
        JobStatus.SCHEDULED, error=FAILED.error, run_at=moment, retries=retries, attempts_left=left
    )


class FakeWorker:
    """A worker that does nothing by itself."""

    def __init__(self, backend: JobQueueBackend, name: str = "worker-1") -> None:
        self.backend = backend
        self.name = name
        self.info = WorkerInfo(name, "host", 4711, ("default", "slow"), 3, clock.now())
        backend.register_worker(self.info)

    def claim(self, count: int = 1, *queues: str) -> list[Claim]:
        return self.backend.claim(self.name, count, queues or ("default",))

    def take(self) -> Claim:
        """The one job that is due first."""
        (claim,) = self.claim()
        return claim

    def finish(self, claim: Claim, end: AttemptResult = FINISHED, log: str = "") -> bool:
        return self.backend.finish(claim, end, log, None)

    def make(self, status: JobStatus, job_id: str = "subject") -> Claim | None:
        """A job in that status, and the claim on it if it ever ran; nothing else may be due.

        A waiting one waits for the job `parent-of-…`, which is not due.
        """
        later = in_seconds(3600) if status is JobStatus.SCHEDULED else None
        if status is JobStatus.WAITING:
            parent = f"parent-of-{job_id}"
            self.backend.add_job(spec(parent, run_at=in_seconds(3600)))
            self.backend.add_job(spec(job_id, after=(parent,)))
            return None
        self.backend.add_job(spec(job_id, run_at=later))
        if status in (JobStatus.SCHEDULED, JobStatus.QUEUED):
            return None
        claim = self.take()
        ends = {
            JobStatus.FINISHED: FINISHED,
            JobStatus.FAILED: FAILED,
            JobStatus.CANCELLED: CANCELLED,
        }
        if status in ends:
            assert self.finish(claim, ends[status])
        return claim

    def status(self, job_id: str = "subject") -> JobStatus:
        return self.backend.get_job(job_id).status

    def log(self, job: Job | Claim | str, attempt: int = 1) -> str:
        """The whole log of an attempt."""
        job_id = job.job_id if isinstance(job, Claim) else str(job)
        return "".join(chunk.text for chunk in self.backend.read_log(job_id, attempt))


ENDS = {"finished": FINISHED, "failed": FAILED, "cancelled": CANCELLED}


def end_job(fake_worker: FakeWorker, how: str, job_id: str = "parent") -> None:
    """End a queued job, which must be the next one that is due."""
    if how == DELETED:
        fake_worker.backend.delete_job(job_id)
        return
    claim = fake_worker.take()
    assert claim.job_id == job_id
    assert fake_worker.finish(claim, ENDS[how])
