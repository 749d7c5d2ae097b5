"""What the screen of `watch` shows, as lines of text. No input and no output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.cells import chop_cells
from rich.text import Text

from flowerpower.jobs.job import Job, JobStatus
from flowerpower.pipeline.waiting import QueueView, view_of_status, waits_for
from flowerpower.text import mask, one_line, visible
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.job import job_view
from flowerpower_cli.views.jobs import STYLES, error_summary, short_id, short_time
from flowerpower_cli.views.status import (
    LEVELS,
    limit_note,
    oldest_waits,
    progress_text,
    queue_note,
    seconds_running,
    upcoming_line,
    workers_summary,
)
from flowerpower_cli.views.table_layout import table_lines
from flowerpower_cli.views.tables import Cell, Table, cell
from flowerpower_cli.watch.drawing import block_lines
from flowerpower_cli.watch.state import Screen, State, filter_words, selected_job

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from flowerpower.jobs.snapshot import QueueState
    from flowerpower.pipeline.limit_states import LimitState
    from flowerpower.pipeline.status import ProjectStatus

MAX_QUEUES = 4
MAX_LIMITS = 3
MAX_PROBLEMS = 2
LAST_LOG_LINES = 10
_TITLES = ("  job", "pipeline", "status", "when", "took", "")
_MARKS = ("", "", "", "", ">", "")
_OPTIONAL = ("when",)
CURSOR = ">"
KEYS = {
    Screen.LIST: "↑↓ Enter open  l log  r retry  c cancel  p pause  / filter  ? help  q quit",
    Screen.JOB: "↑↓ scroll  l log  r retry  c cancel  p pause queue  b back  ? help  q quit",
    Screen.LOG: "↑↓ scroll  G follow  r retry  c cancel  b back  ? help  q quit",
    Screen.HELP: "b back  q quit",
}
HELP = """\
Keys

  ↑ ↓  k j          move, or scroll
  PgUp PgDn Space   move by a page
  Home End  g G     to the first, to the last; in a log, End follows what comes
  Enter             open a job: its nodes, attempts, error, the end of its log
  l                 the log of a job
  b  Esc            back; in the list, show all jobs again
  /                 show only some jobs, by statuses and a pipeline, or how
                    they begin: `failed daily`; Ctrl-U clears what is typed
  r                 retry a failed or cancelled job
  c                 cancel a job, after a question
  p                 pause the queue of a job, after a question; or resume it
  Ctrl-L            draw all of it again
  q  Ctrl-C         quit; Ctrl-Z suspends

The list has what runs, then what was added, started or has ended last.
Times are in the project's time zone.
"""


@dataclass(frozen=True)
class Picture:
    """What was read of a queue at `taken_at`, by the backend's clock.

    `read_at` is that time on `clock.monotonic`. `job`, its `children` and its `log` are those of
    the job whose id is `opened`; no job if it is gone. `away` says why the queue could not be read
    since then.
    """

    status: ProjectStatus
    taken_at: datetime
    jobs: Sequence[Job]
    read_at: float
    opened: str | None = None
    job: Job | None = None
    log: str = ""
    children: Sequence[Job] = ()
    away: str | None = None

    def now(self, monotonic: float) -> datetime:
        """The present time by the backend's clock."""
        return self.taken_at + timedelta(seconds=max(0.0, monotonic - self.read_at))


@dataclass(frozen=True)
class Drawn:
    """The lines of a screen, how many fit between its head and foot, and how many there are."""

    lines: list[Text]
    page: int
    total: int


def draw(state: State, picture: Picture, width: int, height: int, monotonic: float) -> Drawn:
    """The screen of so many cells, at that time of `clock.monotonic`."""
    now = picture.now(monotonic)
    head = list(_head(picture, width, now, monotonic))
    if state.screen is Screen.LIST:
        head += _summary(picture.status, now)
    else:
        head.append(_title(state, picture.job))
    # A terminal may be small: the body keeps two lines, the foot one.
    head = head[: max(1, height - 3)]
    page = max(1, height - len(head) - 1)
    if state.screen is Screen.LIST:
        body, page, total = _list(state, picture, now, width, page)
    else:
        lines = _text(state, picture, width)
        last = max(0, len(lines) - page)
        first = last if state.scroll is None else min(state.scroll, last)
        body, total = lines[first : first + page], len(lines)
    lines = [*head, *body]
    lines += [Text("")] * (height - 1 - len(lines))
    lines = [*lines[: height - 1], _foot(state, picture)]
    return Drawn([_cut(line, width) for line in lines], page, total)


