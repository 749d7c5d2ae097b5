"""The status of a project: what `status`, `watch`, the dashboard and `doctor` show, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowerpower.jobs.claim import WorkerInfo, alive_workers
from flowerpower.jobs.job import Job
from flowerpower.jobs.problem import Problem
from flowerpower.jobs.schedule import Schedule
from flowerpower.jobs.snapshot import QueueState
from flowerpower.pipeline.limit_states import LimitState
from flowerpower.pipeline.problems import (
    NOTICES_READ,
    limit_problems,
    notice_problems,
    parent_problems,
    queue_problems,
    schedule_problems,
)
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.config.files import Project
    from flowerpower.pipeline.job_queue import PipelineJobQueue


@dataclass(frozen=True)
class ProjectStatus:
    """A project's job queue at one moment.

    Attributes:
        project: the project's name.
        timezone: its time zone.
        taken_at: when it was read, by the backend's clock.
        backend: `{"backend", "url", "version"}` and more, passwords masked.
        queues: all queues of the project, and others that have jobs.
        workers: those that nobody has found dead.
        has_scheduler: whether a process that fires schedules is alive.
        running: the jobs that have run the longest; failed: those that failed last.
        upcoming: the schedules whose fires come next; schedules: how many there are.
        problems: what is wrong.
        limits: those that some pipeline has, with what their places are taken by.
    """

    project: str
    timezone: str
    taken_at: datetime
    backend: Mapping[str, Any]
    queues: Sequence[QueueState]
    workers: Sequence[WorkerInfo]
    has_scheduler: bool
    running: Sequence[Job]
    failed: Sequence[Job]
    upcoming: Sequence[Schedule]
    schedules: int
    problems: Sequence[Problem]
    limits: Sequence[LimitState] = ()

    @property
    def alive(self) -> list[WorkerInfo]:
        """The workers that have sent a heartbeat lately."""
        return alive_workers(self.workers, self.taken_at)

    def to_json(self) -> dict[str, Any]:
        """All of it as a JSON object, times in RFC 3339."""
        lists = {
            name: [record.to_json() for record in getattr(self, name)]
            for name in (
                "queues", "workers", "running", "failed", "upcoming", "problems", "limits",
            )
        }  # fmt: skip
        for body, worker in zip(lists["workers"], self.workers, strict=True):
            body["alive"] = worker.is_alive(self.taken_at)
        return {
            "project": self.project,
            "timezone": self.timezone,
            "taken_at": clock.format_time(self.taken_at),
            "backend": dict(self.backend),
            "has_scheduler": self.has_scheduler,
            "schedules": self.schedules,
            **lists,
        }


def read_status(project: Project, job_queue: PipelineJobQueue, limit: int) -> ProjectStatus:
    """Read the status from the project's queue, with up to `limit` jobs and schedules in a list.

    Raises:
        BackendUnreachable: if the queue cannot be read.
    """
    backend, snapshot = job_queue.check(), job_queue.snapshot(limit)
    limits = job_queue.limit_states()
    upcoming, has_scheduler = job_queue.upcoming_schedules(limit), job_queue.has_scheduler()
    now = snapshot.taken_at
    notices = job_queue.backend.notices
    command = "start-worker" if job_queue.type == "apscheduler" else "start-scheduler"
    problems = [
        *queue_problems(snapshot),
        *limit_problems(snapshot, limits),
        *parent_problems(snapshot, job_queue.list_jobs, job_queue.children_of),
        *schedule_problems(upcoming, now, has_scheduler=has_scheduler, command=command),
        *notice_problems(notices.waiting(NOTICES_READ), notices.given_up(NOTICES_READ)),
    ]
    return ProjectStatus(
        project.name,
        project.timezone,
        now,
        backend,
        list(snapshot.queues.values()),
        snapshot.workers,
        has_scheduler,
        snapshot.running,
        snapshot.failed,
        upcoming,
        job_queue.count_schedules(),
        problems,
        limits,
    )
