"""What `decide` makes of a schedule, a time and its active jobs, as a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.job_queue.scheduling import (
    Decision,
    decide,
)
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.schedule import (
    Overlap,
    Schedule,
    ScheduleState,
)
from tests.unit.decisions import DONE, ROWS, Row, at, fires_of


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.title)
def test_decide(case: Row) -> None:
    """The rows of the ledger, their jobs and the schedule afterwards; and then nothing more."""
    schedule, now = case.schedule, case.now
    decision = decide(schedule, now, case.active)
    if case.then == "nothing":
        assert decision is None
        return
    assert decision is not None
    expected = fires_of(case.ledger, schedule, now)
    assert list(decision.fires) == expected
    assert schedule.spec is not None
    policy, limit = schedule.spec.overlap, schedule.spec.max_instances
    assert decision.replaced == case.replaced
    assert decision.jobs == tuple(
        JobSpec(
            pipeline="report",
            overrides=RunOverrides(inputs={"n": 3}),
            id=fire.job_id,
            queue="slow",
            result_ttl=7.0,
            schedule_id="mine",
            scheduled_for=fire.fire_time,
            max_parallel=None if policy is Overlap.SKIP else limit,
        )
        for fire in expected
        if fire.job_id is not None
    )
    assert decision.schedule == afterwards(case, decision)
    assert decide(decision.schedule, now, case.active + len(decision.jobs)) is None


def afterwards(case: Row, decision: Decision) -> Schedule:
    """The schedule as it was, but for the fire that is next, the last one, and its state."""
    is_set_back = not case.ledger
    fire = None if case.then == "done" else at(case.then)
    trigger = case.schedule.trigger
    assert trigger is not None
    last = trigger.previous(case.now, inclusive=True) if is_set_back else _last_time(decision)
    return replace(
        case.schedule,
        state=DONE if fire is None else ScheduleState.ACTIVE,
        next_fire=fire,
        due_at=fire,
        last_fire=last,
        anchor=min(case.schedule.anchor, case.now) if is_set_back else case.schedule.anchor,
    )


def _last_time(decision: Decision) -> datetime:
    assert decision.fires[-1].count >= 1
    trigger = decision.schedule.trigger
    assert trigger is not None
    fire = decision.fires[-1].fire_time
    for _ in range(decision.fires[-1].count - 1):
        following = trigger.next_after(fire)
        assert following is not None
        fire = following
    return fire