def _head(picture: Picture, width: int, now: datetime, monotonic: float) -> Iterator[Text]:
    status = picture.status
    time = f"{now.astimezone(clock.timezone(status.timezone)):%H:%M:%S %Z}"
    backend = f"{status.backend['version']}  {status.backend['url']}"
    left = Text.assemble((_safe(status.project), "bold"), (f"  {_safe(backend)}", "dim"))
    left.truncate(max(1, width - len(time) - 2), overflow="ellipsis", pad=True)
    yield left.append(f"  {time}", "bold")
    if picture.away:
        age = format_duration(round(monotonic - picture.read_at))
        text = f"This is {age} old; trying again. {picture.away}"
        yield Text(_safe(text), "bold red")


def _summary(status: ProjectStatus, now: datetime) -> Iterator[Text]:
    zone = clock.timezone(status.timezone)
    line = Text.assemble(("workers ", "dim"), workers_summary(status))
    if following := upcoming_line(status, now):
        line.append("   next fire ", "dim").append(following)
    yield line
    for queue in status.queues[:MAX_QUEUES]:
        yield _queue_line(queue, now, zone)
    if more := status.queues[MAX_QUEUES:]:
        yield Text(f"and {len(more)} more queues", "dim")
    yield from _limit_lines(status.limits)
    for problem in status.problems[:MAX_PROBLEMS]:
        level = (f"{problem.level}: ", LEVELS[problem.level])
        hint = (f" {_safe(problem.hint or '')}", "dim")
        yield Text.assemble(level, _safe(problem.message), hint)
    if more_problems := status.problems[MAX_PROBLEMS:]:
        yield Text(f"and {len(more_problems)} more problems: flowerpower status", "dim")
    yield Text("")


def _queue_line(queue: QueueState, now: datetime, zone: ZoneInfo) -> Text:
    line = Text.assemble(("queue ", "dim"), (_safe(queue.name), "bold"))
    for status in (JobStatus.RUNNING, JobStatus.QUEUED, JobStatus.SCHEDULED, JobStatus.WAITING,
                   JobStatus.FAILED, JobStatus.FINISHED, JobStatus.CANCELLED):  # fmt: skip
        if count := queue.counts[status]:
            line.append(f"  {count} {status}", STYLES[status])
        if status is JobStatus.QUEUED and queue.oldest_due is not None:
            line.append(f", the oldest for {oldest_waits(queue, now)}", "dim")
    if not sum(queue.counts.values()):
        line.append("  no jobs", "dim")
    if note := queue_note(queue, now, zone):
        line.append(f"  {note}", "bold yellow")
    return line


def _limit_lines(limits: Sequence[LimitState]) -> Iterator[Text]:
    """The limits that hold back jobs."""
    held = [(state.title, note) for state in limits if (note := limit_note(state))]
    for name, note in held[:MAX_LIMITS]:
        yield Text.assemble(("limit ", "dim"), (_safe(name), "bold"), f"  {note}")
    if more := held[MAX_LIMITS:]:
        yield Text(f"and {len(more)} more limits that hold back jobs", "dim")


