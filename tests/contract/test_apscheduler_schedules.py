"""Schedules of a project in a scheduler of the user's own: paused, resumed, changed, removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger as ApsCronTrigger

from flowerpower.errors import Refused, UsageError
from flowerpower.job_queue.apscheduler.triggers import CronTrigger, DateTrigger, IntervalTrigger
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.schedule import Outcome, ScheduleState
from flowerpower.triggers import clock
from flowerpower.triggers.make import make_trigger
from tests.conditions import eventually
from tests.contract.backends import BackendSetup
from tests.contract.users_scheduler import BERLIN, add_schedule, records, state


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
