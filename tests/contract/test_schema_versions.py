"""A database of an earlier version is upgraded when it is opened and keeps its content, or refused."""

import contextlib
import sqlite3
from pathlib import Path

import psycopg
import pytest

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.apscheduler.schema import SCHEMA_VERSION
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.schedule import Outcome
from tests.contract.fake_worker import FakeWorker, spec
from tests.contract.in_processes import in_processes, open_only
from tests.contract.test_schedules import every
from tests.servers import PostgresServer

VERSION_2 = (Path(__file__).parent / "schemas" / "version_2.sql").read_text("utf-8")
CONTENT = """
INSERT INTO flowerpower_jobs (namespace, id, pipeline, queue, payload, status, run_at, created_at,
    result_ttl, losses)
VALUES ('default', 'old', 'report', 'default', '{"v": 1, "overrides": {}}', 'queued', 1, 1, 60, 2);
INSERT INTO flowerpower_schedules (namespace, id, pipeline, definition, state, origin, created_at,
    anchor)
VALUES ('default', 'nightly', 'report', '{}', 'paused', 'api', 1, 1);
INSERT INTO flowerpower_fires (namespace, schedule_id, fire_time, outcome, job_id, recorded_at)
VALUES ('default', 'nightly', 60, 'made', 'nightly-19700101T000100Z', 60),
    ('default', 'nightly', 0, 'missed', NULL, 60);
"""


def _assert_upgraded(queue: JobQueueBackend) -> None:
    job = queue.get_job("old")
    assert (job.status, job.worker_losses) == (JobStatus.QUEUED, 2)
    outcomes = [fire.outcome for fire in queue.schedules.fires("nightly")]
    assert outcomes == [Outcome.ENQUEUED, Outcome.MISSED]
    assert FakeWorker(queue).take().job_id == "old"
    assert queue.schedules.add(every(60)).id == "report-1"


def _tables(file: Path) -> dict[str, set[tuple[object, ...]]]:
    """Columns and indexes of every table."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: {tuple(row[1:]) for row in connection.execute(f"PRAGMA table_info({name})")}
            | {(row[1],) for row in connection.execute(f"PRAGMA index_list({name})")}
            for (name,) in names
        }


def _sqlite_of_version_2(file: Path) -> str:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript(f"{VERSION_2};{CONTENT}; PRAGMA user_version = 2;")
    return f"sqlite:///{file}"


def test_sqlite_of_version_2_is_upgraded(tmp_path: Path) -> None:
    """Its jobs and ledger are kept, and its tables are those of a new database."""
    with JobQueueManager(url=_sqlite_of_version_2(tmp_path / "jobs.db")) as queue:
        _assert_upgraded(queue)
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    JobQueueManager(url=f"sqlite:///{tmp_path}/new.db").close()
    assert _tables(tmp_path / "jobs.db") == _tables(tmp_path / "new.db")


def test_sqlite_of_version_2_is_upgraded_once(tmp_path: Path) -> None:
    """Eight processes that open it at once all work with the upgraded tables."""
    options = {"url": _sqlite_of_version_2(tmp_path / "jobs.db"), "base_dir": str(tmp_path)}
    assert in_processes(8, open_only, options) == [""] * 8


def test_postgresql_of_version_2_is_upgraded(postgres: PostgresServer) -> None:
    """The same on PostgreSQL."""
    url = postgres.new_database()
    with contextlib.closing(psycopg.connect(url, autocommit=True)) as connection:
        schema = "CREATE TABLE flowerpower_schema (version INTEGER NOT NULL)"
        connection.execute(f"{VERSION_2};{CONTENT};{schema}")  # type: ignore[arg-type]
        connection.execute("INSERT INTO flowerpower_schema VALUES (2)")
    with JobQueueManager(url=url) as queue:
        _assert_upgraded(queue)
    with JobQueueManager(url=url) as queue:
        assert queue.get_job("old").status is JobStatus.RUNNING


def test_sqlite_of_version_1_is_refused(tmp_path: Path) -> None:
    """It is left as it is, and the message names its version and that which can be upgraded."""
    url = _sqlite_of_version_2(tmp_path / "jobs.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(BackendUnreachable, match=r"schema version 1; .* upgrades from 2"):
        JobQueueManager(url=url)
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT losses FROM flowerpower_jobs").fetchall() == [(2,)]


def test_postgresql_of_version_1_is_refused(postgres: PostgresServer) -> None:
    """The same on PostgreSQL."""
    url = postgres.new_database()
    with contextlib.closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute("CREATE TABLE flowerpower_schema (version INTEGER NOT NULL)")
        connection.execute("INSERT INTO flowerpower_schema VALUES (1)")
    with pytest.raises(BackendUnreachable, match=r"schema version 1; .* upgrades from 2"):
        JobQueueManager(url=url)


BACK_TO_7 = """
DROP TABLE flowerpower_children;
DROP TABLE flowerpower_starts;
DROP INDEX flowerpower_jobs_order;
DROP INDEX flowerpower_jobs_parked;
DROP INDEX flowerpower_jobs_running;
DROP INDEX flowerpower_jobs_unique;
DROP INDEX flowerpower_jobs_active;
ALTER TABLE flowerpower_jobs DROP COLUMN after_parents;
ALTER TABLE flowerpower_jobs DROP COLUMN has_children;
ALTER TABLE flowerpower_jobs DROP COLUMN unique_key;
ALTER TABLE flowerpower_jobs DROP COLUMN parked;
CREATE INDEX flowerpower_jobs_order
    ON flowerpower_jobs (namespace, queue, priority DESC, run_at, created_at)
    WHERE status = 'queued';
