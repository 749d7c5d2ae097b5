"""Jobs on Redis against bare RQ and Celery, in one run.

Measured: adding jobs one by one and many at once, jobs per second of one worker (a fresh child
each, against RQ's forking worker with a job that does nothing; 100 jobs a child and two children,
against RQ's SimpleWorker with the same nothing and Celery's prefork pool running the same Hamilton
pipeline), how soon a job is picked up, `add-job` from the shell, a list of 10,000 queued jobs.

Needs the extra `bench`.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from beside import (
    BIN,
    JOBS,
    MANY,
    PYTHON,
    bare_rq,
    celery,
    compared,
    listing_row,
    ours,
    output,
    pickup_row,
    pickups,
    project,
    queue_jobs,
    redis,
    said,
    take_turns,
)
from rich.console import Console
from rich.table import Table

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


def _adding(folder: Path, **options: Any) -> tuple[float, float]:
    """Jobs a second, added one by one and many at once."""
    from flowerpower.job_queue import JobQueueManager
    from flowerpower.jobs.job_spec import JobSpec

    with JobQueueManager(base_dir=folder, **{**options, "namespace": "adding"}) as queue:
        begun = time.perf_counter()
        for _ in range(1000):
            queue.add_job(JobSpec("three"))
        one = time.perf_counter() - begun
        begun = time.perf_counter()
        queue.add_jobs([JobSpec("three") for _ in range(1000)])
        return 1000 / one, 1000 / (time.perf_counter() - begun)


def _stock_adding(folder: Path, url: str) -> tuple[float, float]:
    one, many = map(float, output(folder, "enqueue.py", url).split())
    return one, many


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
        (folder / "enqueue.py").write_text(ENQUEUE)
        (folder / "pickup.py").write_text(PICKUP)
        options = {"type": "rq", "url": url, "namespace": "bench"}

        added = [(_adding(folder, **options), _stock_adding(folder, url)) for _ in range(5)]
        for number, (way, bound) in enumerate((("one by one", 1), ("many at once", 2))):
            pairs = [(mine[number], theirs[number]) for mine, theirs in added]
            table.add_row(*compared(f"added a second, {way}", pairs, "RQ", bound))

        # In turns: the machine is not the same from minute to minute.
        pairs = [(ours(folder, 1, **options), bare_rq(folder, url)) for _ in range(3)]
        what = "jobs per second, a fresh child each"
        table.add_row(*compared(what, pairs, "RQ fork, no-op", 1.5))
        kept = [(ours(folder, 100, **options), bare_rq(folder, url, "simple", JOBS), celery(folder))
                for _ in range(3)]  # fmt: skip
        what = "jobs per second, 100 per child"
        simple = [(mine, theirs) for mine, theirs, _ in kept]
        table.add_row(*compared(what, simple, "RQ SimpleWorker, no-op"))
        prefork = [(mine, theirs) for mine, _, theirs in kept]
        table.add_row(*compared(what, prefork, "Celery prefork, same pipeline", 3))

        stock = f", RQ fork: median {_stock_pickup(folder, url) * 1000:.0f} ms"
        table.add_row(*pickup_row(pickups(folder, **options), stock))

        mine_add = [PYTHON, "-m", "flowerpower_cli", "job-queue", "add-job", "three"]
        rq_enqueue = [str(BIN / "rq"), "enqueue", "--url", url, "time.sleep", "0"]
        environment = {"FLOWERPOWER_JOB_QUEUE_TYPE": "rq", "FLOWERPOWER_JOB_QUEUE_URL": url}
        mine, theirs = take_turns(mine_add, rq_enqueue, folder, **environment)
        table.add_row(
            "add-job from the shell",
            f"{mine * 1000:.0f} ms",
            f"rq enqueue: {theirs * 1000:.0f} ms ({mine / theirs:.2f} x, at most 1.2 x: "
            f"{said(mine / theirs <= 1.2)})",
        )
        queue_jobs(folder, MANY, **{**options, "namespace": "bench"})
        table.add_row(*listing_row(folder, **environment))
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
