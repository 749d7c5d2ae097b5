"""What schedules that YAML declares need of a store: adoption, switching off, steps, exceptions."""

from dataclasses import replace
from datetime import timedelta

from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.schedule import Origin, Outcome, ScheduleSpec, ScheduleState
from flowerpower.triggers import clock
from flowerpower.triggers.make import make_trigger
from tests.contract.backends import BackendSetup


def interval(seconds: float, schedule_id: str | None, **fields: object) -> ScheduleSpec:
    """A schedule of the pipeline `report`, each so many seconds."""
    trigger = make_trigger(interval=seconds, timezone="UTC")
    return ScheduleSpec("report", trigger, id=schedule_id, **fields)  # type: ignore[arg-type]


def test_the_same_one_that_is_declared_now_changes_its_origin_alone(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """State, age and next fire stay: an interval does not begin to count again."""
    backend.schedules.add(interval(60, "mine", origin=Origin.CLI))
    setup.age(backend, "mine", 30)
    before = backend.schedules.get("mine")
    declared = interval(60, "mine", origin=Origin.CONFIG)
    # Without `overwrite` nothing is changed.
    assert backend.schedules.add(declared).spec == before.spec
    adopted = backend.schedules.add(declared, overwrite=True)
    assert backend.schedules.get("mine") == adopted
    assert adopted.spec == declared
    assert adopted == replace(before, spec=declared, revision=before.revision + 1)
    assert backend.schedules.add(declared, overwrite=True).revision == adopted.revision
    # One of YAML stays one of YAML, whoever adds the same.
    again = backend.schedules.add(interval(60, "mine", origin=Origin.CLI), overwrite=True)
    assert again.spec == declared


def test_one_that_is_not_enabled_never_fires(setup: BackendSetup, backend: JobQueueBackend) -> None:
    """It has no next fire, also after a pause and resume, and fires again once it is enabled."""
    backend.schedules.add(interval(60, "mine"))
    off = backend.schedules.add(interval(60, "mine", enabled=False), overwrite=True)
    assert (off.state, off.next_fire, off.due_at) == (ScheduleState.ACTIVE, None, None)
    setup.age(backend, "mine", 600)
    assert backend.schedules.fire_due().fires == ()
    backend.schedules.pause("mine")
    assert backend.schedules.resume("mine").next_fire is None
    assert backend.schedules.get("mine").spec == interval(60, "mine", enabled=False)
    before = clock.now() - timedelta(seconds=5)
    on = backend.schedules.add(interval(60, "mine"), overwrite=True)
    assert on.next_fire is not None
    assert on.next_fire > before


def test_a_pause_outlives_being_switched_off_and_on(backend: JobQueueBackend) -> None:
    """The two are not the same: a pause is live state, `enabled` is the definition's."""
    backend.schedules.add(interval(60, "mine"))
    backend.schedules.pause("mine")
    for enabled in (False, True):
        edited = backend.schedules.add(interval(60, "mine", enabled=enabled), overwrite=True)
        assert (edited.state, edited.next_fire) == (ScheduleState.PAUSED, None)


def test_steps_and_exceptions_come_back_and_fire(
    setup: BackendSetup, backend: JobQueueBackend
) -> None:
    """A step of the calendar makes a job per fire, and none on a date that is excepted."""
    now = clock.now().replace(second=0, microsecond=0)
    excepted = (now - timedelta(days=4)).date()
    trigger = make_trigger(
        every="2 days", start=now - timedelta(days=8), timezone="UTC", except_=[excepted]
    )
    spec = ScheduleSpec("report", trigger, id="mine", coalesce=False, max_instances=9)
    schedule = backend.schedules.add(spec)
    assert backend.schedules.get("mine").spec == spec
    assert schedule.next_fire == now + timedelta(days=2)
    setup.set_next_fire(backend, "mine", now - timedelta(days=8))
    fires = backend.schedules.fire_due().fires
    assert [fire.outcome for fire in fires] == [Outcome.ENQUEUED] * 4
    assert [(now - fire.fire_time).days for fire in fires] == [8, 6, 2, 0]
