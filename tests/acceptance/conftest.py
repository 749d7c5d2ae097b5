"""Fixtures for workers as real processes, on every backend."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.working import MakeSite, Site
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
