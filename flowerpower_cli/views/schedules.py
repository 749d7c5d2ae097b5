"""How schedules look: when they fire, and what became of their fires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowerpower.jobs.schedule import Fire, Origin, Outcome, Schedule, ScheduleState
from flowerpower.pipeline.schedule_changes import ScheduleChange, Standing
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.jobs import (
    STYLES,
    error_summary,
    facts_view,
    local_time,
    overrides_view,
    record_data,
    short_time,
)
from flowerpower_cli.views.previews import counts_in_words, exceptions_in_words, next_fires_table
from flowerpower_cli.views.schedule_changes import changes_view
from flowerpower_cli.views.standings import STANDINGS
from flowerpower_cli.views.tables import (
    Block,
    Cell,
    Line,
    cell,
    line,
    section_title,
    table,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from flowerpower.pipeline.backfill import Backfill
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
"""Seconds; if a fire is later than this, no worker or scheduler is running."""


def zone_of(schedule: Schedule, default: str) -> ZoneInfo:
    """The zone that a schedule's times are shown in."""
    return schedule.trigger.zone if schedule.trigger else clock.timezone(default)


def _words(schedule: Schedule) -> str:
    """The trigger in words as it was given: an interval without the start that was filled in."""
    return schedule.spec.trigger.in_words() if schedule.spec else ""


def _state(schedule: Schedule) -> Cell:
    if schedule.state is ScheduleState.ACTIVE and schedule.spec and not schedule.spec.enabled:
        return cell("disabled", "yellow")
    return cell(schedule.state, STATES[schedule.state])


def _next_fire(schedule: Schedule) -> str:
    if schedule.next_fire is None:
        return ""
    time = local_time(schedule.next_fire, zone_of(schedule, "UTC"))
    if _is_overdue(schedule):
        return f"{time}, overdue: no worker or scheduler makes it"
    seconds = max((schedule.next_fire - clock.now()).total_seconds(), 0.0)
    return f"{time}, in {format_duration(round(seconds))}"


def _is_overdue(schedule: Schedule) -> bool:
    due = schedule.due_at or schedule.next_fire
    return due is not None and (clock.now() - due).total_seconds() > OVERDUE_AFTER


def _heading(schedule: Schedule, *rest: Cell) -> Line:
    return Line((cell(schedule.id, "bold"), cell(f"  {schedule.pipeline}  "), *rest))


def added_view(schedules: Sequence[Schedule]) -> Iterator[Block]:
    """Schedules that were added, or existed already: the trigger in words, and the next fire."""
    for schedule in schedules:
        yield _heading(schedule, cell(_words(schedule)))
        yield _next_fire_line(schedule)


def changed_view(schedules: Sequence[Schedule]) -> Iterator[Block]:
    """Schedules that were paused or resumed."""
    for schedule in schedules:
        yield _heading(schedule, _state(schedule))
        if schedule.next_fire is not None:
            yield _next_fire_line(schedule)


def _next_fire_line(schedule: Schedule) -> Line:
    if schedule.fault:
        return line(f"  {schedule.fault}", "bold red")
    if schedule.next_fire is None:
        return Line((cell("  "), _state(schedule), cell(": no next fire")))
    return Line((cell("  next fire  ", "dim"), cell(_next_fire(schedule))))


def schedules_view(
    schedules: Sequence[Schedule], timezone: str, standings: Mapping[str, Standing]
) -> Iterator[Block]:
    """A table of schedules; those that cannot be read say why below it.

    `standings` say by id how those stand that YAML declares, or has declared.
    """
    if not schedules:
        return
    now = clock.now()

    def short_local_time(schedule: Schedule, moment: datetime | None) -> str:
        return "" if moment is None else short_time(moment, now, zone_of(schedule, timezone))

    columns = {
        "id": [cell(schedule.id, "bold") for schedule in schedules],
        "pipeline": [cell(schedule.pipeline) for schedule in schedules],
        "state": [_state(schedule) for schedule in schedules],
        "next fire": [
            cell(
                short_local_time(schedule, schedule.next_fire),
                "bold red" if _is_overdue(schedule) else "",
            )
            for schedule in schedules
        ],
    }
    if any(schedule.last_fire for schedule in schedules):
        columns["last fire"] = [
            cell(short_local_time(schedule, schedule.last_fire), "dim") for schedule in schedules
        ]
    if any(schedule.last_outcome for schedule in schedules):
        columns["outcome"] = [last_outcome(schedule) for schedule in schedules]
    if set(standings.values()) - {Standing.SAME}:
        columns["yaml"] = [cell(STANDINGS.get(standings.get(s.id, ""), "")) for s in schedules]
    columns["zone"] = [
        cell(schedule.trigger.timezone if schedule.trigger else "", "dim") for schedule in schedules
    ]
    columns["trigger…"] = [_words_without_zone(schedule) for schedule in schedules]
    yield table(columns, optional=("last fire", "pipeline", "outcome"))
    for schedule in schedules:
        if schedule.fault:
            yield line(schedule.fault, "bold red")


def _outcome(name: str | None) -> Cell:
    """A status of a job, or an outcome of a fire, in its colour."""
    return cell(name or "", STYLES.get(name or "") or OUTCOMES.get(name or "", ""))


