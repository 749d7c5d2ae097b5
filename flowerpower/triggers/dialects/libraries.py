"""What cron expressions mean to the libraries behind Kubernetes, APScheduler and Airflow."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers.clock import parse_duration
from flowerpower.triggers.cron_fields import LAST
from flowerpower.triggers.dialects.crontabs import expanded, read_sets
from flowerpower.triggers.dialects.fields import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    WEEKDAY,
    WEEKDAY_NAMES,
    Field,
    Grammar,
    cron_fields,
    five,
)
from flowerpower.triggers.dialects.meaning import Gap, Meaning, Repeat
from flowerpower.triggers.transitions import to_datetime, to_second


def read_kubernetes(expression: str) -> Meaning:
    """robfig/cron v3, the parser of Kubernetes: weekdays are 0 to 6, `*/2` is a restriction."""
    zone = None
    if expression.startswith(("TZ=", "CRON_TZ=")):
        prefix, _, expression = expression.partition(" ")
        zone, expression = prefix.partition("=")[2], expression.strip()
    if expression.startswith("@every "):
        interval = parse_duration(expression.removeprefix("@every ").strip())
        fields = cron_fields(*[frozenset[int]()] * 5, both_days=True)
        return Meaning(fields, Gap.SKIP, Repeat.BOTH, interval=interval, timezone=zone)
    texts = five(expanded(expression))
    grammar = Grammar(any_signs="*?", open_step=True, skips_empty=True)
    sets = read_sets(texts, grammar, (MINUTE, HOUR, DAY, MONTH, WEEKDAY))
    unrestricted = [
        any(part in ("*", "?", "*/1", "?/1") for part in texts[place].split(","))
        for place in (2, 4)
    ]
    return Meaning(
        cron_fields(*sets, both_days=any(unrestricted)), Gap.SKIP, Repeat.BOTH, timezone=zone
    )


def read_apscheduler(expression: str) -> Meaning:
    """APScheduler 3's CronTrigger.from_crontab: 0 is Monday, and both day fields count."""
    weekday = Field("day of week", 0, 6, {n: (i - 1) % 7 for i, n in enumerate(WEEKDAY_NAMES)})
    if expression.startswith("@"):
        raise InvalidTrigger("from_crontab knows no words such as @daily")
    texts = five(expression)
    grammar = Grammar(open_step=True, widest_step=True)
    sets = read_sets(texts, grammar, (MINUTE, HOUR, DAY, MONTH, weekday))
    sets[4] = frozenset((day + 1) % 7 for day in sets[4])
    fields = cron_fields(*sets, both_days=True)
    return _ByApscheduler(fields, Gap.SHIFT, Repeat.BOTH, expression=expression)


@dataclass(frozen=True)
class _ByApscheduler(Meaning):
    # Its own walk, because no rule describes it: it leaves out the midnight after clocks went
    # forward, and all that lies between midnight and as much later as they went.

    expression: str = ""

    def fires(self, zone: ZoneInfo, start: int, stop: int) -> list[int]:
        from apscheduler.triggers.cron import CronTrigger

        trigger = CronTrigger.from_crontab(self.expression, timezone=zone)
        fires: list[int] = []
        fire = trigger.get_next_fire_time(None, to_datetime(start - 2 * 86_400).astimezone(zone))
        while fire is not None and to_second(fire) < stop:
            fires.append(to_second(fire))
            fire = trigger.get_next_fire_time(fire, fire)
        return sorted({second for second in fires if second >= start})


def read_airflow(expression: str) -> Meaning:
    """Airflow 3: croniter reads the expression, and Airflow's own code does the clock changes."""
    from croniter import CroniterError, croniter

    if expression == "@once":
        raise InvalidTrigger("'@once' is no time to fire at")
    # @quarterly is a word of Airflow, and none of croniter.
    texts = {"@quarterly": "0 0 1 */3 *"}.get(expression, expression)
    try:
        parts, nth = croniter.expand(texts)
    except (CroniterError, KeyError) as error:
        raise InvalidTrigger(f"croniter does not take it: {error}") from None
    if len(parts) > 6:
        raise InvalidTrigger("years are not read here")
    minutes, hours, days, months, weekdays = (
        _croniter_numbers(part, place) for place, part in enumerate(parts[:5])
    )
    is_any = [parts[place] == ["*"] for place in (2, 4)]
    pairs = {
        (number, LAST if ordinal == "l" else ordinal)
        for number, ordinals in nth.items()
        for ordinal in ordinals
    }
    if pairs and not is_any[0]:
        raise InvalidTrigger("croniter never or seldom fires for # beside a day of month")
    made = cron_fields(minutes, hours, days, months, weekdays, both_days=any(is_any))
    # croniter leaves the numbers of such days in the field as well.
    weekdays = made.weekdays - {number for number, _ in pairs}
    fields = replace(
        made, last_day="l" in parts[2], nth_weekdays=frozenset(pairs), weekdays=weekdays
    )
    day = "" if texts.startswith("@") else texts.split()[2].upper()
    near = re.fullmatch(r"(\d{1,2})W", day)
    if "W" in day and not near:
        raise InvalidTrigger("W is read in the form 15W alone")
    if near:
        fields = replace(fields, days=frozenset())
    seconds = _croniter_numbers(parts[5], 0) if len(parts) > 5 else frozenset({0})
    each_hour = parts[1] == ["*"]
    gap, repeat = (Gap.SKIP, Repeat.BOTH) if each_hour else (Gap.SHIFT, Repeat.SECOND)
    return Meaning(
        fields,
        gap,
        repeat,
        seconds=tuple(sorted(seconds)),
        near_days=frozenset({int(near[1])} if near else ()),
    )


def _croniter_numbers(part: list[Any], place: int) -> frozenset[int]:
    if part == ["*"]:
        low, stop = ((0, 60), (0, 24), (1, 32), (1, 13), (0, 7))[place]
        return frozenset(range(low, stop))
    return frozenset(number for number in part if isinstance(number, int))
