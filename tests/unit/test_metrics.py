"""The metrics of a project from Python, as Prometheus' own parsers read them."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from flowerpower.jobs.claim import AttemptResult
from flowerpower.jobs.counter import BOUNDS, Counter, CounterKind, job_counter
from flowerpower.jobs.job import JobStatus
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.metrics import metrics_text, read_metrics
from flowerpower.text import remember_secret
from tests.conftest import MakeProject
from tests.contract.fake_worker import FAILED, FakeWorker

PIPELINE = ("", "def total(number: int = 1) -> int:\n    return number\n")


@pytest.fixture
def manager(make_project: MakeProject) -> PipelineManager:
    return PipelineManager(make_project(report=PIPELINE, other=PIPELINE), quiet=True)


def samples(text: str) -> dict[tuple[str, ...], float]:
    """The values by name and values of labels without the project's; `le` comes last."""
    found: dict[tuple[str, ...], float] = {}
    for family in openmetrics.text_string_to_metric_families(text):
        for sample in family.samples:
            assert sample.labels.pop("project") == "demo"
            last = [sample.labels.pop("le")] if "le" in sample.labels else []
            key = (sample.name, *(sample.labels[name] for name in sorted(sample.labels)), *last)
            assert key not in found
            found[key] = sample.value
    return found


def end_jobs(manager: PipelineManager, *ends: AttemptResult) -> None:
    worker = FakeWorker(manager.job_queue.backend)
    for end in ends:
        manager.add_job("report")
        assert worker.finish(worker.take(), end)


def finished(seconds: float) -> AttemptResult:
    return AttemptResult(JobStatus.FINISHED, result={}, seconds=seconds)


def test_a_new_project_has_metrics(manager: PipelineManager) -> None:
    """Counters of every pipeline begin with 0, without which their first increase is not seen."""
    found = samples(metrics_text(manager))
    assert found["flowerpower_up",] == 1
    assert found["flowerpower_jobs_total", "report", "failed"] == 0
    assert found["flowerpower_jobs_total", "other", "finished"] == 0
    assert found["flowerpower_queue_jobs", "default", "queued"] == 0
    assert found["flowerpower_queue_oldest_job_age_seconds", "default"] == 0
    assert found["flowerpower_workers", "alive"] == 0
    assert not [
        key for key in found if key[0].startswith(("flowerpower_next_fire", "flowerpower_problems"))
    ]


def test_ended_jobs_are_counted_with_their_times(manager: PipelineManager) -> None:
    """A duration that is equal to a bound is in its bucket; the buckets add up."""
    end_jobs(manager, finished(0.25), finished(0.3), finished(1e6), replace(FAILED, seconds=0.05))
    found = samples(metrics_text(manager))
    assert found["flowerpower_jobs_total", "report", "finished"] == 3
    assert found["flowerpower_jobs_total", "report", "failed"] == 1
    name = "flowerpower_job_duration_seconds"
    buckets = [
        found[f"{name}_bucket", "report", le] for le in ("0.1", "0.25", "0.5", "14400.0", "+Inf")
    ]
    assert buckets == [1, 2, 3, 3, 4]
    assert found[f"{name}_count", "report"] == 4
    assert math.isclose(found[f"{name}_sum", "report"], 1e6 + 0.6)
    assert found["flowerpower_job_wait_seconds_count", "report"] == 4


def test_counters_stay_when_records_go(manager: PipelineManager) -> None:
    """Of records that are pruned, and of a pipeline that is deleted."""
    end_jobs(manager, finished(1))
    manager.jobs.prune(all_ended=True)
    manager.delete("report")
    found = samples(metrics_text(manager))
    assert found["flowerpower_jobs_total", "report", "finished"] == 1
    assert found["flowerpower_queue_jobs", "default", "finished"] == 0


def test_the_state_of_queues_and_workers_is_there(manager: PipelineManager) -> None:
    """Depth, age of the oldest, workers with their slots, problems by code."""
    manager.add_job("report")
    found = samples(metrics_text(manager))
    assert found["flowerpower_problems", "queue_without_worker", "error"] == 1
    worker = FakeWorker(manager.job_queue.backend)
    manager.add_job("report")
    worker.take()
    manager.schedule("report", interval="1h")
    manager.job_queue.pause_queue("default")
    found = samples(metrics_text(manager))
    assert found["flowerpower_queue_jobs", "default", "queued"] == 1
    assert found["flowerpower_queue_jobs", "default", "running"] == 1
    assert found["flowerpower_queue_oldest_job_age_seconds", "default"] > 0
    assert found["flowerpower_queue_paused", "default"] == 1
    assert found["flowerpower_queue_workers", "default"] == 1
    assert found["flowerpower_workers", "alive"] == 1
    assert found["flowerpower_worker_slots_busy",] == 1
    assert found["flowerpower_longest_running_job_seconds",] > 0
    assert found["flowerpower_schedules",] == 1
    assert 3500 < found["flowerpower_next_fire_seconds",] <= 3600
    assert found["flowerpower_problems", "queue_paused", "warning"] == 1
    assert ("flowerpower_problems", "queue_without_worker", "error") not in found


