"""Schedules as records: added once, found, edited, paused, resumed, deleted."""

from datetime import timedelta
from typing import Any

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.config.run import RetryOverrides
from flowerpower.errors import Refused, ScheduleNotFound
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter
from flowerpower.jobs.schedule import Origin, Schedule, ScheduleSpec, ScheduleState
from flowerpower.triggers import clock
from flowerpower.triggers.make import make_trigger
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import with_inputs
from tests.contract.in_processes import in_processes, in_threads


def every(seconds: float, schedule_id: str | None = None, **fields: Any) -> ScheduleSpec:
    """A schedule of the pipeline `report`, each so many seconds."""
    trigger = make_trigger(interval=seconds, timezone="Europe/Berlin")
    return ScheduleSpec(**{"pipeline": "report", "trigger": trigger, "id": schedule_id, **fields})


def daily(schedule_id: str | None = None, **fields: Any) -> ScheduleSpec:
    """A schedule of the pipeline `report`, each day at eight."""
    trigger = make_trigger(cron="0 8 * * *", timezone="Europe/Berlin")
    return ScheduleSpec(**{"pipeline": "report", "trigger": trigger, "id": schedule_id, **fields})


@pytest.mark.in_memory
def test_every_field_of_a_schedule_comes_back(backend: JobQueueBackend) -> None:
    """A schedule that was added is read with all that it was given, and when it fires next."""
    spec = ScheduleSpec(
        pipeline="report",
        trigger=make_trigger(
            cron="30 7 * * 1-5", timezone="America/New_York", start="2026-01-01", jitter="30s"
        ),
        overrides=RunOverrides(
            inputs={"name": "Zoë 🌷", "rows": [1, None]},
            final_vars=["total"],
            timeout=90.0,
            retry=RetryOverrides(max_retries=3),
        ),
        id="report_ny",
        queue="slow",
        result_ttl=30.0,
        misfire_grace_time=60.0,
        coalesce=False,
        max_instances=3,
        origin=Origin.CONFIG,
    )
    before = clock.now()
    added = backend.schedules.add(spec)
    schedule = backend.schedules.get("report_ny")
    assert schedule == added
    assert added.created
    assert schedule.spec == spec
    assert (schedule.pipeline, schedule.state) == ("report", ScheduleState.ACTIVE)
    assert abs(schedule.created_at - before) < timedelta(seconds=10)
    assert schedule.next_fire == spec.trigger.next_after(schedule.anchor)
    assert schedule.due_at is not None
    assert schedule.next_fire is not None
    assert timedelta() <= schedule.due_at - schedule.next_fire <= timedelta(seconds=30)
    assert (schedule.last_fire, schedule.fault) == (None, None)
    assert schedule.to_json()["overrides"]["inputs"] == spec.overrides.inputs


def test_an_interval_fires_first_one_interval_after_it_was_added(backend: JobQueueBackend) -> None:
    """And counts from then on, to the second."""
    schedule = backend.schedules.add(every(90))
    begun = schedule.anchor.replace(microsecond=0)
    assert schedule.next_fire == begun + timedelta(seconds=90)
    assert backend.schedules.get(schedule.id).trigger == schedule.trigger


def test_numbers_count_up_and_are_not_reused(backend: JobQueueBackend) -> None:
    """The schedules of a pipeline are numbered; a number of one that is gone stays its own."""
    ids = [backend.schedules.add(every(60 + number)).id for number in range(3)]
    assert ids == ["report-1", "report-2", "report-3"]
    backend.schedules.delete("report-3")
    assert backend.schedules.add(every(90)).id == "report-4"
    assert backend.schedules.add(daily(pipeline="other")).id == "other-1"
    assert backend.schedules.add(every(91, "report-5")).id == "report-5"
    assert backend.schedules.add(every(92)).id == "report-6"


