"""Jobs on Redis against bare RQ and Celery, in one run.

Measured: adding jobs one by one and many at once, jobs per second of one worker (a fresh child
each, against RQ's forking worker with a job that does nothing; 100 jobs a child and two children,
against RQ's SimpleWorker with the same nothing and Celery's prefork pool running the same Hamilton
pipeline), how soon a job is picked up, `add-job` from the shell, a list of 10,000 queued jobs.

Needs the extra `bench`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from beside import (
    BIN,
    JOBS,
    MANY,
    PYTHON,
    celery,
    ours,
    output,
    pickups,
    project,
    queue_jobs,
    redis,
    seconds_of,
    take_turns,
)
from rich.console import Console
from rich.table import Table

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
ENQUEUE = """\
import sys, time
import redis, rq
from rq.queue import Queue
from nothing import nothing

queue = rq.Queue("enqueue", connection=redis.Redis.from_url(sys.argv[1]))
begun = time.perf_counter()
for _ in range(1000):
    queue.enqueue(nothing)
one = time.perf_counter() - begun
begun = time.perf_counter()
queue.enqueue_many([Queue.prepare_data(nothing) for _ in range(1000)])
print(1000 / one, 1000 / (time.perf_counter() - begun))
"""
PICKUP = """\
import sys, time
import redis, rq
from nothing import nothing

connection = redis.Redis.from_url(sys.argv[1])
queue = rq.Queue("pickup", connection=connection)
delays = []
for number in range(41):
    job = queue.enqueue(nothing)
    while not job.get_status(refresh=True) == "finished":
        time.sleep(0.002)
    job.refresh()
    if number:
        delays.append((job.started_at - job.enqueued_at).total_seconds())
    time.sleep(0.013)
print(sorted(delays)[20])
"""


def _bare(folder: Path, url: str, kind: str, jobs: int) -> float:
    return float(output(folder, "bare_rq.py", url, kind, str(jobs)))


def _adding(folder: Path, **options: Any) -> tuple[float, float]:
    """Jobs a second, added one by one and many at once."""
    from flowerpower.job_queue import JobQueueManager
    from flowerpower.jobs.job import JobSpec

    with JobQueueManager(base_dir=folder, **{**options, "namespace": "adding"}) as queue:
        begun = time.perf_counter()
        for _ in range(1000):
            queue.add_job(JobSpec("three"))
        one = time.perf_counter() - begun
        begun = time.perf_counter()
        queue.add_jobs([JobSpec("three") for _ in range(1000)])
        return 1000 / one, 1000 / (time.perf_counter() - begun)


def _stock_pickup(folder: Path, url: str) -> float:
    import subprocess

    from beside import environ

    command = [str(BIN / "rq"), "worker", "pickup", "--url", url, "--quiet"]
    worker = subprocess.Popen(command, cwd=folder, env={**environ(), "PYTHONPATH": str(folder)})
    try:
        return float(output(folder, "pickup.py", url))
    finally:
        worker.terminate()
        worker.wait()


def main() -> None:
    """Measure all of it and print a table."""
    table = Table("what", "measured", "beside")
    with tempfile.TemporaryDirectory() as name, redis(Path(name)) as url:
        folder = Path(name)
        project(folder)
        for file, text in (("nothing.py", NOTHING), ("bare_rq.py", BARE_RQ),
                           ("enqueue.py", ENQUEUE), ("pickup.py", PICKUP)):  # fmt: skip
            (folder / file).write_text(text)
        options = {"type": "rq", "url": url, "namespace": "bench"}

        one, many = _adding(folder, **options)
        stock_one, stock_many = map(float, output(folder, "enqueue.py", url).split())
        table.add_row("added a second, one by one", f"{one:.0f}",
                      f"RQ: {stock_one:.0f} ({one / stock_one:.2f} x)")  # fmt: skip
        table.add_row("added a second, many at once", f"{many:.0f}",
                      f"RQ: {stock_many:.0f} ({many / stock_many:.2f} x)")  # fmt: skip

        pairs = [(ours(folder, 1, **options), _bare(folder, url, "fork", 300)) for _ in range(3)]
        table.add_row(*_compared("jobs per second, a fresh child each", pairs, "RQ fork, no-op"))
        kept = [(ours(folder, 100, **options), _bare(folder, url, "simple", JOBS), celery(folder))
                for _ in range(3)]  # fmt: skip
        what = "jobs per second, 100 per child"
        simple = [(mine, theirs) for mine, theirs, _ in kept]
        table.add_row(*_compared(what, simple, "RQ SimpleWorker, no-op"))
        prefork = [(mine, theirs) for mine, _, theirs in kept]
        table.add_row(*_compared(what, prefork, "Celery prefork, same pipeline"))

        delays = pickups(folder, **options)
        stock = _stock_pickup(folder, url)
        table.add_row(
            "a queued job is picked up",
            f"median {statistics.median(delays) * 1000:.0f} ms (bound 100 ms)",
            f"RQ fork: median {stock * 1000:.0f} ms",
        )

        mine_add = [PYTHON, "-m", "flowerpower_cli", "job-queue", "add-job", "three"]
        rq_enqueue = [str(BIN / "rq"), "enqueue", "--url", url, "time.sleep", "0"]
        environment = {"FLOWERPOWER_JOB_QUEUE_TYPE": "rq", "FLOWERPOWER_JOB_QUEUE_URL": url}
        mine, theirs = take_turns(mine_add, rq_enqueue, folder, **environment)
        table.add_row(
            "add-job from the shell",
            f"{mine * 1000:.0f} ms",
            f"rq enqueue: {theirs * 1000:.0f} ms ({mine / theirs:.2f} x, bound 1.5 x)",
        )
        queue_jobs(folder, MANY, **{**options, "namespace": "bench"})
        listing = [PYTHON, "-m", "flowerpower_cli", "job-queue", "list-jobs",
                   "--limit", str(MANY), "--json"]  # fmt: skip
        times = statistics.median(seconds_of(listing, folder, **environment) for _ in range(3))
        table.add_row(f"list {MANY} queued jobs as JSON", f"{times:.2f} s", "")
    Console(width=130).print(table)


def _compared(what: str, pairs: list[tuple[float, float]], other: str) -> tuple[str, str, str]:
    """A row of medians; those that were measured together are compared with each other."""
    mine, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(left / right for left, right in pairs)
    return what, f"{mine:.0f}", f"{other}: {theirs:.0f} ({ratio:.2f} x, bound 1 x)"


if __name__ == "__main__":
    main()
