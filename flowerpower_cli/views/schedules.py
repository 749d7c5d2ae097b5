"""What people and programs see of schedules: when they fire, and what became of their fires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowerpower.jobs.schedule import Fire, Origin, Outcome, Schedule, ScheduleState
from flowerpower.text import mask_values
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.jobs import facts_view, local, overrides_view, short_time, title
from flowerpower_cli.views.tables import Cell, Line, Shape, cell, line, table

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from flowerpower.triggers.preview import PreviewRow

STATES: dict[str, str] = {
    ScheduleState.ACTIVE: "green",
    ScheduleState.PAUSED: "yellow",
    ScheduleState.DONE: "dim",
}
OUTCOMES: dict[str, str] = {
    Outcome.ENQUEUED: "green",
    Outcome.SKIPPED: "yellow",
    Outcome.MISSED: "bold red",
}
_ORIGINS = {
    Origin.CLI: "on the command line",
    Origin.API: "from Python",
    Origin.CONFIG: "from the pipeline's YAML",
}
OVERDUE_AFTER = 10.0
"""Seconds; a fire that is so late has nobody who makes it."""


def schedule_data(schedule: Schedule) -> dict[str, Any]:
    """A schedule as JSON; inputs that are named like secrets are masked."""
    body = schedule.to_json()
    del body["created"]
    return body | {"overrides": mask_values(body["overrides"], named=True)}


def fires_data(ledger: Sequence[Fire]) -> list[dict[str, Any]]:
    """Rows of the ledger as JSON."""
    return [each.to_json() for each in ledger]


def next_fires_data(rows: Sequence[PreviewRow]) -> list[dict[str, Any]]:
    """Fires to come as JSON."""
    return [
        {
            "fire": clock.format_time(row.fire),
            "local": row.local.isoformat(),
            "note": row.note or None,
        }
        for row in rows
    ]


def zone_of(schedule: Schedule, default: str) -> ZoneInfo:
    """The zone that a schedule's times are shown in."""
    return schedule.trigger.zone if schedule.trigger else clock.timezone(default)


def _words(schedule: Schedule) -> str:
    """When it fires, as it was asked for: an interval without where it counts from."""
    return schedule.spec.trigger.in_words() if schedule.spec else ""


def _state(schedule: Schedule) -> Cell:
    return cell(schedule.state, STATES[schedule.state])


def _next(schedule: Schedule) -> str:
    if schedule.next_fire is None:
        return ""
    shown = local(schedule.next_fire, zone_of(schedule, "UTC"))
    if _is_overdue(schedule):
        return f"{shown}, overdue: no worker or scheduler makes it"
    seconds = max((schedule.next_fire - clock.now()).total_seconds(), 0.0)
    return f"{shown}, in {format_duration(round(seconds))}"


def _is_overdue(schedule: Schedule) -> bool:
    due = schedule.due_at or schedule.next_fire
    return due is not None and (clock.now() - due).total_seconds() > OVERDUE_AFTER


def _headed(schedule: Schedule, *rest: Cell) -> Line:
    return Line((cell(schedule.id, "bold"), cell(f"  {schedule.pipeline}  "), *rest))


def added_view(schedules: Sequence[Schedule]) -> Iterator[Shape]:
    """Schedules that were just added, or were there: in words, and the next fire."""
    for each in schedules:
        yield _headed(each, cell(_words(each)))
        yield from _next_line(each)


def changed_view(schedules: Sequence[Schedule]) -> Iterator[Shape]:
    """Schedules that were paused or resumed."""
    for each in schedules:
        yield _headed(each, _state(each))
        if each.next_fire is not None:
            yield from _next_line(each)


def _next_line(schedule: Schedule) -> Iterator[Shape]:
    if schedule.fault:
        yield line(f"  {schedule.fault}", "bold red")
    elif schedule.next_fire is None:
        yield Line((cell("  "), _state(schedule), cell(": no next fire")))
    else:
        yield Line((cell("  next fire  ", "dim"), cell(_next(schedule))))


def schedules_view(schedules: Sequence[Schedule], timezone: str) -> Iterator[Shape]:
    """A table of schedules; those that cannot be read say why below it."""
    if not schedules:
        return
    now = clock.now()
    zones = [zone_of(each, timezone) for each in schedules]
    columns = {
        "id": [cell(each.id, "bold") for each in schedules],
        "pipeline": [cell(each.pipeline) for each in schedules],
        "trigger": [_words_alone(each) for each in schedules],
        "zone": [cell(each.trigger.timezone if each.trigger else "", "dim") for each in schedules],
        "state": [_state(each) for each in schedules],
        "next fire": [
            cell(_short(each.next_fire, now, zone), "bold red" if _is_overdue(each) else "")
            for each, zone in zip(schedules, zones, strict=True)
        ],
    }
    if any(each.last_fire for each in schedules):
        columns["last fire"] = [
            cell(_short(each.last_fire, now, zone), "dim")
            for each, zone in zip(schedules, zones, strict=True)
        ]
    listing = table(*columns)
    for row in zip(*columns.values(), strict=True):
        listing.add_row(*row)
    yield listing
    yield from (line(each.fault, "bold red") for each in schedules if each.fault)


