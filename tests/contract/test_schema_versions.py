"""A database that an earlier version made is brought up when it is opened, and keeps its jobs."""

import contextlib
import sqlite3
from importlib import resources
from pathlib import Path

import pytest

from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.apscheduler import database
from flowerpower.job_queue.apscheduler import postgres as on_postgresql
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobStatus
from tests.contract.fake_worker import FakeWorker, spec
from tests.contract.test_schedules import every
from tests.servers import PostgresServer


def _works_on(queue: JobQueueBackend) -> None:
    assert queue.get_job("old").status is JobStatus.QUEUED
    assert FakeWorker(queue).take().job_id == "old"
    assert queue.schedules.add(every(60)).id == "report-1"


def test_sqlite_of_version_1(tmp_path: Path) -> None:
    """Its jobs are there, schedules can be added, and it is of the present version then."""
    text = (resources.files(database.__package__) / "sql" / "schema_1.sql").read_text("utf-8")
    file = tmp_path / "jobs.db"
    url = f"sqlite:///{file}"
    with contextlib.closing(sqlite3.connect(file)) as old:
        old.executescript(f"{text}; PRAGMA user_version = 1;")
        old.execute(
            "INSERT INTO flowerpower_jobs (namespace, id, pipeline, queue, payload, status, run_at,"
            " created_at, result_ttl) VALUES ('default', 'old', 'report', 'default',"
            """ '{"v": 1, "overrides": {}}', 'queued', 1, 1, 60)"""
        )
        old.commit()
    with JobQueueManager(url=url, base_dir=tmp_path) as queue:
        _works_on(queue)
    with contextlib.closing(sqlite3.connect(file)) as new:
        assert new.execute("PRAGMA user_version").fetchone() == (database.SCHEMA_VERSION,)


def test_postgresql_of_version_1(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, there."""
    url = postgres.new_database()
    with monkeypatch.context() as earlier:
        for module in (database, on_postgresql):
            earlier.setattr(module, "SCHEMA_VERSION", 1)
        with JobQueueManager(url=url) as queue:
            queue.add_job(spec("old"))
    with JobQueueManager(url=url) as queue:
        _works_on(queue)