def test_the_same_again_gives_the_first_one_back(backend: JobQueueBackend) -> None:
    """Pipeline, trigger and overrides as those of a live schedule: that one, unchanged."""
    first = backend.schedules.add(daily(overrides=with_inputs(n=1)))
    again = backend.schedules.add(daily(overrides=with_inputs(n=1)))
    assert (first.created, again.created) == (True, False)
    assert again == first
    assert backend.schedules.add(daily(overrides=with_inputs(n=2))).id == "report-2"
    assert backend.schedules.add(daily(pipeline="other", overrides=with_inputs(n=1))).created
    backend.schedules.delete(first.id)
    assert backend.schedules.add(daily(overrides=with_inputs(n=1))).id == "report-3"


def test_a_schedule_that_is_done_is_no_reason_not_to_add_it(backend: JobQueueBackend) -> None:
    """A date in the past makes a schedule that is done; the same again is a new one."""
    past = ScheduleSpec("report", make_trigger(date="2020-01-01", timezone="UTC"))
    first = backend.schedules.add(past)
    assert (first.state, first.next_fire) == (ScheduleState.DONE, None)
    assert backend.schedules.add(past).id == "report-2"


def test_a_named_one_is_replaced_only_if_told_to(backend: JobQueueBackend) -> None:
    """The same id and the same schedule: already so. Another one: refused, or an edit."""
    first = backend.schedules.add(daily("mine"))
    assert backend.schedules.add(daily("mine")).created is False
    with pytest.raises(Refused, match="There is a schedule mine already"):
        backend.schedules.add(every(60, "mine"))
    assert backend.schedules.get("mine") == first
    edited = backend.schedules.add(every(60, "mine"), overwrite=True)
    assert edited.created_at == first.created_at
    assert edited.revision > first.revision
    assert backend.schedules.get("mine") == edited
    assert backend.schedules.get("mine").spec == every(60, "mine")
    # What it was before is free again.
    assert backend.schedules.add(daily()).id == "report-1"


def test_a_paused_schedule_stays_paused_when_it_is_edited(backend: JobQueueBackend) -> None:
    """A pause is live state."""
    backend.schedules.add(daily("mine"))
    backend.schedules.pause("mine")
    edited = backend.schedules.add(every(60, "mine"), overwrite=True)
    assert (edited.state, edited.next_fire) == (ScheduleState.PAUSED, None)
    assert backend.schedules.resume("mine").next_fire is not None


def test_pause_and_resume(backend: JobQueueBackend) -> None:
    """A paused schedule has no next fire, a resumed one the first after now; twice is once."""
    schedule = backend.schedules.add(daily("mine"))
    paused = backend.schedules.pause("mine")
    assert (paused.state, paused.next_fire, paused.due_at) == (ScheduleState.PAUSED, None, None)
    assert backend.schedules.pause("mine") == paused
    assert backend.schedules.next_fire_in() is None
    resumed = backend.schedules.resume("mine")
    assert (resumed.state, resumed.next_fire) == (ScheduleState.ACTIVE, schedule.next_fire)
    assert backend.schedules.resume("mine") == resumed
    assert backend.schedules.get("mine") == resumed


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_what_is_done_is_neither_paused_nor_resumed(backend: JobQueueBackend, verb: str) -> None:
    """There is nothing to come."""
    backend.schedules.add(ScheduleSpec("report", make_trigger(date="2020-01-01"), id="past"))
    with pytest.raises(Refused, match="is done"):
        getattr(backend.schedules, verb)("past")


@pytest.mark.parametrize(
    "verb",
    ["get", "pause", "resume", "delete", "fires"],
)
@pytest.mark.parametrize("schedule_id", ["mine-2", "", "x\x00", "' OR 1=1 --", "y" * 300])
def test_what_is_not_there_is_said_with_the_nearest(
    backend: JobQueueBackend, verb: str, schedule_id: str
) -> None:
    """An id that nobody has is an error; one much like it is named."""
    backend.schedules.add(daily("mine-1"))
    with pytest.raises(ScheduleNotFound) as missing:
        getattr(backend.schedules, verb)(schedule_id)
    assert ("'mine-1'" in missing.value.message) is (schedule_id == "mine-2")


