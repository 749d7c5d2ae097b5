"""RQ's own worker in a project's folder: it runs our jobs, and what it did is read back."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rq.job import JobStatus as RqStatus
from rq.results import Result

from flowerpower.errors import RunFailed
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs.claim import Claim
from flowerpower.jobs.job import Job, JobFilter, JobStatus
from flowerpower.jobs.limits import Limit, Limits
from flowerpower.pipeline import PipelineManager
from tests.conditions import WAIT_LIMIT, eventually
from tests.contract.fake_worker import (
    FINISHED,
    RESULT,
    FakeWorker,
    in_seconds,
    spec,
    with_inputs,
)
from tests.contract.rq_place import SECRET, Place, new_place
from tests.servers import RedisServer


@pytest.fixture
def place(redis_server: RedisServer, tmp_path: Path) -> Iterator[Place]:
    place = new_place(tmp_path / "work", redis_server)
    yield place
    place.backend.close()
    place.stock.client.close()


@pytest.fixture(scope="module")
def worked(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where RQ's worker has had jobs of each kind, and has ended."""
    place = new_place(tmp_path_factory.mktemp("rq") / "work", redis_server)
    held = FakeWorker(place.backend, f"of-{place.stock.namespace}")
    place.backend.add_job(spec("held", pipeline="touching"))
    held.take()
    place.push_again("held")
    place.backend.add_job(spec("cancelled", pipeline="touching"))
    # As if RQ's worker had just taken it.
    place.backend.cancel_job("cancelled")
    place.push_again("cancelled")
    for name in ("broken", "killed", "unflushed", "report"):
        place.backend.add_job(spec(name, pipeline=name))
    place.backend.add_job(spec("no-result", result_ttl=0))
    place.backend.add_job(spec("child", after=("report",)))
    place.burst("--name", "stock-worker")
    yield place
    place.backend.close()
    place.stock.client.close()


def test_its_ends_are_told_as_those_of_our_worker(worked: Place) -> None:
    """What failed, and what has finished where the pipeline's YAML asks for it."""
    events = {event.id: event for event in worked.backend.events()}
    assert {"finished:report:1", "failed:broken:1"} <= set(events)
    assert "finished:unflushed:1" not in events


def test_children_run_after_their_parents(worked: Place) -> None:
    """Its end of a job is an end as any other; what it ran takes no place any more."""
    child = worked.backend.get_job("child")
    assert (child.status, child.after) == (JobStatus.FINISHED, {"report": "finished"})
    use = worked.backend.limit_use(Limits({"one": Limit(1)}, {"report": ("one",)}))
    assert use["one"].running == ()


def error_of(job: Job) -> dict[str, Any]:
    assert job.error is not None
    return job.error


def test_it_runs_a_job(worked: Place) -> None:
    """Status, result, times and attempt are recorded as by a worker of ours."""
    job = worked.backend.get_job("report")
    assert job.status is JobStatus.FINISHED
    assert (job.result or {})["outputs"] == {"total": 42}
    assert job.started_at is not None
    assert job.ended_at is not None
    assert job.seconds == pytest.approx((job.ended_at - job.started_at).total_seconds(), abs=0.01)
    ((attempt, worker, status),) = [(a["attempt"], a["worker"], a["status"]) for a in job.attempts]
    assert (attempt, worker, status) == (1, "stock-worker", "finished")
    assert (job.progress or {})["done"] == 1
    listed = {job.id: job for job in worked.backend.list_jobs(JobFilter())}
    assert (listed["report"].status, listed["report"].ended_at) == (job.status, job.ended_at)


def test_rq_has_its_own_result(worked: Place) -> None:
    """RQ's user finds it as of any function; our copy keeps its time to live, the record too."""
    client, namespace = worked.stock.client, worked.stock.namespace
    assert worked.stock.fetch("report").return_value() == {"total": 42}
    assert worked.stock.where("report") == {"finished"}
    assert 0 < client.ttl(f"flowerpower:{namespace}:result:report") <= 60
    assert 3500 < client.ttl(f"rq:job:{worked.stock.id('report')}") <= 3600
    assert worked.stock.fetch("no-result").return_value() is None
    assert worked.backend.get_job("no-result").result is None


def test_a_failure_has_its_reason(worked: Place) -> None:
    """Type, message, node and traceback are there; no secret is, also not in what RQ keeps."""
    job = worked.backend.get_job("broken")
    error = error_of(job)
    assert (job.status, job.attempts_left) == (JobStatus.FAILED, 0)
    assert (error["type"], error["message"], error["node"]) == (
        "ValueError", "no region ***", "total",
    )  # fmt: skip
    assert worked.stock.where("broken") == {"failed"}
    assert "ValueError: no region ***" in worked.exc_string("broken")
    assert SECRET not in worked.exc_string("broken") + str(job.to_json())


