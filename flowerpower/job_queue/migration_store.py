"""What each backend does for a migration: an outbox, an inbox, and a mark that closes a queue.

Two stores have no common transaction, so a batch is moved in three atomic steps, each of which may
be repeated: the source takes it into its outbox, where nothing fires and nothing is claimed; the
target puts it into its tables and the batch's id into its inbox, so that the same batch never comes
twice; the source drops it from its outbox.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from flowerpower.errors import Refused
from flowerpower.job_queue import records
from flowerpower.job_queue.records import Row
from flowerpower.job_queue.schedule_store import schedule_of
from flowerpower.triggers import clock


@dataclass(frozen=True)
class MovedJob:
    """A waiting job: its record, and the pieces of the log of each attempt by their number."""

    row: Row
    logs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class MovedItem:
    """What moves in one piece: a schedule with its ledger and waiting jobs, or one other job."""

    jobs: Sequence[MovedJob] = ()
    schedule: Row | None = None
    fires: Sequence[Row] = ()
    outcome: Row | None = None
    """How the last job of the schedule has ended, if one has: status, failures, ended_at."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `from_json` reads it again."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> MovedItem:
        """The item in `data`."""
        jobs = [MovedJob(job["row"], job["logs"]) for job in data["jobs"]]
        return MovedItem(jobs, data["schedule"], data["fires"], data["outcome"])


@dataclass(frozen=True)
class QueueName:
    """A queue in one place: an id that it has given itself, and its URL without a password."""

    id: str
    url: str


@dataclass(frozen=True)
class Batch:
    """Items on their way to the queue `target`."""

    id: str
    target: QueueName
    items: Sequence[MovedItem]


class MigrationStore(ABC):
    """The steps of a migration in one namespace of a backend, each of them atomic."""

    @abstractmethod
    def queue_id(self) -> str:
        """Return the id of this queue, which it gets at the first call and keeps."""

    @abstractmethod
    def closed_for(self) -> ClosedQueue | None:
        """Return where this queue was moved to; None if it takes jobs and schedules."""

    @abstractmethod
    def close(self, target: QueueName) -> None:
        """Refuse new jobs and schedules from now on; fires of schedules that are here go on."""

    @abstractmethod
    def reopen(self) -> None:
        """Take new jobs and schedules again."""

    @abstractmethod
    def numbers(self) -> dict[str, int]:
        """Return the last number that a schedule of each pipeline got."""

    @abstractmethod
    def raise_numbers(self, numbers: Mapping[str, int]) -> None:
        """Let the next schedule of each pipeline get a number above that one."""

    @abstractmethod
    def take(
        self,
        batch_id: str,
        target: QueueName,
        schedules: Mapping[str, Sequence[str]],
        jobs: Sequence[str],
    ) -> Batch:
        """Take schedules and jobs into the outbox, and return them; they are gone from here.

        What is no longer there is left out. So is a schedule of which a job runs: its next fire
        could not know of that job elsewhere. A schedule takes its ledger and waiting jobs along:
        `schedules` has the ids of those that are known, for a store that cannot find all of them
        by itself. `jobs` are those of no schedule here, and of them only those that wait are taken.

        Left out are also jobs that wait for a parent that is here and has not ended, and so is not
        in the same item: they would not hear of its end. Where an item comes later than that of a
        parent, `put` finds the parent.
        """

    @abstractmethod
    def outbox(self) -> list[Batch]:
        """Return the batches that were taken and not dropped, the oldest first."""

    @abstractmethod
    def put(self, batch_id: str, items: Mapping[int, MovedItem]) -> dict[int, str]:
        """Store the items as they are, unless this batch has come before.

        Returns why some were not stored, by number: their id is in use here, or another job that
        has not ended asks for the same as a unique one. It returns the same if the batch has come
        before. A job finds its parents and children that are here: it hears of ends of parents
        that came before it. One that is not here may come later.
        """

    @abstractmethod
    def drop(self, batch_id: str, returned: Collection[int]) -> None:
        """Drop a batch from the outbox; `returned` items are stored here again as they were.

        A batch that is not in the outbox is dropped already.
        """


@dataclass(frozen=True)
class ClosedQueue:
    """Where a queue was moved to, and when that began."""

    target: QueueName
    since: datetime

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `from_json` reads it again."""
        return {**asdict(self.target), "since": self.since.isoformat()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ClosedQueue:
        """The place in `data`."""
        since = clock.parse_time(data["since"])
        return ClosedQueue(QueueName(data["id"], data["url"]), since)

    def error(self) -> Refused:
        """The error of who adds a job or a schedule."""
        return Refused(
            f"The job queue was moved to {self.target.url} at {clock.format_time(self.since)}; "
            "it takes no new jobs and schedules.",
            hint="Set job_queue in conf/project.yml to the new one, or move back with "
            "`flowerpower job-queue migrate`.",
        )


def damage_of(item: MovedItem) -> str | None:
    """Which record of the item cannot be read, so that it must stay; None if all can."""
    if item.schedule is not None and (fault := schedule_of(item.schedule).fault):
        return fault
    for job in item.jobs:
        # A job that waits for a retry has an error of its own, which would hide the damage.
        read = records.job_of({**job.row, "error": None}, 0)
        if read.error is not None:
            return f"{read.id}: {read.error['message']}"
    return None


def fire_row(row: Mapping[str, Any], time: float) -> dict[str, Any]:
    """A row of the ledger as every store takes it, whatever a damaged one holds."""
    clean = {**row, "fire_time": time}
    for name, kind, default in (("count", int, 1), ("recorded_at", int | float, time)):
        if not isinstance(clean.get(name), kind):
            clean[name] = default
    return clean


def ids_in(items: Iterable[MovedItem]) -> tuple[list[str], list[str]]:
    """The ids of the schedules and of the jobs in the items."""
    schedules, jobs = [], []
    for item in items:
        if item.schedule is not None:
            schedules.append(str(item.schedule["id"]))
        jobs += [str(job.row["id"]) for job in item.jobs]
    return schedules, jobs
