"""The state of a whole queue at one moment, which every view of it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.job import Job, JobStatus, json_value


@dataclass(frozen=True)
class QueueState:
    """One queue: how many jobs have each status (0 included), as far as their records live.

    `blocked` are the scheduled jobs that wait for others. `oldest_due` is since when the queued job
    waits that waits the longest: since it was due, or was added if that was later. On Redis it is
    looked for among the first 200. A queue that is paused since `paused_at` gives no jobs to
    workers.
    """

    name: str
    counts: Mapping[JobStatus, int] = field(default_factory=lambda: dict.fromkeys(JobStatus, 0))
    blocked: int = 0
    oldest_due: datetime | None = None
    paused_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object, times in RFC 3339."""
        body = {name: json_value(value) for name, value in vars(self).items()}
        return {**body, "counts": {str(status): self.counts[status] for status in JobStatus}}


@dataclass(frozen=True)
class Snapshot:
    """A queue at the time `taken_at`, by the backend's clock.

    `queues` are by name: those that have jobs or are paused. `running` are the jobs that have run
    the longest, `failed` those that have failed most recently, both without results.
    """

    taken_at: datetime
    queues: Mapping[str, QueueState]
    running: Sequence[Job]
    failed: Sequence[Job]
    workers: Sequence[WorkerInfo]


@dataclass(frozen=True)
class ChangedJobs:
    """The jobs that run, and those that were added, started or have ended since some time.

    The latest change first, without results, as of the time `taken_at` by the backend's clock.
    """

    taken_at: datetime
    jobs: Sequence[Job]
