"""From the wall-clock readings of a cron expression to instants, across every clock change.

The rule, for a zone whose clocks go by `change`:

- an expression that follows real time (minute or hour begins with `*`) fires whenever the wall
  clock shows one of its readings: a repeated hour twice, a skipped one never;
- any other fires once per reading: the repeated ones the first time only, the skipped ones
  together at the first instant after the gap;
- a change of three hours or more is a correction: nothing is held back or made up for it.

Between two changes the offset is constant, so each search goes from change to change and never
from fire to fire.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from flowerpower.triggers.transitions import (
    Transition,
    last_transition,
    next_transition,
    offset_and_last_transition,
    offset_at,
    previous_transition,
    to_moment,
)
from flowerpower.triggers.wall_times import WallTimes

_NEVER = -(10**18)


@lru_cache(maxsize=16_384)
def first_moment_after_minute(
    wall_times: WallTimes, zone: ZoneInfo, minute: int
) -> datetime | None:
    """The first fire later than the start of a minute (counted from 1970), in UTC; remembered."""
    fire = first_fire_after(wall_times, zone, minute * 60)
    return None if fire is None else to_moment(fire)


def first_fire_after(wall_times: WallTimes, zone: ZoneInfo, second: int) -> int | None:
    """The first fire later than the instant `second`, an instant itself; None past all years."""
    offset, last = offset_and_last_transition(zone, second)
    local = max(second + 1 + offset, _held_until(wall_times, last))
    position = second
    while True:
        reading = wall_times.at_or_after(-(-local // 60))
        if reading is None:
            return None
        fire = reading * 60 - offset
        change = next_transition(zone, position, fire)
        if change is None:
            return fire
        if _makes_up(wall_times, change) and reading * 60 < change.stop_local:
            return change.at
        position, offset = change.at, change.after
        local = max(change.at + offset, _held_until(wall_times, change))


def last_fire_until(wall_times: WallTimes, zone: ZoneInfo, second: int) -> int | None:
    """The last fire not later than the instant `second`; None before all years."""
    position, offset = second, offset_at(zone, second)
    while True:
        reading = wall_times.at_or_before((position + offset) // 60)
        if reading is None:
            return None
        fire = reading * 60 - offset
        change = previous_transition(zone, position, fire)
        if change is None:
            change = last_transition(zone, fire)
            if reading * 60 >= _held_until(wall_times, change):
                return fire
        elif makes_up_at(wall_times, change):
            return change.at
        assert change is not None
        position, offset = change.at - 1, change.before


def count_fires(wall_times: WallTimes, zone: ZoneInfo, after: int, until: int) -> int:
    """How many fires f have `after < f <= until`."""
    offset, last = offset_and_last_transition(zone, after)
    local = max(after + 1 + offset, _held_until(wall_times, last))
    total, position = 0, after
    while position < until:
        change = next_transition(zone, position, until)
        stop = change.at if change else until + 1
        total += wall_times.count(-(-local // 60), -(-(stop + offset) // 60))
        if change is None:
            break
        # A fire made up for at the very minute of another is that other fire.
        minute, odd = divmod(change.at + change.after, 60)
        if makes_up_at(wall_times, change) and (odd or not wall_times.any(minute, minute + 1)):
            total += 1
        position, offset = change.at, change.after
        local = max(change.at + offset, _held_until(wall_times, change))
    return total


def makes_up_at(wall_times: WallTimes, change: Transition) -> bool:
    """Whether one or more skipped readings fire together at the instant of `change`."""
    return _makes_up(wall_times, change) and wall_times.any(
        -(-change.first_local // 60), -(-change.stop_local // 60)
    )


def _makes_up(wall_times: WallTimes, change: Transition) -> bool:
    return change.skips and not change.is_correction and not wall_times.fields.is_wildcard


def _held_until(wall_times: WallTimes, change: Transition | None) -> int:
    """The local second before which readings after `change` are repeats that do not fire."""
    if change is None or change.skips or change.is_correction or wall_times.fields.is_wildcard:
        return _NEVER
    return change.stop_local
