"""Counts what became of a campaign of chains: by the records, and by what the runs have written.

What is counted, and why it is certain:

- A run lives from its `begin` to its `end`, or, if its process was killed, to its last sign of life;
  it gives one every 20 ms. So what is counted as two at once were two living processes. That a
  killed worker's place is free only after its lease makes this strict: its child ends with it, long
  before the job is queued again.
- A claim was made between two moments, which the worker has written around it. Of two claims at
  least the time between the end of the one and the begin of the other is known, so a rate that is
  exceeded by less than a claim takes (milliseconds) is not seen, and none is seen that is not. The
  begin of the run would not do: it comes later, sometimes by much.
- A job whose parents were retried by hand, or were cancelled and came back with a parent of theirs,
  may have met any of their ends. All other jobs ran if and only if the final records say so.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flowerpower.jobs.chain import NOT_MET
from flowerpower.jobs.job import Job, JobStatus
from tests.acceptance.chain_history import ENDS_MET, PIPELINES, History, Planned, limits
from tests.acceptance.traces import Span

CLOSE = 0.001
"""Seconds; clocks of processes and servers on one machine agree to less."""
REASONS = 10
"""Of each kind of fault so many are told."""


@dataclass
class Tally:
    """What a campaign came to."""

    backend: str
    seed: int
    kills: int = 0
    jobs: int = 0
    followers: int = 0
    deeds: int = 0
    ran: int = 0
    not_met: int = 0
    repeats: int = 0
    lost: int = 0
    doubled: int = 0
    overlapping: int = 0
    early: int = 0
    wrong: int = 0
    exceeded: int = 0
    too_fast: int = 0
    longest_wait: tuple[float, str] = (0.0, "")
    seconds: float = 0.0
    raised: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """What must be 0."""
        wrong = self.early + self.wrong + self.exceeded + self.too_fast
        return {
            "lost": self.lost,
            "doubled": self.doubled,
            "overlapping": self.overlapping,
            "wrong": wrong,
        }

    @property
    def is_clean(self) -> bool:
        """Whether the law was kept."""
        return not any(self.counts.values())

    def row(self) -> str:
        """A line of the table."""
        return (
            f"{self.backend:<11}{self.kills:>6}{self.jobs:>6}{self.followers:>11}{self.deeds:>9}"
            f"{self.ran:>6}{self.not_met:>8}{self.repeats:>8}{self.lost:>5}{self.doubled:>8}"
            f"{self.overlapping:>12}{self.early:>6}{self.wrong:>6}{self.exceeded:>9}{self.too_fast:>9}"
            f"{self.longest_wait[0]:>7.1f} s{self.seconds:>7.0f} s  {self.longest_wait[1]}"
        )


HEAD = (
    f"{'backend':<11}{'kills':>6}{'jobs':>6}{'followers':>11}{'by hand':>9}{'ran':>6}"
    f"{'not met':>8}{'repeats':>8}{'lost':>5}{'doubled':>8}{'overlapping':>12}{'early':>6}{'wrong':>6}"
    f"{'exceeded':>9}{'too fast':>9}{'wait':>9}{'time':>9}  longest wait"
)


@dataclass(frozen=True)
class Claimed:
    """A claim of a job, made between two moments of the monotonic clock."""

    job_id: str
    pipeline: str
    after: float
    before: float


def followers_of(job: Planned) -> Iterator[Planned]:
    """The jobs that follow a job by the files of their pipelines, and those that follow them."""
    for name, kind in PIPELINES.items():
        for parent, on in kind.follows:
            if parent == job.pipeline:
                follower = Planned(f"{name}-after-{job.id}", name, (job.id,), on, job.added)
                yield follower
                yield from followers_of(follower)


class ChainCount:
    """One count.

    Args:
        tally: what is counted so far, and more then.
        history: what was asked for.
        fires: the ids of the jobs of all fires that the ledger has.
        jobs: all records of the queue by id.
        spans: the runs of each job.
        claims: the claims that workers have written down.
        parents: what each run was given as the ids of its parents.
    """

    def __init__(
        self,
        tally: Tally,
        history: History,
        fires: list[str],
        jobs: Mapping[str, Job],
        spans: Mapping[str, list[Span]],
        claims: list[Claimed],
        parents: Sequence[tuple[str, list[str] | None]] = (),
    ) -> None:
        self._tally, self._history = tally, history
        self._jobs, self._claims, self._parents = jobs, claims, parents
        self._spans = {job_id: sorted(runs) for job_id, runs in spans.items()}
        asked = [*history.planned.values(), *(Planned(job_id, "tick") for job_id in fires)]
        followers = [follower for job in asked for follower in followers_of(job)]
        self._planned = {job.id: job for job in (*asked, *followers)}
        self._known_ends: dict[str, set[tuple[str, float]]] = {}
        tally.jobs, tally.followers = len(asked), len(followers)
        tally.deeds = sum(map(len, history.deeds.values()))

    def run(self) -> None:
        """Count all."""
        for job in self._planned.values():
            self._judge(job)
        for job_id in (self._jobs.keys() | self._spans.keys()) - self._planned.keys():
            self._fault("doubled", f"{job_id}: nobody has asked for it")
        for job_id, parents in self._parents:
            asked = self._planned.get(job_id)
            if asked is not None and tuple(parents or ()) != asked.parents:
                self._fault("wrong", f"{job_id} was given the parents {parents}")
        self._count_places()
        self._count_rates()

    def _fault(self, kind: str, reason: str) -> None:
        setattr(self._tally, kind, getattr(self._tally, kind) + 1)
        if sum(line.startswith(kind) for line in self._tally.reasons) < REASONS:
            self._tally.reasons.append(f"{kind}: {reason}")

    # One job

    def _judge(self, planned: Planned) -> None:
        job, runs = self._jobs.get(planned.id), self._spans.get(planned.id, [])
        self._tally.ran += bool(runs)
        self._tally.repeats += max(0, len(runs) - 1)
        for (_, end, _), (begin, _, _) in itertools.pairwise(runs):
            if begin < end:
                self._fault("overlapping", f"{planned.id} ran twice at once: {runs}")
        deleted = self._history.deed("delete", planned.id)
        if deleted is not None:
            if job is not None or any(begin > deleted.moment for begin, _, _ in runs):
                self._fault("wrong", f"{planned.id} was deleted, and is there or ran after that")
        elif job is None or not job.status.is_ended:
            self._fault("lost", f"{planned.id} is {job and (job.status, job.after)}")
        else:
            self._judge_ended(planned, job, runs)
        if runs and "retry" not in self._history.verbs(planned.id):
            self._judge_order(planned, runs[0][0])

    def _judge_ended(self, planned: Planned, job: Job, runs: list[Span]) -> None:
        verbs = self._history.verbs(job.id)
        is_not_met = (job.error or {}).get("code") == NOT_MET
        self._tally.not_met += is_not_met
        ends = {parent: self._ends(planned, parent) for parent in planned.parents}
        met = ENDS_MET[planned.on]
        shown = f"{job.id} ({job.status}, {planned.on} of {ends}, {job.after})"
        if set(job.after) != set(planned.parents):
            self._fault("wrong", f"{shown} has other parents")
        for parent, end in job.after.items():
            may_be_open = job.status is JobStatus.CANCELLED or "retry" in verbs
            if end not in ends.get(parent, ()) and not (end is None and may_be_open):
                self._fault("wrong", f"{shown} takes {parent} for {end}")
        has_run = bool(runs) or job.status is not JobStatus.CANCELLED
        if has_run and "retry" not in verbs and not all(met & of for of in ends.values()):
            self._fault("wrong", f"{shown} ran, though its condition was not met")
        if is_not_met and not any(of - met for of in ends.values()):
            self._fault("wrong", f"{shown} did not run, though its condition was met")
        if job.status is JobStatus.CANCELLED and not is_not_met and "cancel" not in verbs:
            self._fault("wrong", f"{shown} was cancelled by nobody: {job.error}")
        self._judge_runs(planned, job, runs, shown)

    def _judge_runs(self, planned: Planned, job: Job, runs: list[Span], shown: str) -> None:
        fails = planned.kind.fails
        if job.status is JobStatus.FINISHED:
            if not any(whole for _, _, whole in runs):
                self._fault("wrong", f"{shown} finished, and never ran to its end")
            if fails == "always":
                self._fault("wrong", f"{shown} finished, and cannot")
        ended = [attempt["status"] for attempt in job.attempts]
        if JobStatus.FINISHED in ended[:-1]:
            self._fault("doubled", f"{shown} ran again once it had finished")
        # The third loss is a failure too; a retry by hand begins anew.
        failures = 1 + planned.kind.retries + 1 * (job.worker_losses >= 3)
        has_more = ended.count(JobStatus.FAILED) > failures
        if has_more and "retry" not in self._history.verbs(job.id):
            self._fault("doubled", f"{shown} failed {ended.count(JobStatus.FAILED)} times")
        if len(runs) > job.attempt:
            self._fault("doubled", f"{shown} began {len(runs)} times in {job.attempt} attempts")

    def _ends(self, planned: Planned, parent: str) -> set[str]:
        """The ends that the parent of a job may have had for it; mostly one."""
        if parent in planned.gone:
            return {"gone"}
        earlier = self._earlier_ends(planned, parent)
        if deleted := self._history.deed("delete", parent):
            return earlier | {deleted.before if deleted.before.is_ended else "deleted"}
        job = self._jobs.get(parent)
        return earlier | ({"lost"} if job is None else {job.status})

    def _earlier_ends(self, planned: Planned, parent: str) -> set[str]:
        """The ends that a parent has had before its last one, since the job was added."""
        return {end for end, until in self._came_back(parent) if until > planned.added}

    def _came_back(self, job_id: str) -> set[tuple[str, float]]:
        """How a job had ended, and when it was given back: by hand, or with a parent of its own."""
        if job_id not in self._known_ends:
            deeds = self._history.deeds.get(job_id, ())
            ends = {(str(deed.before), deed.moment) for deed in deeds if deed.verb == "retry"}
            if planned := self._planned.get(job_id):
                for parent in planned.parents:
                    for end, until in self._came_back(parent):
                        if end not in ENDS_MET[planned.on] and until > planned.added:
                            ends.add((JobStatus.CANCELLED, until))
            self._known_ends[job_id] = ends
        return self._known_ends[job_id]

    # Order

    def _judge_order(self, planned: Planned, began: float) -> None:
        """It began after all of its parents had ended, by the runs and by the records."""
        free_since, is_known = planned.added, True
        for parent in planned.parents:
            earlier = self._earlier_ends(planned, parent) & ENDS_MET[planned.on]
            runs = self._spans.get(parent, [])
            # Which of its runs the job waited for is known only of a parent that had one end. One
            # that had failed and was retried has failed for this job in its first run.
            if earlier:
                is_known = False
                runs = runs[:1] if earlier == {JobStatus.FAILED} else []
            for _, end, _ in runs:
                free_since = max(free_since, end)
                if end > began:
                    self._fault("early", f"{planned.id} (added at {planned.added:.3f}) began at "
                                         f"{began:.3f}, before the end of {self._told(parent)}")  # fmt: skip
            self._compare_records(planned, parent, is_certain=not earlier)
        # When a fire was made is not known here.
        if free_since and is_known:
            wait = (began - free_since, planned.id)
            self._tally.longest_wait = max(self._tally.longest_wait, wait)

    def _told(self, job_id: str) -> str:
        """All that is known of a job, for who looks for the reason of a fault."""
        job = self._jobs.get(job_id)
        attempts = [[attempt.get(name) for name in ("attempt", "status", "worker", "started_at", "ended_at")]
                    for attempt in (job.attempts if job else ())]  # fmt: skip
        runs = [(round(begin, 3), round(end, 3), whole) for begin, end, whole in
                self._spans.get(job_id, ())]  # fmt: skip
        record = job and (job.status, job.attempt, job.worker_losses, job.error)
        return f"{job_id}: {record}, {attempts=}, {runs=}, {self._history.deeds.get(job_id)}"

    def _compare_records(self, planned: Planned, parent: str, *, is_certain: bool) -> None:
        child, other = self._jobs.get(planned.id), self._jobs.get(parent)
        if not is_certain or child is None or other is None or not child.started_at:
            return
        if other.ended_at and (other.ended_at - child.started_at).total_seconds() > CLOSE:
            self._fault("early", f"{planned.id} started at {child.started_at}, and {parent} ended "
                                 f"at {other.ended_at}")  # fmt: skip

    # Limits

    def _count_places(self) -> None:
        config = limits()
        for name, limit in config.by_name.items():
            if limit.at_once is None:
                continue
            pipelines, moments = config.pipelines_of(name), []
            for job_id, runs in self._spans.items():
                if job_id in self._planned and self._planned[job_id].pipeline in pipelines:
                    for begin, end, _ in runs:
                        moments += [(begin, 1, job_id), (end, -1, job_id)]
            running = Counter[str]()
            for _, change, job_id in sorted(moments):
                running[job_id] += change
                if change > 0 and running.total() > limit.at_once:
                    at_once = ", ".join(sorted(+running))
                    self._fault("exceeded", f"{name} had {running.total()}: {at_once}")

    def _count_rates(self) -> None:
        config = limits()
        for name, limit in config.rates():
            assert limit.starts is not None
            pipelines = config.pipelines_of(name)
            claims = [claim for claim in self._claims if claim.pipeline in pipelines]
            claims.sort(key=lambda claim: claim.after)
            for position, first in enumerate(claims[: -limit.starts]):
                last = max(claim.before for claim in claims[position:][: limit.starts + 1])
                if last - first.after < limit.seconds:
                    self._fault(
                        "too_fast",
                        f"{name}: {limit.starts + 1} starts in {last - first.after:.3f} s",
                    )
