"""A job runs the version of a remote project that it was asked for, on every backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowerpower.config.files import load_project
from flowerpower.config.remote.source import RemoteSource
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.project_rules import ProjectRules
from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.job_spec import version_of
from tests.conftest import project_maker
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FakeWorker, spec

CODE = "def total() -> int:\n    return {}\n"
FOLLOWS = "after: {pipeline: report}\n"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RemoteSource:
    """A project at a URL, with the pipeline `report` and `letter`, which follows it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    make = project_maker(tmp_path / "source")
    make(report=("{}\n", CODE.format(1)), letter=(FOLLOWS, CODE.format(1)))
    return RemoteSource(f"file://{tmp_path}/source", environ={})


def change(tmp_path: Path, value: int) -> None:
    for name in ("report", "letter"):
        # Of another size: nobody takes it for the one before.
        code = CODE.format(value) + "#" * value
        (tmp_path / "source" / "pipelines" / f"{name}.py").write_text(code)


def test_a_version_is_stored_with_its_job_and_its_followers(
    backend: JobQueueBackend, source: RemoteSource
) -> None:
    """It is in the record that a worker claims, and in those that follow; a fire has none."""
    root = source.root()
    version = root.parent.name
    ProjectRules(load_project(root), source).attach(backend)
    asked = spec("asked", project_version=version)
    assert backend.add_job(backend.with_followers(asked)).project_version == version
    backend.add_job(backend.with_followers(spec("fire")))
    assert backend.get_job("asked").to_json()["project_version"] == version
    assert backend.get_job("letter-after-asked").project_version == version
    assert backend.get_job("fire").project_version is None
    claims = {claim.job_id: claim for claim in FakeWorker(backend).claim(2)}
    assert version_of(claims["asked"].payload) == version
    assert version_of(claims["fire"].payload) is None


def test_a_worker_runs_the_version_of_each_job(
    setup: BackendSetup, source: RemoteSource, tmp_path: Path
) -> None:
    """Older ones from its cache, the newest where a job names none; one that is gone fails."""
    first = source.root().parent.name
    change(tmp_path, 2)
    second = source.newest().parent.name
    with setup.open() as backend:
        backend.source = source
        versions = {"first": first, "second": second, "newest": None, "gone": "f" * 40}
        for job_id, version in versions.items():
            backend.add_job(spec(job_id, project_version=version))
        backend.add_job(spec("damaged", project_version="../../../etc"))
        backend.run_worker(WorkerOptions(burst=True))
        values = {}
        for job_id in ("first", "second", "newest"):
            result = backend.get_job(job_id).result
            assert result is not None
            values[job_id] = result["outputs"]["total"]
        errors = {job_id: backend.get_job(job_id) for job_id in ("gone", "damaged")}
    assert values == {"first": 1, "second": 2, "newest": 2}
    assert {job.status for job in errors.values()} == {JobStatus.FAILED}
    assert f"which is gone: there is {second[:12]} now" in (errors["gone"].error or {})["message"]
    assert "its version cannot be read" in (errors["damaged"].error or {})["message"]


def test_a_worker_of_a_folder_says_that_it_has_no_versions(
    setup: BackendSetup, tmp_path: Path
) -> None:
    """It runs nothing else instead."""
    project_maker(tmp_path / "work")(report=("{}\n", CODE.format(1)))
    with setup.open() as backend:
        backend.add_job(spec("asked", project_version="a" * 40))
        backend.run_worker(WorkerOptions(burst=True))
        job = backend.get_job("asked")
    assert job.status is JobStatus.FAILED
    assert "this worker runs the folder" in (job.error or {})["message"]
