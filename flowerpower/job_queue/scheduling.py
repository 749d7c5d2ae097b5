"""What is to happen to a schedule now: one pure function, the same for every backend.

A store reads a schedule and its number of active jobs, calls `decide`, and writes the decision in
the same atomic step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.schedule import (
    Fire,
    Outcome,
    Overlap,
    Schedule,
    ScheduleSpec,
    ScheduleState,
    fire_job_id,
    fire_job_spec,
)
from flowerpower.triggers import clock
from flowerpower.triggers.base import Trigger

CATCH_UP = 100
"""Missed fires that are enqueued one by one, the latest ones, where they are not coalesced."""
QUEUE_LIMIT = CATCH_UP
"""Jobs of a schedule with `overlap: queue` that wait for earlier ones, so that all that are made up
for one by one have a place."""
CLOCK_REWOUND = timedelta(seconds=10)
"""If a schedule was last processed this far in the future, the clock has been set back."""
COALESCED = "coalesced into a later fire"
TOO_LATE = "later than misfire_grace_time"
TOO_MANY = f"more than {CATCH_UP} were missed"
OVERLAP = "max_instances: its jobs before are not done"
QUEUE_IS_FULL = f"overlap: {QUEUE_LIMIT} jobs of it wait already"
REPLACED = "overlap: a later fire that was due too replaces it"


@dataclass(frozen=True)
class Decision:
    """New rows of the ledger, the jobs of enqueued fires, and the schedule after them.

    Before the jobs are added, the oldest `replaced` active jobs of the schedule are cancelled.
    """

    fires: tuple[Fire, ...]
    jobs: tuple[JobSpec, ...]
    schedule: Schedule
    replaced: int = 0

    @property
    def replaced_error(self) -> dict[str, Any]:
        """The error of the jobs that are cancelled: which fire has replaced them."""
        times = [fire.fire_time for fire in self.fires if fire.outcome is Outcome.ENQUEUED]
        time = clock.format_time(times[-1]) if times else ""
        message = f"The fire of {time} replaced it (overlap: replace), so it was cancelled."
        return {"type": "Replaced", "message": message, "code": "replaced"}


def decide(schedule: Schedule, now: datetime, active: int) -> Decision | None:
    """What to do with `schedule` at `now`, with `active` jobs that have not ended; None: nothing.

    Due fires are processed in the order of their nominal times:

    - `coalesce`: the latest is enqueued, all before it are one row, missed.
    - otherwise the latest CATCH_UP are enqueued one by one; those before are one row, missed.
    - one that is later than `misfire_grace_time` is missed instead of enqueued.
    - one that finds `max_instances` jobs of the schedule active is skipped. With `overlap: queue`
      its job is enqueued blocked, unless QUEUE_LIMIT are blocked already. With `overlap: replace`
      the oldest active jobs are cancelled, and its job is enqueued blocked; of several fires that
      are due the last `max_instances` are.

    After the clock was set back the schedule continues from now; the store makes sure that no
    nominal time gets a second job.
    """
    trigger, spec, first = schedule.trigger, schedule.spec, schedule.next_fire
    if schedule.state is not ScheduleState.ACTIVE or trigger is None or spec is None:
        return None
    if schedule.last_processed_at > now + CLOCK_REWOUND:
        return Decision((), (), _after_rewind(schedule, trigger, now))
    last = None if first is None else _last_due(trigger, schedule.id, first, now)
    if first is None or last is None:
        return None
    due = list(_due_fires(schedule, spec, trigger, (first, last), now))
    fires = _without_overlap(due, spec, active)
    max_parallel = None if spec.overlap is Overlap.SKIP else spec.max_instances
    jobs = tuple(
        fire_job_spec(schedule, fire.fire_time, fire.job_id, max_parallel=max_parallel)
        for fire in fires
        if fire.job_id is not None
    )
    excess = active + len(jobs) - spec.max_instances
    replaced = max(0, min(active, excess)) if jobs and spec.overlap is Overlap.REPLACE else 0
    moved = replace(schedule, last_fire=last).with_next_fire(last)
    return Decision(fires, jobs, moved, replaced)


def _without_overlap(due: list[Fire], spec: ScheduleSpec, active: int) -> tuple[Fire, ...]:
    """The fires, those that find too many jobs of their schedule active as skipped."""
    room, reason = spec.max_instances - active, OVERLAP
    if spec.overlap is Overlap.QUEUE:
        room, reason = room + QUEUE_LIMIT, QUEUE_IS_FULL
    count = sum(fire.outcome is Outcome.ENQUEUED for fire in due)
    to_skip = range(max(0, room), count)
    if spec.overlap is Overlap.REPLACE:
        to_skip, reason = range(count - spec.max_instances), REPLACED
    fires: list[Fire] = []
    position = -1
    for fire in due:
        position += fire.outcome is Outcome.ENQUEUED
        if fire.outcome is Outcome.ENQUEUED and position in to_skip:
            fires.append(replace(fire, outcome=Outcome.SKIPPED, reason=reason, job_id=None))
        else:
            fires.append(fire)
    return tuple(fires)


def pause_unreadable(schedule: Schedule) -> Decision | None:
    """To pause a schedule that cannot be read: it would be due first at every step."""
    if schedule.spec is not None:
        return None
    paused = replace(schedule, state=ScheduleState.PAUSED, next_fire=None, due_at=None)
    return Decision((), (), paused)


def _after_rewind(schedule: Schedule, trigger: Trigger, now: datetime) -> Schedule:
    # An interval that counts from an anchor in the future would wait for it.
    anchor = min(schedule.anchor, now)
    last = trigger.previous(now, inclusive=True) if schedule.last_fire else None
    return replace(schedule, last_fire=last, anchor=anchor).with_next_fire(now)


def _last_due(trigger: Trigger, seed: str, first: datetime, now: datetime) -> datetime | None:
    """The last fire from `first` on that is due, with all between them due as well."""
    if first > now:
        return None
    # Fires older than the largest jitter are all due, however many: only the few after them are
    # looked at one by one.
    surely = trigger.previous(now - timedelta(seconds=trigger.jitter), inclusive=True)
    last = surely if surely is not None and surely >= first else None
    fire: datetime | None = first if last is None else trigger.next_after(last)
    while fire is not None and trigger.jittered(fire, seed) <= now:
        last, fire = fire, trigger.next_after(fire)
    return last


def _due_fires(
    schedule: Schedule,
    spec: ScheduleSpec,
    trigger: Trigger,
    span: tuple[datetime, datetime],
    now: datetime,
) -> Iterator[Fire]:
    """The due fires, first and last of which are `span`, as rows of the ledger.

    Those to enqueue have the id of their job; missed ones in a row are one row with a count.
    """
    first, last = span
    count = 1 if first == last else trigger.count(first - timedelta(microseconds=1), last)
    kept = 1 if spec.coalesce else min(count, CATCH_UP)
    grace = spec.misfire_grace_time

    def missed(time: datetime, reason: str, number: int, until: datetime | None) -> Fire:
        last_time = until if number > 1 else None
        return Fire(schedule.id, time, Outcome.MISSED, reason, number, None, now, last_time)

    def is_too_late(time: datetime) -> bool:
        age = now - trigger.jittered(time, schedule.id)
        return grace is not None and age.total_seconds() > grace

    if spec.coalesce and is_too_late(last):
        yield missed(first, TOO_LATE, count, last)
        return
    last_ones = _last_ones(trigger, last, kept)
    if count > kept:
        until = trigger.previous(last_ones[0])
        yield missed(first, COALESCED if spec.coalesce else TOO_MANY, count - kept, until)
    # With jitter a later fire can be the older one, so late fires can come in between.
    for late, group in groupby(last_ones, is_too_late):
        times = list(group)
        if late:
            yield missed(times[0], TOO_LATE, len(times), times[-1])
            continue
        for time in times:
            job_id = fire_job_id(schedule.id, time)
            yield Fire(schedule.id, time, Outcome.ENQUEUED, job_id=job_id, recorded_at=now)


def _last_ones(trigger: Trigger, last: datetime, count: int) -> list[datetime]:
    """The `count` fires that end with `last`, in order."""
    times = [last]
    while len(times) < count:
        before = trigger.previous(times[-1])
        if before is None:
            break
        times.append(before)
    return times[::-1]
