"""Moves a full queue to and fro and kills each migration at random instants; then counts.

Schedulers run on both sides meanwhile. `make faults` runs the long one: Redis with SQLite, and with
PostgreSQL.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.schedule import Schedule
from flowerpower.triggers import clock
from tests.acceptance.calendar_campaign import every
from tests.acceptance.campaign_setup import LONGEST, long_parser, new_site, run_long
from tests.acceptance.working import Site
from tests.conditions import eventually
from tests.contract.fake_worker import FakeWorker, retry_at

MIGRATE = """
import json, sys
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.migration import Migration, MigrationReport
settings = json.loads(sys.argv[1])
if settings["break"]:
    exec(settings["break"])
def tell(done, total):
    print(done, total, flush=True)
with JobQueueManager(**settings["source"]) as source, JobQueueManager(**settings["target"]) as target:
    report = MigrationReport({"url": "source"}, {"url": "target"})
    print("begun", flush=True)
    report = Migration(source, target, report, tell).run()
print(json.dumps(report.to_json()), flush=True)
"""
FAST = ["fast-0", "fast-1"]
"""Schedules that fire every other second all the time, on whichever side they are."""
FAST_INTERVAL = timedelta(seconds=2)
BACKENDS = ["sqlite", "postgresql"]


@dataclass
class Count:
    """What a campaign came to; `resumed` counts the records that a kill has left on their way.

    The migration after it resumes them, whatever becomes of that one.
    """

    backend: str
    seed: int
    schedules: int
    jobs: int
    kills: int = 0
    resumed: int = 0
    nominal: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    seconds: float = 0.0
    reasons: list[str] = field(default_factory=list)

    @property
    def raised(self) -> Counter[str]:
        """How often each fault was raised."""
        return Counter({"migration-killed": self.kills})

    @property
    def counts(self) -> dict[str, int]:
        """What must be 0."""
        return {"lost": self.lost, "doubled": self.doubled, "wrong": self.changed}

    @property
    def is_clean(self) -> bool:
        """Whether the law was kept."""
        return not any(self.counts.values())

    def row(self) -> str:
        """A line of the table."""
        return (
            f"{self.backend:<11}{self.kills:>6}{self.schedules:>11}{self.jobs:>7}{self.nominal:>7}"
            f"{self.resumed:>9}{self.lost:>6}{self.doubled:>9}{self.changed:>9}"
            f"{self.seconds:>9.1f} s"
        )


HEAD = (
    f"{'backend':<11}{'kills':>6}{'schedules':>11}{'jobs':>7}{'fires':>7}{'resumed':>9}"
    f"{'lost':>6}{'doubled':>9}{'changed':>9}{'time':>11}"
)
Content = dict[str, dict[str, Any]]


def content_of(queue: JobQueueBackend) -> Content:
    """All that is in a queue and does not fire by itself, by kind and id."""

    def read() -> Content | None:
        # On a busy machine Redis may not answer in time.
        with contextlib.suppress(BackendUnreachable):
            return _read_content(queue)
        return None

    content = eventually(read)
    assert content is not None
    return content


def _read_content(queue: JobQueueBackend) -> Content:
    schedules = {schedule.id: schedule for schedule in queue.schedules.list()}
    jobs = queue.list_jobs(JobFilter(limit=LONGEST))
    return {
        "schedule": {name: found for name, found in schedules.items() if name not in FAST},
        "ledger": {
            name: queue.schedules.fires(name, LONGEST) for name in schedules if name not in FAST
        },
        "job": {job.id: job for job in jobs if job.schedule_id not in FAST},
    }


class MigrationCampaign:
    """A full queue on Redis, an empty one beside it, and migrations that are killed."""

    def __init__(self, redis: Site, sql: Site, count: Count, *, broken: str = "") -> None:
        self._redis = redis
        self._sql = sql
        self._broken = broken
        self.count = count
        self.dice = random.Random(count.seed)
        self._pace = 0.1
        """Seconds that a batch takes, as measured last."""

    def run(self, kills: int) -> None:
        """Fill the queue, move it to and back with so many kills in each direction, and count."""
        began = time.monotonic()
        self.fill(self._redis.queue)
        first = {name: self._redis.queue.schedules.get(name) for name in FAST}
        before = content_of(self._redis.queue)
        for site in (self._redis, self._sql):
            site.scheduler()
        for source, target in ((self._redis, self._sql), (self._sql, self._redis)):
            for _ in range(kills):
                self._kill_one(source, target, kills)
                self.look(source, target, before)
            report = self._migrate(source, target)
            self.count.reasons += [f"stays: {entry}" for entry in report["remaining"]]
            self.count.lost += len(report["remaining"])
            self._compare(before, content_of(target.queue))
        self._count_fires(first)
        self.count.seconds = time.monotonic() - began

    def fill(self, queue: JobQueueBackend) -> None:
        """Add schedules, some of them paused, and jobs, some of which are to be tried again."""
        count, dice = self.count, self.dice
        for name in FAST:
            queue.schedules.add(every(FAST_INTERVAL.total_seconds(), name))
        for number in range(count.schedules):
            # Their fires are far away, so that none comes in between.
            queue.schedules.add(every(40 * 86_400 + number, f"schedule-{number}"))
        for number in dice.sample(range(count.schedules), count.schedules // 5):
            queue.schedules.pause(f"schedule-{number}")
        worker = FakeWorker(queue)
        specs = [self._spec(number) for number in range(count.jobs)]
        for start in range(0, len(specs), 50):
            queue.add_jobs(specs[start : start + 50])
            for claim in worker.claim(3):
                later = clock.after(clock.now(), dice.uniform(1000, 5000))
                assert worker.finish(claim, retry_at(later), f"the log of {claim.job_id}\n" * 50)
        queue.unregister_worker(worker.name)

    def _spec(self, number: int) -> JobSpec:
        dice, now = self.dice, clock.now()
        schedule = f"schedule-{dice.randrange(self.count.schedules)}"
        return JobSpec(
            "report",
            id=f"job-{number}",
            run_at=dice.choice([None, clock.after(now, dice.uniform(1000, 5000))]),
            priority=dice.randint(-100, 100),
            expires=dice.choice([None, 1e6]),
            schedule_id=dice.choice([None, schedule]),
            scheduled_for=dice.choice([None, now]),
        )

    def _begin(self, source: Site, target: Site) -> subprocess.Popen[str]:
        settings = {
            "source": source.queue_options,
            "target": target.queue_options,
            "break": self._broken,
        }
        return subprocess.Popen(
            [sys.executable, "-c", MIGRATE, json.dumps(settings)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "MARK": source.mark, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=source.root,
        )

    def _migrate(self, source: Site, target: Site) -> dict[str, Any]:
        def succeeds() -> bool:
            nonlocal output
            with self._begin(source, target) as process:
                output, errors = process.communicate(timeout=600)
            # On a busy machine Redis may not answer in time: the same again goes on.
            assert process.returncode == 0 or "BackendUnreachable" in errors, errors
            return process.returncode == 0

        output = ""
        eventually(succeeds)
        report: dict[str, Any] = json.loads(output.splitlines()[-1])
        return report

    def _kill_one(self, source: Site, target: Site, kills: int) -> None:
        """Kill -9, after some batches and somewhere in the next one."""
        batches = self.count.schedules // 10 + self.count.jobs // 50
        with self._begin(source, target) as process:
            assert process.stdout is not None
            process.stdout.readline()
            began = time.monotonic()
            lines = 0
            # Twice the share of each kill: about half of them come before all has moved.
            for _ in range(self.dice.randrange(1 + 2 * batches // kills)):
                if not process.stdout.readline():
                    break
                lines += 1
            if lines:
                self._pace = (time.monotonic() - began) / lines
            time.sleep(self.dice.uniform(0, 1.5 * self._pace))
            process.kill()
        self.count.kills += 1

    def look(self, source: Site, target: Site, before: Content) -> None:
        """After a kill each record is on one side, or on its way, in one outbox."""
        on_way: Counter[str] = Counter()
        arrived = content_of(target.queue)
        for batch in source.queue.migration.outbox():
            for item in batch.items:
                rows = [job.row for job in item.jobs]
                on_way.update(f"job {row['id']}" for row in rows)
                if item.schedule is not None:
                    on_way[f"schedule {item.schedule['id']}"] += 1
        self.count.resumed += on_way.total()
        here = content_of(source.queue)
        for kind in ("schedule", "job"):
            for name in before[kind]:
                sides = (name in here[kind]) + (name in arrived[kind])
                # In the outbox it may have arrived already; the inbox of the target knows.
                if sides + on_way[f"{kind} {name}"] < 1:
                    self.count.lost += 1
                    self.count.reasons.append(f"{kind} {name} is nowhere after a kill")
                if sides > 1:
                    self.count.doubled += 1
                    self.count.reasons.append(f"{kind} {name} is on both sides after a kill")

    def _compare(self, before: Content, after: Content) -> None:
        """What was there is there, the same in all fields; and nothing else."""
        for kind, records in before.items():
            for name, record in records.items():
                if name not in after[kind]:
                    self.count.lost += 1
                    self.count.reasons.append(f"{kind} {name} is lost")
                elif after[kind][name] != record:
                    self.count.changed += 1
                    self.count.reasons.append(f"{record}\n    became {after[kind][name]}")
            self.count.doubled += len(after[kind].keys() - records.keys())

    def _count_fires(self, first: dict[str, Schedule]) -> None:
        """Every nominal time has made one job, on one side."""
        queues = (self._redis.queue, self._sql.queue)
        for site in (self._redis, self._sql):
            site.workers[0].stop()
        for name, schedule in first.items():
            jobs = Counter(
                job.scheduled_for
                for queue in queues
                for job in queue.list_jobs(JobFilter(schedule_id=name, limit=LONGEST))
            )
            times: list[datetime] = sorted(time for time in jobs if time is not None)
            moment = schedule.next_fire
            assert moment is not None
            while times and moment <= times[-1]:
                self.count.nominal += 1
                if jobs[moment] != 1:
                    self.count.lost += not jobs[moment]
                    self.count.doubled += jobs[moment] > 1
                    self.count.reasons.append(f"{name}: {moment} has {jobs[moment]} jobs")
                moment += FAST_INTERVAL
            if not times or clock.now() - times[-1] > timedelta(seconds=60):
                self.count.lost += 1
                self.count.reasons.append(f"{name}: nothing fired after {times[-1:]}")


def main() -> int:
    """The long campaign; the exit code says whether the law was kept."""
    parser = long_parser(__doc__, BACKENDS)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--kills", type=int, default=10, help="in each direction")
    return run_long(parser, HEAD, _on)


def _on(backend: str, options: argparse.Namespace, stack: contextlib.ExitStack) -> Count:
    count = Count(backend, options.seed, options.schedules, options.jobs)
    redis, sql = (new_site(kind, stack)[0] for kind in ("redis", backend))
    MigrationCampaign(redis, sql, count).run(options.kills)
    return count


if __name__ == "__main__":
    sys.exit(main())
