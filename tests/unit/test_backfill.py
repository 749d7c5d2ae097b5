"""Which past fires a backfill makes, and what one step of it writes; no store takes part."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from flowerpower.errors import Refused, UsageError
from flowerpower.job_queue.backfill import (
    BACKFILL,
    MAX_TIMES,
    check_unedited,
    fill,
    last_time_of,
    wanted_times,
)
from flowerpower.jobs.schedule import Fire, Outcome, Schedule, fire_job_id
from flowerpower.triggers.base import Trigger
from flowerpower.triggers.cron import Cron
from flowerpower.triggers.interval import Interval
from tests.unit.decisions import a_schedule, at

HOURLY = Cron("0 * * * *")
NOW = at("23:30")


def schedule_of(trigger: Trigger = HOURLY, **fields: Any) -> Schedule:
    return replace(a_schedule(trigger, at("23:00"), at("00:00")), **fields)


def missed(first: str, count: int = 1, last: str | None = None) -> Fire:
    """A row of `count` misses, with the last one if that is known."""
    end = None if last is None else at(last)
    return Fire("mine", at(first), Outcome.MISSED, "coalesced", count, None, NOW, end)


def enqueued(time: str) -> Fire:
    return Fire("mine", at(time), Outcome.ENQUEUED, None, 1, fire_job_id("mine", at(time)), NOW)


def skipped(time: str) -> Fire:
    return Fire("mine", at(time), Outcome.SKIPPED, "max_instances", recorded_at=NOW)


LEDGER = [
    enqueued("01:00"),
    missed("02:00", 3, "04:00"),
    enqueued("05:00"),
    skipped("06:00"),
    missed("07:00"),
    enqueued("08:00"),
]


def hours(*numbers: int) -> tuple[datetime, ...]:
    return tuple(at(f"{number:02}:00") for number in numbers)


@pytest.mark.parametrize(
    ("first", "until", "expected"),
    [
        (None, "23:00", hours(2, 3, 4, 6, 7)),
        ("03:00", "06:00", hours(3, 4, 6)),
        ("03:00:01", "05:59:59", hours(4)),
        ("09:00", "23:00", ()),
        (None, "01:00", ()),
    ],
)
def test_missed_times_are_found_again(
    first: str | None, until: str, expected: tuple[datetime, ...]
) -> None:
    """Every time of a row of misses, and single ones; within the range, its ends included."""
    begin = None if first is None else at(first)
    found = wanted_times(schedule_of(), LEDGER, first=begin, until=at(until), missed_only=True)
    assert found.times == expected
    assert found.unknown == ()


def test_a_range_has_every_fire_that_made_no_job() -> None:
    """Also what the ledger does not know; what is enqueued is counted."""
    found = wanted_times(
        schedule_of(), LEDGER, first=at("00:30"), until=at("10:59"), missed_only=False
    )
    assert found.times == hours(2, 3, 4, 6, 7, 9, 10)
    assert found.already == 3


def test_a_row_that_the_trigger_does_not_give_is_unknown() -> None:
    """Its count, its first and its last time must fit; a single time is what the ledger says."""
    rows = [
        missed("02:30", 3, "04:30"),
        missed("02:00", 4, "04:00"),
        missed("02:00", 3, "04:30"),
        missed("00:07"),
    ]
    found = wanted_times(schedule_of(), rows, first=None, until=NOW, missed_only=True)
    assert found.times == (at("00:07"),)
    assert found.unknown == tuple(rows[:3])


def test_a_row_of_an_earlier_version_is_counted() -> None:
    """It has no last time; after an edit nobody knows which times it stands for."""
    row = missed("02:00", 3)
    assert last_time_of(schedule_of(), row) == at("04:00")
    assert last_time_of(schedule_of(anchor=at("05:00")), row) is None
    assert last_time_of(schedule_of(), missed("07:00")) == at("07:00")


def test_a_range_of_too_many_fires_is_refused() -> None:
    """They are counted, not walked."""
    schedule = schedule_of(Interval(1, start=at("2020-01-01T00:00")))
    with pytest.raises(UsageError, match=f"at most {MAX_TIMES}"):
        wanted_times(schedule, [], first=at("2021-01-01T00:00"), until=NOW, missed_only=False)


def test_a_step_makes_each_wanted_fire() -> None:
    """Its row and its job, in the order of the times; none for what is enqueued."""
    times = [*hours(7, 6, 5), at("06:00")]
    step = fill(schedule_of(), LEDGER, times, NOW, 4)
    ids = [fire_job_id("mine", moment) for moment in hours(7, 6)]
    assert [(fire.fire_time, fire.job_id, fire.reason) for fire in step.fires] == [
        (moment, job_id, BACKFILL) for moment, job_id in zip(hours(7, 6), ids, strict=True)
    ]
    assert [(job.id, job.scheduled_for) for job in step.jobs] == list(
        zip(ids, hours(7, 6), strict=True)
    )
    assert {(job.max_parallel, job.concurrency_key) for job in step.jobs} == {(4, "mine:backfill")}


def apply(ledger: list[Fire], new: tuple[Fire, ...]) -> list[Fire]:
    """The ledger once a store has written the new rows."""
    rows = {row.fire_time: row for row in ledger}
    for row in new:
        if row.fire_time not in rows or rows[row.fire_time].outcome is not Outcome.ENQUEUED:
            rows[row.fire_time] = row
    return [rows[moment] for moment in sorted(rows)]


@pytest.mark.parametrize("some", [some for n in range(6) for some in combinations(range(2, 7), n)])
def test_what_is_left_of_a_row_stays_missed(some: tuple[int, ...]) -> None:
    """Whichever of five misses are made, the ledger has those as enqueued, the rest as missed."""
    schedule, row = schedule_of(), missed("02:00", 5, "06:00")
    ledger = apply([row], fill(schedule, [row], hours(*some), NOW, 1).fires)
    made = {entry.fire_time for entry in ledger if entry.outcome is Outcome.ENQUEUED}
    assert made == set(hours(*some))
    left = wanted_times(schedule, ledger, first=None, until=NOW, missed_only=True)
    assert (set(left.times), left.unknown) == (set(hours(2, 3, 4, 5, 6)) - made, ())
    assert sum(entry.count for entry in ledger) == 5
    step = fill(schedule, ledger, hours(2, 3, 4, 5, 6), NOW, 1)
    assert {entry.count for entry in apply(ledger, step.fires)} == {1}
    assert len(step.jobs) == 5 - len(made)


def test_a_row_over_a_fire_that_is_enqueued_keeps_the_rest() -> None:
    """As after the clock was set back: the fire in its midst made its job, and keeps its row."""
    ledger = [missed("02:00", 4, "05:00"), enqueued("03:00")]
    step = fill(schedule_of(), ledger, hours(2, 3), NOW, 1)
    after = apply(ledger, step.fires)
    found = wanted_times(schedule_of(), after, first=None, until=NOW, missed_only=True)
    assert (found.times, found.unknown) == (hours(4, 5), ())
    assert [job.scheduled_for for job in step.jobs] == [at("02:00")]


def test_an_edit_is_noticed() -> None:
    """Whether the schedule is the one that the times were found with."""
    schedule = schedule_of()
    check_unedited(schedule, replace(schedule, revision=9, last_fire=NOW))
    with pytest.raises(Refused, match="edited"):
        check_unedited(schedule, replace(schedule, anchor=NOW + timedelta(seconds=1)))
    with pytest.raises(Refused, match="It is broken"):
        check_unedited(schedule, replace(schedule, fault="It is broken."))
