"""What the benchmarks of jobs share: a small project, a Redis, bare RQ, Celery, lines of both."""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lines import Bound, Line, Pair, beside_other
from programs import REPOSITORY, ProgramFailed, environ, in_turns

sys.path.insert(0, str(REPOSITORY))

JOBS = 1000
PICKUPS = 40
PATIENCE = 600
"""Seconds after which a program that is measured has failed."""
MANY = 10_000
FRESH_BOUND = Bound(1.5, at_least=True)
KEPT_BOUND = Bound(3, at_least=True)
PICKUP_BOUND = Bound(50, "value")
LIST_BOUND = Bound(1, "difference")
PYTHON = sys.executable
BIN = Path(PYTHON).parent

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
NOTHING = """\
def nothing():
    pass
"""
BARE_RQ = """\
import sys, time
import redis, rq
from nothing import nothing

url, kind, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
connection = redis.Redis.from_url(url)
queue = rq.Queue(kind, connection=connection)
for _ in range(jobs):
    queue.enqueue(nothing, result_ttl=0)
worker = {"fork": rq.Worker, "simple": rq.SimpleWorker}[kind](
    [queue], connection=connection, log_job_description=False
)
begun = time.perf_counter()
worker.work(burst=True, logging_level="ERROR")
print(jobs / (time.perf_counter() - begun))
"""
WORK = """\
import json, sys, time
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.worker_options import WorkerOptions

ends = []
options = json.loads(sys.argv[2])
with JobQueueManager(base_dir=".", **options) as queue:
    queue.run_worker(
        WorkerOptions(burst=True, num_workers=2, jobs_per_child=int(sys.argv[1])),
        lambda event: ends.append(time.perf_counter()) if event.kind == "job" else None,
    )
print((len(ends) - 1) / (ends[-1] - ends[0]))
"""


def project(folder: Path) -> None:
    """A project with a pipeline of three nodes, and scripts that run it in other ways."""
    (folder / "conf" / "pipelines").mkdir(parents=True)
    (folder / "pipelines").mkdir()
    (folder / "conf" / "project.yml").write_text("name: bench\n")
    (folder / "conf" / "pipelines" / "three.yml").write_text("run: {inputs: {x: 3}}\n")
    (folder / "pipelines" / "three.py").write_text(MODULE)
    (folder / "celery_app.py").write_text(CELERY_APP)
    (folder / "work.py").write_text(WORK)
    (folder / "nothing.py").write_text(NOTHING)
    (folder / "bare_rq.py").write_text(BARE_RQ)


def output(folder: Path, *arguments: str, **more: str) -> str:
    """The last line that a Python program prints.

    Raises:
        ProgramFailed: its exit code is not 0, or it has printed nothing.
        TimeoutExpired: it does not end.
    """
    command = [PYTHON, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environ(**more), capture_output=True, text=True, check=False,
        timeout=PATIENCE,
    )  # fmt: skip
    if done.returncode or not done.stdout.strip():
        raise ProgramFailed(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout.strip().splitlines()[-1]


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The URL of a Redis that lasts for a while."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Path(PYTHON).parent / "redis-server"
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: answers(port))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {seconds:g} s")
        time.sleep(0.02)


