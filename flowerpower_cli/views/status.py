"""How the status of a project looks: one screen, the problems and their hints at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.problem import Level, Problem
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.jobs import (
    STYLES,
    error_summary,
    facts_view,
    record_data,
    short_id,
    short_time,
)
from flowerpower_cli.views.schedules import last_outcome, zone_of
from flowerpower_cli.views.tables import (
    Block,
    Cell,
    Line,
    cell,
    counted,
    line,
    section_table,
    section_title,
)
from flowerpower_cli.views.workers import worker_columns

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from flowerpower.jobs.schedule import Schedule
    from flowerpower.jobs.snapshot import QueueState
    from flowerpower.pipeline.limit_states import LimitState
    from flowerpower.pipeline.status import ProjectStatus

BAR_WIDTH = 10
"""Characters."""
MAX_LIMITS = 10
"""Limits in the table."""
LEVELS: dict[str, str] = {Level.ERROR: "bold red", Level.WARNING: "yellow"}


def status_data(status: ProjectStatus) -> dict[str, Any]:
    """The status as JSON, with inputs masked whose names are those of secrets."""
    lists = {
        name: [record_data(record) for record in getattr(status, name)]
        for name in ("running", "failed", "upcoming")
    }
    return status.to_json() | lists


def status_view(status: ProjectStatus, *, short: bool) -> Iterator[Block]:
    """One screen; `short` shortens ids and draws bars, for a terminal."""
    zone, now = clock.timezone(status.timezone), status.taken_at
    yield Line((
        cell(status.project, "bold"),
        cell(f"  {now.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}", "dim"),
    ))  # fmt: skip
    yield from facts_view(_facts(status))
    if status.workers:
        paused = [queue.name for queue in status.queues if queue.paused_at]
        columns = worker_columns(status.workers, status.timezone, paused=paused, now=now)
        yield section_table(columns, optional=("started",))
    yield _queues_table(status.queues, now, zone)
    if status.limits:
        yield from _limits(status.limits)
    if status.running:
        yield _running_table(status.running, now, short=short)
        yield from _more(status, JobStatus.RUNNING, len(status.running))
    if status.failed:
        yield _failed_table(status.failed, now, zone, short=short)
        yield from _more(status, JobStatus.FAILED, len(status.failed))
    if status.upcoming:
        yield _upcoming_table(status.upcoming, now, status.timezone)
    yield section_title("Problems" if status.problems else "No problems")
    for problem in status.problems:
        yield from problem_lines(problem)


def problem_lines(problem: Problem) -> Iterator[Line]:
    """A problem, and below it what to do."""
    # Not as an error of the command, which begins with `Error:`.
    yield Line((cell(f"  {problem.level:<9}", LEVELS[problem.level]), cell(problem.message)))
    if problem.hint:
        yield Line((Cell("  hint     ", "bold cyan"), cell(problem.hint)))


def _facts(status: ProjectStatus) -> Iterator[tuple[str, str]]:
    backend = status.backend
    yield "backend", f"{backend['version']} ({backend['backend']})"
    yield "url", str(backend["url"])
    yield "workers", workers_summary(status)
    if status.schedules:
        runs = "" if status.has_scheduler else "; no scheduler is running"
        yield "schedules", f"{status.schedules}{runs}"


def workers_summary(status: ProjectStatus) -> str:
    """How many workers are alive, and what they do, in one line."""
    alive = status.alive
    silent = len(status.workers) - len(alive)
    if not status.workers:
        return "none"
    used = sum(len(worker.running) for worker in alive)
    slots = sum(worker.slots for worker in alive)
    text = f"{len(alive)} alive, {used} of {counted(slots, 'slot')} used"
    suspended = sum(worker.suspended for worker in alive)
    text += f"; {suspended} suspended" if suspended else ""
    return f"{text}; {silent} silent" if silent else text


def _more(status: ProjectStatus, of: JobStatus, shown: int) -> Iterator[Line]:
    """What follows a table if there are more jobs than are shown."""
    if more := sum(queue.counts[of] for queue in status.queues) - shown:
        yield line(f" and {more} more: flowerpower job-queue list-jobs --status {of}", "dim")


def _queues_table(queues: Sequence[QueueState], now: datetime, zone: ZoneInfo) -> Block:
    columns = {"queue": [cell(queue.name, "bold") for queue in queues]}
    for status in JobStatus:
        counts = [queue.counts[status] for queue in queues]
        # Most projects have no chains.
        if status is JobStatus.WAITING and not any(counts):
            continue
        columns[f"{status}>"] = [
            cell(count, STYLES[status] if count else "dim") for count in counts
        ]
    if any(queue.oldest_due for queue in queues):
        columns["oldest>"] = [cell(oldest_waits(queue, now)) for queue in queues]
    notes = [queue_note(queue, now, zone) for queue in queues]
    if any(notes):
        columns["note…"] = [cell(note, "yellow") for note in notes]
    return section_table(columns, optional=("cancelled", "finished"))


def _limits(limits: Sequence[LimitState]) -> Iterator[Block]:
    """Those that hold back jobs first; of those that nothing uses only the project's own."""
    ordered = sorted(limits, key=lambda state: -state.use.parked)
    used = [state for state in ordered if state.use.running or state.use.parked]
    shown = [state for state in ordered if state in used or not state.is_of_pipeline][:MAX_LIMITS]
    if not shown:
        return
    yield _limits_table(shown)
    if more := len(limits) - len(shown):
        yield line(f"and {counted(more, 'more limit')}: flowerpower status --json", "dim")