def _words_alone(schedule: Schedule) -> Cell:
    """When it fires, without its zone."""
    if schedule.trigger is None:
        return cell("cannot be read", "bold red")
    return cell(_words(schedule).replace(f", {schedule.trigger.timezone}", "", 1))


def _short(moment: datetime | None, now: datetime, zone: ZoneInfo) -> str:
    return "" if moment is None else short_time(moment, now, zone)


def schedule_view(
    schedule: Schedule, coming: Sequence[PreviewRow], ledger: Sequence[Fire], timezone: str
) -> Iterator[Shape]:
    """All of one schedule."""
    zone = zone_of(schedule, timezone)
    yield _headed(schedule, _state(schedule))
    if schedule.fault:
        yield line(schedule.fault, "bold red")
    yield from facts_view(_facts(schedule, zone))
    overrides = schedule_data(schedule)["overrides"]
    yield from overrides_view(overrides or {})
    if coming:
        yield title("Next fires")
        yield fires_table(coming, clock.now().replace(microsecond=0))
    if ledger:
        yield title("Last fires")
        yield from history_view(ledger, zone)


def _facts(schedule: Schedule, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    spec = schedule.spec
    if spec is not None:
        yield "fires", _words(schedule)
    if schedule.next_fire is not None and not schedule.fault:
        yield "next fire", _next(schedule)
    if schedule.due_at and schedule.next_fire and schedule.due_at != schedule.next_fire:
        late = (schedule.due_at - schedule.next_fire).total_seconds()
        yield "with jitter", f"{local(schedule.due_at, zone)}, {format_duration(late)} late"
    if schedule.last_fire is not None:
        yield "last fire", local(schedule.last_fire, zone)
    if spec is not None:
        grace = spec.misfire_grace_time
        yield "coalesce", "yes" if spec.coalesce else "no"
        yield "misfire grace time", "no limit" if grace is None else format_duration(grace)
        yield "max instances", str(spec.max_instances)
        yield "queue", spec.queue
        if spec.result_ttl is not None:
            kept = spec.result_ttl
            yield "result ttl", "as long as the job" if kept < 0 else format_duration(kept)
    origin = f", {_ORIGINS[spec.origin]}" if spec is not None else ""
    yield "added", f"{local(schedule.created_at, zone)}{origin}"
    if schedule.anchor > schedule.created_at:
        yield "edited", local(schedule.anchor, zone)


def fires_table(rows: Sequence[PreviewRow], begin: datetime) -> Shape:
    """Fires to come, each with how long after `begin` it is."""
    noted = any(row.note for row in rows)
    listing = table("#>", "local time", "UTC", "in>", *(["note"] if noted else []))
    for number, row in enumerate(rows, 1):
        cells = [
            cell(number, "dim"),
            cell(row.local.strftime("%a %Y-%m-%d %H:%M:%S %Z"), "bold"),
            cell(row.fire.strftime("%Y-%m-%d %H:%M:%SZ"), "dim"),
            cell(format_duration(max((row.fire - begin).total_seconds(), 0.0))),
        ]
        if noted:
            cells.append(cell(row.note, "yellow"))
        listing.add_row(*cells)
    return listing


def history_view(ledger: Sequence[Fire], zone: ZoneInfo) -> Iterator[Shape]:
    """A table of fires; columns that say nothing are left out."""
    if not ledger:
        return
    columns = {
        "fire time": [cell(local(each.fire_time, zone)) for each in ledger],
        "outcome": [cell(each.outcome, OUTCOMES[each.outcome]) for each in ledger],
    }
    if any(each.count != 1 for each in ledger):
        columns["count>"] = [cell(each.count) for each in ledger]
    if any(each.job_id for each in ledger):
        columns["job"] = [cell(each.job_id or "", "bold") for each in ledger]
    if any(each.reason for each in ledger):
        columns["reason…"] = [cell(each.reason or "", "dim") for each in ledger]
    listing = table(*columns)
    for row in zip(*columns.values(), strict=True):
        listing.add_row(*row)
    yield listing


def fire_cells(facts: Mapping[str, Any], zone: ZoneInfo) -> tuple[Cell, ...]:
    """What a scheduler tells of a fire, given as JSON."""
    fire_time = short_time(clock.parse_time(facts["fire_time"]), clock.now(), zone)
    count = f" {facts['count']} times" if facts["count"] > 1 else ""
    reason = f": {facts['reason']}" if facts["reason"] else ""
    return (
        cell(facts["schedule_id"], "bold"),
        cell(f"  fire of {fire_time}  "),
        cell(f"{facts['outcome']}{count}", OUTCOMES.get(facts["outcome"], "bold red")),
        cell(reason, "yellow"),
        cell(f"  {facts['job_id']}" if facts["job_id"] else ""),
    )
