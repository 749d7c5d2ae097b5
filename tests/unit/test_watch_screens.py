"""What the screen of `watch` shows, and what is sent to a terminal for it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from rich.text import Text

from flowerpower.jobs.chain import AfterCondition
from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.jobs.limits import Limit, LimitUse
from flowerpower.jobs.problem import Level, Problem
from flowerpower.jobs.snapshot import QueueState
from flowerpower.pipeline.limit_states import LimitState
from flowerpower.pipeline.status import ProjectStatus
from flowerpower_cli.watch.drawing import Painter
from flowerpower_cli.watch.screens import Drawn, Picture, draw
from flowerpower_cli.watch.state import Screen, State

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
S = JobStatus


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def job(job_id: str, status: JobStatus, seconds: float = 60, **fields: Any) -> Job:
    return Job(job_id, "daily_report", "default", status, ago(seconds), ago(seconds), **fields)


RUNNING = job(
    "runs", S.RUNNING, started_at=ago(5), attempt=1,
    progress={"done": 1, "total": 4, "current": "revenue", "nodes": {}},
)  # fmt: skip
FAILED = job(
    "fails", S.FAILED, started_at=ago(30), ended_at=ago(29), attempt=1,
    error={"type": "ValueError", "message": "[/]no \x1b[31msuch\nregion", "node": "total"},
)  # fmt: skip
JOBS = (
    RUNNING,
    FAILED,
    job("waits", S.QUEUED, 12),
    job("3f2b8c1e-1111-4222-8333-444444444444", S.FINISHED),
)


def picture(**changes: Any) -> Picture:
    counts = {**dict.fromkeys(S, 0), S.RUNNING: 1, S.FAILED: 1}
    status = ProjectStatus(
        project="shop",
        timezone="Europe/Berlin",
        taken_at=NOW,
        backend={"backend": "rq", "version": "Redis 7.0", "url": "redis://:***@host/0"},
        queues=[QueueState("default", counts, oldest_due=ago(12), paused_at=ago(60))],
        workers=[WorkerInfo("w", "h", 1, ("default",), 2, ago(99), 1, ago(1), ("runs",))],
        has_scheduler=True,
        running=[],
        failed=[],
        upcoming=[],
        schedules=0,
        problems=[Problem("queue_paused", Level.WARNING, "The queue is paused.", "Resume it.")],
    )
    return replace(Picture(status, NOW, JOBS, 100.0), **changes)


def texts(drawn: Drawn) -> list[str]:
    return [line.plain for line in drawn.lines]


LIST = State()


def shown(state: State = LIST, width: int = 79, height: int = 24, **changes: Any) -> str:
    return "\n".join(texts(draw(state, picture(**changes), width, height, 100.0)))


def test_the_list_shows_what_there_is() -> None:
    """Project, backend, workers, queues, problems, and the jobs with progress or error."""
    text = shown(width=120)
    for part in (
        "shop  Redis 7.0  redis://:***@host/0", "13:00:00 CET", "1 alive, 1 of 2 slots used",
        "1 running", "the oldest for 12s", "paused since 12:59:00", "warning: The queue is paused.",
        "> runs", "━━──────── 1/4 revenue", "waits for 12s", "3f2b8c1e ",
        r"total: ValueError: [/]no \x1b[31msuch",
    ):  # fmt: skip
        assert part in text, part
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [20, 39, 79, 140])
@pytest.mark.parametrize("height", [1, 3, 8, 24, 50])
@pytest.mark.parametrize("screen", list(Screen))
def test_a_screen_has_the_size_of_its_terminal(screen: Screen, width: int, height: int) -> None:
    """Whatever that is, and whatever is shown; no line is longer."""
    state = State(screens=(Screen.LIST, screen), selected="runs")
    log = "a\tb\n" + "x" * 300 + "\nñ漢字" * 60
    drawn = draw(state, picture(opened="runs", job=RUNNING, log=log), width, height, 100.0)
    assert len(drawn.lines) == height
    assert max(cell_len(line) for line in texts(drawn)) <= width


def test_the_list_follows_the_cursor() -> None:
    """Of many jobs those near it are shown."""
    jobs = [job(f"j{number}", S.QUEUED) for number in range(100)]
    for number in (0, 1, 50, 98, 99):
        text = shown(State(selected=f"j{number}"), jobs=jobs)
        assert re.search(rf"^ > j{number} ", text, re.MULTILINE), (number, text)
    assert "j99" in shown(State(selected="j95"), jobs=jobs)


def test_an_empty_list_says_so() -> None:
    """Without jobs at all, and without those that the filter wants."""
    assert "There are no jobs yet." in shown(jobs=())
    only = JobFilter(frozenset({S.FAILED}), "daily_report")
    text = shown(State(filter=only), jobs=())
    assert "No job meets the filter." in text
    assert "only failed daily_report, 0 jobs" in text


def test_a_backend_that_is_away_is_said() -> None:
    """With the age of the picture, which stays; the clock goes on."""
    lines = texts(draw(State(), picture(away="Redis does not answer."), 79, 24, 112.0))
    assert lines[0].endswith("13:00:12 CET")
    assert lines[1] == "This is 12s old; trying again. Redis does not answer."
    assert "17s" in next(line for line in lines if "> runs" in line)


def test_a_job_is_opened() -> None:
    """With its facts and the end of its log; one that is gone is said to be."""
    state = State(screens=(Screen.LIST, Screen.JOB), selected="fails")
    log = "".join(f"line {number}\n" for number in range(50))
    text = shown(state, height=40, opened="fails", job=FAILED, log=log)
    assert "fails  daily_report  failed" in text
    assert r"ValueError: [/]no \x1b[31msuch" in text
    assert "line 49" in text
    assert "line 39" not in text
    assert "…" in shown(state)
    assert "The job is gone" in shown(state, opened="fails")


def test_a_log_is_followed_or_scrolled() -> None:
    """Its end is shown, or what is from a line on; long lines are broken."""
    state = State(screens=(Screen.LIST, Screen.LOG), selected="fails", scroll=None)
    log = "".join(f"line {number}\n" for number in range(50)) + "y" * 100
    lines = texts(draw(state, picture(opened="fails", job=FAILED, log=log), 79, 24, 100.0))
    assert lines[-3:-1] == ["y" * 79, "y" * 21]
    first = shown(replace(state, scroll=0), opened="fails", job=FAILED, log=log)
    assert "Log of fails" in first
    assert "line 0" in first
    assert "printed nothing" in shown(state, opened="fails", job=FAILED)


def test_the_foot_asks_and_says() -> None:
    """A question, the prompt with its error, a message, or the keys."""
    assert "Cancel it? [y/N]" in shown(State(question=("Cancel it?", None)))  # type: ignore[arg-type]
    assert "filter: fai" in shown(State(typed="fai"))
    assert "wrong filter: x" in shown(State(typed="x", message="wrong"))
    assert shown(State(message="done")).endswith("done")
    assert shown().endswith("q quit")


def test_only_changed_lines_are_sent() -> None:
    """Nothing at all if nothing has changed; all of it after the terminal was another's."""
    painter = Painter(color=True)
    lines = [Text("one"), Text("two", "bold")]
    first = painter.changes(lines)
    assert "\x1b[2J" in first
    assert "\x1b[1mtwo" in first
    assert painter.changes(lines) == ""
    second = painter.changes([Text("one"), Text("2")])
    assert second == "\x1b[?2026h\x1b[2;1H2\x1b[0m\x1b[K\x1b[?2026l"
    painter.forget()
    assert "one" in painter.changes([Text("one"), Text("2")])


