"""docs/reference/python.md, run as it stands, and more of the handles than it shows."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import flowerpower
from flowerpower.errors import FlowerpowerError, JobNotFound, RunFailed, UsageError, WaitTimeout
from flowerpower.jobs.schedule import Outcome
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.jobs import Job
from tests.conftest import MakeProject

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"
PROJECT = "name: demo\ntimezone: Europe/Berlin\n"
NOISY = (
    "run: {}\n",
    "def total(n: int) -> float:\n    print('counting')\n    return 12 / n\n",
)


@pytest.fixture
def manager(make_project: MakeProject) -> PipelineManager:
    return PipelineManager(make_project(PROJECT, noisy=NOISY), quiet=True)


def test_every_block_of_the_reference_prints_what_it_says(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The blocks run one after another in one project, and print what their comments say."""
    root = make_project(PROJECT)
    monkeypatch.chdir(root)
    PipelineManager(root).new("hello")
    blocks = re.findall(r"```python\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 8
    names: dict[str, object] = {}
    for block in blocks:
        expected = re.findall(r"print\(.*\)  # (.*)", block)
        exec(compile(block, str(REFERENCE), "exec"), names)
        assert capsys.readouterr().out.splitlines() == expected, block


def test_no_signature_shows_the_environment() -> None:
    """No signature of the library, which help() and notebooks print, holds a variable's value."""
    count = 0
    for package in ("triggers", "config", "jobs", "pipeline", "job_queue"):
        path = [str(Path(flowerpower.__path__[0]) / package)]
        for module_info in pkgutil.walk_packages(path, f"flowerpower.{package}."):
            module = importlib.import_module(module_info.name)
            own = [item for item in vars(module).values() if _module_of(item) == module.__name__]
            classes = [item for item in own if isinstance(item, type)]
            methods = [item for cls in classes for item in vars(cls).values()]
            for function in filter(inspect.isfunction, [*own, *methods]):
                count += 1
                assert "environ({" not in str(inspect.signature(function)), function
    assert count > 500


def _module_of(item: object) -> str:
    return str(getattr(item, "__module__", ""))


def test_the_environment_given_is_the_one_pipelines_are_read_with(
    make_project: MakeProject,
) -> None:
    """`environ` counts for the YAML of pipelines as it does for conf/project.yml."""
    config = "run: {inputs: {name: '${WHOM}'}}\n"
    module = "def greeting(name: str) -> str:\n    return name\n"
    root = make_project(PROJECT, hello=(config, module))
    assert PipelineManager(root, environ={"WHOM": "you"}).run("hello") == {"greeting": "you"}


def test_the_package_gives_the_manager() -> None:
    """`from flowerpower import PipelineManager` is the class of flowerpower.pipeline."""
    assert flowerpower.PipelineManager is PipelineManager


def test_a_failed_job_raises_what_a_run_raises(manager: PipelineManager) -> None:
    """`job.result()` raises RunFailed with the sentence that `run` has."""
    job = manager.add_job("noisy", inputs={"n": 0})
    manager.job_queue.run_worker(burst=True)
    with pytest.raises(RunFailed) as of_run:
        manager.run("noisy", inputs={"n": 0})
    with pytest.raises(RunFailed) as of_job:
        job.result()
    assert of_job.value.message == of_run.value.message
    assert job.error is not None
    assert job.error["type"] == "ZeroDivisionError"
    assert job.log() == "counting\n"
    assert job.retry().status == "queued"


@pytest.mark.parametrize("result_ttl", [0, "1ms"])
def test_a_result_that_has_expired_says_when(
    manager: PipelineManager, result_ttl: float | str
) -> None:
    """Once `result_ttl` is over, with 0 at once, the error names the time."""
    job = manager.add_job("noisy", inputs={"n": 3}, result_ttl=result_ttl)
    manager.job_queue.run_worker(burst=True)
    with pytest.raises(FlowerpowerError, match=r"expired at \d{4}-"):
        job.result()


def test_waiting_has_a_limit(manager: PipelineManager) -> None:
    """Waiting for a job that no worker runs ends at the timeout; the job stays."""
    job = manager.add_job("noisy", inputs={"n": 3})
    with pytest.raises(WaitTimeout, match="is queued"):
        job.wait(timeout="50ms")
    assert job.refresh().status == "queued"


def test_a_cancelled_job_has_no_result(manager: PipelineManager) -> None:
    """`result` of a cancelled job raises RunFailed and says that it was cancelled."""
    with pytest.raises(RunFailed, match="was cancelled"):
        manager.add_job("noisy", inputs={"n": 3}).cancel().result()


def test_a_deleted_job_is_not_found(manager: PipelineManager) -> None:
    """A handle on a job that is gone raises JobNotFound."""
    job = manager.add_job("noisy", inputs={"n": 3})
    manager.jobs.delete(job.id)
    with pytest.raises(JobNotFound):
        job.refresh()


def test_jobs_are_listed_by_status_and_pipeline(manager: PipelineManager) -> None:
    """By status, pipeline and limit; an unknown status is an error that names the nearest."""
    first = manager.add_job("noisy", inputs={"n": 1})
    second = manager.add_job("noisy", inputs={"n": 2}, run_in="1h")
    assert [job.id for job in manager.jobs.list(status=["queued", "scheduled"])] == [
        second.id, first.id,
    ]  # fmt: skip
    assert [job.id for job in manager.jobs.list(status="queued", pipeline="noisy")] == [first.id]
    assert [job.id for job in manager.jobs.list(limit=1)] == [second.id]
    assert manager.jobs.cancel(second.id).status == "cancelled"
    assert manager.jobs.retry(second.id).status == "queued"
    with pytest.raises(UsageError, match="Did you mean 'failed'"):
        manager.jobs.list(status="faild")


def test_a_schedule_is_acted_on_by_its_id_too(manager: PipelineManager) -> None:
    """`manager.schedules` does by id what the handle does, and `run_now` gives a Job."""
    schedule_id = manager.schedule("noisy", date="2199-01-01T08:00:00", inputs={"n": 4})
    assert manager.schedules.get(schedule_id).state == "active"
    hourly = manager.schedule("noisy", interval="1h", inputs={"n": 4})
    schedules = manager.schedules
    assert schedules.pause(hourly).state == "paused"
    assert schedules.get(hourly).next_fire is None
    assert len(schedules.get(hourly).preview(3)) == 3
    assert schedules.resume(hourly).next_fire is not None
    job = schedules.run_now(hourly)
    assert isinstance(job, Job)
    manager.job_queue.run_worker(burst=True)
    assert job.result() == {"total": 3.0}
    assert [fire for fire in schedules.history(hourly) if fire.outcome is Outcome.ENQUEUED] == []
    assert [schedule.id for schedule in schedules.list(pipeline="noisy")] == [schedule_id, hourly]
    schedules.delete(hourly)
    assert [schedule.id for schedule in schedules.list()] == [schedule_id]
