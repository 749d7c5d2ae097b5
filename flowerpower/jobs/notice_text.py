"""What people read of a notice: a title and a few lines, without secrets or control characters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flowerpower.errors import FlowerpowerError
from flowerpower.jobs.event import EventKind
from flowerpower.jobs.notice import PING, TEST, Notice
from flowerpower.text import is_job_id, is_name, mask, one_line, shortened
from flowerpower.triggers import clock
from flowerpower.triggers.clock import format_duration

SHOWN = 5
"""Jobs or schedules that the text of a notice of many names."""
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class NoticeText:
    """A notice in words; times are in `timezone`, the project's."""

    notice: Notice
    project: str
    timezone: str

    @cached_property
    def title(self) -> str:
        """One line: the project, what it is about, and what has happened."""
        return f"{self.project}: {_plain(self._headline())}"

    @cached_property
    def body(self) -> str:
        """A few lines: what, since when, why, and a command that shows more."""
        return "\n".join(_plain(line) for line in self._lines() if line)

    def to_json(self) -> dict[str, Any]:
        """The notice as a JSON object, with project, title and text."""
        texts = {"project": self.project, "title": self.title, "text": self.body}
        return {**self.notice.to_json(), **texts}

    def _headline(self) -> str:
        kind, count = self.notice.kind, self.notice.count
        if kind == TEST:
            return "a test notice"
        first = self._facts[0] if self._facts else {}
        if len(self._facts) == 1:
            return _HEADLINES[self._kind](first)
        names = [f"{name} ({number})" for name, number in self.notice.pipelines.items()]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return f"{_MANY[self._kind].format(count)}: {', '.join(names[:SHOWN])}{more}"

    def _lines(self) -> Iterator[str]:
        if self.notice.kind == TEST:
            yield "Notices of this project arrive here. It was sent by `flowerpower notify test`."
        elif len(self._facts) == 1:
            yield from self._one(self._facts[0])
        else:
            yield from self._many()

    @property
    def _kind(self) -> EventKind:
        if self.notice.kind != PING:
            return EventKind(self.notice.kind)
        is_failed = not self.notice.events or self.notice.events[0].get("kind") != "finished"
        return EventKind.FAILED if is_failed else EventKind.FINISHED

    @cached_property
    def _facts(self) -> list[Facts]:
        found = [event.get("facts") for event in self.notice.events]
        return [facts for facts in found if isinstance(facts, Mapping)]

    def _one(self, facts: Facts) -> Iterator[str]:
        job, schedule = facts.get("job_id"), facts.get("schedule_id")
        pipeline, error = facts.get("pipeline"), _error(facts)
        at = self._time(self.notice.events[0].get("at"))
        match self._kind:
            case EventKind.FAILED:
                took = f" after {_duration(facts)}" if _duration(facts) else ""
                yield f"The job {job} of {pipeline} failed{took}, {at}."
                yield error
            case EventKind.RECOVERED:
                since = self._time(facts.get("failing_since"))
                yield f"The job {job} of {pipeline} has finished, {at}."
                yield f"It had been failing since {since}."
            case EventKind.FINISHED:
                took = f" in {_duration(facts)}" if _duration(facts) else ""
                yield f"The job {job} of {pipeline} has finished{took}, {at}."
            case EventKind.LOST:
                yield f"{_sentence(facts.get('reason'))} The job {job} of {pipeline} runs again."
            case EventKind.MISSED:
                missed = f"{_fires(facts)}, {self._span(facts)}"
                yield f"The schedule {schedule} of {pipeline} missed {missed}."
                yield _sentence(facts.get("reason"))
            case EventKind.LATE:
                late, time = _duration(facts), self._time(facts.get("fire_time"))
                yield f"The fire of {schedule} at {time} was made {late} late; its job is {job}."
        if self._kind not in (EventKind.MISSED, EventKind.LATE) and schedule:
            time = self._time(facts.get("scheduled_for"))
            yield f"Schedule {schedule}, fire of {time}." if time else f"Schedule {schedule}."
        yield from _command(self._kind, facts)

    def _many(self) -> Iterator[str]:
        for facts in self._facts[:SHOWN]:
            subject = facts.get("job_id") or facts.get("schedule_id")
            detail = {
                EventKind.FAILED: _error(facts),
                EventKind.LOST: str(facts.get("reason") or ""),
                EventKind.MISSED: f"{_fires(facts)}, {self._span(facts)}",
                EventKind.LATE: f"{_duration(facts)} late",
            }.get(self._kind, "")
            name = f"{facts.get('pipeline')}  {subject}"
            yield f"- {name}: {detail}" if detail else f"- {name}"
        shown = sum(_number(facts) for facts in self._facts[:SHOWN])
        if (more := self.notice.count - shown) > 0:
            yield f"- and {more} more"
        if self._kind in (EventKind.MISSED, EventKind.LATE):
            yield "More: flowerpower schedule list"
        else:
            status = {EventKind.FAILED: " --status failed", EventKind.LOST: ""}
            which = status.get(self._kind, " --status finished")
            yield f"More: flowerpower job-queue list-jobs{which}"

    def _span(self, facts: Facts) -> str:
        first, last = self._time(facts.get("fire_time")), self._time(facts.get("last_time"))
        return f"from {first} to {last}" if last and last != first else f"at {first}"

    def _time(self, value: object) -> str:
        """A time of an event in the project's zone; empty if there is none that can be read."""
        if not isinstance(value, str):
            return ""
        try:
            moment = clock.parse_time(value)
        except FlowerpowerError:
            return ""
        zone = clock.timezone(self.timezone)
        return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"