def celery(folder: Path) -> float:
    """Jobs per second of Celery's prefork pool with two processes."""
    with redis(folder) as url:
        worker = subprocess.Popen(
            [PYTHON, "-m", "celery", "-A", "celery_app", "worker", "--pool", "prefork", "-c", "2",
             "--loglevel", "error", "--without-gossip", "--without-mingle"],
            cwd=folder, env=environ(BROKER=url),
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
            return float(output(folder, "-c", script, BROKER=url))
        finally:
            worker.terminate()
            worker.wait()


def bare_rq(folder: Path, url: str, kind: str = "fork", jobs: int = 300) -> float:
    """Jobs per second of RQ's own worker, with a job that does nothing."""
    return float(output(folder, "bare_rq.py", url, kind, str(jobs)))


def fresh_line(place: str, pairs: list[Pair]) -> Line:
    """Jobs a second with a fresh child each, beside RQ's."""
    what = "jobs a second, a fresh child each"
    return beside_other(what, place, "/s", pairs, "RQ's fork, a no-op", FRESH_BOUND)


def kept_line(place: str, pairs: list[Pair]) -> Line:
    """Jobs a second with two children of 100 jobs each, beside Celery's."""
    what = "jobs a second, 100 per child"
    return beside_other(what, place, "/s", pairs, "Celery, the same pipeline", KEPT_BOUND)


def pickup_line(place: str, delays: list[float], stock: float | None = None) -> Line:
    """How soon a queued job is picked up, in the median; beside RQ's worker if it is given."""
    what = "a queued job is picked up"
    mine = statistics.median(delays) * 1000
    if stock is None:
        return Line(what, place, "ms", mine, bound=PICKUP_BOUND)
    return beside_other(what, place, "ms", [(mine, stock * 1000)], "RQ's worker", PICKUP_BOUND)


def adding_line(place: str, folder: Path, url: str, bound: Bound, **environment: str) -> Line:
    """`add-job` from the shell beside `rq enqueue`, with a signature that is kept."""
    commands = {
        "ours": [PYTHON, "-m", "flowerpower_cli", "job-queue", "add-job", "three"],
        "rq": [str(BIN / "rq"), "enqueue", "--url", url, "time.sleep", "0"],
    }
    turns = in_turns(commands, folder, 11, **environment)
    pairs = [(turn["ours"].seconds * 1000, turn["rq"].seconds * 1000) for turn in turns]
    return beside_other("add-job from the shell", place, "ms", pairs, "rq enqueue", bound)


def listing_line(place: str, folder: Path, **environment: str) -> Line:
    """What a list of MANY jobs takes over one of one job, from the shell."""
    command = [PYTHON, "-m", "flowerpower_cli", "job-queue", "list-jobs", "--json", "--limit"]
    commands = {"many": [*command, str(MANY)], "one": [*command, "1"]}
    turns = in_turns(commands, folder, 5, **environment)
    pairs = [(turn["many"].seconds, turn["one"].seconds) for turn in turns]
    what = f"list-jobs --json of {MANY:,}"
    return beside_other(what, place, "s", pairs, "itself, of one", LIST_BOUND)


def queue_jobs(folder: Path, count: int, **options: Any) -> None:
    """Queue so many jobs of the pipeline, in few writes."""
    from flowerpower.config.overrides import RunOverrides
    from flowerpower.job_queue import JobQueueManager
    from flowerpower.jobs.job_spec import JobSpec

    with JobQueueManager(base_dir=folder, **options) as queue:
        queue.add_jobs([JobSpec("three", RunOverrides(inputs={"x": n})) for n in range(count)])


def ours(folder: Path, jobs_per_child: int, **options: Any) -> float:
    """Jobs per second of one of our workers, two at once, from its first end to its last."""
    queue_jobs(folder, JOBS, **options)
    return float(output(folder, "work.py", str(jobs_per_child), json.dumps(options)))


def pickups(folder: Path, **options: Any) -> list[float]:
    """Seconds from being queued to being claimed, job by job, in order of size."""
    from flowerpower.job_queue import JobQueueManager
    from flowerpower.jobs.job_spec import JobSpec

    script = (
        "import json, sys\n"
        "from flowerpower.job_queue import JobQueueManager\n"
        "from flowerpower.job_queue.worker_options import WorkerOptions\n"
        "queue = JobQueueManager(base_dir='.', **json.loads(sys.argv[1]))\n"
        f"queue.run_worker(WorkerOptions(max_jobs={PICKUPS + 1}))\n"
    )
    worker = subprocess.Popen(
        [PYTHON, "-c", script, json.dumps(options)], cwd=folder, env=environ()
    )
    delays = []
    try:
        with JobQueueManager(base_dir=folder, **options) as queue:
            for number in range(PICKUPS + 1):
                job = queue.add_job(JobSpec("three"))
                until(lambda job=job: queue.get_job(job.id).status.is_ended)  # type: ignore[misc]
                done = queue.get_job(job.id)
                # The first waits for the worker to start.
                if number and done.started_at:
                    delays.append((done.started_at - done.created_at).total_seconds())
                time.sleep(0.013)
    finally:
        worker.terminate()
        worker.wait()
    return sorted(delays)
