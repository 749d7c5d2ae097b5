"""What is wrong with a job queue, in sentences with a hint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flowerpower.jobs.event import LATE_AFTER
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.schedule import Schedule
from flowerpower.jobs.snapshot import Snapshot
from flowerpower.triggers.clock import format_duration


class Level(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    """Work does not get done."""
    WARNING = "warning"
    """It does, but somebody should look."""


@dataclass(frozen=True)
class Problem:
    """Something that is wrong: `code` for programs, `message` and `hint` for people."""

    code: str
    level: Level
    message: str
    hint: str | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        return {**vars(self), "level": str(self.level)}


def queue_problems(snapshot: Snapshot) -> Iterator[Problem]:
    """Jobs that wait and that nobody takes: without a worker, paused, suspended."""
    alive = [worker for worker in snapshot.workers if worker.is_alive(snapshot.taken_at)]
    served = {queue for worker in alive for queue in worker.queues}
    if alive and all(worker.suspended for worker in alive):
        yield Problem(
            "workers_suspended", Level.WARNING,
            "All workers are suspended (rq suspend): they take no jobs.",
            "Let them go on with `rq resume`.",
        )  # fmt: skip
    for queue in snapshot.queues.values():
        waiting = queue.counts[JobStatus.QUEUED]
        if queue.paused_at is not None:
            yield Problem(
                "queue_paused", Level.WARNING,
                f"The queue {queue.name} is paused; {_jobs(waiting)} in it.",
                f"Let it go on with `flowerpower job-queue resume {queue.name}`.",
            )  # fmt: skip
        elif queue.name not in served and waiting + queue.counts[JobStatus.SCHEDULED]:
            yield Problem(
                "queue_without_worker", Level.ERROR if waiting else Level.WARNING,
                f"No worker takes jobs from the queue {queue.name}; {_jobs(waiting)} in it.",
                f"Start one: flowerpower job-queue start-worker --queues {queue.name}",
            )  # fmt: skip


def _jobs(count: int) -> str:
    return f"{count} job waits" if count == 1 else f"{count} jobs wait"


def schedule_problems(
    upcoming: Sequence[Schedule], now: datetime, *, has_scheduler: bool, command: str
) -> Iterator[Problem]:
    """Schedules that nobody fires, or that are late; `command` starts what would fire them.

    `upcoming` are schedules with a next fire, the soonest first.
    """
    if not upcoming:
        return
    if not has_scheduler:
        yield Problem(
            "no_scheduler", Level.ERROR,
            "Nothing fires the schedules: no scheduler is running.",
            f"Start one: flowerpower job-queue {command}",
        )  # fmt: skip
    late = [schedule for schedule in upcoming if _seconds_late(schedule, now) > LATE_AFTER]
    if late:
        duration = format_duration(round(_seconds_late(late[0], now)))
        yield Problem(
            "fires_late", Level.ERROR,
            f"The schedule {late[0].id} should have fired {duration} ago"
            + (f", and {len(late) - 1} more are late." if len(late) > 1 else "."),
            "See what the scheduler or the worker says that fires the schedules.",
        )  # fmt: skip


def _seconds_late(schedule: Schedule, now: datetime) -> float:
    return 0.0 if schedule.due_at is None else (now - schedule.due_at).total_seconds()
