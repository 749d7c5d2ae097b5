"""Kills schedulers while schedules fire, are edited and paused; then counts every nominal time.

`make faults` runs the long one on every backend.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flowerpower.jobs.job import JobFilter
from flowerpower.jobs.schedule import Outcome, Schedule, ScheduleSpec
from flowerpower.triggers import clock
from flowerpower.triggers.make import make_trigger
from tests.acceptance.campaign_setup import long_parser, new_site, run_long
from tests.acceptance.working import Site
from tests.conditions import eventually

STEADY = [f"steady-{number}" for number in range(5)]
EDITED = [f"edited-{number}" for number in range(4)]
PAUSED = [f"paused-{number}" for number in range(4)]
SECOND = timedelta(seconds=1)


def every(seconds: float, schedule_id: str) -> ScheduleSpec:
    """A schedule that makes each of its fires, however late and however many."""
    return ScheduleSpec(
        "report",
        make_trigger(interval=seconds, timezone="UTC"),
        id=schedule_id,
        coalesce=False,
        max_instances=1000,
    )


@dataclass
class Era:
    """From when to when a schedule was surely so: a definition, or None for a pause."""

    begin: datetime
    schedule: Schedule | None
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether `moment` lies in it."""
        return self.begin < moment and (self.end is None or moment < self.end)


@dataclass
class Count:
    """What a campaign came to."""

    backend: str
    seed: int
    kills: int = 0
    edits: int = 0
    pauses: int = 0
    nominal: int = 0
    lost: int = 0
    doubled: int = 0
    stale: int = 0
    in_pause: int = 0
    reasons: list[str] = field(default_factory=list)

    @property
    def raised(self) -> Counter[str]:
        """Each kill meets one of several schedulers."""
        return Counter({"scheduler-killed": self.kills, "schedulers-at-once": 1})

    @property
    def counts(self) -> dict[str, int]:
        """What must be 0."""
        wrong = self.stale + self.in_pause
        return {"lost": self.lost, "doubled": self.doubled, "wrong": wrong}

    @property
    def is_clean(self) -> bool:
        """Whether the law was kept."""
        return not any(self.counts.values())

    def row(self) -> str:
        """A line of the table."""
        return (
            f"{self.backend:<11}{self.kills:>6}{self.edits:>7}{self.pauses:>8}{self.nominal:>9}"
            f"{self.lost:>6}{self.doubled:>9}{self.stale:>7}{self.in_pause:>10}"
        )


HEAD = (
    f"{'backend':<11}{'kills':>6}{'edits':>7}{'pauses':>8}{'nominal':>9}"
    f"{'lost':>6}{'doubled':>9}{'stale':>7}{'in pause':>10}"
)


