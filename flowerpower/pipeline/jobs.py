"""Jobs for Python: `manager.jobs`, and the Job that it returns."""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from flowerpower.errors import FlowerpowerError, UsageError, WaitTimeout
from flowerpower.jobs.job import Job as JobRecord
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.pipeline.job_queue import PipelineJobQueue
from flowerpower.pipeline.run_errors import cancelled_error, job_error
from flowerpower.text import did_you_mean
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.jobs.schedule import Schedule as ScheduleRecord
    from flowerpower.pipeline.retry_plan import RetryPlan
    from flowerpower.pipeline.waiting import WaitsFor

FIRST_POLL, LAST_POLL = 0.02, 0.5
"""Seconds between two reads: a short job is noticed at once, a long one costs few reads."""
Record = TypeVar("Record", bound="JobRecord | ScheduleRecord")


class Handle(Generic[Record]):
    """A handle on one job or schedule of the queue; `str` of it is the id.

    It keeps the record as it was read last; `refresh` reads it again. Methods raise JobNotFound or
    ScheduleNotFound if the record was deleted, or the job's history has ended.

    Attributes:
        record: all that the queue knows of it (a Job of `flowerpower.jobs.job`, or a Schedule of
            `flowerpower.jobs.schedule`).
    """

    def __init__(self, record: Record, job_queue: PipelineJobQueue) -> None:
        self.record: Record = record
        self._job_queue = job_queue

    def __str__(self) -> str:
        return self.record.id

    @property
    def id(self) -> str:
        """Its id, unique in the project's queue."""
        return self.record.id

    @property
    def pipeline(self) -> str:
        """The name of the pipeline that it runs."""
        return self.record.pipeline

    def to_json(self) -> dict[str, Any]:
        """Its record as a JSON object, times in RFC 3339."""
        return self.record.to_json()


class Job(Handle[JobRecord]):
    """A handle on one job."""

    def __repr__(self) -> str:
        return f"<Job {self.id} of {self.pipeline}: {self.status}>"

    @property
    def queue(self) -> str:
        """The queue it waits in."""
        return self.record.queue

    @property
    def status(self) -> JobStatus:
        """Its status when it was read last."""
        return self.record.status

    @property
    def attempt(self) -> int:
        """How many attempts have begun, 0 before the first."""
        return self.record.attempt

    @property
    def created(self) -> bool:
        """False if the queue already had a job with its id when it was added."""
        return self.record.created

    @property
    def error(self) -> dict[str, Any] | None:
        """Why its last attempt failed: type, message, node, file, line and traceback.

        Of a job that waited longer than its `expires`: type `Expired`, and a message.
        """
        return self.record.error

    @property
    def progress(self) -> dict[str, Any] | None:
        """How far its attempt is: the number of nodes, and the state of each."""
        return self.record.progress

    def refresh(self) -> Job:
        """Read it from the queue again; returns itself."""
        self.record = self._job_queue.get_job(self.id)
        return self

    def waits_for(self) -> WaitsFor | None:
        """Why it does not run yet, by its record as it was read last; None once it runs."""
        from flowerpower.pipeline.waiting import read_waits_for

        return read_waits_for(self._job_queue, self.record)

    def wait(self, timeout: float | str | None = None) -> Job:
        """Wait until it has finished, failed or was cancelled; returns itself.

        `timeout` is in seconds, or a text such as `1m30s`; None waits without a limit.

        Raises:
            WaitTimeout: if it has not ended by then; the job itself goes on.
        """
        limit = None if timeout is None else clock.parse_duration(timeout)
        deadline = None if limit is None else clock.monotonic() + limit
        pause = FIRST_POLL
        while not self.refresh().status.is_ended:
            left = LAST_POLL if deadline is None else deadline - clock.monotonic()
            if left <= 0:
                duration = clock.format_duration(limit or 0.0)
                raise WaitTimeout(f"After {duration} the job {self.id} is {self.status}.")
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, LAST_POLL)
        return self

    def result(self, timeout: float | str | None = None) -> dict[str, Any]:
        """Wait for it, and return its outputs by node, as JSON values.

        A value that JSON cannot hold is a summary of it: type, shape, columns, first rows.

        Raises:
            RunFailed: if the pipeline failed, as `manager.run` does, or the job was cancelled or
                has expired.
            WaitTimeout: as `wait`.
            FlowerpowerError: if its result has expired (with `result_ttl=0`, at once).
        """
        record = self.wait(timeout).record
        if record.status is JobStatus.CANCELLED:
            raise cancelled_error(record)
        if record.status is JobStatus.FAILED:
            raise job_error(self.pipeline, record.error or {})
        if record.result is None:
            expired_at = record.result_expired_at
            moment = f" at {clock.format_time(expired_at)}" if expired_at else ""
            message = f"The job {self.id} has finished, but its result expired{moment}."
            raise FlowerpowerError(message, hint="A longer result_ttl keeps results longer.")
        outputs: dict[str, Any] = record.result.get("outputs") or {}
        return outputs

    def log(self, attempt: int | None = None) -> str:
        """What an attempt printed and logged, by default the last one; `""` before the first.

        Of a log over 1 MB only the end is kept.
        """
        number = attempt or max(self.refresh().attempt, 1)
        chunks = self._job_queue.read_log(self.id, number)
        return "".join(chunk.text for chunk in chunks)

    def cancel(self) -> Job:
        """Cancel it: at once while it waits, within seconds while it runs; returns itself.

        Raises:
            Refused: if it has finished or failed.
        """
        self.record = self._job_queue.cancel_job(self.id)
        return self

    def retry(self, *, from_failed: bool = False) -> Job:
        """Queue it again with all its retries, after it failed or was cancelled; returns itself.

        `from_failed` is for runs that use the cache: what had finished is not computed again, and
        `plan_retry` says what that is.

        Raises:
            Refused: if it has not ended, or has finished; `from_failed` also if its run does not
                use the cache.
        """
        self.record = self._job_queue.retry_job(self.id, from_failed=from_failed)
        return self

    def plan_retry(self) -> RetryPlan:
        """What `retry(from_failed=True)` would reuse, and what would run and why; nothing runs.

        Raises:
            Refused: as `retry`.
            FlowerpowerError: whatever a run would refuse before it begins.
        """
        (plan,) = self._job_queue.plan_retries([self.refresh().record])
        if isinstance(plan, FlowerpowerError):
            raise plan
        return plan

    def again(self, job_id: str | None = None) -> Job:
        """Run it once more as a new job, after it has ended; returns the new job.

        That has the same pipeline, overrides, queue, priority, limits and time of a fire, and the
        id `job_id`, or a new one.

        Raises:
            Refused: if it has not ended.
            FlowerpowerError: whatever `manager.add_job` refuses.
        """
        (added,) = self._job_queue.run_again([self.refresh().record], job_id)
        if isinstance(added, FlowerpowerError):
            raise added
        return Job(added, self._job_queue)

    def delete(self) -> None:
        """Delete it with its log and result.

        Raises:
            Refused: if it is running.
        """
        self._job_queue.delete_job(self.id)


