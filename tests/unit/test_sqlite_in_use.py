"""The SQLite file while it is in use: gone, replaced, locked, read-only, on a full disk."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowerpower.errors import BackendUnreachable
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.apscheduler import sqlite
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.job import JobFilter
from tests.acceptance.fault_records import compared, counted
from tests.conditions import eventually, slowed
from tests.contract.fake_worker import spec, with_inputs
from tests.contract.in_processes import in_processes

FILE = ".flowerpower/jobs.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database of the project in `tmp_path` is."""
    return tmp_path / FILE


@pytest.fixture
def made(tmp_path: Path, path: Path) -> Path:
    """The database, made, with one job in it."""
    with open_queue(tmp_path) as backend:
        backend.add_job(spec("kept"))
    return path


def open_queue(root: Path) -> JobQueueBackend:
    return JobQueueManager(base_dir=root)


@pytest.mark.fault("sqlite-deleted")
def test_a_file_deleted_while_in_use_is_told_until_it_is_back(tmp_path: Path, made: Path) -> None:
    """Without its file every call fails and makes none; with it back all goes on."""
    away = made.with_name("away.db")
    with open_queue(tmp_path) as backend:
        made.rename(away)
        for call in (lambda: backend.get_job("kept"), lambda: backend.add_job(spec("new"))):
            with pytest.raises(BackendUnreachable, match="No such file"):
                call()
        with pytest.raises(BackendUnreachable):
            backend.check()
        assert not made.exists()
        away.rename(made)
        assert backend.add_job(spec("new")).created
        compared(["kept", "new"], (job.id for job in backend.list_jobs(JobFilter())))
        assert len(backend.list_jobs(JobFilter())) == 2


@pytest.mark.fault("sqlite-deleted")
def test_a_file_replaced_while_in_use_is_told_until_it_is_back(tmp_path: Path, made: Path) -> None:
    """What took the database's place is neither written to nor read from."""
    away = made.with_name("away.db")
    with open_queue(tmp_path) as backend:
        backend.get_job("kept")
        made.rename(away)
        shutil.copy(away, made)
        other = made.read_bytes()
        with pytest.raises(BackendUnreachable, match="another file took its place"):
            backend.add_job(spec("new"))
        assert made.read_bytes() == other
        away.rename(made)
        assert backend.add_job(spec("new")).created
        compared(["kept", "new"], (job.id for job in backend.list_jobs(JobFilter())))


def _hold(ready: Any, number: int, path: str, marker: str, seconds: float) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        Path(marker).touch()
        time.sleep(seconds)
        connection.execute("ROLLBACK")


@contextlib.contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Another process holds the database for so long."""
    marker = path.with_name("locked")
    holder = threading.Thread(target=in_processes, args=(1, _hold, str(path), str(marker), seconds))
    holder.start()
    eventually(marker.exists)
    yield
    holder.join()
    marker.unlink()


def test_a_lock_of_three_seconds_is_waited_for(tmp_path: Path, made: Path) -> None:
    """While another process writes, readers go on, and a writer waits for its turn."""
    with open_queue(tmp_path) as backend, locked(made, 3.0):
        began = time.monotonic()
        assert backend.get_job("kept")
        assert time.monotonic() - began < slowed(1)
        assert backend.add_job(spec("new")).created
        assert 1 < time.monotonic() - began < slowed(10)


@pytest.mark.fault("sqlite-locked")
def test_a_lock_without_end_is_told(
    tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time that a writer waits it is told, and once free all goes on."""
    assert sqlite.BUSY_TIMEOUT < 20
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", 0.3)
    with open_queue(tmp_path) as backend:
        with (
            locked(made, 1.5),
            pytest.raises(BackendUnreachable, match=r"jobs\.db cannot be used: database is locked"),
        ):
            backend.add_job(spec("new"))
        assert backend.add_job(spec("new")).created


def _error_of(act: Callable[[], object]) -> str:
    try:
        act()
    except BackendUnreachable as error:
        return error.message
    return ""


@contextlib.contextmanager
def ordinary() -> Iterator[None]:
    """While this lasts the modes of files hold for root too.

    Another user might not be able to read the modules and the SQL of this checkout.
    """
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None)
    version_and_thread = (ctypes.c_uint32 * 2)(0x20080522, 0)
    rights = (ctypes.c_uint32 * 6)()
    assert libc.capget(version_and_thread, rights) == 0
    effective = rights[0]
    # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
    rights[0] &= ~(1 << 1 | 1 << 2)
    assert libc.capset(version_and_thread, rights) == 0
    try:
        yield
    finally:
        rights[0] = effective
        assert libc.capset(version_and_thread, rights) == 0


