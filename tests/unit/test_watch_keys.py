"""From the bytes of a terminal to keys, and from a key to the next state of the screen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowerpower.errors import UsageError
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower_cli.watch.keys import KeyReader
from flowerpower_cli.watch.state import (
    MAX_JOBS,
    Action,
    Screen,
    Shown,
    State,
    filter_words,
    press,
    read_filter,
)

NOW = datetime(2026, 11, 29, tzinfo=UTC)
S = JobStatus
JOBS = [
    Job(f"j{number}", "report", "default", S.QUEUED, NOW, NOW, attempt=1) for number in range(10)
]
SHOWN = Shown(jobs=JOBS, paused={"default": False}, pipelines=("report", "refund"), page=4)
PIPELINES = ("report", "refund", "failures")


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        (b"q", ["q"]),
        (b"\x1b[A\x1b[B", ["up", "down"]),
        (b"\x1bOA", ["up"]),
        (b"\x1b[1;5A", ["up"]),
        (b"\x1b[5~\x1b[6~\x1b[H\x1b[4~", ["page up", "page down", "home", "end"]),
        (b"\x1b[99~\x1b[Z\x1b[200~", []),
        (b"\r\x7f\t", ["enter", "backspace", "tab"]),
        (b"\x1bq", ["escape", "q"]),
        ("äß".encode(), ["ä", "ß"]),
        (b"\x00\x01", []),
        (b"\xff", ["�"]),
    ],
)
def test_bytes_are_keys(content: bytes, keys: list[str]) -> None:
    """Those of xterm and the Linux console; what is unknown is nothing."""
    assert KeyReader().feed(content) == keys


@pytest.mark.parametrize("content", [b"\x1b[A", b"\x1b[5~", b"\x1bOA", "ä".encode(), b"\x1b[1;2B"])
def test_a_key_may_come_in_pieces(content: bytes) -> None:
    """Byte by byte."""
    whole, reader = KeyReader().feed(content), KeyReader()
    assert [key for byte in content for key in reader.feed(bytes([byte]))] == whole
    assert not reader.is_waiting


def test_escape_alone_is_a_key_once_nothing_follows() -> None:
    """Until then it may be the begin of another one."""
    reader = KeyReader()
    assert reader.feed(b"\x1b") == []
    assert reader.is_waiting
    assert reader.flush() == ["escape"]
    assert not reader.is_waiting


def keys(state: State, *pressed: str, shown: Shown = SHOWN) -> tuple[State, list[Action]]:
    """The state after these keys, and what they asked for."""
    actions = []
    for key in pressed:
        state, action = press(state, key, shown)
        actions += [action] if action else []
    return state, actions


@pytest.mark.parametrize(
    ("pressed", "selected"),
    [
        (["down"], "j1"),
        (["j", "j", "k"], "j1"),
        (["up"], "j0"),
        (["page down"], "j4"),
        ([" ", " ", " "], "j9"),
        (["end"], "j9"),
        (["G", "page up"], "j5"),
        (["end", "home"], "j0"),
    ],
)
def test_the_cursor_moves_and_stays_in_the_list(pressed: list[str], selected: str) -> None:
    """By lines and pages."""
    assert keys(State(), *pressed)[0].selected == selected


def test_the_cursor_stays_at_its_job() -> None:
    """Wherever the job moves to; if it is gone, the first job has it."""
    state, _ = keys(State(), "down")
    moved = Shown(jobs=[JOBS[5], *JOBS[:3]], page=4)
    assert keys(state, "down", shown=moved)[0].selected == "j2"
    gone = Shown(jobs=JOBS[5:], page=4)
    assert keys(state, "r", shown=gone)[1] == [Action("retry", "j5")]


def test_screens_open_and_close() -> None:
    """Enter opens the job, l its log, and b and Escape go back step by step."""
    state, _ = keys(State(), "down", "enter")
    assert (state.screen, state.opened, state.scroll) == (Screen.JOB, "j1", 0)
    state, _ = keys(state, "l")
    assert (state.screen, state.scroll) == (Screen.LOG, None)
    state, _ = keys(state, "?")
    assert (state.screen, state.opened) == (Screen.HELP, "j1")
    state, _ = keys(state, "b", "escape")
    assert state.screen is Screen.JOB
    state, _ = keys(state, "b", "b", "b")
    assert (state.screen, state.opened, state.selected) == (Screen.LIST, None, "j1")


def test_a_text_is_scrolled() -> None:
    """At the end of a log what comes is followed; a key upwards ends that."""
    text = Shown(jobs=JOBS[1:2], page=4, lines=10)
    state, _ = keys(State(), "down", "l")
    assert keys(state, "up", shown=text)[0].scroll == 5
    assert keys(state, "home", shown=text)[0].scroll == 0
    assert keys(state, "home", "page down", "page down", shown=text)[0].scroll is None
    opened, _ = keys(State(), "enter")
    assert keys(opened, "end", "down", shown=text)[0].scroll == 6


def test_what_destroys_asks_before() -> None:
    """Cancelling and pausing do, retrying and resuming do not; only y is yes."""
    assert keys(State(), "down", "r")[1] == [Action("retry", "j1")]
    for key, action in (("c", Action("cancel", "j0")), ("p", Action("pause", "default"))):
        state, actions = keys(State(), key)
        assert actions == []
        assert state.question is not None
        assert keys(state, "y")[1] == [action]
        assert keys(state, "enter") == (State(selected="j0"), [])
    paused = Shown(jobs=JOBS, paused={"default": True})
    assert keys(State(), "p", shown=paused)[1] == [Action("resume", "default")]


def test_q_quits_but_not_in_a_prompt() -> None:
    """There it is a letter."""
    assert keys(State(), "q")[1] == [Action("quit")]
    state, actions = keys(State(), "/", "q", "é", "backspace")
    assert (state.typed, actions) == ("q", [])
    assert keys(state, "clear")[0].typed == ""
    assert keys(state, "escape")[0].typed is None


def test_a_filter_is_typed() -> None:
    """What cannot be read is said, and can be corrected; Escape shows all jobs again."""
    state, _ = keys(State(selected="j3"), "/", *"failed rep", "enter")
    assert state.filter == JobFilter(frozenset({S.FAILED}), "report", limit=MAX_JOBS)
    assert (state.typed, state.selected) == (None, None)
    assert keys(state, "escape")[0].filter is None
    wrong, _ = keys(state, "/", *"reprot", "enter")
    assert wrong.typed == "reprot"
    assert "Did you mean 'report'?" in wrong.message
    assert keys(wrong, "clear", "enter")[0].filter is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("failed", "failed"),
        ("f", "finished failed"),
        ("q,ru", "queued running"),
        ("RUN report", "running report"),
        ("refund", "refund"),
        ("failures", "failures"),
        ("fai", "failed"),
    ],
)
def test_a_filter_is_read(text: str, words: str) -> None:
    """Statuses before pipelines, unless a pipeline has that very name."""
    job_filter = read_filter(text, PIPELINES)
    assert job_filter is not None
    assert filter_words(job_filter) == words


@pytest.mark.parametrize(("text", "message"), [("re", "begins refund, report"), ("x", "neither")])
def test_a_wrong_filter_is_refused(text: str, message: str) -> None:
    """With what it may mean."""
    with pytest.raises(UsageError, match=message):
        read_filter(text, PIPELINES)


def test_no_key_harms_an_empty_list() -> None:
    """Nor a job that is gone."""
    empty = Shown()
    for key in ("up", "down", "page down", "end", "enter", "l", "r", "c", "p", "escape", "x"):
        state, action = press(State(), key, empty)
        assert (state.screen, action) == (Screen.LIST, None)
    gone = State(screens=(Screen.LIST, Screen.JOB), selected="j1")
    for key in ("r", "c", "p", "l", "down"):
        assert press(gone, key, empty)[1] is None
