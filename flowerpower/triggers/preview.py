"""What a trigger will do, for people: its next fires, and what transitions do to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from flowerpower.triggers import clock
from flowerpower.triggers.base import LATEST, Trigger
from flowerpower.triggers.calendar_times import AnyWallTimes, CalendarTimes
from flowerpower.triggers.instants import catches_up_at
from flowerpower.triggers.interval import Interval
from flowerpower.triggers.transitions import (
    Transition,
    last_transition,
    next_transition,
    offset_at,
    spans_of_date,
    to_datetime,
    to_second,
    to_wall_time,
)
from flowerpower.triggers.words import day_and_time, day_in_words, listed, time_in_words

_DAY = 86_400
_HORIZON = 2 * 366 * _DAY
_FEW_FIRES = 4
"""Up to so many fires that an exception takes away are listed one by one."""


@dataclass(frozen=True)
class PreviewRow:
    """One fire to come.

    Attributes:
        fire: the nominal time, aware, in UTC.
        local: the same in the trigger's zone.
        note: what is special about this fire, mostly what a transition does to it, a sentence
            without its full stop; else empty.
    """

    fire: datetime
    local: datetime
    note: str = ""


def preview(trigger: Trigger, start: datetime, count: int = 10) -> list[PreviewRow]:
    """The next `count` fires later than the aware `start`, fewer if there are no more."""
    rows: list[PreviewRow] = []
    before = to_second(start)
    for fire in islice(trigger.fires(start), count):
        if trigger.wall_times:
            note = _note(trigger.wall_times, trigger.zone, before, to_second(fire))
        else:
            note = "" if rows else " ".join(trigger.notes).removesuffix(".")
            if _is_of_days(trigger):
                note = _moved_note(trigger.zone, before, to_second(fire)) or note
        rows.append(PreviewRow(fire, fire.astimezone(trigger.zone), note))
        before = to_second(fire)
    return rows


def transition_sentences(trigger: Trigger, start: datetime, count: int = 10) -> list[str]:
    """A sentence for each transition that touches one of the next `count` fires."""
    fires = [to_second(fire) for fire in islice(trigger.fires(start), count)]
    wall_times = trigger.wall_times
    if _is_of_days(trigger) and fires:
        transitions = _transitions(trigger.zone, to_second(start), fires[-1])
        return [_sentence(trigger, transition) for transition in transitions]
    if wall_times is None or not fires:
        return []
    return [
        _sentence(trigger, transition)
        for transition in _transitions(trigger.zone, to_second(start), fires[-1] + _DAY)
        if (transition.at <= fires[-1] or _shown_again(fires[-1], transition))
        and wall_times.any(*transition.minutes)
        and not _is_excepted(trigger, transition)
    ]


def next_transition_sentence(trigger: Trigger, start: datetime) -> str | None:
    """The next transition of the trigger's zone and what it does to the fires.

    None if there is none within two years, or no fire after it.
    """
    second = to_second(start)
    transition = next_transition(trigger.zone, second, min(second + _HORIZON, to_second(LATEST)))
    if transition is None or trigger.next_after(to_datetime(transition.at - 1)) is None:
        return None
    return _sentence(trigger, transition)


def exception_sentences(trigger: Trigger, start: datetime, until: datetime) -> list[str]:
    """A sentence for each exception that takes fires f with `start < f <= until` away."""
    without = replace(trigger, except_=())
    sentences = []
    for day, number in trigger.excepted(start, until):
        spans = spans_of_date(trigger.zone, day)
        begin = max(start, to_datetime(spans[0][0]) - timedelta(microseconds=1))
        times = [
            time_in_words(fire.astimezone(trigger.zone))
            for fire in islice(without.fires(begin), min(number, _FEW_FIRES))
        ]
        few = number <= _FEW_FIRES
        fires = f"the fire{'s' * (number > 1)} of {listed(times)}" if few else f"{number} fires"
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - it is shown as a date
        sentences.append(f"On {day_in_words(midnight)} an exception takes {fires} away.")
    return sentences


def _is_of_days(trigger: Trigger) -> bool:
    return isinstance(trigger, Interval) and trigger.follows_local_time


def _moved(before: int, after: int) -> str:
    """How the local time of what happens every so many days of elapsed time changes."""
    length = clock.format_duration(abs(after - before))
    return f"{length} {'later' if after > before else 'earlier'} by the clock"


def _moved_note(zone: ZoneInfo, before: int, fire: int) -> str:
    old, new = offset_at(zone, before), offset_at(zone, fire)
    return "" if old == new else f"clocks changed: {_moved(old, new)} than before"


def _is_excepted(trigger: Trigger, transition: Transition) -> bool:
    """Whether what the transition touches lies on a date without fires."""
    local = transition.stop_local if transition.skips else transition.first_local
    return to_wall_time(local).date() in trigger.except_


def _transitions(zone: ZoneInfo, after: int, until: int) -> Iterator[Transition]:
    transition = next_transition(zone, after, until)
    while transition:
        yield transition
        transition = next_transition(zone, transition.at, until)


def _sentence(trigger: Trigger, transition: Transition) -> str:
    old = to_wall_time(transition.at + transition.before)
    new = to_wall_time(transition.at + transition.after)
    direction = "forward" if transition.skips else "back"
    other_day = f" of {day_in_words(new)}" if new.date() != old.date() else ""
    return (
        f"On {day_in_words(old)} clocks in {trigger.timezone} go {direction} from "
        f"{time_in_words(old)} to {time_in_words(new)}{other_day}: {_effect(trigger, transition)}."
    )


def _effect(trigger: Trigger, transition: Transition) -> str:
    wall_times = trigger.wall_times
    if _is_of_days(trigger):
        moved = _moved(transition.before, transition.after)
        return f"from then on fires come {moved}, because an interval counts elapsed time"
    first, stop = transition.minutes
    number = wall_times.count(first, stop) if wall_times else 0
    if wall_times is None or not number or _is_excepted(trigger, transition):
        return "no fire is affected"
    one = number == 1
    fires = _fires(wall_times, transition)
    if not transition.skips:
        if wall_times.is_wildcard or transition.is_correction:
            return f"{fires} come{'s' * one} twice"
        return f"{fires} come{'s' * one} once, the first time"
    if not catches_up_at(wall_times, transition):
        return f"{fires} {'is' if one else 'are'} skipped"
    after_gap = time_in_words(to_wall_time(transition.at + transition.after))
    if wall_times.any(stop, stop + 1):
        return f"{fires} join{'s' * one} that of {after_gap}"
    return f"{fires} {'moves to' if one else 'become one at'} {after_gap}"


def _fires(wall_times: AnyWallTimes, transition: Transition) -> str:
    """The skipped or repeated wall times in words: "the fires of 02:00 and 02:30"."""
    first, stop = transition.minutes
    number = wall_times.count(first, stop)
    spans_days = (stop - first) * 60 >= _DAY
    show = day_and_time if spans_days else time_in_words
    if number <= (1 if spans_days else 4):
        names = [show(to_wall_time(minute * 60)) for minute in _between(wall_times, first, stop)]
        return f"the fire{'s' * (number > 1)} of {listed(names)}"
    earliest, latest = wall_times.at_or_after(first), wall_times.at_or_before(stop - 1)
    assert earliest is not None
    assert latest is not None
    span = f"{show(to_wall_time(earliest * 60))} to {show(to_wall_time(latest * 60))}"
    return f"the {number} fires from {span}"


def _between(wall_times: AnyWallTimes, first: int, stop: int) -> Iterator[int]:
    minute = wall_times.at_or_after(first)
    while minute is not None and minute < stop:
        yield minute
        minute = wall_times.at_or_after(minute + 1)


def _note(wall_times: AnyWallTimes, zone: ZoneInfo, before: int, fire: int) -> str:
    """What is special about a fire, the next one after the instant `before`."""
    last = last_transition(zone, fire)
    local = fire + (last.after if last else 0)
    if last and last.skips and before < last.at and wall_times.any(*last.minutes):
        skipped = _fires(wall_times, last).removeprefix("the ")
        if not catches_up_at(wall_times, last):
            return f"before it, clocks skip the {skipped}"
        also = "also " if wall_times.any(last.minutes[1], last.minutes[1] + 1) else ""
        return f"clocks go forward: {also}stands for the {skipped}"
    if last and not last.skips and local < last.stop_local:
        return "second of two: clocks went back"
    following = next_transition(zone, fire, fire + _DAY)
    if following and _shown_again(fire, following):
        if wall_times.is_wildcard or following.is_correction:
            return "first of two: clocks go back"
        return "fires this time only: clocks go back and show it again"
    if isinstance(wall_times, CalendarTimes) and wall_times.stands_in(local // 60):
        return "the last day of its month, which is shorter"
    return ""


def _shown_again(fire: int, transition: Transition) -> bool:
    """Whether the wall time of a fire before the transition is among those it repeats."""
    return not transition.skips and fire + transition.before >= transition.first_local
