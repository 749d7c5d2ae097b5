"""Moving what waits in one queue to another: schedules with their ledgers, and waiting jobs.

It may be killed at any instant and started again: see `migration_store`. Workers and schedulers may
run on both sides meanwhile.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flowerpower.errors import Refused, UsageError
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.migration_store import Batch, QueueName, damage_of, ids_in
from flowerpower.job_queue.migration_survey import ALL_JOBS, Remaining, Survey, look_at
from flowerpower.jobs.job import JobFilter

SCHEDULES_PER_BATCH = 10
"""Few, because each may have a ledger of a thousand fires."""
JOBS_PER_BATCH = 100
RETRIED_PER_BATCH = 10
"""Jobs that were tried before have logs, of up to a megabyte for each attempt."""

Item = TypeVar("Item")
OnProgress = Callable[[int, int], None]
"""Is called with how many schedules and jobs have moved, and of how many."""


@dataclass
class MigrationReport:
    """What was moved from the queue `source` to `target`, or would be; ids in the order of moving.

    Jobs of a schedule are among the `jobs`. `source` and `target` are `{"backend", "url"}`, without
    passwords. `resumed` counts what a migration that was ended half-way had taken already.
    """

    source: dict[str, str]
    target: dict[str, str]
    dry_run: bool = False
    schedules: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    remaining: list[Remaining] = field(default_factory=list)
    resumed: int = 0

    @property
    def conflicts(self) -> list[Remaining]:
        """What stays until somebody does something about it."""
        return [entry for entry in self.remaining if entry.is_conflict]

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        return {**vars(self), "remaining": [vars(entry) for entry in self.remaining]}


class Migration:
    """A migration from `source` to `target`, which is None if it is planned and not there yet."""

    def __init__(
        self,
        source: JobQueueBackend,
        target: JobQueueBackend | None,
        report: MigrationReport,
        on_progress: OnProgress | None = None,
    ) -> None:
        self._source = source
        self._target = target
        self.report = report
        self._on_progress = on_progress
        self._refused: dict[tuple[str, str], str] = {}
        """Why something was not taken by the target, by kind and id."""

    def plan(self) -> MigrationReport:
        """Say what `run` would do, and do nothing."""
        if self._target is not None:
            self._check_different(self._target)
            for schedule in self._target.schedules.list():
                self._refused["schedule", schedule.id] = f"there is a schedule {schedule.id} there"
            for job in self._target.list_jobs(JobFilter(limit=ALL_JOBS)):
                self._refused["job", job.id] = f"there is a job {job.id} there"
        batches = self._source.migration.outbox()
        self._report_moved(batches)
        survey = look_at(self._source, self._refused)
        self.report.resumed = len(self.report.schedules) + len(self.report.jobs)
        self.report.schedules += survey.schedules
        self.report.jobs += [job_id for ids in survey.schedules.values() for job_id in ids]
        self.report.jobs += [job.id for job in survey.jobs]
        self.report.remaining = survey.remaining
        return self.report

    def run(self) -> MigrationReport:
        """Move all that can move.

        Raises:
            UsageError: if both queues are the same.
            Refused: if another migration of one of the two is not finished.
            BackendUnreachable: if one does not answer; what has moved has moved, and the same
                migration again goes on.
        """
        source, target = self._source, self._target
        if target is None:
            raise UsageError("There is no queue to move to.")
        name, source_id = self._check_different(target), source.migration.queue_id()
        _check_outbox(source, name.id)
        _check_outbox(target, source_id)
        # What an earlier migration in the other direction has taken and not brought must come
        # first: only then is it known on which side it is.
        for batch in target.migration.outbox():
            _finish(target, source, batch)
        # Opened before the other is closed: there is never none that takes jobs.
        target.migration.reopen()
        source.migration.close(name)
        target.migration.raise_numbers(source.migration.numbers())
        outbox = source.migration.outbox()
        survey = look_at(self._source, self._refused)
        done, total = 0, sum(map(_size, outbox)) + _count(survey)
        for batch in outbox:
            self._move(batch)
            done += _size(batch)
            self._progress(done, total)
        self.report.resumed = done
        # Again until nothing moves: running jobs end or are retried meanwhile, schedules fire.
        while survey.schedules or survey.jobs:
            moved = 0
            for batch in self._batches(survey, name):
                self._move(batch)
                moved += _size(batch)
                self._progress(done + moved, max(total, done + moved))
            done += moved
            if not moved:
                break
            survey = look_at(self._source, self._refused)
        survey = look_at(self._source, self._refused)
        # Such as a job that a stock worker of RQ's has just taken from its queue.
        in_use = [("schedule", name) for name in survey.schedules]
        in_use += [("job", job.id) for job in survey.jobs]
        survey.remaining += [Remaining(*entry, "it is in use right now") for entry in in_use]
        self.report.remaining = survey.remaining
        return self.report

    def _check_different(self, target: JobQueueBackend) -> QueueName:
        """The name of the target; UsageError if it is the source."""
        name = QueueName(target.migration.queue_id(), self.report.target["url"])
        if name.id == self._source.migration.queue_id():
            raise UsageError(
                f"The jobs are in {self.report.target['url']} already: both queues are the same.",
                hint="--to, --to-url and --from-url say where to and where from.",
            )
        return name

    def _batches(self, survey: Survey, name: QueueName) -> Iterator[Batch]:
        """Take what the survey has found, batch by batch."""
        take = self._source.migration.take
        ready = [entry for entry in survey.schedules.items()
                 if ("schedule", entry[0]) not in survey.later]  # fmt: skip
        for page in _pages(ready, SCHEDULES_PER_BATCH):
            yield take(uuid.uuid4().hex, name, dict(page), ())
        for size, is_retried in ((JOBS_PER_BATCH, False), (RETRIED_PER_BATCH, True)):
            jobs = [job for job in survey.jobs if ("job", job.id) not in survey.later]
            chosen = [job.id for job in jobs if bool(job.attempt) is is_retried]
            for ids in _pages(chosen, size):
                yield take(uuid.uuid4().hex, name, {}, ids)

    def _move(self, batch: Batch) -> None:
        if self._target is None or not batch.items:
            return
        refused = _finish(self._source, self._target, batch)
        for number, reason in refused.items():
            schedules, jobs = ids_in([batch.items[number]])
            # Jobs stay with their schedule, so that is what is reported.
            kind, ids = ("schedule", schedules) if schedules else ("job", jobs)
            self._refused |= dict.fromkeys([(kind, record_id) for record_id in ids], reason)
        arrived = [item for number, item in enumerate(batch.items) if number not in refused]
        self._report_moved([Batch(batch.id, batch.target, arrived)])

    def _report_moved(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            schedules, jobs = ids_in(batch.items)
            self.report.schedules += schedules
            self.report.jobs += jobs

    def _progress(self, done: int, total: int) -> None:
        if self._on_progress is not None:
            self._on_progress(done, total)


def _finish(source: JobQueueBackend, target: JobQueueBackend, batch: Batch) -> dict[int, str]:
    """Bring a batch that was taken to the target; why some items went back, by number."""
    damaged = {
        number: damage
        for number, item in enumerate(batch.items)
        if (damage := damage_of(item)) is not None
    }
    whole = {number: item for number, item in enumerate(batch.items) if number not in damaged}
    refused = {**target.migration.put(batch.id, whole), **damaged}
    source.migration.drop(batch.id, list(refused))
    return refused


def _check_outbox(queue: JobQueueBackend, other_id: str) -> None:
    """Refused if a batch of the queue is on its way to a third queue, where it may have arrived."""
    for batch in queue.migration.outbox():
        if batch.target.id != other_id:
            raise Refused(
                f"A migration to {batch.target.url} was ended half-way.",
                hint="Finish it first: flowerpower job-queue migrate with that --to and --to-url.",
            )


def _size(batch: Batch) -> int:
    return sum(map(len, ids_in(batch.items)))


def _count(survey: Survey) -> int:
    return sum(1 + len(ids) for ids in survey.schedules.values()) + len(survey.jobs)


def _pages(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
