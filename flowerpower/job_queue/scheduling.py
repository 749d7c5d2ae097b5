"""What is to happen to a schedule now: one pure function, the same for every backend.

A store reads a schedule and its number of active jobs, calls `decide`, and writes the decision in
the same atomic step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from flowerpower.jobs.job import JobSpec
from flowerpower.jobs.schedule import (
    Fire,
    Outcome,
    Schedule,
    ScheduleSpec,
    ScheduleState,
    fire_job_id,
    fire_job_spec,
)
from flowerpower.triggers.base import Trigger

CATCH_UP = 100
"""Missed fires that are enqueued one by one, the latest ones, where they are not coalesced."""
CLOCK_REWOUND = timedelta(seconds=10)
"""If a schedule was last processed this far in the future, the clock has been set back."""
COALESCED = "coalesced into a later fire"
TOO_LATE = "later than misfire_grace_time"
TOO_MANY = f"more than {CATCH_UP} were missed"
OVERLAP = "max_instances: its jobs before are not done"


@dataclass(frozen=True)
class Decision:
    """New rows of the ledger, the jobs of enqueued fires, and the schedule after them."""

    fires: tuple[Fire, ...]
    jobs: tuple[JobSpec, ...]
    schedule: Schedule


def decide(schedule: Schedule, now: datetime, active: int) -> Decision | None:
    """What to do with `schedule` at `now`, with `active` jobs that have not ended; None: nothing.

    Due fires are processed in the order of their nominal times:

    - `coalesce`: the latest is enqueued, all before it are one row, missed.
    - otherwise the latest CATCH_UP are enqueued one by one; those before are one row, missed.
    - one that is later than `misfire_grace_time` is missed instead of enqueued.
    - one that finds `max_instances` jobs of the schedule active is skipped.

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
    fires: list[Fire] = []
    jobs: list[JobSpec] = []
    for fire in _due_fires(schedule, spec, trigger, (first, last), now):
        if fire.outcome is Outcome.ENQUEUED and active >= spec.max_instances:
            fires.append(replace(fire, outcome=Outcome.SKIPPED, reason=OVERLAP, job_id=None))
            continue
        fires.append(fire)
        if fire.job_id is not None:
            active += 1
            jobs.append(fire_job_spec(schedule, fire.fire_time, fire.job_id))
    moved = replace(schedule, last_fire=last).with_next_fire(last)
    return Decision(tuple(fires), tuple(jobs), moved)


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

    def missed(time: datetime, reason: str, number: int) -> Fire:
        return Fire(schedule.id, time, Outcome.MISSED, reason, number, recorded_at=now)

    def is_too_late(time: datetime) -> bool:
        age = now - trigger.jittered(time, schedule.id)
        return grace is not None and age.total_seconds() > grace

    if spec.coalesce and is_too_late(last):
        yield missed(first, TOO_LATE, count)
        return
    if count > kept:
        yield missed(first, COALESCED if spec.coalesce else TOO_MANY, count - kept)
    # With jitter a later fire can be the older one, so late fires can come in between.
    for late, group in groupby(_last_ones(trigger, last, kept), is_too_late):
        times = list(group)
        if late:
            yield missed(times[0], TOO_LATE, len(times))
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