def test_a_process_that_died_is_a_failure(worked: Place) -> None:
    """RQ says so alone: its error, time and worker's end are read from what it wrote."""
    job = worked.backend.get_job("killed")
    assert (job.status, job.worker) == (JobStatus.FAILED, None)
    assert error_of(job)["type"] == "ProcessDied"
    assert "Work-horse terminated unexpectedly" in error_of(job)["message"]
    assert job.ended_at is not None
    assert job.started_at is not None
    listed = {job.id: job for job in worked.backend.list_jobs(JobFilter())}
    assert error_of(listed["killed"])


def test_its_files_are_complete(worked: Place) -> None:
    assert worked.backend.get_job("unflushed").status is JobStatus.FINISHED
    assert (worked.root / "lines.txt").read_text() == "one line"


def test_a_job_that_a_worker_of_ours_holds_does_not_run(worked: Place) -> None:
    """RQ's worker is refused; what it writes over the job is undone, and its holder ends it."""
    assert not (worked.root / "touched").exists()
    assert "is run by a worker of flowerpower" in worked.exc_string("held")
    holder = f"of-{worked.stock.namespace}"
    assert worked.backend.heartbeat(holder).held == {"held": (1, False)}
    job = worked.backend.get_job("held")
    assert (job.status, job.worker) == (JobStatus.RUNNING, holder)
    assert worked.stock.fetch("held").get_status() is RqStatus.STARTED
    assert worked.stock.where("held") == {"wip"}
    claim = Claim(job.id, holder, job.attempt, job.pipeline, job.payload)
    assert worked.backend.finish(claim, FINISHED, "", None)
    assert worked.backend.get_job("held").result == RESULT


def test_a_job_that_was_cancelled_meanwhile_does_not_run(worked: Place) -> None:
    assert not (worked.root / "touched").exists()
    assert "was cancelled" in error_of(worked.backend.get_job("cancelled"))["message"]
    assert worked.stock.where("cancelled") >= {"failed"}


def test_no_worker_of_ours_runs_them_again(worked: Place) -> None:
    assert FakeWorker(worked.backend, "next").claim(9) == []
    assert worked.backend.next_due_in(["default"]) is None


