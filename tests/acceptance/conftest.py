"""Fixtures for workers and children as real processes, workers on every backend."""

import contextlib
import random
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.children import Jobs
from tests.acceptance.working import MakeSite, Site
from tests.conftest import MakeProject
from tests.servers import PostgresServer, RedisServer


@pytest.fixture(params=["sqlite", "postgresql", "rq"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Where the queue is: in the project's own SQLite file, or on a server."""
    if request.param == "sqlite":
        return None
    if request.param == "rq":
        redis: RedisServer = request.getfixturevalue("redis_server")
        return redis.url()
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    """Makes projects with queues; at the end no process of theirs is left."""
    with contextlib.ExitStack() as stack:

        def make(url: str | None = None, name: str = "site") -> Site:
            site = Site(tmp_path / name, url)
            stack.callback(site.end)
            return site

        yield make


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A project with its queue on SQLite."""
    return make_site()


@pytest.fixture(scope="session")
def jobs() -> Iterator[Jobs]:
    """One fork server for all tests that leave it alive; nothing of it is left at the end."""
    jobs = Jobs()
    yield jobs
    assert jobs.server.is_alive
    jobs.end()


@pytest.fixture
def own_jobs() -> Iterator[Callable[..., Jobs]]:
    """Makes fork servers for one test."""
    with contextlib.ExitStack() as stack:

        def make(*arguments: Any, **options: Any) -> Jobs:
            jobs = Jobs(*arguments, **options)
            stack.callback(jobs.end)
            return jobs

        yield make


@pytest.fixture
def project(make_project: MakeProject) -> Callable[..., Path]:
    """Makes a project whose pipelines are single nodes with the bodies given."""

    def make(**bodies: str) -> Path:
        pipelines = {
            name: ("run: {}\n", "def value() -> object:\n" + textwrap.indent(body, "    ") + "\n")
            for name, body in bodies.items()
        }
        return make_project("name: demo\n", **pipelines)

    return make


@pytest.fixture
def dice() -> random.Random:
    """Chance, with its seed printed."""
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    return random.Random(seed)
