"""Kills workers while they work, then counts: what was lost, what ran twice at once.

`make faults` runs the long one: on SQLite, on PostgreSQL, which is restarted under load, and on
Redis, which is killed and started again under load.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import BackendUnreachable
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.job_spec import JobSpec
from tests.acceptance.campaign_setup import (
    Restart,
    long_parser,
    new_site,
    run_long,
    spans_of,
    strike,
)
from tests.acceptance.working import Site, WorkerProcess
from tests.conditions import eventually

JOB = """
import random
from traced import traced
traced(name, random.uniform(0, 2 * seconds))
return name
"""
QUEUES = ("default", "slow", "other")
RETRIES = "run: {retry: {max_retries: 5, delay: 50ms}}\n"


@dataclass
class Tally:
    """What a campaign came to."""

    backend: str
    seed: int
    jobs: int
    strikes: int = 0
    finished: int = 0
    failed: int = 0
    lost: int = 0
    overlapping: int = 0
    repeats: int = 0
    wrong: int = 0
    seconds: float = 0.0
    reasons: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether the law was kept."""
        return not (self.lost or self.overlapping or self.wrong)

    def row(self) -> str:
        """A line of the table."""
        return (
            f"{self.backend:<11}{self.strikes:>8}{self.jobs:>7}{self.finished:>10}{self.failed:>8}"
            f"{self.lost:>6}{self.overlapping:>13}{self.repeats:>9}{self.seconds:>9.1f} s"
        )


HEAD = (
    f"{'backend':<11}{'strikes':>8}{'jobs':>7}{'finished':>10}{'failed':>8}"
    f"{'lost':>6}{'overlapping':>13}{'repeats':>9}{'time':>11}"
)


class Campaign:
    """Jobs, workers, and something that kills them at random instants."""

    def __init__(
        self,
        site: Site,
        tally: Tally,
        *,
        workers: int = 2,
        broken: str = "",
        restart: Restart = None,
        mean_seconds: float = 0.05,
        jobs_per_child: int = 1,
    ) -> None:
        self.site = site
        self.tally = tally
        self.dice = random.Random(tally.seed)
        self._broken = broken
        self._restart = restart
        self._options = {
            "num_workers": 2,
            "jobs_per_child": jobs_per_child,
            "queues": QUEUES,
        }
        self._workers = workers
        self._mean = mean_seconds

    def run(self, strikes: int, every: float, drain: float) -> None:
        """Enqueue, strike, let the workers drain the queue, count."""
        began = time.monotonic()
        self.site.pipeline("traced_job", JOB, RETRIES, parameters="name: str, seconds: float")
        ids = [f"job-{number}" for number in range(self.tally.jobs)]
        for number, job_id in enumerate(ids):
            inputs = RunOverrides(inputs={"name": job_id, "seconds": self._mean})
            self.site.queue.add_job(
                JobSpec("traced_job", inputs, id=job_id, queue=QUEUES[number % len(QUEUES)])
            )
        fleet = [self._worker() for _ in range(self._workers)]
        for _ in range(strikes):
            time.sleep(self.dice.uniform(0, 2 * every))
            position = self.dice.randrange(len(fleet))
            strike(self.dice, fleet[position], self._restart)
            self.tally.strikes += 1
            if fleet[position].process.poll() is not None:
                fleet[position] = self._worker()
        self._drain(ids, drain)
        for worker in fleet:
            if worker.stop() != 0:
                self.tally.wrong += 1
                self.tally.reasons.append(worker.errors.read_text("utf-8")[-2000:])
        self._count(ids)
        self.tally.seconds = time.monotonic() - began

    def _worker(self) -> WorkerProcess:
        return self.site.worker(broken=self._broken, wait=False, **self._options)

    def _drain(self, ids: list[str], timeout: float) -> None:
        waiting = set(ids)

        def all_ended() -> bool:
            time.sleep(0.1)
            with contextlib.suppress(BackendUnreachable):
                waiting.difference_update(
                    [job_id for job_id in waiting if self.site.job(job_id).status.is_ended]
                )
            return not waiting

        with contextlib.suppress(AssertionError):
            eventually(all_ended, timeout)

    def _count(self, ids: list[str]) -> None:
        tally, spans = self.tally, spans_of(self.site)
        for job_id in ids:
            job = self.site.job(job_id)
            tally.finished += job.status is JobStatus.FINISHED
            tally.failed += job.status is JobStatus.FAILED
            tally.lost += not job.status.is_ended
            if job.status is JobStatus.FAILED:
                tally.reasons.append(f"{job_id}: {job.error}")
            elif not job.status.is_ended:
                tally.reasons.append(f"{job_id}: {job}")
            ran = sorted(spans[job_id])
            tally.repeats += max(0, len(ran) - 1)
            if job.status is JobStatus.FINISHED and not any(whole for _, _, whole in ran):
                tally.wrong += 1
                tally.reasons.append(f"{job_id}: finished, and never ran to its end")
            for (_, end, _), (begin, _, _) in itertools.pairwise(ran):
                if begin < end:
                    tally.overlapping += 1
                    tally.reasons.append(f"{job_id}: {ran}")


def main() -> int:
    """The long campaign; the exit code says whether the law was kept."""
    parser = long_parser(__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--strikes", type=int, default=60)
    return run_long(parser, HEAD, _on)


def _on(backend: str, options: argparse.Namespace, stack: ExitStack) -> Tally:
    tally = Tally(backend, options.seed, options.jobs)
    site, restart = new_site(backend, stack)
    campaign = Campaign(
        site, tally, workers=3, restart=restart, mean_seconds=0.25, jobs_per_child=20
    )
    campaign.run(options.strikes, every=0.5, drain=240)
    return tally


if __name__ == "__main__":
    sys.exit(main())
