"""What tests of migrations share: queues with content, and their content."""

from typing import Any

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.migration import Migration, MigrationReport
from flowerpower.job_queue.migration_store import QueueName
from flowerpower.jobs.job import Job, JobFilter
from flowerpower.jobs.schedule import Schedule
from flowerpower.triggers import clock
from tests.contract.fake_worker import FakeWorker, in_seconds, retry_at, spec
from tests.contract.test_schedules import daily, every

ELSEWHERE = QueueName("elsewhere", "redis://elsewhere")


def report_of(source: JobQueueBackend, target: JobQueueBackend) -> MigrationReport:
    """An empty report of a migration between the two."""
    places = [
        {name: queue.check()[name] for name in ("backend", "url")} for queue in (source, target)
    ]
    return MigrationReport(*places)


def migrate(source: JobQueueBackend, target: JobQueueBackend) -> MigrationReport:
    """Move what can be moved."""
    return Migration(source, target, report_of(source, target)).run()


def content(queue: JobQueueBackend) -> tuple[dict[str, Schedule], dict[str, Job], dict[str, Any]]:
    """Every schedule, job and row of a ledger."""
    schedules = {schedule.id: schedule for schedule in queue.schedules.list()}
    jobs = {job.id: queue.get_job(job.id) for job in queue.list_jobs(JobFilter(limit=10_000))}
    return schedules, jobs, {name: queue.schedules.fires(name, 10_000) for name in schedules}


def populate(queue: JobQueueBackend) -> None:
    """Schedules of all states with ledgers, and jobs that wait in every way."""
    queue.schedules.add(every(3600))
    queue.schedules.add(daily("paused", max_instances=3))
    queue.schedules.pause("paused")
    queue.schedules.add(daily("with_job"))
    queue.schedules.add(every(1, "quick", coalesce=False, max_instances=1000))
    queue.add_job(spec("retried", priority=100, expires=5000.0))
    worker = FakeWorker(queue, "of-populate")
    assert worker.finish(worker.take(), retry_at(in_seconds(500)), "the first attempt\n")
    queue.unregister_worker(worker.name)
    queue.add_job(spec("plain"))
    queue.add_job(spec("urgent", priority=9, queue="slow", result_ttl=-1))
    queue.add_job(spec("later", run_at=in_seconds(1000), expires=60.0))
    queue.add_job(spec("of_fire", schedule_id="with_job", scheduled_for=clock.now()))
    queue.add_job(spec("of_none", schedule_id="deleted"))
    filled_up = queue.schedules.add(daily("filled_up"))
    times = [filled_up.trigger.previous(clock.now())] if filled_up.trigger else []
    assert len(queue.schedules.backfill(filled_up, [time for time in times if time], 1)) == 1


def fire_for(queue: JobQueueBackend, schedule_id: str, count: int) -> None:
    """Fire what is due until the schedule has so many rows in its ledger."""
    from tests.conditions import eventually

    def has_fired() -> bool:
        queue.schedules.fire_due()
        return len(queue.schedules.fires(schedule_id)) >= count

    eventually(has_fired)
