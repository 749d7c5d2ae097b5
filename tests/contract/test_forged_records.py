"""What somebody who may write to a queue can ask for: names of the project, data, and no code."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from flowerpower.job_queue.worker_options import WorkerOptions
from flowerpower.jobs.job import JobFilter, JobStatus
from tests.conftest import MakeProject
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import spec
from tests.contract.test_schedules import every

REPORT = """def greeting(name: str) -> str:
    return name


def text(greeting: str) -> str:
    return greeting
"""
EVIL = """from pathlib import Path

Path(__file__).with_name("imported").touch()


class Adapter:
    pass
"""
OVERRIDES: dict[str, dict[str, Any]] = {
    "class": {"custom_adapters": ["evil:Adapter"]},
    "class-by-name": {"adapters": ["evil:Adapter"]},
    "adapter-section": {"adapter": {"custom": ["evil:Adapter"]}},
    "module": {"modules": ["evil"]},
    "cluster": {"executor": {"type": "dask", "address": "tcp://127.0.0.1:1"}},
    "program": {"save": {"greeting": "pipelines/report.py"}},
    "settings": {"save": {"greeting": "conf/pipelines/report.yml"}},
    "path-file": {"save": {"greeting": "evil.pth"}},
    "format": {"save": {"greeting": {"path": "evil.py", "format": "file"}}},
    "pickle": {"load": {"greeting": "bomb.pkl"}},
    "pickle-by-url": {"load": {"greeting": "file://{root}/bomb.pkl"}},
}
PIPELINES = ("evil", "../evil", "evil:Adapter", "pipelines.report", "/etc/passwd", "report\n")
TOKEN = "tulip-in-winter"


class Bomb:
    """What makes a folder when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.mkdir, (self.mark,)


@pytest.fixture
def root(make_project: MakeProject) -> Path:
    """A project beside what nobody may import or load."""
    root = make_project(report=("run: {inputs: {name: world}}\n", REPORT))
    (root / "evil.py").write_text(EVIL)
    (root / "bomb.pkl").write_bytes(pickle.dumps(Bomb(root / "imported")))
    return root


def payload(overrides: object, pipeline: str = "report") -> str:
    return json.dumps({"v": 1, "pipeline": pipeline, "overrides": overrides})


def code_of(root: Path) -> dict[str, bytes]:
    """The project's modules and settings, by their paths."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for pattern in ("*.py", "*.yml", "*.pth")
        for path in root.rglob(pattern)
    }


def test_a_forged_job_names_no_code(
    setup: BackendSetup, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Classes, modules, addresses, pickles and program files are refused; text stays as it is.

    A placeholder is not expanded, so a record cannot ask for a variable of the worker's.
    """
    monkeypatch.setenv("FORGED_TOKEN", TOKEN)
    before = code_of(root)
    with setup.open() as backend:
        for name, overrides in OVERRIDES.items():
            backend.add_job(spec(name))
            written = payload(overrides).replace("{root}", str(root))
            setup.overwrite(backend, name, "payload", written)
        for number, pipeline in enumerate(PIPELINES):
            backend.add_job(spec(f"pipeline-{number}"))
            setup.overwrite(backend, f"pipeline-{number}", "payload", payload({}, pipeline))
            setup.overwrite(backend, f"pipeline-{number}", "pipeline", pipeline)
        backend.add_job(spec("placeholder", result_ttl=-1))
        variable = {"inputs": {"name": "${FORGED_TOKEN}"}}
        setup.overwrite(backend, "placeholder", "payload", payload(variable))
        backend.run_worker(WorkerOptions(burst=True))
        jobs = {job.id: backend.get_job(job.id) for job in backend.list_jobs(JobFilter())}
        whole = json.dumps([job.to_json() for job in jobs.values()])
    ended = jobs.pop("placeholder")
    assert ended.result is not None
    assert ended.result["outputs"] == {"text": "${FORGED_TOKEN}"}
    assert {job.id for job in jobs.values() if job.status is not JobStatus.FAILED} == set()
    assert not (root / "imported").exists()
    assert code_of(root) == before
    assert TOKEN not in whole


def test_a_forged_schedule_names_no_code(setup: BackendSetup, root: Path) -> None:
    """Its job is not made, or fails; nothing that it names is imported."""
    with setup.open() as backend:
        for name in ("class", "module", "program"):
            schedule = backend.schedules.add(every(3600, name))
            forged = json.loads(schedule.spec.definition()) | {"overrides": OVERRIDES[name]}
            setup.damage_schedule(backend, name, json.dumps(forged))
            setup.age(backend, name, 3605)
        backend.schedules.fire_due()
        backend.run_worker(WorkerOptions(burst=True, with_scheduler=True))
        statuses = {job.status for job in backend.list_jobs(JobFilter())}
        assert statuses <= {JobStatus.FAILED}
    assert not (root / "imported").exists()
    assert "evil" not in (root / "pipelines" / "report.py").read_text()