def test_lists_hold_all_schedules_oldest_first(backend: JobQueueBackend) -> None:
    """With what is known of each."""
    assert backend.schedules.list() == []
    added = [backend.schedules.add(every(60 + n, f"s{n}")) for n in (3, 1, 2)]
    assert backend.schedules.list() == added
    backend.schedules.delete("s1")
    assert [schedule.id for schedule in backend.schedules.list()] == ["s3", "s2"]


def test_the_next_fire_of_all_is_known(backend: JobQueueBackend) -> None:
    """How long until somebody has to look."""
    assert backend.schedules.next_fire_in() is None
    backend.schedules.add(daily())
    backend.schedules.add(every(60))
    due = backend.schedules.next_fire_in()
    assert due is not None
    assert 50 < due <= 60


def test_namespaces_keep_their_schedules_apart(setup: BackendSetup) -> None:
    """Two projects in one place see nothing of each other's."""
    with setup.open(namespace="one-a") as first, setup.open(namespace="two-b") as second:
        schedule = first.schedules.add(every(1))
        place_of_second = second.schedules.add(every(500))
        assert (schedule.id, place_of_second.id) == ("report-1", "report-1")
        assert len(second.schedules.list()) == 1
        due = second.schedules.next_fire_in()
        assert due is not None
        assert due > 400
        assert second.schedules.fire_due().fires == ()
        second.schedules.delete("report-1")
        assert first.schedules.get("report-1") == schedule
        first.schedules.delete("report-1")


def test_threads_that_add_the_same_make_one(backend: JobQueueBackend) -> None:
    """Eight that add one schedule at the same moment are given the same one."""

    def add(ready: Any, number: int) -> tuple[str, bool]:
        ready()
        schedule = backend.schedules.add(daily())
        return schedule.id, schedule.created

    answers = in_threads(8, add)
    assert len({schedule_id for schedule_id, _ in answers}) == 1
    assert sum(created for _, created in answers) == 1
    assert len(backend.schedules.list()) == 1


def _add_many(ready: Any, number: int, options: dict[str, Any]) -> list[str]:
    with JobQueueManager(**options) as queue:
        ready()
        return [queue.schedules.add(every(60 + 10 * number + index)).id for index in range(5)]


def test_processes_that_add_at_once_get_numbers_of_their_own(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """Twenty schedules from four processes have twenty ids."""
    ids = [
        schedule_id for share in in_processes(4, _add_many, setup.options) for schedule_id in share
    ]
    assert len(set(ids)) == 20
    assert {schedule.id for schedule in backend.schedules.list()} == set(ids)


@pytest.mark.fault("schedule-damaged")
@pytest.mark.parametrize("text", ["", "{", "[]", '{"v": 99}', '{"v": 1}', "\x07"])
def test_a_damaged_schedule_says_so_and_stops_nobody(
    setup: BackendSetup, backend: JobQueueBackend, text: str
) -> None:
    """It is listed with its fault, fires nothing, and can be deleted; the others fire."""
    for name in ("bad", "good"):
        backend.schedules.add(every(10, name))
    setup.damage_schedule(backend, "bad", text)
    bad = backend.schedules.get("bad")
    assert bad.fault is not None
    assert "bad" in bad.fault
    assert bad.to_json()["fault"] == bad.fault
    for name in ("bad", "good"):
        setup.age(backend, name, 15)
    made = [fire for _ in range(3) for fire in backend.schedules.fire_due().fires]
    assert [fire.schedule_id for fire in made] == ["good"]
    assert backend.schedules.next_fire_in() != 0
    assert {schedule.id for schedule in backend.schedules.list()} == {"bad", "good"}
    backend.schedules.delete("bad")
    assert [job.schedule_id for job in backend.list_jobs(JobFilter())] == ["good"]


def test_a_schedule_survives_the_manager(setup: BackendSetup) -> None:
    """Another manager finds it as the first left it."""
    with setup.open() as first:
        schedule = first.schedules.add(every(60))
    with setup.open() as second:
        found: Schedule = second.schedules.get(schedule.id)
        assert found == schedule
        assert second.schedules.add(every(60)).id == schedule.id
