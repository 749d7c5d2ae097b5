"""kill -9 of migrations in both directions, then a count."""

import random
from collections.abc import Callable

import pytest

from tests.acceptance.fault_records import counted, raised
from tests.acceptance.migration_campaign import HEAD, Count, MigrationCampaign
from tests.acceptance.working import MakeSite
from tests.servers import PostgresServer, RedisServer


@pytest.fixture
def run_campaign(
    make_site: MakeSite, redis_server: RedisServer
) -> Callable[[str | None, str], Count]:
    """Runs a small campaign between Redis and the SQL database at a URL; what it came to."""

    def run(url: str | None, broken: str = "") -> Count:
        redis, sql = make_site(redis_server.url(), "redis"), make_site(url, "sql")
        count = Count(sql.name, random.SystemRandom().randrange(2**32), 40, 40)
        print("seed", count.seed)
        MigrationCampaign(redis, sql, count, broken=broken).run(kills=3)
        print(HEAD, count.row(), *count.reasons, sep="\n")
        return count

    return run


@pytest.mark.fault("migration-killed")
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_no_kill_loses_or_doubles_anything(
    run_campaign: Callable[[str | None, str], Count],
    request: pytest.FixtureRequest,
    backend: str,
) -> None:
    """Schedules, jobs and fires are all there once, with every field as it was."""
    url = None
    if backend == "postgresql":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        url = postgres.new_database()
    count = run_campaign(url, "")
    raised(count.raised)
    counted(**count.counts)
    assert count.is_clean
    assert count.kills == 6