_HEADLINES: Mapping[EventKind, Callable[[Facts], str]] = {
    EventKind.FAILED: lambda facts: f"{facts.get('pipeline')} failed",
    EventKind.RECOVERED: lambda facts: f"{facts.get('pipeline')} has recovered",
    EventKind.FINISHED: lambda facts: f"{facts.get('pipeline')} has finished",
    EventKind.LOST: lambda facts: f"a worker of {facts.get('pipeline')} died",
    EventKind.MISSED: lambda facts: f"{facts.get('schedule_id')} missed {_fires(facts)}",
    EventKind.LATE: lambda facts: f"{facts.get('schedule_id')} fired {_duration(facts)} late",
}
_MANY = {
    EventKind.FAILED: "{} jobs failed",
    EventKind.RECOVERED: "{} have recovered",
    EventKind.FINISHED: "{} jobs have finished",
    EventKind.LOST: "{} jobs lost their worker",
    EventKind.MISSED: "{} fires were missed",
    EventKind.LATE: "{} fires were late",
}


def _plain(line: str) -> str:
    return one_line(mask(line))


def _number(facts: Facts) -> int:
    count = facts.get("count")
    return count if isinstance(count, int) else 1


def _fires(facts: Facts) -> str:
    return f"{_number(facts)} fire{'' if _number(facts) == 1 else 's'}"


def _duration(facts: Facts) -> str:
    seconds = facts.get("seconds")
    if not isinstance(seconds, int | float):
        return ""
    return format_duration(round(seconds, 3 if seconds < 1 else 1))


def _error(facts: Facts) -> str:
    error = facts.get("error")
    if not isinstance(error, Mapping):
        return ""
    node = f" (in the node {error.get('node')})" if error.get("node") else ""
    # A notice has no room for the many lines that some messages have.
    message = shortened(str(error.get("message") or ""), 300)
    return f"{error.get('type')}: {message}{node}"


def _sentence(text: object) -> str:
    words = str(text or "").strip()
    return f"{words.rstrip('.')}." if words else ""


def _command(kind: EventKind, facts: Facts) -> Iterator[str]:
    """The command that shows more; an id that could mean something to a shell is not named."""
    job, schedule = facts.get("job_id"), facts.get("schedule_id")
    if kind is EventKind.MISSED:
        if is_name(schedule, 180):
            yield f"More: flowerpower schedule history {schedule}"
    elif is_job_id(job):
        yield f"More: flowerpower job-queue show-job {job}"
