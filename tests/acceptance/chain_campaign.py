"""Kills workers and schedulers while jobs wait for others and for places in limits; then counts.

Two thousand jobs in random graphs, and a schedule that fires every second, whose jobs are followed
by others. Meanwhile jobs are cancelled, deleted and retried by hand, and the server of the queue is
restarted. `make faults` runs the long one, on SQLite, PostgreSQL and Redis.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import time
from contextlib import ExitStack

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.jobs.schedule import Outcome, ScheduleSpec
from flowerpower.triggers.make import make_trigger
from tests.acceptance.campaign_setup import (
    LONGEST,
    Restart,
    long_parser,
    new_site,
    run_long,
    strike,
)
from tests.acceptance.chain_count import HEAD, ChainCount, Claimed, Tally
from tests.acceptance.chain_history import History, write_project
from tests.acceptance.traces import spans_of
from tests.acceptance.working import Site, WorkerProcess
from tests.conditions import eventually

CLAIMS_ARE_WRITTEN = """
import importlib, json, os, time
kind = {"apscheduler": ("apscheduler.queue", "APSManager"), "rq": ("rq.queue", "RQManager")}[TYPE]
manager = getattr(importlib.import_module("flowerpower.job_queue." + kind[0]), kind[1])
def claim(self, *arguments, claim=manager.claim, **options):
    after = time.monotonic()
    claims = claim(self, *arguments, **options)
    before = time.monotonic()
    lines = [json.dumps([claim.job_id, claim.pipeline, after, before]) for claim in claims]
    file = os.open("claims", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, "".join(line + "\\n" for line in lines).encode())
    os.close(file)
    return claims
manager.claim = claim
"""
"""For workers: when each job was claimed is in no record once the job has ended."""
WORKER = ("job-queue", "start-worker", "--num-workers", "2", "--jobs-per-child", "20")
SCHEDULER = ("job-queue", "start-scheduler")
LIVE = frozenset(JobStatus) - {status for status in JobStatus if status.is_ended}


class ChainCampaign:
    """A graph of jobs that grows, workers and schedulers, and something that kills them."""

    def __init__(
        self, site: Site, tally: Tally, restart: Restart = None, *, broken: str = ""
    ) -> None:
        self.site, self.tally = site, tally
        self.dice = random.Random(tally.seed)
        self._restart = restart
        self._broken = f"TYPE = {site.type!r}\n{CLAIMS_ARE_WRITTEN}\n{broken}"
        self._history = History(random.Random(tally.seed))
        self._fleet: list[tuple[tuple[str, ...], WorkerProcess]] = []

    def run(self, jobs: int, strikes: int, every: float, drain: float) -> None:
        """Add jobs and strike, let the workers drain the queue, and count."""
        began = time.monotonic()
        write_project(self.site)
        # Opened anew, so that it has the limits and followers of the files.
        with JobQueueManager(base_dir=self.site.root) as queue:
            trigger = make_trigger(interval=1, timezone="UTC")
            queue.schedules.add(ScheduleSpec("tick", trigger, id="tick", max_instances=1000))
            self._fleet = [self._start(command) for command in (*[WORKER] * 3, *[SCHEDULER] * 2)]
            for step in range(strikes):
                self._add(queue, jobs * (step + 1) // strikes - jobs * step // strikes)
                time.sleep(self.dice.uniform(0, every))
                self._history.intervene(queue)
                time.sleep(self.dice.uniform(0, every))
                self._strike()
            queue.schedules.pause("tick")
            self._drain(queue, drain)
            self._stop()
            self._count(queue)
        self.tally.seconds = time.monotonic() - began

    def _start(self, command: tuple[str, ...]) -> tuple[tuple[str, ...], WorkerProcess]:
        return command, self.site.command(*command, broken=self._broken)

    def _add(self, queue: JobQueueBackend, count: int) -> None:
        specs = [queue.with_followers(spec) for spec in self._history.plan(count)]
        assert all(job.created for job in queue.add_jobs(specs))

    def _strike(self) -> None:
        position = self.dice.randrange(len(self._fleet))
        command, process = self._fleet[position]
        workers = [process for command, process in self._fleet if command != SCHEDULER]
        fault = "scheduler-killed" if command == SCHEDULER else ""
        if not fault:
            fault = strike(self.dice, workers, workers.index(process), self._restart)
        if fault in ("", "scheduler-killed"):
            process.kill()
        self.tally.kills += 1
        self.tally.raised[fault or "worker-killed"] += 1
        for position, (command, process) in enumerate(self._fleet):
            if process.process.poll() is not None:
                self._fleet[position] = self._start(command)

    def _drain(self, queue: JobQueueBackend, timeout: float) -> None:
        def all_ended() -> bool:
            time.sleep(0.1)
            with contextlib.suppress(BackendUnreachable):
                return not queue.list_jobs(JobFilter(LIVE, limit=1))
            return False

        with contextlib.suppress(AssertionError):
            eventually(all_ended, timeout)

    def _stop(self) -> None:
        for command, process in self._fleet:
            code, errors = process.stop(), process.errors.read_text("utf-8")[-2000:]
            # 143 of one that was told to end before it had begun, which it says first of all.
            if code != 0 and not (code == 143 and not errors):
                self.tally.wrong += 1
                self.tally.reasons.append(f"wrong: {command[1]} ended with {code}: {errors}")

    def _count(self, queue: JobQueueBackend) -> None:
        jobs: list[Job] = queue.list_jobs(JobFilter(limit=LONGEST))
        fires = queue.schedules.fires("tick", LONGEST)
        enqueued = [fire.job_id for fire in fires if fire.outcome is Outcome.ENQUEUED]
        ChainCount(
            self.tally,
            self._history,
            [job_id for job_id in enqueued if job_id],
            {job.id: job for job in jobs},
            spans_of(self.site.trace()),
            [Claimed(*line) for line in self._lines("claims")],
            [(job_id, parents) for job_id, parents in self._lines("parents")],
        ).run()

    def _lines(self, name: str) -> list[list[object]]:
        file = self.site.root / name
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]


def main() -> int:
    """The long campaign; the exit code says whether the law was kept."""
    parser = long_parser(__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=100)
    return run_long(parser, HEAD, _on)


def _on(backend: str, options: argparse.Namespace, stack: ExitStack) -> Tally:
    tally = Tally(backend, options.seed)
    site, restart = new_site(backend, stack)
    campaign = ChainCampaign(site, tally, restart)
    campaign.run(options.jobs, options.kills, every=1.0, drain=240)
    return tally


if __name__ == "__main__":
    sys.exit(main())
