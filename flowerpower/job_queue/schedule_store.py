"""The schedules of a job queue: `JobQueueBackend.schedules`."""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from dataclasses import dataclass

from flowerpower.jobs.schedule import Fire, Schedule, ScheduleSpec, ScheduleState

FIRES_KEPT = 1000
"""Rows of a schedule's ledger that are kept, the latest ones, while their history lasts."""
FIRE_BATCH = 200
"""Schedules that one step of a scheduler looks at."""


@dataclass(frozen=True)
class FireBatch:
    """The outcome of one `fire_due`: new rows of the ledger, and how many schedules were due."""

    fires: tuple[Fire, ...] = ()
    schedules: int = 0


class ScheduleStore(ABC):
    """Schedules of one project, for callers and for schedulers.

    Law: a nominal time makes at most one job, whoever looks and however often; the claim of a
    fire, its job and the next fire are one atomic step. Times before an edit or a resume never
    fire. A schedule that cannot be read fires nothing and stops no other.
    """

    @abstractmethod
    def add(self, spec: ScheduleSpec, *, overwrite: bool = False) -> Schedule:
        """Store a schedule; its first fire is its trigger's first after now.

        Without an id: a live schedule of the pipeline with the same definition is returned with
        `created=False`; else a new one gets the next number, and numbers are not reused. With the
        id of an existing schedule: that one is returned if its definition is the same, and is
        replaced if `overwrite` (a paused one stays paused).

        Raises:
            Refused: if the id belongs to another schedule, and not `overwrite`.
        """

    @abstractmethod
    def get(self, schedule_id: str) -> Schedule:
        """Return the schedule.

        Raises:
            ScheduleNotFound: if there is no such schedule.
        """

    # Within this class `list` is the method, so annotations name the type in full.
    @abstractmethod
    def list(self) -> builtins.list[Schedule]:
        """Return all schedules, the oldest first."""

    def pause(self, schedule_id: str) -> Schedule:
        """Stop its fires until it is resumed; pausing a paused schedule changes nothing.

        Raises:
            ScheduleNotFound: if there is no such schedule.
            Refused: if it is done.
        """
        return self.set_state(schedule_id, ScheduleState.PAUSED)

    def resume(self, schedule_id: str) -> Schedule:
        """Let it fire again, from now on; resuming an active schedule changes nothing.

        Raises:
            ScheduleNotFound: if there is no such schedule.
            Refused: if it is done.
        """
        return self.set_state(schedule_id, ScheduleState.ACTIVE)

    @abstractmethod
    def set_state(self, schedule_id: str, state: ScheduleState) -> Schedule:
        """Make it active or paused; see `pause` and `resume`."""

    @abstractmethod
    def delete(self, schedule_id: str) -> None:
        """Delete a schedule and its ledger; its jobs stay.

        Raises:
            ScheduleNotFound: if there is no such schedule.
        """

    @abstractmethod
    def fires(self, schedule_id: str, limit: int = 100) -> builtins.list[Fire]:
        """Return the ledger of a schedule, the latest fire first.

        Raises:
            ScheduleNotFound: if there is no such schedule.
        """

    @abstractmethod
    def next_fire_in(self) -> float | None:
        """Return the seconds until `fire_due` has something to do, None without a schedule."""

    @abstractmethod
    def has_scheduler(self) -> bool:
        """Return whether a scheduler has looked for due fires in the last minute."""

    @abstractmethod
    def fire_due(self) -> FireBatch:
        """Turn due fires into jobs, as `scheduling.decide` says, for up to FIRE_BATCH schedules.

        Any number of schedulers may call it at once.
        """
