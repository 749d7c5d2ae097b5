"""What the screen of `watch` shows, and what a key changes. No input and no output."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from flowerpower.errors import UsageError
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.text import did_you_mean
from flowerpower_cli.views.jobs import short_id

MAX_JOBS = 200
"""Jobs in the list."""


class Screen(StrEnum):
    """What is shown."""

    LIST = "list"
    JOB = "job"
    LOG = "log"
    HELP = "help"


@dataclass(frozen=True)
class Action:
    """What a key asks for, and of which job or queue: quit, retry, cancel, pause, resume."""

    verb: str
    target: str = ""


@dataclass(frozen=True)
class State:
    """What the screen shows.

    Attributes:
        screens: the one that is shown is the last one; Escape goes back to the one before.
        selected: the id of the job at the cursor of the list.
        scroll: the first line that is shown of a longer text; None: the end of it.
        typed: what is typed at the prompt for a filter; None without a prompt.
        filter: which jobs the list has; None for the latest.
        question: what is asked, and what is done if the answer is yes.
        message: what there is to say, until the next key.
    """

    screens: tuple[Screen, ...] = (Screen.LIST,)
    selected: str | None = None
    scroll: int | None = 0
    typed: str | None = None
    filter: JobFilter | None = None
    question: tuple[str, Action] | None = None
    message: str = ""

    @property
    def screen(self) -> Screen:
        """What is shown."""
        return self.screens[-1]

    @property
    def opened(self) -> str | None:
        """The id of the job that is shown alone."""
        return self.selected if {Screen.JOB, Screen.LOG} & {*self.screens} else None


@dataclass(frozen=True)
class Shown:
    """What a key may act on: the list's jobs, and whether each queue is paused.

    `page` is how many lines fit, `lines` how many a longer text has.
    """

    jobs: Sequence[Job] = ()
    paused: Mapping[str, bool] | None = None
    pipelines: Collection[str] = ()
    page: int = 20
    lines: int = 0


def press(state: State, key: str, shown: Shown) -> tuple[State, Action | None]:
    """The state after a key, and what is to be done."""
    state = replace(state, message="")
    if state.question is not None:
        _, action = state.question
        return replace(state, question=None), action if key in ("y", "Y") else None
    if state.typed is not None:
        return _at_prompt(state, key, shown), None
    if key == "q":
        return state, Action("quit")
    if key in _ANYWHERE:
        return _ANYWHERE[key](state), None
    if key in _MOVES:
        return _moved(state, _MOVES[key], shown), None
    return _act(state, key, shown)


def _back(state: State) -> State:
    if len(state.screens) > 1:
        return replace(state, screens=state.screens[:-1], scroll=0)
    return replace(state, filter=None)


def _help(state: State) -> State:
    if state.screen is Screen.HELP:
        return _back(state)
    return replace(state, screens=(*state.screens, Screen.HELP), scroll=0)


def _prompt(state: State) -> State:
    return replace(state, screens=(Screen.LIST,), typed="")


_ANYWHERE: Mapping[str, Callable[[State], State]] = {
    "escape": _back, "b": _back, "left": _back, "backspace": _back, "?": _help, "/": _prompt,
}  # fmt: skip
_MOVES = {
    "up": "up", "k": "up", "down": "down", "j": "down", "page up": "page up", "home": "home",
    "page down": "page down", " ": "page down", "end": "end", "g": "home", "G": "end",
}  # fmt: skip


def _moved(state: State, move: str, shown: Shown) -> State:
    is_list = state.screen is Screen.LIST
    last = len(shown.jobs) - 1 if is_list else max(shown.lines - shown.page, 0)
    if is_list:
        ids = [job.id for job in shown.jobs]
        place = ids.index(state.selected) if state.selected in ids else 0
    else:
        place = last if state.scroll is None else state.scroll
    steps = {"up": -1, "down": 1, "page up": -shown.page, "page down": shown.page}
    place = {"home": 0, "end": last}.get(move, place + steps.get(move, 0))
    place = max(min(place, last), 0)
    if is_list:
        return replace(state, selected=shown.jobs[place].id if shown.jobs else None)
    # At its end a text that grows is followed.
    return replace(state, scroll=None if place == last and state.screen is Screen.LOG else place)


def _act(state: State, key: str, shown: Shown) -> tuple[State, Action | None]:
    job = selected_job(state, shown.jobs)
    if job is None:
        return state, None
    state = replace(state, selected=job.id)
    if key in ("enter", "right") and state.screen is Screen.LIST:
        return replace(state, screens=(*state.screens, Screen.JOB), scroll=0), None
    if key == "l" and state.screen is not Screen.LOG:
        return replace(state, screens=(*state.screens, Screen.LOG), scroll=None), None
    if key == "r":
        return state, Action("retry", job.id)
    if key == "c":
        text = f"Cancel the job {short_id(job.id)} of {job.pipeline}?"
        return replace(state, question=(text, Action("cancel", job.id))), None
    if key == "p":
        is_paused = (shown.paused or {}).get(job.queue, False)
        if is_paused:
            return state, Action("resume", job.queue)
        text = f"Pause the queue {job.queue}, so that workers take no jobs from it?"
        return replace(state, question=(text, Action("pause", job.queue))), None
    return state, None


def selected_job(state: State, jobs: Sequence[Job]) -> Job | None:
    """The job at the cursor: the first one of the list if that is gone."""
    by_id = {job.id: job for job in jobs}
    if state.selected in by_id:
        return by_id[state.selected]
    return None if state.screen in (Screen.JOB, Screen.LOG) or not jobs else jobs[0]


def _at_prompt(state: State, key: str, shown: Shown) -> State:
    typed = state.typed or ""
    if key == "escape":
        return replace(state, typed=None)
    if key == "enter":
        try:
            job_filter = read_filter(typed, shown.pipelines)
        except UsageError as error:
            return replace(state, message=error.message)
        return replace(state, typed=None, filter=job_filter, selected=None)
    if key == "backspace":
        return replace(state, typed=typed[:-1])
    if key == "clear":
        return replace(state, typed="")
    return replace(state, typed=typed + key) if len(key) == 1 else state


def read_filter(text: str, pipelines: Collection[str]) -> JobFilter | None:
    """The filter in words: statuses and at most one pipeline, or how they begin; None for none.

    Raises:
        UsageError: for a word that is neither.
    """
    statuses: set[JobStatus] = set()
    pipeline: str | None = None
    for word in text.replace(",", " ").split():
        matching = [status for status in JobStatus if status.startswith(word.lower())]
        named = [word] if word in pipelines else [p for p in pipelines if p.startswith(word)]
        if matching and word not in pipelines:
            statuses.update(matching)
        elif len(named) == 1:
            pipeline = named[0]
        elif named:
            raise UsageError(f"{word!r} begins {', '.join(sorted(named)[:4])}: say more of it.")
        else:
            known = [*JobStatus, *pipelines]
            raise UsageError(
                f"{word!r} is neither a status nor a pipeline.{did_you_mean(word, known)}"
            )
    if not statuses and pipeline is None:
        return None
    return JobFilter(frozenset(statuses), pipeline, limit=MAX_JOBS)


def filter_words(job_filter: JobFilter) -> str:
    """A filter in the words that it was read from."""
    words = [str(status) for status in JobStatus if status in job_filter.statuses]
    return " ".join([*words, job_filter.pipeline or ""]).strip()
