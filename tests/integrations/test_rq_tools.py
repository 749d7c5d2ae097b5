"""RQ's own tools, as their users start them, beside a worker of ours on a real Redis."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from flowerpower.errors import JobNotFound
from flowerpower.jobs.job import JobStatus
from flowerpower.pipeline import PipelineManager
from tests.conditions import WAIT_LIMIT, eventually
from tests.integrations.servers import listens, started
from tests.servers import RedisServer, free_port

BIN = Path(sys.executable).parent
PROJECT = "name: demo\njob_queue:\n  type: rq\n  backend: {url: '${REDIS_URL}'}\n"
PIPELINES = {
    "report": "def total() -> int:\n    return 42\n",
    "broken": (
        "from pathlib import Path\n\n"
        "def total() -> int:\n"
        "    if not Path('mended').exists():\n"
        "        raise ValueError('no such region')\n"
        "    return 7\n"
    ),
    "waiting": (
        "import time\nfrom pathlib import Path\n\n"
        "def total() -> int:\n"
        "    while not Path('end').exists():\n"
        "        time.sleep(0.01)\n"
        "    return 1\n"
    ),
}
QUEUE = "demo.default"


class Place:
    """A project on a Redis of its own, and the programs that work on it."""

    def __init__(self, root: Path, server: RedisServer) -> None:
        self.root = root
        self.url = server.url()
        self.client = redis.Redis.from_url(self.url)
        for name, module in PIPELINES.items():
            for folder in ("conf/pipelines", "pipelines"):
                (root / folder).mkdir(parents=True, exist_ok=True)
            (root / "conf" / "pipelines" / f"{name}.yml").write_text("run: {}\n")
            (root / "pipelines" / f"{name}.py").write_text(module)
        (root / "conf" / "project.yml").write_text(PROJECT)
        self.environ = {**os.environ, "REDIS_URL": self.url}
        self.manager = PipelineManager(root, quiet=True)

    def rq(self, *arguments: str) -> str:
        """What `rq COMMAND` prints."""
        return self._run(str(BIN / "rq"), *arguments, "--url", self.url)

    def flowerpower(self, *arguments: str) -> str:
        return self._run(str(BIN / "flowerpower"), "job-queue", *arguments)

    def _run(self, *command: str) -> str:
        ended = subprocess.run(
            command, cwd=self.root, env=self.environ, capture_output=True, text=True,
            timeout=WAIT_LIMIT, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def add(self, *names: str) -> list[str]:
        """Jobs of these pipelines, with the names as ids."""
        return [self.manager.add_job(name, job_id=name).id for name in names]

    def work(self) -> None:
        """Let a worker of ours do all that waits."""
        self.flowerpower("start-worker", "--burst")

    def status(self, job_id: str) -> JobStatus:
        return self.manager.jobs.get(job_id).status

    @contextmanager
    def worker(self) -> Iterator[None]:
        """A worker of ours, until the block ends."""
        process = subprocess.Popen(
            [BIN / "flowerpower", "job-queue", "start-worker"], cwd=self.root, env=self.environ,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield
        finally:
            (self.root / "end").touch()
            process.terminate()
            process.wait(WAIT_LIMIT)

    def keys(self) -> set[str]:
        """Keys in Redis that belong to single jobs."""
        names = [key.decode() for key in self.client.scan_iter("*")]
        return {name for name in names if any(f"{word}" in name for word in PIPELINES)}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    server = RedisServer()
    monkeypatch.setenv("REDIS_URL", server.url())
    place = Place(tmp_path / "demo", server)
    yield place
    place.client.close()
    server.close()


def test_rq_info(place: Place) -> None:
    """Queues with their lengths, a busy worker with its counts; afterwards no worker."""
    place.add("report", "broken", "waiting")
    with place.worker():
        eventually(lambda: place.status("waiting") is JobStatus.RUNNING)
        eventually(lambda: place.status("broken") is JobStatus.FAILED)
        eventually(lambda: place.status("report") is JobStatus.FINISHED)
        eventually(
            lambda: " busy demo.default. jobs: 1 finished, 1 failed" in place.rq("info", "-r")
        )
        shown = place.rq("info", "--raw")
        assert f"queue {QUEUE} 0, 1 executing, 1 finished, 1 failed" in shown
        assert f"worker {place.manager.jobs.get('waiting').record.worker} (" in shown
    shown = place.rq("info")
    assert "0 workers, 1 queues" in shown
    assert f"{QUEUE} " in shown
    assert "0 executing, 2 finished, 1 failed" in shown


def test_rq_requeue(place: Place) -> None:
    """A failed job, named or all, runs again with its history and its counts anew."""
    place.add("broken")
    place.work()
    assert place.status("broken") is JobStatus.FAILED
    (place.root / "mended").touch()
    place.rq("requeue", "--queue", QUEUE, "demo--broken")
    assert place.status("broken") is JobStatus.QUEUED
    place.work()
    job = place.manager.jobs.get("broken")
    assert (job.status, job.attempt, job.result()) == (JobStatus.FINISHED, 2, {"total": 7})
    assert [attempt["status"] for attempt in job.record.attempts] == ["failed", "finished"]
    (place.root / "mended").unlink()
    place.manager.add_job("broken", job_id="broken-too")
    place.work()
    (place.root / "mended").touch()
    assert "Requeueing 1 jobs" in place.rq("requeue", "--queue", QUEUE, "--all")
    place.work()
    assert place.status("broken-too") is JobStatus.FINISHED


def test_rq_empty(place: Place) -> None:
    """The jobs are gone for us too, and once a worker has tidied up nothing of them is left."""
    place.add("report", "broken")
    assert f"2 jobs removed from {QUEUE} queue" in place.rq("empty", QUEUE)
    assert place.flowerpower("list-jobs", "--json").strip() == "[]"
    with pytest.raises(JobNotFound):
        place.manager.jobs.get("report")
    place.work()
    assert place.keys() == set()
    assert place.client.zcard("flowerpower:demo:jobs") == 0
    assert place.manager.add_job("report", job_id="report").created


def test_rq_suspend_and_resume(place: Place) -> None:
    """A suspended worker is shown so and takes nothing; resumed it goes on."""
    with place.worker():
        eventually(lambda: " idle " in place.rq("info", "-r"))
        place.rq("suspend")
        eventually(lambda: " suspended " in place.rq("info", "-r"))
        place.add("report")
        assert f"queue {QUEUE} 1, 0 executing" in place.rq("info", "--raw")
        place.rq("resume")
        eventually(lambda: place.status("report") is JobStatus.FINISHED)


def test_rq_worker(place: Place) -> None:
    """RQ's own worker runs the project's jobs; show-job and wait say how each ended."""
    place.add("report", "broken")
    place.rq("worker", "--burst", QUEUE)
    shown = json.loads(place.flowerpower("show-job", "report", "--json"))
    assert (shown["status"], shown["result"]["outputs"]) == ("finished", {"total": 42})
    (waited,) = json.loads(place.flowerpower("wait", "report", "--json"))
    assert waited["status"] == "finished"
    error = json.loads(place.flowerpower("show-job", "broken", "--json"))["error"]
    assert (error["type"], error["message"]) == ("ValueError", "no such region")
    assert "1 finished, 1 failed" in place.rq("info", "--raw")


class Dashboard:
    """rq-dashboard's pages and JSON."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._base}/{path}", timeout=WAIT_LIMIT) as answer:
            text = answer.read().decode()
        return json.loads(text) if path.endswith(".json") else text

    def post(self, path: str) -> Any:
        request = urllib.request.Request(f"{self._base}/{path}", method="POST")
        with urllib.request.urlopen(request, timeout=WAIT_LIMIT) as answer:
            return json.load(answer)

    def jobs(self, registry: str) -> dict[str, Any]:
        """By RQ's id, what the list of a registry has."""
        page = self.get(f"0/data/jobs/{QUEUE}/{registry}/20/asc/1.json")
        return {job["id"]: job for job in page["jobs"]}


