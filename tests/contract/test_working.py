"""A real worker on each backend: from add_job to what became of it."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from flowerpower.config.run import RetryOverrides
from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.worker_options import WorkerEvent, WorkerOptions
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.triggers import clock
from tests.conditions import eventually, slowed
from tests.conftest import MakeProject
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FakeWorker, in_seconds, spec, with_inputs

REPORT = """
import os, sys, time
from pathlib import Path

def region(name: str = "north") -> str:
    print("region", name)
    print("on stderr", file=sys.stderr)
    return name

def total(region: str, act: str = "", scheduled_for: object = None) -> dict:
    if act == "raise":
        raise ValueError("no such region")
    if act == "once" and not Path("tried").exists():
        Path("tried").touch()
        raise ValueError("the first time")
    if act == "die":
        os.kill(os.getpid(), 9)
    if act == "talk":
        for number in range(4):
            print("line", number, flush=True)
            time.sleep(0.4)
    if act == "exit":
        os._exit(3)
    if act == "wait":
        Path(f"begun-{region}").touch()
        while True:
            time.sleep(0.01)
    return {"region": region, "for": str(scheduled_for)}
"""
CONFIG = """
run:
  final_vars: [total]
  retry: {max_retries: 0, delay: 0.1s, jitter_factor: 0}
"""
BURST = WorkerOptions(burst=True)


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    """A project with the pipeline `report`; what it does is told by the input `act`."""
    return make_project(report=(CONFIG, REPORT))


@pytest.fixture
def working(root: Path, setup: BackendSetup) -> Any:
    with setup.open() as backend:
        yield backend


def run(backend: JobQueueBackend, options: WorkerOptions = BURST) -> list[WorkerEvent]:
    events: list[WorkerEvent] = []
    backend.run_worker(options, events.append)
    return events


@pytest.mark.in_memory
def test_jobs_run_and_end_as_they_are(working: JobQueueBackend) -> None:
    """One burst: results, logs, progress and errors of good and bad jobs are all recorded."""
    fire = in_seconds(-5)
    working.add_job(spec("good", overrides=with_inputs(name="south"), scheduled_for=fire))
    working.add_job(spec("raises", overrides=with_inputs(act="raise")))
    working.add_job(spec("dies", overrides=with_inputs(act="die")))
    working.add_job(spec("exits", overrides=with_inputs(act="exit")))
    working.add_job(spec("elsewhere", queue="slow"))
    working.add_job(spec("later", run_at=in_seconds(3600)))
    events = run(working)

    good = working.get_job("good")
    assert good.status is JobStatus.FINISHED
    assert good.result is not None
    assert good.result["outputs"]["total"]["region"] == "south"
    assert str(fire.year) in good.result["outputs"]["total"]["for"]
    log = "".join(chunk.text for chunk in working.read_log("good", 1))
    assert "region south\n" in log
    assert "on stderr\n" in log
    assert good.progress is not None
    assert good.progress["done"] == good.progress["total"]
    assert good.attempts_left == 0

    failed = {name: working.get_job(name) for name in ("raises", "dies", "exits")}
    assert {job.status for job in failed.values()} == {JobStatus.FAILED}
    errors = {name: job.error or {} for name, job in failed.items()}
    assert (errors["raises"]["type"], errors["raises"]["node"]) == ("ValueError", "total")
    assert "no such region" in errors["raises"]["message"]
    assert "killed by SIGKILL" in errors["dies"]["message"]
    assert "exit code 3" in errors["exits"]["message"]
    assert {job.worker_losses for job in failed.values()} == {0}

    assert working.get_job("elsewhere").status is JobStatus.QUEUED
    assert working.get_job("later").status is JobStatus.SCHEDULED
    assert [event.kind for event in events if event.kind != "job"] == ["start", "stop"]
    assert sum(event.kind == "job" for event in events) == 4
    assert working.list_workers() == []


def test_a_failed_job_with_retries_is_tried_again(working: JobQueueBackend) -> None:
    """A retry waits its delay, runs as a second attempt, and may succeed.

    A worker that is to tell what jobs print has told the log of each attempt before its end.
    """
    overrides = with_inputs(act="once").with_changes(retry=RetryOverrides(max_retries=2))
    working.add_job(spec("again", overrides=overrides))
    events = run(working, WorkerOptions(max_jobs=2, tell_logs=True))
    job = working.get_job("again")
    assert (job.status, job.attempt, job.attempts_left) == (JobStatus.FINISHED, 2, 1)
    for attempt in (1, 2):
        log = "".join(chunk.text for chunk in working.read_log("again", attempt))
        told = [event for event in events if event.facts.get("attempt") == attempt]
        assert {event.facts["job"] for event in told} == {"again"}
        assert "".join(event.facts["text"] for event in told if event.kind == "log") == log
        assert "region north\n" in log
        assert told[-1].kind == "job"


def test_a_log_whose_answers_are_lost_is_whole_and_not_doubled(
    working: JobQueueBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is not told that its write was done writes it again, and it stands there once."""
    record, lost = working.record, 0

    def without_every_second_answer(*arguments: Any) -> bool:
        nonlocal lost
        is_held = record(*arguments)
        lost += 1
        if lost % 2:
            raise BackendUnreachable("The answer was lost.")
        return is_held

    monkeypatch.setattr(working, "record", without_every_second_answer)
    working.add_job(spec("talks", overrides=with_inputs(act="talk")))
    run(working)
    assert working.get_job("talks").status is JobStatus.FINISHED
    log = "".join(chunk.text for chunk in working.read_log("talks", 1))
    lines = [line for line in log.splitlines() if line.startswith(("line", "region"))]
    assert lines == ["region north", *(f"line {number}" for number in range(4))]
    assert lost > 1


