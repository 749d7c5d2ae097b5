"""Mixed load with random faults for half an hour, then a drain and a count.

Jobs of many kinds, good and bad, in random graphs, under limits, retried and cancelled by hand, and
a schedule whose jobs are followed by others. Meanwhile workers and schedulers are killed and stopped,
and the server of the queue is restarted. One worker is never struck: its memory must not grow.
`make soak` runs it on SQLite, PostgreSQL and Redis beside each other.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.schedule import Outcome, ScheduleSpec
from flowerpower.triggers.make import make_trigger
from tests.acceptance.campaign_setup import BACKENDS, LONGEST, Restart, new_site
from tests.acceptance.chain_campaign import LIVE, SCHEDULER, WORKER, ChainCampaign
from tests.acceptance.chain_count import HEAD, Tally
from tests.acceptance.chain_history import PIPELINES, UNRULY, History, write_project
from tests.acceptance.fault_records import take_counts
from tests.acceptance.working import LEASE, Site, WorkerProcess
from tests.conditions import eventually

WAITING = 100
"""So many jobs are kept waiting: enough for every slot, and few enough to be drained soon."""
MEMORY_LIMIT = 300_000_000
MAY_GROW = 20_000_000
"""Bytes; the steady worker may be so much larger in the last quarter of its time than in the second."""
COMMANDS = (
    ("status", "--json"),
    ("job-queue", "list-jobs", "--json"),
    ("schedule", "history", "tick", "--json"),
    ("doctor", "--json"),
)
"""What a user looks at meanwhile; it must answer, or say in time that the queue is away."""
COMMAND_LIMIT = 20.0


@dataclass
class Watched:
    """What the soak has seen beside the count of its jobs."""

    commands: int = 0
    hung: int = 0
    peak: int = 0
    """Bytes of the largest worker."""
    sizes: list[int] = field(default_factory=list)
    """Bytes of the steady worker, in the order of time."""
    fires: int = 0

    @property
    def quarters(self) -> tuple[float, float]:
        """Bytes of the steady worker in the second and in the last quarter of its time."""
        quarter = max(1, len(self.sizes) // 4)
        early, late = self.sizes[quarter : 2 * quarter], self.sizes[-quarter:]
        return statistics.median(early or late), statistics.median(late)

    @property
    def is_clean(self) -> bool:
        """Whether nothing hung, and memory stayed within its bounds."""
        early, late = self.quarters
        return not self.hung and self.peak < MEMORY_LIMIT and late - early < MAY_GROW

    def __str__(self) -> str:
        early, late = self.quarters
        return (
            f"fires {self.fires}, commands {self.commands}, hung {self.hung}; largest worker "
            f"{self.peak / 1e6:.0f} MB; the steady one {early / 1e6:.1f} MB in its second "
            f"quarter, {late / 1e6:.1f} MB in its last"
        )


class Soak(ChainCampaign):
    """A campaign of chains that goes on for a time, with unruly jobs among the others."""

    def __init__(self, site: Site, tally: Tally, restart: Restart = None) -> None:
        super().__init__(site, tally, restart)
        self.watched = Watched()
        shares = {name: 2 * kind.share for name, kind in PIPELINES.items()}
        self._history = History(random.Random(tally.seed), shares=shares | dict.fromkeys(UNRULY, 1))
        self._frozen: list[tuple[float, WorkerProcess]] = []
        self._steady: WorkerProcess

    def soak(self, minutes: float, drain: float) -> None:
        """Add jobs and strike for so long, let the workers drain the queue, and count."""
        began = time.monotonic()
        write_project(self.site)
        # The ledger keeps a thousand rows: the count needs every one.
        seconds = max(2, round(minutes * 60 / 800))
        with JobQueueManager(base_dir=self.site.root) as queue:
            trigger = make_trigger(interval=seconds, timezone="UTC")
            queue.schedules.add(
                ScheduleSpec("tick", trigger, id="tick", max_instances=1000, coalesce=False)
            )
            _, self._steady = self._start(WORKER)
            self._fleet = [self._start(command) for command in (*[WORKER] * 2, *[SCHEDULER] * 2)]
            while time.monotonic() < began + 60 * minutes:
                self._step(queue)
            self._thaw(float("inf"))
            queue.schedules.pause("tick")
            self._drain(queue, drain)
            self._fleet.append((WORKER, self._steady))
            self._stop()
            self._count_fires(queue, seconds)
            self._count(queue)
        self.tally.seconds = time.monotonic() - began

    def _step(self, queue: JobQueueBackend) -> None:
        self._fill_up(queue)
        time.sleep(self.dice.uniform(0, 1.0))
        self._history.intervene(queue)
        self._look()
        time.sleep(self.dice.uniform(0, 1.0))
        self._thaw(time.monotonic())
        kind = self.dice.random()
        if kind < 0.1:
            self._freeze()
        elif kind < 0.5:
            self._strike()
        elif kind < 0.6:
            self._call(self.dice.choice(COMMANDS))

    def _fill_up(self, queue: JobQueueBackend) -> None:
        """Add jobs until enough wait; on a busy machine a backend may not answer in time."""
        specs: list[JobSpec] = []

        def is_full() -> bool:
            with contextlib.suppress(BackendUnreachable):
                live = len(queue.list_jobs(JobFilter(LIVE, limit=WAITING)))
                if not specs:
                    planned = self._history.plan(WAITING - live)
                    specs.extend(map(queue.with_followers, planned))
                # The same again adds what is not there yet.
                queue.add_jobs(specs)
                return True
            return False

        eventually(is_full)

    def _look(self) -> None:
        for process in (self._steady, *(process for _, process in self._fleet)):
            self.watched.peak = max(self.watched.peak, process.memory())
        self.watched.sizes.append(self._steady.memory())

    def _freeze(self) -> None:
        """Stop a worker for longer than its lease; the steps go on meanwhile."""
        frozen = {process for _, process in self._frozen}
        workers = [process for command, process in self._fleet
                   if command == WORKER and process not in frozen]  # fmt: skip
        # One goes on, so that others see that its lease is over.
        if len(workers) > 1:
            worker = self.dice.choice(workers)
            self.site.freeze(worker)
            self._frozen.append((time.monotonic() + 2 * LEASE, worker))
            self.tally.raised["worker-frozen"] += 1

    def _thaw(self, now: float) -> None:
        for until, worker in self._frozen[:]:
            if until <= now or worker.process.poll() is not None:
                worker.signal(signal.SIGCONT)
                self._frozen.remove((until, worker))

    def _call(self, command: tuple[str, ...]) -> None:
        """A command of a user; it is a process of its own, with a limit."""
        process = self.site.command(*command)
        self.watched.commands += 1
        try:
            process.process.wait(COMMAND_LIMIT)
        except subprocess.TimeoutExpired:
            self.watched.hung += 1
            self.tally.reasons.append(f"hung: {' '.join(command)}")
            process.kill()

    def _count_fires(self, queue: JobQueueBackend, seconds: float) -> None:
        """Every nominal time is one row, and has one job if it was to be made."""
        fires = sorted(queue.schedules.fires("tick", LONGEST), key=lambda fire: fire.fire_time)
        self.watched.fires = len(fires)
        for before, after in itertools.pairwise(fires):
            last = before.last_time or before.fire_time
            gap = (after.fire_time - last).total_seconds()
            if gap < seconds:
                self.tally.doubled += 1
                self.tally.reasons.append(f"doubled: fires {before} and {after}")
            elif gap > seconds:
                self.tally.lost += 1
                self.tally.reasons.append(f"lost: no fire between {before} and {after}")
        jobs = Counter(
            job.scheduled_for
            for job in queue.list_jobs(JobFilter(schedule_id="tick", limit=LONGEST))
        )
        made = {fire.fire_time for fire in fires if fire.outcome is Outcome.ENQUEUED}
        self.tally.doubled += sum(count - 1 for count in jobs.values()) + len(set(jobs) - made)


def main() -> int:
    """Run it; the exit code is 1 if something was lost, doubled, early or wrong, or memory grew."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("backend", choices=BACKENDS)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    tally = Tally(options.backend, options.seed)
    print(
        f"soak on {options.backend} for {options.minutes:g} minutes, seed {tally.seed}", flush=True
    )
    with ExitStack() as stack:
        site, restart = new_site(options.backend, stack)
        soak = Soak(site, tally, restart)
        soak.soak(options.minutes, drain=600)
        # Here: the end of the site fails if a process is left.
        faults = ", ".join(f"{fault} {count}" for fault, count in sorted(tally.raised.items()))
        print(f"soak on {options.backend}, seed {tally.seed}", HEAD, tally.row(), sep="\n")
        print(f"  {soak.watched}", f"  {faults}", *tally.reasons, sep="\n  ", flush=True)
    counts = take_counts()
    print(f"  {options.backend}: {counts}", flush=True)
    clean = tally.is_clean and soak.watched.is_clean and not any(counts.values())
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
