"""From the wall times of a trigger to instants, across the transitions of a zone.

The rule at a transition is that of Debian's cron:

- a wildcard expression (minute or hour begins with `*`) follows real time. It fires whenever the
  wall clock shows one of its wall times: a repeated hour twice, a skipped one never;
- any other fires once per wall time: a repeated one the first time only, all skipped ones
  together at the first instant after the gap;
- a transition of three hours or more corrects the clock: nothing is caught up or left out.

Between two transitions the offset is constant, so each search goes from transition to transition
and never from fire to fire.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from flowerpower.triggers.calendar_times import AnyWallTimes
from flowerpower.triggers.transitions import (
    Transition,
    last_transition,
    next_transition,
    offset_and_last_transition,
    offset_at,
    previous_transition,
    to_datetime,
)

_NEVER = -(10**18)


@lru_cache(maxsize=16_384)
def first_fire_after_minute(
    wall_times: AnyWallTimes, zone: ZoneInfo, minute: int
) -> datetime | None:
    """The first fire later than the start of a minute (counted from 1970), in UTC; cached."""
    fire = first_fire_after(wall_times, zone, minute * 60)
    return None if fire is None else to_datetime(fire)


def first_fire_after(wall_times: AnyWallTimes, zone: ZoneInfo, second: int) -> int | None:
    """The first fire later than the instant `second`, as an instant; None past all years."""
    offset, last = offset_and_last_transition(zone, second)
    local = max(second + 1 + offset, _repeated_until(wall_times, last))
    position = second
    while True:
        wall_time = wall_times.at_or_after(-(-local // 60))
        if wall_time is None:
            return None
        fire = wall_time * 60 - offset
        transition = next_transition(zone, position, fire)
        if transition is None:
            return fire
        if _catches_up(wall_times, transition) and wall_time * 60 < transition.stop_local:
            return transition.at
        position, offset = transition.at, transition.after
        local = max(transition.at + offset, _repeated_until(wall_times, transition))


def last_fire_until(wall_times: AnyWallTimes, zone: ZoneInfo, second: int) -> int | None:
    """The last fire not later than the instant `second`; None before all years."""
    position, offset = second, offset_at(zone, second)
    while True:
        wall_time = wall_times.at_or_before((position + offset) // 60)
        if wall_time is None:
            return None
        fire = wall_time * 60 - offset
        transition = previous_transition(zone, position, fire)
        if transition is None:
            transition = last_transition(zone, fire)
            if wall_time * 60 >= _repeated_until(wall_times, transition):
                return fire
        elif catches_up_at(wall_times, transition):
            return transition.at
        assert transition is not None  # without one, nothing is repeated
        position, offset = transition.at - 1, transition.before


def count_fires(wall_times: AnyWallTimes, zone: ZoneInfo, after: int, until: int) -> int:
    """How many fires f have `after < f <= until`."""
    offset, last = offset_and_last_transition(zone, after)
    local = max(after + 1 + offset, _repeated_until(wall_times, last))
    total, position = 0, after
    while position < until:
        transition = next_transition(zone, position, until)
        stop = transition.at if transition else until + 1
        total += wall_times.count(-(-local // 60), -(-(stop + offset) // 60))
        if transition is None:
            break
        # The end of the gap may itself be a wall time: then both are one fire, which the next
        # round counts.
        minute, odd = divmod(transition.at + transition.after, 60)
        if catches_up_at(wall_times, transition) and (
            odd or not wall_times.any(minute, minute + 1)
        ):
            total += 1
        position, offset = transition.at, transition.after
        local = max(transition.at + offset, _repeated_until(wall_times, transition))
    return total


def catches_up_at(wall_times: AnyWallTimes, transition: Transition) -> bool:
    """Whether one or more skipped wall times fire together at the instant of `transition`."""
    return _catches_up(wall_times, transition) and wall_times.any(*transition.minutes)


def _catches_up(wall_times: AnyWallTimes, transition: Transition) -> bool:
    return transition.skips and not transition.is_correction and not wall_times.is_wildcard


def _repeated_until(wall_times: AnyWallTimes, transition: Transition | None) -> int:
    """The local second before which wall times after `transition` are repeats that do not fire."""
    if transition is None or transition.skips or transition.is_correction:
        return _NEVER
    return _NEVER if wall_times.is_wildcard else transition.stop_local