def test_running_jobs_are_cancelled_and_timed_out(working: JobQueueBackend, root: Path) -> None:
    """A cancel and a timeout end the job's process; the worker goes on to the next job."""
    working.add_job(spec("cancelled", overrides=with_inputs(act="wait", name="a")))
    slow = with_inputs(act="wait", name="b").with_changes(timeout=1.0)
    working.add_job(spec("slow", overrides=slow))
    working.add_job(spec("next"))

    def cancel() -> None:
        eventually(lambda: (root / "begun-a").exists())
        working.cancel_job("cancelled")

    canceller = threading.Thread(target=cancel)
    canceller.start()
    began = clock.monotonic()
    run(working)
    canceller.join()
    assert clock.monotonic() - began < slowed(20)
    assert working.get_job("cancelled").status is JobStatus.CANCELLED
    job = working.get_job("slow")
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error["type"] == "JobTimeout"
    assert working.get_job("next").status is JobStatus.FINISHED


@pytest.mark.fault("signal-twice")
def test_a_worker_told_twice_to_stop_gives_its_job_back(
    working: JobQueueBackend, root: Path
) -> None:
    """After a second signal the job is queued again at no cost, and the worker is gone."""
    working.add_job(spec("held", overrides=with_inputs(act="wait", name="a")))

    def stop() -> None:
        eventually(lambda: (root / "begun-a").exists())
        os.kill(os.getpid(), signal.SIGTERM)
        eventually(lambda: any(event.kind == "stopping" for event in events))
        os.kill(os.getpid(), signal.SIGTERM)

    events: list[WorkerEvent] = []
    stopper = threading.Thread(target=stop)
    stopper.start()
    working.run_worker(WorkerOptions(), events.append)
    stopper.join()
    job = working.get_job("held")
    assert (job.status, job.worker_losses, job.worker) == (JobStatus.QUEUED, 0, None)
    assert working.list_workers() == []


def test_a_dead_workers_job_runs_elsewhere(working: JobQueueBackend) -> None:
    """A worker that sees another's beat stand still for a lease runs that one's jobs."""
    dead = FakeWorker(working, "dead")
    dead.make(JobStatus.RUNNING)
    run(working, WorkerOptions(max_jobs=1, lease=2.5))
    job = working.get_job("subject")
    assert (job.status, job.worker_losses, job.attempt) == (JobStatus.FINISHED, 1, 2)
    assert dead.backend.heartbeat("dead").is_known is False


def test_a_job_that_waited_too_long_is_cancelled_while_all_slots_are_busy(
    working: JobQueueBackend, root: Path
) -> None:
    """Its worker says so, and runs the others: the highest priority, and then the second queue."""
    working.add_job(spec("busy", overrides=with_inputs(act="wait", name="a"), priority=100))
    working.add_job(spec("second", queue="slow", priority=50))
    working.add_job(spec("low", priority=-1))
    working.add_job(spec("high", priority=1))
    past = clock.after(clock.now(), -60)
    working.add_job(spec("old", run_at=past, expires=30.0))
    events: list[WorkerEvent] = []
    options = WorkerOptions(num_workers=1, queues=("default", "slow"), max_jobs=4)
    worker = threading.Thread(target=working.run_worker, args=(options, events.append))
    worker.start()
    eventually(lambda: (root / "begun-a").exists())
    working.add_job(spec("late", run_at=past, expires=30.0))
    eventually(lambda: working.get_job("late").status is JobStatus.CANCELLED)
    assert working.get_job("busy").status is JobStatus.RUNNING
    working.cancel_job("busy")
    worker.join()
    ended = [event.facts["job"] for event in events if event.kind == "job"]
    assert ended == ["busy", "high", "low", "second"]
    expired = {event.facts["job"]: event.facts for event in events if event.kind == "expired"}
    assert set(expired) == {"old", "late"}
    assert expired["late"] == {
        "job": "late", "pipeline": "report", "expires": 30.0,
        "reason": "It waited longer than 30s, so it was cancelled.",
    }  # fmt: skip


def test_workers_in_threads_share_the_queue(working: JobQueueBackend, setup: BackendSetup) -> None:
    """A worker outside the main thread works too, and other managers see what became of it."""
    for number in range(6):
        working.add_job(spec(f"n-{number}"))
    worker = threading.Thread(target=working.run_worker, args=(BURST,))
    worker.start()
    with setup.open() as other:
        finished = JobFilter(frozenset({JobStatus.FINISHED}))
        eventually(lambda: len(other.list_jobs(finished)) == 6)
    worker.join()
