"""Jobs for past fires: which times lack one, and what one step of a backfill writes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from flowerpower.errors import Refused, UsageError
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.schedule import Fire, Outcome, Schedule, fire_job_id, fire_job_spec
from flowerpower.triggers.base import Trigger

MAX_TIMES = 100_000
"""Fires that one backfill adds jobs for at most."""
PAGE = 500
"""Fires that one atomic step of a backfill adds jobs for at most."""
BACKFILL = "backfill"
"""The reason in the ledger of a fire whose job was added by a backfill."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Wanted:
    """Past fires that a backfill is to make, in order, and what stands in their way.

    Attributes:
        times: their nominal times, in UTC.
        already: how many fires of the range are enqueued in the ledger.
        unknown: rows of misses whose times cannot be found again: the trigger was changed since.
    """

    times: tuple[datetime, ...]
    already: int = 0
    unknown: tuple[Fire, ...] = ()


def wanted_times(
    schedule: Schedule,
    ledger: Sequence[Fire],
    *,
    first: datetime | None,
    until: datetime,
    missed_only: bool,
) -> Wanted:
    """The fires from `first` until `until` (both included) that made no job yet.

    With `missed_only` those that the `ledger` has as missed or skipped; `first` may be None then.

    Raises:
        UsageError: if there are more than MAX_TIMES.
    """
    trigger = schedule.trigger
    if trigger is None:
        raise Refused(str(schedule.fault))
    enqueued = {row.fire_time for row in ledger if row.outcome is Outcome.ENQUEUED}
    unknown: list[Fire] = []
    if missed_only:
        times: set[datetime] = set()
        for row in ledger:
            if row.outcome is Outcome.ENQUEUED:
                continue
            if (last := last_time_of(schedule, row)) is None:
                unknown.append(row)
                continue
            begin = row.fire_time if first is None else max(first, row.fire_time)
            times.update(_times(trigger, row, begin, min(last, until)))
    else:
        begin = until if first is None else first
        times = set(_between(trigger, begin, until))
    already = sum((first is None or first <= time) and time <= until for time in enqueued)
    return Wanted(tuple(sorted(times - enqueued)), already, tuple(unknown))


def last_time_of(schedule: Schedule, row: Fire) -> datetime | None:
    """The last fire in a row of the ledger; None if the trigger no longer gives its fires."""
    trigger = schedule.trigger
    if row.count == 1:
        return row.fire_time
    if trigger is None:
        return None
    before = row.fire_time - _TICK
    if row.last_time is None:
        # A row that an earlier version wrote.
        times = list(islice(trigger.fires(before), row.count))
        is_whole = row.fire_time >= schedule.anchor and len(times) == row.count
        return times[-1] if is_whole else None
    if (
        trigger.next_after(before) != row.fire_time
        or trigger.previous(row.last_time, inclusive=True) != row.last_time
        or trigger.count(before, row.last_time) != row.count
    ):
        return None
    return row.last_time


def _times(trigger: Trigger, row: Fire, first: datetime, until: datetime) -> Iterator[datetime]:
    if row.count > 1:
        yield from _between(trigger, first, until)
    # A single fire is what the ledger says, whatever the trigger is now.
    elif first <= row.fire_time <= until:
        yield row.fire_time


def _between(trigger: Trigger, first: datetime, until: datetime) -> Iterator[datetime]:
    # Counted, not walked: a wide range of a fast schedule has millions.
    count = trigger.count(first - _TICK, until)
    if count > MAX_TIMES:
        raise UsageError(
            f"The range has {count} fires; a backfill makes at most {MAX_TIMES}.",
            hint="Give a smaller range.",
        )
    return trigger.fires(first - _TICK, until)


@dataclass(frozen=True)
class Step:
    """New rows of the ledger, in place of those of the same time, and the jobs to add."""

    fires: tuple[Fire, ...]
    jobs: tuple[JobSpec, ...]


def fill(
    schedule: Schedule,
    ledger: Sequence[Fire],
    times: Sequence[datetime],
    now: datetime,
    max_parallel: int,
) -> Step:
    """What to write to make the fires at `times`, the jobs in that order.

    `ledger` has the rows from the first time to the last one, and a row of misses that begins
    before and reaches into them. A fire that is enqueued there is left alone. A row of several
    misses loses those that are made now; what is left of it stays missed.
    """
    enqueued = {row.fire_time for row in ledger if row.outcome is Outcome.ENQUEUED}
    wanted = [time for time in dict.fromkeys(times) if time not in enqueued]
    fires: list[Fire] = []
    for row in ledger:
        if row.outcome is not Outcome.ENQUEUED and row.count > 1:
            fires += _left_over(schedule, row, wanted, enqueued, now)
    jobs: list[JobSpec] = []
    for time in wanted:
        job_id = fire_job_id(schedule.id, time)
        fires.append(Fire(schedule.id, time, Outcome.ENQUEUED, BACKFILL, 1, job_id, now))
        jobs.append(
            fire_job_spec(schedule, time, job_id, max_parallel=max_parallel, is_backfill=True)
        )
    return Step(tuple(fires), tuple(jobs))


def _left_over(
    schedule: Schedule,
    row: Fire,
    wanted: Sequence[datetime],
    enqueued: set[datetime],
    now: datetime,
) -> Iterator[Fire]:
    """The rows that a row of misses becomes without the `wanted` ones."""
    trigger, last = schedule.trigger, last_time_of(schedule, row)
    if trigger is None or last is None:
        return
    made = sorted(time for time in wanted if row.fire_time <= time <= last)
    if not made:
        return
    begin: datetime | None = row.fire_time
    for time in (*made, None):
        # A row of that time that is enqueued keeps its place.
        while begin is not None and begin in enqueued and (time is None or begin < time):
            begin = trigger.next_after(begin)
        end = last if time is None else time
        if begin is not None and (begin < end or (time is None and begin == last)):
            until = last if time is None else trigger.previous(time)
            count = trigger.count(begin - _TICK, until) if until is not None else 0
            yield replace(
                row,
                fire_time=begin,
                count=count,
                last_time=until if count > 1 else None,
                recorded_at=now,
            )
        if time is not None:
            begin = trigger.next_after(time)


def check_unedited(before: Schedule, current: Schedule) -> None:
    """Raise Refused if a schedule was edited since `before` was read, or cannot be read."""
    if current.fault is not None:
        raise Refused(current.fault)
    if current.anchor != before.anchor:
        raise Refused(
            f"The schedule {current.id} was edited meanwhile; what was added stays.",
            hint="Run the backfill again: it adds what is still missing.",
        )