@contextmanager
def dashboard(place: Place, folder: Path, *options: str) -> Iterator[Dashboard]:
    port = free_port()
    command = ["-m", "rq_dashboard", "--bind", "127.0.0.1", "--port", str(port), *options]
    with started(
        [*command, "--redis-url", place.url], folder, lambda: listens(port), PYTHONUNBUFFERED="1"
    ):
        yield Dashboard(port)


def test_rq_dashboard(place: Place, tmp_path: Path) -> None:
    """Queues, results, errors and the job of a busy worker are shown; its buttons do what they say."""
    place.add("report", "broken", "waiting")
    with place.worker(), dashboard(place, tmp_path / "web", "--json") as web:
        eventually(lambda: place.status("waiting") is JobStatus.RUNNING)
        eventually(lambda: place.status("broken") is JobStatus.FAILED)
        eventually(lambda: place.status("report") is JobStatus.FINISHED)
        (queue,) = web.get("0/data/queues.json")["queues"]
        counts = {
            name: queue[f"{name}_job_registry_count"] for name in ("started", "failed", "finished")
        }
        assert (queue["name"], queue["count"], counts) == (
            QUEUE, 0, {"started": 1, "failed": 1, "finished": 1},
        )  # fmt: skip
        (failed,) = web.jobs("failed").values()
        assert failed["exc_info"].endswith("ValueError: no such region\n")
        assert failed["description"] == "broken"
        assert web.jobs("finished").keys() == {"demo--report"}
        details = web.get("0/data/job/demo--report.json")
        assert (details["status"], details["result"], details["exc_info"]) == (
            "finished", {"total": 42}, None,
        )  # fmt: skip
        assert "ValueError" in web.get("0/data/job/demo--broken.json")["exc_info"]
        assert "demo--broken" in web.get("0/view/job/demo--broken")

        def busy() -> Any:
            (worker,) = web.get("0/data/workers.json")["workers"]
            return worker if worker["state"] == "busy" else None

        worker = eventually(busy)
        assert worker["current_job"]["job_id"] == "demo--waiting"
        assert (worker["successful_job_count"], worker["failed_job_count"]) == (1, 1)
        assert worker["total_working_time"] > 0
        (place.root / "mended").touch()
        assert web.post("job/demo--broken/requeue") == {"status": "OK"}
        eventually(lambda: place.status("broken") is JobStatus.FINISHED)
        assert web.post("job/demo--report/delete") == {"status": "OK"}
        with pytest.raises(JobNotFound):
            place.manager.jobs.get("report")
    assert place.status("waiting") is JobStatus.FINISHED


