"""Stores what this version keeps of jobs, schedules and cache, for the tests of later versions.

python -m tests.release.store

A version's folder in `stored/` is made once, when it is released, and never changed. All is text:
a SQLite database as SQL, Redis as JSON. `expected.json` is what this version reads there.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import redis

from flowerpower import PipelineManager, __version__
from flowerpower.triggers import clock
from tests.release.redis_text import text_of_redis
from tests.servers import RedisServer

HERE = Path(__file__).parent
STORED = HERE / "stored"
PROJECT = HERE / "project"
NEVER = "2999-01-01T00:00:00+00:00"


def main() -> None:
    """Make the folder of this version anew."""
    target = STORED / __version__
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    server = RedisServer()
    try:
        for name, environ in environments(server).items():
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder, "project")
                shutil.copytree(PROJECT, root)
                expected = fill(root, environ)
                _write(target / f"{name}.expected.json", expected)
                if name == "sqlite":
                    write_database(root / ".flowerpower" / "jobs.db", target / "sqlite.sql")
                    _copy_files(root / ".flowerpower", target / "files")
        with redis.Redis.from_url(server.url()) as client:
            _write(target / "redis.json", text_of_redis(client))
    finally:
        server.close()
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"Wrote {target.relative_to(HERE)}: {size / 1000:.0f} kB.")


def environments(server: RedisServer) -> dict[str, dict[str, str]]:
    """The variables that choose each queue."""
    on_redis = {
        "FLOWERPOWER_JOB_QUEUE_TYPE": "rq", "FLOWERPOWER_JOB_QUEUE_URL": server.url(),
    }  # fmt: skip
    return {"sqlite": {}, "redis": on_redis}


def fill(root: Path, environ: dict[str, str]) -> dict[str, Any]:
    """Make jobs in every state, schedules of every kind and fires; return what is read of them."""
    with contextlib.closing(PipelineManager(root, quiet=True, environ=environ)) as manager:
        manager.add_job("report", job_id="finished", priority=5)
        manager.add_job("check", job_id="failed", inputs={"limit": 1000})
        manager.add_job("check", job_id="child-of-finished", after="finished")
        now = clock.now()
        manager.schedule("check", date=(now + timedelta(seconds=1)).isoformat(),
                         schedule_id="once")  # fmt: skip
        _work_until(manager, now + timedelta(seconds=1.5))
        # No worker runs from here on.
        manager.add_job("report", job_id="queued", inputs={"factor": 7})
        manager.add_job("report", job_id="scheduled", run_at=NEVER)
        manager.add_job("check", job_id="waiting", after="queued", on="end")
        manager.add_job("check", job_id="unique", unique=True)
        manager.add_job("check", job_id="cancelled", run_at=NEVER).cancel()
        _add_schedules(manager)
        return reading(manager)


def _work_until(manager: PipelineManager, end: datetime) -> None:
    while clock.now() < end or not manager.schedules.history("once"):
        manager.job_queue.run_worker(burst=True, with_scheduler=True)
        time.sleep(0.1)
    manager.job_queue.run_worker(burst=True)


def _add_schedules(manager: PipelineManager) -> None:
    manager.schedules.apply("report")
    manager.schedules.pause("nightly")
    manager.schedule("check", interval="6h", schedule_id="often", start=NEVER)
    manager.schedule(
        "check", cron="0 8 * * 1-5", schedule_id="working-days", start=NEVER, overlap="queue",
        except_=["2999-01-02"], inputs={"limit": 20}, jitter="5m",
    )  # fmt: skip
    manager.schedules.backfill("nightly", start="2026-11-01", end="2026-11-04")


def reading(manager: PipelineManager) -> dict[str, Any]:
    """All that is read of jobs and schedules, as JSON."""
    schedules = manager.schedules.list()
    return {
        "jobs": {job.id: job.to_json() for job in manager.jobs.list()},
        "schedules": {schedule.id: schedule.to_json() for schedule in schedules},
        "fires": {
            schedule.id: [fire.to_json() for fire in schedule.history()] for schedule in schedules
        },
        "logs": {job.id: job.log() for job in manager.jobs.list() if job.attempt},
    }


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def write_database(database: Path, file: Path) -> None:
    """Write the SQLite file as SQL."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        lines = [*connection.iterdump(), f"PRAGMA user_version = {version};"]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _copy_files(folder: Path, target: Path) -> None:
    """The files of the project's own folder, which git would not take under its real name.

    Not the signatures: they hold paths and times of this machine, and are made anew elsewhere.
    """
    left_out = shutil.ignore_patterns("jobs.db*", "*.lock", "signatures")
    shutil.copytree(folder, target, ignore=left_out)


if __name__ == "__main__":
    main()
