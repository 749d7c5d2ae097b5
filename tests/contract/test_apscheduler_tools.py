"""APScheduler's own calls on a project's jobs and schedules, in a scheduler of the user's own."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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
from apscheduler.triggers.cron import CronTrigger as ApsCronTrigger

from flowerpower.errors import Refused, UsageError
from flowerpower.job_queue.apscheduler.job_store import FlowerpowerJobStore
from flowerpower.job_queue.apscheduler.triggers import CronTrigger, DateTrigger, IntervalTrigger
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.jobs.schedule import Outcome, ScheduleSpec, ScheduleState
from flowerpower.triggers import clock
from flowerpower.triggers.make import make_trigger
from tests.conditions import eventually
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FakeWorker, in_seconds, spec

BERLIN = ZoneInfo("Europe/Berlin")


class LoopingScheduler(BackgroundScheduler):
    """A scheduler that counts how often its thread looked for jobs."""

    passes = 0

    def _process_jobs(self) -> Any:
        sleeps = super()._process_jobs()
        self.passes += 1
        return sleeps


@pytest.fixture
def scheduler(backend: JobQueueBackend) -> Iterator[LoopingScheduler]:
    """A running scheduler with a store of its own, and ours."""
    running = LoopingScheduler(
        timezone="UTC", jobstores={"flowerpower": FlowerpowerJobStore(backend)}
    )
    running.start()
    yield running
    if running.running:
        running.shutdown()


def add_schedule(
    backend: JobQueueBackend, schedule_id: str, /, cron: str = "0 8 * * *", **fields: Any
) -> ScheduleSpec:
    """A schedule of the pipeline `report`, which is there when this returns."""
    keys = ("interval", "date", "jitter")
    timing = {key: fields.pop(key) for key in keys if key in fields}
    if "interval" not in timing and "date" not in timing:
        timing["cron"] = cron
    trigger = make_trigger(timezone="Europe/Berlin", **timing)
    schedule = ScheduleSpec("report", trigger, id=schedule_id, **fields)
    backend.schedules.add(schedule)
    return schedule


def state(backend: JobQueueBackend, schedule_id: str = "daily") -> ScheduleState:
    return backend.schedules.get(schedule_id).state


def printed(scheduler: BackgroundScheduler) -> list[str]:
    """The lines of `print_jobs`."""
    out = io.StringIO()
    scheduler.print_jobs(out=out)
    return out.getvalue().splitlines()


def records(backend: JobQueueBackend) -> list[Any]:
    """All that there is of jobs, schedules, fires and workers."""
    jobs, schedules = backend.list_jobs(JobFilter()), backend.schedules.list()
    fires = [backend.schedules.fires(schedule.id) for schedule in schedules]
    return [jobs, schedules, fires, backend.beats(), backend.list_workers()]


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


def test_a_schedule_is_paused_resumed_and_removed(
    backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """By the scheduler's calls and by those of the job; the answer is what is stored then."""
    add_schedule(backend, "daily", jitter="1m")
    add_schedule(backend, "other")
    due = backend.schedules.get("daily").due_at
    assert scheduler.pause_job("daily").next_run_time is None
    assert (state(backend), state(backend, "other")) == (
        ScheduleState.PAUSED, ScheduleState.ACTIVE,
    )  # fmt: skip
    paused = backend.schedules.get("daily")
    scheduler.pause_job("daily")
    assert backend.schedules.get("daily") == paused
    assert scheduler.resume_job("daily").next_run_time == due
    assert (state(backend), backend.schedules.get("daily").due_at) == (ScheduleState.ACTIVE, due)
    job = scheduler.get_job("daily")
    job.pause()
    assert scheduler.get_job("daily").next_run_time is None
    for _ in range(2):
        job.resume()
        assert scheduler.get_job("daily").next_run_time == due
    job.remove()
    assert [schedule.id for schedule in backend.schedules.list()] == ["other"]
    with pytest.raises(JobLookupError):
        scheduler.remove_job("daily")
    for call in (job.pause, job.resume, job.remove):
        with pytest.raises(JobLookupError):
            call()