def test_rq_dashboard_without_json(place: Place, tmp_path: Path) -> None:
    """Without `--json` it shows failed jobs; for a result, which is JSON, it answers with 500."""
    place.add("report", "broken")
    place.work()
    with dashboard(place, tmp_path / "web") as web:
        assert "ValueError" in web.jobs("failed")["demo--broken"]["exc_info"]
        with pytest.raises(urllib.error.HTTPError) as answer:
            web.jobs("finished")
        assert answer.value.code == 500
        answer.value.close()


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """rq-exporter in an environment of its own: no version of it allows or imports RQ 3."""
    folder = tmp_path_factory.mktemp("exporter")
    venv.create(folder, with_pip=True)
    command = [folder / "bin" / "pip", "install", "--quiet", "rq-exporter>=3.1,<4"]
    subprocess.run(command, check=True, timeout=WAIT_LIMIT, capture_output=True)
    return folder / "bin" / "python"


def test_rq_exporter(place: Place, tmp_path: Path, exporter: Path) -> None:
    """Its metrics count our jobs by state, and our workers with their jobs."""
    place.add("report", "broken", "waiting")
    port = free_port()
    # `started` starts this Python; the exporter is in another one.
    other = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    module = ["-c", other, str(exporter), "-m", "rq_exporter"]
    command = [*module, "--host", "127.0.0.1", "--port", str(port), "--redis-url", place.url]
    with (
        place.worker(),
        started(command, tmp_path / "exporter", lambda: listens(port)),
    ):
        eventually(lambda: place.status("broken") is JobStatus.FAILED)
        eventually(lambda: place.status("report") is JobStatus.FINISHED)

        def metrics() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                return str(answer.read().decode())

        shown = eventually(lambda: text if 'state="busy"} 1.0' in (text := metrics()) else "")
        for status, count in (("finished", 1), ("failed", 1), ("started", 1), ("queued", 0)):
            assert f'rq_jobs{{queue="{QUEUE}",status="{status}"}} {count}.0' in shown
        worker = place.manager.jobs.get("waiting").record.worker
        counted = f'{{name="{worker}",queues="{QUEUE}"}} 1.0'
        assert f"rq_workers_success_total{counted}" in shown
        assert f"rq_workers_failed_total{counted}" in shown
