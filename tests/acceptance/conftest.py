"""Fixtures for workers as real processes, on SQLite and on PostgreSQL."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.working import MakeSite, Site
from tests.servers import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests of one process."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    """Where the queue is: in the project's own SQLite file, or on the server."""
    if request.param == "sqlite":
        return None
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
