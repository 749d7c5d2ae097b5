"""Backfills: which past fires of a schedule are to be made, and adding their jobs page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from flowerpower.errors import FlowerpowerError, InvalidTime, UsageError
from flowerpower.job_queue.backfill import PAGE, Wanted, wanted_times
from flowerpower.job_queue.schedule_store import ScheduleStore
from flowerpower.jobs.schedule import MAX_INSTANCES, Schedule, fire_job_id
from flowerpower.text import did_you_mean, shortened
from flowerpower.triggers import clock

ORDERS = ("oldest", "newest")
OVERDUE_AFTER = 10.0
"""Seconds; if a fire is later than this, no worker or scheduler is running."""


class BackfillOptions(TypedDict, total=False):
    """Which fires a backfill makes, and how, as `schedules.Schedule.backfill` explains it."""

    start: datetime | str | None
    end: datetime | str | None
    missed: bool
    max_parallel: int | None
    order: str


@dataclass(frozen=True)
class Backfill:
    """Past fires of a schedule, in the order of their jobs, and what was added.

    Attributes:
        schedule: the schedule, as it was when the times were found.
        times: the nominal times that have no job yet, in UTC.
        max_parallel: how many jobs of the schedule's backfills run at once at most.
        already: how many fires of the range have made their job before.
        unknown: how many misses are in the ledger whose times cannot be found again, because the
            trigger was changed since.
        unfired_since: the first fire that is due and that no scheduler has dealt with; it and
            those after it are not part of a backfill. None without one.
        added: ids of the jobs that were added; None before that, as in a dry run.
    """

    schedule: Schedule
    times: tuple[datetime, ...]
    max_parallel: int
    already: int = 0
    unknown: int = 0
    unfired_since: datetime | None = None
    added: tuple[str, ...] | None = None

    @property
    def job_ids(self) -> list[str]:
        """The ids of the jobs of `times`."""
        return [fire_job_id(self.schedule.id, time) for time in self.times]

    def to_json(self) -> dict[str, Any]:
        """A JSON object; its `jobs` are those that were added, or would be in a dry run."""
        by_id = dict(zip(self.job_ids, self.times, strict=True))
        ids = by_id if self.added is None else self.added
        since = self.unfired_since
        return {
            "schedule_id": self.schedule.id,
            "pipeline": self.schedule.pipeline,
            "max_parallel": self.max_parallel,
            "jobs": [
                {"id": job_id, "scheduled_for": clock.format_time(by_id[job_id])} for job_id in ids
            ],
            "count": len(ids),
            "already": self.already,
            "unknown": self.unknown,
            "unfired_since": None if since is None else clock.format_time(since),
            "added": self.added is not None,
        }


def plan_backfill(
    store: ScheduleStore,
    schedule_id: str,
    *,
    start: datetime | str | None = None,
    end: datetime | str | None = None,
    missed: bool = False,
    max_parallel: int | None = None,
    order: str = ORDERS[0],
) -> Backfill:
    """The backfill of these options; nothing is added.

    Raises:
        ScheduleNotFound: if there is no such schedule.
        UsageError, InvalidTime: naming the argument that is not valid.
        FlowerpowerError: if the schedule cannot be read.
    """
    if not missed and start is None:
        raise UsageError("Expected the start of a range, or only what was missed.")
    if max_parallel is not None and not (
        type(max_parallel) is int and 1 <= max_parallel <= MAX_INSTANCES
    ):
        raise UsageError(f"max_parallel is {max_parallel!r}: expected 1 to {MAX_INSTANCES}.")
    if order not in ORDERS:
        name = shortened(str(order), 40)
        raise UsageError(
            f"order is {name!r}: expected {' or '.join(ORDERS)}.{did_you_mean(name, ORDERS)}"
        )
    schedule = store.get(schedule_id)
    if schedule.spec is None:
        raise FlowerpowerError(schedule.fault)
    now = clock.now()
    first, last = _moment(schedule, "start", start), _moment(schedule, "end", end)
    if first is not None and first > (last or now):
        what = "the end" if last is not None else "now"
        moment = clock.format_time(last or now, _zone(schedule))
        raise UsageError(
            f"The start {clock.format_time(first, _zone(schedule))} lies after {what}, {moment}."
        )
    until = min(last or now, now)
    unfired_since = None
    if schedule.next_fire is not None and schedule.next_fire <= until:
        # Whether it is missed, a scheduler has yet to decide.
        until = clock.after(schedule.next_fire, -1e-6)
        late = (now - (schedule.due_at or now)).total_seconds()
        unfired_since = schedule.next_fire if late > OVERDUE_AFTER else None
    wanted: Wanted = wanted_times(
        schedule, store.ledger(schedule.id), first=first, until=until, missed_only=missed
    )
    times = wanted.times if order == "oldest" else wanted.times[::-1]
    return Backfill(
        schedule,
        times,
        schedule.spec.max_instances if max_parallel is None else max_parallel,
        wanted.already,
        sum(row.count for row in wanted.unknown),
        unfired_since,
    )


def add_pages(
    store: ScheduleStore,
    backfill: Backfill,
    on_progress: Callable[[int, int], None] | None,
) -> Iterator[str]:
    """Add the jobs of a backfill, each page in one atomic step; the ids of the new ones.

    `on_progress` is called after each page with how many fires are done, and of how many.
    """
    count = len(backfill.times)
    for begin in range(0, count, PAGE):
        page = backfill.times[begin : begin + PAGE]
        yield from store.backfill(backfill.schedule, page, backfill.max_parallel)
        if on_progress is not None:
            on_progress(begin + len(page), count)


def _zone(schedule: Schedule) -> Any:
    return schedule.trigger.zone if schedule.trigger else None


def _moment(schedule: Schedule, name: str, value: datetime | str | None) -> datetime | None:
    """A time in UTC; one without an offset is in the schedule's zone."""
    if value is None:
        return None
    moment = clock.parse_time(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise UsageError(f"{name} is a {type(value).__name__}: expected a datetime, or its text.")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone(schedule))
    try:
        return clock.after(moment, 0)
    except OverflowError:
        raise InvalidTime(f"{name} {moment.isoformat()} is out of range.") from None