def last_outcome(schedule: Schedule) -> Cell:
    """What became of the last fire; of failures in a row, their number."""
    outcome = _outcome(schedule.last_outcome)
    if schedule.failures > 1:
        return cell(f"{schedule.last_outcome}, {schedule.failures} failed in a row", "bold red")
    return outcome


def _words_without_zone(schedule: Schedule) -> Cell:
    if schedule.trigger is None:
        return cell("cannot be read", "bold red")
    return cell(_words(schedule).replace(f", {schedule.trigger.timezone}", "", 1))


def schedule_view(
    schedule: Schedule,
    next_fires: Sequence[PreviewRow],
    fires: Sequence[Fire],
    timezone: str,
    change: ScheduleChange | None,
) -> Iterator[Block]:
    """All that is known of one schedule; `change` says how it stands beside the YAML."""
    zone = zone_of(schedule, timezone)
    yield _heading(schedule, _state(schedule))
    if schedule.fault:
        yield line(schedule.fault, "bold red")
    yield from facts_view(schedule_facts(schedule, zone))
    yield from overrides_view(record_data(schedule)["overrides"] or {})
    if change is not None and change.standing is not Standing.SAME:
        yield section_title("YAML", f"  {STANDINGS[change.standing]}")
        yield from changes_view([change])
    if next_fires:
        yield section_title("Next fires")
        yield next_fires_table(next_fires, clock.now().replace(microsecond=0))
    if fires:
        yield section_title("Last fires")
        yield from history_view(fires, zone)


def schedule_facts(schedule: Schedule, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """Names and values of all that is short to say of a schedule."""
    spec = schedule.spec
    if spec is not None:
        yield "fires", _words(schedule)
        if counts := counts_in_words(spec.trigger):
            yield "counts", counts
        if exceptions := exceptions_in_words(schedule.trigger):
            yield "exceptions", exceptions
    if schedule.next_fire is not None and not schedule.fault:
        yield "next fire", _next_fire(schedule)
    if schedule.due_at and schedule.next_fire and schedule.due_at != schedule.next_fire:
        late = (schedule.due_at - schedule.next_fire).total_seconds()
        yield "with jitter", f"{local_time(schedule.due_at, zone)}, {format_duration(late)} late"
    if schedule.last_fire is not None:
        yield "last fire", local_time(schedule.last_fire, zone)
    if schedule.last_outcome is not None:
        yield "last outcome", schedule.last_outcome
    if schedule.failures:
        yield "failures in a row", str(schedule.failures)
    if spec is not None:
        grace = spec.misfire_grace_time
        if not spec.enabled:
            yield "enabled", "no, says the pipeline's YAML"
        yield "coalesce", "yes" if spec.coalesce else "no"
        yield "misfire grace time", "no limit" if grace is None else format_duration(grace)
        yield "max instances", str(spec.max_instances)
        yield "overlap", spec.overlap
        yield "queue", spec.queue
        if spec.result_ttl is not None:
            ttl = spec.result_ttl
            yield "result ttl", "as long as the job" if ttl < 0 else format_duration(ttl)
        if spec.priority:
            yield "priority", str(spec.priority)
        if spec.expires is not None:
            yield "expires", f"{format_duration(spec.expires)} after a job is due"
    origin = f", {_ORIGINS[spec.origin]}" if spec is not None else ""
    yield "added", f"{local_time(schedule.created_at, zone)}{origin}"
    if schedule.anchor > schedule.created_at:
        yield "edited", local_time(schedule.anchor, zone)


def history_view(fires: Sequence[Fire], zone: ZoneInfo) -> Iterator[Block]:
    """A table of past fires, without columns that would say nothing."""
    if not fires:
        return
    reasons = [
        ", ".join(filter(None, (fire.reason, error_summary(fire.job_error)))) for fire in fires
    ]
    columns = {
        "fire time": [cell(local_time(fire.fire_time, zone)) for fire in fires],
        "outcome": [cell(fire.outcome, OUTCOMES[fire.outcome]) for fire in fires],
    }
    if any(fire.count != 1 for fire in fires):
        columns["count>"] = [cell(fire.count) for fire in fires]
    if any(fire.job_id for fire in fires):
        columns["job"] = [cell(fire.job_id or "", "bold") for fire in fires]
    if any(fire.job_status for fire in fires):
        columns["status"] = [_outcome(fire.job_status) for fire in fires]
    if any(reasons):
        columns["reason…"] = [cell(reason, "dim") for reason in reasons]
    yield table(columns, optional=("count", "status"))


def backfill_view(backfill: Backfill, timezone: str) -> Iterator[Block]:
    """A table of the jobs of a backfill that were added, or would be."""
    zone = zone_of(backfill.schedule, timezone)
    jobs = backfill.to_json()["jobs"]
    if not jobs:
        return
    columns = {
        "fire time": [
            cell(local_time(clock.parse_time(job["scheduled_for"]), zone)) for job in jobs
        ],
        "job": [cell(job["id"], "bold") for job in jobs],
    }
    yield table(columns)


def fire_cells(facts: Mapping[str, Any], zone: ZoneInfo) -> tuple[Cell, ...]:
    """A fire in the output of a scheduler; `facts` are those of its event."""
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
