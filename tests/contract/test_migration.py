"""Moving what waits in a queue to another one: nothing lost, nothing doubled, nothing changed."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import Refused, UsageError
from flowerpower.job_queue.apscheduler.schema import schema_statements
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.migration import Migration
from flowerpower.job_queue.migration_store import MovedItem, MovedJob
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.jobs.schedule import Outcome, ScheduleState
from flowerpower.triggers import clock
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FakeWorker, in_seconds, retry_at, spec
from tests.contract.in_processes import in_threads
from tests.contract.migrating import ELSEWHERE, content, fire_for, migrate, populate, report_of
from tests.contract.on_redis import OnRedis
from tests.contract.test_schedules import daily, every

NOT_WAITING = {"owner", "ended_at", "result", "result_expires_at", "expires_at"}
"""Columns that a waiting job does not have."""
OF_REDIS_ALONE = {"fp_token", "fp_cancel", "fp_expired_error", "fp_worker", "fp_result_id"}
"""Fields that are made anew, or are named otherwise."""


def columns(table: str) -> dict[str, str]:
    """The columns of a table and their types, as a new database has them."""
    (text,) = (text for text in schema_statements() if text.startswith(f"CREATE TABLE {table} "))
    return dict(re.findall(r"^    ([a-z_]+) (TEXT|INTEGER|DOUBLE)", text, re.MULTILINE))


def filled(table: str, **known: Any) -> dict[str, Any]:
    """A row that has a value of its own in every column."""
    values: dict[str, Any] = {}
    for number, (name, kind) in enumerate(columns(table).items(), start=1):
        moment = clock.now().timestamp() + number / 7
        values[name] = {"TEXT": f"{name}-{number}", "INTEGER": number, "DOUBLE": moment}[kind]
    del values["namespace"]
    return {**values, **known}


def test_every_column_of_a_record_travels(backend: JobQueueBackend) -> None:
    """Whatever columns the tables have now or later: a store takes and gives all of them back."""
    job = filled("flowerpower_jobs", id="a", schedule_id="s", queue="default", cancel=0)
    job |= {"status": "queued", "error": "{}", "attempts": "{}", "progress": '{"done": 1}'}
    job |= {"payload": '{"v": 1}', "priority": -7, "attempt": 2}
    job |= dict.fromkeys(NOT_WAITING & job.keys())
    # What else is in a queue does not travel.
    del job["has_children"], job["parked"]
    # It is blocked, and so it is scheduled.
    job |= {"status": "scheduled", "blocked": 1, "concurrency_key": "backfill"}
    schedule = filled("flowerpower_schedules", id="s", state="active")
    fires = [filled("flowerpower_fires", schedule_id="s", fire_time=1.0, outcome="enqueued")]
    fires[0]["job_status"] = "failed"
    outcome = filled("flowerpower_outcomes", schedule_id="s", status="failed")
    logs = {"1": {"1": "first\n"}, "2": {"3": "third\n", "4": "Zoë 🌷\n"}}
    item = MovedItem([MovedJob(job, logs)], schedule, fires, outcome)
    assert backend.migration.put("batch", {0: item}) == {}
    (taken,) = backend.migration.take("away", ELSEWHERE, {"s": ["a"]}, []).items
    (moved,) = taken.jobs
    assert {name: value for name, value in moved.row.items() if value is not None} == {
        name: value for name, value in job.items() if value is not None
    }
    assert moved.logs == logs
    assert (taken.schedule, taken.fires) == (schedule, fires)
    assert taken.outcome is not None
    # When that was is shown nowhere; Redis does not keep it.
    assert {**taken.outcome, "ended_at": 0} == {**outcome, "ended_at": 0}


def test_every_field_in_redis_is_a_column(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """What the hashes of jobs and schedules have there travels, or is made anew in Redis alone."""
    place = OnRedis(tmp_path, str(request.getfixturevalue("redis_server").url()))
    with place.open() as queue:
        schedule = queue.schedules.add(daily())
        queue.add_job(spec("a", expires=1000.0, priority=3, schedule_id=schedule.id))
        worker = FakeWorker(queue)
        assert worker.finish(worker.take(), retry_at(in_seconds(60)), "log\n")
        client = queue.connection.client  # type: ignore[attr-defined]
        fields = {name.decode() for name in client.hgetall(place._key("a"))}
        own = {name for name in fields if name.startswith("fp_")} - OF_REDIS_ALONE
        assert own <= {f"fp_{name}" for name in columns("flowerpower_jobs")}
        key = f"flowerpower:{place.options['namespace']}:schedule:{schedule.id}"
        fields = {name.decode() for name in client.hgetall(key)}
        fields -= {"token", "last_status", "failures"}
        assert fields <= set(columns("flowerpower_schedules"))


def test_all_moves_there_and_back_unchanged(
    backend: JobQueueBackend, other: JobQueueBackend
) -> None:
    """Ids, next fires, pauses, ledgers, due times, attempts, priorities, limits, errors, logs."""
    populate(backend)
    fire_for(backend, "quick", 2)
    backend.schedules.pause("quick")
    before = content(backend)
    report = migrate(backend, other)
    assert report.remaining == []
    assert set(report.schedules) == set(before[0])
    assert sorted(report.jobs) == sorted(before[1])
    assert content(backend) == ({}, {}, {})
    assert content(other) == before
    assert FakeWorker(other).log("retried") == "the first attempt\n"
    assert migrate(other, backend).remaining == []
    assert content(other) == ({}, {}, {})
    assert content(backend) == before
    assert FakeWorker(backend).log("retried") == "the first attempt\n"


def test_moved_jobs_are_claimed_in_the_same_order(
    backend: JobQueueBackend, other: JobQueueBackend
) -> None:
    """By priority, due time and creation; the next attempt of a retried one has the next number."""
    for number in range(5):
        backend.add_job(spec(f"job-{number}", priority=-number % 3))
    worker = FakeWorker(backend)
    retried = worker.take()
    assert worker.finish(retried, retry_at(clock.now()))
    migrate(backend, other)
    claims = [(claim.job_id, claim.attempt) for claim in FakeWorker(other).claim(5)]
    assert retried.job_id == "job-1"
    assert claims == [("job-4", 1), ("job-1", 2), ("job-2", 1), ("job-0", 1), ("job-3", 1)]


def test_a_moved_schedule_fires_in_its_new_queue_alone(
    backend: JobQueueBackend, other: JobQueueBackend, setup: BackendSetup
) -> None:
    """A fire that was due when it moved is made once, with the id that it has everywhere."""
    backend.schedules.add(every(3600, "hourly"))
    due = (clock.now() - timedelta(seconds=30)).replace(microsecond=0)
    setup.set_next_fire(backend, "hourly", due)
    migrate(backend, other)
    assert backend.schedules.fire_due().fires == ()
    assert backend.schedules.next_fire_in() is None
    assert other.schedules.next_fire_in() == 0
    (fire,) = other.schedules.fire_due().fires
    assert (fire.fire_time, fire.outcome) == (due, Outcome.ENQUEUED)
    assert other.schedules.fire_due().fires == ()
    assert [job.id for job in other.list_jobs(JobFilter())] == [fire.job_id]
    assert backend.list_jobs(JobFilter()) == []


def test_numbers_of_schedules_go_on(backend: JobQueueBackend, other: JobQueueBackend) -> None:
    """A number that was given before the move is not given again after it."""
    assert [backend.schedules.add(every(60 + n)).id for n in range(2)] == ["report-1", "report-2"]
    backend.schedules.delete("report-2")
    migrate(backend, other)
    assert other.schedules.add(every(90)).id == "report-3"


def test_running_jobs_end_where_they_run(backend: JobQueueBackend, other: JobQueueBackend) -> None:
    """Their schedules and what waits for these stay with them, and move the next time."""
    backend.schedules.add(daily("busy", max_instances=2))
    backend.add_job(spec("runs", schedule_id="busy", priority=1))
    backend.add_job(spec("waits", schedule_id="busy"))
    backend.add_job(spec("alone", priority=9))
    worker = FakeWorker(backend)
    alone, runs = worker.claim(2)
    report = migrate(backend, other)
    assert {(entry.kind, entry.id) for entry in report.remaining} == {
        ("schedule", "busy"), ("job", "runs"), ("job", "waits"), ("job", "alone"),
    }  # fmt: skip
    assert not report.conflicts
    assert worker.finish(runs)
    assert worker.finish(alone, retry_at(in_seconds(60)), "once\n")
    report = migrate(backend, other)
    assert (report.schedules, report.jobs, report.remaining) == (["busy"], ["waits", "alone"], [])
    assert FakeWorker(other).log("alone") == "once\n"
    assert backend.get_job("runs").status is JobStatus.FINISHED


def test_what_began_to_run_meanwhile_is_not_taken(backend: JobQueueBackend) -> None:
    """A job that a worker has claimed since one looked; of its schedule nothing is taken, either."""
    backend.schedules.add(daily("busy", max_instances=2))
    backend.add_jobs([spec("runs", schedule_id="busy"), spec("waits", schedule_id="busy")])
    backend.add_job(spec("alone", priority=9))
    FakeWorker(backend).claim(2)
    before = content(backend)
    known = {"busy": ["runs", "waits"], "gone": []}
    batch = backend.migration.take("away", ELSEWHERE, known, ["alone", "gone"])
    assert (list(batch.items), backend.migration.outbox()) == ([], [])
    assert content(backend) == before


def test_a_queue_that_was_moved_takes_nothing_new(
    backend: JobQueueBackend, other: JobQueueBackend
) -> None:
    """Until it is moved back; a job that is there is found, and schedules that are there fire."""
    backend.schedules.add(every(1, "stays", max_instances=9))
    backend.add_job(spec("runs", schedule_id="stays"))
    FakeWorker(backend).take()
    migrate(backend, other)
    assert backend.add_job(spec("runs")).created is False
    with pytest.raises(Refused, match=r"was moved to .* it takes no new jobs"):
        backend.add_job(spec("new"))
    with pytest.raises(Refused, match="was moved to"):
        backend.add_jobs([spec("runs"), spec("new")])
    with pytest.raises(Refused, match="was moved to"):
        backend.schedules.add(every(77))
    fire_for(backend, "stays", 1)
    assert backend.schedules.pause("stays").state is ScheduleState.PAUSED
    assert other.add_job(spec("new")).created
    migrate(other, backend)
    assert backend.get_job("new").status is JobStatus.QUEUED
    assert backend.add_job(spec("newer")).created
    assert backend.schedules.add(every(77)).created
    with pytest.raises(Refused, match="was moved to"):
        other.add_job(spec("newer"))


def test_what_has_the_same_id_there_stays(
    backend: JobQueueBackend, other: JobQueueBackend, setup: BackendSetup
) -> None:
    """With the jobs of its schedule, unchanged, and the report says so; all else moves."""
    backend.schedules.add(daily("both"))
    backend.schedules.add(daily("free", max_instances=2))
    # A ledger of a miss.
    setup.set_next_fire(backend, "both", clock.now() - timedelta(days=3))
    backend.schedules.fire_due()
    for job in backend.list_jobs(JobFilter()):
        backend.delete_job(job.id)
    backend.add_job(spec("of_both", schedule_id="both"))
    backend.add_job(spec("twice", run_at=in_seconds(100)))
    worker = FakeWorker(backend)
    assert worker.finish(worker.take(), retry_at(in_seconds(60)), "log\n")
    other.schedules.add(every(60, "both"))
    other.add_job(spec("twice"))
    before, theirs = content(backend), content(other)
    planned = Migration(backend, other, report_of(backend, other)).plan()
    report = migrate(backend, other)
    assert [entry.id for entry in report.conflicts] == ["both", "twice"]
    assert "already" in report.conflicts[0].reason
    assert {entry.id for entry in report.remaining} == {"both", "of_both", "twice"}
    assert [entry.id for entry in planned.remaining] == [entry.id for entry in report.remaining]
    assert (planned.schedules, report.schedules) == (["free"], ["free"])
    schedules, jobs, ledgers = content(backend)
    assert schedules == {"both": before[0]["both"]}
    assert ledgers == {"both": before[2]["both"]}
    assert len(ledgers["both"]) >= 2
    assert jobs == before[1]
    assert worker.log("of_both") == "log\n"
    assert {**content(other)[0]} == {**theirs[0], "free": before[0]["free"]}
    other.schedules.delete("both")
    other.delete_job("twice")
    report = migrate(backend, other)
    assert (report.schedules, sorted(report.jobs)) == (["both"], ["of_both", "twice"])


def test_a_damaged_record_stays(
    backend: JobQueueBackend, other: JobQueueBackend, setup: BackendSetup
) -> None:
    """It is named, and stops nothing else."""
    backend.add_job(spec("broken"))
    backend.add_job(spec("whole"))
    backend.schedules.add(daily("bad"))
    setup.overwrite(backend, "broken", "payload", "[")
    setup.damage_schedule(backend, "bad", "{")
    report = migrate(backend, other)
    assert report.jobs == ["whole"]
    assert {entry.id for entry in report.conflicts} == {"broken", "bad"}
    assert "payload cannot be read" in next(
        entry.reason for entry in report.conflicts if entry.id == "broken"
    )


def test_a_queue_is_not_moved_onto_itself(backend: JobQueueBackend) -> None:
    """Nothing is done, and nothing is closed."""
    with pytest.raises(UsageError, match="both queues are the same"):
        migrate(backend, backend)
    assert backend.add_job(spec("a")).created


def test_each_job_is_claimed_or_taken(backend: JobQueueBackend) -> None:
    """Workers that claim while a migration takes: no job is with both, and none with neither."""
    for number in range(60):
        backend.add_job(spec(f"job-{number}"))

    def claim_or_take(ready: Any, number: int) -> list[str]:
        ready()
        if number:
            worker = FakeWorker(backend, f"worker-{number}")
            return [claim.job_id for _ in range(20) for claim in worker.claim(1)]
        taken = []
        for start in range(60):
            batch = backend.migration.take(f"b-{start}", ELSEWHERE, {}, [f"job-{59 - start}"])
            taken += [str(item.jobs[0].row["id"]) for item in batch.items]
        return taken

    parts = in_threads(3, claim_or_take)
    everything = [job_id for part in parts for job_id in part]
    assert len(everything) == len(set(everything))
    waiting = {job.id for job in backend.list_jobs(JobFilter(frozenset({JobStatus.QUEUED})))}
    assert waiting | set(everything) == {f"job-{number}" for number in range(60)}


def test_each_fire_is_made_on_one_side(backend: JobQueueBackend, other: JobQueueBackend) -> None:
    """Schedulers on both sides while a schedule moves: every nominal time has exactly one job."""
    names = [f"each-{number}" for number in range(4)]
    for name in names:
        backend.schedules.add(every(1, name, coalesce=False, max_instances=1000))
    first = {name: backend.schedules.get(name).next_fire for name in names}
    fire_for(backend, names[0], 1)
    backend.schedules.fire_due()
    migrate(backend, other)
    backend.schedules.fire_due()
    fire_for(other, names[-1], 3)
    assert backend.list_jobs(JobFilter(limit=1000)) == []
    for name in names:
        jobs = other.list_jobs(JobFilter(schedule_id=name, limit=1000))
        times = sorted(job.scheduled_for for job in jobs if job.scheduled_for)
        start = first[name]
        assert start is not None
        assert times == [start + timedelta(seconds=n) for n in range(len(times))]
        assert len(times) >= 2