def _list(
    state: State, picture: Picture, now: datetime, width: int, height: int
) -> tuple[list[Text], int, int]:
    """The lines of the list, how many jobs fit, and how many there are."""
    jobs = picture.jobs
    if not jobs:
        text = "No job meets the filter." if state.filter else "There are no jobs yet."
        return [Text(f" {text}", "dim")], max(1, height), 0
    cursor = selected_job(state, jobs)
    view = view_of_status(picture.status, now)
    table = _jobs_table(jobs, cursor, view, clock.timezone(picture.status.timezone))
    titles = list(table.headers)
    _, header, rule, *rows = table_lines(titles, _MARKS, table.rows, _OPTIONAL, width)
    page = max(1, height - 2)
    place = jobs.index(cursor) if cursor is not None else 0
    # The cursor stays in the middle, so that what is near it is seen.
    first = max(0, min(place - page // 2, len(jobs) - page))
    if cursor is not None:
        # Without the colours of the row, which would be patches.
        rows[place] = Text(rows[place].plain.ljust(width), "reverse")
    shown = rows[: len(jobs)][first : first + page]
    return [header, rule, *shown][:height], page, len(jobs)


def _jobs_table(jobs: Sequence[Job], cursor: Job | None, view: QueueView, zone: ZoneInfo) -> Table:
    now = view.now
    rows = [
        (
            cell(f"{CURSOR if job is cursor else ' '} {short_id(job.id)}", "bold"),
            cell(job.pipeline),
            cell(job.status, STYLES[job.status]),
            cell(short_time(job.changed_at, now, zone), "dim"),
            cell(_took(job, now)),
            _note(job, view),
        )
        for job in jobs
    ]
    return Table(_TITLES, rows)


def _took(job: Job, now: datetime) -> str:
    if job.status is JobStatus.RUNNING:
        return seconds_running(job, now)
    return "" if job.seconds is None else format_duration(job.seconds)


def _note(job: Job, view: QueueView) -> Cell:
    error = error_summary(job.error)
    if job.status is JobStatus.RUNNING:
        if job.cancel_requested:
            return cell("is being cancelled", "yellow")
        current = (job.progress or {}).get("current") or ""
        attempt = f"attempt {job.attempt}  " if job.attempt > 1 else ""
        return cell(f"{attempt}{progress_text(job, bar=True)} {current}", "yellow")
    reason = waits_for(job, view)
    if reason is None:
        return cell(error, "red" if job.status is JobStatus.FAILED else "dim")
    if reason.limit is None and job.status is JobStatus.QUEUED:
        # That its queue is paused, or has no worker, is said above.
        waits = (view.now - max(job.run_at, job.created_at)).total_seconds()
        return cell(f"waits for {format_duration(round(max(waits, 0.0)))}", "dim")
    return cell(": ".join(filter(None, [reason.message, error])), "dim")


def _title(state: State, job: Job | None) -> Text:
    """What stands above a longer text: a log may be scrolled far."""
    if state.screen is not Screen.LOG or job is None:
        return Text("")
    title = Text.assemble(("Log of ", "dim"), (_safe(job.id), "bold"), f"  {_safe(job.pipeline)}  ")
    return title.append(str(job.status), STYLES[job.status])


def _text(state: State, picture: Picture, width: int) -> list[Text]:
    """The lines of the screens that are a text."""
    if state.screen is Screen.HELP:
        return [Text(line) for line in HELP.splitlines()]
    job = picture.job
    if picture.opened != state.opened:
        return [Text("…", "dim")]
    if job is None:
        return [Text("The job is gone: its record has expired, or was deleted.", "dim")]
    if state.screen is Screen.LOG:
        nothing = "It printed nothing." if job.status.is_ended else "It has printed nothing yet."
        return list(_log_lines(picture.log, width)) or [Text(nothing, "dim")]
    lines = list(_job_lines(job, picture, width))
    log = list(_log_lines(picture.log, width))
    if log:
        blank = [Text("")] if lines and lines[-1].plain.strip() else []
        lines += [*blank, Text("Log", "bold"), *log[-LAST_LOG_LINES:]]
    return lines


def _job_lines(job: Job, picture: Picture, width: int) -> Iterator[Text]:
    blank_above = True
    reason = waits_for(job, view_of_status(picture.status))
    for block in job_view(job, picture.status.timezone, reason, picture.children):
        if block.starts_section and not blank_above:
            yield Text("")
        blank_above = block.has_margins
        yield from block_lines(block, width)


def _log_lines(log: str, width: int) -> Iterator[Text]:
    for line in visible(mask(log)).splitlines():
        for piece in chop_cells(line.expandtabs(8), width) or [""]:
            yield Text(piece)


def _foot(state: State, picture: Picture) -> Text:
    if state.question is not None:
        return Text(f"{_safe(state.question[0])} [y/N]", "bold yellow")
    if state.typed is not None:
        line = Text.assemble((f"{_safe(state.message)} " if state.message else "", "bold red"))
        return line.append("filter: ", "bold").append(_safe(state.typed)).append("▏")
    if state.message:
        return Text(_safe(state.message), "bold")
    line = Text("")
    if state.filter is not None:
        line.append(f"only {filter_words(state.filter)}, {len(picture.jobs)} jobs  ", "bold")
        line.append("Esc all  ", "dim")
    return line.append(KEYS[state.screen], "dim")


def _safe(text: str) -> str:
    return one_line(mask(text))


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line
