"""kill -9 of whatever there is while jobs wait for others and for limits, then a count."""

import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest

from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import AttemptResult, Claim
from flowerpower.jobs.job import JobFilter
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.limits import NO_LIMITS, Limit
from tests.acceptance import chain_history
from tests.acceptance.campaign_setup import LONGEST
from tests.acceptance.chain_campaign import ChainCampaign
from tests.acceptance.chain_count import HEAD, ChainCount, Claimed, Tally
from tests.acceptance.chain_history import PIPELINES, History, limits, write_project
from tests.acceptance.fault_records import counted, raised
from tests.acceptance.traces import Span
from tests.acceptance.working import MakeSite, Site
from tests.conditions import WAIT_LIMIT, eventually
from tests.contract.fake_worker import FAILED, FINISHED, FakeWorker, in_seconds, retry_at

Break = Callable[[JobQueueBackend], object]


class InProcess:
    """The same graphs and the same count, with workers that only claim and finish."""

    def __init__(self, queue: JobQueueBackend, tally: Tally) -> None:
        self.queue, self.tally = queue, tally
        self.dice = random.Random(tally.seed)
        self.history = History(self.dice)
        self._workers = [FakeWorker(queue, f"worker-{number}") for number in range(2)]
        self._running: list[tuple[FakeWorker, Claim, float]] = []
        self._spans: dict[str, list[Span]] = defaultdict(list)
        self._claims: list[Claimed] = []

    def run(self, jobs: int) -> None:
        """Add and run so many jobs, and count; what does not end is given up soon."""
        for _ in range(jobs // 5):
            specs = [self.queue.with_followers(spec) for spec in self.history.plan(5)]
            self.queue.add_jobs(specs)
            for _ in range(self.dice.randrange(8)):
                self._step()
            self.history.intervene(self.queue)
        eventually(self._is_drained, WAIT_LIMIT)
        records = self.queue.list_jobs(JobFilter(limit=LONGEST))
        ChainCount(
            self.tally, self.history, [], {job.id: job for job in records}, self._spans,
            self._claims,
        ).run()  # fmt: skip

    def _is_drained(self) -> bool:
        """Whether nothing is left that will ever be due."""
        self._step()
        due_in = self.queue.next_due_in(["default"], limits())
        return not self._running and (due_in is None or due_in > 60)

    def _step(self) -> None:
        worker = self.dice.choice(self._workers)
        after = time.monotonic()
        claims = self.queue.claim(worker.name, 3, ["default"], limits=limits())
        before = time.monotonic()
        for claim in claims:
            self._claims.append(Claimed(claim.job_id, claim.pipeline, after, before))
            self._running.append((worker, claim, time.monotonic()))
        if self._running and (len(self._running) > 4 or self.dice.random() < 0.7):
            worker, claim, began = self._running.pop(self.dice.randrange(len(self._running)))
            self._spans[claim.job_id].append((began, time.monotonic(), True))
            worker.finish(claim, _end_of(claim))


def _end_of(claim: Claim) -> AttemptResult:
    fails = PIPELINES[claim.pipeline].fails
    if fails == "first" and claim.attempt == 1:
        return retry_at(in_seconds(0.01))
    return FAILED if fails == "always" else FINISHED


@pytest.fixture
def count_of(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Tally]:
    """What 150 jobs come to on the queue at a URL, once `broken` has broken it."""

    def count(url: str | None = None, broken: Break = id, rate_seconds: float = 0.5) -> Tally:
        # The rate of the long campaign would take its time here.
        monkeypatch.setitem(chain_history.LIMITS, "api", Limit(4, 20, rate_seconds))
        site = make_site(url)
        write_project(site)
        tally = Tally(site.name, random.SystemRandom().randrange(2**32))
        print("seed", tally.seed)
        with JobQueueManager(base_dir=site.root) as queue:
            broken(queue)
            InProcess(queue, tally).run(150)
        print(HEAD, tally.row(), *tally.reasons, sep="\n")
        return tally

    return count


def test_graphs_of_jobs_are_kept_to_their_law(
    count_of: Callable[..., Tally], url: str | None
) -> None:
    """Whatever is cancelled, deleted and retried meanwhile; and each part of the count counts."""
    tally = count_of(url)
    assert tally.is_clean
    assert tally.jobs == 150
    assert min(tally.ran, tally.not_met, tally.deeds, tally.followers) > 5


def _adds(change: Callable[[JobSpec], list[JobSpec]]) -> Break:
    """A queue that adds something else in the place of each job."""

    def break_it(queue: JobQueueBackend) -> None:
        add_jobs = queue.add_jobs
        queue.add_jobs = lambda specs: add_jobs(  # type: ignore[method-assign]
            [changed for spec in specs for changed in change(spec)]
        )

    return break_it


@pytest.mark.catches("chain_campaign", "early")
def test_the_count_sees_a_child_that_is_freed_too_early(count_of: Callable[..., Tally]) -> None:
    """By the first of its parents."""
    tally = count_of(broken=_adds(lambda spec: [replace(spec, after=spec.after[:1])]))
    assert tally.early
    assert tally.wrong


@pytest.mark.catches("chain_campaign", "doubled")
def test_the_count_sees_a_child_that_is_added_twice(count_of: Callable[..., Tally]) -> None:
    """Under another id; under its own it would be found there."""
    tally = count_of(broken=_adds(lambda spec: [spec, replace(spec, id=f"{spec.id}-more")]))
    assert tally.doubled


@pytest.mark.catches("chain_campaign", "lost")
def test_the_count_sees_a_follower_that_is_lost(count_of: Callable[..., Tally]) -> None:
    """A parent is added, and its followers are not."""
    tally = count_of(broken=_adds(lambda spec: [replace(spec, followers=())]))
    assert tally.lost


@pytest.mark.catches("chain_campaign", "lost")
def test_the_count_sees_a_child_that_nobody_frees(count_of: Callable[..., Tally]) -> None:
    """It waits for a job that never ends."""

    def endless(spec: JobSpec) -> list[JobSpec]:
        if len(spec.after) < 2:
            return [spec]
        forever = JobSpec("plain", id=f"{spec.id}-never", run_at=in_seconds(3600))
        return [forever, replace(spec, after=(*spec.after[:1], forever.id))]

    assert count_of(broken=_adds(endless)).lost


@pytest.mark.catches("chain_campaign", "exceeded")
@pytest.mark.catches("chain_campaign", "too fast")
def test_the_count_sees_a_limit_that_is_ignored(count_of: Callable[..., Tally]) -> None:
    """Places and rates."""

    def break_it(queue: JobQueueBackend) -> None:
        claim = queue.claim
        queue.claim = lambda *arguments, limits: claim(  # type: ignore[method-assign]
            *arguments, limits=NO_LIMITS
        )

    # However slow the machine is, so many start in this time: nobody waits for the rate.
    tally = count_of(broken=break_it, rate_seconds=3600)
    assert tally.exceeded
    assert tally.too_fast


@pytest.mark.fault("worker-killed")
def test_no_kill_breaks_a_chain_or_a_limit(make_site: MakeSite, url: str | None) -> None:
    """Every child runs once, after its parents and if they ended so; no limit is exceeded."""
    tally = _small_campaign(make_site(url))
    raised(tally.raised)
    counted(**tally.counts)
    assert tally.is_clean
    assert min(tally.ran, tally.not_met, tally.followers) > 5


def _small_campaign(site: Site, broken: str = "") -> Tally:
    tally = Tally(site.name, random.SystemRandom().randrange(2**32))
    print("seed", tally.seed)
    ChainCampaign(site, tally, broken=broken).run(80, strikes=4, every=1.0, drain=60)
    print(HEAD, tally.row(), *tally.reasons, sep="\n")
    return tally
