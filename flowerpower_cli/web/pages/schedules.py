"""Schedules: the coming week, what became of their fires, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from flowerpower.errors import FlowerpowerError
from flowerpower.jobs.schedule import Fire, Schedule, ScheduleState
from flowerpower.triggers import clock
from flowerpower.triggers.base import LATEST
from flowerpower.triggers.preview import (
    exception_sentences,
    next_transition_sentence,
    preview,
    transition_sentences,
)
from flowerpower_cli.views.schedules import schedule_facts
from flowerpower_cli.web.rendering import Page
from flowerpower_cli.web.site import Query, Reading

MAX_SHOWN = 200
"""Schedules of a list; of more, those that fire next."""
STRIP = 20
"""Fires in a schedule's strip."""
HISTORY = 100
PREVIEWED = 10
DAYS = 7
OFTEN = 6 * DAYS
"""Fires in a week from which a schedule is told in words instead of one by one."""


@dataclass(frozen=True)
class WeekFire:
    """A fire of the coming week; `note` says what a clock change does to it."""

    schedule: Schedule
    local: datetime
    note: str


@dataclass(frozen=True)
class Week:
    """The coming week in the project's zone; `often` are schedules with too many fires to list."""

    days: Sequence[date]
    fires: dict[date, list[WeekFire]] = field(default_factory=dict)
    often: list[Schedule] = field(default_factory=list)


def schedules(reading: Reading, _name: str, query: Query) -> Page:
    """All schedules, or those of one pipeline."""
    pipeline = next(iter(query.get("pipeline") or ()), "").strip()
    shown, total = _listed(reading, pipeline)
    return Page(
        "schedules.html",
        "Schedules",
        "schedules",
        list_values(reading, shown) | {"total": total, "pipeline": pipeline},
    )


def list_values(reading: Reading, shown: Sequence[Schedule]) -> dict[str, Any]:
    """What the template of a list of schedules needs."""
    return {
        "schedules": shown,
        "total": len(shown),
        "pipeline": "",
        "fires_of": {schedule.id: strip(reading, schedule.id) for schedule in shown},
        "words_of": {schedule.id: words(schedule) for schedule in shown},
        "week": week(reading, shown),
    }


def _listed(reading: Reading, pipeline: str) -> tuple[list[Schedule], int]:
    """Up to MAX_SHOWN schedules, and how many there are."""
    job_queue = reading.site.manager.job_queue
    total = job_queue.count_schedules()
    if total > MAX_SHOWN and not pipeline:
        shown = job_queue.upcoming_schedules(MAX_SHOWN)
    else:
        every = job_queue.list_schedules()
        matching = [schedule for schedule in every if pipeline in ("", schedule.pipeline)]
        shown, total = matching[:MAX_SHOWN], len(matching)
    reading.site.learn_secrets(schedule.pipeline for schedule in shown)
    return shown, total


def words(schedule: Schedule) -> str:
    """The trigger in words; why it cannot be read, if so."""
    return schedule.fault or (schedule.spec.trigger.in_words() if schedule.spec else "")


def strip(reading: Reading, schedule_id: str, limit: int = STRIP) -> list[Fire]:
    """The last fires, the oldest first."""
    try:
        return reading.site.manager.job_queue.list_fires(schedule_id, limit)[::-1]
    except FlowerpowerError:
        # It was deleted just now.
        return []


def week(reading: Reading, shown: Sequence[Schedule]) -> Week:
    """The fires of the coming week, today first."""
    zone, now = reading.site.zone, reading.now
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=number) for number in range(DAYS)]
    until = datetime.combine(days[-1] + timedelta(days=1), datetime.min.time(), zone)
    plan = Week(days, {day: [] for day in days})
    for schedule in shown:
        if schedule.trigger is None or schedule.next_fire is None:
            continue
        coming = [fire for fire in islice(schedule.trigger.fires(now), OFTEN + 1) if fire < until]
        if len(coming) > OFTEN:
            plan.often.append(schedule)
            continue
        for row in preview(schedule.trigger, now, len(coming)):
            local = row.fire.astimezone(zone)
            plan.fires[local.date()].append(WeekFire(schedule, local, row.note))
    for fires in plan.fires.values():
        fires.sort(key=lambda fire: (fire.local, fire.schedule.id))
    return plan


def schedule(reading: Reading, schedule_id: str, _query: Query) -> Page:
    """One schedule: its settings, its next fires and its history."""
    site = reading.site
    record = site.manager.job_queue.get_schedule(schedule_id)
    site.learn_secrets([record.pipeline])
    return Page(
        "schedule.html", f"Schedule {record.id}", "schedules", schedule_values(reading, record)
    )


def schedule_values(reading: Reading, record: Schedule) -> dict[str, Any]:
    """What the template of a schedule needs."""
    zone = record.trigger.zone if record.trigger else reading.site.zone
    rows, sentences = [], []
    if record.trigger is not None and record.state is ScheduleState.ACTIVE:
        begin = reading.now
        if record.next_fire is not None:
            # An overdue fire lies in the past and is still the next one.
            begin = min(begin, clock.after(record.next_fire, -1e-6))
        rows = preview(record.trigger, begin, PREVIEWED)
        until = rows[-1].fire if len(rows) == PREVIEWED else LATEST
        sentences = transition_sentences(record.trigger, begin, PREVIEWED)
        if not sentences and record.trigger.follows_local_time:
            later = next_transition_sentence(record.trigger, begin)
            sentences = [later] if later else []
        sentences += exception_sentences(record.trigger, begin, until)
    fires = reading.site.manager.job_queue.list_fires(record.id, HISTORY)
    # In how long the next fire is changes all the time: the list of fires says when it is.
    facts = [(name, text) for name, text in schedule_facts(record, zone) if name != "next fire"]
    return {
        "schedule": record,
        "words": words(record),
        "facts": facts,
        "rows": rows,
        "sentences": sentences,
        "fires": fires,
        "strip": fires[:50][::-1],
        "is_disabled": record.spec is not None and not record.spec.enabled,
    }
