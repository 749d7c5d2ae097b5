"""A hundred thousand schedules: a scheduler at rest, and a thousand fires a second.

Ours on SQLite, PostgreSQL and Redis; beside them stock APScheduler (its SQLAlchemy store on SQLite,
and its in-memory store beside PostgreSQL) and RQ's CronScheduler, in one run.

At rest: processor time and memory of a scheduler whose schedules fire in an hour. At work: so many
schedules, spread evenly, that a thousand fires are due each second; how late each was, from its
nominal time to when its job was stored and told of (ours) or the function was called (the others).

    python benchmarks/schedules.py [--schedules 100000] [--seconds 20] [--on Redis]
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
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from beside import PYTHON, redis
from lines import Bound, Line, beside_other, print_table
from programs import ProgramFailed, environ

from tests.servers import PostgresServer

RATE = 1000
"""Fires a second at work."""
PERIOD = 10
"""Seconds between two fires of one schedule at work."""
TICK = os.sysconf("SC_CLK_TCK")
IDLE_BOUND = Bound(2, "value")
RATE_BOUND = Bound(RATE - 5, "value", at_least=True)
"""A fire at the edge of what is counted may fall on either side of it."""
LATE_BOUND = Bound(250, "value")
STOCK_SCHEDULERS = {
    "SQLite": ("sqlalchemy", "stock APScheduler"),
    "PostgreSQL": ("memory", "stock APScheduler in memory"),
    "Redis": ("cron", "RQ's CronScheduler"),
}
SCHEDULER = """\
import json, sys, time
from flowerpower.job_queue import JobQueueManager
from flowerpower.triggers import clock

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
        # A job that has never run would run at once, whatever its next time is.
        job.set_enqueue_time(begin + timedelta(seconds=3 - period + period * number / count))
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
# A copy: the scheduler goes on.
late = sorted(late)
fired = len(late)
p99 = late[int(fired * 0.99)] if late else None
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
figures = {"fires": fired / seconds, "p99": p99, "cpu": used, "memory": memory}
# Not on stdout: there RQ logs each job that it adds, also while the figures would be printed.
with open("figures.json", "w") as stream:
    json.dump(figures, stream)
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


def _check(scheduler: subprocess.Popen[str]) -> None:
    if scheduler.poll() is not None:
        raise ProgramFailed(f"a scheduler ended with {scheduler.returncode}")


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
        _check(scheduler)
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
        _check(scheduler)
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
def _place(name: str) -> Iterator[dict[str, Any]]:
    """Where a queue of this kind is."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        options = {"url": f"sqlite:///{folder}/jobs.db"}
        if name == "PostgreSQL":
            server = stack.enter_context(contextlib.closing(PostgresServer()))
            options = {"url": server.url()}
        if name == "Redis":
            options = {"type": "rq", "url": stack.enter_context(redis(folder))}
        yield {**options, "base_dir": str(folder)}


def _stock(kind: str, where: str, count: int, period: float, seconds: float) -> dict[str, Any]:
    """The same of another scheduler, whose store is in the folder, or at the URL, `where`."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        (Path(folder) / "stock_schedules.py").write_text(STOCK)
        done = subprocess.run(
            [PYTHON, "-c", f"def fire(): pass\n\n{STOCK}" if kind != "cron" else STOCK,
             kind, where, str(count), str(period), str(seconds)],
            cwd=folder, env={**environ(), "PYTHONPATH": folder},
            check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if done.returncode:
            text = f"the scheduler {kind!r} ended with {done.returncode}: {done.stderr}"
            raise ProgramFailed(text)
        measured: dict[str, Any] = json.loads(figures.read_text())
    return measured


def lines(places: Sequence[str], schedules: int = 100_000, seconds: float = 20) -> Iterator[Line]:
    """What is measured, each as soon as it is known."""
    for place in places:
        with _place(place) as options:
            used, memory = _at_rest({**options, "namespace": "rest"}, schedules, seconds)
            what = f"{schedules:,} schedules at rest"
            yield Line(f"{what}, processor", place, "%", used * 100, bound=IDLE_BOUND)
            yield Line(f"{what}, memory", place, "MB", memory)
            rate, p99, used = _at_work({**options, "namespace": "work"}, seconds)
            kind, other = STOCK_SCHEDULERS[place]
            where = options["url" if kind == "cron" else "base_dir"]
            stock = _stock(kind, where, RATE * PERIOD, PERIOD, seconds)
        what = f"{RATE:,} fires due a second"
        yield beside_other(
            f"{what}, made", place, "/s", [(rate, stock["fires"])], other, RATE_BOUND
        )
        late = None if stock["p99"] is None else stock["p99"] * 1000
        yield Line(f"{what}, p99 late", place, "ms", p99 * 1000, other, late, bound=LATE_BOUND)
        pairs = [(used * 100, stock["cpu"] * 100)]
        yield beside_other(f"{what}, processor", place, "%", pairs, other)


def main() -> None:
    """Measure and print the lines."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--schedules", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--on", action="append", choices=STOCK_SCHEDULERS, help="repeatable")
    wanted = parser.parse_args()
    print_table(lines(wanted.on or list(STOCK_SCHEDULERS), wanted.schedules, wanted.seconds))


if __name__ == "__main__":
    main()