def _without_rights(ready: Any, number: int, root: str) -> dict[str, str]:
    """As an ordinary user: what is told with the file, then with the folder read-only."""
    file = Path(root, "jobs.db")
    options: dict[str, Any] = {"base_dir": root, "url": "sqlite:///jobs.db"}

    errors: dict[str, str] = {}
    Path(root).chmod(0o555)
    with ordinary():
        errors["no file, folder read-only"] = _error_of(lambda: JobQueueManager(**options))
    assert not file.exists()
    Path(root).chmod(0o777)
    with ordinary():
        backend = JobQueueManager(**options)
        backend.add_job(spec("kept"))
        backend.close()
    file.chmod(0o400)
    with ordinary():
        errors["file read-only"] = _error_of(
            lambda: JobQueueManager(**options).add_job(spec("new"))
        )
        errors["still"] = _error_of(lambda: backend.add_job(spec("new")))
    file.chmod(0o600)
    with ordinary():
        errors["right again"] = _error_of(lambda: backend.add_job(spec("new")))
        errors["count"] = str(len(backend.list_jobs(JobFilter())))
        backend.close()
    Path(root).chmod(0o555)
    with ordinary():
        errors["folder read-only"] = _error_of(
            lambda: JobQueueManager(**options).add_job(spec("more"))
        )
    Path(root).chmod(0o777)
    return errors


@pytest.mark.fault("sqlite-read-only")
def test_read_only_files_and_folders_are_told() -> None:
    """Without the right to write nothing is made or lost, and with it the same manager goes on."""
    root = tempfile.mkdtemp(prefix="flowerpower-")
    try:
        (errors,) = in_processes(1, _without_rights, root)
    finally:
        shutil.rmtree(root)
    count = int(errors.pop("count"))
    counted(lost=max(0, 2 - count), doubled=max(0, count - 2))
    assert (errors.pop("right again"), count) == ("", 2)
    assert len(errors) == 4
    for case, message in errors.items():
        assert f"{root}/jobs.db cannot be used" in message, case


def _with_a_full_disk(ready: Any, number: int, root: str) -> tuple[list[str], list[str], list[str]]:
    """Add jobs until no file may grow, then let them grow again."""
    backend = JobQueueManager(base_dir=root)
    backend.add_job(spec("first"))
    limit = Path(root, FILE).stat().st_size + 400_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    added, errors = _fill(backend)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return added, errors, _after(backend)


def _fill(backend: JobQueueBackend) -> tuple[list[str], list[str]]:
    added, errors = ["first"], []
    for number in range(500):
        job = spec(f"n-{number}", overrides=with_inputs(x="x" * 20_000))
        try:
            backend.add_job(job)
        except BackendUnreachable as error:
            errors.append(error.message)
            if len(errors) == 3:
                break
        else:
            added.append(job.id)
    return added, errors


def _after(backend: JobQueueBackend) -> list[str]:
    backend.add_job(spec("last"))
    ids = [job.id for job in backend.list_jobs(JobFilter(limit=1000))]
    backend.close()
    return ids


def check_full_disk(added: list[str], errors: list[str], ids: list[str], path: Path) -> None:
    compared([*added, "last"], ids)
    assert len(errors) == 3
    assert all(str(path) in message for message in errors), errors
    assert sorted(ids) == sorted([*added, "last"])


@pytest.mark.fault("sqlite-full")
def test_a_file_that_may_not_grow_is_told(tmp_path: Path, path: Path) -> None:
    """With no room each write says so and is absent; what was acknowledged is there afterwards."""
    ((added, errors, ids),) = in_processes(1, _with_a_full_disk, str(tmp_path))
    check_full_disk(added, errors, ids, path)


def _can_mount() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


@pytest.mark.fault("sqlite-full")
@pytest.mark.skipif(not _can_mount(), reason="needs root to mount a small file system")
def test_a_full_disk_is_told(tmp_path: Path, path: Path) -> None:
    """On a file system of one megabyte, full and then made larger, nothing acknowledged is lost."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        backend = open_queue(tmp_path)
        backend.add_job(spec("first"))
        added, errors = _fill(backend)
        with pytest.raises(BackendUnreachable, match="full"):
            JobQueueManager(base_dir=tmp_path, url="sqlite:///other.db")
        assert not (tmp_path / "other.db").exists()
        # A process that opens it anew has no room for the files beside it, which SQLite calls an
        # I/O error.
        with pytest.raises(BackendUnreachable, match="the disk is full") as caught:
            open_queue(tmp_path).add_job(spec("anew", overrides=with_inputs(x="x" * 20_000)))
        assert "once there is room" in str(caught.value.hint)
        subprocess.run(["mount", "-o", "remount,size=20m", str(tmp_path)], check=True)
        check_full_disk(added, errors, _after(backend), path)
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_what_nobody_closes_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manager that is dropped, or used again after it was closed, leaves no connection open."""
    connections: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def recorded(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connections.append(connect(*arguments, **options))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", recorded)
    backend = open_queue(tmp_path)
    thread = threading.Thread(target=backend.list_jobs, args=(JobFilter(),))
    thread.start()
    thread.join()
    backend.close()
    backend.list_jobs(JobFilter())
    del backend, thread
    gc.collect()
    assert len(connections) == 4
    for connection in connections:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
