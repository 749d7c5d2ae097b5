"""The plan of a retry: of other machines, of blocks, and of values without a fingerprint."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from flowerpower.errors import FlowerpowerError, Refused, RunFailed
from flowerpower.jobs.claim import WorkerInfo
from flowerpower.jobs.job import Job, JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.retry_plan import RetryPlan, RetryPlanner
from flowerpower.triggers import clock
from tests.conftest import MakeProject

CONFIG = "run:\n  inputs: {n: 3}\n  cache: true\n"
MODULE = """\
from hamilton.htypes import Collect, Parallelizable


def items(n: int) -> Parallelizable[int]:
    yield from range(n)


def square(items: int) -> int:
    return items * items


def squares(square: Collect[int]) -> int:
    return sum(square)


def lock(n: int) -> object:
    return object()


def guarded(lock: object, n: int) -> int:
    return n


def last(squares: int, guarded: int) -> int:
    raise ValueError("no")
"""
STATES = dict.fromkeys(("items", "square", "squares", "lock", "guarded"), "finished")
HERE = socket.gethostname()


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    """A project whose run has failed at its last node, with the values before it in the cache."""
    root = make_project(report=(CONFIG, MODULE))
    with contextlib.suppress(RunFailed):
        PipelineManager(root, quiet=True).run("report")
    return root


def failed_job(worker: str) -> Job:
    """The record of a job of that run."""
    now = clock.now()
    nodes = {**{name: {"state": state} for name, state in STATES.items()}}
    return Job(
        "one",
        "report",
        "default",
        JobStatus.FAILED,
        now,
        now,
        payload=JobSpec("report").payload(),
        attempt=1,
        progress={"nodes": {**nodes, "last": {"state": "failed"}}},
        attempts=[{"attempt": 1, "worker": worker, "status": "failed", "error": {}}],
    )


def plan(root: Path, job: Job, *workers: WorkerInfo) -> RetryPlan:
    manager = PipelineManager(root, quiet=True)
    return RetryPlanner(manager.project, manager.registry, workers).plan(job)


def worker_on(host: str, *queues: str) -> WorkerInfo:
    now = clock.now()
    return WorkerInfo("some", host, 1, queues, 1, now, 1, now)


def test_every_node_has_its_reason(project: Path) -> None:
    """Items of a block wait for those before them; a value without a fingerprint is not kept."""
    reasons = {node.name: node.why for node in plan(project, failed_job("a-1-b")).nodes}
    assert reasons == {
        "items": "its cache behavior is recompute",
        "square": "it takes items, computed before it",
        "squares": "it takes square, computed before it",
        "lock": "its value has no fingerprint",
        "guarded": "the value of lock, which it takes, has no fingerprint",
        "last": "it failed",
    }


def test_other_machines_are_named(project: Path) -> None:
    """The host of the last attempt, and those of workers that may make the next one."""
    assert plan(project, failed_job(f"{HERE}-4711-abcd")).warnings == ()
    (warning,) = plan(project, failed_job("other-host-4711-abcd")).warnings
    assert f"The last attempt ran on other-host, and this is what {HERE} has" in warning
    near, far, slow = (
        worker_on(HERE, "default"),
        worker_on("far", "default"),
        worker_on("s", "slow"),
    )
    (warning,) = plan(project, failed_job(f"{HERE}-4711-abcd"), near, far, slow).warnings
    assert "The next attempt may run on far" in warning
    assert "run.cache.path" in warning


def test_an_empty_cache_here_says_nothing_of_another_machine(make_project: MakeProject) -> None:
    """What ran here and left nothing is refused; what ran elsewhere is planned, with a warning."""
    root = make_project(report=(CONFIG, MODULE))
    with pytest.raises(Refused, match="has nothing of the last attempt of one"):
        plan(root, failed_job(f"{HERE}-4711-abcd"))
    elsewhere = plan(root, failed_job("other-4711-abcd"))
    assert (elsewhere.reused, len(elsewhere.warnings)) == ([], 1)


def test_a_plan_says_what_a_run_would_refuse(project: Path) -> None:
    """A pipeline that cannot run is no plan, in the words of a run."""
    (project / "pipelines" / "report.py").write_text("def last(missing: int) -> int: ...\n")
    with pytest.raises(FlowerpowerError, match="takes no input"):
        plan(project, failed_job(f"{HERE}-4711-abcd"))
    with pytest.raises(Refused, match="is finished"):
        plan(project, replace(failed_job("w"), status=JobStatus.FINISHED))
