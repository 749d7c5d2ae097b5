"""Fires that overlap, and backfills, with real workers: never more at once than is allowed."""

import itertools
from pathlib import Path

from flowerpower.job_queue.backfill import PAGE
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.jobs.schedule import Overlap, ScheduleSpec
from flowerpower.pipeline.backfill import plan_backfill
from flowerpower.triggers import clock
from flowerpower.triggers.make import make_trigger
from tests.acceptance.working import MakeSite, Site
from tests.conditions import eventually

TRACED = """
from traced import traced
traced(scheduled_for, {seconds})
"""
LONG_AGO = "2026-01-01T00:00:00Z"


def _traced(site: Site, seconds: float) -> None:
    body = TRACED.format(seconds=seconds)
    site.pipeline("slow", body, parameters="scheduled_for: str")


def _at_once(site: Site) -> int:
    """How many jobs were at work at the same moment at most."""
    most, running = 0, set()
    for name, what, process, _ in sorted(site.trace(), key=lambda entry: entry[3]):
        job = (name, process)
        if what == "end":
            running.discard(job)
        else:
            running.add(job)
        most = max(most, len(running))
    return most


def _jobs(site: Site) -> list[Job]:
    jobs = site.queue.list_jobs(JobFilter(schedule_id="tick", limit=1000))
    return sorted(jobs, key=lambda job: str(job.scheduled_for))


def _tick(site: Site, overlap: Overlap) -> None:
    trigger = make_trigger(interval=1, timezone="UTC")
    site.queue.schedules.add(ScheduleSpec("slow", trigger, id="tick", overlap=overlap))


def test_a_running_job_is_replaced_by_the_next_fire(make_site: MakeSite, url: str | None) -> None:
    """Its process is ended, the record says by what; the new one runs when it has ended."""
    site = make_site(url)
    _traced(site, 60)
    _tick(site, Overlap.REPLACE)
    site.worker(num_workers=4, with_scheduler=True)

    def replaced_while_it_ran() -> list[Job]:
        jobs = [job for job in _jobs(site) if job.status is JobStatus.CANCELLED and job.attempt]
        return jobs if len(jobs) >= 2 else []

    for job in eventually(replaced_while_it_ran):
        assert job.error is not None
        assert job.error["code"] == "replaced"
    site.queue.schedules.pause("tick")
    begun = [name for name, what, _, _ in site.trace() if what == "begin"]
    # A process that was ended leaves no "end"; the next one began only after it was gone.
    assert len(begun) == len(set(begun))
    ended = [job for job in _jobs(site) if job.status.is_ended and job.attempt]
    for job, following in itertools.pairwise(ended):
        assert job.ended_at is not None
        assert following.started_at is not None
        assert job.ended_at <= following.started_at


def test_queued_fires_run_one_after_another(make_site: MakeSite, url: str | None) -> None:
    """Slots are free, and still only one at a time runs, in the order of the fires."""
    site = make_site(url)
    _traced(site, 1.5)
    _tick(site, Overlap.QUEUE)
    site.worker(num_workers=4, with_scheduler=True)
    eventually(lambda: len(_jobs(site)) >= 4)
    site.queue.schedules.pause("tick")
    site.drained(job.id for job in _jobs(site))
    assert _at_once(site) == 1
    begun = [name for name, what, _, _ in site.trace() if what == "begin"]
    assert begun == sorted(begun)
    assert len(begun) == len(_jobs(site))


def test_a_backfill_runs_as_many_at_once_as_it_says(make_site: MakeSite, url: str | None) -> None:
    """Two workers with eight slots between them, one of them killed: never more than three."""
    site = make_site(url)
    _traced(site, 0.3)
    trigger = make_trigger(cron="0 * * * *", timezone="UTC")
    site.queue.schedules.add(ScheduleSpec("slow", trigger, id="tick"))
    store = site.queue.schedules
    plan = plan_backfill(store, "tick", start=LONG_AGO, end="2026-01-01T19:00:00Z", max_parallel=3)
    assert (len(plan.times), len(plan.times) <= PAGE) == (20, True)
    ids = store.backfill(plan.schedule, plan.times, plan.max_parallel)
    killed, _ = (site.worker(num_workers=4) for _ in range(2))
    eventually(lambda: len(site.trace()) > 0)
    killed.kill()
    site.drained(ids)
    assert {job.status for job in _jobs(site)} == {JobStatus.FINISHED}
    # Those of the killed worker ran again; the rest of their first attempt is no attempt at once.
    assert _at_once_by_record(site) <= 3
    assert {fire.job_status for fire in store.fires("tick")} == {"finished"}


def _at_once_by_record(site: Site) -> int:
    """As `_at_once`, by the times that the records have."""
    spans = [
        (attempt["started_at"], attempt["ended_at"])
        for job in _jobs(site)
        for attempt in job.attempts
    ]
    moments = [(clock.parse_time(begin), clock.parse_time(end)) for begin, end in spans]
    return max(sum(begin <= moment < end for begin, end in moments) for moment, _ in moments)


def test_the_trace_is_where_the_job_runs(make_site: MakeSite) -> None:
    """Without it none of the above would count anything."""
    site = make_site()
    _traced(site, 0.1)
    site.worker()
    site.run("slow", scheduled_for="by hand")
    assert Path(site.root / "trace").exists()
    assert _at_once(site) == 1
