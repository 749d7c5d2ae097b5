"""What the counts of the campaigns find in a store, scheduler or sender that is broken on purpose."""

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from flowerpower.job_queue.apscheduler.migration import SqlMigration
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.migration import Migration, MigrationReport
from flowerpower.jobs.job_spec import JobSpec
from tests.acceptance.calendar_campaign import CalendarCampaign, Count
from tests.acceptance.campaign import Campaign, Tally
from tests.acceptance.chain_campaign import write_project
from tests.acceptance.chain_count import ChainCount
from tests.acceptance.chain_count import Tally as ChainTally
from tests.acceptance.chain_history import History
from tests.acceptance.migration_campaign import Count as MigrationCount
from tests.acceptance.migration_campaign import MigrationCampaign, content_of
from tests.acceptance.notice_campaign import run_campaign
from tests.acceptance.working import MakeSite, Site
from tests.contract.fake_worker import FakeWorker
from tests.servers import RedisServer

JOBS = 10
Break = Callable[[JobQueueBackend], object]


def _work(site: Site, *, at_once: bool = False, again: bool = False) -> None:
    """Run what is queued, and write the trace as real runs do; one of them twice."""
    worker, moment, lines = FakeWorker(site.queue), 0.0, []
    for number, claim in enumerate(worker.claim(2 * JOBS)):
        runs = 2 if number == 3 and (at_once or again) else 1
        for pid in range(runs):
            began = moment if at_once else moment + 2.0 * pid
            lines += [[claim.job_id, "begin", pid, began], [claim.job_id, "end", pid, began + 1.0]]
        moment += 5.0
        worker.finish(claim)
    lines.sort(key=lambda line: line[3])
    (site.root / "trace").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _tally(site: Site, broken: Break = id, **how: bool) -> Tally:
    tally = Tally("sqlite", 0, JOBS)
    ids = [f"job-{number}" for number in range(JOBS)]
    broken(site.queue)
    for job_id in ids:
        site.queue.add_job(JobSpec("traced_job", id=job_id))
    _work(site, **how)
    Campaign(site, tally).count(ids)
    print(*tally.reasons, sep="\n")
    return tally


def _claims(change: Callable[[list[object]], list[object]]) -> Break:
    def break_it(queue: JobQueueBackend) -> None:
        claim = queue.claim
        queue.claim = lambda *arguments: change(claim(*arguments))  # type: ignore

    return break_it


def _add_twice(queue: JobQueueBackend) -> None:
    add_job = queue.add_job

    def add(spec: JobSpec) -> object:
        add_job(replace(spec, id=f"{spec.id}-again"))
        return add_job(spec)

    queue.add_job = add  # type: ignore


def _forget(queue: JobQueueBackend) -> None:
    add_job = queue.add_job

    def add(spec: JobSpec) -> object:
        job = add_job(spec)
        if spec.id == "job-3":
            queue.delete_job("job-3")
        return job

    queue.add_job = add  # type: ignore


def test_a_store_that_keeps_the_law_has_nothing_to_find(site: Site) -> None:
    """Else the tests below would show nothing."""
    assert _tally(site).is_clean


@pytest.mark.catches("campaign", "lost")
@pytest.mark.parametrize("broken", [_claims(lambda claims: claims[1:]), _forget])
def test_a_job_that_is_lost_is_found(site: Site, broken: Break) -> None:
    """One that is claimed by nobody, and one whose record is gone."""
    assert _tally(site, broken).lost == 1


@pytest.mark.catches("campaign", "doubled")
def test_a_job_that_is_doubled_is_found(make_site: MakeSite) -> None:
    """Under another id, and one that runs again in the same attempt."""
    assert _tally(make_site(name="added"), _add_twice).doubled == JOBS
    assert _tally(make_site(name="run"), again=True).doubled == 1


@pytest.mark.catches("campaign", "overlapping")
def test_a_job_that_runs_twice_at_once_is_found(site: Site) -> None:
    """As after a claim that two workers were given."""
    assert _tally(site, at_once=True).overlapping == 1


@pytest.mark.catches("chain_campaign", "overlapping")
def test_a_job_of_a_chain_that_runs_twice_at_once_is_found(site: Site) -> None:
    """By the trace of its runs."""
    write_project(site)
    history, tally = History(random.Random(1)), ChainTally("sqlite", 1)
    (spec,) = history.plan(1)
    assert spec.id is not None
    spans = {spec.id: [(0.0, 2.0, True), (1.0, 3.0, True)]}
    ChainCount(tally, history, [], {}, spans, []).run()
    assert tally.overlapping == 1


