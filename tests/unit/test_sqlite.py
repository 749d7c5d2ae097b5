"""The SQLite file: made whole, and where it is not what it should be told and left as it is."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.apscheduler import sqlite
from flowerpower.job_queue.apscheduler.database import in_list, queries
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter, JobStatus
from flowerpower.jobs.limits import Limit, Limits
from tests.acceptance.fault_records import compared
from tests.contract.fake_worker import FINISHED, FakeWorker, spec
from tests.contract.in_processes import in_processes, open_only

FILE = ".flowerpower/jobs.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database of the project in `tmp_path` is."""
    return tmp_path / FILE


def open_queue(root: Path) -> JobQueueBackend:
    return JobQueueManager(base_dir=root)


@pytest.fixture
def made(tmp_path: Path, path: Path) -> Path:
    """The database, made, with one job in it."""
    with open_queue(tmp_path) as backend:
        backend.add_job(spec("kept"))
    return path


def as_bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def assert_refused(root: Path, path: Path, reason: str = "") -> None:
    """Opening it names the file and what is wrong, and changes nothing."""
    before, links = as_bytes(path), path.is_symlink()
    with pytest.raises(BackendUnreachable) as refused:
        open_queue(root)
    assert str(path) in refused.value.message
    assert reason in refused.value.message
    assert "\n" not in refused.value.message
    assert as_bytes(path) == before
    assert path.is_symlink() is links


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "garbage": (lambda path: path.write_bytes(b"\x07garbage" * 1000), "not a database"),
    "zero bytes": (lambda path: path.write_bytes(b""), "empty"),
    "one byte": (lambda path: path.write_bytes(b"S"), ""),
    "cut in the header": (lambda path: os.truncate(path, 50), ""),
    "cut in the first page": (lambda path: os.truncate(path, 300), ""),
    "cut in the middle": (lambda path: os.truncate(path, path.stat().st_size // 2), "malformed"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "not a file"),
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "not a file"),
    "a link": (
        lambda path: path.symlink_to(path.rename(path.with_name("real.db"))),
        "symbolic link",
    ),
    "a dangling link": (
        lambda path: (path.unlink(), path.symlink_to(path.with_name("nothing"))),
        "symbolic link",
    ),
    "newer": (lambda path: run_sql(path, "PRAGMA user_version = 99"), "newer flowerpower"),
    "older": (lambda path: run_sql(path, "PRAGMA user_version = 0"), "version 0"),
}


def run_sql(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


RAISES = {
    "garbage": "sqlite-garbage",
    "zero bytes": "sqlite-empty",
    "a folder": "sqlite-folder",
    "a pipe": "sqlite-folder",
    "a link": "database-link",
    "a dangling link": "database-link",
    "newer": "sqlite-newer",
    "older": "sqlite-newer",
}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(name, marks=pytest.mark.fault(RAISES.get(name, "sqlite-truncated")))
        for name in DAMAGES
    ],
)
def test_a_file_that_is_not_ours_to_use_is_refused_and_left(
    tmp_path: Path, made: Path, damage: str
) -> None:
    """Whatever stands in the database's place, it is told, never written over, and may come back."""
    whole = made.read_bytes()
    damage_file, reason = DAMAGES[damage]
    damage_file(made)
    assert_refused(tmp_path, made, reason)
    if made.is_dir():
        made.rmdir()
    else:
        made.unlink()
    made.write_bytes(whole)
    with open_queue(tmp_path) as backend:
        claimed = [claim.job_id for claim in FakeWorker(backend).claim(5)]
        compared(["kept"], claimed)
        assert claimed == ["kept"]


@pytest.mark.parametrize("version", [0, 1, 99])
def test_a_database_of_others_is_refused_and_left(tmp_path: Path, path: Path, version: int) -> None:
    """Another program's SQLite file is not ours, whatever version it says."""
    path.parent.mkdir()
    run_sql(path, "CREATE TABLE notes (text)", f"PRAGMA user_version = {version}")
    assert_refused(tmp_path, path, "not a database of flowerpower")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, path: Path) -> None:
    """A file where the folder should be is named and left."""
    path.parent.write_text("a file")
    with pytest.raises(BackendUnreachable, match=r"jobs\.db"):
        open_queue(tmp_path)
    assert path.parent.read_text() == "a file"


@pytest.mark.fault("file-modes")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    """The file and what SQLite puts beside it are 0600, folders that were made are 0700."""
    old = os.umask(0)
    try:
        with JobQueueManager(base_dir=tmp_path, url="sqlite:///a/b/jobs.db") as backend:
            backend.add_job(spec())
            files = {
                file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "a/b").iterdir()
            }
    finally:
        os.umask(old)
    assert files == {"jobs.db": 0o600, "jobs.db-wal": 0o600, "jobs.db-shm": 0o600}
    assert [(tmp_path / folder).stat().st_mode & 0o777 for folder in ("a", "a/b")] == [0o700] * 2


def test_an_absolute_url_is_that_file(tmp_path: Path) -> None:
    """A URL with four slashes is an absolute path; odd characters in it are part of the name."""
    path = tmp_path / "else where" / "50%?#ä.db"
    with JobQueueManager(base_dir="/nowhere", url=f"sqlite:///{path}") as backend:
        backend.add_job(spec())
        assert backend.check()["url"] == f"sqlite:///{path}"
    assert path.is_file()


