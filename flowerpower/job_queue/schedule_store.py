"""The part of a job queue's interface that is about schedules; see `base` for the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowerpower.jobs.schedule import Fire, Schedule, ScheduleSpec

FIRES_KEPT = 1000
"""Rows of the ledger that are kept of a schedule, the latest ones, while their history lasts."""
FIRE_BATCH = 200
"""Schedules that are looked at in one step of a scheduler."""


@dataclass(frozen=True)
class Fired:
    """What one step of a scheduler did: rows of the ledger, and how many schedules it looked at."""

    fires: tuple[Fire, ...] = ()
    looked_at: int = 0


class ScheduleStore(ABC):
    """Schedules of one project, for callers and for schedulers.

    Law: a nominal time makes at most one job, whoever looks and however often; the claim of a
    fire, its job and the next fire are one atomic step. What lies behind an edit or a resume never
    fires. A schedule that cannot be read fires nothing and stops nobody.
    """

    @abstractmethod
    def add_schedule(self, spec: ScheduleSpec, *, overwrite: bool = False) -> Schedule:
        """Store a schedule; its first fire is the first of its trigger after now.

        Without an id: if a live schedule of the pipeline is just so, that one comes back with
        `created=False`; else a new one is numbered, and numbers are not reused. With the id of
        one that is there: it comes back if it is just so, and is replaced if `overwrite` (a
        paused one stays paused).

        Raises:
            Refused: if the id is that of another schedule, and not `overwrite`.
        """

    @abstractmethod
    def get_schedule(self, schedule_id: str) -> Schedule:
        """The schedule.

        Raises:
            ScheduleNotFound: if there is none of that id.
        """

    @abstractmethod
    def list_schedules(self) -> list[Schedule]:
        """All schedules, the oldest first."""

    @abstractmethod
    def pause_schedule(self, schedule_id: str) -> Schedule:
        """It fires no more until it is resumed; pausing a paused one changes nothing.

        Raises:
            ScheduleNotFound: if there is none of that id.
            Refused: if it is done.
        """

    @abstractmethod
    def resume_schedule(self, schedule_id: str) -> Schedule:
        """It fires again, from now on; resuming an active one changes nothing.

        Raises:
            ScheduleNotFound: if there is none of that id.
            Refused: if it is done.
        """

    @abstractmethod
    def delete_schedule(self, schedule_id: str) -> None:
        """Forget a schedule and its ledger; jobs that it made stay.

        Raises:
            ScheduleNotFound: if there is none of that id.
        """

    @abstractmethod
    def list_fires(self, schedule_id: str, limit: int = 100) -> list[Fire]:
        """The ledger of a schedule, the latest fire first.

        Raises:
            ScheduleNotFound: if there is none of that id.
        """

    @abstractmethod
    def next_fire_in(self) -> float | None:
        """Seconds until `fire_due` has something to do (0 if it has), None without a schedule."""

    @abstractmethod
    def has_scheduler(self) -> bool:
        """Whether somebody has looked for what is due in the last minute, as far as is known."""

    @abstractmethod
    def fire_due(self) -> Fired:
        """Turn what is due into jobs, as `scheduling.decide` says, for up to FIRE_BATCH schedules.

        Any number of schedulers may call it at once.
        """