class Jobs:
    """The jobs of a project; `PipelineManager.add_job` adds one.

    Methods raise JobNotFound if no record has the id.
    """

    def __init__(self, job_queue: PipelineJobQueue) -> None:
        self._job_queue = job_queue

    def get(self, job_id: str) -> Job:
        """The job with that id."""
        return Job(self._job_queue.get_job(job_id), self._job_queue)

    def list(
        self,
        *,
        status: str | Iterable[str] = (),
        pipeline: str | None = None,
        queue: str | None = None,
        schedule_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> builtins.list[Job]:
        """The jobs that match every argument, the newest first, without their results.

        They were created at `since` or later, and before `until`.

        Raises:
            UsageError: if there is no such status.
        """
        statuses = frozenset(map(_status, [status] if isinstance(status, str) else status))
        wanted = JobFilter(statuses, pipeline, queue, schedule_id, since, limit, until)
        records = self._job_queue.list_jobs(wanted)
        return [Job(record, self._job_queue) for record in records]

    def cancel(self, job_id: str) -> Job:
        """As `Job.cancel`."""
        return Job(self._job_queue.cancel_job(job_id), self._job_queue)

    def retry(self, job_id: str, *, from_failed: bool = False) -> Job:
        """As `Job.retry`."""
        record = self._job_queue.retry_job(job_id, from_failed=from_failed)
        return Job(record, self._job_queue)

    def again(self, job_id: str, new_id: str | None = None) -> Job:
        """As `Job.again`."""
        return self.get(job_id).again(new_id)

    def delete(self, job_id: str) -> None:
        """As `Job.delete`."""
        self._job_queue.delete_job(job_id)

    def prune(self, *, all_ended: bool = False, dry_run: bool = False) -> int:
        """Delete jobs whose history has ended, or all that have ended; the number of them.

        With `dry_run` it is the number that would be deleted.
        """
        return self._job_queue.prune_jobs(all_ended=all_ended, dry_run=dry_run)


def _status(text: str) -> JobStatus:
    statuses = [status.value for status in JobStatus]
    if text not in statuses:
        raise UsageError(
            f"There is no job status {text!r}: expected one of {', '.join(statuses)}."
            f"{did_you_mean(text, statuses)}"
        )
    return JobStatus(text)


def announce(action: str, project: str, pipeline: str, identifier: str, end: str = "") -> None:
    """Print `✅ Successfully ACTION PROJECT.PIPELINE with ID IDENTIFIER` and `end`."""
    from rich.console import Console
    from rich.text import Text

    sentence = Text(f"✅ Successfully {action} ")
    sentence.append(f"{project}.{pipeline}", style="blue").append(" with ID ")
    sentence.append(identifier, style="green").append(end)
    # Soft wrap, because an id that is broken over two lines cannot be copied.
    Console(highlight=False).print(sentence, soft_wrap=True)