def test_python_has_its_result(worked: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The handle waits for it, returns the outputs, and raises what failed."""
    monkeypatch.setenv("TOKEN", SECRET)
    jobs = PipelineManager(worked.root, quiet=True).jobs
    assert jobs.get("report").result(timeout=5) == {"total": 42}
    with pytest.raises(RunFailed, match="no region"):
        jobs.get("broken").result(timeout=5)
    with pytest.raises(RunFailed, match="Work-horse terminated unexpectedly"):
        jobs.get("killed").result(timeout=5)


def test_what_failed_there_runs_again_here(worked: Place) -> None:
    assert worked.backend.retry_job("killed").status is JobStatus.QUEUED
    fake_worker = FakeWorker(worked.backend, "again")
    claim = fake_worker.take()
    assert (claim.job_id, claim.attempt) == ("killed", 2)
    assert fake_worker.finish(claim)
    assert worked.stock.where("killed") == {"finished"}
    assert worked.backend.get_job("killed").error is None


def test_a_worker_with_another_serializer_cannot_read_a_job(place: Place) -> None:
    """It fails it with RQ's own words; ours say what to do, and the job can run then.

    Also if it had failed here before, and RQ's tools queued it again: the last error counts.
    """
    FakeWorker(place.backend).make(JobStatus.FAILED)
    place.stock.queue.failed_job_registry.requeue(place.stock.id("subject"))
    place.burst("--serializer", "json")
    assert "rq.exceptions.DeserializationError" in place.exc_string("subject")
    error = error_of(place.backend.get_job("subject"))
    assert "cannot read the job" in error["message"]
    assert "without --serializer" in error["hint"]
    place.backend.retry_job("subject")
    assert FakeWorker(place.backend, "other").take().job_id == "subject"


def test_it_must_be_in_the_folder_of_its_project(place: Place, tmp_path: Path) -> None:
    """Without a project, or in another's folder, the job fails and says where it looked."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place.backend.add_job(spec("subject"))
    place.burst(folder=elsewhere)
    error = error_of(place.backend.get_job("subject"))
    assert error["type"] == "flowerpower.errors.ProjectNotFound"
    assert f"No conf/project.yml in {elsewhere}" in error["message"]
    (elsewhere / "conf").mkdir()
    (elsewhere / "conf" / "project.yml").write_text("name: other\n")
    place.backend.retry_job("subject")
    place.burst(folder=elsewhere)
    message = error_of(place.backend.get_job("subject"))["message"]
    assert f"is of the project {place.stock.namespace}; {elsewhere} is other" in message
    # From a folder below its project, in the worker's own process.
    place.backend.retry_job("subject")
    simple = ("--worker-class", "rq.SimpleWorker")
    place.burst(*simple, folder=place.root / "pipelines")
    assert place.backend.get_job("subject").status is JobStatus.FINISHED


def children_of(pid: int) -> list[int]:
    shown = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid="], text=True)
    pairs = [line.split() for line in shown.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def test_a_worker_that_dies_leaves_a_failed_job(place: Place) -> None:
    """Once RQ's worker has not moved its mark for long, the job has failed and may run again."""
    place.backend.add_job(spec("subject", pipeline="endless"))
    worker = subprocess.Popen(
        place.command(), cwd=place.root, env=place.environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        eventually((place.root / "begun").exists)
        assert place.backend.get_job("subject").status is JobStatus.RUNNING
        place.backend.prune()
        assert place.backend.get_job("subject").status is JobStatus.RUNNING
    finally:
        horses = children_of(worker.pid)
        worker.kill()
        worker.wait()
        # It outlives its worker.
        for horse in horses:
            os.kill(horse, signal.SIGKILL)
    wip = f"rq:wip:{place.stock.queue.name}"
    ((entry, score),) = place.stock.client.zrange(wip, 0, -1, withscores=True)
    assert time.time() + 30 < score < time.time() + 120
    place.stock.client.zadd(wip, {entry: time.time() - 31})
    place.backend.prune()
    job = place.backend.get_job("subject")
    assert (job.status, error_of(job)["type"]) == (JobStatus.FAILED, "WorkerLost")
    assert "RQ's own worker that ran it died" in place.exc_string("subject")
    latest = place.stock.fetch("subject").latest_result()
    assert latest is not None
    assert latest.type is Result.Type.FAILED
    assert place.stock.where("subject") == {"failed"}
    assert place.backend.retry_job("subject").status is JobStatus.QUEUED


def test_rqs_scheduler_queues_what_is_due(place: Place) -> None:
    """With `--with-scheduler` RQ's worker runs jobs for later too, without a worker of ours."""
    # At a whole second: RQ's scheduler cuts its clock to seconds, and a burst looks only once.
    due = in_seconds(2).replace(microsecond=0)
    place.backend.add_job(spec("subject", run_at=due))
    eventually(lambda: place.backend.next_due_in(["default"]) == 0)
    place.burst("--with-scheduler")
    assert place.backend.get_job("subject").status is JobStatus.FINISHED


def test_workers_of_both_kinds_share_a_queue(place: Place) -> None:
    """Each of many jobs runs once, in a worker of RQ's or in one of ours, and is recorded so."""
    jobs = [
        spec(f"job-{n}", pipeline="counted", overrides=with_inputs(number=n)) for n in range(40)
    ]
    place.backend.add_jobs(jobs)
    workers = [
        subprocess.Popen(
            place.command("--max-jobs", "3"), cwd=place.root, env=place.environ,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        ended = frozenset({JobStatus.FINISHED})
        eventually(lambda: place.backend.list_jobs(JobFilter(ended)))
        place.backend.run_worker(WorkerOptions(burst=True))
        eventually(lambda: len(place.backend.list_jobs(JobFilter(ended, limit=99))) == len(jobs))
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait(WAIT_LIMIT)
    assert {(place.root / f"ran-{n}").read_text() for n in range(40)} == {"x"}
    records = [place.backend.get_job(job.id) for job in jobs]
    assert {job.attempt for job in records} == {1}
    by_rq = [job for job in records if len(job.attempts[0]["worker"]) == 32]
    assert 0 < len(by_rq) < len(jobs)


def test_what_rq_ends_expires_as_ours_does(place: Place) -> None:
    """Cancelled by Job.cancel, or failed by RQ alone, a record has its history and then goes."""
    for job_id in ("cancelled", "failed"):
        place.backend.add_job(spec(job_id, pipeline="killed"))
    place.stock.fetch("cancelled").cancel()
    place.burst()
    assert place.stock.client.ttl(f"rq:job:{place.stock.id('failed')}") == -1
    place.backend.prune()
    for job_id, registry in (("cancelled", "canceled"), ("failed", "failed")):
        assert 3500 < place.stock.client.ttl(f"rq:job:{place.stock.id(job_id)}") <= 3600
        assert place.stock.where(job_id) == {registry}
    expiry = f"flowerpower:{place.stock.namespace}:expiry"
    place.stock.client.zadd(expiry, {"cancelled": 1, "failed": 1})
    assert place.backend.prune() == 2
    assert place.backend.list_jobs(JobFilter()) == []
    assert place.stock.where("failed") == set()