class CalendarCampaign:
    """Schedules, schedulers, and something that kills them at random instants."""

    def __init__(self, site: Site, count: Count, *, broken: str = "") -> None:
        self.site = site
        self.count = count
        self.dice = random.Random(count.seed)
        self._broken = broken
        self._eras: dict[str, list[Era]] = defaultdict(list)

    def run(self, seconds: float, kills: int, edits: int, pauses: int, schedulers: int = 3) -> None:
        """Let it all happen for so long, then count."""
        queue = self.site.queue
        added = [queue.schedules.add(every(1, name)) for name in STEADY]
        for name in (*EDITED, *PAUSED):
            self._eras[name].append(Era(clock.now(), queue.schedules.add(every(1, name))))
        fleet = [self.site.scheduler(broken=self._broken) for _ in range(schedulers)]
        deeds = ["kill"] * kills + ["edit"] * edits + ["pause"] * pauses
        self.dice.shuffle(deeds)
        begun = time.monotonic()
        for number, deed in enumerate(deeds):
            time.sleep(max(0.0, begun + seconds * number / len(deeds) - time.monotonic()))
            if deed == "kill":
                position = self.dice.randrange(len(fleet))
                fleet[position].kill()
                fleet[position] = self.site.scheduler(broken=self._broken, wait=False)
                self.count.kills += 1
            elif deed == "edit":
                self._edit(self.dice.choice(EDITED))
            else:
                self._pause_or_resume(self.dice.choice(PAUSED))
        time.sleep(3.0)
        for scheduler in fleet:
            # One that has just been started knows no signal yet.
            eventually(scheduler.is_up)
            if scheduler.stop() != 0:
                self.count.reasons.append(scheduler.errors.read_text("utf-8")[-2000:])
                self.count.lost += 1
        self._count(added)

    def _begin(self, name: str, schedule: Schedule | None, before: datetime) -> None:
        self._eras[name][-1].end = before
        self._eras[name].append(Era(clock.now(), schedule))

    def _edit(self, name: str) -> None:
        before = clock.now()
        seconds = self.dice.choice([1, 1.5, 2, 3])
        schedule = self.site.queue.schedules.add(every(seconds, name), overwrite=True)
        if schedule.created:
            self._begin(name, schedule, before)
        self.count.edits += 1

    def _pause_or_resume(self, name: str) -> None:
        before = clock.now()
        if self._eras[name][-1].schedule is None:
            self._begin(name, self.site.queue.schedules.resume(name), before)
        else:
            self.site.queue.schedules.pause(name)
            self._begin(name, None, before)
            self.count.pauses += 1

    def _count(self, added: list[Schedule]) -> None:
        count = self.count
        for schedule in added:
            assert schedule.next_fire is not None
            fires = self.site.queue.schedules.fires(schedule.id, 1000)
            enqueued = Counter(fire.fire_time for fire in fires if fire.outcome is Outcome.ENQUEUED)
            jobs = Counter(
                job.scheduled_for
                for job in self.site.queue.list_jobs(JobFilter(schedule_id=schedule.id, limit=5000))
            )
            moment, last = schedule.next_fire, max(enqueued)
            while moment <= last:
                count.nominal += 1
                if not enqueued[moment] or not jobs[moment]:
                    count.lost += 1
                    count.reasons.append(f"{schedule.id}: {moment} has no job or no row")
                moment += SECOND
            count.doubled += sum(jobs.values()) - len(jobs)
            strays = [moment for moment in jobs if moment not in enqueued]
            count.doubled += len(strays)
            count.reasons += [f"{schedule.id}: a job of {moment}" for moment in strays]
            if clock.now() - last > timedelta(seconds=10):
                count.lost += 1
                count.reasons.append(f"{schedule.id}: nothing fired after {last}")
        for name in (*EDITED, *PAUSED):
            for job in self.site.queue.list_jobs(JobFilter(schedule_id=name, limit=5000)):
                assert job.scheduled_for is not None
                self._judge(name, job.scheduled_for)

    def _judge(self, name: str, moment: datetime) -> None:
        """Whether that time of an edited or paused schedule was one to fire at."""
        for era in self._eras[name]:
            if not era.holds(moment):
                continue
            if era.schedule is None:
                self.count.in_pause += 1
                self.count.reasons.append(f"{name}: {moment} fell into a pause")
            elif era.schedule.trigger is not None:
                just_before = moment - timedelta(microseconds=1)
                if era.schedule.trigger.next_after(just_before) != moment:
                    self.count.stale += 1
                    self.count.reasons.append(f"{name}: {moment} was no time of its trigger")


def main() -> int:
    """The long campaign; the exit code says whether the law was kept."""
    parser = long_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--pauses", type=int, default=120, help="pauses and resumes")
    return run_long(parser, HEAD, _on)


def _on(backend: str, options: argparse.Namespace, stack: ExitStack) -> Count:
    count = Count(backend, options.seed)
    site, _ = new_site(backend, stack)
    CalendarCampaign(site, count).run(options.seconds, options.kills, options.edits, options.pauses)
    return count


if __name__ == "__main__":
    sys.exit(main())
