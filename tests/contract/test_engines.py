"""The engines do the work: their loops, pools and events, whose tools and listeners see it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from apscheduler import events as aps_events

from flowerpower.errors import Refused
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.scheduling import COALESCED
from flowerpower.job_queue.worker_options import EVENT_ALL, WorkerEvent, WorkerOptions
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.schedule import Outcome
from tests.conditions import eventually
from tests.conftest import MakeProject
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import spec, with_inputs
from tests.contract.test_schedules import every
from tests.contract.test_working import BURST, CONFIG, REPORT


@pytest.fixture
def working(make_project: MakeProject, setup: BackendSetup) -> Any:
    """A queue whose pipeline `report` does what its input `act` says."""
    make_project(report=(CONFIG, REPORT))
    with setup.open() as backend:
        yield backend


def _is_rq(backend: JobQueueBackend) -> bool:
    return backend.check()["backend"] == "rq"


def listen(backend: JobQueueBackend, mask: int = EVENT_ALL) -> list[Any]:
    heard: list[Any] = []
    backend.add_listener(heard.append, mask)
    return heard


def test_every_event_is_every_event_of_apscheduler() -> None:
    """The constant that stands in for the package's own has its value."""
    assert EVENT_ALL == aps_events.EVENT_ALL


def test_listeners_are_apschedulers_alone(working: JobQueueBackend) -> None:
    """On rq a listener is refused; on apscheduler it hears the scheduler itself."""
    if _is_rq(working):
        with pytest.raises(Refused, match="RQ, which has no listeners"):
            working.add_listener(print)
        return
    heard = listen(working)
    working.run_worker(BURST)
    assert [event.code for event in heard][-2:] == [
        aps_events.EVENT_SCHEDULER_STARTED,
        aps_events.EVENT_SCHEDULER_SHUTDOWN,
    ]


@pytest.mark.in_memory
def test_a_listener_hears_how_attempts_end(working: JobQueueBackend) -> None:
    """Submitted, then executed with the result, or an error with type, message and node."""
    if _is_rq(working):
        return
    working.add_job(spec("good", overrides=with_inputs(name="south")))
    working.add_job(spec("bad", overrides=with_inputs(act="raise")))
    heard = listen(working)
    worker_events: list[WorkerEvent] = []
    working.run_worker(BURST, worker_events.append)
    of_jobs = {(event.code, event.job_id): event for event in heard if hasattr(event, "job_id")}
    submitted = {job_id for code, job_id in of_jobs if code == aps_events.EVENT_JOB_SUBMITTED}
    assert submitted == {"good:1", "bad:1"}
    executed = of_jobs[aps_events.EVENT_JOB_EXECUTED, "good:1"]
    assert executed.retval["outputs"]["total"]["region"] == "south"
    failed = of_jobs[aps_events.EVENT_JOB_ERROR, "bad:1"].exception
    assert (failed.type, failed.message) == ("ValueError", "no such region")
    assert (failed.node, failed.status) == ("total", "failed")
    assert len(of_jobs) == 4
    ends = {event.facts["job"] for event in worker_events if event.kind == "job"}
    assert ends == {"good", "bad"}


def test_a_listener_hears_of_fires(setup: BackendSetup, working: JobQueueBackend) -> None:
    """Submitted, missed and skipped fires of a schedule, and the same as the worker's own events."""
    if _is_rq(working):
        return
    working.schedules.add(every(1000, "mine"))
    setup.age(working, "mine", 3500)
    heard = listen(working, aps_events.EVENT_JOB_MISSED | aps_events.EVENT_JOB_SUBMITTED)
    worker_events: list[WorkerEvent] = []
    working.run_worker(WorkerOptions(max_jobs=1), worker_events.append)
    of_schedule = [event for event in heard if event.job_id == "mine"]
    (missed,) = [event for event in of_schedule if event.code == aps_events.EVENT_JOB_MISSED]
    (enqueued,) = [event for event in of_schedule if event.code != aps_events.EVENT_JOB_MISSED]
    first, second = sorted(working.schedules.fires("mine"), key=lambda fire: fire.fire_time)
    assert (missed.scheduled_run_time, first.reason) == (first.fire_time, COALESCED)
    assert enqueued.scheduled_run_times == [second.fire_time]
    fires = [event.facts for event in worker_events if event.kind == "fire"]
    assert [fire["outcome"] for fire in fires] == ["missed", "enqueued"]

    # Its job has not run, so the next fire is skipped.
    working.schedules.add(every(1000, "held", queue="slow"))
    for _ in range(2):
        setup.age(working, "held", 1001)
        working.add_job(spec())
        overlapping = listen(working, aps_events.EVENT_JOB_MAX_INSTANCES)
        working.run_worker(WorkerOptions(max_jobs=1))
    (skipped,) = overlapping
    (row,) = [fire for fire in working.schedules.fires("held") if fire.outcome is Outcome.SKIPPED]
    assert (skipped.job_id, skipped.scheduled_run_times) == ("held", [row.fire_time])


def test_a_listener_that_blocks_or_fails_stops_no_work(working: JobQueueBackend) -> None:
    """Listeners have a thread of their own; the worker ends although one never returns."""
    if _is_rq(working):
        return
    is_blocked, is_over = threading.Event(), threading.Event()

    def block(_event: Any) -> None:
        is_blocked.set()
        is_over.wait()

    working.add_listener(block)
    for number in range(5):
        working.add_job(spec(f"n-{number}"))
    try:
        assert working.run_worker(BURST) == 5
        assert is_blocked.is_set()
    finally:
        is_over.set()
    assert {working.get_job(f"n-{number}").status for number in range(5)} == {JobStatus.FINISHED}


def test_slots_are_threads_of_the_engine(working: JobQueueBackend, setup: BackendSetup) -> None:
    """While two attempts run in two slots, the engine's pool has two threads, and afterwards none."""
    root = setup.options["base_dir"]
    for name in ("a", "b"):
        working.add_job(spec(name, overrides=with_inputs(act="wait", name=name)))
    before = set(threading.enumerate())
    worker = threading.Thread(target=working.run_worker, args=(WorkerOptions(max_jobs=2),))
    worker.start()
    try:
        eventually(lambda: all((Path(root) / f"begun-{name}").exists() for name in ("a", "b")))
        names = [thread.name for thread in set(threading.enumerate()) - before]
        pool = "slot" if _is_rq(working) else "ThreadPoolExecutor"
        assert len([name for name in names if name.startswith(pool)]) == 2
        assert ("rq" if _is_rq(working) else "APScheduler") in names
    finally:
        working.cancel_job("a")
        working.cancel_job("b")
        worker.join()
    assert set(threading.enumerate()) <= before