def test_a_schedule_that_goes_meanwhile_is_not_added_again(
    backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """A job that was read before its schedule was deleted is a JobLookupError."""
    add_schedule(backend, "daily")
    store = scheduler._jobstores["flowerpower"]
    for changes in (
        {"next_run_time": None}, {"max_instances": 2}, {"trigger": CronTrigger("@daily")},
    ):  # fmt: skip
        add_schedule(backend, "daily")
        job = scheduler.get_job("daily")
        job._modify(**changes)
        backend.schedules.delete("daily")
        with pytest.raises(JobLookupError):
            store.update_job(job)
        assert backend.schedules.list() == []


def test_resuming_deletes_no_fire(
    setup: BackendSetup, backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """The last fire of a schedule that no worker has seen yet survives `resume_job`."""
    past = clock.now() + timedelta(milliseconds=300)
    add_schedule(backend, "once", date=past)
    eventually(lambda: clock.now() > past)
    assert scheduler.resume_job("once").next_run_time == past
    (fire,) = backend.schedules.fire_due().fires
    assert (fire.schedule_id, fire.outcome) == ("once", Outcome.ENQUEUED)


def test_a_paused_schedule_without_fires_to_come_is_over(
    backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """It is not listed, and no call removes it: APScheduler's `resume_job` would."""
    end = clock.now() + timedelta(milliseconds=300)
    add_schedule(backend, "once", date=end)
    backend.schedules.pause("once")
    eventually(lambda: clock.now() > end)
    assert scheduler.get_jobs() == []
    for call in (scheduler.resume_job, scheduler.pause_job, scheduler.remove_job):
        with pytest.raises(JobLookupError):
            call("once")
    assert state(backend, "once") is ScheduleState.PAUSED


def test_a_schedule_gets_another_trigger(
    backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """`reschedule_job` with a trigger of ours edits it: pause, queue and ledger stay."""
    before = add_schedule(backend, "daily", queue="slow")
    job = scheduler.reschedule_job("daily", trigger=CronTrigger("0 9 * * *", timezone=BERLIN))
    schedule = backend.schedules.get("daily")
    assert schedule.spec is not None
    assert schedule.spec.trigger == make_trigger("0 9 * * *", timezone="Europe/Berlin")
    assert (schedule.spec.queue, schedule.revision) == (before.queue, 1)
    assert (job.next_run_time, str(job.trigger)) == (
        schedule.next_fire, "at 09:00, every day, Europe/Berlin",
    )  # fmt: skip
    scheduler.pause_job("daily")
    scheduler.get_job("daily").reschedule(IntervalTrigger("1h", timezone="UTC"))
    job = scheduler.get_job("daily")
    assert (job.next_run_time, state(backend)) == (None, ScheduleState.PAUSED)
    assert str(backend.schedules.get("daily").trigger) == str(job.trigger.trigger)


def test_settings_of_a_schedule_are_changed(
    backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """`modify_job` changes what has the same meaning there; a value that is not valid is said."""
    add_schedule(backend, "daily")
    scheduler.modify_job("daily", max_instances=4, coalesce=False, misfire_grace_time=60)
    edited = backend.schedules.get("daily").spec
    assert edited is not None
    assert (edited.max_instances, edited.coalesce, edited.misfire_grace_time) == (4, False, 60)
    scheduler.modify_job("daily", max_instances=2, next_run_time=None)
    assert state(backend) is ScheduleState.PAUSED
    assert scheduler.get_job("daily").max_instances == 2
    with pytest.raises(UsageError, match="max_instances is 5000"):
        scheduler.modify_job("daily", max_instances=5000)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "other"}, "name of the schedule daily cannot be changed here"),
        ({"func": print, "args": [1]}, "func and args of the schedule daily cannot be changed"),
        ({"executor": "mine", "max_instances": 7}, "executor of the schedule daily cannot"),
        (
            {"next_run_time": datetime(2199, 1, 1, tzinfo=UTC), "max_instances": 7},
            "follows from its trigger",
        ),
        ({"trigger": ApsCronTrigger.from_crontab("0 8 * * 1")}, "APScheduler's own triggers read"),
        ({"trigger": DateTrigger("2020-01-01", timezone="UTC")}, "would never fire"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("paused", [False, True])
def test_what_cannot_be_changed_of_a_schedule_is_refused(
    backend: JobQueueBackend,
    scheduler: BackgroundScheduler,
    changes: dict[str, Any],
    sentence: str,
    paused: bool,
) -> None:
    """In a sentence that says what can be done; nothing is changed then."""
    add_schedule(backend, "daily")
    if paused:
        backend.schedules.pause("daily")
    before = records(backend)
    with pytest.raises(Refused, match=sentence) as refused:
        scheduler.modify_job("daily", **changes)
    assert refused.value.hint or "past" in sentence or "never fire" in sentence
    assert records(backend) == before


def test_a_trigger_of_apscheduler_by_name_is_refused(
    backend: JobQueueBackend, scheduler: BackgroundScheduler
) -> None:
    """`reschedule_job(trigger="cron", hour=8)` makes one of APScheduler's own."""
    add_schedule(backend, "daily")
    before = records(backend)
    with pytest.raises(Refused, match=r"cannot be cron\[hour='8'\]"):
        scheduler.reschedule_job("daily", trigger="cron", hour=8)
    assert records(backend) == before


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
