"""What the dashboard and the report cost.

python benchmarks/dashboard.py [JOBS] [SECONDS]

Makes a project with JOBS ended jobs (by default 10,000) on SQLite, and prints how long each page
takes, what share of a core the server uses while one overview is open for SECONDS (by default 60),
with a job added each second, and the time and the size of reports.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from flowerpower.jobs.claim import AttemptResult, WorkerInfo
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.pipeline import PipelineManager
from flowerpower.triggers import clock

FLOWERPOWER = [sys.executable, "-m", "flowerpower_cli"]
MODULE = "def one(number: int = 1) -> int:\n    return number\n"
PAGES = ("/", "/jobs", "/jobs?page=100", "/jobs/job-7", "/schedules", "/pipelines", "/workers")
NODES = {
    f"node_{number}": {
        "state": "finished",
        "started_at": f"2026-03-01T08:00:{number:02}+00:00",
        "seconds": 0.9,
    }
    for number in range(8)
}


def main() -> None:
    """Measure, and print what was measured."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        manager = make_project(root, jobs)
        pages_and_cpu(root, manager, seconds)
        manager.close()
        for limit in (1_000, 10_000):
            report(root, limit)


def make_project(root: Path, jobs: int) -> PipelineManager:
    """A project with so many ended jobs, each twentieth of them failed."""
    for name, text in {
        "conf/project.yml": "name: bench\n",
        "conf/pipelines/one.yml": 'schedule: {cron: "0 8 * * *"}\n',
        "pipelines/one.py": MODULE,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    manager = PipelineManager(root, quiet=True)
    manager.schedules.apply()
    backend = manager.job_queue.backend
    info = WorkerInfo("worker-1", "host", os.getpid(), ("default",), 100, clock.now())
    backend.register_worker(info)
    error = {
        "type": "ValueError",
        "message": "no such region",
        "node": "one",
        "traceback": "x\n" * 9,
    }
    failed = AttemptResult(JobStatus.FAILED, error=error, attempts_left=0, seconds=0.1)
    finished = AttemptResult(JobStatus.FINISHED, result={"outputs": {"one": 1}}, seconds=0.1)
    progress = {"done": 8, "total": 8, "nodes": NODES}
    backend.add_jobs([JobSpec("one", id=f"job-{number}") for number in range(jobs)])
    done = 0
    while claims := backend.claim("worker-1", 100, ["default"]):
        for claim in claims:
            done += 1
            backend.finish(claim, finished if done % 20 else failed, "some log\n" * 20, progress)
    return manager


def pages_and_cpu(root: Path, manager: PipelineManager, seconds: int) -> None:
    """How long pages take, and the server's share of a core while one is open."""
    command = [*FLOWERPOWER, "dashboard", "--port", "0"]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            urllib.request.urlopen(f"{url}workers").read()
            print(f"from the command to the first page: {time.perf_counter() - began:.2f} s")
            for page in PAGES:
                times = [_time_of(url + page[1:]) for _ in range(5)]
                print(f"{page:16} {sorted(times)[2] * 1000:6.0f} ms")
            idle = _cpu_share(process.pid, seconds / 6)
            print(f"CPU without an open page: {idle:.1%} of a core")
            with urllib.request.urlopen(f"{url}events?address=/") as stream:
                stream.readline()
                quiet = _cpu_share(process.pid, seconds)
                print(f"CPU with the overview open: {quiet:.1%} of a core")
                busy = _cpu_share(process.pid, seconds, lambda: manager.add_job("one", run_in="1h"))
                print(f"the same, a job added each second: {busy:.1%} of a core")
        finally:
            process.terminate()


def _time_of(url: str) -> float:
    began = time.perf_counter()
    urllib.request.urlopen(url).read()
    return time.perf_counter() - began


def _cpu_share(pid: int, seconds: float, each_second: object = None) -> float:
    """The share of a core that a process uses in that time."""
    before, began = _cpu_seconds(pid), time.perf_counter()
    while time.perf_counter() - began < seconds:
        if callable(each_second):
            each_second()
        time.sleep(1)
    return (_cpu_seconds(pid) - before) / (time.perf_counter() - began)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(root: Path, limit: int) -> None:
    """The time and the size of a report of so many jobs."""
    path, began = root / "report.html", time.perf_counter()
    command = [*FLOWERPOWER, "report", "-o", str(path), "--limit", str(limit)]
    cpu_before = _cpu_of_children()
    subprocess.run(command, cwd=root, check=True, stderr=subprocess.DEVNULL)
    took, cpu = time.perf_counter() - began, _cpu_of_children() - cpu_before
    size = path.stat().st_size / 1e6
    print(f"report of {limit} jobs: {took:.1f} s ({cpu:.1f} s of CPU), {size:.2f} MB")


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