FIRES_TWICE = """
import datetime
from flowerpower.jobs.job_spec import JobSpec
tell_once = tell
def tell(event):
    tell_once(event)
    job_id, moment = event.facts.get("job_id"), event.facts.get("fire_time")
    if job_id:
        spec = {"schedule_id": event.facts["schedule_id"], "id": job_id + "-again"}
        moment = datetime.datetime.fromisoformat(moment)
        queue.add_job(JobSpec("report", scheduled_for=moment, **spec))
"""


@pytest.mark.catches("calendar_campaign", "doubled")
def test_a_fire_that_makes_two_jobs_is_found(site: Site) -> None:
    """Of a scheduler that gives the second one another id."""
    count = Count("sqlite", 1)
    campaign = CalendarCampaign(site, count, broken=FIRES_TWICE)
    campaign.run(1, kills=0, edits=1, pauses=0, schedulers=1)
    print(*count.reasons, sep="\n")
    assert count.doubled


PUTS = """
import dataclasses
from flowerpower.job_queue.apscheduler.migration import SqlMigration
from flowerpower.job_queue.rq.migration import RedisMigration
def change(job):
    {change}
def put(self, batch, items, real=None):
    changed = dict()
    for number, item in items.items():
        jobs = [new for job in item.jobs for new in change(job)]
        changed[number] = dataclasses.replace(item, jobs=jobs)
    return self.real_put(batch, changed)
for store in (SqlMigration, RedisMigration):
    store.real_put = store.put
    store.put = put
"""
JOB_3 = 'if job.row["id"] == "job-3": return '


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        pytest.param(
            JOB_3 + "[]",
            "lost",
            marks=pytest.mark.catches("migration_campaign", "lost"),
            id="lost",
        ),
        pytest.param(
            JOB_3 + '[job, dataclasses.replace(job, row=dict(job.row, id="again"))]',
            "doubled",
            marks=pytest.mark.catches("migration_campaign", "doubled"),
            id="doubled",
        ),
        pytest.param(
            JOB_3 + "[dataclasses.replace(job, row=dict(job.row, priority=77))]",
            "changed",
            marks=pytest.mark.catches("migration_campaign", "changed"),
            id="changed",
        ),
    ],
)
def test_what_a_move_loses_doubles_or_changes_is_found(
    make_site: MakeSite, redis_server: RedisServer, change: str, kind: str
) -> None:
    """By a store that puts another thing down than it was given."""
    redis, sql = make_site(redis_server.url(), "redis"), make_site(None, "sql")
    count = MigrationCount("sqlite", 1, schedules=10, jobs=10)
    broken = PUTS.format(change=f"{change}\n    return [job]")
    MigrationCampaign(redis, sql, count, broken=broken).run(kills=0)
    print(*count.reasons, sep="\n")
    assert getattr(count, kind)


def test_what_each_kill_leaves_on_its_way_is_counted(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the migration that resumes it is killed too: not what the last one resumes alone."""
    old, new = make_site(None, "old"), make_site(None, "new")
    count = MigrationCount("sqlite", 1, schedules=10, jobs=10)
    campaign = MigrationCampaign(old, new, count)
    campaign.fill(old.queue)
    before = content_of(old.queue)

    def put(*_: object) -> None:
        raise ConnectionAbortedError

    monkeypatch.setattr(SqlMigration, "put", put)
    for _ in range(2):
        report = MigrationReport({"url": "old"}, {"url": "new"})
        with pytest.raises(ConnectionAbortedError):
            Migration(old.queue, new.queue, report).run()
        campaign.look(old, new, before)
    (batch,) = old.queue.migration.outbox()
    left = sum(len(item.jobs) + (item.schedule is not None) for item in batch.items)
    assert left
    assert count.resumed == 2 * left
    assert count.is_clean


SENDS_TWICE = """
how_to_send = sender.NoticeSender._how_to_send
def how_to_send_twice(self, delivery):
    label, send = how_to_send(self, delivery)
    return label, send and (lambda: (send(), send())[1])
sender.NoticeSender._how_to_send = how_to_send_twice
"""


@pytest.mark.catches("notice_campaign", "doubled")
def test_a_notice_that_is_sent_twice_is_found() -> None:
    """Of a sender that sends each again."""
    tally = run_campaign("sqlite", None, seed=1, rounds=3, kills=0, broken=SENDS_TWICE)
    print(*tally.reasons, sep="\n")
    assert tally.counts["doubled"]
