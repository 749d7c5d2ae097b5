"""The triggers of schedules as triggers of APScheduler, for a scheduler of the user's own.

They take the place of APScheduler's triggers of the same name, with any job store. Cron expressions
mean what they mean in a schedule: 1 is Monday, and a fixed time fires once when clocks go back.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from apscheduler.triggers.base import BaseTrigger

from flowerpower.triggers import clock
from flowerpower.triggers.base import Trigger
from flowerpower.triggers.date import Date, IsoTime
from flowerpower.triggers.make import make_trigger, trigger_from_json

_STATE_VERSION = 1
_TICK = timedelta(microseconds=1)


class ScheduleTrigger(BaseTrigger):  # type: ignore[misc] # the package ships no types
    """A trigger of APScheduler that fires when `trigger` does.

    A fire with jitter is late by a time that depends on its nominal time and on `seed` alone.
    Without one each object has its own, so that jobs with objects of their own are spread; its
    pickle keeps it.
    """

    def __init__(self, trigger: Trigger, seed: str | None = None) -> None:
        # An interval without a start counts from now, and not from each call.
        self.trigger = trigger.anchored(clock.now())
        self._seed = seed or uuid.uuid4().hex

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """The first fire after the previous one, or without one the first from `now` on."""
        fire = self.trigger.next_after(previous_fire_time or now - _TICK)
        return None if fire is None else self.local(self.trigger.jittered(fire, self._seed))

    def local(self, moment: datetime) -> datetime:
        """The moment in the trigger's zone; in UTC where clocks show that time twice."""
        # APScheduler compares times of the same zone, which Python does by the wall clock. Where
        # that shows a time twice, only UTC has an order.
        local = moment.astimezone(self.trigger.zone)
        is_ambiguous = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
        return moment if is_ambiguous else local

    def __getstate__(self) -> dict[str, Any]:
        # Plain JSON: APScheduler's `export_jobs` writes it as such.
        state = {"version": _STATE_VERSION, "trigger": self.trigger.to_json()}
        return {**state, "seed": self._seed}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        if state["version"] != _STATE_VERSION:
            raise ValueError(
                f"The stored {type(self).__name__} is of version {state['version']!r}; "
                f"this flowerpower reads {_STATE_VERSION}."
            )
        self.trigger = trigger_from_json(state["trigger"])
        self._seed = state["seed"]

    def __str__(self) -> str:
        return self.trigger.in_words()

    def __repr__(self) -> str:
        (_, what), *more = self.trigger.to_json().items()
        named = "".join(f", {key}={value!r}" for key, value in more)
        return f"{type(self).__name__}({what!r}{named})"


class CronTrigger(ScheduleTrigger):
    """Fires by a cron expression, such as `CronTrigger("0 8 * * 1-5", timezone="Europe/Berlin")`.

    Args:
        expression: five fields, or `@daily` and the like, as for a schedule.
        timezone: a name or a tzinfo; the machine's zone if there is none.
        start, end: no fire is earlier or later; ISO 8601 or a datetime, in the zone if it has none.
        jitter: a fire may be up to so many seconds late.
        except_: dates without fires, such as `["2026-12-24"]`.

    Raises:
        InvalidTrigger, InvalidTimezone, InvalidTime, InvalidDuration: naming what is not valid.
    """

    def __init__(
        self,
        expression: str,
        *,
        timezone: str | tzinfo | None = None,
        start: IsoTime | None = None,
        end: IsoTime | None = None,
        jitter: str | float | None = None,
        except_: Iterable[IsoTime] | None = None,
    ) -> None:
        super().__init__(
            make_trigger(
                cron=expression, timezone=_name(timezone), start=start, end=end, jitter=jitter,
                except_=except_,
            )
        )  # fmt: skip


class EveryTrigger(ScheduleTrigger):
    """Fires every so many days, weeks, months or years of the calendar, from `start` on.

    `EveryTrigger("2 weeks", start="2026-11-30T09:00", timezone="Europe/Berlin")` fires on every
    other Monday when clocks show 09:00. Other arguments and errors are those of `CronTrigger`.
    """

    def __init__(
        self,
        every: str,
        *,
        start: IsoTime,
        timezone: str | tzinfo | None = None,
        end: IsoTime | None = None,
        jitter: str | float | None = None,
        except_: Iterable[IsoTime] | None = None,
    ) -> None:
        super().__init__(
            make_trigger(
                every=every, timezone=_name(timezone), start=start, end=end, jitter=jitter,
                except_=except_,
            )
        )  # fmt: skip


class IntervalTrigger(ScheduleTrigger):
    """Fires every so many seconds of elapsed time, such as `IntervalTrigger("1h30m")`.

    It counts from `start`, or from when it was made; the first fire is one interval later. Other
    arguments and errors are those of `CronTrigger`.
    """

    def __init__(
        self,
        interval: str | float | timedelta,
        *,
        timezone: str | tzinfo | None = None,
        start: IsoTime | None = None,
        end: IsoTime | None = None,
        jitter: str | float | None = None,
        except_: Iterable[IsoTime] | None = None,
    ) -> None:
        super().__init__(
            make_trigger(
                interval=interval, timezone=_name(timezone), start=start, end=end, jitter=jitter,
                except_=except_,
            )
        )  # fmt: skip


class DateTrigger(ScheduleTrigger):
    """Fires once, such as `DateTrigger("2026-12-25T09:00:00", timezone="Europe/Berlin")`.

    As APScheduler's own, it also fires at a time that is past when its job is added, unless the
    job's `misfire_grace_time` is over. Arguments and errors are those of `CronTrigger`.
    """

    def __init__(
        self,
        date: IsoTime,
        *,
        timezone: str | tzinfo | None = None,
        jitter: str | float | None = None,
    ) -> None:
        super().__init__(make_trigger(date=date, timezone=_name(timezone), jitter=jitter))

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """Its one fire, if there was none before."""
        # Without a next time APScheduler would keep the job as paused, for ever.
        assert isinstance(self.trigger, Date)
        fire = self.trigger.jittered(self.trigger.moment, self._seed)
        return self.local(fire) if previous_fire_time is None else None


def _name(timezone: str | tzinfo | None) -> str | None:
    return None if timezone is None else str(timezone)