def test_eight_processes_make_the_file_once(tmp_path: Path, path: Path) -> None:
    """Eight that open a new project at once share one whole database, and nothing is left over."""
    for attempt in range(5):
        root = tmp_path / str(attempt)
        root.mkdir()
        assert in_processes(8, open_only, {"base_dir": str(root)}) == [""] * 8
        with open_queue(root) as backend:
            assert len(backend.list_jobs(JobFilter())) == 8
        assert {file.name for file in (root / FILE).parent.iterdir()} == {"jobs.db"}


def test_a_database_is_whole_or_absent(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If making it fails half way, nothing stands in its place, and the next try makes it."""
    with monkeypatch.context() as patch:
        half = [*sqlite.schema_statements()[:3], "CREATE TABLE flowerpower_jobs (twice)"]
        patch.setattr(sqlite, "schema_statements", lambda *_: half)
        with pytest.raises(BackendUnreachable, match="already exists"):
            open_queue(tmp_path)
    assert list(path.parent.iterdir()) == []
    with open_queue(tmp_path) as backend:
        backend.add_job(spec())


HOSTILE = ["CAST(x'ff00fe' AS TEXT)", "x'ff00'", "'banana'", "1e300", "-1e300"]


@pytest.mark.fault("record-damaged")
@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_in_any_column_stops_a_reader_or_a_claim(
    tmp_path: Path, made: Path, value: str
) -> None:
    """A column of any type that holds what it should not: jobs are listed, the good one claimed."""
    with contextlib.closing(sqlite3.connect(made)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(flowerpower_jobs)")]
    with open_queue(tmp_path) as backend:
        worker = FakeWorker(backend)
        for column in columns[2:]:
            backend.add_job(spec(f"bad-{column}"))
            run_sql(
                made, f"UPDATE flowerpower_jobs SET {column} = {value} WHERE id = 'bad-{column}'"
            )
        jobs = backend.list_jobs(JobFilter())
        for job in jobs:
            job.to_json()
        backend.list_workers()
        backend.next_due_in(["default"])
        claims = worker.claim(100)
        assert "kept" in {claim.job_id for claim in claims}
        for claim in claims:
            assert worker.finish(claim, FINISHED), claim
        backend.heartbeat(worker.name)
        backend.list_jobs(JobFilter())
        backend.prune(everything_ended=True)


def test_a_claim_looks_at_due_jobs_alone(tmp_path: Path, made: Path) -> None:
    """What each claim and poll asks goes by an index of its own, and nothing is sorted."""
    text, values = in_list("queue", ["default"])
    parameters = {"namespace": "default", "now": 0, "worker": "w", "count": 1, **values}
    indexes = {"claim": "order", "has_queued": "order", "next_due": "due", "promote": "due",
               "expired": "start_by", "is_worker_known": "start_by"}  # fmt: skip
    texts = {"queues": text, "names": "SELECT :queue0 AS name", "skip_locked": "", "for_share": "",
             "others": "AND pipeline NOT IN ('pandas')"}  # fmt: skip
    with contextlib.closing(sqlite3.connect(made)) as connection:
        for name, index in indexes.items():
            query = queries()[name]
            for key, value in texts.items():
                query = query.replace(f"{{{key}}}", value)
            plan = connection.execute(
                f"EXPLAIN QUERY PLAN {query}", {**parameters, "queue": "default"}
            ).fetchall()
            steps = [row[3] for row in plan]
            assert any(f"flowerpower_jobs_{index}" in step for step in steps), steps
            assert not any("TEMP B-TREE" in step for step in steps), steps
            assert not any(step.startswith("SCAN flowerpower_jobs") for step in steps), steps


def test_a_write_that_fails_half_way_leaves_nothing(
    tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status, progress and log are one write: if the log cannot be written, the job still runs."""
    with open_queue(tmp_path) as backend:
        worker = FakeWorker(backend)
        claim = worker.take()

        def fail(*_: Any) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr("flowerpower.job_queue.apscheduler.attempts.append_log", fail)
            with pytest.raises(ZeroDivisionError):
                worker.finish(claim, FINISHED, "words")
        assert backend.get_job("kept").status is JobStatus.RUNNING
        assert worker.finish(claim, FINISHED, "words")


def test_starts_that_count_for_no_rate_are_deleted(tmp_path: Path) -> None:
    """By the next start of the rate, or by `prune` if there is no such rate any more."""
    hourly = Limits({"api": Limit(starts=9, seconds=3600)}, {"report": ("api",)})
    short = Limits({"api": Limit(starts=9, seconds=0.01)}, hourly.of_pipeline)

    def starts(backend: JobQueueBackend) -> int:
        with backend.database.read() as tx:  # type: ignore[attr-defined]
            ((row,), _) = tx.execute("SELECT COUNT(*) AS count FROM flowerpower_starts", {})
            return int(row["count"])

    with open_queue(tmp_path) as backend:
        worker = FakeWorker(backend)
        for number in range(4):
            backend.add_job(spec(f"job-{number}"))
            assert backend.claim(worker.name, 1, ["default"], limits=hourly)
        backend.prune()
        assert starts(backend) == 4
        with backend.database.write() as tx:  # type: ignore[attr-defined]
            tx.execute("UPDATE flowerpower_starts SET started_at = started_at - 60", {})
        backend.add_job(spec("next"))
        assert backend.claim(worker.name, 1, ["default"], limits=short)
        assert starts(backend) == 1
        with backend.database.write() as tx:  # type: ignore[attr-defined]
            tx.execute("UPDATE flowerpower_starts SET started_at = 1", {})
        backend.prune()
        assert starts(backend) == 0