def _limits_table(limits: Sequence[LimitState]) -> Block:
    """What the places of each limit are taken by, and how many jobs it holds back."""
    columns = {"limit": [cell(state.title, "bold") for state in limits]}
    columns["running>"] = [
        cell(_places(state), STYLES[JobStatus.RUNNING] if state.use.running else "dim")
        for state in limits
    ]
    if any(state.rate for state in limits):
        columns["rate>"] = [cell(state.rate) for state in limits]
        columns["started>"] = [cell(state.use.starts if state.rate else "") for state in limits]
        columns["next>"] = [cell(next_start(state)) for state in limits]
    columns["parked>"] = [
        cell(state.use.parked, "yellow" if state.use.parked else "dim") for state in limits
    ]
    columns["pipelines…"] = [cell(", ".join(state.pipelines), "dim") for state in limits]
    return section_table(columns)


def _places(state: LimitState) -> str:
    running = len(state.use.running)
    return str(running) if state.limit.at_once is None else f"{running} of {state.limit.at_once}"


def next_start(state: LimitState) -> str:
    """When a limit's rate has room for one more job; empty without a rate."""
    if not state.rate:
        return ""
    return f"in {_duration(max(state.use.next_start_in, 1))}" if state.waits_for_rate else "now"


def limit_note(state: LimitState) -> str:
    """A limit that holds back jobs, in one line; empty if it does not."""
    if not state.use.parked:
        return ""
    rate = f", {state.rate}, next {next_start(state)}" if state.rate else ""
    return f"{_places(state)} running{rate}, {state.use.parked} parked"


def oldest_waits(queue: QueueState, now: datetime) -> str:
    """How long the queued job waits that waits the longest; empty without one."""
    due = queue.oldest_due
    return "" if due is None else _duration((now - due).total_seconds())


def queue_note(queue: QueueState, now: datetime, zone: ZoneInfo) -> str:
    """What there is to say of a queue beside its counts."""
    notes: list[str] = []
    if queue.paused_at is not None:
        notes.append(f"paused since {short_time(queue.paused_at, now, zone)}")
    if queue.blocked:
        notes.append(f"{counted(queue.blocked, 'job')} blocked")
    return ", ".join(notes)


def _duration(seconds: float) -> str:
    return format_duration(round(max(seconds, 0.0)))


def _running_table(jobs: Sequence[Job], now: datetime, *, short: bool) -> Block:
    columns = {
        "running job": [cell(short_id(job.id) if short else job.id, "bold") for job in jobs],
        "pipeline": [cell(job.pipeline) for job in jobs],
        "for>": [cell(seconds_running(job, now)) for job in jobs],
        "progress": [cell(progress_text(job, bar=short), STYLES[job.status]) for job in jobs],
        "node…": [cell(_current(job)) for job in jobs],
    }
    return section_table(columns)


def seconds_running(job: Job, now: datetime) -> str:
    """How long a running job has run."""
    return _duration((now - (job.started_at or now)).total_seconds())


def progress_text(job: Job, *, bar: bool) -> str:
    """How many of a job's nodes are done, with a bar before it; empty if that is not known."""
    progress = job.progress or {}
    done, total = progress.get("done") or 0, progress.get("total")
    if not isinstance(total, int) or not isinstance(done, int) or total < 1:
        return ""
    filled = min(BAR_WIDTH, BAR_WIDTH * done // total)
    drawn = f"{'━' * filled}{'─' * (BAR_WIDTH - filled)} " if bar else ""
    return f"{drawn}{done}/{total}"


def _current(job: Job) -> str:
    if job.cancel_requested:
        return "is being cancelled"
    return str((job.progress or {}).get("current") or "")


def _failed_table(jobs: Sequence[Job], now: datetime, zone: ZoneInfo, *, short: bool) -> Block:
    columns = {
        "failed job": [cell(short_id(job.id) if short else job.id, "bold") for job in jobs],
        "pipeline": [cell(job.pipeline) for job in jobs],
        "when": [
            cell(short_time(job.ended_at, now, zone) if job.ended_at else "", "dim") for job in jobs
        ],
        "error…": [cell(error_summary(job.error), "red") for job in jobs],
    }
    return section_table(columns)


def _upcoming_table(schedules: Sequence[Schedule], now: datetime, timezone: str) -> Block:
    columns = {
        "schedule": [cell(schedule.id, "bold") for schedule in schedules],
        "next fire": [cell(_fire_time(schedule, now, timezone)) for schedule in schedules],
        "in>": [_time_left(schedule, now) for schedule in schedules],
    }
    if any(schedule.last_outcome for schedule in schedules):
        columns["last outcome"] = [last_outcome(schedule) for schedule in schedules]
    return section_table(columns)


def _fire_time(schedule: Schedule, now: datetime, timezone: str) -> str:
    zone = zone_of(schedule, timezone)
    if schedule.next_fire is None:
        return ""
    return f"{short_time(schedule.next_fire, now, zone)} {zone.key}"


def _time_left(schedule: Schedule, now: datetime) -> Cell:
    due = schedule.due_at or schedule.next_fire
    seconds = 0.0 if due is None else (due - now).total_seconds()
    return (
        cell(f"{_duration(-seconds)} late", "bold red")
        if seconds < -1
        else cell(_duration(seconds))
    )


def upcoming_line(status: ProjectStatus, now: datetime) -> str:
    """The schedule that fires next, in one line; empty without one."""
    if not status.upcoming:
        return ""
    schedule = status.upcoming[0]
    left = _time_left(schedule, now).text
    return f"{schedule.id} {left}" if left.endswith("late") else f"{schedule.id} in {left}"
