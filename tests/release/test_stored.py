"""What earlier versions, and this one, have stored is read by this version, and goes on."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from flowerpower import PipelineManager, __version__
from tests.release.redis_text import fill_redis, text_of_redis
from tests.release.store import PROJECT, STORED, environments, reading, write_database
from tests.servers import RedisServer

VERSIONS = sorted(folder.name for folder in STORED.iterdir())
DATABASE = 13
"""The one of the tests' Redis that is emptied here."""


@dataclass
class Stored:
    """A project as a version has left it, and what that version read there."""

    manager: PipelineManager
    expected: dict[str, Any]


@pytest.fixture(params=VERSIONS)
def folder(request: pytest.FixtureRequest) -> Path:
    """What one version has stored."""
    return STORED / str(request.param)


@pytest.fixture(params=["sqlite", "redis"])
def stored(
    request: pytest.FixtureRequest, folder: Path, redis_server: RedisServer, tmp_path: Path
) -> Iterator[Stored]:
    """The project of that version in a folder of its own, with its queue."""
    root = tmp_path / "project"
    shutil.copytree(PROJECT, root)
    shutil.copytree(folder / "files", root / ".flowerpower")
    environ = dict(environments(redis_server)[request.param])
    if request.param == "redis":
        environ["FLOWERPOWER_JOB_QUEUE_URL"] = redis_server.url(DATABASE)
        with redis.Redis.from_url(redis_server.url(DATABASE)) as client:
            client.flushdb()
            fill_redis(client, json.loads((folder / "redis.json").read_text("utf-8")))
    else:
        with contextlib.closing(sqlite3.connect(root / ".flowerpower" / "jobs.db")) as database:
            database.executescript((folder / "sqlite.sql").read_text("utf-8"))
    expected = json.loads((folder / f"{request.param}.expected.json").read_text("utf-8"))
    with contextlib.closing(PipelineManager(root, quiet=True, environ=environ)) as manager:
        yield Stored(manager, expected)


def test_all_is_read_as_the_version_read_it(stored: Stored) -> None:
    """Each job, log, schedule and fire; later versions may add keys."""
    _assert_holds(reading(stored.manager), stored.expected, "")


def _assert_holds(value: Any, expected: Any, place: str) -> None:
    if isinstance(expected, dict):
        for key, entry in expected.items():
            assert key in value, f"{place}.{key} is not there"
            _assert_holds(value[key], entry, f"{place}.{key}")
    elif isinstance(expected, list):
        assert len(value) == len(expected), place
        for number, entry in enumerate(expected):
            _assert_holds(value[number], entry, f"{place}[{number}]")
    else:
        assert value == expected, place


def test_what_waits_runs(stored: Stored) -> None:
    """A worker runs what was queued, and then the job that waited for it; the failed one again."""
    jobs = stored.manager.jobs
    jobs.retry("failed")
    stored.manager.job_queue.run_worker(burst=True)
    assert jobs.get("queued").result()["text"] == "42 EUR"
    assert jobs.get("waiting").status == "finished"
    failed = jobs.get("failed")
    assert failed.status == "failed"
    assert failed.attempt > stored.expected["jobs"]["failed"]["attempt"]
    assert jobs.get("finished").result()["text"] == "18 EUR"


def test_jobs_and_schedules_are_changed(stored: Stored) -> None:
    """They are cancelled, deleted, resumed and matched with YAML as those of this version."""
    manager = stored.manager
    assert manager.jobs.cancel("scheduled").status == "cancelled"
    manager.jobs.delete("finished")
    assert manager.schedules.resume("nightly").state == "active"
    assert manager.schedules.diff() == [], "what YAML declares is live"
    manager.schedules.delete("often")
    assert {job.id for job in manager.jobs.list()} == {*stored.expected["jobs"]} - {"finished"}
    assert {schedule.id for schedule in manager.schedules.list()} == (
        {*stored.expected["schedules"]} - {"often"}
    )


def test_values_of_the_cache_are_used_again(stored: Stored) -> None:
    """A run like that of the finished job computes nothing."""
    outcome = stored.manager.run_outcome("report")
    assert outcome.outputs == {"text": "18 EUR"}
    assert [node.name for node in outcome.nodes if not node.from_cache] == []


def test_redis_as_text_is_the_same_redis(folder: Path, redis_server: RedisServer) -> None:
    """What is written from the text is read as the same text."""
    content = json.loads((folder / "redis.json").read_text("utf-8"))
    with redis.Redis.from_url(redis_server.url(DATABASE)) as client:
        client.flushdb()
        fill_redis(client, content)
        again = text_of_redis(client)
    # What expires may be gone by now.
    lasting = {key: entry for key, entry in content.items() if entry["expires"] is None}
    assert lasting
    assert {key: again[key] for key in lasting} == lasting


def test_the_kept_tables_are_those_of_this_version(tmp_path: Path) -> None:
    """Tables that have changed since need another number, or `make stored` before the release."""
    shutil.copytree(PROJECT, tmp_path / "project")
    with contextlib.closing(PipelineManager(tmp_path / "project", quiet=True)) as manager:
        assert manager.jobs.list() == []
    place = tmp_path / "project" / ".flowerpower" / "jobs.db"
    write_database(place, tmp_path / "sqlite.sql")
    kept, made = (
        [part for part in file.read_text("utf-8").split(";\n") if not part.startswith("INSERT")]
        for file in (STORED / __version__ / "sqlite.sql", tmp_path / "sqlite.sql")
    )
    assert made == kept