def test_limits_are_there_with_their_use(make_project: MakeProject) -> None:
    """Places only where they are bounded; without limits there is no such metric."""
    limited = "run: {limits: [api], max_running: 1}\n"
    root = make_project("name: demo\nlimits: {api: {per: 9/1h}}\n", report=(limited, PIPELINE[1]))
    manager = PipelineManager(root, quiet=True)
    for _ in range(3):
        manager.add_job("report")
    worker, limits = FakeWorker(manager.job_queue.backend), manager.job_queue.limits()
    assert len(worker.backend.claim(worker.name, 5, ["default"], limits=limits)) == 1
    found = samples(metrics_text(manager))
    assert found["flowerpower_limit_places", "pipeline:report"] == 1
    assert ("flowerpower_limit_places", "api") not in found
    for name in ("api", "pipeline:report"):
        assert found["flowerpower_limit_running", name] == 1
        assert found["flowerpower_limit_parked", name] == 2
    assert found["flowerpower_queue_jobs", "default", "waiting"] == 0


class HostileQueue:
    """A queue in which somebody has written counters of his own."""

    def __init__(self, *counters: Counter) -> None:
        self._counters = counters

    def counters(self) -> list[Counter]:
        return list(self._counters)


def test_any_text_of_a_database_is_a_label(
    manager: PipelineManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quotes, line breaks and bytes that are no text are escaped; a secret is hidden."""
    remember_secret("hunter2-hunter2")
    hostile = ('a"b', "a\\b", "a\nb", "a\x1b[31mb", "\udcff", "of hunter2-hunter2", "a\\nb")
    counters = [job_counter(name, "failed", 1.0, 0.0) for name in hostile]
    monkeypatch.setattr(manager.job_queue, "counters", HostileQueue(*counters).counters)
    text = metrics_text(manager)
    found = samples(text)
    assert "hunter2" not in text
    assert "\x1b" not in text
    assert found["flowerpower_jobs_total", 'a"b', "failed"] == 1
    # A line break is shown as two characters, which may be the name of another one.
    assert found["flowerpower_jobs_total", "a\\nb", "failed"] == 2
    assert found["flowerpower_jobs_total", "\\udcff", "failed"] == 1


def test_a_bucket_of_a_later_version_counts(
    manager: PipelineManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is above all that this version knows."""
    counter = Counter(CounterKind.JOB, "report", "finished", len(BOUNDS) + 5, 0, 2, 1e9, 0.0)
    monkeypatch.setattr(manager.job_queue, "counters", HostileQueue(counter).counters)
    found = samples(metrics_text(manager))
    assert found["flowerpower_job_duration_seconds_bucket", "report", "14400.0"] == 0
    assert found["flowerpower_job_duration_seconds_bucket", "report", "+Inf"] == 2


def test_the_older_format_says_the_same(manager: PipelineManager) -> None:
    """For node_exporter, which reads no OpenMetrics."""
    end_jobs(manager, finished(0.2))
    metrics = read_metrics(manager)

    def values(families: Iterator[object]) -> dict[str, float]:
        return {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for family in families
            for sample in family.samples
        }

    assert "# EOF" not in metrics.prometheus()
    older = values(text_string_to_metric_families(metrics.prometheus()))
    assert older == values(openmetrics.text_string_to_metric_families(metrics.openmetrics()))


def test_without_the_queue_only_that_is_said(make_project: MakeProject, tmp_path: Path) -> None:
    """flowerpower_up is 0, and the error is there for who asks."""
    (tmp_path / "jobs.db").write_text("no database")
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    root = make_project(f"name: demo\njob_queue: {{type: apscheduler, backend: {{url: {url}}}}}\n")
    metrics = read_metrics(PipelineManager(root, quiet=True))
    assert samples(metrics.openmetrics()) == {("flowerpower_up",): 0}
    assert "jobs.db" in str(metrics.unreachable)


def test_the_documentation_has_every_metric(manager: PipelineManager) -> None:
    """In one table, with its labels, and no other."""
    page = Path(__file__).parents[2] / "docs" / "how-to" / "monitoring.md"
    rows = re.findall(r"^\| `(flowerpower_\w+)` \| (.*?) \|", page.read_text("utf-8"), re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    root = manager.project.root
    (root / "conf" / "pipelines" / "other.yml").write_text("run: {max_running: 1}\n")
    end_jobs(manager, finished(1))
    manager.schedule("report", interval="1h")
    manager.job_queue.pause_queue("default")
    fire = Counter(CounterKind.FIRE, "report", "enqueued", 0)
    counters = [*manager.job_queue.counters(), fire]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manager.job_queue, "counters", lambda: counters)
        families = read_metrics(manager).families
    suffixes = {"counter": "_total"}
    assert documented == {
        family.name + suffixes.get(family.type, ""): family.samples[0].labels.keys()
        - {"project", "le"}
        for family in families
    }