def test_without_colour_there_is_no_style() -> None:
    """As NO_COLOR wants it; the cursor is still seen by its mark."""
    assert "\x1b[1m" not in Painter(color=False).changes([Text("one", "bold")])


def test_limits_and_parents_that_jobs_wait_for_are_shown() -> None:
    """Of limits those that hold back jobs; a job waits for a limit before it waits for its turn."""
    full = LimitState("w", Limit(1), ("daily_report",), LimitUse(("runs",), parked=4))
    idle = LimitState("idle", Limit(9), ("other",), LimitUse())
    status = replace(picture().status, limits=[full, idle])
    counts = {**status.queues[0].counts, S.WAITING: 2}
    status = replace(status, queues=[QueueState("default", counts)])
    child = job("child", S.WAITING, after={"runs": None}, after_on=AfterCondition.SUCCESS)
    text = shown(width=120, status=status, jobs=[RUNNING, job("waits", S.QUEUED), child])
    for part in (
        "limit w  1 of 1 running, 4 parked", "2 waiting",
        "waits for the limit w, 1 at once: runs runs; 4 jobs wait for it",
        "waits for the job runs to finish",
    ):  # fmt: skip
        assert part in text, part
    assert "idle" not in text
    opened = State(screens=(Screen.LIST, Screen.JOB), selected="runs")
    text = shown(opened, opened="runs", job=RUNNING, children=[child], width=120, height=40)
    assert re.search(r"Children .*child +daily_report +waiting +waits for the job", text, re.S)
