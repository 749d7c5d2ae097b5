"""What is to happen to a schedule now: one pure function, the same for every backend.

The stores read a schedule and how many of its jobs are active, ask `decide`, and write down the
answer in the same atomic step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flowerpower.jobs.job import JobSpec
from flowerpower.jobs.schedule import (
    Fire,
    Outcome,
    Schedule,
    ScheduleState,
    fire_job_id,
    fire_job_spec,
)
from flowerpower.triggers.base import Trigger

CATCH_UP = 100
"""Missed fires that are made one by one, the latest ones, where they are not coalesced."""
SET_BACK = timedelta(seconds=10)
"""A schedule that was dealt with at a time farther ahead tells that the clock was set back."""
COALESCED = "coalesced into a later fire"
TOO_LATE = "later than misfire_grace_time"
TOO_MANY = f"more than {CATCH_UP} were missed"
OVERLAP = "max_instances: its jobs before are not done"


@dataclass(frozen=True)
class Decision:
    """What becomes of a schedule: rows of the ledger, jobs for those that are made, and itself."""

    fires: tuple[Fire, ...]
    jobs: tuple[JobSpec, ...]
    schedule: Schedule


def decide(schedule: Schedule, now: datetime, active: int) -> Decision | None:
    """What to do with `schedule` at `now`, of whose jobs `active` have not ended; None: nothing.

    Fires are dealt with in the order of their nominal times, those that are due:

    - `coalesce`: the latest is made, all before it are one row, missed.
    - otherwise each is made, up to CATCH_UP of them, the latest; the rest are one row, missed.
    - one that is later than `misfire_grace_time` is missed instead of made.
    - one that finds `max_instances` jobs of the schedule active is skipped.

    After the clock was set back the schedule goes on from now; that no nominal time makes a
    second job is the store's to see to.
    """
    trigger, first = schedule.trigger, schedule.next_fire
    if schedule.state is not ScheduleState.ACTIVE or trigger is None or schedule.spec is None:
        return None
    if schedule.last_processed_at > now + SET_BACK:
        # An interval that counts from a time which is now to come would wait for it.
        anchor = min(schedule.anchor, now)
        last = trigger.previous(now, inclusive=True) if schedule.last_fire else None
        moved = replace(schedule, last_fire=last, anchor=anchor).with_next_fire(now)
        return Decision((), (), moved)
    if first is None:
        return None
    last = _last_due(trigger, schedule.id, first, now)
    if last is None:
        return None
    fires: list[Fire] = []
    jobs: list[JobSpec] = []
    for fire in _looked_at(schedule, trigger, first, last, now):
        if fire.outcome is Outcome.ENQUEUED and active >= schedule.spec.max_instances:
            fires.append(replace(fire, outcome=Outcome.SKIPPED, reason=OVERLAP, job_id=None))
            continue
        fires.append(fire)
        if fire.outcome is Outcome.ENQUEUED and fire.job_id is not None:
            active += 1
            jobs.append(fire_job_spec(schedule, fire.fire_time, fire.job_id))
    return Decision(
        tuple(fires), tuple(jobs), replace(schedule, last_fire=last).with_next_fire(last)
    )


def _last_due(trigger: Trigger, seed: str, first: datetime, now: datetime) -> datetime | None:
    """The latest of the fires from `first` on that are due, none of those before it being not."""
    if first > now:
        return None
    # What is older than any jitter is due; the few after it are looked at one by one.
    surely = trigger.previous(now - timedelta(seconds=trigger.jitter), inclusive=True)
    last = surely if surely is not None and surely >= first else None
    fire: datetime | None = first if last is None else trigger.next_after(last)
    while fire is not None and trigger.jittered(fire, seed) <= now:
        last, fire = fire, trigger.next_after(fire)
    return last


def _looked_at(
    schedule: Schedule, trigger: Trigger, first: datetime, last: datetime, now: datetime
) -> Iterator[Fire]:
    """The due fires as rows, those that are to be made with the id of their job."""
    spec = schedule.spec
    if spec is None:
        return
    count = 1 if first == last else trigger.count(first - timedelta(microseconds=1), last)
    kept = 1 if spec.coalesce else min(count, CATCH_UP)
    grace = spec.misfire_grace_time
    is_too_late = grace is not None and _age(schedule, trigger, last, now) > grace
    if spec.coalesce and is_too_late:
        yield Fire(schedule.id, first, Outcome.MISSED, TOO_LATE, count, recorded_at=now)
        return
    if count > kept:
        reason = COALESCED if spec.coalesce else TOO_MANY
        yield Fire(schedule.id, first, Outcome.MISSED, reason, count - kept, recorded_at=now)
    late: Fire | None = None
    for fire in _last_ones(trigger, last, kept):
        if grace is not None and _age(schedule, trigger, fire, now) > grace:
            late = (
                replace(late, count=late.count + 1)
                if late is not None
                else Fire(schedule.id, fire, Outcome.MISSED, TOO_LATE, recorded_at=now)
            )
            continue
        if late is not None:
            yield late
            late = None
        job_id = fire_job_id(schedule.id, fire)
        yield Fire(schedule.id, fire, Outcome.ENQUEUED, job_id=job_id, recorded_at=now)
    if late is not None:
        yield late


def _age(schedule: Schedule, trigger: Trigger, fire: datetime, now: datetime) -> float:
    """Seconds since a fire was due."""
    return (now - trigger.jittered(fire, schedule.id)).total_seconds()


def _last_ones(trigger: Trigger, last: datetime, count: int) -> list[datetime]:
    """The `count` fires that end with `last`, in order."""
    found = [last]
    while len(found) < count:
        before = trigger.previous(found[-1])
        if before is None:
            break
        found.append(before)
    return found[::-1]
