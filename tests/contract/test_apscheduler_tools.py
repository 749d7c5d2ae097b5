"""APScheduler's own calls on a project's jobs and schedules, in a scheduler of the user's own."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from apscheduler.events import (
    EVENT_ALL,
    EVENT_JOB_ADDED,
    EVENT_JOB_MODIFIED,
    EVENT_JOB_REMOVED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from flowerpower.errors import Refused
from flowerpower.job_queue.apscheduler.job_store import FlowerpowerJobStore
from flowerpower.job_queue.apscheduler.triggers import CronTrigger, IntervalTrigger
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.jobs.schedule import ScheduleSpec
from flowerpower.triggers.make import make_trigger
from tests.conditions import eventually
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FakeWorker, in_seconds, spec
from tests.contract.users_scheduler import BERLIN, LoopingScheduler, add_schedule, printed, records


@pytest.mark.in_memory
def test_get_jobs_lists_what_is_pending(
    backend: JobQueueBackend, scheduler: BackgroundScheduler, fake_worker: FakeWorker
) -> None:
    """Jobs that wait or run, and schedules with fires to come; the next ones first, paused last."""
    for status in (JobStatus.FINISHED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.RUNNING):
        fake_worker.make(status, str(status))
    for job_id, seconds in (("tomorrow", 86_400.0), ("soon", 60.0)):
        backend.add_job(spec(job_id, run_at=in_seconds(seconds)))
    backend.add_job(spec("now"))
    add_schedule(backend, "at-noon", "0 12 * * *")
    add_schedule(backend, "resting")
    backend.schedules.pause("resting")
    backend.schedules.add(ScheduleSpec("report", make_trigger(date="2020-01-01"), id="past"))
    jobs = scheduler.get_jobs()
    assert [job.id for job in jobs if job.id != "at-noon"] == [
        "running", "now", "soon", "tomorrow", "resting",
    ]  # fmt: skip
    times = [job.next_run_time for job in jobs[:-1]]
    assert times == sorted(times)
    assert {job.name for job in jobs} == {"report"}
    for job in jobs:
        assert (job.pending, scheduler.get_job(job.id), scheduler.get_job(job.id, "default")) == (
            False, job, None,
        )  # fmt: skip
    for job_id in ("finished", "failed", "cancelled", "past", "never-there", "", "\x00"):
        assert scheduler.get_job(job_id) is None


def test_what_a_job_of_a_schedule_shows(
    backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """Id, pipeline, trigger in words, settings, and when it is due, jitter and all, in its zone."""
    settings: dict[str, Any] = {"coalesce": False, "max_instances": 3, "misfire_grace_time": 90.5}
    add_schedule(backend, "daily", "0 8 * * 1-5", jitter="1m", **settings)
    job = scheduler.get_job("daily")
    assert (job.id, job.name, job.coalesce, job.max_instances, job.misfire_grace_time) == (
        "daily", "report", False, 3, 91,
    )  # fmt: skip
    assert str(job.trigger) == "at 08:00, Monday to Friday, Europe/Berlin, up to 1m late"
    assert job.next_run_time == backend.schedules.get("daily").due_at
    assert job.next_run_time.tzinfo is BERLIN
    backend.schedules.pause("daily")
    assert scheduler.get_job("daily").next_run_time is None


def test_print_jobs(
    backend: JobQueueBackend, scheduler: BackgroundScheduler, fake_worker: FakeWorker
) -> None:
    """One line a job: pipeline, trigger, and when it runs next or what state it is in."""
    fake_worker.make(JobStatus.RUNNING)
    backend.add_job(spec("waiting"))
    backend.add_job(spec("later", run_at=datetime(2199, 1, 2, 3, 4, 5, tzinfo=UTC)))
    add_schedule(backend, "once", date="2199-01-01T08:00:00")
    add_schedule(backend, "daily")
    backend.schedules.pause("daily")
    lines = printed(scheduler)
    assert lines[:3] == ["Jobstore default:", "    No scheduled jobs", "Jobstore flowerpower:"]
    assert sorted(line.rpartition(", ")[2] for line in lines[3:5]) == ["queued)", "running)"]
    assert lines[5:] == [
        "    report (trigger: once, on Tuesday 1 January 2199 08:00, Europe/Berlin, "
        "next run at: 2199-01-01 08:00:00 CET)",
        "    report (trigger: date[2199-01-02 03:04:05 UTC], next run at: 2199-01-02 03:04:05 UTC)",
        "    report (trigger: at 08:00, every day, Europe/Berlin, paused)",
    ]


def test_a_waiting_job_is_removed_by_cancelling_it(
    backend: JobQueueBackend, scheduler: BackgroundScheduler, fake_worker: FakeWorker
) -> None:
    """Its record stays, as cancelled; no worker gets it."""
    backend.add_job(spec("first"))
    backend.add_job(spec("second", run_at=in_seconds(3600)))
    scheduler.remove_job("first")
    scheduler.get_job("second").remove()
    for job_id in ("first", "second"):
        assert backend.get_job(job_id).status is JobStatus.CANCELLED
        with pytest.raises(JobLookupError):
            scheduler.remove_job(job_id)
    assert fake_worker.claim() == []


def test_a_running_job_is_not_removed(
    backend: JobQueueBackend, scheduler: BackgroundScheduler, fake_worker: FakeWorker
) -> None:
    """APScheduler ends no job that runs; the sentence names the command that does."""
    claim = fake_worker.make(JobStatus.RUNNING)
    with pytest.raises(Refused, match="subject is running") as refused:
        scheduler.remove_job("subject")
    assert refused.value.hint == "End it with `flowerpower job-queue cancel-job subject`."
    assert not backend.get_job("subject").cancel_requested
    assert claim is not None
    assert fake_worker.finish(claim)


@pytest.mark.parametrize("status", [JobStatus.SCHEDULED, JobStatus.QUEUED, JobStatus.RUNNING])
def test_a_job_is_neither_paused_nor_changed(
    backend: JobQueueBackend,
    scheduler: BackgroundScheduler,
    fake_worker: FakeWorker,
    status: JobStatus,
) -> None:
    """Only schedules are. Resuming a job changes nothing, because it is not paused."""
    fake_worker.make(status)
    before = records(backend)
    with pytest.raises(Refused, match="subject cannot be paused; only schedules are"):
        scheduler.pause_job("subject")
    with pytest.raises(Refused, match="next_run_time of the job subject cannot be changed"):
        scheduler.modify_job("subject", next_run_time=in_seconds(60))
    with pytest.raises(Refused, match="trigger and next_run_time of the job subject"):
        scheduler.reschedule_job("subject", trigger=CronTrigger("@daily"))
    assert scheduler.resume_job("subject").id == "subject"
    assert records(backend) == before


def test_an_id_of_two_things_is_refused(
    backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """A schedule and a job of one id are both listed; a call would act on one of them by chance."""
    add_schedule(backend, "daily")
    backend.add_job(spec("daily"))
    assert [job.id for job in scheduler.get_jobs()] == ["daily", "daily"]
    before = records(backend)
    for call in (scheduler.remove_job, scheduler.pause_job, scheduler.resume_job):
        with pytest.raises(Refused, match="both a schedule and a job daily"):
            call("daily")
    assert records(backend) == before


def test_functions_are_refused(backend: JobQueueBackend, scheduler: BackgroundScheduler) -> None:
    """The store takes none, neither while the scheduler runs nor when it starts."""
    for replace_existing in (False, True):
        with pytest.raises(Refused, match="takes no functions") as refused:
            scheduler.add_job(
                print, "interval", seconds=1, id="mine", jobstore="flowerpower",
                replace_existing=replace_existing,
            )  # fmt: skip
        assert "PipelineManager.add_job" in str(refused.value.hint)
    scheduler.add_job(print, IntervalTrigger("1h"), id="own")
    exported = io.StringIO()
    scheduler.export_jobs(exported, "default")
    exported.seek(0)
    with pytest.raises(Refused, match="takes no functions"):
        scheduler.import_jobs(exported, "flowerpower")
    assert [job.id for job in scheduler.get_jobs()] == ["own"]
    other = BackgroundScheduler(jobstores={"flowerpower": FlowerpowerJobStore(backend)})
    other.add_job(print, jobstore="flowerpower")
    with pytest.raises(Refused, match="takes no functions"):
        other.start()
    assert backend.list_jobs(JobFilter()) == []


def test_removing_all_jobs_is_refused(
    backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """`remove_all_jobs()` asks every store; a project's schedules are not lost by it."""
    scheduler.add_job(print, "interval", hours=1, id="own")
    add_schedule(backend, "daily")
    backend.add_job(spec("waiting"))
    before = records(backend)
    for jobstore in (None, "flowerpower"):
        with pytest.raises(Refused, match="not removed all at once"):
            scheduler.remove_all_jobs(jobstore)
    assert records(backend) == before
    scheduler.remove_all_jobs("default")
    assert [job.id for job in scheduler.get_jobs("default")] == []


