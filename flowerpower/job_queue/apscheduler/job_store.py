"""A project's jobs and schedules in a user's own APScheduler scheduler, to look at and act on.

The scheduler runs none of them: that is what workers do. It lists them, and pauses, resumes and
removes them by the same steps as the command line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from apscheduler.job import Job as ApsJob
from apscheduler.jobstores.base import BaseJobStore, JobLookupError

from flowerpower.config.files import project_root
from flowerpower.config.project_source import is_url
from flowerpower.errors import JobNotFound, Refused, ScheduleNotFound
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.apscheduler.pending_job import SETTINGS, PendingJob
from flowerpower.job_queue.apscheduler.triggers import ScheduleTrigger
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.jobs.schedule import Schedule, ScheduleState
from flowerpower.triggers import clock
from flowerpower.triggers.base import Trigger
from flowerpower.triggers.words import listed

_PENDING = frozenset({JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RUNNING})
_ALL = 2**31 - 1


class FlowerpowerJobStore(BaseJobStore):  # type: ignore[misc] # the package ships no types
    """A job store of APScheduler that shows a project: `{"flowerpower": FlowerpowerJobStore()}`.

    Its jobs are those that are scheduled, queued or running, and the schedules that have fires to
    come. With a `queue` that is open it uses that one. Else, while the scheduler runs, it opens the
    queue of the project in `base_dir`; `scheduler.start()` then raises the errors of
    `JobQueueManager`, or ProjectNotFound.
    """

    def __init__(self, queue: JobQueueBackend | None = None, *, base_dir: str | Path = ".") -> None:
        super().__init__()
        self._given = queue
        self._base_dir = base_dir
        self._opened: JobQueueBackend | None = None

    @property
    def _queue(self) -> JobQueueBackend:
        queue = self._given or self._opened
        if queue is None:
            raise Refused("The job store is not open: its scheduler was not started.")
        return queue

    def start(self, scheduler: Any, alias: str) -> None:
        super().start(scheduler, alias)
        if self._given is None:
            # Checked, because in another folder a new and empty queue would be opened.
            base_dir = self._base_dir
            checked = base_dir if is_url(base_dir) else project_root(Path(base_dir))
            self._opened = JobQueueManager(base_dir=checked)

    def shutdown(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    # What the scheduler's loop asks for: there is nothing for it to do.

    def get_due_jobs(self, now: datetime) -> list[ApsJob]:
        return []

    def get_next_run_time(self) -> datetime | None:
        return None

    # What its users ask for

    def lookup_job(self, job_id: str) -> PendingJob | None:
        try:
            return self._shown(self._find(job_id))
        except JobLookupError:
            return None

    def get_all_jobs(self) -> list[ApsJob]:
        now = clock.now()
        schedules = [s for s in self._queue.schedules.list() if _is_pending(s, now)]
        jobs = self._queue.list_jobs(JobFilter(statuses=_PENDING, limit=_ALL))
        records: list[Schedule | Job] = [*schedules, *jobs]
        shown = [self._shown(record) for record in records]
        return sorted(shown, key=lambda job: (_seconds(job.next_run_time), job.id))

    def add_job(self, job: ApsJob) -> None:
        raise Refused(
            "This job store takes no functions: a job of flowerpower runs a pipeline.",
            hint="Use PipelineManager.add_job or PipelineManager.schedule, or another job store.",
        )

    def update_job(self, job: ApsJob) -> None:
        """Do what `pause_job`, `resume_job`, `reschedule_job` or `modify_job` has changed in it.

        Raises:
            Refused: if something else was changed; then nothing is done.
            JobLookupError: if it is gone.
        """
        if not isinstance(job, PendingJob):
            self.add_job(job)
        elif isinstance(job.record, Job):
            _refuse_changes(job)
        else:
            try:
                job.refresh(self._shown(self._update_schedule(job, job.record)))
            except ScheduleNotFound:
                raise JobLookupError(job.id) from None

    def _update_schedule(self, job: PendingJob, schedule: Schedule) -> Schedule:
        schedules = self._queue.schedules
        if schedule.spec is None:
            raise Refused(schedule.fault, hint=f"Remove it: remove_job({job.id!r}).")
        changed = job.changed()
        fixed = [name for name in changed if name not in (*SETTINGS, "trigger", "next_run_time")]
        if fixed:
            raise Refused(
                f"{listed(fixed)} of the schedule {job.id} cannot be changed here.",
                hint="Use `flowerpower schedule add … --overwrite`.",
            )
        # A new trigger has a next time of its own.
        is_moved = "next_run_time" in changed and "trigger" not in changed
        if is_moved and job.next_run_time is not None:
            _check_resumed(job)
        if edited := {name: getattr(job, name) for name in changed if name != "next_run_time"}:
            if "trigger" in edited:
                edited["trigger"] = _new_trigger(job)
            # Raises if it is gone: the next step would add it again.
            schedules.get(job.id)
            schedule = schedules.add(replace(schedule.spec, **edited), overwrite=True)
        if not is_moved:
            return schedule
        return schedules.resume(job.id) if job.next_run_time else schedules.pause(job.id)

    def remove_job(self, job_id: str) -> None:
        """Delete the schedule, or cancel the job.

        Raises:
            Refused: if the job is running.
            JobLookupError: if there is none of that id, or it has ended.
        """
        record = self._find(job_id)
        try:
            if isinstance(record, Schedule):
                self._queue.schedules.delete(job_id)
            elif record.status is JobStatus.RUNNING:
                raise Refused(
                    f"The job {job_id} is running; APScheduler removes no job that runs.",
                    hint=f"End it with `flowerpower job-queue cancel-job {job_id}`.",
                )
            else:
                self._queue.cancel_job(job_id)
        except (JobNotFound, ScheduleNotFound):
            raise JobLookupError(job_id) from None

    def remove_all_jobs(self) -> None:
        # A scheduler that is told to forget its own jobs asks every store.
        raise Refused(
            "A project's jobs and schedules are not removed all at once.",
            hint="Remove them one by one, or the jobs of other stores with jobstore=….",
        )

    def _find(self, job_id: str) -> Schedule | Job:
        found: list[Schedule | Job] = [*self._schedules(job_id), *self._jobs(job_id)]
        if not found:
            raise JobLookupError(job_id)
        if len(found) > 1:
            raise Refused(
                f"There are both a schedule and a job {job_id}.",
                hint="Use `flowerpower schedule` or `flowerpower job-queue` for one of them.",
            )
        return found[0]

    def _schedules(self, job_id: str) -> Iterator[Schedule]:
        try:
            schedule = self._queue.schedules.get(job_id)
        except ScheduleNotFound:
            return
        if _is_pending(schedule, clock.now()):
            yield schedule

    def _jobs(self, job_id: str) -> Iterator[Job]:
        try:
            job = self._queue.get_job(job_id)
        except JobNotFound:
            return
        if job.status in _PENDING:
            yield job

    def _shown(self, record: Schedule | Job) -> PendingJob:
        return PendingJob(self._scheduler, self._alias, record)


def _is_pending(schedule: Schedule, now: datetime) -> bool:
    """Whether it has fires to come, or cannot be read; the others are done for APScheduler."""
    if schedule.state is ScheduleState.PAUSED and schedule.trigger is not None:
        return schedule.trigger.next_after(now) is not None
    return schedule.state is not ScheduleState.DONE


def _check_resumed(job: PendingJob) -> None:
    """Raise Refused if its next run time is not the one that `resume_job` gives it."""
    # That call read the clock between these two moments.
    moments = (job.read_at, clock.now())
    if job.next_run_time not in [job.trigger.get_next_fire_time(None, now) for now in moments]:
        raise Refused(
            f"The next run time of the schedule {job.id} follows from its trigger.",
            hint=f"For a run now use `flowerpower schedule run-now {job.id}`.",
        )


def _new_trigger(job: PendingJob) -> Trigger:
    if not isinstance(job.trigger, ScheduleTrigger):
        raise Refused(
            f"The trigger of the schedule {job.id} cannot be {job.trigger}: APScheduler's own "
            "triggers read cron expressions and clock changes otherwise.",
            hint="Use CronTrigger, EveryTrigger, IntervalTrigger or DateTrigger of "
            "flowerpower.job_queue.apscheduler.triggers.",
        )
    trigger = job.trigger.trigger
    if not trigger.fires_after(clock.now()):
        raise Refused(f"The schedule {job.id} would never fire: {trigger.in_words()} is past.")
    return trigger


def _refuse_changes(job: PendingJob) -> None:
    changed = job.changed()
    if changed == ["next_run_time"] and job.next_run_time is None:
        raise Refused(
            f"The job {job.id} cannot be paused; only schedules are.",
            hint=f"Cancel it: remove_job({job.id!r}).",
        )
    # None after `resume_job`: it is not paused, so there is nothing to do.
    if changed:
        raise Refused(
            f"{listed(changed)} of the job {job.id} cannot be changed.",
            hint=f"Cancel it with remove_job({job.id!r}), and add another one.",
        )


def _seconds(moment: datetime | None) -> float:
    return math.inf if moment is None else moment.timestamp()
