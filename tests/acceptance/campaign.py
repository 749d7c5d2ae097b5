"""Kills workers while they work, then counts: what was lost, what ran twice at once.

`make faults` runs the long one: on SQLite, on PostgreSQL, which is restarted under load, and on
Redis, which is killed and started again under load. With `--mean-seconds 0.003` jobs are so short
that their requests are sent ahead.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import BackendUnreachable
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.jobs.job_spec import JobSpec
from tests.acceptance.campaign_setup import (
    LONGEST,
    Restart,
    long_parser,
    new_site,
    run_long,
    strike,
)
from tests.acceptance.traces import Span, spans_of
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
    doubled: int = 0
    overlapping: int = 0
    repeats: int = 0
    wrong: int = 0
    seconds: float = 0.0
    raised: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """What must be 0."""
        kinds = ("lost", "doubled", "overlapping", "wrong")
        return {kind: getattr(self, kind) for kind in kinds}

    @property
    def is_clean(self) -> bool:
        """Whether the law was kept."""
        return not any(self.counts.values())

    def row(self) -> str:
        """A line of the table."""
        return (
            f"{self.backend:<11}{self.strikes:>8}{self.jobs:>7}{self.finished:>10}{self.failed:>8}"
            f"{self.lost:>6}{self.doubled:>9}{self.overlapping:>13}{self.repeats:>9}"
            f"{self.seconds:>9.1f} s"
        )


HEAD = (
    f"{'backend':<11}{'strikes':>8}{'jobs':>7}{'finished':>10}{'failed':>8}"
    f"{'lost':>6}{'doubled':>9}{'overlapping':>13}{'repeats':>9}{'time':>11}"
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
            # On a busy machine most would else be struck before they have begun to work.
            working = eventually(lambda: [worker for worker in fleet if worker.server()])
            position = fleet.index(self.dice.choice(working))
            fault = strike(self.dice, fleet, position, self._restart)
            self.tally.strikes += 1
            self.tally.raised.update([fault] if fault else [])
            for position, worker in enumerate(fleet):
                if worker.process.poll() is not None:
                    fleet[position] = self._worker()
        self._drain(ids, drain)
        for worker in fleet:
            # One that has just been started knows no signal yet.
            eventually(worker.is_up)
            if worker.stop() != 0:
                self._fault("wrong", worker.errors.read_text("utf-8")[-2000:])
        self.count(ids)
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

    def count(self, ids: list[str]) -> None:
        """Compare what was asked for with the records, and with what the runs have written."""
        tally, spans = self.tally, spans_of(self.site.trace())
        jobs = {job.id: job for job in self.site.queue.list_jobs(JobFilter(limit=LONGEST))}
        for job_id in (jobs.keys() | spans.keys()) - set(ids):
            self._fault("doubled", f"{job_id}: nobody has asked for it")
        for job_id in ids:
            job, ran = jobs.get(job_id), sorted(spans[job_id])
            tally.repeats += max(0, len(ran) - 1)
            for (_, end, _), (begin, _, _) in itertools.pairwise(ran):
                if begin < end:
                    self._fault("overlapping", f"{job_id}: {ran}")
            if job is None or not job.status.is_ended:
                self._fault("lost", f"{job_id}: {job}")
            else:
                self._judge(job, ran)

    def _judge(self, job: Job, ran: list[Span]) -> None:
        self.tally.finished += job.status is JobStatus.FINISHED
        if job.status is JobStatus.FAILED:
            self.tally.failed += 1
            self.tally.reasons.append(f"{job.id}: {job.error}")
        if job.status is JobStatus.FINISHED and not any(whole for _, _, whole in ran):
            self._fault("wrong", f"{job.id}: finished, and never ran to its end")
        # A job that was lost after its end runs again; each run has an attempt of its own.
        if len(ran) > job.attempt:
            self._fault("doubled", f"{job.id}: began {len(ran)} times in {job.attempt} attempts")

    def _fault(self, kind: str, reason: str) -> None:
        setattr(self.tally, kind, getattr(self.tally, kind) + 1)
        self.tally.reasons.append(f"{kind}: {reason}")


def main() -> int:
    """The long campaign; the exit code says whether the law was kept."""
    parser = long_parser(__doc__)
    parser.add_argument("--jobs", type=int, default=1400)
    parser.add_argument("--strikes", type=int, default=100)
    parser.add_argument("--mean-seconds", type=float, default=0.25, help="of a job")
    parser.add_argument("--jobs-per-child", type=int, default=20)
    return run_long(parser, HEAD, _on)


def _on(backend: str, options: argparse.Namespace, stack: ExitStack) -> Tally:
    tally = Tally(backend, options.seed, options.jobs)
    site, restart = new_site(backend, stack)
    campaign = Campaign(
        site,
        tally,
        workers=3,
        restart=restart,
        mean_seconds=options.mean_seconds,
        jobs_per_child=options.jobs_per_child,
    )
    campaign.run(options.strikes, every=0.5, drain=240)
    return tally


if __name__ == "__main__":
    sys.exit(main())
