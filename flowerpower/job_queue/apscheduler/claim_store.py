"""The claims of a worker as APScheduler's own jobs, in a job store of APScheduler's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler import events as aps_events
from apscheduler.job import Job as ApsJob
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.schedulers.base import STATE_RUNNING
from apscheduler.triggers.base import BaseTrigger

from flowerpower.errors import Refused
from flowerpower.job_queue.worker.attempt import Attempt
from flowerpower.job_queue.worker.run_attempt import result_of
from flowerpower.job_queue.worker.worker import POLL_EVERY, Worker
from flowerpower.jobs.schedule import Fire, Outcome

EXECUTOR = "slots"


class EndOfLease(BaseTrigger):  # type: ignore[misc] # the package ships no types
    """A claim is due at once, and would be again when its lease ends, which heartbeats prevent."""

    # So there always is a next time: otherwise the loop would remove the job, which raises while
    # the scheduler shuts down.

    def __init__(self, lease: float) -> None:
        self._lease = timedelta(seconds=lease)

    def get_next_fire_time(self, _previous: Any, now: datetime) -> datetime:
        """One lease from now."""
        return now + self._lease

    def __str__(self) -> str:
        return f"lease[{self._lease}]"


class ClaimJob(ApsJob):  # type: ignore[misc] # the package ships no types
    """A claim as a job of APScheduler: one run, now.

    Its function gives the result of the attempt that the pool's thread has made (`SlotPool`).
    """

    def __init__(
        self, scheduler: Any, alias: str, attempt: Attempt, trigger: EndOfLease, now: datetime
    ) -> None:  # fmt: skip
        # Not the base's: it looks at the signature of the function, for each job anew.
        self._scheduler = scheduler
        self._jobstore_alias = alias
        self.attempt = attempt
        self.id = attempt.id
        self.name = attempt.claim.pipeline
        self.func = result_of
        self.func_ref = f"{result_of.__module__}:{result_of.__name__}"
        self.args = (attempt,)
        self.kwargs: dict[str, Any] = {}
        self.trigger = trigger
        self.executor = EXECUTOR
        self.misfire_grace_time = None
        self.coalesce = True
        self.max_instances = 1
        self.next_run_time = now


class FireMissed(aps_events.JobExecutionEvent):  # type: ignore[misc] # the package ships no types
    """EVENT_JOB_MISSED of a schedule; `count` fires in a row are one event, for the first."""

    def __init__(self, fire: Fire, alias: str) -> None:
        super().__init__(aps_events.EVENT_JOB_MISSED, fire.schedule_id, alias, fire.fire_time)
        self.fire = fire


class FireSubmitted(aps_events.JobSubmissionEvent):  # type: ignore[misc] # the package ships no types
    """EVENT_JOB_SUBMITTED or EVENT_JOB_MAX_INSTANCES of a schedule: it has added a job, or not."""

    def __init__(self, fire: Fire, alias: str) -> None:
        is_skipped = fire.outcome is Outcome.SKIPPED
        code = aps_events.EVENT_JOB_MAX_INSTANCES if is_skipped else aps_events.EVENT_JOB_SUBMITTED
        super().__init__(code, fire.schedule_id, alias, [fire.fire_time])
        self.fire = fire


class ClaimStore(BaseJobStore):  # type: ignore[misc] # the package ships no types
    """What is due are the jobs that the worker can claim now. The loop also makes fires here.

    Nothing here raises: an exception would end the loop, or make it wait for seconds.
    """

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker
        self._trigger = EndOfLease(worker.options.lease)
        self._taken: dict[str, ClaimJob] = {}
        self._wait = POLL_EVERY
        worker.firing.on_fire = self._dispatch

    def get_due_jobs(self, now: datetime) -> list[ClaimJob]:
        """Fire what is due, and claim jobs for the free slots."""
        # While it shuts down, the loop makes one more pass.
        if self._scheduler.state != STATE_RUNNING:
            return []
        self._wait = min(self._worker.poll_interval(), self._worker.firing.step())
        jobs = [
            ClaimJob(self._scheduler, self._alias, attempt, self._trigger, now)
            for attempt in self._worker.claim()
        ]
        self._taken.update({job.id: job for job in jobs})
        return jobs

    def get_next_run_time(self) -> datetime:
        """When to look again: at the next fire, or for new jobs."""
        return datetime.now(UTC) + timedelta(seconds=self._wait)

    def taken(self, job_id: str) -> Attempt:
        """The attempt of a job that has ended; it is forgotten."""
        return self._taken.pop(job_id).attempt

    def _dispatch(self, fire: Fire) -> None:
        event = FireMissed if fire.outcome is Outcome.MISSED else FireSubmitted
        self._scheduler._dispatch_event(event(fire, self._alias))

    # For users of the scheduler; jobs are added through the backend, and removed by their end.

    def lookup_job(self, job_id: str) -> ClaimJob | None:
        """The job, while its attempt is made."""
        return self._taken.get(job_id)

    def get_all_jobs(self) -> list[ClaimJob]:
        """The jobs whose attempts are made now."""
        return list(self._taken.values())

    def update_job(self, job: ClaimJob) -> None:
        """Nothing: when a claim ends is not up to APScheduler."""

    def add_job(self, job: ApsJob) -> None:
        """Refuse: a job of our queue names a pipeline."""
        raise Refused("A worker takes no functions: add a job of a pipeline to its queue.")

    def remove_job(self, job_id: str) -> None:
        """Refuse: `JobQueueBackend.cancel_job` ends a job."""
        raise Refused(f"The attempt {job_id} is not removed: cancel its job instead.")

    def remove_all_jobs(self) -> None:
        """Refuse, as `remove_job`."""
        raise Refused("The attempts of a worker are not removed: cancel their jobs instead.")
