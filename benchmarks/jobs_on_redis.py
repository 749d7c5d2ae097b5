"""Jobs on Redis against bare RQ and Celery, in one run.

Measured: adding jobs one by one and many at once, jobs per second of one worker (a fresh child
each, against RQ's forking worker with a job that does nothing; 100 jobs a child and two children,
against RQ's SimpleWorker with the same nothing and Celery's prefork pool running the same Hamilton
pipeline), how soon a job is picked up, `add-job` from the shell, a list of 10,000 queued jobs.

Needs the extra `bench`.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from beside import (
    BIN,
    JOBS,
    MANY,
    adding_line,
    bare_rq,
    celery,
    fresh_line,
    kept_line,
    listing_line,
    ours,
    output,
    pickup_line,
    pickups,
    project,
    queue_jobs,
    redis,
)
from lines import Bound, Line, beside_other, print_table
from programs import environ, rounds

ADD_JOB_BOUND = Bound(1.2)
ADDED_BOUNDS = {"one by one": Bound(1, at_least=True), "many at once": Bound(2, at_least=True)}
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
ADD = """\
import json, sys, time
from flowerpower.job_queue import JobQueueManager
from flowerpower.jobs.job_spec import JobSpec

with JobQueueManager(base_dir=".", **json.loads(sys.argv[1])) as queue:
    begun = time.perf_counter()
    for _ in range(1000):
        queue.add_job(JobSpec("three"))
    one = time.perf_counter() - begun
    begun = time.perf_counter()
    queue.add_jobs([JobSpec("three") for _ in range(1000)])
    print(1000 / one, 1000 / (time.perf_counter() - begun))
"""
"""Ours, in a small process too: to collect garbage takes longer in a large one."""
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
    options["namespace"] = "adding"
    one, many = map(float, output(folder, "add.py", json.dumps(options)).split())
    return one, many


def _stock_adding(folder: Path, url: str) -> tuple[float, float]:
    one, many = map(float, output(folder, "enqueue.py", url).split())
    return one, many


def _stock_pickup(folder: Path, url: str) -> float:
    command = [str(BIN / "rq"), "worker", "pickup", "--url", url, "--quiet"]
    worker = subprocess.Popen(command, cwd=folder, env={**environ(), "PYTHONPATH": str(folder)})
    try:
        return float(output(folder, "pickup.py", url))
    finally:
        worker.terminate()
        worker.wait()


def lines() -> Iterator[Line]:
    """What is measured, each as soon as it is known."""
    place = "Redis"
    with tempfile.TemporaryDirectory() as name, redis(Path(name)) as url:
        folder = Path(name)
        project(folder)
        (folder / "enqueue.py").write_text(ENQUEUE)
        (folder / "add.py").write_text(ADD)
        (folder / "pickup.py").write_text(PICKUP)
        options = {"type": "rq", "url": url, "namespace": "bench"}

        # In turns: the machine is not the same from minute to minute.
        fresh = [(ours(folder, 1, **options), bare_rq(folder, url)) for _ in range(rounds(3))]
        yield fresh_line(place, fresh)
        kept = [(ours(folder, 100, **options), bare_rq(folder, url, "simple", JOBS), celery(folder))
                for _ in range(rounds(3))]  # fmt: skip
        yield kept_line(place, [(mine, theirs) for mine, _, theirs in kept])
        simple = [(mine, theirs) for mine, theirs, _ in kept]
        what, other = "jobs a second, 100 per child", "RQ's SimpleWorker, a no-op"
        yield beside_other(what, place, "/s", simple, other)
        yield pickup_line(place, pickups(folder, **options), _stock_pickup(folder, url))

        environment = {"FLOWERPOWER_JOB_QUEUE_TYPE": "rq", "FLOWERPOWER_JOB_QUEUE_URL": url}
        yield adding_line(place, folder, url, ADD_JOB_BOUND, **environment)
        added = [(_adding(folder, **options), _stock_adding(folder, url)) for _ in range(rounds(5))]
        for number, (way, bound) in enumerate(ADDED_BOUNDS.items()):
            pairs = [(mine[number], theirs[number]) for mine, theirs in added]
            yield beside_other(f"added a second, {way}", place, "/s", pairs, "RQ", bound)
        queue_jobs(folder, MANY, **options)
        yield listing_line(place, folder, **environment)


if __name__ == "__main__":
    print_table(lines())
