"""Every test that asks for `setup` or `backend` runs on every backend.

A queue in memory is a SQLite file of the same code, in a private folder that its manager deletes. So
it only takes the tests that are marked `in_memory`: how it is opened, checked and closed, its
threads, and for each part of its manager (jobs, logs, schedules, fires, workers, notices, …) one
test that goes through it. Whatever depends on more than the file, its place and its life needs the
mark.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowerpower.job_queue.apscheduler.job_store import FlowerpowerJobStore
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.job_queue.schedule_store import FIRES_KEPT
from tests.contract.backends import BackendSetup
from tests.contract.fake_worker import FakeWorker
from tests.contract.in_memory import InMemory
from tests.contract.on_postgresql import OnPostgresql
from tests.contract.on_redis import OnRedis
from tests.contract.on_sqlite import OnSqlite
from tests.contract.stock import Stock
from tests.contract.users_scheduler import LoopingScheduler
from tests.servers import RedisServer

BACKENDS: dict[str, type[BackendSetup]] = {
    "rq": OnRedis,
    "sqlite": OnSqlite,
    "postgresql": OnPostgresql,
    "memory": InMemory,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "setup" not in metafunc.fixturenames:
        return
    in_memory = metafunc.definition.get_closest_marker("in_memory")
    kinds = [name for name, setup in BACKENDS.items() if setup.is_shared or in_memory]
    metafunc.parametrize("setup", kinds, indirect=True)


@pytest.fixture
def setup(request: pytest.FixtureRequest, tmp_path: Path) -> BackendSetup:
    """An empty queue on one of the backends, below the folder `work`."""
    root = tmp_path / "work"
    root.mkdir(exist_ok=True)
    if request.param == "rq":
        return OnRedis(root, _address(request, "REDIS", "redis_server"))
    if request.param == "postgresql":
        return OnPostgresql(root, _address(request, "POSTGRESQL", "postgres"))
    return OnSqlite(root) if request.param == "sqlite" else InMemory(root)


def _address(request: pytest.FixtureRequest, kind: str, server: str) -> str:
    """The URL of FLOWERPOWER_TEST_…_URL, else that of a server of the tests' own."""
    url = os.environ.get(f"FLOWERPOWER_TEST_{kind}_URL")
    return url or str(request.getfixturevalue(server).url())


@pytest.fixture
def backend(setup: BackendSetup) -> Iterator[JobQueueBackend]:
    """A manager of the queue at `setup`."""
    with setup.open() as opened:
        yield opened


@pytest.fixture
def other(setup: BackendSetup, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A queue of the other engine."""
    root = tmp_path / "other"
    root.mkdir()
    if isinstance(setup, OnRedis):
        place: BackendSetup = OnSqlite(root)
    else:
        place = OnRedis(root, str(request.getfixturevalue("redis_server").url()))
    with place.open() as opened:
        yield opened


@pytest.fixture
def scheduler(backend: JobQueueBackend) -> Iterator[LoopingScheduler]:
    """A running scheduler with a store of its own, and ours."""
    running = LoopingScheduler(
        timezone="UTC", jobstores={"flowerpower": FlowerpowerJobStore(backend)}
    )
    running.start()
    yield running
    if running.running:
        running.shutdown()


@pytest.fixture
def redis_place(redis_server: RedisServer, tmp_path: Path) -> OnRedis:
    """An empty queue on Redis, for tests of that backend alone."""
    return OnRedis(tmp_path / "work", redis_server.url())


@pytest.fixture
def stock(redis_place: OnRedis) -> Iterator[Stock]:
    """RQ's own classes on that queue."""
    opened = Stock(redis_place)
    yield opened
    opened.client.close()


@pytest.fixture(params=[100, pytest.param(FIRES_KEPT, marks=pytest.mark.faults)])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows of a ledger the backends keep: here fewer, so that a test writes fewer."""
    for package in ("apscheduler", "rq"):
        module = f"flowerpower.job_queue.{package}.schedules"
        monkeypatch.setattr(f"{module}.FIRES_KEPT", request.param)
    return int(request.param)


@pytest.fixture
def fake_worker(backend: JobQueueBackend) -> FakeWorker:
    """A worker of `backend`, driven a step at a time."""
    return FakeWorker(backend)


@pytest.fixture
def dice() -> random.Random:
    """Chance, with its seed printed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)