CREATE INDEX flowerpower_jobs_active ON flowerpower_jobs (namespace, concurrency_key, blocked)
    WHERE concurrency_key IS NOT NULL AND status IN ('scheduled', 'queued', 'running');
"""
BACK_TO_6 = f"""
{BACK_TO_7}
DROP TABLE flowerpower_paused_queues;
DROP TABLE flowerpower_counters;
DROP TABLE flowerpower_events;
DROP TABLE flowerpower_deliveries;
DROP INDEX flowerpower_jobs_ended;
"""
BACK_TO_5 = f"""
{BACK_TO_6}
DROP TABLE flowerpower_migration;
DROP TABLE flowerpower_outcomes;
DROP INDEX flowerpower_fires_spans;
ALTER TABLE flowerpower_fires DROP COLUMN last_time;
ALTER TABLE flowerpower_fires DROP COLUMN job_status;
DROP INDEX flowerpower_jobs_active;
DROP INDEX flowerpower_jobs_blocked;
DROP INDEX flowerpower_jobs_due;
ALTER TABLE flowerpower_jobs DROP COLUMN concurrency_key;
ALTER TABLE flowerpower_jobs DROP COLUMN max_parallel;
ALTER TABLE flowerpower_jobs DROP COLUMN blocked;
CREATE INDEX flowerpower_jobs_active ON flowerpower_jobs (namespace, schedule_id)
    WHERE schedule_id IS NOT NULL AND status IN ('scheduled', 'queued', 'running');
CREATE INDEX flowerpower_jobs_due ON flowerpower_jobs (namespace, run_at, queue)
    WHERE status = 'scheduled';
"""
BACK_TO_4 = f"""
{BACK_TO_5}
DROP INDEX flowerpower_jobs_order;
DROP INDEX flowerpower_jobs_due;
DROP INDEX flowerpower_jobs_start_by;
CREATE INDEX flowerpower_jobs_due ON flowerpower_jobs (namespace, status, run_at, queue);
ALTER TABLE flowerpower_jobs DROP COLUMN priority;
ALTER TABLE flowerpower_jobs DROP COLUMN expires_after;
ALTER TABLE flowerpower_jobs DROP COLUMN start_by;
"""
BACK_TO_3 = f"{BACK_TO_4} ALTER TABLE flowerpower_jobs DROP COLUMN attempts;"


@pytest.mark.parametrize(
    ("version", "back"),
    [(7, BACK_TO_7), (6, BACK_TO_6), (5, BACK_TO_5), (4, BACK_TO_4), (3, BACK_TO_3)],
)
def test_sqlite_of_a_version_between_is_upgraded(tmp_path: Path, version: int, back: str) -> None:
    """It gets the columns and indexes that it lacks; its jobs stay, with priority 0."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    with JobQueueManager(url=url) as queue:
        queue.add_job(spec("old"))
    before = _tables(tmp_path / "jobs.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        connection.executescript(f"{back} PRAGMA user_version = {version};")
    with JobQueueManager(url=url) as queue:
        queue.add_job(spec("urgent", priority=1))
        assert [queue.get_job(name).priority for name in ("old", "urgent")] == [0, 1]
        assert [claim.job_id for claim in FakeWorker(queue).claim(2)] == ["urgent", "old"]
    assert _tables(tmp_path / "jobs.db") == before


def test_postgresql_of_version_4_is_upgraded(postgres: PostgresServer) -> None:
    """The same on PostgreSQL."""
    url = postgres.new_database()
    with JobQueueManager(url=url) as queue:
        queue.add_job(spec("old"))
    with contextlib.closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(BACK_TO_4)
        connection.execute("UPDATE flowerpower_schema SET version = 4")
    with JobQueueManager(url=url) as queue:
        queue.add_job(spec("urgent", priority=1))
        assert [claim.job_id for claim in FakeWorker(queue).claim(2)] == ["urgent", "old"]


def test_jobs_of_schedules_still_count_after_an_upgrade(tmp_path: Path) -> None:
    """Version 5 had no concurrency keys: a job of a schedule that waits is not overlooked."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    with JobQueueManager(url=url) as queue:
        queue.schedules.add(every(60, "mine"))
        queue.add_job(spec("old", schedule_id="mine"))
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        connection.executescript(f"{BACK_TO_5} PRAGMA user_version = 5;")
    with JobQueueManager(url=url) as queue:
        with queue.database.write() as tx:  # type: ignore[attr-defined]
            tx.execute("UPDATE flowerpower_schedules SET next_fire = 60, due_at = 60", {})
        (*_, fire) = queue.schedules.fire_due().fires
        assert fire.outcome is Outcome.SKIPPED
