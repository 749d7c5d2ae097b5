"""What a migration finds in a queue: what may move, and what stays because of something else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import ENDED, Job, JobFilter, JobStatus
from flowerpower.jobs.schedule import Schedule

ALL_JOBS = 10_000_000
_LIVE = JobFilter(frozenset(JobStatus) - ENDED, limit=ALL_JOBS)
Refusals = Mapping[tuple[str, str], str]
"""Why something was not taken by the target, by kind and id."""


@dataclass(frozen=True)
class Remaining:
    """A schedule or a job (`kind`) that stays in its queue, and why."""

    kind: str
    id: str
    reason: str
    is_conflict: bool = False
    """Whether something must be done about it: it does not move by itself later on."""


@dataclass
class Survey:
    """What is in a queue now: what may move, and what stays."""

    schedules: dict[str, list[str]] = field(default_factory=dict)
    """Those that may move, each with the ids of its jobs, which move with it."""
    jobs: list[Job] = field(default_factory=list)
    """Those that may move and belong to none of them."""
    remaining: list[Remaining] = field(default_factory=list)
    later: set[tuple[str, str]] = field(default_factory=set)
    """Kind and id of what moves only after parents that its jobs wait for."""


@dataclass
class _Staying:
    """The schedules and jobs that stay, by id; `refused` has why the target did not take some."""

    refused: Refusals
    schedules: dict[str, Remaining] = field(default_factory=dict)
    jobs: dict[str, Remaining] = field(default_factory=dict)

    def in_order(self, jobs: Sequence[Job]) -> list[Remaining]:
        """First the schedules, then the jobs in their order."""
        stay = [self.jobs[job.id] for job in jobs if job.id in self.jobs]
        return [*self.schedules.values(), *stay]

    def why_schedule(self, schedule: Schedule, jobs: Sequence[Job]) -> Remaining | None:
        """Why a schedule stays; None if it may move with its jobs."""
        refused = schedule.fault or self.refused.get(("schedule", schedule.id))
        refused = refused or next(filter(None, map(self._refusal_of_job, jobs)), None)
        if refused:
            return Remaining("schedule", schedule.id, refused, is_conflict=True)
        for job in jobs:
            if job.status is JobStatus.RUNNING:
                reason = f"its job {job.id} is running; it can move after that"
                return Remaining("schedule", schedule.id, reason)
            if parents := _waits_for(job, self.jobs):
                reason = f"its job {job.id} waits for the job {parents[0]}, which stays"
                return Remaining("schedule", schedule.id, reason)
        return None

    def why_job(self, job: Job) -> Remaining | None:
        """Why a job stays; None if it may move."""
        if job.status is JobStatus.RUNNING:
            return Remaining("job", job.id, "it is running and ends here")
        if refused := self._refusal_of_job(job):
            return Remaining("job", job.id, refused, is_conflict=True)
        if parents := _waits_for(job, self.jobs):
            reason = f"it waits for the job {parents[0]}, which stays; it can move after its end"
            return Remaining("job", job.id, reason)
        if job.schedule_id in self.schedules:
            return Remaining("job", job.id, f"its schedule {job.schedule_id} stays")
        return None

    def _refusal_of_job(self, job: Job) -> str | None:
        if job.error and job.error.get("code") == "damaged_record":
            return str(job.error["message"])
        return self.refused.get(("job", job.id))


def look_at(source: JobQueueBackend, refused: Refusals) -> Survey:
    """What in a queue may move, what stays and why."""
    live = source.list_jobs(_LIVE)[::-1]
    by_schedule: dict[str | None, list[Job]] = defaultdict(list)
    for job in live:
        by_schedule[job.schedule_id].append(job)
    schedules = source.schedules.list()
    staying = _Staying(refused)
    count = -1
    # Again until nothing new stays: who waits for a job that stays has to stay, too.
    while count < (count := len(staying.schedules) + len(staying.jobs)):
        for schedule in schedules:
            if (entry := staying.why_schedule(schedule, by_schedule[schedule.id])) is not None:
                staying.schedules.setdefault(schedule.id, entry)
        for job in live:
            if (entry := staying.why_job(job)) is not None:
                staying.jobs.setdefault(job.id, entry)
    ids = {job.id for job in live}
    survey = Survey(remaining=staying.in_order(live))
    for schedule in schedules:
        if schedule.id not in staying.schedules:
            own = [job.id for job in by_schedule[schedule.id]]
            survey.schedules[schedule.id] = own
            jobs = by_schedule[schedule.id]
            if any({*_waits_for(job, ids)} - {*own} for job in jobs):
                survey.later.add(("schedule", schedule.id))
    for job in live:
        if job.id not in staying.jobs and job.schedule_id not in survey.schedules:
            survey.jobs.append(job)
            if _waits_for(job, ids):
                survey.later.add(("job", job.id))
    return survey


def _waits_for(job: Job, ids: Collection[str]) -> list[str]:
    """The parents among these ids that a waiting job still waits for."""
    if job.status is not JobStatus.WAITING:
        return []
    return [name for name, end in job.after.items() if end is None and name in ids]