def test_listeners_hear_what_is_done_here(
    backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """What this scheduler pauses, resumes and removes, each once; not what was refused."""
    heard: list[tuple[int, str, str]] = []
    scheduler.add_listener(
        lambda event: heard.append((event.code, event.job_id, event.jobstore)),
        EVENT_JOB_ADDED | EVENT_JOB_MODIFIED | EVENT_JOB_REMOVED,
    )
    add_schedule(backend, "daily")
    scheduler.pause_job("daily")
    with pytest.raises(Refused):
        scheduler.modify_job("daily", name="other")
    scheduler.resume_job("daily")
    scheduler.remove_job("daily")
    assert heard == [
        (code, "daily", "flowerpower")
        for code in (EVENT_JOB_MODIFIED, EVENT_JOB_MODIFIED, EVENT_JOB_REMOVED)
    ]


@pytest.mark.parametrize("text", ["", "{", '{"v": 99}', "\x07"])
def test_a_damaged_schedule_is_shown_and_can_be_removed(
    setup: BackendSetup, backend: JobQueueBackend, scheduler: BackgroundScheduler, text: str
) -> None:
    """It stops no other, says what is wrong with it, and is neither paused nor resumed."""
    for schedule_id in ("bad", "good"):
        add_schedule(backend, schedule_id)
    setup.damage_schedule(backend, "bad", text)
    (bad,) = [job for job in scheduler.get_jobs() if job.id == "bad"]
    assert str(bad.trigger) == backend.schedules.get("bad").fault
    assert len([line for line in printed(scheduler) if "The schedule bad" in line]) == 1
    for call in (scheduler.pause_job, scheduler.resume_job):
        with pytest.raises(Refused, match="The schedule bad"):
            call("bad")
    assert len(backend.schedules.list()) == 2
    scheduler.remove_job("bad")
    assert [job.id for job in scheduler.get_jobs()] == ["good"]


def test_a_scheduler_runs_and_writes_nothing_by_itself(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Started, listed, woken and shut down beside due jobs and fires, it leaves them as they are."""
    backend.add_job(spec("due"))
    add_schedule(backend, "late", interval=10)
    setup.age(backend, "late", 60)
    before = records(backend)
    events: list[Any] = []
    scheduler = LoopingScheduler(jobstores={"default": FlowerpowerJobStore(backend)})
    scheduler.add_listener(events.append, EVENT_ALL)
    scheduler.start()
    for _ in range(20):
        passes = scheduler.passes
        scheduler.get_jobs()
        scheduler.wakeup()
        eventually(lambda seen=passes: scheduler.passes > seen)
    scheduler.pause()
    scheduler.resume()
    scheduler.shutdown()
    assert records(backend) == before
    assert not [event for event in events
                if isinstance(event, JobSubmissionEvent | JobExecutionEvent)]  # fmt: skip
    # The queue is the caller's, and still open: a worker would find both.
    assert {fire.schedule_id for fire in backend.schedules.fire_due().fires} == {"late"}


def test_jobs_of_other_stores_run_beside_it(
    backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """The scheduler's own jobs, also with triggers of ours, run as without it."""
    add_schedule(backend, "daily")
    ran: list[int] = []
    scheduler.add_job(
        ran.append, IntervalTrigger(1), args=[1], misfire_grace_time=None, id="own"
    )  # fmt: skip
    eventually(lambda: len(ran) >= 2)
    assert {job.id for job in scheduler.get_jobs()} == {"own", "daily"}


@pytest.mark.parametrize("part", ["payload", "progress"])
def test_a_damaged_job_is_shown_and_can_be_removed(
    setup: BackendSetup, backend: JobQueueBackend, scheduler: BackgroundScheduler, part: str
) -> None:
    """It stops no other, and is cancelled as any other."""
    for job_id in ("bad", "good"):
        backend.add_job(spec(job_id))
    setup.overwrite(backend, "bad", part, "\x07{")
    assert {job.id for job in scheduler.get_jobs()} == {"bad", "good"}
    assert "\x07" not in "".join(printed(scheduler))
    scheduler.remove_job("bad")
    assert backend.get_job("bad").status is JobStatus.CANCELLED
    assert [job.id for job in scheduler.get_jobs()] == ["good"]
